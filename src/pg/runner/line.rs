//! The runner's session: opening it, whose cluster it is on, the flight's lock, its settings between attempts.
//!
//! Owns one session and what a plan's own SET statements have made of it. Never reconnects.

use tokio_postgres::error::Severity;
use tokio_postgres::{Client, Error, Statement};

use super::inquiry::InquiryError;
use crate::engine::ids::{BackendId, Pid, ServerTime};
use crate::pg::connect::{ConnectError, Conninfo, ErrorKind, Session, SessionSettings};
use crate::pg::message;
use crate::pg::time::Timestamp;

/// The first of the two keys of a flight's advisory lock; the second is 1.
pub(super) const LOCK_CLASS: i32 = 0x6c6b_7074;
const RUNNER: &str = include_str!("../sql/runner.sql");
const FLIGHT_LOCK: &str = include_str!("../sql/flight_lock.sql");
const SYSTEM: &str = "select system_identifier from pg_catalog.pg_control_system()";

/// An open session.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) backend: BackendId,
    pub(super) cluster: Cluster,
    /// Held, or who holds it; of a session that only asks, held in name only.
    pub(super) lock: Result<(), Holder>,
    /// Prepared when it is first needed.
    pub(super) look: Option<Statement>,
}

/// By what a cluster is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    system: Option<i64>,
    timeline: Option<String>,
    standby: bool,
    postmaster_start: ServerTime,
}

/// Who holds the flight's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// What it calls itself.
    pub(super) application: String,
    /// Its flight has other sessions: it is alive.
    pub(super) alive: bool,
    /// For people.
    pub(super) sentence: String,
}

/// Why a statement has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused it: SQLSTATE and message.
    Refused(String, String),
    /// The session is over.
    Lost(String),
}

impl Failure {
    /// In one line.
    pub(super) fn why(self) -> String {
        match self {
            Failure::Refused(_, why) | Failure::Lost(why) => why,
        }
    }
}

impl Line {
    pub(super) async fn open(conninfo: &Conninfo, application: &str) -> Result<Line, String> {
        let opened = conninfo.connect(application, &SessionSettings::runner()).await;
        let session = opened.map_err(|error| refused(&error))?;
        let (backend, cluster) = identify(session.client()).await.map_err(|error| message(&error))?;
        let lock = take_lock(session.client()).await.map_err(|error| message(&error))?;
        Ok(Line { session, backend, cluster, lock, look: None })
    }

    /// A session that only asks: it takes no lock and writes nothing.
    pub(super) async fn open_to_ask(conninfo: &Conninfo, application: &str) -> Result<Line, InquiryError> {
        let session = conninfo.connect(application, &SessionSettings::inquiry()).await?;
        let (backend, cluster) = identify(session.client()).await?;
        Ok(Line { session, backend, cluster, lock: Ok(()), look: None })
    }

    pub(super) fn client(&self) -> &Client {
        self.session.client()
    }

    /// Asks for the flight's lock again, where it is not held.
    pub(super) async fn take_lock(&mut self) -> Result<(), Failure> {
        if self.lock.is_err() {
            self.lock = take_lock(self.client()).await.map_err(|error| self.failure(&error))?;
        }
        Ok(())
    }

    /// What an error means for the session.
    pub(super) fn failure(&self, error: &Error) -> Failure {
        match error.as_db_error() {
            Some(said) if matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) => {
                Failure::Lost(words(said.code().code(), said.message()))
            }
            Some(said) => {
                let code = said.code().code();
                Failure::Refused(code.to_owned(), words(code, said.message()))
            }
            // Without the server's word nobody knows where in the dialogue it is.
            None => {
                let why = self.session.closed_because();
                Failure::Lost(why.map_or_else(|| error.to_string(), |why| why.to_string()))
            }
        }
    }

    /// Begins a transaction that only reads, and ends by itself; `own` has the names of lockpit's own statements mean
    /// the server's objects, and shows what the login may see, whatever role the plan has taken on.
    pub(super) async fn begin_reading(&self, limit_ms: u32, own: bool) -> Result<(), Error> {
        self.client().batch_execute(&begin_reading(limit_ms, own)).await
    }

    /// Ends whatever transaction is open.
    pub(super) async fn end_reading(&self) -> Result<(), Error> {
        self.client().batch_execute("ROLLBACK").await
    }
}

/// Why a session could not be opened, in one line.
pub(super) fn refused(error: &ConnectError) -> String {
    match error.kind() {
        ErrorKind::Pooler => format!(
            "{error}: the timeouts, locks and transactions of a plan need one session of the server, which a pooler may \
             swap for another one between two statements"
        ),
        _ => error.to_string(),
    }
}

/// The statements that begin a transaction that only reads.
pub(super) fn begin_reading(limit_ms: u32, own: bool) -> String {
    let own = if own { OWN } else { "" };
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;SET LOCAL statement_timeout = {limit_ms};\
         SET LOCAL lock_timeout = 500;{own}"
    )
}

