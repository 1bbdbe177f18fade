//! How far standbys and slots are behind.
//!
//! Owns the verdict on each, and the sentence for all. A lag column that is empty is not zero, a standby that
//! has vanished is not forgotten, and a reply from the future is a clock, not a lag.

use crate::engine::Cockpit;
use crate::engine::guard::seconds;
use crate::engine::history::History;
use crate::engine::ids::{At, Pid, ServerTime};
use crate::engine::sample::{Sender, Slot, SlowFacts};

use super::words::{ago, bytes, plural};

#[cfg(test)]
mod tests;

/// A standby behind by more than this lags, in bytes: one segment of WAL.
const LAG_BYTES: u64 = 16 * 1_024 * 1_024;
/// A standby behind by more than this lags, in milliseconds.
const LAG_MS: u64 = 1_000;
/// A standby replies at least every 10 s by default; after three times that it is stalled.
const SILENT_MS: u64 = 30_000;
/// A replay that does not move for this long while there is something to replay is stalled.
const STILL_MS: u64 = 10_000;
/// Replies further in the future than this are told as a skew of clocks, in milliseconds.
const SKEW_MS: u64 = 1_000;
/// Facts older than this are told to be old, in milliseconds.
const OLD_MS: u64 = 5_000;

/// How well something does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It keeps up.
    Healthy,
    /// It is behind.
    Lagging,
    /// It does not move, or is lost.
    Stalled,
    /// It cannot be told.
    Unknown,
}

/// When a standby last replied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// This long ago when it was read, in milliseconds, by the standby's clock and the server's.
    Ago(u64),
    /// Its clock is ahead of the server's by this much, in milliseconds.
    ClockSkew(u64),
    /// Not known.
    Unknown,
}

/// One WAL sender. Bytes are what is left to be sent, written, flushed and replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderLine {
    /// The WAL sender process.
    pub pid: Pid,
    /// What the standby calls itself.
    pub name: String,
    /// `streaming`, `catchup`, ...
    pub state: Option<String>,
    /// `async`, `sync`, `quorum`, `potential`.
    pub sync_state: Option<String>,
    /// Not sent yet.
    pub unsent_bytes: Option<u64>,
    /// Not written by it yet.
    pub unwritten_bytes: Option<u64>,
    /// Not flushed by it yet.
    pub unflushed_bytes: Option<u64>,
    /// Not replayed by it yet.
    pub behind_bytes: Option<u64>,
    /// `replay_lag`, in milliseconds; `None` when there was nothing to measure, which is not zero.
    pub replay_lag_ms: Option<u64>,
    /// Its last reply.
    pub reply: Reply,
    /// How it does.
    pub verdict: Verdict,
    /// Why, for people.
    pub sentence: String,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotLine {
    /// Its name.
    pub name: String,
    /// Logical (true) or physical.
    pub logical: bool,
    /// Whether somebody streams from it.
    pub active: bool,
    /// WAL it keeps, in bytes.
    pub retained_bytes: Option<u64>,
    /// `reserved`, `extended`, `unreserved`, `lost`.
    pub wal_status: Option<String>,
    /// How it does.
    pub verdict: Verdict,
    /// Why, for people.
    pub sentence: String,
}

/// A standby that was connected and is not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vanished {
    /// What it calls itself.
    pub name: String,
    /// How many of that name are gone.
    pub missing: u32,
    /// When all of them were last connected.
    pub last_seen: At,
    /// The same for people.
    pub sentence: String,
}

/// Replication as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationView {
    /// WAL senders, worst first.
    pub senders: Vec<SenderLine>,
    /// Slots, worst first.
    pub slots: Vec<SlotLine>,
    /// Standbys that are gone.
    pub vanished: Vec<Vanished>,
    /// How old this is, in milliseconds; `None` when it was never read.
    pub age_ms: Option<u64>,
    /// The worst of all.
    pub verdict: Verdict,
    /// All of it in one line.
    pub summary: String,
}

