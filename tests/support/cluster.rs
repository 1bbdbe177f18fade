//! Real servers: one of each version shared by a test binary, own ones for tests that break things, standbys.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use lockpit::demo::server::{Binaries, Prepared, Server, ServerOptions};

use super::Actor;
use super::versions::{MAJORS, versions};

/// A server, and databases on it.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: Server,
}

/// The server of this version that all tests of this binary share: enough connections for a jam, no restarts.
///
/// It is never dropped; its janitor cleans up when the test binary ends.
pub(crate) fn cluster(major: u32) -> &'static Cluster {
    static SHARED: [OnceLock<Cluster>; 5] = [const { OnceLock::new() }; 5];
    let place = MAJORS.into_iter().position(|known| known == major).expect("a supported version");
    SHARED[place].get_or_init(|| Cluster::fresh(major, ServerOptions::default()))
}

impl Cluster {
    /// A server of one's own, for tests that restart, overload or reconfigure it; gone when dropped. `options`
    /// come over those of the shared ones.
    pub(crate) fn fresh(major: u32, options: ServerOptions) -> Cluster {
        Cluster::of(binaries(major), options)
    }

    /// The same with these programs.
    pub(crate) fn of(binaries: &Binaries, options: ServerOptions) -> Cluster {
        let server = Server::start(binaries, defaults().and(options));
        Cluster { server: server.unwrap_or_else(|error| panic!("PostgreSQL {}: {error}", binaries.major())) }
    }

    /// A streaming standby of this server, ready for readers, made by a copy of the data directory (no client
    /// tool is needed). It streams without a slot, under the given `application_name`.
    pub(crate) async fn standby(&self, application_name: &str) -> Cluster {
        let control = self.database_named("postgres").actor("test/backup").await;
        let major = self.server.binaries().major();
        // Start and stop of the backup must come from one session.
        let (start, stop) = if major < 15 {
            (
                "select pg_start_backup('copy', true, false)",
                "select labelfile from pg_stop_backup(false, false)",
            )
        } else {
            ("select pg_backup_start('copy', true)", "select labelfile from pg_backup_stop(false)")
        };
        let standby = Prepared::new(self.server.binaries(), defaults()).expect("a directory");
        let data_dir = standby.data_dir();
        control.exec(start).await;
        copy_cluster(&self.server.data_dir(), &data_dir);
        let label: String = control.value(stop).await;
        fs::write(data_dir.join("backup_label"), label).expect("backup_label");
        fs::write(data_dir.join("standby.signal"), "").expect("standby.signal");
        let source = format!(
            "primary_conninfo = 'host=127.0.0.1 port={} user=postgres application_name={application_name}'\n",
            self.server.port()
        );
        let conf = data_dir.join("postgresql.conf");
        let text = fs::read_to_string(&conf).expect("postgresql.conf");
        fs::write(&conf, text + &source).expect("postgresql.conf");
        Cluster { server: standby.start().expect("a standby") }
    }

    /// The server itself.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The server itself, to stop and start it.
    pub(crate) fn server_mut(&mut self) -> &mut Server {
        &mut self.server
    }

    /// A new database whose name begins with `name`; no other test has it.
    pub(crate) async fn database(&self, name: &str) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("{name}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let control = self.database_named("postgres").actor("test/create-database").await;
        control.exec(&format!("create database {name}")).await;
        self.database_named(&name)
    }

    /// An existing database.
    pub(crate) fn database_named(&self, name: &str) -> Database {
        Database { name: name.to_owned(), port: self.server.port() }
    }
}

/// A database of a test.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) name: String,
    port: u16,
}

impl Database {
    /// The connection string of its superuser.
    pub(crate) fn conninfo(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname={}", self.port, self.name)
    }

    /// The same for code that takes a configuration.
    pub(crate) fn config(&self) -> tokio_postgres::Config {
        self.conninfo().parse().expect("a connection string of our own")
    }

    /// A new client session with this `application_name`.
    pub(crate) async fn actor(&self, application_name: &str) -> Actor {
        Actor::connect(&self.config(), application_name).await
    }
}

fn binaries(major: u32) -> &'static Binaries {
    let version = versions().iter().find(|version| version.major == major);
    &version
        .unwrap_or_else(|| panic!("PostgreSQL {major} is not on this machine; ask versions() first"))
        .binaries
}

fn defaults() -> ServerOptions {
    ServerOptions::default().set("max_connections", "300").set("wal_level", "logical")
}

/// Copies a running server's data directory without what belongs to its processes.
fn copy_cluster(from: &Path, to: &Path) {
    const PROCESS_FILES: [&str; 2] = ["postmaster.pid", "postmaster.opts"];
    const EMPTIED: [&str; 2] = ["pg_replslot", "pg_dynshmem"];
    fs::create_dir(to).expect("a new folder");
    fs::set_permissions(to, fs::metadata(from).expect("its mode").permissions()).expect("the same mode");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        let name = name.to_string_lossy();
        // A file may vanish under a running server: what matters comes back from the WAL.
        let Ok(kind) = entry.file_type() else { continue };
        if PROCESS_FILES.contains(&&*name) || name.starts_with(".s.PGSQL") {
        } else if EMPTIED.contains(&&*name) {
            fs::create_dir(&target).expect("a new folder");
        } else if kind.is_dir() {
            copy_cluster(&entry.path(), &target);
        } else if kind.is_file() {
            match fs::copy(entry.path(), &target) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    panic!("{}: {error}", entry.path().display())
                }
                _ => {}
            }
        }
    }
}
