//! What a flight cannot see.
//!
//! Owns the list, in a few words for a header and in a sentence with what would help.

use crate::engine::Cockpit;
use crate::engine::sample::Fact;

/// Something that is not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// A few words.
    pub short: String,
    /// A sentence: what exactly, and what would let it be seen.
    pub sentence: String,
    /// Whether it is always so: worth a place where there is room.
    pub always: bool,
}

impl Unseen {
    /// Everything that this flight cannot see, the most important first.
    pub fn of(cockpit: &Cockpit) -> Vec<Unseen> {
        let Some(server) = cockpit.server() else { return Vec::new() };
        let rights = &server.rights;
        let mut all = Vec::new();
        let mut add = |short: &str, sentence: String, always: bool| {
            all.push(Unseen { short: short.to_owned(), sentence, always });
        };
        if !rights.sees_all {
            let masked = cockpit.sample().map_or(0, |sample| sample.counts.masked);
            add(
                &format!("texts, states of {masked} backends (pg_read_all_stats)"),
                format!(
                    "texts, states and start times of other roles are hidden (counts, edges, modes and ages are \
                     exact): GRANT pg_read_all_stats TO {}",
                    rights.role_name
                ),
                false,
            );
        }
        if !rights.signals {
            let sentence = format!(
                "backends of other roles cannot be stopped: GRANT pg_signal_backend TO {}",
                rights.role_name
            );
            add("may not stop others (pg_signal_backend)", sentence, false);
        }
        if let Fact::Missing(why) = &server.system_identifier {
            add("cluster identity", format!("the cluster's identity: {why}"), false);
        }
        add("standby reads", "standby reads: no standby is attached".to_owned(), true);
        add("waits in poolers", "clients that wait behind a pooler".to_owned(), true);
        all
    }
}
