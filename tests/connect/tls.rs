//! `sslmode` against a server with certificates of our own making.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use lockpit::pg::connect::ErrorKind;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::*;

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key.
    fn issue(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.0).expect("a certificate");
        (cert.pem(), key.serialize_pem())
    }
}

fn params(common_name: &str, alternatives: &[&str]) -> CertificateParams {
    let alternatives: Vec<String> = alternatives.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(alternatives).expect("names");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// Runs the cluster with TLS.
fn run_with(cluster: &mut Cluster, (cert, key): &(String, String), more: &[&str]) {
    cluster.write("data/server.crt", cert);
    cluster.write("data/server.key", key);
    cluster.run(&[&["ssl=on"], more].concat());
}

/// A connection to the cluster under the name `host`.
async fn connect_as(cluster: &Cluster, host: &str, more: &str) -> Result<Session, ConnectError> {
    let text = format!("host={host} hostaddr=127.0.0.1 port={} user=postgres {more}", cluster.port);
    connect(&resolve(&text, &[], None)).await
}

fn root(cluster: &Cluster, name: &str, pem: &str) -> String {
    format!("sslrootcert={}", cluster.write(name, pem).display())
}

#[tokio::test]
async fn sslmode_decides_what_is_encrypted_and_what_is_checked() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let mut cluster = Cluster::new();
    run_with(&mut cluster, &ours.issue(&params("db", &["db.example", "127.0.0.1"])), &[]);
    let (known, unknown) =
        (root(&cluster, "ours.crt", &ours.pem()), root(&cluster, "other.crt", &other.pem()));

    let encrypted = [
        ("db.example", "sslmode=disable".to_owned(), false),
        ("db.example", "sslmode=allow".to_owned(), false),
        ("db.example", String::new(), true),
        ("db.example", "sslmode=prefer".to_owned(), true),
        ("db.example", "sslmode=require".to_owned(), true),
        ("wrong.example", format!("sslmode=require {known}"), true),
        ("wrong.example", format!("sslmode=verify-ca {known}"), true),
        ("db.example", format!("sslmode=verify-full {known}"), true),
        ("127.0.0.1", format!("sslmode=verify-full {known}"), true),
        ("db.example", format!("sslmode=verify-full ssl_max_protocol_version=TLSv1.2 {known}"), true),
        ("db.example", format!("sslmode=verify-full ssl_min_protocol_version=TLSv1.3 {known}"), true),
    ];
    for (host, more, tls) in encrypted {
        let session =
            connect_as(&cluster, host, &more).await.unwrap_or_else(|e| panic!("{host} {more}: {e}"));
        assert_eq!(session.is_tls(), tls, "{more}");
        let server = value(&session, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await;
        assert_eq!(server, if tls { "t" } else { "f" }, "{more}");
    }
    let refused = [
        ("wrong.example", format!("sslmode=verify-full {known}"), ErrorKind::CertificateName),
        ("db.example", format!("sslmode=verify-full {unknown}"), ErrorKind::CertificateIssuer),
        ("db.example", format!("sslmode=verify-ca {unknown}"), ErrorKind::CertificateIssuer),
        // With a root certificate, require is verify-ca.
        ("db.example", format!("sslmode=require {unknown}"), ErrorKind::CertificateIssuer),
        ("db.example", "sslmode=verify-full sslrootcert=/nowhere".to_owned(), ErrorKind::TlsFiles),
        ("db.example", "sslmode=verify-ca".to_owned(), ErrorKind::TlsFiles),
    ];
    for (host, more, expected) in refused {
        let error = connect_as(&cluster, host, &more).await.expect_err(&more);
        assert_eq!(error.kind(), expected, "{more}: {error}");
        assert!(!error.is_transient());
    }
    // The default place of the root certificate.
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir(home.path().join(".postgresql")).expect("a directory");
    fs::write(home.path().join(".postgresql/root.crt"), ours.pem()).expect("it is written");
    let text =
        format!("host=db.example hostaddr=127.0.0.1 port={} user=postgres sslmode=verify-full", cluster.port);
    connect(&resolve(&text, &[], Some(home.path()))).await.expect("the root is found");
}

#[tokio::test]
async fn certificates_that_are_old_or_of_a_simple_kind() {
    let ours = Authority::new("ours");
    let mut cluster = Cluster::new();
    let known = root(&cluster, "ours.crt", &ours.pem());

    let mut expired = params("db", &["db.example"]);
    (expired.not_before, expired.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    run_with(&mut cluster, &ours.issue(&expired), &[]);
    for mode in ["verify-ca", "verify-full"] {
        let error = connect_as(&cluster, "db.example", &format!("sslmode={mode} {known}")).await;
        assert_eq!(kind(error), ErrorKind::CertificateDate, "{mode}");
    }
    assert!(connect_as(&cluster, "db.example", "sslmode=require").await.expect("it encrypts").is_tls());

    // A common name and no alternative one, as libpq takes it.
    run_with(&mut cluster, &ours.issue(&params("db.example", &[])), &[]);
    connect_as(&cluster, "db.example", &format!("sslmode=verify-full {known}"))
        .await
        .expect("the common name fits");
    let wrong = connect_as(&cluster, "wrong.example", &format!("sslmode=verify-full {known}")).await;
    assert_eq!(kind(wrong), ErrorKind::CertificateName);

    // A common name does not count beside an alternative one.
    run_with(&mut cluster, &ours.issue(&params("db.example", &["other.example"])), &[]);
    let wrong = connect_as(&cluster, "db.example", &format!("sslmode=verify-full {known}")).await;
    assert_eq!(kind(wrong), ErrorKind::CertificateName);

    // A self-signed certificate that is its own root, as `openssl req -x509` makes it.
    let (root_name, mut own) = ("own.crt", params("db.example", &["db.example"]));
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let cert = own.self_signed(&key).expect("a certificate").pem();
    let itself = root(&cluster, root_name, &cert);
    run_with(&mut cluster, &(cert, key.serialize_pem()), &[]);
    connect_as(&cluster, "db.example", &format!("sslmode=verify-full {itself}"))
        .await
        .expect("it is trusted itself");
    let stranger = connect_as(&cluster, "db.example", &format!("sslmode=verify-ca {known}")).await;
    assert_eq!(kind(stranger), ErrorKind::CertificateIssuer);

    // The same, expired.
    (own.not_before, own.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let cert = own.self_signed(&key).expect("a certificate").pem();
    let itself = root(&cluster, root_name, &cert);
    run_with(&mut cluster, &(cert, key.serialize_pem()), &[]);
    let old = connect_as(&cluster, "db.example", &format!("sslmode=verify-ca {itself}")).await;
    assert_eq!(kind(old), ErrorKind::CertificateDate);
}

#[tokio::test]
async fn the_other_way_is_tried_where_sslmode_allows_it() {
    let ours = Authority::new("ours");
    let mut cluster = Cluster::new();
    cluster.hba(
        "local all all trust\nhostssl tls all 127.0.0.1/32 trust\nhostnossl plain all 127.0.0.1/32 trust\n",
    );
    run_with(&mut cluster, &ours.issue(&params("db", &["db.example"])), &[]);
    let admin = superuser(&cluster).await;
    for database in ["tls", "plain"] {
        execute(&admin, &format!("CREATE DATABASE {database}")).await;
    }
    for mode in ["allow", "prefer"] {
        for (dbname, tls) in [("tls", true), ("plain", false)] {
            let more = format!("sslmode={mode} dbname={dbname}");
            let session =
                connect_as(&cluster, "db.example", &more).await.unwrap_or_else(|e| panic!("{more}: {e}"));
            assert_eq!(session.is_tls(), tls, "{more}");
        }
    }
    for (mode, dbname) in [("disable", "tls"), ("require", "plain")] {
        let more = format!("sslmode={mode} dbname={dbname}");
        assert_eq!(kind(connect_as(&cluster, "db.example", &more).await), ErrorKind::HbaReject, "{more}");
    }
}

#[tokio::test]
async fn a_client_proves_itself_by_certificate_and_a_password_is_bound_to_the_channel() {
    let ours = Authority::new("ours");
    let mut cluster = Cluster::new();
    cluster.hba(
        "local all all trust\n\
         hostssl all ann 127.0.0.1/32 cert\n\
         host all bob 127.0.0.1/32 scram-sha-256\n",
    );
    cluster.write("data/ca.crt", &ours.pem());
    let server = ours.issue(&params("db", &["db.example"]));
    run_with(&mut cluster, &server, &["ssl_ca_file=ca.crt"]);
    let admin = superuser(&cluster).await;
    execute(&admin, "CREATE ROLE ann LOGIN").await;
    execute(&admin, "CREATE ROLE bob LOGIN PASSWORD 'secret'").await;

    let mut ann = params("ann", &[]);
    ann.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (cert, key) = ours.issue(&ann);
    let (cert, key): (PathBuf, PathBuf) = (cluster.write("ann.crt", &cert), cluster.write("ann.key", &key));
    let text = |user: &str, more: &str| {
        format!("host=db.example hostaddr=127.0.0.1 port={} user={user} dbname=postgres {more}", cluster.port)
    };
    let with_cert =
        text("ann", &format!("sslmode=require sslcert={} sslkey={}", cert.display(), key.display()));
    let session = connect(&resolve(&with_cert, &[], None)).await.expect("the certificate lets ann in");
    assert_eq!(value(&session, "SELECT current_user").await, "ann");
    assert_eq!(
        kind(connect(&resolve(&text("ann", "sslmode=require"), &[], None)).await),
        ErrorKind::Authentication
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("its mode is set");
    assert_eq!(kind(connect(&resolve(&with_cert, &[], None)).await), ErrorKind::TlsFiles);

    let bound = text("bob", "password=secret channel_binding=require");
    let tls = connect(&resolve(&format!("{bound} sslmode=require"), &[], None)).await;
    assert!(tls.expect("the channel is bound").is_tls());
    let plain = connect(&resolve(&format!("{bound} sslmode=disable"), &[], None)).await;
    assert_eq!(kind(plain), ErrorKind::Authentication);
}

#[tokio::test]
async fn a_cancel_takes_tls_where_the_session_does() {
    let ours = Authority::new("ours");
    let mut cluster = Cluster::new();
    run_with(&mut cluster, &ours.issue(&params("db", &["db.example"])), &[]);
    let session = connect_as(&cluster, "db.example", "sslmode=require").await.expect("it connects");
    let (slept, cancelled) = tokio::join!(
        session.client().batch_execute("SELECT pg_sleep(60)"),
        sessions::cancel_once_active(&cluster, &session)
    );
    cancelled.expect("the request arrives");
    let code = slept.expect_err("it was cancelled").code().cloned();
    assert_eq!(code, Some(tokio_postgres::error::SqlState::QUERY_CANCELED));
}