impl ReplicationView {
    /// Replication as `cockpit` knows it; who has vanished comes from `history`.
    pub fn of(cockpit: &Cockpit, history: &History, at: At) -> ReplicationView {
        let (Some(slow), Some(seen)) = (cockpit.slow(), cockpit.slow_at()) else {
            return ReplicationView {
                senders: Vec::new(),
                slots: Vec::new(),
                vanished: Vec::new(),
                age_ms: None,
                verdict: Verdict::Unknown,
                summary: "not known: replication has not been read yet".to_owned(),
            };
        };
        let age_ms = at.ms_since(seen);
        // The server's clock when the senders were read: the last sample is younger.
        let server_then = cockpit.sample().zip(cockpit.sample_at()).map(|(sample, sampled)| {
            let us = i64::try_from(sampled.us_since(seen)).unwrap_or(i64::MAX);
            ServerTime(sample.server_now.0.saturating_sub(us))
        });
        let mut senders: Vec<SenderLine> =
            slow.senders.iter().map(|sender| sender_line(slow, sender, server_then, history, seen)).collect();
        senders.sort_by(|a, b| worst_first(a).cmp(&worst_first(b)).then_with(|| a.name.cmp(&b.name)));
        let mut slots: Vec<SlotLine> = slow.slots.iter().map(|slot| slot_line(slow, slot)).collect();
        slots.sort_by(|a, b| {
            let key = |slot: &SlotLine| (severity(slot.verdict), std::cmp::Reverse(slot.retained_bytes));
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        let vanished: Vec<Vanished> = history
            .standbys()
            .filter(|(_, standby)| standby.now < standby.most)
            .map(|(name, standby)| vanished(name, &standby, at))
            .collect();
        let mut verdicts: Vec<Verdict> = senders.iter().map(|sender| sender.verdict).collect();
        verdicts.extend(slots.iter().map(|slot| slot.verdict));
        verdicts.extend(vanished.iter().map(|_| Verdict::Stalled));
        let verdict = verdicts.into_iter().min_by_key(|verdict| severity(*verdict));
        let summary = summary(&senders, &slots, &vanished, age_ms);
        let verdict = verdict.unwrap_or(Verdict::Healthy);
        ReplicationView { senders, slots, vanished, age_ms: Some(age_ms), verdict, summary }
    }
}

/// The worst first; what is unknown is worse than what lags, and better than what stands still.
fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Stalled => 0,
        Verdict::Unknown => 1,
        Verdict::Lagging => 2,
        Verdict::Healthy => 3,
    }
}

fn worst_first(sender: &SenderLine) -> (u8, std::cmp::Reverse<Option<u64>>, std::cmp::Reverse<Option<u64>>) {
    let reverse = std::cmp::Reverse;
    (severity(sender.verdict), reverse(sender.behind_bytes), reverse(sender.replay_lag_ms))
}

fn sender_line(
    slow: &SlowFacts,
    sender: &Sender,
    server_then: Option<ServerTime>,
    history: &History,
    seen: At,
) -> SenderLine {
    let left = |position: Option<u64>| Some(slow.wal_lsn?.saturating_sub(position?));
    let behind_bytes = left(sender.replay_lsn);
    let replay_lag_ms = sender.replay_lag_us.map(|us| us / 1_000);
    let reply = reply(server_then, sender.reply_time);
    let still_ms = history.replay(sender.pid).filter(|replay| Some(replay.lsn) == sender.replay_lsn);
    // Up to when it was read: since then nobody has looked.
    let still_ms = still_ms.map(|replay| seen.ms_since(replay.since));
    let lag = lag_words(behind_bytes, replay_lag_ms);
    let (verdict, sentence) = match (sender.state.as_deref(), behind_bytes) {
        (None, None) => {
            (Verdict::Unknown, "not known: its state is hidden from this login (needs pg_monitor)".to_owned())
        }
        (Some("backup"), _) => (Verdict::Healthy, "takes a base backup".to_owned()),
        (_, None) => (Verdict::Unknown, "not known: it has reported no position yet".to_owned()),
        (state, Some(behind)) => match (reply, still_ms) {
            (Reply::Ago(ms), _) if ms >= SILENT_MS => {
                (Verdict::Stalled, format!("last heard of {}; {lag}", ago(ms)))
            }
            (_, Some(ms)) if ms >= STILL_MS && behind > 0 => {
                (Verdict::Stalled, format!("has replayed nothing for {}; {lag}", seconds(ms)))
            }
            _ if behind >= LAG_BYTES || replay_lag_ms.is_some_and(|ms| ms >= LAG_MS) => {
                (Verdict::Lagging, lag)
            }
            _ if state != Some("streaming") => {
                (Verdict::Lagging, format!("{}; {lag}", state.unwrap_or("state not known")))
            }
            _ => (Verdict::Healthy, lag),
        },
    };
    let sentence = match reply {
        Reply::ClockSkew(ms) => format!("{sentence}; clock skew: its clock is {} ahead", seconds(ms)),
        Reply::Ago(_) | Reply::Unknown => sentence,
    };
    SenderLine {
        pid: sender.pid,
        name: sender.application.clone(),
        state: sender.state.clone(),
        sync_state: sender.sync_state.clone(),
        unsent_bytes: left(sender.sent_lsn),
        unwritten_bytes: left(sender.write_lsn),
        unflushed_bytes: left(sender.flush_lsn),
        behind_bytes,
        replay_lag_ms,
        reply,
        verdict,
        sentence,
    }
}

