//! Recognising the work under guard, and following it to its end.
//!
//! Owns who is a candidate, which one is the target, and the harm it has done. A target is known by the
//! locks it holds or awaits; its text only names it. Never decides to stop it.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::ages::Ages;
use super::catalog::Catalog;
use super::ids::{At, Attempt, BackendId, Oid, Pid, TextId, Word};
use super::sample::{Backend, Sample, State};
use super::scene::{Scene, SchemaLock};
use super::settings::Selector;
use super::timeline::{LockStory, TargetStory};

#[cfg(test)]
mod tests;

/// The work under guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Whom.
    pub attempt: Attempt,
    /// When it came under guard.
    pub found: At,
    /// The selector of the start chose it, or would have; otherwise an operator did.
    pub selected: bool,
    /// What its client calls itself.
    pub application: Word,
    /// Its role.
    pub role: Option<Oid>,
    /// Its statement.
    pub text: Option<TextId>,
    /// What it is doing.
    pub state: State,
    /// The event it waits for, as `Type/Event`.
    pub wait_event: Option<Word>,
    /// It holds or awaits a lock that conflicts with reads or writes.
    pub strong: bool,
    /// Its strongest lock on a permanent user relation; an awaited one before a held one.
    pub lock: Option<(Oid, Oid, super::locks::LockMode, bool)>,
    /// The last transaction id it was seen to have.
    pub xid: Option<u32>,
    /// Whether this login may signal it; `None` until that is known.
    pub right: Option<Result<(), String>>,
    /// Clients at ordinary work that wait because of it, ascending.
    pub victims: Vec<Pid>,
    /// Time all its victims have lost so far, in session-microseconds.
    pub lost_us: u64,
    /// A guardrail has tripped on this attempt; it does so once.
    pub tripped: bool,
}

impl Target {
    /// What a backend's own row says of it; its locks and its harm are not known yet.
    pub fn of(at: At, backend: &Backend) -> Target {
        Target {
            attempt: attempt_of(backend),
            found: at,
            selected: false,
            application: backend.application.clone(),
            role: backend.role,
            text: backend.text,
            state: backend.state,
            wait_event: backend.wait_event.clone(),
            strong: false,
            lock: None,
            xid: None,
            right: None,
            victims: Vec::new(),
            lost_us: 0,
            tripped: false,
        }
    }

    /// Takes in what a sample shows of it. `since` is the arrival of the sample before.
    fn observe(&mut self, view: &View<'_>, backend: &Backend, since: Option<At>) {
        self.attempt = attempt_of(backend);
        self.text = backend.text.or(self.text);
        self.state = backend.state;
        self.wait_event.clone_from(&backend.wait_event);
        self.xid = backend.backend_xid.or(self.xid);
        self.strong = view.scene.is_strong(backend.pid);
        self.lock = strongest(view.scene.schema_locks(backend.pid))
            .map(|lock| (lock.database, lock.relation, lock.mode, lock.granted));
        let victims = view.scene.victims_of(backend.pid);
        let lost_us = victims.iter().map(|&pid| {
            let age_us = view.ages.age_us(view.at, pid).unwrap_or(0);
            since.map_or(age_us, |since| age_us.min(view.at.us_since(since)))
        });
        self.lost_us = lost_us.fold(self.lost_us, u64::saturating_add);
        self.victims = victims;
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.attempt.backend.pid
    }

    /// Its statement runs in a transaction that the client opened before: other statements come before or
    /// after it, and fail with it.
    pub fn in_explicit_transaction(&self) -> bool {
        self.attempt.in_explicit_transaction()
    }

    /// It is told to people like this.
    pub fn story(&self, catalog: &Catalog) -> TargetStory {
        TargetStory {
            attempt: self.attempt,
            application: self.application.to_string(),
            role: catalog.role(self.role),
            kind: catalog.kind(self.text).to_owned(),
            text: catalog.text(self.text).map(|text| text.normalised.clone()),
            lock: self.lock.map(|(database, relation, mode, granted)| LockStory {
                relation: catalog.relation(database, relation),
                mode: mode.name().to_owned(),
                granted,
            }),
            strong: self.strong,
        }
    }
}

