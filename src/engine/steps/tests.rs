//! Plans without a server: what the runner says comes from the test.

mod corners;
mod lost;
mod play;
mod waits;

use super::*;
use crate::engine::plan::facts::{Found, LeftoverKind};
use crate::engine::plan::form::Expect;
use crate::engine::plan::order::{Ask, TryEnd};
use play::{Play, gate, index, plan, program, strong};

#[test]
fn a_strong_step_looks_asks_runs_and_is_verified() {
    let mut play = Play::of(plan(vec![strong("add")]));
    play.begins();
    assert_eq!(play.stage(0), Stage::Forecast);
    play.surveyed(&[]);
    assert_eq!((play.stage(0), play.looks()), (Stage::Acquiring, 1));
    play.looked_free();
    let order = play.attempt();
    assert_eq!((order.lock_timeout_ms, order.lock_budget_ms, order.weak), (Some(100), Some(100), false));
    play.locked();
    assert_eq!(play.stage(0), Stage::Running);
    play.tried(TryEnd::Done);
    assert_eq!(play.stage(0), Stage::Verifying);
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Done);
    assert!(matches!(play.steps.course(), Course::Over { ending: Ending::Complete, .. }));
}

#[test]
fn a_weak_step_waits_without_a_time_limit_and_may_outlive_the_flight() {
    let mut play = Play::of(plan(vec![index("build")]));
    play.begins();
    play.surveyed(&[]);
    let order = play.attempt();
    assert_eq!((order.lock_timeout_ms, order.weak, order.first.len()), (None, true, 0));
    let mut turn = Turn::default();
    play.steps.flight_ends(play.at(), &mut turn);
    assert!(turn.effects.is_empty(), "it goes on");
}

#[test]
fn what_is_missing_afterwards_fails_the_step_although_the_server_said_yes() {
    let mut play = Play::of(plan(vec![strong("add"), strong("next")]));
    play.begins();
    play.surveyed(&[]);
    play.looked_free();
    play.tried(TryEnd::Done);
    let wanted = Expect::Column { table: "users".to_owned(), column: "x".to_owned(), not_null: None };
    play.found(vec![(wanted, Found::Absent)], &[]);
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Failed);
    assert_eq!(play.reason(0), "it went through, and yet column users.x is missing");
    assert_eq!(play.stage(1), Stage::Ready, "nothing is begun behind a failure");
    assert!(matches!(play.steps.course(), Course::Halted { ending: Ending::Failed, .. }));
}

#[test]
fn an_invalid_index_that_is_there_already_is_never_taken_for_done() {
    let mut play = Play::of(plan(vec![index("build")]));
    play.begins();
    let wanted = Expect::Index { index: "users_x".to_owned(), table: Some("users".to_owned()) };
    let left = play::left(LeftoverKind::InvalidIndex, "users_x");
    play.found(vec![(wanted, Found::Bad("INVALID".to_owned()))], std::slice::from_ref(&left));
    play.surveyed(std::slice::from_ref(&left));
    assert_eq!(play.stage(0), Stage::Failed);
    assert!(play.reason(0).contains("IF NOT EXISTS would take it for done"), "{}", play.reason(0));
    let sql: Vec<&str> = play.steps.offers().iter().map(|offer| offer.sql.as_str()).collect();
    assert_eq!(sql, ["DROP INDEX CONCURRENTLY public.users_x"]);
}

#[test]
fn a_clean_up_runs_as_a_step_of_its_own_and_the_plan_goes_on_when_told() {
    let mut play = Play::of(plan(vec![index("build")]));
    play.begins();
    play.surveyed(&[]);
    play.fails("23505", "could not create unique index");
    play.surveyed(&[play::left(LeftoverKind::InvalidIndex, "users_x")]);
    assert_eq!(play.stage(0), Stage::Failed);
    play.wants(&Will::CleanUp { number: 1 }).expect("it is offered");
    play.surveyed(&[play::left(LeftoverKind::InvalidIndex, "users_x")]);
    let order = play.attempt();
    assert_eq!(order.sql.as_deref(), Some("DROP INDEX CONCURRENTLY public.users_x"));
    assert!(order.weak && !order.transaction);
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    assert_eq!(play.steps.offers().first().map(|offer| offer.stage), Some(Stage::Done));
    assert_eq!(play.wants(&Will::CleanUp { number: 1 }), Err("clean-up 1 is done".to_owned()));
    play.wants(&Will::Resume).expect("it has halted");
    play.surveyed(&[]);
    assert_eq!(play.attempt().unit.way, Way::Do, "the step itself again");
}

#[test]
fn a_clean_up_under_way_is_waited_for_or_stopped_and_never_forgotten() {
    let mut play = Play::of(plan(vec![index("build")]));
    play.begins();
    play.surveyed(&[]);
    play.fails("23505", "could not create unique index");
    let left = play::left(LeftoverKind::InvalidIndex, "users_x");
    play.surveyed(std::slice::from_ref(&left));
    play.wants(&Will::CleanUp { number: 1 }).expect("it is offered");
    play.surveyed(std::slice::from_ref(&left));
    let refused = play.wants(&Will::Resume);
    assert_eq!(refused, Err("a clean-up is under way: wait for its end".to_owned()));
    play.wants(&Will::Abort).expect("it can be stopped");
    play.fails("57014", "canceling statement due to user request");
    play.surveyed(&[left]);
    assert!(matches!(play.steps.course(), Course::Halted { .. }), "the plan is where it was");
    assert_eq!(play.stage(0), Stage::Failed);
    play.wants(&Will::CleanUp { number: 1 }).expect("it is offered again");
    play.wants(&Will::Abort).expect("nothing of it runs yet");
    play.wants(&Will::CleanUp { number: 1 }).expect("it is offered once more");
}

