//! What was stopped, rung by rung, and what that left.

use crate::engine::Cockpit;
use crate::engine::derive::cost::StopCost;
use crate::engine::effect;
use crate::engine::ids::{At, Pid, StopId};
use crate::engine::timeline::{OutcomeStory, StopResult};
use crate::report::lists::Bounded;
use crate::report::plan::MOST_EACH;
use crate::report::story::{CleanUp, Cost, Rung, Stop};

/// Stops in the order in which they began.
#[derive(Debug)]
pub(super) struct Stops {
    all: Bounded<Stop>,
    /// Numbers of stops that are known, the newest last.
    newest: Option<u32>,
    /// In this turn: the trip that has no stop yet, and whoever gave an order.
    tripped: Option<usize>,
    ordered: Option<Option<String>>,
}

impl Default for Stops {
    fn default() -> Stops {
        Stops { all: Bounded::new(MOST_EACH), newest: None, tripped: None, ordered: None }
    }
}

impl Stops {
    /// A guardrail tripped; a stop that begins in this turn is its.
    pub(super) fn tripped(&mut self, trip: usize) {
        self.tripped = Some(trip);
    }

    /// Somebody gave an order; a stop that begins in this turn, without a trip, is theirs.
    pub(super) fn commanded(&mut self, by: Option<&str>) {
        self.ordered = Some(by.map(str::to_owned));
    }

    pub(super) fn turn_is_over(&mut self) {
        self.tripped = None;
        self.ordered = None;
    }

    /// A rung is asked for; the trip, by its index, whose stop it begins.
    pub(super) fn intent(
        &mut self,
        at: At,
        stop: StopId,
        rung: effect::Rung,
        pid: Pid,
        sentence: &str,
        cockpit: &Cockpit,
    ) -> Option<usize> {
        let trip = self.begin(at, stop, pid, cockpit);
        if let Some(known) = self.find(stop) {
            let (action, sentence) = (action(rung).to_owned(), sentence.to_owned());
            known.rungs.push(Rung { at_ms: at.ms(), action, sentence, answered_ms: None, answer: None });
        }
        trip
    }

    /// What became of a rung, or of the stop; the trip, by its index, whose stop it begins.
    pub(super) fn outcome(&mut self, at: At, story: &OutcomeStory, cockpit: &Cockpit) -> Option<usize> {
        let trip = self.begin(at, story.stop, story.pid, cockpit);
        let Some(known) = self.find(story.stop) else { return trip };
        known.victims = Some(story.victims);
        known.lost_session_ms = Some(story.lost_session_ms);
        known.sent_ms = story.sent_ms.or(known.sent_ms);
        known.gone_ms = story.gone_ms.or(known.gone_ms);
        known.drained_ms = story.drained_ms.or(known.drained_ms);
        if story.is_final {
            known.result = Some(result(story.result).to_owned());
            known.sentence = Some(story.sentence.clone());
        } else {
            let word = story.rung.map(action);
            let rung = known.rungs.iter_mut().rev().find(|rung| Some(rung.action.as_str()) == word);
            if let Some(rung) = rung {
                rung.answered_ms = Some(at.ms());
                rung.answer = Some(story.sentence.clone());
            }
        }
        trip
    }

    pub(super) fn left_out(&self) -> u64 {
        self.all.left_out
    }

    pub(super) fn finish(self) -> Vec<Stop> {
        self.all.kept
    }

    fn begin(&mut self, at: At, stop: StopId, pid: Pid, cockpit: &Cockpit) -> Option<usize> {
        if self.newest.is_some_and(|newest| stop.0 <= newest) {
            return None;
        }
        self.newest = Some(stop.0);
        let trip = self.tripped.take();
        let (cause, by) = match (trip, self.ordered.take()) {
            (Some(_), _) => ("guardrail", None),
            (None, Some(by)) => ("operator", by),
            (None, None) => ("lockpit", None),
        };
        let cost = StopCost::of(cockpit, pid, at).map(cost);
        self.all.push(Stop {
            number: stop.0,
            at_ms: at.ms(),
            pid: pid.0,
            cause: cause.to_owned(),
            by,
            rungs: Vec::new(),
            result: None,
            sentence: None,
            sent_ms: None,
            gone_ms: None,
            drained_ms: None,
            victims: None,
            lost_session_ms: None,
            cost,
        });
        trip
    }

    fn find(&mut self, stop: StopId) -> Option<&mut Stop> {
        self.all.kept.iter_mut().rev().find(|known| known.number == stop.0)
    }
}

fn cost(cost: StopCost) -> Cost {
    let step = |text: String| CleanUp { is_sql: text.ends_with(';') || text.starts_with("SELECT "), text };
    Cost { lost: cost.lost, leaves: cost.leaves, clean_up: cost.clean_up.into_iter().map(step).collect() }
}

fn action(rung: effect::Rung) -> &'static str {
    match rung {
        effect::Rung::Cancel => "cancel",
        effect::Rung::Terminate => "terminate",
        effect::Rung::SignalRunner(_) => "signal",
    }
}

fn result(result: StopResult) -> &'static str {
    match result {
        StopResult::Sent => "sent",
        StopResult::Drained => "drained",
        StopResult::AlreadyOver => "already_over",
        StopResult::StillHolding => "still_holding",
        StopResult::Refused => "refused",
        StopResult::Lost => "lost",
    }
}
