use super::{Hit, Step, Stop};
use crate::engine::effect::{Aim, Effect, Rung};
use crate::engine::ids::{At, Pid, StopId};
use crate::engine::input::{Outcome, RungAnswer};
use crate::engine::rungs::dead_man;
use crate::engine::sample::State;
use crate::engine::settings::OnTrip;
use crate::engine::story::{gone, holding, let_go, rung};
use crate::engine::target::Target;
use crate::engine::testing::{B, Who, client};
use crate::engine::timeline::{Event, OutcomeStory, StopResult};

const TRIP_MS: u64 = 10_000;
const RUNNER: u32 = 4_711;

/// A statement of its own: an ALTER by a client called `application`.
fn alone(application: &str) -> Who {
    client(B).app(application)
}

/// The same in a transaction that was opened a second earlier.
fn in_transaction(application: &str) -> Who {
    alone(application).transaction_from(-1_000)
}

fn idle_in_transaction() -> Who {
    in_transaction("flyway").state(State::IdleInTransaction)
}

fn target(who: &Who, victims: i32) -> Target {
    let victims = (200..200 + victims).map(Pid).collect();
    Target { strong: true, victims, lost_us: 500_000, ..Target::of(At(0), &who.backend) }
}

/// A stop with everything it has said.
struct Stopping {
    stop: Option<Stop>,
    effects: Vec<Effect>,
    told: Vec<OutcomeStory>,
    why: Vec<String>,
    over: bool,
}

impl Stopping {
    fn of(who: &Who, consent: OnTrip) -> Stopping {
        let (stop, step) = Stop::begin(StopId(1), At::from_ms(TRIP_MS), &target(who, 3), consent);
        let (effects, told, why) = (Vec::new(), Vec::new(), Vec::new());
        let mut stopping = Stopping { stop, effects, told, why, over: false };
        stopping.take(step);
        stopping
    }

    fn take(&mut self, step: Step) {
        assert!(!self.over, "something follows the last word");
        self.effects.extend(step.effects);
        for event in step.events {
            match event {
                Event::Outcome(story) => self.told.push(story),
                Event::Intent { sentence, .. } => self.why.push(sentence),
                other => panic!("a stop told {other:?}"),
            }
        }
        self.over |= step.over;
    }

    /// Hands in an outcome, that many milliseconds after the trip.
    fn hears(mut self, after_ms: u64, outcome: &Outcome) -> Stopping {
        let stop = self.stop.as_mut().expect("a stop under way");
        let outcome = match outcome.clone() {
            Outcome::Rung { stop: id, answer, sent, .. } => {
                Outcome::Rung { stop: id, rung: stop.rung(), answer, sent }
            }
            other => other,
        };
        let step = stop.observe(At::from_ms(TRIP_MS + after_ms), &outcome);
        self.take(step);
        self
    }

    /// The same, of a rung that is not the present one.
    fn hears_late(mut self, after_ms: u64, rung: Rung, answer: RungAnswer) -> Stopping {
        let sent = At::from_ms(TRIP_MS + 1);
        let outcome = Outcome::Rung { stop: StopId(1), rung, answer, sent };
        let step =
            self.stop.as_mut().expect("a stop under way").observe(At::from_ms(TRIP_MS + after_ms), &outcome);
        self.take(step);
        self
    }

    fn expires(mut self, after_ms: u64) -> Stopping {
        let step = self.stop.as_mut().expect("a stop under way").expire(At::from_ms(TRIP_MS + after_ms));
        self.take(step);
        self
    }

    fn sent(self, after_ms: u64) -> Stopping {
        self.hears(after_ms, &rung(1, RungAnswer::Sent, TRIP_MS + after_ms - 1))
    }

    fn rungs(&self) -> Vec<Rung> {
        let rung = |effect: &Effect| match effect {
            Effect::Stop { rung, .. } => Some(*rung),
            _ => None,
        };
        self.effects.iter().filter_map(rung).collect()
    }

    /// The last word. There is exactly one.
    fn last_word(&self) -> &OutcomeStory {
        assert!(self.over, "the stop is not over");
        assert_eq!(self.told.iter().filter(|story| story.is_final).count(), 1, "{:?}", self.told);
        self.told.last().expect("a last word")
    }

    fn result(&self) -> StopResult {
        self.last_word().result
    }
}