#[test]
fn a_gate_opens_for_the_name_of_its_step_alone() {
    let mut play = Play::of(plan(vec![gate("app-v2")]));
    play.begins();
    assert_eq!((play.stage(0), play.reason(0)), (Stage::Running, "waits for a person: ready?"));
    let answer = |typed: &str| Will::Answer { typed: typed.to_owned(), person: "alice@desk".to_owned() };
    let refused = play.wants(&answer("yes"));
    assert_eq!(refused, Err("'yes' is not the name of the step that waits: app-v2".to_owned()));
    assert_eq!(play.stage(0), Stage::Running);
    play.wants(&answer("app-v2")).expect("its name");
    assert_eq!(play.stage(0), Stage::Done);
    assert!(
        play.told().iter().any(|text| text == "gate app-v2 opened by bob (alice@desk, session_user )"),
        "{:?}",
        play.told()
    );
}

#[test]
fn invariants_are_asked_before_the_first_step_and_after_the_last() {
    let mut with_invariants = plan(vec![program("deploy")]);
    with_invariants.invariants =
        vec![crate::engine::plan::Invariant { name: "old readers".to_owned(), said: "select ..".to_owned() }];
    let mut play = Play::of(with_invariants);
    play.begins();
    assert_eq!(play.asks(), [Ask::Invariant { invariant: 0 }]);
    assert_eq!(play.stage(0), Stage::Ready);
    play.answers(Ask::Invariant { invariant: 0 }, true, "t");
    assert_eq!(play.stage(0), Stage::Running);
    play.says(&News::Program { step: 0, end: Fact::Known(0), output: String::new() });
    assert_eq!(play.stage(0), Stage::Done);
    play.answers(Ask::Invariant { invariant: 0 }, false, "f");
    let why = "invariant old readers, after the last step: says f".to_owned();
    assert_eq!(*play.steps.course(), Course::Halted { ending: Ending::Failed, why });
}

#[test]
fn a_program_that_runs_too_long_is_ended_and_fails_its_step() {
    let mut play = Play::of(plan(vec![program("deploy")]));
    play.begins();
    play.passes(9_999);
    assert!(!play.ordered(&Order::EndProgram { step: 0 }));
    play.passes(1);
    assert!(play.ordered(&Order::EndProgram { step: 0 }));
    let why = "ended by signal 15".to_owned();
    play.says(&News::Program { step: 0, end: Fact::Missing(why), output: "working".to_owned() });
    assert_eq!(play.stage(0), Stage::Failed);
    assert!(play.told().contains(&"its program wrote: working".to_owned()));
}

#[test]
fn nobody_flies_past_a_gate_without_a_person() {
    let mut mission = play::mission(plan(vec![gate("app-v2")]));
    mission.unattended = true;
    let mut play = Play::with(mission);
    play.begins();
    assert_eq!(play.reason(0), "nobody is there to answer, and it was not approved: --approve app-v2");
    assert!(matches!(play.steps.course(), Course::Over { ending: Ending::Failed, .. }));
    let mut mission = play::mission(plan(vec![gate("app-v2")]));
    (mission.unattended, mission.approved) = (true, vec!["app-v2".to_owned()]);
    let mut play = Play::with(mission);
    play.begins();
    assert_eq!(play.stage(0), Stage::Done);
}

#[test]
fn each_item_has_a_state_of_its_own_and_one_that_does_not_work_can_be_left_out() {
    let mut step = strong("each");
    if let Work::Sql { for_each, .. } = &mut step.work {
        *for_each = Some("partitions of events".to_owned());
    }
    let mut play = Play::of(plan(vec![step]));
    play.begins();
    assert!(play.ordered(&Order::Items { step: 0 }));
    let items = ["events_1", "events_2"].map(str::to_owned).to_vec();
    play.says(&News::Items { step: 0, items: Fact::Known(items) });
    play.surveyed(&[]);
    play.looked_free();
    play.fails("23514", "check constraint is violated");
    play.surveyed(&[]);
    let stages = |play: &Play| play.steps.states()[0].items.iter().map(|item| item.stage).collect::<Vec<_>>();
    assert_eq!(stages(&play), [Stage::Failed, Stage::Ready]);
    let skip = |item: &str| Will::Skip { step: "each".to_owned(), item: Some(item.to_owned()) };
    assert!(play.wants(&skip("events_3")).is_err());
    play.wants(&skip("events_1")).expect("it failed");
    play.wants(&Will::Resume).expect("it has halted");
    assert_eq!(play.steps.states()[0].item, 1, "the next one");
    play.surveyed(&[]);
    play.looked_free();
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    assert_eq!(stages(&play), [Stage::Skipped, Stage::Done]);
    assert!(play.reason(0).ends_with("2 items, 1 skipped"), "{}", play.reason(0));
}
