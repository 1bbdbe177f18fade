//! What follows from an attempt that is over, or whose session was lost.
//!
//! Owns the reading of errors: the same SQLSTATE says "cancelled" for an operator, a guardrail and a time limit, and
//! who it was is known here. What a lost session had done is asked of the server and of the catalog, never assumed.

use super::acquire::Verdict;
use super::attempts::SLACK_MS;
use super::job::{After, Doing, Job, Stopping, Then, Trying};
use super::{Cause, Course, Ending, Sight, Stage, Steps, Turn};
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::plan::HookEvent;
use crate::engine::plan::facts::{Found, Leftover, LeftoverKind, Survey};
use crate::engine::plan::leftover;
use crate::engine::plan::order::{Order, ServerError, TryEnd, TryFate, Unit, Way};
use crate::engine::sample::Fact;
use crate::engine::timeline::Event;

/// `lock_not_available`: a lock timeout.
const LOCK_TIMEOUT: &str = "55P03";
/// `query_canceled`: a cancel request, a signal, a statement timeout.
const CANCELLED: &str = "57014";
/// `deadlock_detected`.
const DEADLOCK: &str = "40P01";
/// `serialization_failure`.
const SERIALIZATION: &str = "40001";
/// The server ends the session: an administrator, a crash, a shutdown.
const SESSION_ENDS: [&str; 3] = ["57P01", "57P02", "57P03"];
/// How long until a statement that took no locks first is tried again after a deadlock, in milliseconds.
const AGAIN_MS: u64 = 1_000;
/// After so many attempts in a row that could not be begun no other one follows.
const MOST_UNBEGUN: u32 = 5;
/// After so many lost sessions no attempt follows: it may be what ends them.
const MOST_LOST: u32 = 3;
/// How long a flight without a person waits for another session, in milliseconds.
const GIVEN_UP_MS: u64 = 10 * 60 * 1_000;

impl Steps {
    pub(super) fn tried(&mut self, sight: &Sight, number: u32, end: &TryEnd, took_us: u64, turn: &mut Turn) {
        let Some(trying) = self.trying(number).cloned() else { return };
        match end {
            TryEnd::Done => {
                if trying.stopping == Some(Stopping::Abort) || sight.stop.is_some_and(Cause::is_abort) {
                    let why = "aborted; the statement was through before it could be stopped".to_owned();
                    self.halt_after = Some((Ending::Aborted, why));
                }
                if trying.stopping == Some(Stopping::Pause) {
                    self.hold_after.get_or_insert_with(|| "by the operator".to_owned());
                }
                self.part_done(sight, took_us, turn);
            }
            TryEnd::Failed(error) if SESSION_ENDS.contains(&error.code.as_str()) => {
                self.orphan(sight, trying, &error.message, turn);
            }
            TryEnd::Failed(error) => self.refused(sight, &trying, error, took_us, turn),
            TryEnd::Lost(why) => self.orphan(sight, trying, why, turn),
            TryEnd::NotBegun(why) => match trying.stopping {
                Some(Stopping::Abort) => {
                    self.scan(sight, After::Halt(Ending::Aborted), "aborted".to_owned(), turn);
                }
                Some(_) => self.missed(sight, &trying, 0, "was stopped before it began", false, turn),
                None => self.unbegun(sight, why, turn),
            },
        }
    }

    /// Nothing of an attempt was sent, and nobody wanted that.
    fn unbegun(&mut self, sight: &Sight, why: &str, turn: &mut Turn) {
        if self.stops_here(sight, turn) {
            return;
        }
        let has_session = self.runner.is_some();
        let Some(job) = self.job.as_mut() else { return };
        if !has_session {
            // The next session is asked for its survey.
            job.doing = Doing::Surveying;
            return;
        }
        job.unbegun += 1;
        let (unit, why) = (job.unit, format!("it could not be begun: {why}"));
        if job.unbegun >= MOST_UNBEGUN {
            self.fails(sight, why, turn);
        } else {
            self.enter(sight.at, unit.step, Stage::Acquiring, why, turn);
            self.wait(Some(sight.at.plus_ms(AGAIN_MS)), Then::Survey);
        }
    }

