//! The settings of lockpit's own sessions.
//!
//! Owns the one batch of `SET` that every session begins with. Every value is explicit, because defaults of
//! a role or a database reach into any session that does not say otherwise: an `idle_session_timeout`
//! closes an idle control connection, a `statement_timeout` kills what must not be killed.

use std::fmt::Write as _;

use super::conninfo::Keepalives;

/// What differs between lockpit's sessions. All times are milliseconds; 0 is no limit.
///
/// All sessions have in common: no idle timeout, no transaction timeout, read committed, keepalives, and a check
/// every second whether the client is still there. Those that send only lockpit's own statements also have no JIT, no
/// parallel workers, `search_path = pg_catalog`, ISO dates in UTC. `compute_query_id` is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// `statement_timeout`.
    pub statement_timeout_ms: u32,
    /// `lock_timeout`.
    pub lock_timeout_ms: u32,
    /// `idle_in_transaction_session_timeout`.
    pub idle_in_transaction_ms: u32,
    /// `default_transaction_read_only`. Reads, cancels, terminates and a loop that does these need no more;
    /// so a session that only looks and stops cannot write by accident.
    pub read_only: bool,
    /// Statements of others run on it: names, dates and plans are as the login has them in psql.
    pub as_login: bool,
}

impl SessionSettings {
    /// For samples and watches: they take no lock that could wait, and one that hangs ends by itself.
    pub fn sampler() -> SessionSettings {
        SessionSettings {
            statement_timeout_ms: 5_000,
            lock_timeout_ms: 100,
            idle_in_transaction_ms: 10_000,
            read_only: true,
            as_login: false,
        }
    }

    /// For cancels and checks: milliseconds when all is well.
    pub fn control() -> SessionSettings {
        SessionSettings { statement_timeout_ms: 2_000, ..SessionSettings::sampler() }
    }

    /// For the server-side loop, which is one long statement.
    pub fn watchdog() -> SessionSettings {
        SessionSettings { statement_timeout_ms: 0, ..SessionSettings::sampler() }
    }

    /// For the statements of a plan, each of which sets its own timeouts. A transaction that is left open, with all the
    /// locks it holds, ends by itself.
    pub fn runner() -> SessionSettings {
        SessionSettings {
            statement_timeout_ms: 0,
            lock_timeout_ms: 0,
            idle_in_transaction_ms: 10_000,
            read_only: false,
            as_login: true,
        }
    }

    /// For questions about a plan: names are as the plan has them, and nothing can be written.
    pub fn inquiry() -> SessionSettings {
        SessionSettings {
            statement_timeout_ms: 5_000,
            lock_timeout_ms: 100,
            read_only: true,
            ..SessionSettings::runner()
        }
    }

    /// The batch for a server of this version (`server_version_num`).
    pub(super) fn sql(&self, version_num: u32, keepalives: Option<Keepalives>) -> String {
        let mut sql = String::new();
        let mut set = |name: &str, value: &dyn std::fmt::Display| {
            write!(sql, "SET {name} = {value};").expect("a String takes all");
        };
        let switch = |on: bool| if on { "on" } else { "off" };
        set("statement_timeout", &self.statement_timeout_ms);
        set("lock_timeout", &self.lock_timeout_ms);
        set("idle_in_transaction_session_timeout", &self.idle_in_transaction_ms);
        if version_num >= 140_000 {
            set("idle_session_timeout", &0);
        }
        if version_num >= 170_000 {
            set("transaction_timeout", &0);
        }
        set("default_transaction_isolation", &"'read committed'");
        set("default_transaction_read_only", &switch(self.read_only));
        set("default_transaction_deferrable", &"off");
        if !self.as_login {
            set("jit", &"off");
            set("max_parallel_workers_per_gather", &0);
            set("search_path", &"pg_catalog");
            set("standard_conforming_strings", &"on");
            set("bytea_output", &"'hex'");
            set("datestyle", &"'ISO, YMD'");
            set("intervalstyle", &"'postgres'");
            set("timezone", &"'UTC'");
        }
        if let Some(Keepalives { idle, interval, count }) = keepalives {
            set("tcp_keepalives_idle", &idle.map_or(0, |idle| idle.as_secs()));
            set("tcp_keepalives_interval", &interval.map_or(0, |interval| interval.as_secs()));
            set("tcp_keepalives_count", &count.unwrap_or(0));
            // Keepalives rest while an answer is on its way to a client that has vanished.
            if let (Some(idle), Some(interval), Some(count)) = (idle, interval, count) {
                set("tcp_user_timeout", &(idle + interval * count).as_millis());
            }
        }
        sql
    }
}

/// Makes the server notice a client that is gone even inside a lock queue (14 and later). Apart from the
/// batch, because servers on some systems cannot.
pub(super) const CHECK_CLIENT: &str = "SET client_connection_check_interval = '1s'";

/// Takes back what statements have set, role and session authorization included, before the batch comes again.
pub(super) const TAKE_BACK: &str = "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;";
