//! Taking strong locks politely: look, canary, escalate, hold.
//!
//! Owns when an attempt may ask for its locks, for how long, and when trying ends. A request is made only when nobody
//! old holds what it needs, so that the queue which takes applications down does not form; what a look cannot foresee
//! is bounded by the attempt's own timeout. Never stops or terminates a holder.
//!
//! | rung | the attempt waits | it asks when nobody holds a conflicting lock for longer than |
//! |---|---|---|
//! | canary, escalate | 100, 250, 500 ms | the same |
//! | hold | `deadlock_timeout` + 0.5 s, only while the guard is armed | the same; an autovacuum yields and does not count |
//!
//! Rungs climb with failed attempts and with failed looks: where readers overlap without end, nobody would ever be
//! young enough for the first one. Looks also tell how long holders live: an attempt that waits for less would fail, and
//! its rest costs more than waiting. Of the rungs that are allowed the shortest that suffices is tried.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::engine::guard::seconds;
use crate::engine::ids::{At, BackendId, Pid, ServerTime};
use crate::engine::plan::Acquire;
use crate::engine::plan::facts::{Holder, Look};
use crate::engine::sample::BackendKind;

/// What a hold adds to the time after which the server looks for deadlocks, and has autovacuum yield.
const OVER_DEADLOCK_MS: u64 = 500;
/// Looks must have failed for this long, and for twice the wait of the rung, before the next rung is tried.
const CLIMB_AFTER_MS: u64 = 500;
/// For how long the life of a holder that has ended counts.
const LIFE_COUNTS_MS: u64 = 10_000;

/// The locks of one part of a step, being taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acquisition {
    limits: Acquire,
    hold_ms: u64,
    began: At,
    /// The highest rung that is allowed, as a place in `limits.rungs_ms`; behind all of them: hold.
    rung: usize,
    /// The lowest: attempts have failed below it.
    floor: usize,
    /// The one that the last attempt was on.
    tried: usize,
    rung_since: At,
    attempts: u32,
    /// The vacuum that was first seen in the way, when, and how far it was.
    vacuum: Option<(Pid, At, u64)>,
    /// When was looked last, and which transactions held then.
    seen: Option<(At, Vec<(BackendId, ServerTime)>)>,
    /// The longest a holder lived, of those that have ended and were never seen older than the last rung, in
    /// milliseconds, and when that was found out.
    life: Option<(u64, At)>,
}

/// What follows from a look, or from an attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Ask for the locks, and wait this long at most, in milliseconds.
    Try(u64),
    /// Look again then; why, for people.
    Again(At, String),
    /// Trying ends; why, for people.
    GiveUp(String),
}

impl Acquisition {
    /// Begins. `deadlock_timeout_ms` is the server's.
    pub fn begin(at: At, limits: &Acquire, deadlock_timeout_ms: u64) -> Acquisition {
        let hold_ms = limits.hold_ms.unwrap_or(deadlock_timeout_ms.saturating_add(OVER_DEADLOCK_MS));
        Acquisition {
            limits: limits.clone(),
            hold_ms,
            began: at,
            rung: 0,
            floor: 0,
            tried: 0,
            rung_since: at,
            attempts: 0,
            vacuum: None,
            seen: None,
            life: None,
        }
    }

    /// Attempts so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long an attempt of this rung waits, in milliseconds. Without an armed guard nothing is held.
    fn wait_ms(&self, rung: usize, armed: bool) -> u64 {
        let rungs = &self.limits.rungs_ms;
        let last = rungs.last().copied().unwrap_or(0);
        match rungs.get(rung) {
            Some(&wait_ms) => wait_ms,
            None if armed && self.hold_ms > 0 => self.hold_ms.max(last),
            None => last,
        }
    }

    fn holds(&self, rung: usize, armed: bool) -> bool {
        rung >= self.limits.rungs_ms.len() && armed && self.hold_ms > 0
    }

    /// Whether this holder forbids to ask on this rung.
    fn is_in_the_way(&self, look: &Look, holder: &Holder, rung: usize, armed: bool) -> bool {
        let yields = is_vacuum(holder) && self.holds(rung, armed);
        !yields && age_ms(look, holder).is_none_or(|age_ms| age_ms > self.wait_ms(rung, armed))
    }

