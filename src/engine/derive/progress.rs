//! How far the work is: from the server's progress views, or by the clock where there is none.
//!
//! Owns the reading of phases, rates and estimates. An estimate is called one; a rate needs two points a second
//! apart; nothing is ever more than done.

use crate::engine::Cockpit;
use crate::engine::history::History;
use crate::engine::ids::{At, Pid};
use crate::engine::sample::{Progress, State};

use super::cancel::waits_for_standby;
use super::lookup::Lookup;

#[cfg(test)]
mod tests;

/// What a backend is at, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It waits for a lock.
    WaitsForLock,
    /// It works.
    Works,
    /// It waits for its client.
    WaitsForClient,
    /// It is committed here, and waits for a synchronous standby.
    WaitsForStandby,
    /// It cannot be told.
    Unknown,
}

impl Doing {
    /// What `pid` is at.
    pub fn of(look: &Lookup<'_>, pid: Pid) -> Doing {
        if look.cockpit().scene().graph.is_waiting(pid) {
            return Doing::WaitsForLock;
        }
        let Some(backend) = look.backend(pid) else { return Doing::Unknown };
        if waits_for_standby(backend) {
            return Doing::WaitsForStandby;
        }
        let awaits_client = backend.wait_event.as_deref().is_some_and(|event| event.starts_with("Client/"));
        match backend.state {
            State::Active | State::Fastpath if awaits_client => Doing::WaitsForClient,
            State::Active | State::Fastpath => Doing::Works,
            State::Idle | State::IdleInTransaction | State::IdleInTransactionAborted => Doing::WaitsForClient,
            State::Disabled | State::None | State::Masked => Doing::Unknown,
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Doing::WaitsForLock => "waiting for a lock",
            Doing::Works => "working",
            Doing::WaitsForClient => "waiting for its client",
            Doing::WaitsForStandby => "committed, waits for a standby",
            Doing::Unknown => "unknown",
        }
    }
}

/// One command that reports progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressLine {
    /// The backend.
    pub pid: Pid,
    /// The command.
    pub command: String,
    /// The relation it works on; `None` where the server does not say.
    pub relation: Option<String>,
    /// The server's name of the phase.
    pub phase: Option<String>,
    /// Whom the phase waits for, and for how long it was seen to, in milliseconds.
    pub locker: Option<(Pid, Option<u64>)>,
    /// Lockers done and in all.
    pub lockers: Option<(u64, u64)>,
    /// Done, in `unit`.
    pub done: Option<u64>,
    /// In all, in `unit`; `None` where the server does not know.
    pub total: Option<u64>,
    /// `blocks`, `tuples`, `bytes` or `relations`.
    pub unit: Option<String>,
    /// Done of total, in thousandths, at most 1,000.
    pub permille: Option<u32>,
    /// Thousandths of `unit` per second over the last minute of this phase.
    pub rate_milli_per_s: Option<u64>,
    /// Estimate of what is left of this phase, in milliseconds; phases after it are not counted.
    pub eta_ms: Option<u64>,
    /// What it is at.
    pub doing: Doing,
    /// It is the work under guard.
    pub is_target: bool,
    /// What else people should know: why a figure is missing or not to be trusted.
    pub note: Option<String>,
}

/// The target's time, where the server reports no progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elapsed {
    /// The target.
    pub pid: Pid,
    /// How long its statement has run, in milliseconds; `None` where hidden.
    pub ms: Option<u64>,
    /// What it is at.
    pub doing: Doing,
    /// Why there is nothing better.
    pub why: String,
}

/// All that is known of progress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgressView {
    /// Commands that report it, the target first.
    pub lines: Vec<ProgressLine>,
    /// The target, when it reports none.
    pub target: Option<Elapsed>,
    /// How old the lines are, in milliseconds; `None` when progress was never read.
    pub age_ms: Option<u64>,
}

impl ProgressView {
    /// Progress as `cockpit` knows it; rates come from `history`.
    pub fn of(cockpit: &Cockpit, history: &History, at: At) -> ProgressView {
        let age_ms = cockpit.slow_at().map(|seen| at.ms_since(seen));
        let Some(look) = Lookup::of(cockpit) else {
            return ProgressView { age_ms, ..ProgressView::default() };
        };
        let target = cockpit.target().map(crate::engine::target::Target::pid);
        let all = cockpit.slow().map_or(&[][..], |slow| slow.progress.as_slice());
        let mut lines: Vec<ProgressLine> =
            all.iter().map(|progress| line(&look, history, at, progress, target)).collect();
        lines.sort_by_key(|line| (!line.is_target, line.pid));
        let silent = target.filter(|_| !lines.iter().any(|line| line.is_target));
        ProgressView { lines, target: silent.map(|pid| elapsed(&look, at, pid)), age_ms }
    }
}

