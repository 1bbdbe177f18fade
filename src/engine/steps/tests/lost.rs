//! Sessions that are lost, and flights that go on.

use super::play::{Play, index, mission, plan, runner, strong};
use crate::engine::ids::At;
use crate::engine::plan::facts::Found;
use crate::engine::plan::form::Expect;
use crate::engine::plan::order::{News, Order, TryEnd, TryFate};
use crate::engine::steps::{Course, Ending, Stage, Way, Will};

fn lost(step: crate::engine::plan::PlanStep, locked: bool) -> Play {
    let mut play = Play::of(plan(vec![step]));
    play.begins();
    play.surveyed(&[]);
    if play.attempts() == 0 {
        play.looked_free();
    }
    if locked {
        play.locked();
    }
    play.tried(TryEnd::Lost("the server closed the connection".to_owned()));
    assert_eq!(play.stage(0), Stage::Running);
    assert!(play.reason(0).ends_with("what became of it is asked of the server"), "{}", play.reason(0));
    play.begins();
    play
}

fn fate(play: &mut Play, fate: TryFate) {
    play.says(&News::Fate { number: 1, fate });
}

fn expected() -> Expect {
    Expect::Index { index: "users_x".to_owned(), table: Some("users".to_owned()) }
}

#[test]
fn the_server_is_asked_by_the_transaction_s_own_number() {
    let play = lost(strong("add"), true);
    let asked =
        Order::Fate { number: 1, backend: runner(), application: "lockpit/run 1".to_owned(), xid: Some(77) };
    assert!(play.ordered(&asked));
}

#[test]
fn what_committed_is_through_and_what_rolled_back_is_tried_again() {
    let mut play = lost(strong("add"), true);
    fate(&mut play, TryFate::Committed);
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Done);
    let mut play = lost(strong("add"), true);
    fate(&mut play, TryFate::RolledBack);
    play.surveyed(&[]);
    play.looked_free();
    assert_eq!(play.attempts(), 2);
}

#[test]
fn what_still_runs_is_adopted_and_asked_about_again() {
    let mut play = lost(index("build"), false);
    fate(&mut play, TryFate::Running);
    assert_eq!(play.reason(0), "adopted: it still runs on the server as pid 900");
    play.passes(1_000);
    fate(&mut play, TryFate::Gone);
    play.found(vec![(expected(), Found::Good)], &[]);
    assert_eq!(play.stage(0), Stage::Done);
}

#[test]
fn the_catalog_wins_where_the_session_is_gone() {
    let mut play = lost(index("build"), false);
    fate(&mut play, TryFate::Gone);
    play.found(vec![(expected(), Found::Bad("INVALID".to_owned()))], &[]);
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Failed);
    assert_eq!(play.reason(0), "its session was lost: index users_x: INVALID");
    let mut play = lost(index("build"), false);
    fate(&mut play, TryFate::Gone);
    play.surveyed(&[]);
    play.surveyed(&[]);
    assert!(play.reason(0).contains("the catalog cannot tell"), "nothing is assumed: {}", play.reason(0));
}

#[test]
fn another_cluster_is_not_flown_on() {
    let mut play = Play::of(plan(vec![strong("add")]));
    play.begins();
    let why = "this is another cluster".to_owned();
    play.says(&News::Session { backend: runner(), same_cluster: Err(why.clone()), flight_lock: Ok(()) });
    assert_eq!(*play.steps.course(), Course::Halted { ending: Ending::Lost, why });
}

#[test]
fn a_flight_that_goes_on_takes_done_steps_for_done_and_adopts_what_was_open() {
    let mut first = Play::of(plan(vec![strong("add"), index("build")]));
    first.begins();
    first.surveyed(&[]);
    first.looked_free();
    first.tried(TryEnd::Done);
    first.surveyed(&[]);
    first.surveyed(&[]);
    assert_eq!(first.stage(1), Stage::Running);
    let logbook = first.steps.logbook(Some(1), Some(1));
    let open = logbook.open.clone().expect("the index is being built");
    assert_eq!((open.unit.step, open.unit.way, open.backend), (1, Way::Do, runner()));
    let mut again = mission(plan(vec![strong("add"), index("build")]));
    again.resumed = Some(Box::new(logbook));
    let mut play = Play::with(again);
    play.sight.at = At::from_ms(90_000);
    play.begins();
    assert_eq!((play.stage(0), play.reason(0)), (Stage::Done, "in an earlier part of this flight"));
    play.says(&News::Fate { number: 0, fate: TryFate::Gone });
    play.found(vec![(expected(), Found::Good)], &[]);
    assert_eq!(play.stage(1), Stage::Done);
    assert_eq!(play.attempts(), 0, "nothing was run a second time");
}

#[test]
fn an_abort_stops_what_was_adopted_by_the_ladder_and_a_second_one_leaves_it() {
    let mut play = lost(index("build"), false);
    fate(&mut play, TryFate::Running);
    assert_eq!(play.steps.worker(), Some(runner()));
    play.wants(&Will::Abort).expect("it runs");
    assert!(play.steps.stop_is_late(play.at()), "the runner has no hold on it");
    assert!(!play.steps.course().is_over());
    play.passes(1_000);
    fate(&mut play, TryFate::Gone);
    play.found(vec![(expected(), Found::Bad("INVALID".to_owned()))], &[]);
    play.surveyed(&[]);
    assert!(matches!(play.steps.course(), Course::Over { ending: Ending::Aborted, .. }));
    let mut play = lost(index("build"), false);
    fate(&mut play, TryFate::Running);
    play.wants(&Will::Abort).expect("it runs");
    play.wants(&Will::Abort).expect("it still does");
    assert!(matches!(play.steps.course(), Course::Over { ending: Ending::Aborted, .. }));
    assert!(play.reason(0).contains("it may still run"), "{}", play.reason(0));
}