    /// What follows from a look. `name` tells relations.
    pub fn looked(&mut self, at: At, look: &Look, armed: bool, name: impl Fn(&Holder) -> String) -> Verdict {
        if let Some(holder) = look.holders.iter().find(|holder| holder.wraparound) {
            let progress = self.vacuum_progress(at, holder);
            return Verdict::GiveUp(format!(
                "autovacuum (pid {}) of {} prevents wraparound and yields to nobody{progress}: let it finish",
                holder.backend.pid,
                name(holder)
            ));
        }
        self.learn(at, look);
        let top = self.rung;
        let mut others =
            look.holders.iter().filter(|holder| self.is_in_the_way(look, holder, top, armed)).peekable();
        let only_vacuum = others.peek().is_some() && others.all(is_vacuum);
        if only_vacuum && armed && self.hold_ms > 0 {
            // Nothing shorter than the server's deadlock_timeout moves an autovacuum.
            self.floor = self.limits.rungs_ms.len();
            self.climb(at, self.floor);
        }
        let life_ms = self.life.map_or(0, |(life_ms, _)| life_ms);
        let last = self.limits.rungs_ms.len().saturating_sub(1);
        while self.rung < last && self.wait_ms(self.rung, armed) < life_ms {
            self.climb(at, self.rung + 1);
        }
        let suffices = |&rung: &usize| {
            let in_the_way = |holder| self.is_in_the_way(look, holder, rung, armed);
            (rung >= last || self.wait_ms(rung, armed) >= life_ms) && !look.holders.iter().any(in_the_way)
        };
        if let Some(rung) = (self.floor..=self.rung).find(suffices) {
            self.tried = rung;
            return Verdict::Try(self.wait_ms(rung, armed));
        }
        // The highest rung that is allowed is long enough for a life: somebody is in its way.
        let first = look.holders.iter().find(|holder| self.is_in_the_way(look, holder, self.rung, armed));
        let Some(first) = first else { return Verdict::Try(self.wait_ms(self.rung, armed)) };
        let progress = if is_vacuum(first) { self.vacuum_progress(at, first) } else { String::new() };
        let others = match look.in_all.saturating_sub(1) {
            0 => String::new(),
            others => format!(", and {others} more"),
        };
        let why = format!("{}{progress}{others}", told(look, first, &name(first)));
        if let Some(over) = self.is_over(at) {
            return Verdict::GiveUp(format!("{over}; last in the way: {why}"));
        }
        let patience_ms = CLIMB_AFTER_MS.max(self.wait_ms(self.rung, armed).saturating_mul(2));
        if at.ms_since(self.rung_since) >= patience_ms && self.rung + 1 < self.limits.rungs_ms.len() {
            self.climb(at, self.rung + 1);
        }
        Verdict::Again(at.plus_ms(self.limits.look_every_ms), why)
    }

    /// What follows from a look that has no answer.
    pub fn unseen(&self, at: At, why: &str) -> Verdict {
        match self.is_over(at) {
            Some(over) => Verdict::GiveUp(format!("{over}; who holds what it needs is not known: {why}")),
            None => {
                let why = format!("who holds what it needs is not known: {why}");
                Verdict::Again(at.plus_ms(self.limits.look_every_ms), why)
            }
        }
    }

    /// What follows from an attempt that did not get its locks in `waited_ms`. `jitter` is any number.
    pub fn missed(&mut self, at: At, waited_ms: u64, jitter: u64, climbs: bool) -> Verdict {
        self.attempts += 1;
        if let Some(over) = self.is_over(at) {
            return Verdict::GiveUp(over);
        }
        if self.attempts >= self.limits.attempts {
            return Verdict::GiveUp(format!("no lock in {} attempts", self.attempts));
        }
        if climbs {
            self.floor = (self.tried.max(self.floor) + 1).min(self.limits.rungs_ms.len());
            self.climb(at, self.floor.max(self.rung));
        }
        let duty = u64::from(self.limits.duty_percent.clamp(1, 100));
        let rest_ms = waited_ms.saturating_mul(100 - duty) / duty;
        let rest_ms = rest_ms.max(self.limits.look_every_ms);
        let rest_ms = rest_ms.saturating_add(jitter % (rest_ms / 2).max(1));
        Verdict::Again(at.plus_ms(rest_ms), format!("the next one in {}", seconds(rest_ms)))
    }

