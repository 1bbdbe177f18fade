//! From errors of the libraries to [`ErrorKind`]s.
//!
//! Owns the reading of SQLSTATEs, operating system errors and TLS alerts. Never repeats bytes of something
//! that is not PostgreSQL.

use std::error::Error;
use std::io;

use rustls::CertificateError as Cert;
use tokio_postgres::error::{DbError, SqlState};

use super::conninfo::printable;
use super::failure::ErrorKind;
use super::link::{NotPostgres, OpenError};

/// A kind and a sentence without a period.
pub(super) type Verdict = (ErrorKind, String);

/// A stream that could not be opened.
pub(super) fn open_error(error: &OpenError) -> Verdict {
    match error {
        OpenError::Connect(e) => connect_error(e),
        OpenError::Broken(e) => {
            (ErrorKind::Closed, format!("the connection was closed when TLS was asked for ({e})"))
        }
        OpenError::NoTls => (ErrorKind::NoTls, "the server has no TLS".to_owned()),
        OpenError::NotPostgres => not_postgres(),
        OpenError::Handshake(e) => handshake_error(e),
    }
}

fn connect_error(error: &io::Error) -> Verdict {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorKind::Refused,
        io::ErrorKind::NotFound => ErrorKind::SocketMissing,
        io::ErrorKind::TimedOut => ErrorKind::Timeout,
        _ => ErrorKind::Unreachable,
    };
    (kind, error.to_string())
}

fn not_postgres() -> Verdict {
    (ErrorKind::NotPostgres, "what answers there does not talk PostgreSQL's protocol".to_owned())
}

fn handshake_error(error: &io::Error) -> Verdict {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(certificate)) => certificate_error(certificate),
        Some(rustls::Error::InvalidMessage(_)) => not_postgres(),
        Some(rustls::Error::AlertReceived(alert)) => {
            (ErrorKind::Tls, format!("the server ended the TLS handshake with the alert {alert:?}"))
        }
        Some(other) => (ErrorKind::Tls, format!("the TLS handshake failed: {other}")),
        None if error.kind() == io::ErrorKind::InvalidInput => {
            (ErrorKind::Tls, "the host's name cannot stand in a certificate".to_owned())
        }
        None => (ErrorKind::Tls, format!("the connection broke in the TLS handshake ({error})")),
    }
}

fn certificate_error(error: &Cert) -> Verdict {
    match error {
        Cert::UnknownIssuer => {
            (ErrorKind::CertificateIssuer, "the server's certificate comes from an unknown issuer".to_owned())
        }
        Cert::NotValidForName | Cert::NotValidForNameContext { .. } => {
            let names = match error {
                Cert::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                    format!(" (it is for {})", printable(&presented.join(", ")))
                }
                _ => String::new(),
            };
            (ErrorKind::CertificateName, format!("the server's certificate is for another name{names}"))
        }
        Cert::Expired | Cert::ExpiredContext { .. } => {
            (ErrorKind::CertificateDate, "the server's certificate is expired".to_owned())
        }
        Cert::NotValidYet | Cert::NotValidYetContext { .. } => {
            (ErrorKind::CertificateDate, "the server's certificate is not valid yet".to_owned())
        }
        Cert::Other(other) => {
            (ErrorKind::CertificateUnusable, format!("the server's certificate cannot be used: {}", other.0))
        }
        other => {
            (ErrorKind::CertificateUnusable, format!("the server's certificate cannot be used: {other}"))
        }
    }
}

/// A login or first statement that failed.
pub(super) fn postgres_error(error: &tokio_postgres::Error) -> Verdict {
    if let Some(db) = error.as_db_error() {
        return db_error(db);
    }
    let source = error.source();
    if let Some(e) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        let inner = e.get_ref();
        if inner.is_some_and(<dyn Error + Send + Sync>::is::<NotPostgres>)
            || e.kind() == io::ErrorKind::InvalidInput
        {
            return not_postgres();
        }
        // With TLS 1.3 a server refuses a client's certificate only after the handshake.
        if inner.is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) {
            return handshake_error(e);
        }
        return (ErrorKind::Closed, format!("the connection broke during the login ({e})"));
    }
    if error.is_closed() {
        return (ErrorKind::Closed, "the server closed the connection during the login".to_owned());
    }
    let cause = source.map(ToString::to_string).unwrap_or_default();
    if cause == "password missing" {
        return (ErrorKind::PasswordMissing, "the server wants a password and none is given".to_owned());
    }
    match error.to_string().as_str() {
        "authentication error" => (ErrorKind::Authentication, format!("the authentication failed: {cause}")),
        "unexpected message from server" | "error parsing response from server" => not_postgres(),
        text if cause.is_empty() => (ErrorKind::Other, text.to_owned()),
        text => (ErrorKind::Other, format!("{text}: {cause}")),
    }
}

fn db_error(error: &DbError) -> Verdict {
    let message = error.message();
    // Messages are translated by the server, names of functions and files are not.
    let routine = error.routine().unwrap_or_default();
    let kind = match error.code() {
        &SqlState::INVALID_PASSWORD => ErrorKind::PasswordWrong,
        &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => match routine {
            "ClientAuthentication" if message.contains("pg_hba.conf") => ErrorKind::HbaReject,
            "InitializeSessionUserId" => ErrorKind::Role,
            _ => ErrorKind::Authentication,
        },
        &SqlState::INVALID_CATALOG_NAME => ErrorKind::DatabaseMissing,
        &SqlState::INSUFFICIENT_PRIVILEGE => ErrorKind::Denied,
        &SqlState::TOO_MANY_CONNECTIONS => ErrorKind::NoFreeSlot,
        &SqlState::CANNOT_CONNECT_NOW | &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN => {
            ErrorKind::NotReady
        }
        // PgBouncer's code for whatever it does not like.
        &SqlState::PROTOCOL_VIOLATION if message.contains("startup parameter") => ErrorKind::Pooler,
        &SqlState::PROTOCOL_VIOLATION if message.contains("no such database") => ErrorKind::DatabaseMissing,
        _ => ErrorKind::Other,
    };
    (kind, format!("the server says: {} ({})", printable(message), printable(error.code().code())))
}

/// Why an established session ended, in one line.
pub(super) fn end_of_session(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => db_error(db).1,
        None if error.is_closed() => "the server closed the connection".to_owned(),
        None => match error.source() {
            Some(cause) => format!("the connection broke ({})", printable(&cause.to_string())),
            None => error.to_string(),
        },
    }
}
