//! Passwords from everywhere, and servers that say no.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lockpit::pg::connect::{ConnArgs, ErrorKind, Secret};

use super::*;

const SCRAM: &str = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";

async fn with_ann(cluster: &Cluster) {
    let admin = superuser(cluster).await;
    let sql = "CREATE ROLE ann LOGIN PASSWORD 'pass w:ord'; CREATE DATABASE shop OWNER ann";
    for statement in sql.split("; ") {
        execute(&admin, statement).await;
    }
}

#[tokio::test]
async fn a_password_is_found_wherever_psql_finds_it() {
    let mut cluster = Cluster::new();
    cluster.hba(SCRAM);
    cluster.run(&[]);
    with_ann(&cluster).await;
    let port = cluster.port;
    let bare = format!("host=127.0.0.1 port={port} user=ann dbname=shop");
    let home = tempfile::tempdir().expect("a directory");
    let pgpass = home.path().join(".pgpass");
    fs::write(&pgpass, format!("127.0.0.1:{port}:shop:ann:pass w\\:ord\n")).expect("it is written");
    fs::set_permissions(&pgpass, fs::Permissions::from_mode(0o600)).expect("its mode is set");

    let by_uri = resolve(&format!("postgresql://ann:pass%20w%3Aord@127.0.0.1:{port}/shop"), &[], None);
    let by_env = resolve(&bare, &[("PGPASSWORD", "pass w:ord")], None);
    let by_file = resolve(&bare, &[], Some(home.path()));
    let by_command = resolve_args(
        &ConnArgs {
            conninfo: Some(bare.clone()),
            password_command: Some("echo 'pass w:ord'".to_owned()),
            ..ConnArgs::default()
        },
        &[("PGPASSWORD", "wrong")],
        None,
    );
    let by_prompt = resolve(&bare, &[], None).with_password(Secret::new("pass w:ord"));
    for conninfo in [&by_uri, &by_env, &by_file, &by_command, &by_prompt] {
        let session = connect(conninfo).await.unwrap_or_else(|e| panic!("{conninfo:?}: {e}"));
        assert_eq!(value(&session, "SELECT current_user || '/' || current_database()").await, "ann/shop");
    }

    // The file is read anew for every connection.
    fs::write(&pgpass, "*:*:*:*:hunter2\n").expect("it is written");
    let error = connect(&by_file).await.expect_err("the password is wrong now");
    assert_eq!(error.kind(), ErrorKind::PasswordWrong);
    assert!(!error.to_string().contains("hunter2") && !error.is_transient(), "{error}");

    let missing = resolve(&bare, &[], None);
    assert!(missing.may_ask_password());
    assert_eq!(kind(connect(&missing).await), ErrorKind::PasswordMissing);
    let failing = ConnArgs {
        conninfo: Some(bare),
        password_command: Some("echo hunter2; false".to_owned()),
        ..ConnArgs::default()
    };
    let error = connect(&resolve_args(&failing, &[], None)).await.expect_err("the command fails");
    assert_eq!(error.kind(), ErrorKind::PasswordCommand);
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let mut cluster = Cluster::new();
    cluster.hba(
        "local all all trust\n\
         host all rejected 127.0.0.1/32 reject\n\
         host all identified 127.0.0.1/32 ident\n\
         host postgres,shop,nowhere postgres,ann,nobody,nologin 127.0.0.1/32 trust\n",
    );
    cluster.run(&[]);
    with_ann(&cluster).await;
    let admin = superuser(&cluster).await;
    execute(&admin, "CREATE ROLE nologin").await;
    execute(&admin, "REVOKE CONNECT ON DATABASE postgres FROM public").await;
    let cases = [
        ("user=postgres dbname=nowhere", ErrorKind::DatabaseMissing),
        ("user=nobody dbname=postgres", ErrorKind::Role),
        ("user=nologin dbname=postgres", ErrorKind::Role),
        ("user=rejected dbname=postgres", ErrorKind::HbaReject),
        ("user=postgres dbname=template1", ErrorKind::HbaReject),
        ("user=identified dbname=postgres", ErrorKind::Authentication),
        ("user=ann dbname=postgres", ErrorKind::Denied),
    ];
    for (more, expected) in cases {
        let text = format!("host=127.0.0.1 port={} {more}", cluster.port);
        let error = connect(&resolve(&text, &[], None)).await.expect_err(more);
        assert_eq!(error.kind(), expected, "{more}: {error}");
        assert!(error.to_string().contains("127.0.0.1") && !error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn a_full_server_is_named_and_worth_waiting_for() {
    let mut cluster = Cluster::new();
    cluster.run(&["max_connections=4", "superuser_reserved_connections=1"]);
    execute(&superuser(&cluster).await, "CREATE ROLE ann LOGIN").await;
    let text = format!("host=127.0.0.1 port={} user=ann dbname=postgres", cluster.port);
    let conninfo = resolve(&text, &[], None);
    let mut sessions = Vec::new();
    let error = loop {
        match connect(&conninfo).await {
            Ok(session) => sessions.push(session),
            Err(e) => break e,
        }
        assert!(sessions.len() < 5, "the server has four slots");
    };
    assert_eq!(error.kind(), ErrorKind::NoFreeSlot, "{error}");
    assert!(error.is_transient());
    assert!(!sessions.is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_ready_is_named_and_worth_waiting_for() {
    let mut cluster = Cluster::new();
    cluster.write("data/standby.signal", "");
    cluster.run_until(&["hot_standby=off", "restore_command=false"], "standby");
    let error = connect_to(&cluster, "").await.expect_err("it takes no connections");
    assert_eq!(error.kind(), ErrorKind::NotReady, "{error}");
    assert!(error.is_transient());
}