fn line(
    look: &Lookup<'_>,
    history: &History,
    at: At,
    progress: &Progress,
    target: Option<Pid>,
) -> ProgressLine {
    let pid = progress.pid;
    let catalog = look.cockpit().catalog();
    let database = look.backend(pid).and_then(|backend| backend.database);
    let track = history.progress(pid);
    let rate = track.and_then(crate::engine::history::ProgressTrack::rate_milli_per_s);
    // A phase that waits for others moves no rows: the counters it shows are those of the phase before.
    let awaits = progress.phase.as_deref().is_some_and(|phase| phase.starts_with("waiting"));
    let beyond = progress.done.zip(progress.total).is_some_and(|(done, total)| done > total);
    let left = progress.total.zip(progress.done).map(|(total, done)| total.saturating_sub(done));
    let eta_ms = match (left, rate) {
        (Some(left), Some(rate)) if rate > 0 && !beyond && !awaits => {
            u64::try_from(u128::from(left) * 1_000_000 / u128::from(rate)).ok()
        }
        _ => None,
    };
    let doing = Doing::of(look, pid);
    let note = if beyond {
        Some("estimate exceeded: the server's total was too low".to_owned())
    } else if progress.phase.is_none() && progress.done.is_none() {
        Some("hidden from this login, or not begun".to_owned())
    } else if doing == Doing::Works && rate == Some(0) {
        Some("no progress within this phase since it was last seen to move".to_owned())
    } else {
        None
    };
    let since = |locker: Pid| track.and_then(|track| track.locker).filter(|(pid, _)| *pid == locker);
    ProgressLine {
        pid,
        command: progress.command.clone(),
        relation: progress.relation.map(|relation| match database {
            Some(database) => catalog.relation(database, relation),
            None => relation.to_string(),
        }),
        phase: progress.phase.clone(),
        locker: progress.locker_pid.map(|pid| (pid, since(pid).map(|(_, since)| at.ms_since(since)))),
        lockers: progress.lockers,
        done: progress.done,
        total: progress.total,
        unit: progress.unit.clone(),
        permille: permille(progress.done, progress.total).filter(|_| !awaits),
        rate_milli_per_s: rate,
        eta_ms,
        doing,
        is_target: Some(pid) == target,
        note,
    }
}

fn elapsed(look: &Lookup<'_>, at: At, pid: Pid) -> Elapsed {
    let backend = look.backend(pid);
    let kind = look.cockpit().catalog().kind(backend.and_then(|backend| backend.text)).to_owned();
    let start = backend.and_then(|backend| backend.query_start.or(backend.xact_start));
    let reports = REPORTING.contains(&kind.as_str());
    let why = match look.cockpit().slow_at() {
        None => "progress has not been read yet".to_owned(),
        Some(_) if reports => format!("{kind} reports progress only while it works on a table"),
        Some(_) if look.is_text_lost(pid) => "the text of its statement is lost from the log".to_owned(),
        Some(_) if look.text(pid).is_none() => "its statement is hidden from this login".to_owned(),
        Some(_) => format!("PostgreSQL has no progress view for {kind}"),
    };
    Elapsed { pid, ms: start.map(|start| look.age_ms(at, start)), doing: Doing::of(look, pid), why }
}

/// Kinds of statements that have a progress view.
const REPORTING: [&str; 9] = [
    "CREATE INDEX",
    "CREATE INDEX CONCURRENTLY",
    "REINDEX",
    "REINDEX CONCURRENTLY",
    "VACUUM",
    "VACUUM FULL",
    "ANALYZE",
    "CLUSTER",
    "COPY",
];

fn permille(done: Option<u64>, total: Option<u64>) -> Option<u32> {
    let (done, total) = (u128::from(done?), u128::from(total.filter(|total| *total > 0)?));
    u32::try_from((done * 1_000 / total).min(1_000)).ok()
}
