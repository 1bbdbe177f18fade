//! What can go wrong with a throw-away server. Messages name paths and programs, never passwords.

use std::io;
use std::path::PathBuf;

/// Why a throw-away server cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No usable PostgreSQL is installed in any of the places looked at.
    #[error(
        "no PostgreSQL server (14 or newer) found in pg_config's folder, PATH or the usual places; install one \
         (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; \
         macOS: brew install postgresql@18), or name its bin folder with --pg-bin or LOCKPIT_PG_BIN"
    )]
    NoBinaries,
    /// The folder that was asked for holds no usable PostgreSQL.
    #[error("no usable PostgreSQL server in {}: {reason}", dir.display())]
    BadBinaries {
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Root must run the server as somebody else, and that account cannot reach the programs.
    #[error(
        "user {user}, as whom root runs the server, cannot reach {}; let others enter its parent folders, \
         or use a PostgreSQL elsewhere (--pg-bin or LOCKPIT_PG_BIN)",
        path.display()
    )]
    Unreachable {
        /// The program's folder.
        path: PathBuf,
        /// The account.
        user: String,
    },
    /// Root must run the server as somebody else, and there is nobody.
    #[error(
        "PostgreSQL refuses to run as root, and neither postgres nor nobody is in /etc/passwd; run as another user"
    )]
    NoAccount,
    /// No folder for temporary files is short, writable and, for root, open to the server's account.
    #[error(
        "no folder for the server's files: tried {tried}; set TMPDIR to a short path that the server may write to"
    )]
    NoFolder {
        /// The folders tried.
        tried: String,
    },
    /// A file operation failed.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb failed ({status}): {output}")]
    Initdb {
        /// How it ended.
        status: String,
        /// The end of what it said.
        output: String,
    },
    /// The server ended instead of starting.
    #[error("the server ended while starting ({status}): {log}")]
    Died {
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// The server did not accept connections in time.
    #[error("the server accepts no connections after {waited_ms} ms: {log}")]
    NotReady {
        /// How long it was waited for.
        waited_ms: u64,
        /// The end of its log.
        log: String,
    },
    /// The server did not stop in time; it is still running.
    #[error(
        "the server still runs {waited_ms} ms after it was asked to stop; a stop in immediate mode ends it"
    )]
    NotStopped {
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// The server could not be signalled.
    #[error("cannot signal the server, process {pid}: {source}")]
    Signal {
        /// The postmaster's process id.
        pid: u32,
        /// Why not.
        source: io::Error,
    },
    /// Asked for something that only a running server can do.
    #[error("the server is stopped")]
    Stopped,
}

impl ServerError {
    /// A failed file operation.
    pub(super) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> ServerError {
        let path = path.into();
        move |source| ServerError::File { doing, path, source }
    }
}
