//! Connecting to real servers.

mod cluster;
mod login;
mod network;
mod sessions;
mod tls;

use std::collections::BTreeMap;
use std::path::Path;

use cluster::Cluster;
use lockpit::pg::connect::{ConnArgs, ConnectError, Conninfo, ErrorKind, Session, SessionSettings};

/// A connection string resolved with this environment and home only.
fn resolve(text: &str, env: &[(&str, &str)], home: Option<&Path>) -> Conninfo {
    let args = ConnArgs { conninfo: Some(text.to_owned()), ..ConnArgs::default() };
    resolve_args(&args, env, home)
}

fn resolve_args(args: &ConnArgs, env: &[(&str, &str)], home: Option<&Path>) -> Conninfo {
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    let look_up = |name: &str| env.get(name).map(|value| (*value).to_owned());
    Conninfo::resolve(args, look_up, home).unwrap_or_else(|e| panic!("{args:?}: {e}"))
}

/// Connects without a statement timeout, so that nothing but a cancel cancels.
async fn connect(conninfo: &Conninfo) -> Result<Session, ConnectError> {
    conninfo.connect("lockpit/test", &SessionSettings::watchdog()).await
}

/// Connects to 127.0.0.1 as `postgres`, with more settings.
async fn connect_to(cluster: &Cluster, more: &str) -> Result<Session, ConnectError> {
    let text = format!("hostaddr=127.0.0.1 port={} user=postgres {more}", cluster.port);
    connect(&resolve(&text, &[], None)).await
}

/// Why a connection failed; panics when it did not.
#[track_caller]
fn kind(result: Result<Session, ConnectError>) -> ErrorKind {
    match result {
        Ok(_) => panic!("it connected"),
        Err(e) => e.kind(),
    }
}

/// A session that may write, for preparing a cluster over its socket.
async fn superuser(cluster: &Cluster) -> Session {
    let text = format!("host={} port={} user=postgres", cluster.socket_dir().display(), cluster.port);
    let settings = SessionSettings { read_only: false, ..SessionSettings::watchdog() };
    resolve(&text, &[], None).connect("lockpit/test", &settings).await.expect("the superuser gets in")
}

/// One value of a one-row answer, as text.
async fn value(session: &Session, sql: &str) -> String {
    let messages = session.client().simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    let row = messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.expect("a row with a value").to_owned()
}

/// Runs a statement that must work.
async fn execute(session: &Session, sql: &str) {
    session.client().batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}