fn first_rung(who: &Who, consent: OnTrip) -> Option<Rung> {
    Stopping::of(who, consent).rungs().first().copied()
}

#[test]
fn the_first_rung_follows_state_consent_and_client() {
    let signal = OnTrip::Signal(RUNNER);
    let sync_rep = || alone("psql").waits_for("IPC/SyncRep");
    for (case, who, consent, expected) in [
        ("psql goes on to its next statement", alone("psql"), OnTrip::Auto, Some(Rung::Terminate)),
        ("so may a client nobody knows", alone("deploy"), OnTrip::Auto, Some(Rung::Terminate)),
        ("and one without a name", alone(""), OnTrip::Auto, Some(Rung::Terminate)),
        ("a tool that stops on errors", alone("flyway"), OnTrip::Auto, Some(Rung::Cancel)),
        ("in any spelling", alone("Flyway"), OnTrip::Auto, Some(Rung::Cancel)),
        ("a driver's default name", alone("PostgreSQL JDBC Driver"), OnTrip::Auto, Some(Rung::Cancel)),
        ("a transaction fails as a whole", in_transaction("deploy"), OnTrip::Auto, Some(Rung::Cancel)),
        ("but psql runs on after it", in_transaction("psql"), OnTrip::Auto, Some(Rung::Terminate)),
        ("a cancel does nothing when idle", idle_in_transaction(), OnTrip::Auto, Some(Rung::Terminate)),
        ("which is not always allowed", idle_in_transaction(), OnTrip::Cancel, None),
        ("or is", idle_in_transaction(), OnTrip::Terminate, Some(Rung::Terminate)),
        ("a committed change only waits", sync_rep(), OnTrip::Auto, Some(Rung::Cancel)),
        ("and terminating it gains nothing", sync_rep(), OnTrip::Terminate, Some(Rung::Cancel)),
        ("the consent is to cancel", alone("psql"), OnTrip::Cancel, Some(Rung::Cancel)),
        ("the consent is to terminate", in_transaction("flyway"), OnTrip::Terminate, Some(Rung::Terminate)),
        ("the runner goes first", alone("psql"), signal, Some(Rung::SignalRunner(RUNNER))),
        ("in any state", idle_in_transaction(), signal, Some(Rung::SignalRunner(RUNNER))),
    ] {
        assert_eq!(first_rung(&who, consent), expected, "{case}");
    }
}

#[test]
fn one_message_of_a_driver_is_no_explicit_transaction() {
    // Parse, bind and execute in one message: the statement starts a little after its transaction.
    let mut who = alone("deploy");
    who.backend.xact_start =
        who.backend.query_start.map(|start| crate::engine::ids::ServerTime(start.0 - 1_000));
    assert_eq!(first_rung(&who, OnTrip::Auto), Some(Rung::Terminate));
}

#[test]
fn a_rung_names_the_attempt_and_is_watched() {
    let who = alone("flyway");
    let stopping = Stopping::of(&who, OnTrip::Auto);
    let attempt = who.attempt();
    assert_eq!(
        stopping.effects,
        [
            Effect::Stop { stop: StopId(1), rung: Rung::Cancel, attempt },
            Effect::Observe {
                aim: Aim::Locks,
                stop: StopId(1),
                attempt,
                victims: vec![Pid(200), Pid(201), Pid(202)],
                until: At::from_ms(TRIP_MS + 1_000),
            },
        ]
    );
}

#[test]
fn a_cancel_that_works() {
    let stopping = Stopping::of(&alone("flyway"), OnTrip::Auto)
        .sent(2)
        .hears(5, &holding(1, State::Active, true, 3))
        .hears(12, &let_go(1, 2))
        .hears(30, &let_go(1, 0));
    assert_eq!(stopping.rungs(), [Rung::Cancel]);
    let story = stopping.last_word();
    assert_eq!(story.result, StopResult::Drained);
    assert_eq!((story.sent_ms, story.gone_ms, story.drained_ms), (Some(1), Some(12), Some(30)));
    assert_eq!((story.pid, story.victims), (B, 3));
    // 500 ms before the trip, 3 sessions for 12 ms, 2 for 18 ms.
    assert_eq!(story.lost_session_ms, 500 + 36 + 36);
    assert_eq!(story.sentence, "pid 102 stopped, 3 sessions go on, after 30 ms");
}