    /// The server said no.
    fn refused(
        &mut self,
        sight: &Sight,
        trying: &Trying,
        error: &ServerError,
        took_us: u64,
        turn: &mut Turn,
    ) {
        let took_ms = took_us / 1_000;
        let halts = |ending| After::Halt(ending);
        let takes_first = self.takes_first();
        // An attempt whose locks are not told may have had them since its time limit.
        let in_queue = trying.locked.is_none() && trying.wait_ms.is_some_and(|ms| took_ms <= ms + SLACK_MS);
        let in_queue = in_queue || (takes_first && trying.locked.is_none());
        match error.code.as_str() {
            LOCK_TIMEOUT if trying.wait_ms.is_some() => {
                self.missed(sight, trying, took_ms, "did not get its locks", true, turn);
            }
            CANCELLED => match (trying.stopping, sight.stop) {
                (Some(Stopping::Abort), _) => {
                    self.scan(sight, halts(Ending::Aborted), "aborted".to_owned(), turn);
                }
                (Some(Stopping::Pause), _) => {
                    let why = self.hold_after.take().unwrap_or_else(|| "by the operator".to_owned());
                    self.scan(sight, After::Hold, why, turn);
                }
                (_, Some(Cause::Guardrail)) if in_queue => {
                    let step = self.job.as_ref().map(|job| job.unit.step);
                    self.hook(HookEvent::Tripped, step, "an attempt was cancelled in the lock queue", turn);
                    self.missed(sight, trying, took_ms, "was cancelled by a guardrail", false, turn);
                }
                (_, Some(Cause::Guardrail)) => {
                    let why = "a guardrail stopped it while it held its locks".to_owned();
                    self.scan(sight, halts(Ending::Tripped), why, turn);
                }
                (_, Some(_)) => {
                    self.scan(sight, halts(Ending::Aborted), "stopped by the operator".to_owned(), turn);
                }
                (Some(Stopping::Budget), None) => {
                    self.missed(sight, trying, took_ms, "did not get its locks", true, turn);
                }
                (None, None)
                    if takes_first
                        && trying.locked.is_none()
                        && trying.wait_ms.is_some_and(|ms| took_ms >= ms) =>
                {
                    self.missed(sight, trying, took_ms, "did not get all its locks", true, turn);
                }
                (None, None) => {
                    let limit_ms =
                        self.job.as_ref().and_then(|job| self.step(job.unit.step)?.statement_timeout_ms);
                    let why = match limit_ms.filter(|limit_ms| took_ms >= *limit_ms) {
                        Some(limit_ms) => format!("its statement_timeout of {} ended it", seconds(limit_ms)),
                        None => format!("cancelled, and not by this flight: {}", error.message),
                    };
                    self.fails(sight, why, turn);
                }
            },
            DEADLOCK | SERIALIZATION => {
                let word =
                    if error.code == DEADLOCK { "was a deadlock's victim" } else { "met another's change" };
                self.missed(sight, trying, took_ms, word, false, turn);
            }
            code => {
                let statement = error.statement.map_or(String::new(), |n| format!("statement {}: ", n + 1));
                self.fails(sight, format!("{statement}{} (SQLSTATE {code})", error.message), turn);
            }
        }
    }

