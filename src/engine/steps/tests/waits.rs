//! Pauses, aborts and attempts that come to nothing.

use super::play::{Play, index, plan, strong};
use crate::engine::plan::order::{Order, TryEnd};
use crate::engine::steps::{Cause, Course, Ending, PauseHow, Stage, Will};

const NOW: Will = Will::Pause { how: PauseHow::Cancel };
const AFTER: Will = Will::Pause { how: PauseHow::Finish };

fn trying(step: crate::engine::plan::PlanStep) -> Play {
    let mut play = Play::of(plan(vec![step, strong("next")]));
    play.begins();
    play.surveyed(&[]);
    if play.attempts() == 0 {
        play.looked_free();
    }
    play
}

#[test]
fn an_attempt_without_its_locks_rests_looks_and_asks_for_longer() {
    let mut play = trying(strong("add"));
    play.fails("55P03", "canceling statement due to lock timeout");
    assert_eq!(play.stage(0), Stage::Acquiring);
    assert!(play.reason(0).starts_with("attempt 1 did not get its locks in 0.1 s; the next one in"));
    assert_eq!(play.looks(), 1);
    play.passes(899);
    assert_eq!(play.looks(), 1, "a tenth of its time is the most that it may wait in the queue");
    play.passes(1_000);
    assert_eq!(play.looks(), 2);
    play.looked_free();
    assert_eq!(play.attempt().lock_timeout_ms, Some(250));
}

#[test]
fn the_budget_is_of_the_attempt_whatever_the_server_calls_its_end() {
    let mut play = trying(strong("add"));
    play.fails("57014", "canceling statement due to statement timeout");
    assert_eq!(play.stage(0), Stage::Acquiring, "{}", play.reason(0));
    let mut play = trying(strong("add"));
    play.passes(349);
    assert!(!play.ordered(&Order::Stop { number: 1 }));
    play.passes(1);
    assert!(play.ordered(&Order::Stop { number: 1 }), "with partitions each lock has its own timeout");
    play.fails("57014", "canceling statement due to user request");
    assert_eq!(play.stage(0), Stage::Acquiring);
}

#[test]
fn who_cancelled_is_told_apart() {
    let mut play = trying(strong("add"));
    play.sight.stop = Some(Cause::Guardrail);
    play.fails("57014", "canceling statement due to user request");
    assert!(play.reason(0).starts_with("attempt 1 was cancelled by a guardrail"), "{}", play.reason(0));
    let mut play = trying(strong("add"));
    play.locked();
    play.sight.stop = Some(Cause::Guardrail);
    play.fails("57014", "canceling statement due to user request");
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Stopped);
    assert!(matches!(play.steps.course(), Course::Halted { ending: Ending::Tripped, .. }));
    let mut play = trying(strong("add"));
    play.locked();
    play.fails("57014", "canceling statement due to user request");
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Failed);
    assert!(play.reason(0).starts_with("cancelled, and not by this flight"), "{}", play.reason(0));
}

#[test]
fn a_deadlock_s_victim_tries_again_and_is_counted() {
    let mut play = trying(strong("add"));
    play.locked();
    play.fails("40P01", "deadlock detected");
    assert!(play.reason(0).starts_with("attempt 1 was a deadlock's victim"), "{}", play.reason(0));
    play.passes(60_000);
    play.looked_free();
    assert_eq!(play.attempts(), 2);
    let mut play = trying(index("build"));
    play.fails("40P01", "deadlock detected");
    play.passes(2_000);
    play.surveyed(&[]);
    assert_eq!(play.attempts(), 2);
}

#[test]
fn between_attempts_a_pause_is_at_once_and_resuming_looks_anew() {
    let mut play = Play::of(plan(vec![strong("add")]));
    play.begins();
    play.surveyed(&[]);
    play.wants(&NOW).expect("it flies");
    assert!(play.is_held());
    assert_eq!((play.stage(0), play.reason(0)), (Stage::Paused, "by bob"));
    play.looked_free();
    play.passes(60_000);
    assert_eq!(play.attempts(), 0, "a look that was under way begins nothing");
    assert!(play.wants(&NOW).is_err());
    play.wants(&Will::Resume).expect("it is held");
    play.surveyed(&[]);
    play.looked_free();
    assert_eq!(play.attempts(), 1);
}

#[test]
fn a_pause_now_cancels_the_attempt_and_keeps_the_step() {
    let mut play = trying(strong("add"));
    play.locked();
    play.wants(&NOW).expect("it flies");
    assert!(play.ordered(&Order::Stop { number: 1 }) && !play.is_held());
    play.fails("57014", "canceling statement due to user request");
    play.surveyed(&[]);
    assert!(play.is_held());
    assert_eq!(play.stage(0), Stage::Paused);
}

#[test]
fn a_pause_after_lets_the_statement_finish_and_begins_nothing_more() {
    let mut play = trying(strong("add"));
    play.locked();
    play.wants(&AFTER).expect("it flies");
    assert!(!play.ordered(&Order::Stop { number: 1 }));
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    assert_eq!((play.stage(0), play.stage(1)), (Stage::Done, Stage::Paused));
    assert!(play.is_held());
}

#[test]
fn a_statement_that_finished_before_it_could_be_cancelled_is_done_and_the_plan_held() {
    let mut play = trying(strong("add"));
    play.wants(&NOW).expect("it flies");
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Done);
    assert!(play.is_held());
}

#[test]
fn an_abort_stops_the_attempt_and_the_plan() {
    let mut play = trying(strong("add"));
    play.wants(&Will::Abort).expect("it flies");
    assert!(play.ordered(&Order::Stop { number: 1 }));
    play.passes(1_000);
    assert!(play.steps.stop_is_late(play.at()), "then the ladder is asked");
    play.fails("57014", "canceling statement due to user request");
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Stopped);
    assert!(matches!(play.steps.course(), Course::Over { ending: Ending::Aborted, .. }));
    assert_eq!(play.wants(&Will::Abort), Err("the plan is over".to_owned()));
}