#[test]
fn one_outcome_per_intent_and_one_last_word() {
    let stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Auto)
        .sent(2)
        .hears(5, &holding(1, State::IdleInTransactionAborted, false, 3))
        .sent(7)
        .hears(9, &gone(1, 0));
    let told: Vec<_> = stopping.told.iter().map(|s| (s.rung, s.result, s.is_final)).collect();
    assert_eq!(
        told,
        [
            (Some(Rung::Cancel), StopResult::Sent, false),
            (Some(Rung::Terminate), StopResult::Sent, false),
            (Some(Rung::Terminate), StopResult::Drained, true),
        ]
    );
}

#[test]
fn a_savepoint_keeps_the_lock_and_the_next_rung_follows_at_once() {
    let stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Auto)
        .sent(2)
        .hears(4, &holding(1, State::IdleInTransaction, false, 3));
    assert_eq!(stopping.rungs(), [Rung::Cancel, Rung::Terminate], "4 ms after the trip, without grace");
    assert_eq!(stopping.why[1], "terminate pid 102: it is idle in transaction and still holds its locks");
}

#[test]
fn a_savepoint_under_a_consent_to_cancel_only() {
    let stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Cancel)
        .sent(2)
        .hears(4, &holding(1, State::IdleInTransaction, false, 3));
    assert_eq!(stopping.rungs(), [Rung::Cancel]);
    assert_eq!(stopping.result(), StopResult::StillHolding);
    assert!(
        stopping.last_word().sentence.contains("pg_terminate_backend(102)"),
        "what is left to do by hand"
    );
    assert_eq!(stopping.last_word().drained_ms, None);
}

#[test]
fn a_statement_that_does_not_heed_the_cancel_has_a_grace_of_a_second() {
    let stubborn = holding(1, State::Active, true, 3);
    let stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Auto).sent(2).hears(999, &stubborn);
    assert_eq!(stopping.rungs(), [Rung::Cancel]);
    let stopping = stopping.hears(1_000, &stubborn);
    assert_eq!(stopping.rungs(), [Rung::Cancel, Rung::Terminate]);
    let stopping = stopping.sent(1_002).hears(2_000, &stubborn);
    assert_eq!(stopping.result(), StopResult::StillHolding);
    assert!(stopping.last_word().sentence.contains("no rung is left"));
}

#[test]
fn nobody_fits_because_it_is_over() {
    let stopping = Stopping::of(&alone("flyway"), OnTrip::Auto)
        .hears(2, &rung(1, RungAnswer::NobodyFits, TRIP_MS))
        .hears(4, &gone(1, 0));
    assert_eq!(stopping.result(), StopResult::AlreadyOver);
    assert_eq!(stopping.last_word().sentence, "pid 102 was over before: nobody was hit by this stop");
}

#[test]
fn nobody_fits_and_its_victims_wait_for_somebody_else() {
    let stopping = Stopping::of(&alone("flyway"), OnTrip::Auto)
        .hears(2, &rung(1, RungAnswer::NobodyFits, TRIP_MS))
        .hears(4, &gone(1, 3))
        .hears(1_000, &gone(1, 3));
    assert_eq!(stopping.result(), StopResult::AlreadyOver, "lockpit has stopped nobody");
    assert_eq!(stopping.last_word().drained_ms, None, "and they do not go on");
}

#[test]
fn nobody_fits_because_its_transaction_is_at_the_next_statement() {
    let stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Auto)
        .hears(2, &rung(1, RungAnswer::NobodyFits, TRIP_MS))
        .hears(4, &holding(1, State::Active, false, 3));
    assert_eq!(stopping.rungs(), [Rung::Cancel, Rung::Terminate], "its lock is still there");
}

#[test]
fn the_target_lets_go_and_its_victims_wait_for_somebody_else() {
    let stopping = Stopping::of(&alone("flyway"), OnTrip::Auto).sent(2).hears(5, &let_go(1, 3));
    assert!(!stopping.over, "they may still go on");
    let stopping = stopping.hears(1_000, &let_go(1, 2));
    let story = stopping.last_word();
    assert_eq!(story.result, StopResult::Drained);
    assert_eq!((story.gone_ms, story.drained_ms), (Some(5), None));
    assert_eq!(story.sentence, "pid 102 let go; 2 of its victims wait for somebody else");
}

