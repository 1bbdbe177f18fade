//! Connection strings as a whole: precedence, defaults, refusals, and nothing that leaks.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::host::Address;
use super::settings::SessionSettings;
use super::tls::SslMode;
use super::*;

fn args(conninfo: &str) -> ConnArgs {
    ConnArgs { conninfo: Some(conninfo.to_owned()), ..ConnArgs::default() }
}

fn resolve_with(
    args: &ConnArgs,
    env: &[(&str, &str)],
    home: Option<&Path>,
) -> Result<Conninfo, ConninfoError> {
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    Conninfo::resolve(args, |name| env.get(name).map(|value| (*value).to_owned()), home)
}

fn resolve(conninfo: &str) -> Result<Conninfo, ConninfoError> {
    resolve_with(&args(conninfo), &[], None)
}

fn display(conninfo: &str) -> String {
    resolve(conninfo).unwrap_or_else(|e| panic!("{conninfo:?}: {e}")).display()
}

#[test]
fn display_names_the_server_without_secrets() {
    let cases = [
        ("host=db1 user=ann dbname=shop password=hunter2", "ann@db1:5432/shop"),
        ("postgresql://ann:hunter2@db1:5433/shop", "ann@db1:5433/shop"),
        ("postgresql://ann:hunter2@[::1]/shop", "ann@[::1]:5432/shop"),
        ("postgresql://ann@a:1,b:2/shop", "ann@a:1,b:2/shop"),
        ("postgresql://ann@%2Ftmp/shop", "ann@/tmp:5432/shop"),
        ("host=db1 user=ann", "ann@db1:5432/ann"),
        ("host=db1 hostaddr=10.0.0.1 user=ann", "ann@db1:5432/ann"),
        ("hostaddr=10.0.0.1 user=ann", "ann@10.0.0.1:5432/ann"),
        ("host=a,b port=6000 user=ann", "ann@a:6000,b:6000/ann"),
        ("host=a,b port=,6001 user=ann", "ann@a:5432,b:6001/ann"),
        ("host=db1 user='a\x1b[2Jb'", r"a\u{1b}[2Jb@db1:5432/a\u{1b}[2Jb"),
    ];
    for (conninfo, expected) in cases {
        assert_eq!(display(conninfo), expected, "{conninfo:?}");
    }
}

