//! Why there is no connection.
//!
//! Owns the kinds of failures, their sentences and what to try. Never shows a secret.

use std::fmt;

/// What stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The host's name has no address.
    NameUnknown,
    /// Nobody listens at the address.
    Refused,
    /// There is no socket in the directory.
    SocketMissing,
    /// No answer in time.
    Timeout,
    /// The network or the operating system says no in another way.
    Unreachable,
    /// The connection was closed before the session began.
    Closed,
    /// What answered is not PostgreSQL.
    NotPostgres,
    /// The server has no TLS and it is required.
    NoTls,
    /// The certificate's issuer is not trusted.
    CertificateIssuer,
    /// The certificate is for another name.
    CertificateName,
    /// The certificate is expired or not valid yet.
    CertificateDate,
    /// The certificate cannot be used for another reason.
    CertificateUnusable,
    /// TLS failed for another reason.
    Tls,
    /// An own certificate or key cannot be used.
    TlsFiles,
    /// The server wants a password and there is none.
    PasswordMissing,
    /// The password is wrong, or the role does not exist and the server does not tell.
    PasswordWrong,
    /// The command that provides the password failed.
    PasswordCommand,
    /// `pg_hba.conf` has no entry, or a rejecting one.
    HbaReject,
    /// The role does not exist or may not log in.
    Role,
    /// The database does not exist.
    DatabaseMissing,
    /// The login may not connect to the database.
    Denied,
    /// The way of authentication failed or is not supported.
    Authentication,
    /// All connection slots are taken.
    NoFreeSlot,
    /// The server starts up, shuts down or recovers.
    NotReady,
    /// No server of the list is what `target_session_attrs` asks for.
    WrongRole,
    /// A connection pooler stands between.
    Pooler,
    /// Something else.
    Other,
}

impl ErrorKind {
    /// What to try.
    pub fn hint(self) -> &'static str {
        match self {
            ErrorKind::NameUnknown => "check the host's name and this machine's resolver",
            ErrorKind::Refused => "is the server running, and does it listen on that address and port?",
            ErrorKind::SocketMissing => {
                "is the server running here? give its socket directory, or a host for TCP"
            }
            ErrorKind::Timeout => "check firewall and port, or raise connect_timeout",
            ErrorKind::Unreachable => "check address, route and firewall",
            ErrorKind::Closed => {
                "look into the server's log; a proxy or load balancer may have no server behind it"
            }
            ErrorKind::NotPostgres => "check host and port",
            ErrorKind::NoTls => "turn on ssl at the server, or use sslmode=prefer or disable",
            ErrorKind::CertificateIssuer => {
                "give the issuer's certificate with sslrootcert=FILE, or sslrootcert=system"
            }
            ErrorKind::CertificateName => {
                "connect by a name that the certificate carries, or use sslmode=verify-ca"
            }
            ErrorKind::CertificateDate => "renew the server's certificate, and check the clocks",
            ErrorKind::CertificateUnusable => "replace the server's certificate, or lower sslmode",
            ErrorKind::Tls => "look into the server's log for its side",
            ErrorKind::TlsFiles => "check sslcert, sslkey and sslrootcert",
            ErrorKind::PasswordMissing => "use .pgpass, PGPASSWORD, --password-command or -W",
            ErrorKind::PasswordWrong => "check user and password, and where the password comes from",
            ErrorKind::PasswordCommand => "run the command by hand",
            ErrorKind::HbaReject => "add an entry for this user, database, address and TLS state, and reload",
            ErrorKind::Role => "check -U; the role needs LOGIN",
            ErrorKind::DatabaseMissing => "check -d; psql -l lists the databases",
            ErrorKind::Denied => "GRANT CONNECT ON DATABASE to this role",
            ErrorKind::Authentication => "use a login with scram-sha-256, a client certificate or trust",
            ErrorKind::NoFreeSlot => "end idle sessions, or use a login that may take reserved slots",
            ErrorKind::NotReady => "wait until it accepts connections",
            ErrorKind::WrongRole => "check target_session_attrs and the list of hosts",
            ErrorKind::Pooler => "connect to the server itself, without the pooler",
            ErrorKind::Other => "look into the server's log",
        }
    }

    /// Whether waiting may help without anybody changing anything.
    pub fn is_transient(self) -> bool {
        use ErrorKind as K;
        match self {
            K::NameUnknown | K::Refused | K::SocketMissing | K::Timeout | K::Unreachable | K::Closed => true,
            K::NoFreeSlot | K::NotReady | K::WrongRole => true,
            K::NotPostgres | K::NoTls | K::CertificateIssuer | K::CertificateName | K::CertificateDate => {
                false
            }
            K::CertificateUnusable => false,
            K::Tls | K::TlsFiles | K::PasswordMissing | K::PasswordWrong | K::PasswordCommand => false,
            K::HbaReject | K::Role | K::DatabaseMissing | K::Denied | K::Authentication => false,
            K::Pooler | K::Other => false,
        }
    }

    /// Whether the server was found, so that its answer says more than silence elsewhere.
    fn is_an_answer(self) -> bool {
        use ErrorKind as K;
        !matches!(self, K::NameUnknown | K::Refused | K::SocketMissing | K::Timeout | K::Unreachable)
    }
}

/// What went wrong with one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    /// The server, as in [`super::Conninfo::display`].
    pub(super) server: String,
    /// What happened, without secrets.
    pub(super) why: String,
}

/// Why there is no connection: one reason, or one for each server that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    failures: Vec<Failure>,
}

impl ConnectError {
    /// At least one failure, in the order they happened.
    pub(super) fn new(failures: Vec<Failure>) -> ConnectError {
        debug_assert!(!failures.is_empty());
        ConnectError { failures }
    }

    /// What stood in the way; of several servers, what the last one that answered said.
    pub fn kind(&self) -> ErrorKind {
        let answered = self.failures.iter().rev().find(|failure| failure.kind.is_an_answer());
        answered.or(self.failures.last()).map_or(ErrorKind::Other, |failure| failure.kind)
    }

    /// Whether trying again may help without anybody changing anything: for reconnecting with back-off.
    pub fn is_transient(&self) -> bool {
        self.failures.iter().any(|failure| failure.kind.is_transient())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Failure { kind, server, why }) in self.failures.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}cannot connect to {server}: {why}; {}", kind.hint())?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {}