#[test]
fn a_wait_for_a_synchronous_standby_is_cancelled_and_the_change_stays() {
    let waiting = || alone("psql").waits_for("IPC/SyncRep");
    let stopping = Stopping::of(&waiting(), OnTrip::Auto).sent(2).hears(5, &let_go(1, 0));
    assert_eq!(stopping.rungs(), [Rung::Cancel]);
    let sentence = &stopping.last_word().sentence;
    assert!(sentence.contains("its change is committed here and stays"), "{sentence}");
    assert!(sentence.contains("3 sessions go on"), "{sentence}");

    let stubborn =
        Stopping::of(&waiting(), OnTrip::Auto).sent(2).hears(1_000, &holding(1, State::Active, true, 3));
    assert_eq!(stubborn.rungs(), [Rung::Cancel], "terminating would gain nothing");
    assert_eq!(stubborn.result(), StopResult::StillHolding);
}

#[test]
fn a_refusal_ends_the_ladder() {
    let why = "must be a member of the role".to_owned();
    let stopping = Stopping::of(&alone("psql"), OnTrip::Auto)
        .hears(2, &rung(1, RungAnswer::Refused(why.clone()), TRIP_MS));
    assert_eq!(stopping.result(), StopResult::Refused);
    assert_eq!(stopping.last_word().sentence, why);
}

#[test]
fn a_consent_that_does_not_reach_is_refused_without_a_rung() {
    let stopping = Stopping::of(&idle_in_transaction(), OnTrip::Cancel);
    assert!(stopping.stop.is_none());
    assert_eq!(stopping.effects, []);
    assert_eq!(stopping.result(), StopResult::Refused);
    assert!(stopping.last_word().sentence.contains("idle in transaction"));
}

#[test]
fn the_runner_is_signalled_and_then_its_backend_terminated() {
    let stopping = Stopping::of(&alone("psql"), OnTrip::Signal(RUNNER)).sent(2);
    assert_eq!(stopping.rungs(), [Rung::SignalRunner(RUNNER), Rung::Terminate]);
    let stopping = stopping.hears(4, &rung(1, RungAnswer::NobodyFits, TRIP_MS + 3)).hears(5, &gone(1, 0));
    assert_eq!(stopping.result(), StopResult::Drained, "the runner's end was lockpit's doing");
}

#[test]
fn a_runner_that_cannot_be_signalled_does_not_save_its_backend() {
    for answer in [
        RungAnswer::NobodyFits,
        RungAnswer::Refused("not yours".to_owned()),
        RungAnswer::Failed("no such process".to_owned()),
    ] {
        let stopping = Stopping::of(&alone("psql"), OnTrip::Signal(RUNNER))
            .hears(2, &rung(1, answer, TRIP_MS))
            .sent(4)
            .hears(6, &gone(1, 0));
        assert_eq!(stopping.rungs(), [Rung::SignalRunner(RUNNER), Rung::Terminate]);
        assert_eq!(stopping.result(), StopResult::Drained);
    }
}

#[test]
fn a_path_that_is_lost_is_given_up_after_its_time() {
    let stopping = Stopping::of(&alone("psql"), OnTrip::Auto);
    let due = stopping.stop.as_ref().expect("a stop").deadline();
    assert_eq!(due, At::from_ms(TRIP_MS + 1_500), "the grace, and room for a late report");
    let stopping = stopping.expires(1_499);
    assert!(!stopping.over);
    let stopping = stopping.expires(1_500);
    assert_eq!(stopping.result(), StopResult::Lost);
    assert_eq!(stopping.last_word().sent_ms, None, "nothing is known to have left");
}

#[test]
fn a_lost_cancel_is_followed_by_the_next_rung() {
    let stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Auto)
        .hears(900, &rung(1, RungAnswer::Failed("broken pipe".to_owned()), TRIP_MS))
        .expires(1_500);
    assert_eq!(stopping.rungs(), [Rung::Cancel, Rung::Terminate]);
    let told: Vec<_> = stopping.told.iter().map(|story| (story.result, story.is_final)).collect();
    assert_eq!(told, [(StopResult::Lost, false)]);
}

#[test]
fn a_request_whose_answer_was_lost_may_have_arrived() {
    let failed = rung(1, RungAnswer::Failed("no answer within a second".to_owned()), TRIP_MS);
    let stopping = Stopping::of(&alone("flyway"), OnTrip::Auto).hears(900, &failed).hears(950, &gone(1, 0));
    assert_eq!(stopping.result(), StopResult::Drained, "that nobody was hit is not known");
    assert!(stopping.last_word().sentence.contains("is not known"), "{}", stopping.last_word().sentence);

    let stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Auto)
        .expires(1_500)
        .hears(1_502, &rung(1, RungAnswer::NobodyFits, TRIP_MS + 1_501))
        .hears(1_504, &gone(1, 0));
    assert_eq!(stopping.result(), StopResult::Drained, "nothing was heard of the first rung");
}