fn reply(server_then: Option<ServerTime>, replied: Option<ServerTime>) -> Reply {
    let (Some(now), Some(replied)) = (server_then, replied) else { return Reply::Unknown };
    let ahead_ms = replied.us_since(now) / 1_000;
    if ahead_ms > SKEW_MS { Reply::ClockSkew(ahead_ms) } else { Reply::Ago(now.us_since(replied) / 1_000) }
}

/// `134 MB / 9.9 s behind`.
fn lag_words(behind_bytes: Option<u64>, replay_lag_ms: Option<u64>) -> String {
    match (behind_bytes, replay_lag_ms) {
        (Some(0), None) => "has replayed everything".to_owned(),
        (Some(behind), Some(ms)) => format!("{} / {} behind", bytes(behind), seconds(ms)),
        (Some(behind), None) => format!("{} behind", bytes(behind)),
        (None, Some(ms)) => format!("{} behind", seconds(ms)),
        (None, None) => "lag not known".to_owned(),
    }
}

fn slot_line(slow: &SlowFacts, slot: &Slot) -> SlotLine {
    let retained_bytes = slow.wal_lsn.zip(slot.restart_lsn).map(|(now, kept)| now.saturating_sub(kept));
    let keeps = retained_bytes
        .map_or_else(|| "keeps an unknown amount".to_owned(), |kept| format!("keeps {}", bytes(kept)));
    let (verdict, sentence) = match slot.wal_status.as_deref() {
        Some("lost") => (Verdict::Stalled, "lost: the WAL it needs is gone".to_owned()),
        Some("unreserved") => {
            (Verdict::Stalled, format!("{keeps}; the next checkpoint may remove WAL it needs"))
        }
        _ if !slot.active && slot.restart_lsn.is_none() => {
            (Verdict::Healthy, "inactive, and keeps no WAL".to_owned())
        }
        _ if !slot.active => (Verdict::Lagging, format!("inactive, {keeps}")),
        _ if retained_bytes.is_none() => (Verdict::Unknown, keeps),
        Some("extended") => (Verdict::Lagging, format!("{keeps}, more than max_wal_size")),
        _ => (Verdict::Healthy, keeps),
    };
    SlotLine {
        name: slot.name.clone(),
        logical: slot.logical,
        active: slot.active,
        retained_bytes,
        wal_status: slot.wal_status.clone(),
        verdict,
        sentence,
    }
}

fn vanished(name: &str, standby: &crate::engine::history::Standby, at: At) -> Vanished {
    let missing = standby.most.saturating_sub(standby.now);
    let last_seen = standby.last_full;
    let since = ago(at.ms_since(last_seen));
    let sentence = match standby.most {
        1 => format!("{name} is gone, last seen {since}"),
        most => format!("{missing} of {most} called {name} are gone, last seen {since}"),
    };
    Vanished { name: name.to_owned(), missing, last_seen, sentence }
}

fn summary(senders: &[SenderLine], slots: &[SlotLine], vanished: &[Vanished], age_ms: u64) -> String {
    let mut parts: Vec<String> = vanished.iter().map(|gone| gone.sentence.clone()).collect();
    let standbys: Vec<&SenderLine> =
        senders.iter().filter(|sender| sender.state.as_deref() != Some("backup")).collect();
    let count = plural(standbys.len() as u64, "standby");
    parts.push(match standbys.as_slice() {
        [] => "no standby connected".to_owned(),
        all if all.iter().all(|sender| sender.state.is_none() && sender.behind_bytes.is_none()) => {
            format!("{count}, lag not known: needs pg_monitor")
        }
        [only] => format!("{} {}", only.name, only.sentence),
        [worst, ..] => format!("{count}, worst {}: {}", worst.name, worst.sentence),
    });
    let inactive: Vec<&SlotLine> =
        slots.iter().filter(|slot| !slot.active && slot.retained_bytes.is_some()).collect();
    if let Some(most) = inactive.iter().filter_map(|slot| slot.retained_bytes).max() {
        let verb = if inactive.len() == 1 { "keeps" } else { "keep up to" };
        parts.push(format!("{} {verb} {}", plural(inactive.len() as u64, "inactive slot"), bytes(most)));
    }
    let lost = slots.iter().filter(|slot| slot.wal_status.as_deref() == Some("lost")).count();
    if lost > 0 {
        parts.push(format!("{} lost", plural(lost as u64, "slot")));
    }
    if age_ms >= OLD_MS {
        parts.push(format!("read {}", ago(age_ms)));
    }
    parts.join("; ")
}