    /// An attempt came to nothing, and left nothing: another one follows, or trying ends.
    fn missed(
        &mut self,
        sight: &Sight,
        trying: &Trying,
        took_ms: u64,
        how: &str,
        climbs: bool,
        turn: &mut Turn,
    ) {
        if trying.stopping == Some(Stopping::Abort) {
            self.scan(sight, After::Halt(Ending::Aborted), "aborted".to_owned(), turn);
            return;
        }
        let jitter = self.jitter();
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let attempts = self.hand(unit).map_or(0, |state| state.attempts);
        let most = self.step(unit.step).map_or(0, |step| step.acquire.attempts);
        let waited_ms = trying.locked.map_or(took_ms, |locked| locked.ms_since(trying.sent));
        let acquisition = self.job.as_mut().and_then(|job| job.acquisition.as_mut());
        let (verdict, then) = match acquisition {
            Some(acquisition) => (acquisition.missed(sight.at, waited_ms, jitter, climbs), Then::Look),
            None if attempts >= most => (Verdict::GiveUp(format!("{how} {attempts} times")), Then::Survey),
            None => {
                let at = sight.at.plus_ms(AGAIN_MS + jitter % AGAIN_MS);
                (Verdict::Again(at, "it is tried again".to_owned()), Then::Survey)
            }
        };
        let told = format!("attempt {attempts} {how} in {}", seconds(took_ms));
        match verdict {
            _ if trying.stopping == Some(Stopping::Pause) || self.hold_after.is_some() => {
                let why = self.hold_after.take().unwrap_or_else(|| "by the operator".to_owned());
                self.hold(sight, why, turn);
            }
            Verdict::Again(at, why) => {
                self.enter(sight.at, unit.step, Stage::Acquiring, format!("{told}; {why}"), turn);
                self.wait(Some(at), then);
            }
            Verdict::GiveUp(why) => self.fails(sight, format!("{told}; {why}"), turn),
            Verdict::Try(_) => {}
        }
    }

    /// The plan is held at the step at hand.
    pub(super) fn hold(&mut self, sight: &Sight, why: String, turn: &mut Turn) {
        self.hold_after = None;
        if let Some(unit) = self.job.as_ref().map(|job| job.unit) {
            self.enter(sight.at, unit.step, Stage::Paused, why.clone(), turn);
            self.wait(None, Then::Begin);
        }
        self.set_course(Course::Held { why }, turn);
    }

    /// The step did not work. What is left is looked for before the plan halts.
    pub(super) fn fails(&mut self, sight: &Sight, why: String, turn: &mut Turn) {
        match self.halt_after.take() {
            Some((ending, wanted)) => {
                self.scan(sight, After::Halt(ending), format!("{wanted}; {why}"), turn);
            }
            None => self.scan(sight, After::Halt(Ending::Failed), why, turn),
        }
    }

    /// Holds or ends the plan, where that was wanted once the work at hand had come here; a step of a plan that does not
    /// fly any more goes no further either.
    pub(super) fn stops_here(&mut self, sight: &Sight, turn: &mut Turn) -> bool {
        if let Some((ending, why)) = self.halt_after.take() {
            self.scan(sight, After::Halt(ending), why, turn);
            return true;
        }
        if let Some(why) = self.hold_after.take() {
            self.hold(sight, why, turn);
            return true;
        }
        if self.is_at_work() {
            return false;
        }
        if let Some(unit) = self.job.as_ref().map(|job| job.unit) {
            self.enter(sight.at, unit.step, Stage::Paused, "the plan does not fly", turn);
            self.wait(None, Then::Begin);
        }
        true
    }

    /// Whether the locks of the part at hand are taken before its statements, so that it is told when it has them.
    fn takes_first(&self) -> bool {
        let state = self.job.as_ref().and_then(|job| self.hand(job.unit));
        state.and_then(|state| state.forecast.as_ref()).is_some_and(|forecast| !forecast.first.is_empty())
    }

    /// When a flight without a person does not wait for another session any longer.
    pub(super) fn given_up_at(&self) -> Option<At> {
        let waits = self.mission.unattended && !self.course.is_over();
        self.lost.filter(|_| waits).map(|lost| lost.plus_ms(GIVEN_UP_MS))
    }

    /// Nobody is there who could decide how long the server is waited for.
    pub(super) fn give_up_the_server(&mut self, sight: &Sight, turn: &mut Turn) {
        let why = format!("no session for {}", seconds(GIVEN_UP_MS));
        let open = self.what_is_open();
        if let Some(unit) = self.job.as_ref().map(|job| job.unit) {
            self.enter(sight.at, unit.step, Stage::Failed, format!("{why}{open}"), turn);
        }
        self.halt(Ending::Lost, why, turn);
    }

