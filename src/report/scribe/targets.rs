//! The work that came under guard, and what it did to others.

use super::facts;
use crate::engine::Cockpit;
use crate::engine::ids::{At, Attempt};
use crate::engine::timeline::{Fate, TargetStory};
use crate::report::lists::Bounded;
use crate::report::plan::MOST_EACH;
use crate::report::story::Target;

/// Targets in the order in which they were found.
#[derive(Debug)]
pub(super) struct Targets {
    all: Bounded<(Attempt, Target)>,
}

impl Default for Targets {
    fn default() -> Targets {
        Targets { all: Bounded::new(MOST_EACH) }
    }
}

impl Targets {
    /// Work came under guard; what is to be told of it.
    pub(super) fn found(&mut self, at: At, story: &TargetStory) -> String {
        let target = target(at, story);
        let words = format!("under guard: pid {} {}", target.pid, describe(&target));
        self.all.push((story.attempt, target));
        words
    }

    /// What became of it; what is to be told of it.
    pub(super) fn ended(&mut self, at: At, story: &TargetStory, fate: Fate) -> String {
        let fate = facts::fate_name(fate);
        let known = self.open(|attempt| attempt.continues_as(&story.attempt) || *attempt == story.attempt);
        if let Some(known) = known {
            known.ended_ms = Some(at.ms());
            known.fate = Some(fate.to_owned());
            known.text = story.text.clone().or(known.text.take());
        }
        format!("pid {} {}: {}", story.attempt.backend.pid, story.kind, facts::fate_words(fate))
    }

    /// A remark of the engine may say that a target is not followed any more.
    pub(super) fn noted(&mut self, at: At, text: &str) {
        if !text.ends_with("is not followed any more") {
            return;
        }
        if let Some(known) = self
            .all
            .kept
            .iter_mut()
            .rev()
            .map(|(_, target)| target)
            .find(|target| target.fate.is_none() && text.starts_with(&format!("pid {} ", target.pid)))
        {
            known.ended_ms = Some(at.ms());
            known.fate = Some("not followed any more".to_owned());
        }
    }

    /// Takes in what a sample shows of the present one.
    pub(super) fn sample(&mut self, at: At, cockpit: &Cockpit) {
        let Some(now) = cockpit.target() else { return };
        let Some(known) = self.open(|attempt| attempt.continues_as(&now.attempt)) else { return };
        let victims = u32::try_from(now.victims.len()).unwrap_or(u32::MAX);
        known.most_victims = known.most_victims.max(victims);
        let oldest = cockpit.ages().oldest_ms(at, now.victims.iter().copied());
        known.oldest_victim_ms = known.oldest_victim_ms.max(oldest);
        known.lost_session_ms = known.lost_session_ms.max(now.lost_us / 1_000);
    }

    /// After a gap: what is under guard now may have been found within it.
    pub(super) fn resume(&mut self, cockpit: &Cockpit) {
        let Some(now) = cockpit.target() else { return };
        if self.open(|attempt| attempt.continues_as(&now.attempt)).is_none() {
            self.found(now.found, &now.story(cockpit.catalog()));
        }
    }

    pub(super) fn left_out(&self) -> u64 {
        self.all.left_out
    }

    pub(super) fn finish(self) -> Vec<Target> {
        self.all.kept.into_iter().map(|(_, target)| target).collect()
    }

    fn open(&mut self, is_it: impl Fn(&Attempt) -> bool) -> Option<&mut Target> {
        let all = self.all.kept.iter_mut().rev();
        all.filter(|(_, target)| target.fate.is_none())
            .find(|(attempt, _)| is_it(attempt))
            .map(|(_, target)| target)
    }
}

fn target(at: At, story: &TargetStory) -> Target {
    Target {
        found_ms: at.ms(),
        ended_ms: None,
        fate: None,
        pid: story.attempt.backend.pid.0,
        application: story.application.clone(),
        role: story.role.clone(),
        kind: story.kind.clone(),
        text: story.text.clone(),
        lock: story.lock.as_ref().map(|lock| {
            let verb = if lock.granted { "holds" } else { "awaits" };
            format!("{verb} {} on {}", lock.mode, lock.relation)
        }),
        strong: story.strong,
        most_victims: 0,
        oldest_victim_ms: None,
        lost_session_ms: 0,
    }
}

fn describe(target: &Target) -> String {
    let mut words = target.kind.clone();
    if !target.application.is_empty() {
        words = format!("{} ({}), {words}", target.application, target.role);
    }
    match &target.lock {
        Some(lock) => format!("{words}, {lock}"),
        None => words,
    }
}