/// From here to the end of the transaction the names of lockpit's own statements mean the server's objects.
pub(super) const OWN: &str = "SET LOCAL search_path = pg_catalog;SET LOCAL ROLE NONE;";

impl Cluster {
    /// Whether `now` is the same cluster as it was, and takes writes.
    pub(super) fn is_still(&self, now: &Cluster) -> Result<(), String> {
        if now.standby {
            return Err("the server is a standby now: it takes no writes".to_owned());
        }
        match (self.system, now.system) {
            (Some(then), Some(now)) if then != now => {
                return Err(format!("this is another cluster: its system identifier is {now}, not {then}"));
            }
            (Some(_), Some(_)) => {}
            _ if self.postmaster_start == now.postmaster_start => {}
            _ => {
                return Err(
                    "whether this is the cluster the flight began on is not known: this login may not \
                            execute pg_control_system(), and the server was started since"
                        .to_owned(),
                );
            }
        }
        if self.timeline != now.timeline {
            let number = |timeline: &Option<String>| match timeline {
                Some(hex) => u32::from_str_radix(hex, 16).map_or_else(|_| hex.clone(), |n| n.to_string()),
                None => "that of a standby".to_owned(),
            };
            return Err(format!(
                "the cluster was failed over: its timeline is {}, it was {}; what was committed last may be gone",
                number(&now.timeline),
                number(&self.timeline)
            ));
        }
        Ok(())
    }

    /// Whether it takes no writes.
    pub(super) fn is_standby(&self) -> bool {
        self.standby
    }
}

async fn identify(client: &Client) -> Result<(BackendId, Cluster), Error> {
    let row = client.query_one(RUNNER, &[]).await?;
    // It may be refused; that is no failure.
    let system = client.query_one(SYSTEM, &[]).await.and_then(|row| row.try_get(0)).ok();
    let backend_start = row.try_get::<_, Option<Timestamp>>("backend_start")?.map(|time| time.0);
    let backend = BackendId { pid: Pid(row.try_get("pid")?), backend_start };
    let cluster = Cluster {
        system,
        timeline: row.try_get("timeline")?,
        standby: row.try_get("standby")?,
        postmaster_start: row.try_get::<_, Timestamp>("postmaster_start")?.0,
    };
    Ok((backend, cluster))
}

async fn take_lock(client: &Client) -> Result<Result<(), Holder>, Error> {
    let row = client.query_one(FLIGHT_LOCK, &[&LOCK_CLASS]).await?;
    if row.try_get("got")? {
        return Ok(Ok(()));
    }
    let application: String = row.try_get::<_, Option<String>>("application_name")?.unwrap_or_default();
    let who = match row.try_get::<_, Option<i32>>("pid")? {
        Some(pid) => format!("pid {pid} ({application})"),
        None => "a session that has just ended".to_owned(),
    };
    let since: Option<String> = row.try_get("since")?;
    let since = since.map(|since| format!(", connected since {since}")).unwrap_or_default();
    let sentence = format!("another flight is under way in this database: {who} holds its lock{since}");
    Ok(Err(Holder { application, alive: row.try_get("alive")?, sentence }))
}

/// What the server says of an error, without the values that it quotes: those of rows where data does not fit, and the
/// text near which SQL that is put together at run time does not parse.
pub(super) fn words(code: &str, text: &str) -> String {
    let line = first_line(text);
    // data_exception, syntax_error
    let quotes_values = code.starts_with("22") || code == "42601";
    // As the server's languages open a quotation.
    let quote = line.find(['"', '\'', '«', '»', '„', '“', '”', '「']).filter(|_| quotes_values);
    let Some(begin) = quote else { return line };
    let quoted = line[begin..].trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let is_word = quoted.len() <= 30 && quoted.chars().all(|c| c.is_ascii_uppercase());
    if is_word { line } else { format!("{}..", &line[..begin]) }
}

/// The first line of what the server says, at most 300 characters of it.
pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn values_are_not_told() {
        for (code, said, told) in [
            (
                "22P02",
                "invalid input syntax for type integer: \"alice@example.com\"",
                "invalid input syntax for type integer: ..",
            ),
            (
                "22P02",
                "ungültige Eingabesyntax für Typ integer: »alice«",
                "ungültige Eingabesyntax für Typ integer: ..",
            ),
            ("22003", "value \"99999999999\" is out of range for type integer", "value .."),
            ("42601", "syntax error at or near \"'secret'\"", "syntax error at or near .."),
            ("42601", "syntax error at or near \"COLUMN\"", "syntax error at or near \"COLUMN\""),
            ("22012", "division by zero", "division by zero"),
            (
                "23505",
                "could not create unique index \"users_x\"",
                "could not create unique index \"users_x\"",
            ),
            ("42703", "column \"x\" does not exist", "column \"x\" does not exist"),
        ] {
            assert_eq!(words(code, said), told);
        }
    }
}