#[test]
fn a_consent_that_is_withdrawn_reaches_no_further_rung() {
    let mut stopping = Stopping::of(&in_transaction("deploy"), OnTrip::Auto).sent(2);
    stopping.stop.as_mut().expect("a stop").withdraw("by the operator");
    let stopping = stopping.hears(4, &holding(1, State::IdleInTransaction, false, 3));
    assert_eq!(stopping.rungs(), [Rung::Cancel]);
    assert_eq!(stopping.result(), StopResult::StillHolding);
    assert!(stopping.last_word().sentence.ends_with("disarmed, so no further rung: by the operator"));
}

#[test]
fn a_runner_that_was_signalled_under_a_withdrawn_consent_is_watched_to_its_end() {
    let disarmed = || {
        let mut stopping = Stopping::of(&alone("psql"), OnTrip::Signal(RUNNER));
        stopping.stop.as_mut().expect("a stop").withdraw("by the operator");
        stopping.sent(2)
    };
    let stopping = disarmed().hears(4, &gone(1, 0));
    assert_eq!(
        (stopping.rungs(), stopping.result()),
        (vec![Rung::SignalRunner(RUNNER)], StopResult::Drained)
    );
    let stopping = disarmed().hears(1_000, &holding(1, State::Active, true, 3));
    assert_eq!(stopping.rungs(), [Rung::SignalRunner(RUNNER)]);
    assert_eq!(stopping.result(), StopResult::StillHolding);
}

#[test]
fn outcomes_of_another_stop_are_not_for_this_one() {
    let stopping = Stopping::of(&alone("psql"), OnTrip::Auto)
        .hears(2, &rung(9, RungAnswer::Refused("no".to_owned()), TRIP_MS))
        .hears(4, &gone(9, 0));
    assert!(!stopping.over);
    assert_eq!(stopping.told, []);
}

#[test]
fn the_dead_mans_switch_takes_the_first_rung_that_needs_nobody() {
    let switch = |who: &Who, consent| dead_man(&target(who, 0), consent).map(|switch| switch.rung);
    assert_eq!(switch(&alone("flyway"), OnTrip::Auto), Some(Rung::Cancel));
    assert_eq!(switch(&alone("psql"), OnTrip::Auto), Some(Rung::Terminate));
    assert_eq!(switch(&alone("flyway"), OnTrip::Signal(RUNNER)), Some(Rung::Terminate));
    assert_eq!(switch(&idle_in_transaction(), OnTrip::Cancel), None, "the consent does not reach");
    let who = alone("flyway");
    assert_eq!(dead_man(&target(&who, 0), OnTrip::Auto).map(|switch| switch.attempt), Some(who.attempt()));
}

#[test]
fn a_late_answer_is_booked_on_the_rung_it_belongs_to() {
    let climbed = || Stopping::of(&in_transaction("deploy"), OnTrip::Auto).expires(1_500);
    let none = climbed();
    assert_eq!(none.rungs(), [Rung::Cancel, Rung::Terminate]);
    let hit = |stopping: &Stopping| stopping.stop.as_ref().expect("a stop under way").hit();
    assert_eq!(hit(&none), Hit::Perhaps);
    let sent = climbed().hears_late(1_510, Rung::Cancel, RungAnswer::Sent);
    assert_eq!(hit(&sent), Hit::Yes);
    let told = sent.told.last().expect("an outcome");
    assert_eq!((told.rung, told.is_final, told.sent_ms), (Some(Rung::Cancel), false, Some(1)));
    assert_eq!(told.sentence, "cancel sent to pid 102, told late");
    // The second rung has not been answered by it.
    let missed = climbed().hears_late(1_510, Rung::Cancel, RungAnswer::NobodyFits);
    assert_eq!(hit(&missed), Hit::Perhaps, "what the second did is not known");
    let refused = climbed().hears_late(1_510, Rung::Cancel, RungAnswer::Refused("no".to_owned()));
    assert!(!refused.over, "the second rung has its own answer");
}