/// What target recognition reads.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// When the sample arrived.
    pub at: At,
    /// The sample.
    pub sample: &'a Sample,
    /// The sample, understood.
    pub scene: &'a Scene,
    /// Names.
    pub catalog: &'a Catalog,
    /// Ages of waits.
    pub ages: &'a Ages,
}

/// What a sample changed about the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This attempt is no longer seen.
    Ended(Box<Target>),
    /// This attempt goes on, but hurts nobody, while another one does.
    Left(Box<Target>),
    /// This attempt goes on, and the operator wants another one followed.
    Dropped(Box<Target>),
    /// This one came under guard.
    Found,
}

/// Attempts that are remembered once the operator follows another one.
const DROPPED_KEPT: usize = 16;

/// Follows one target at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// The work under guard, if there is any.
    pub target: Option<Target>,
    /// The session whose schema work the operator wants followed, whatever the selector says.
    wanted: Option<BackendId>,
    /// The attempts that were dropped last, and the sample up to which their harm was counted.
    dropped: Vec<(Attempt, At)>,
}

impl Follow {
    /// Whom the operator wants followed, if anybody.
    pub fn wanted(&self) -> Option<BackendId> {
        self.wanted
    }

    /// From now on the schema work of this session is followed; without one, what the selector chooses.
    pub fn want(&mut self, backend: Option<BackendId>) {
        self.wanted = backend;
    }

    /// A session is gone, and nobody wants it any more.
    pub fn session_ended(&mut self, backend: BackendId) {
        self.wanted = self.wanted.filter(|wanted| *wanted != backend);
    }

    /// Takes in a sample; `since` is the arrival of the one before.
    pub fn observe(&mut self, view: &View<'_>, matcher: &Matcher, since: Option<At>) -> Vec<Change> {
        let mut changes = Vec::new();
        // Whoever was selected once is followed to its end: the next statement of its transaction, or its
        // client by another name, may match no more while the locks stay.
        let still = self.target.as_ref().and_then(|target| {
            schema_workers(view).find(|backend| target.attempt.continues_as(&attempt_of(backend)))
        });
        let wanted =
            self.wanted.and_then(|wanted| schema_workers(view).find(|backend| backend.id() == wanted));
        if let (Some(backend), Some(target)) = (still, self.target.as_mut()) {
            target.observe(view, backend, since);
            let is_wanted = wanted.is_some_and(|wanted| wanted.pid == backend.pid);
            // Only a wish that is taken back, or another one, ends a wish.
            let is_unwanted = if wanted.is_some() { !is_wanted } else { !target.selected };
            if is_unwanted {
                if self.dropped.len() == DROPPED_KEPT {
                    self.dropped.remove(0);
                }
                self.dropped.push((target.attempt, view.at));
                changes.extend(self.target.take().map(|left| Change::Dropped(Box::new(left))));
            } else {
                let is_harmless = target.victims.is_empty() && !target.tripped && !is_wanted;
                let worst = choose(view, &candidates(view, matcher)).filter(|_| is_harmless);
                let Some(worse) = worst.filter(|worst| !view.scene.victims_of(worst.pid).is_empty()) else {
                    return changes;
                };
                // Hours of harmless work must not hide somebody else's jam.
                changes.extend(self.target.take().map(|left| Change::Left(Box::new(left))));
                self.follow(view, worse, matcher);
                changes.push(Change::Found);
                return changes;
            }
        } else {
            changes.extend(self.target.take().map(|ended| Change::Ended(Box::new(ended))));
        }
        if let Some(backend) = wanted.or_else(|| choose(view, &candidates(view, matcher))) {
            self.follow(view, backend, matcher);
            changes.push(Change::Found);
        }
        changes
    }

