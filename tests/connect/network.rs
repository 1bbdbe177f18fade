//! Addresses where no server is, or something else, and lists of servers.

use lockpit::pg::connect::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::cluster::free_port;
use super::*;

/// Something that says `answer` to whoever has sent a first message.
async fn impostor(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it has an address").port();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 8]).await;
            let _ = stream.write_all(answer).await;
            open.push(stream);
        }
    });
    port
}

async fn error_at(port: u16, more: &str) -> ConnectError {
    let text = format!("host=127.0.0.1 port={port} user=ann {more}");
    connect(&resolve(&text, &[], None)).await.expect_err("nobody is there")
}

#[tokio::test]
async fn where_no_server_is_the_reason_is_named() {
    let error = error_at(free_port(), "").await;
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.is_transient());

    let dir = tempfile::tempdir().expect("a directory");
    let text = format!("host={} user=ann", dir.path().display());
    assert_eq!(kind(connect(&resolve(&text, &[], None)).await), ErrorKind::SocketMissing);

    let text = "host=no-such-host.invalid user=ann connect_timeout=5";
    let found = kind(connect(&resolve(text, &[], None)).await);
    assert!(matches!(found, ErrorKind::NameUnknown | ErrorKind::Timeout), "{found:?}");
}

#[tokio::test]
async fn what_does_not_talk_the_protocol_is_not_waited_for() {
    for answer in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-hunter2\r\n", b"\x4a\0\0\0\x0a8.0", b"\0"]
    {
        let port = impostor(answer).await;
        for mode in ["disable", "prefer", "require"] {
            let error = error_at(port, &format!("sslmode={mode}")).await;
            assert_eq!(error.kind(), ErrorKind::NotPostgres, "{mode}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}

#[tokio::test]
async fn what_stays_silent_is_given_up_in_time() {
    let port = impostor(b"").await;
    for mode in ["disable", "prefer"] {
        let error = error_at(port, &format!("connect_timeout=1 sslmode={mode}")).await;
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("1 s"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_named_where_tls_is_required() {
    let cluster = Cluster::start();
    for mode in ["require", "verify-full"] {
        let root = cluster.write("root.crt", tls::Authority::new("an authority").pem().as_str());
        let more = format!("sslmode={mode} sslrootcert={}", root.display());
        assert_eq!(kind(connect_to(&cluster, &more).await), ErrorKind::NoTls);
    }
    assert!(!connect_to(&cluster, "sslmode=prefer").await.expect("it falls back").is_tls());
}

#[tokio::test]
async fn the_socket_works_whatever_sslmode_says() {
    let cluster = Cluster::start();
    let encoded = cluster.socket_dir().display().to_string().replace('/', "%2F");
    for text in [
        format!(
            "host={} port={} user=postgres sslmode=verify-full",
            cluster.socket_dir().display(),
            cluster.port
        ),
        format!("postgresql://postgres@{encoded}:{}", cluster.port),
    ] {
        let session = connect(&resolve(&text, &[], None)).await.unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(value(&session, "SELECT inet_client_addr() IS NULL").await, "t");
        assert!(!session.is_tls());
    }
}

#[tokio::test]
async fn the_first_live_server_of_a_list_is_taken_and_can_be_pinned() {
    let cluster = Cluster::start();
    let dead = free_port();
    let text = format!(
        "postgresql://postgres@127.0.0.1:{dead},localhost:{},no-such-host.invalid/postgres",
        cluster.port
    );
    let conninfo = resolve(&text, &[], None);
    let session = connect(&conninfo).await.expect("the second one lives");
    assert_eq!(session.host().to_string(), format!("localhost:{}", cluster.port));
    let pinned = conninfo.pinned_to(session.host());
    let twin = connect(&pinned).await.expect("it still lives");
    let start = "SELECT pg_postmaster_start_time()";
    assert_eq!(value(&session, start).await, value(&twin, start).await);

    let text = format!("postgresql://postgres@127.0.0.1:{dead},127.0.0.1:{}/nowhere", cluster.port);
    let error = connect(&resolve(&text, &[], None)).await.expect_err("there is no such database");
    assert_eq!(error.kind(), ErrorKind::DatabaseMissing);
    assert_eq!(error.to_string().lines().count(), 2, "one line for each server: {error}");
}

#[tokio::test]
async fn a_server_that_refuses_the_login_ends_the_search() {
    let (mut first, second) = (Cluster::new(), Cluster::start());
    first.hba("host all all 127.0.0.1/32 reject\n");
    first.run(&[]);
    let text = format!("host=127.0.0.1,127.0.0.1 port={},{} user=postgres", first.port, second.port);
    assert_eq!(kind(connect(&resolve(&text, &[], None)).await), ErrorKind::HbaReject);
}

#[tokio::test]
async fn target_session_attrs_chooses_the_server() {
    let (primary, mut standby) = (Cluster::start(), Cluster::new());
    standby.write("data/standby.signal", "");
    standby.run(&["hot_standby=on", "restore_command=false"]);
    let both = |order: [u16; 2], wanted: &str| {
        let [a, b] = order;
        let text =
            format!("host=127.0.0.1,127.0.0.1 port={a},{b} user=postgres target_session_attrs={wanted}");
        resolve(&text, &[], None)
    };
    let (p, s) = (primary.port, standby.port);
    for (wanted, expected) in [
        ("any", [p, s]),
        ("read-write", [p, p]),
        ("primary", [p, p]),
        ("read-only", [s, s]),
        ("standby", [s, s]),
        ("prefer-standby", [s, s]),
    ] {
        for (order, port) in [([p, s], expected[0]), ([s, p], expected[1])] {
            let session = connect(&both(order, wanted)).await.unwrap_or_else(|e| panic!("{wanted}: {e}"));
            assert_eq!(session.host().to_string(), format!("127.0.0.1:{port}"), "{wanted} of {order:?}");
            assert_eq!(session.in_recovery(), port == s);
        }
    }
    let none = both([p, p], "standby");
    let error = connect(&none).await.expect_err("both are primaries");
    assert_eq!(error.kind(), ErrorKind::WrongRole, "{error}");
    assert!(error.is_transient(), "a failover may be under way");
    connect(&both([p, p], "prefer-standby")).await.expect("a primary will do");

    execute(&superuser(&primary).await, "ALTER ROLE postgres SET default_transaction_read_only = on").await;
    assert_eq!(kind(connect(&both([p, p], "read-write")).await), ErrorKind::WrongRole);
    connect(&both([p, p], "read-only")).await.expect("it takes no writes by default");
}

#[tokio::test]
async fn a_pooler_that_refuses_a_startup_parameter_is_named() {
    let port =
        impostor(b"E\0\0\0\x44SERROR\0C08P01\0Munsupported startup parameter: application_name\0\0").await;
    let error = error_at(port, "sslmode=disable").await;
    assert_eq!(error.kind(), ErrorKind::Pooler, "{error}");
}

/// Passes everything on but announces another process id, as poolers do.
async fn pooler(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it has an address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", server)).await.expect("the server listens");
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
                    if let Some(at) = buffer[..n].windows(5).position(|w| w == b"K\0\0\0\x0c") {
                        buffer[at + 5] ^= 0x40;
                    }
                    if to_client.write_all(&buffer[..n]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_pooler_between_is_refused_before_any_setting_is_made() {
    let mut cluster = Cluster::new();
    cluster.run(&["log_statement=all"]);
    let port = pooler(cluster.port).await;
    let text = format!("host=127.0.0.1 port={port} user=postgres sslmode=disable");
    let error = connect(&resolve(&text, &[], None)).await.expect_err("process ids differ");
    assert_eq!(error.kind(), ErrorKind::Pooler, "{error}");
    assert!(cluster.log().contains("pg_backend_pid") && !cluster.log().contains("SET "), "{}", cluster.log());
}