    /// What would not be known of the work at hand if it were left like this, for people.
    pub(super) fn what_is_open(&self) -> &'static str {
        match self.job.as_ref().map(|job| &job.doing) {
            Some(Doing::Orphaned { .. } | Doing::Verifying { lost: true }) => {
                "; what became of its statement is not known, and it may still run"
            }
            Some(Doing::Verifying { lost: false } | Doing::Checking { .. }) => {
                "; it was through, and not checked"
            }
            Some(Doing::Scanning { .. }) => "; what is left is not known",
            _ => "",
        }
    }

    /// Looks for what is left.
    fn scan(&mut self, sight: &Sight, after: After, why: String, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let was_scanning = matches!(self.job, Some(Job { doing: Doing::Scanning { .. }, .. }));
        match self.wanted(unit) {
            Some((relations, expects)) if self.runner.is_some() && !was_scanning => {
                self.doing(Doing::Scanning { after, why });
                Steps::order(turn, Order::Survey { unit, relations, expects });
            }
            Some(_) if self.runner.is_none() => {
                let why = format!("{why}; what is left is not known: there is no session");
                self.settle_end(sight, unit, after, why, turn);
            }
            _ => self.settle_end(sight, unit, after, why, turn),
        }
    }

    pub(super) fn scanned(
        &mut self,
        sight: &Sight,
        unit: Unit,
        survey: &Fact<Box<Survey>>,
        after: After,
        why: String,
        turn: &mut Turn,
    ) {
        let why = match survey {
            Fact::Known(survey) => {
                self.offer(survey, unit, turn);
                why
            }
            Fact::Missing(blind) => format!("{why}; what is left is not known: {blind}"),
        };
        self.settle_end(sight, unit, after, why, turn);
    }

    /// Offers to clean up what is left of the relations of a unit.
    fn offer(&mut self, survey: &Survey, unit: Unit, turn: &mut Turn) {
        let known = self.job.as_ref().and_then(|job| job.left_before.clone());
        let is_new = |left: &Leftover| known.as_ref().is_some_and(|before| !before.contains(left));
        // A constraint that others leave unvalidated is theirs.
        let concerns = |left: &Leftover| {
            left.kind != LeftoverKind::UnvalidatedConstraint
                || is_new(left)
                || survey
                    .found
                    .iter()
                    .any(|(expect, found)| *found != Found::Good && expect.is_about(&left.name))
        };
        let before = known.clone().unwrap_or_default();
        let left = survey.leftovers.iter().filter(|left| concerns(left)).filter(|left| {
            let is_ours = survey.relations.iter().any(|relation| {
                relation.schema == left.schema && (relation.name == left.table || relation.name == left.name)
            });
            is_ours && (unit.way == Way::Do || !before.contains(left))
        });
        for left in left {
            if self.offers.iter().any(|offer| offer.leftover == *left && offer.stage != Stage::Done) {
                continue;
            }
            let offer = leftover::offer(left);
            let shout = if offer.hides_rows { "ROWS ARE HIDDEN: " } else { "" };
            let number = self.offers.len() + 1;
            let text = format!("{shout}left behind: {}; cleanup {number}: {}", offer.sentence, offer.sql);
            turn.events.push(Event::Note { warning: true, text });
            self.offers.push(offer);
        }
    }

    /// The step ends here, and the plan with it, or it is held.
    fn settle_end(&mut self, sight: &Sight, unit: Unit, after: After, why: String, turn: &mut Turn) {
        if unit.way == Way::CleanUp
            && let Some(offer) = self.offers.get_mut(unit.part as usize)
        {
            offer.stage = Stage::Failed;
            // The plan stays where it was.
            self.enter(sight.at, unit.step, Stage::Failed, why, turn);
            self.job = None;
            return;
        }
        match after {
            After::Hold => self.hold(sight, why, turn),
            After::Halt(ending) => {
                let stage = match ending {
                    Ending::Aborted | Ending::Tripped => Stage::Stopped,
                    Ending::Complete | Ending::Failed | Ending::Lost => Stage::Failed,
                };
                let item = self.states.get_mut(unit.step as usize).and_then(|state| {
                    let item = state.item as usize;
                    state.items.get_mut(item).filter(|item| unit.way == Way::Do && !item.stage.is_behind())
                });
                if let Some(item) = item {
                    (item.stage, item.reason) = (stage, why.clone());
                }
                let id = self.step(unit.step).map(|step| step.id.clone()).unwrap_or_default();
                self.enter(sight.at, unit.step, stage, why.clone(), turn);
                self.halt(ending, format!("step {id}: {why}"), turn);
            }
        }
    }

    /// The session of an attempt is lost: what became of it is asked once there is another.
    fn orphan(&mut self, sight: &Sight, trying: Trying, why: &str, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        self.runner_lost(sight.at);
        // Who stopped it may have ended its session: that is no reason to run it again.
        self.halt_after = match (trying.stopping, sight.stop) {
            (Some(Stopping::Abort), _) => Some((Ending::Aborted, "aborted".to_owned())),
            (_, Some(Cause::Guardrail)) => {
                Some((Ending::Tripped, "a guardrail ended its session".to_owned()))
            }
            (_, Some(_)) => Some((Ending::Aborted, "stopped by the operator".to_owned())),
            (_, None) => None,
        };
        let why = format!("its session was lost ({why}): what became of it is asked of the server");
        self.enter(sight.at, unit.step, Stage::Running, why, turn);
        self.doing(Doing::Orphaned { trying, asked: false, again: None });
    }

    /// What became of the attempt whose session was lost?
    pub(super) fn ask_fate(&mut self, sight: &Sight, turn: &mut Turn) {
        let application = self.mission.application.clone();
        let Some(Job { doing: Doing::Orphaned { trying, asked, again }, .. }) = self.job.as_mut() else {
            return;
        };
        (*asked, *again) = (true, None);
        let (number, xid) = (trying.number, trying.xid);
        let Some(backend) = trying.backend else {
            self.fails(sight, "what became of it is not known: nobody knows its session".to_owned(), turn);
            return;
        };
        Steps::order(turn, Order::Fate { number, backend, application, xid });
    }

    pub(super) fn fate(&mut self, sight: &Sight, number: u32, fate: &TryFate, turn: &mut Turn) {
        let Some(job) = self.job.as_mut() else { return };
        let unit = job.unit;
        let Doing::Orphaned { trying, again, .. } = &mut job.doing else { return };
        if trying.number != number {
            return;
        }
        match fate {
            TryFate::Running => {
                *again = Some(sight.at.plus_ms(AGAIN_MS));
                let pid =
                    trying.backend.map_or_else(String::new, |backend| format!(" as pid {}", backend.pid));
                let why = format!("adopted: it still runs on the server{pid}");
                self.enter(sight.at, unit.step, Stage::Running, why, turn);
            }
            TryFate::Committed => {
                let took_us = sight.at.us_since(trying.sent);
                self.enter(sight.at, unit.step, Stage::Running, "its transaction had committed", turn);
                self.part_done(sight, took_us, turn);
            }
            TryFate::RolledBack => {
                let text = "its session was lost, and its transaction rolled back: it is tried again";
                self.enter(sight.at, unit.step, Stage::Forecast, text, turn);
                self.again_after_loss(sight, turn);
            }
            TryFate::Gone => match self.wanted(unit) {
                Some((relations, expects)) => {
                    let why = "its session is gone: the catalog tells what became of it";
                    self.enter(sight.at, unit.step, Stage::Verifying, why, turn);
                    self.doing(Doing::Verifying { lost: true });
                    Steps::order(turn, Order::Survey { unit, relations, expects });
                }
                None if unit.way == Way::CleanUp => {
                    let text = "a clean-up was under way when the log ended, and its session is gone";
                    turn.events.push(Event::Note { warning: true, text: text.to_owned() });
                    self.job = None;
                }
                None => self.fails(sight, "its session is gone".to_owned(), turn),
            },
            TryFate::Unknown(why) => {
                self.fails(sight, format!("what became of it is not known: {why}"), turn);
            }
        }
    }

    /// The part at hand, whose session was lost, once more from its forecast on.
    pub(super) fn again_after_loss(&mut self, sight: &Sight, turn: &mut Turn) {
        let lost = self.job.as_mut().map_or(0, |job| {
            job.lost += 1;
            job.lost
        });
        if self.stops_here(sight, turn) {
            return;
        }
        if lost >= MOST_LOST {
            self.fails(sight, format!("its session was lost {lost} times, and it may be why"), turn);
        } else {
            self.survey(sight, turn);
        }
    }
}