    fn climb(&mut self, at: At, rung: usize) {
        if rung != self.rung {
            self.rung = rung;
            self.rung_since = at;
        }
    }

    /// Finds out how long those lived who held at the last look and are gone.
    fn learn(&mut self, at: At, look: &Look) {
        let transaction = |holder: &Holder| {
            let is_client = !is_vacuum(holder) && holder.backend.pid != Pid::PREPARED;
            Some((holder.backend, holder.xact_start.filter(|_| is_client)?))
        };
        let now: Vec<(BackendId, ServerTime)> = look.holders.iter().filter_map(transaction).collect();
        if let Some((seen_at, seen)) = self.seen.take() {
            let since_ms = at.ms_since(seen_at);
            let gone = seen.iter().filter(|transaction| !now.contains(transaction));
            let last_ms = self.limits.rungs_ms.last().copied().unwrap_or(0);
            let ages = gone
                .map(|(_, start)| (look.server_now.us_since(*start) / 1_000).saturating_sub(since_ms))
                .filter(|age_ms| *age_ms <= last_ms);
            // They have ended somewhere between two looks. After a rest that says little more than the age itself.
            let unseen_ms = since_ms.min(self.limits.look_every_ms) / 2;
            let longest = ages.max().map(|age_ms| last_ms.min(age_ms + unseen_ms));
            let before = self.life.filter(|(_, found)| at.ms_since(*found) < LIFE_COUNTS_MS);
            self.life = match (before, longest) {
                (Some((before_ms, _)), Some(life_ms)) if before_ms > life_ms => before,
                (_, Some(life_ms)) => Some((life_ms, at)),
                (before, None) => before,
            };
        }
        self.seen = Some((at, now));
    }

    fn is_over(&self, at: At) -> Option<String> {
        let tried_ms = at.ms_since(self.began);
        (tried_ms >= self.limits.within_ms)
            .then(|| format!("no lock in {} ({} attempts)", seconds(tried_ms), self.attempts))
    }

    /// How far a vacuum is, and when it may be over.
    fn vacuum_progress(&mut self, at: At, holder: &Holder) -> String {
        let Some((done, total)) = holder.progress.filter(|(_, total)| *total > 0) else {
            return ", how far it is is not known".to_owned();
        };
        let percent = done.saturating_mul(100) / total;
        let pid = holder.backend.pid;
        let (_, since, from) = *match self.vacuum.as_mut().filter(|(seen, _, _)| *seen == pid) {
            Some(seen) => seen,
            None => self.vacuum.insert((pid, at, done)),
        };
        let (moved, took_ms) = (done.saturating_sub(from), at.ms_since(since));
        if moved == 0 || took_ms == 0 {
            return format!(", {percent} % through");
        }
        let left_ms = total.saturating_sub(done).saturating_mul(took_ms) / moved;
        format!(", {percent} % through, about {} to go", seconds(left_ms))
    }
}

fn is_vacuum(holder: &Holder) -> bool {
    holder.kind == BackendKind::Autovacuum
}

/// How long the transaction of a holder has been open; `None` where that is hidden, or nobody can end it.
pub fn age_ms(look: &Look, holder: &Holder) -> Option<u64> {
    let start = holder.xact_start.filter(|_| holder.backend.pid != Pid::PREPARED)?;
    Some(look.server_now.us_since(start) / 1_000)
}

/// A holder in the way, for people.
pub fn told(look: &Look, holder: &Holder, relation: &str) -> String {
    if let Some(gid) = &holder.gid {
        return format!("prepared transaction '{gid}' holds {} on {relation}", holder.mode);
    }
    let since = age_ms(look, holder).map_or_else(|| "since when is hidden".to_owned(), seconds);
    let who = match holder.kind {
        BackendKind::Autovacuum => "autovacuum".to_owned(),
        _ => holder.application.to_string(),
    };
    format!(
        "pid {} {who}, {} for {since}, holds {} on {relation}",
        holder.backend.pid,
        holder.state.name(),
        holder.mode
    )
}