    fn follow(&mut self, view: &View<'_>, backend: &Backend, matcher: &Matcher) {
        let selected = matcher.allows(view, backend);
        let mut target = Target { selected, ..Target::of(view.at, backend) };
        // What it had done before it was dropped is counted already.
        let dropped = self.dropped.iter().rev().find(|(attempt, _)| attempt.continues_as(&target.attempt));
        target.observe(view, backend, dropped.map(|(_, at)| *at));
        self.target = Some(target);
    }

    /// Forgets the target, whose fate will not be seen: the server is another one.
    pub fn lose(&mut self) -> Option<Target> {
        self.wanted = None;
        self.target.take()
    }
}

/// The attempt a backend is at.
pub fn attempt_of(backend: &Backend) -> Attempt {
    Attempt {
        backend: BackendId { pid: backend.pid, backend_start: backend.backend_start },
        query_start: backend.query_start,
        xact_start: backend.xact_start,
    }
}

/// All candidates that the selector allows, in order of pid.
pub fn candidates<'a>(view: &View<'a>, matcher: &Matcher) -> Vec<&'a Backend> {
    schema_workers(view).filter(|backend| matcher.allows(view, backend)).collect()
}

fn schema_workers<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Backend> {
    let (sample, scene) = (view.sample, view.scene);
    scene.schema_workers().filter_map(|pid| sample.backend(pid))
}

/// The candidate with the most victims, else the oldest. Of two equally old ones the lower pid.
fn choose<'a>(view: &View<'_>, candidates: &[&'a Backend]) -> Option<&'a Backend> {
    candidates.iter().copied().min_by_key(|backend| {
        let victims = view.scene.victims_of(backend.pid).len();
        // A start that is masked counts as oldest.
        (std::cmp::Reverse(victims), backend.xact_start.map_or(i64::MIN, |start| start.0), backend.pid)
    })
}

fn strongest(locks: &[SchemaLock]) -> Option<&SchemaLock> {
    locks.iter().max_by_key(|lock| (lock.mode.is_strong(), !lock.granted, lock.mode))
}

/// A selector, ready to match. Patterns for applications and users match the whole name.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    selector: Selector,
    pattern: Option<Regex>,
}

impl Matcher {
    /// Compiles a selector.
    ///
    /// # Errors
    /// The pattern is not a regular expression.
    pub fn new(selector: Selector) -> Result<Matcher, regex::Error> {
        let pattern = match &selector {
            Selector::Application(pattern) | Selector::User(pattern) => {
                Some(Regex::new(&format!("^(?:{pattern})$"))?)
            }
            Selector::Query(pattern) => Some(Regex::new(pattern)?),
            Selector::Auto | Selector::Pid(_) | Selector::Table(_) => None,
        };
        Ok(Matcher { selector, pattern })
    }

    /// A matcher that allows nobody.
    pub fn nobody() -> Matcher {
        Matcher { selector: Selector::Application(String::new()), pattern: None }
    }

    fn allows(&self, view: &View<'_>, backend: &Backend) -> bool {
        let full_match = |name: &str| self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name));
        // Activity is the whole cluster's; a consent reaches the connected database, and else one backend
        // that was named by itself.
        let is_here = backend.database == view.catalog.connected();
        match &self.selector {
            Selector::Pid(pid) => backend.pid == *pid,
            _ if !is_here => false,
            Selector::Auto => true,
            Selector::Application(_) => full_match(&backend.application),
            Selector::User(_) => full_match(&view.catalog.role(backend.role)),
            Selector::Table(name) => {
                view.scene.schema_locks(backend.pid).iter().any(|lock| is_named(view.catalog, lock, name))
            }
            Selector::Query(_) => view
                .catalog
                .text(backend.text)
                .is_some_and(|text| text.matched_by.iter().any(|pattern| pattern == "target")),
        }
    }
}

fn is_named(catalog: &Catalog, lock: &SchemaLock, name: &str) -> bool {
    catalog.qualified(lock.database, lock.relation).is_some_and(|qualified| {
        qualified == name
            || (!name.contains('.') && qualified.split_once('.').is_some_and(|(_, n)| n == name))
    })
}