#[test]
fn nothing_prints_a_password() {
    let mut given = args("postgresql://ann:hunter2@db1/shop?sslmode=disable");
    given.password_command = Some("echo hunter2".to_owned());
    let conninfo = resolve_with(&given, &[("PGPASSWORD", "hunter2")], None).expect("it resolves");
    for text in [format!("{given:?}"), format!("{conninfo:?}"), conninfo.display()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn arguments_beat_the_service_file_and_that_beats_the_environment() {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(
        home.path().join(".pg_service.conf"),
        "[prod]\nhost=from-service\nport=7001\nconnect_timeout=7\npassword=service\n",
    )
    .expect("it is written");
    let env = [
        ("PGHOST", "from-env"),
        ("PGPORT", "8001"),
        ("PGUSER", "env_user"),
        ("PGDATABASE", "env_db"),
        ("PGPASSWORD", "env"),
        ("PGSERVICE", "prod"),
    ];
    let given = ConnArgs { port: Some("9001".to_owned()), ..args("user=ann") };
    let found = resolve_with(&given, &env, Some(home.path())).expect("it resolves");
    assert_eq!(found.display(), "ann@from-service:9001/env_db");
    assert_eq!(found.connect_timeout, Some(Duration::from_secs(7)));
    assert_eq!(found.password, Some(Secret::new("service")));

    let found = resolve_with(&args("dbname=x"), &env[..5], Some(home.path())).expect("it resolves");
    assert_eq!(found.display(), "env_user@from-env:8001/x");
    assert_eq!(found.password, Some(Secret::new("env")));

    let missing = resolve_with(&args("service=nope"), &env, Some(home.path()));
    assert!(matches!(missing, Err(ConninfoError::ServiceMissing { .. })), "{missing:?}");
}

#[test]
fn a_bare_word_is_a_database_and_a_d_flag_may_be_a_connection_string() {
    let env = [("PGHOST", "h"), ("PGUSER", "u")];
    assert_eq!(resolve_with(&args("shop"), &env, None).map(|c| c.display()), Ok("u@h:5432/shop".to_owned()));
    let given = ConnArgs { dbname: Some("host=db1 dbname=shop".to_owned()), ..ConnArgs::default() };
    assert_eq!(resolve_with(&given, &env, None).map(|c| c.display()), Ok("u@db1:5432/shop".to_owned()));
}

#[test]
fn flags_and_connection_string_may_agree_but_not_contradict() {
    let with = |host: &str| ConnArgs { host: Some(host.to_owned()), ..args("host=db1 user=u") };
    assert!(resolve_with(&with("db1"), &[], None).is_ok());
    let conflict = resolve_with(&with("db2"), &[], None);
    assert!(matches!(conflict, Err(ConninfoError::Conflict { keyword: "host", .. })), "{conflict:?}");
}

#[test]
fn an_empty_value_hides_weaker_sources_and_means_the_default() {
    let env = [("PGPORT", "8001"), ("PGUSER", "u"), ("PGPASSWORD", "env"), ("PGSSLMODE", "disable")];
    let found =
        resolve_with(&args("host=db1 port='' password='' sslmode=''"), &env, None).expect("it resolves");
    assert_eq!(found.display(), "u@db1:5432/u");
    assert_eq!((found.password, found.tls.mode), (None, SslMode::Prefer));
}

#[test]
fn bad_settings_are_refused_by_name() {
    let cases: [(&str, &str); 17] = [
        ("hots=db1", "did you mean \"host\"?"),
        ("postgresql://db1?sslmod=require", "did you mean \"sslmode\"?"),
        ("host=db1 frobnicate=1", "unknown keyword \"frobnicate\""),
        ("host=db1 sslmode=hunter2", "sslmode (from the connection string) has a bad value"),
        ("host=db1 port=hunter2", "port (from the connection string) has a bad value"),
        ("host=db1 port=0", "from 1 to 65535"),
        ("host=db1 port=65536", "from 1 to 65535"),
        ("host=db1 connect_timeout=hunter2", "a whole number"),
        ("host=a,b,c port=1,2", "2 values of port do not fit 3 hosts"),
        ("host=a,b hostaddr=10.0.0.1", "1 values of hostaddr do not fit 2 hosts"),
        ("hostaddr=db1", "an IP address"),
        ("host=@abstract", "the directory of a socket"),
        ("host=db1 target_session_attrs=master", "read-write"),
        ("host=db1 sslrootcert=system sslmode=require", "verify-full when"),
        ("host=db1 sslnegotiation=direct", "at least require"),
        ("host=db1 sslcrl=/x", "revocation lists are not supported"),
        ("host=db1 gssencmode=require", "GSSAPI is not supported"),
    ];
    for (conninfo, part) in cases {
        let error = resolve_with(&args(conninfo), &[("PGUSER", "u")], None).expect_err(conninfo).to_string();
        assert!(error.contains(part) && !error.contains("hunter2"), "{conninfo:?}: {error}");
    }
}

#[test]
fn a_refusal_names_the_environment_variable_it_is_about() {
    let env = [("PGREQUIREAUTH", "scram-sha-256"), ("PGUSER", "u")];
    let error = resolve_with(&ConnArgs::default(), &env, None).expect_err("it is refused").to_string();
    assert!(error.contains("PGREQUIREAUTH"), "{error}");
    let overruled = resolve_with(&args("require_auth=''"), &env, None);
    assert!(overruled.is_ok(), "{overruled:?}");
}

#[test]
fn what_has_no_effect_is_noted_and_what_is_harmless_is_not() {
    let notes = |conninfo: &str| resolve(conninfo).expect(conninfo).notes().to_vec();
    assert!(notes("host=db1 user=u gssencmode=prefer client_encoding=UTF8").is_empty());
    let noted = notes("host=db1 user=u krbsrvname=x client_encoding=LATIN1");
    assert_eq!(noted.len(), 2, "{noted:?}");
}

#[test]
fn the_password_file_is_ignored_aloud_when_others_may_read_it() {
    let home = tempfile::tempdir().expect("a directory");
    let pgpass = home.path().join(".pgpass");
    fs::write(&pgpass, "*:*:*:*:hunter2\n").expect("it is written");
    for (mode, conninfo, warned) in [
        (0o600, "host=db1 user=u", 0),
        (0o644, "host=db1 user=u", 1),
        (0o644, "host=db1 user=u password=x", 0),
        (0o644, "host=db1 user=u passfile=/nowhere", 0),
    ] {
        fs::set_permissions(&pgpass, fs::Permissions::from_mode(mode)).expect("the mode is set");
        let found = resolve_with(&args(conninfo), &[], Some(home.path())).expect("it resolves");
        assert_eq!(found.notes().len(), warned, "{mode:o} {conninfo}: {:?}", found.notes());
    }
}

#[test]
fn time_outs_and_keepalives_have_our_defaults_and_obey() {
    let found = resolve("host=db1 user=u").expect("it resolves");
    assert_eq!(found.connect_timeout, Some(Conninfo::CONNECT_TIMEOUT));
    let ours = found.keepalives.expect("they are on");
    assert_eq!(
        (ours.idle, ours.interval, ours.count),
        (Some(Duration::from_secs(1)), Some(Duration::from_secs(1)), Some(3))
    );
    let found = resolve("host=db1 user=u connect_timeout=0 keepalives=0").expect("it resolves");
    assert_eq!((found.connect_timeout, found.keepalives), (None, None));
    let found = resolve("host=db1 user=u connect_timeout=-1 keepalives_idle=0 keepalives_count=9");
    let found = found.expect("it resolves");
    assert_eq!(found.connect_timeout, None);
    assert_eq!(found.keepalives.map(|k| (k.idle, k.count)), Some((None, Some(9))));
}

#[test]
fn system_roots_ask_for_full_verification() {
    let mode = |conninfo: &str| resolve(conninfo).map(|found| found.tls.mode);
    assert_eq!(mode("host=db1 user=u sslrootcert=system"), Ok(SslMode::VerifyFull));
    assert_eq!(mode("host=db1 user=u"), Ok(SslMode::Prefer));
    assert_eq!(mode("postgresql://u@db1?ssl=true"), Ok(SslMode::Require));
    let env = [("PGREQUIRESSL", "1")];
    let old = resolve_with(&args("host=db1 user=u"), &env, None).map(|found| found.tls.mode);
    assert_eq!(old, Ok(SslMode::Require));
}

#[test]
fn a_pinned_connection_keeps_the_name_and_one_address() {
    let found = resolve("host=a,b user=u").expect("it resolves");
    let reached = Host { address: Address::Ip([10, 0, 0, 2].into()), ..found.hosts[1].clone() };
    assert_eq!(found.pinned_to(&reached).hosts, [reached]);
}

#[test]
fn the_user_defaults_to_the_systems() {
    let found = resolve_with(&args("host=db1"), &[("USER", "nobody-here")], None).expect("it resolves");
    assert!(!found.user().is_empty());
    assert_eq!(found.dbname(), found.user());
}

#[test]
fn settings_fit_the_servers_version() {
    let keepalives = resolve("host=db1 user=u").expect("it resolves").keepalives;
    let sql = |version| SessionSettings::sampler().sql(version, keepalives);
    assert!(
        !sql(130_000).contains("idle_session_timeout")
            && sql(140_000).contains("SET idle_session_timeout = 0")
    );
    assert!(
        !sql(160_000).contains("SET transaction_timeout")
            && sql(170_000).contains("SET transaction_timeout = 0")
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*|postgres(ql)?://\\PC*|([a-z_]{1,12} ?= ?('\\PC*|\\PC{0,8}) ){0,4}") {
        let _ = resolve(&text);
    }

    #[test]
    fn quoting_brings_any_password_through(password in "[^\0]{1,20}") {
        let quoted = password.replace('\\', r"\\").replace('\'', r"\'");
        let found = resolve(&format!("host=db1 user=u password='{quoted}'"));
        prop_assert_eq!(found.map(|f| f.password), Ok(Some(Secret::new(password.clone()))));
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = resolve(&format!("postgresql://u:{encoded}@db1"));
        prop_assert_eq!(found.map(|f| f.password), Ok(Some(Secret::new(password))));
    }
}
