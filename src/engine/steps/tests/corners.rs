//! What comes late, twice, or at the wrong time.

use super::play::{self, Play, index, mission, part, plan, runner, strong};
use crate::engine::plan::facts::Found;
use crate::engine::plan::form::{Deed, Expect};
use crate::engine::plan::order::{Ask, News, Order, TryEnd, TryFate};
use crate::engine::plan::{Invariant, PlanStep, Work};
use crate::engine::sample::Fact;
use crate::engine::steps::{Cause, Course, Ending, PauseHow, Stage, Will};

const NOW: Will = Will::Pause { how: PauseHow::Cancel };

fn trying(step: PlanStep) -> Play {
    let mut play = Play::of(plan(vec![step, strong("next")]));
    play.begins();
    play.surveyed(&[]);
    if play.attempts() == 0 {
        play.looked_free();
    }
    play
}

fn lose(play: &mut Play) {
    play.tried(TryEnd::Lost("the server closed the connection".to_owned()));
    play.begins();
}

fn fate(play: &mut Play, fate: TryFate) {
    let number = play.attempt().number;
    play.says(&News::Fate { number, fate });
}

/// VACUUM FULL: a strong lock, and no transaction in which it could be taken ahead.
fn alone(id: &str) -> PlanStep {
    let parts = vec![part("VACUUM FULL", Deed::DropColumn { cascade: false }, false)];
    PlanStep { work: Work::Sql { parts, for_each: None }, ..strong(id) }
}

fn with_undo() -> PlanStep {
    let undo = vec![
        part("ALTER TABLE", Deed::DropColumn { cascade: false }, true),
        part("ALTER TABLE", Deed::DropColumn { cascade: false }, true),
    ];
    PlanStep { undo, ..strong("add") }
}

/// The second step is held, and the first one done.
fn held_behind_one_with_an_undo() -> Play {
    let mut play = Play::of(plan(vec![with_undo(), strong("next")]));
    play.begins();
    play.surveyed(&[]);
    play.looked_free();
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    play.wants(&NOW).expect("it flies");
    assert!(play.is_held());
    play
}

#[test]
fn an_abort_counts_although_a_pause_was_asked_for_before() {
    let mut play = trying(strong("add"));
    play.locked();
    play.wants(&NOW).expect("it flies");
    play.wants(&Will::Abort).expect("it is not over");
    play.fails("57014", "canceling statement due to user request");
    play.surveyed(&[]);
    assert!(
        matches!(play.steps.course(), Course::Over { ending: Ending::Aborted, .. }),
        "{:?}",
        play.steps.course()
    );
}

#[test]
fn an_abort_counts_although_the_session_is_lost_by_it() {
    for (told, locked) in [(TryFate::RolledBack, true), (TryFate::Committed, true), (TryFate::Gone, false)] {
        let mut play = trying(strong("add"));
        if locked {
            play.locked();
        }
        play.wants(&Will::Abort).expect("it flies");
        lose(&mut play);
        fate(&mut play, told.clone());
        play.surveyed(&[]);
        play.surveyed(&[]);
        assert_eq!(play.attempts(), 1, "{told:?}");
        let course = play.steps.course();
        assert!(matches!(course, Course::Over { ending: Ending::Aborted, .. }), "{told:?}: {course:?}");
    }
}

#[test]
fn what_a_guardrail_has_ended_with_its_session_is_not_tried_again() {
    let mut play = trying(strong("add"));
    play.locked();
    play.sight.stop = Some(Cause::Guardrail);
    play.tried(TryEnd::Lost("terminating connection due to administrator command".to_owned()));
    play.sight.stop = None;
    play.begins();
    fate(&mut play, TryFate::RolledBack);
    play.surveyed(&[]);
    assert_eq!(play.attempts(), 1);
    assert!(matches!(play.steps.course(), Course::Halted { ending: Ending::Tripped, .. }));
}

#[test]
fn what_was_through_before_an_abort_is_verified_and_not_flown_again() {
    let mut play = trying(strong("add"));
    play.wants(&Will::Abort).expect("it flies");
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Done);
    assert!(matches!(play.steps.course(), Course::Over { ending: Ending::Aborted, .. }));
}

#[test]
fn a_statement_that_costs_the_session_each_time_is_not_tried_for_ever() {
    let mut play = trying(strong("add"));
    for _ in 0..10 {
        if !matches!(play.steps.course(), Course::Flying) {
            break;
        }
        play.locked();
        lose(&mut play);
        fate(&mut play, TryFate::RolledBack);
        play.surveyed(&[]);
        play.looked_free();
    }
    assert_eq!(play.attempts(), 3);
    assert!(matches!(play.steps.course(), Course::Halted { ending: Ending::Failed, .. }));
}

#[test]
fn attempts_of_a_weak_statement_are_counted_over_its_surveys() {
    let mut play = trying(index("build"));
    for _ in 0..60 {
        play.fails("40P01", "deadlock detected");
        play.passes(2_000);
        play.surveyed(&[]);
    }
    assert_eq!(play.attempts(), 50);
    assert_eq!(play.stage(0), Stage::Failed);
}

#[test]
fn a_statement_whose_locks_are_not_told_is_not_taken_for_one_in_the_queue() {
    let mut play = trying(alone("vacuum"));
    assert!(play.attempt().first.is_empty() && !play.attempt().weak);
    let number = play.attempt().number;
    let said = |play: &mut Play| {
        let error = crate::engine::plan::order::ServerError {
            code: "57014".to_owned(),
            message: "canceling statement due to user request".to_owned(),
            statement: Some(0),
        };
        play.says(&News::Tried { number, end: TryEnd::Failed(error), took_us: 9_000_000 });
        play.surveyed(&[]);
    };
    let mut by_guardrail = trying(alone("vacuum"));
    by_guardrail.sight.stop = Some(Cause::Guardrail);
    said(&mut by_guardrail);
    assert!(matches!(by_guardrail.steps.course(), Course::Halted { ending: Ending::Tripped, .. }));
    said(&mut play);
    assert!(play.reason(0).starts_with("cancelled, and not by this flight"), "{}", play.reason(0));
}

#[test]
fn an_undo_under_way_is_not_dropped_by_a_resume_or_another_work() {
    let mut play = held_behind_one_with_an_undo();
    let undo = Will::Undo { step: "add".to_owned() };
    play.wants(&undo).expect("it is done");
    assert!(play.wants(&Will::Resume).is_err(), "it is being surveyed");
    play.surveyed(&[]);
    play.looked_free();
    assert!(play.wants(&Will::Resume).is_err(), "it is being tried");
    play.fails("55P03", "canceling statement due to lock timeout");
    assert!(play.wants(&Will::Resume).is_err(), "it waits between two attempts");
    assert!(play.wants(&undo).is_err());
    play.passes(60_000);
    play.looked_free();
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    play.surveyed(&[]);
    play.looked_free();
    play.tried(TryEnd::Done);
    play.surveyed(&[]);
    assert_eq!((play.stage(0), play.reason(0)), (Stage::Stopped, "undone"));
    play.wants(&Will::Resume).expect("it is held");
}

#[test]
fn a_pause_that_was_obeyed_does_not_hold_an_undo_between_its_parts() {
    let mut play = Play::of(plan(vec![with_undo()]));
    play.begins();
    play.surveyed(&[]);
    play.looked_free();
    play.locked();
    play.wants(&NOW).expect("it flies");
    play.fails("57014", "canceling statement due to user request");
    play.surveyed(&[]);
    assert_eq!((play.is_held(), play.reason(0)), (true, "by bob"));
    play.wants(&Will::Undo { step: "add".to_owned() }).expect("it is held");
    for _ in 0..2 {
        play.surveyed(&[]);
        play.looked_free();
        play.tried(TryEnd::Done);
        play.surveyed(&[]);
    }
    assert_eq!(play.reason(0), "undone");
}

#[test]
fn a_clean_up_that_is_aborted_leaves_the_plan_where_it_was_and_is_offered_still() {
    let left = play::left(crate::engine::plan::facts::LeftoverKind::InvalidIndex, "users_x");
    for early in [true, false] {
        let mut play = Play::of(plan(vec![index("build")]));
        play.begins();
        play.surveyed(&[]);
        play.fails("23505", "could not create unique index");
        play.surveyed(std::slice::from_ref(&left));
        play.wants(&Will::CleanUp { number: 1 }).expect("it is offered");
        if early {
            play.wants(&Will::Abort).expect("it is not over");
        } else {
            play.surveyed(std::slice::from_ref(&left));
            play.wants(&Will::Abort).expect("it is not over");
            play.fails("57014", "canceling statement due to user request");
            play.surveyed(std::slice::from_ref(&left));
        }
        assert!(matches!(play.steps.course(), Course::Halted { .. }), "{:?}", play.steps.course());
        play.wants(&Will::CleanUp { number: 1 }).expect("it is offered still");
    }
}

#[test]
fn a_flight_that_goes_on_and_halts_at_once_still_knows_what_was_done() {
    let mut plan = plan(vec![strong("add"), strong("next")]);
    plan.invariants = vec![Invariant { name: "readers".to_owned(), said: "select ..".to_owned() }];
    let mut first = Play::of(plan.clone());
    first.begins();
    first.answers(Ask::Invariant { invariant: 0 }, true, "t");
    first.surveyed(&[]);
    first.looked_free();
    first.tried(TryEnd::Done);
    first.surveyed(&[]);
    let mut again = mission(plan);
    again.resumed = Some(Box::new(first.steps.logbook(Some(1), Some(1))));
    let mut play = Play::with(again);
    play.begins();
    play.answers(Ask::Invariant { invariant: 0 }, false, "f");
    assert!(matches!(play.steps.course(), Course::Halted { .. }));
    play.wants(&Will::Resume).expect("it has halted");
    play.answers(Ask::Invariant { invariant: 0 }, true, "t");
    assert_eq!((play.stage(0), play.reason(0)), (Stage::Done, "in an earlier part of this flight"));
}

#[test]
fn on_another_cluster_nothing_goes_on_until_the_right_one_is_back() {
    let mut play = trying(strong("add"));
    play.locked();
    play.tried(TryEnd::Lost("gone".to_owned()));
    let why = "this is another cluster".to_owned();
    play.says(&News::Session { backend: runner(), same_cluster: Err(why), flight_lock: Ok(()) });
    assert!(play.wants(&Will::Resume).is_err());
    play.begins();
    let asked =
        Order::Fate { number: 1, backend: runner(), application: "lockpit/run 1".to_owned(), xid: Some(77) };
    assert!(play.ordered(&asked), "what became of the attempt is not forgotten");
    fate(&mut play, TryFate::Committed);
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Done);
}

#[test]
fn a_part_that_was_found_done_is_not_run_again() {
    let expected = || Expect::Index { index: "users_x".to_owned(), table: Some("users".to_owned()) };
    let two = || {
        let deed = Deed::CreateIndex { concurrently: true };
        let parts = vec![
            part("CREATE INDEX CONCURRENTLY", deed, false),
            part("ALTER TABLE", Deed::DropColumn { cascade: false }, true),
        ];
        PlanStep { work: Work::Sql { parts, for_each: None }, ..strong("two") }
    };
    let mut play = Play::of(plan(vec![two()]));
    play.begins();
    play.surveyed(&[]);
    lose(&mut play);
    fate(&mut play, TryFate::Gone);
    play.found(vec![(expected(), Found::Good)], &[]);
    play.surveyed(&[]);
    play.wants(&NOW).expect("it flies");
    play.wants(&Will::Resume).expect("it is held");
    play.surveyed(&[]);
    play.looked_free();
    assert_eq!((play.attempts(), play.attempt().unit.part), (2, 1));
}

#[test]
fn parts_that_were_done_of_one_item_are_not_left_out_of_another() {
    let step = || {
        let parts = vec![
            part("ALTER TABLE", Deed::DropColumn { cascade: false }, true),
            part("ALTER TABLE", Deed::DropColumn { cascade: false }, true),
        ];
        PlanStep { work: Work::Sql { parts, for_each: Some("rows".to_owned()) }, ..strong("each") }
    };
    let items = |names: &[&str]| News::Items {
        step: 0,
        items: Fact::Known(names.iter().map(|name| (*name).to_owned()).collect()),
    };
    let mut first = Play::of(plan(vec![step()]));
    first.begins();
    first.says(&items(&["a", "b"]));
    first.surveyed(&[]);
    first.looked_free();
    first.tried(TryEnd::Done);
    first.surveyed(&[]);
    let logbook = first.steps.logbook(Some(1), Some(1));
    let goes_on = |found: &[&str]| {
        let mut again = mission(plan(vec![step()]));
        again.resumed = Some(Box::new(logbook.clone()));
        let mut play = Play::with(again);
        play.begins();
        play.passes(1);
        play.says(&items(found));
        play.surveyed(&[]);
        play.looked_free();
        play.attempt().unit
    };
    assert_eq!((goes_on(&["a", "b"]).item, goes_on(&["a", "b"]).part), (0, 1));
    assert_eq!((goes_on(&["b", "a"]).item, goes_on(&["b", "a"]).part), (0, 0), "nothing of b was done");
}

#[test]
fn a_look_without_an_answer_is_a_look_that_did_not_pass() {
    let mut play = Play::of(plan(vec![strong("add")]));
    play.begins();
    play.surveyed(&[]);
    play.looked_blind("canceling statement due to statement timeout");
    assert_eq!(play.stage(0), Stage::Acquiring);
    play.passes(100);
    assert_eq!(play.looks(), 2);
    play.sight.at = play.at().plus_ms(31 * 60 * 1_000);
    play.looked_blind("canceling statement due to statement timeout");
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Failed, "they end");
}

#[test]
fn nobody_is_there_and_no_window_will_open() {
    let mut plan = plan(vec![strong("add")]);
    plan.windows = Some(Vec::new());
    let mut mission = mission(plan);
    mission.unattended = true;
    let mut play = Play::with(mission);
    play.begins();
    play.surveyed(&[]);
    assert!(play.steps.course().is_over(), "{:?}", play.steps.course());
}

#[test]
fn an_attempt_that_could_not_be_begun_is_begun_again_a_few_times() {
    let mut play = trying(strong("add"));
    for _ in 0..20 {
        play.tried(TryEnd::NotBegun("an earlier session of this flight holds its lock".to_owned()));
        play.passes(1_000);
        play.surveyed(&[]);
        play.looked_free();
    }
    assert_eq!((play.attempts(), play.stage(0)), (5, Stage::Failed));
}

#[test]
fn what_was_asked_on_a_lost_session_is_asked_on_the_next_one() {
    let mut play = Play::of(plan(vec![strong("add")]));
    play.begins();
    play.loses_session();
    play.survey_refused("there is no session");
    assert_eq!(play.stage(0), Stage::Forecast);
    play.begins();
    play.surveyed(&[]);
    play.loses_session();
    play.looked_blind("there is no session");
    assert_eq!(play.stage(0), Stage::Acquiring);
    play.begins();
    play.surveyed(&[]);
    play.looked_free();
    play.loses_session();
    play.tried(TryEnd::NotBegun("there is no session".to_owned()));
    play.begins();
    play.surveyed(&[]);
    play.looked_free();
    play.tried(TryEnd::Done);
    play.loses_session();
    play.survey_refused("there is no session");
    assert_eq!(play.stage(0), Stage::Verifying);
    play.begins();
    play.surveyed(&[]);
    assert_eq!((play.stage(0), play.attempts()), (Stage::Done, 2));
}

#[test]
fn a_flight_without_a_person_does_not_wait_for_a_server_for_ever() {
    let mut mission = mission(plan(vec![strong("add")]));
    mission.unattended = true;
    let mut play = Play::with(mission);
    play.begins();
    play.surveyed(&[]);
    play.looked_free();
    play.locked();
    play.tried(TryEnd::Lost("the server closed the connection".to_owned()));
    assert_eq!(play.steps.next_deadline(), Some(play.at().plus_ms(600_000)));
    play.passes(600_000);
    assert!(matches!(play.steps.course(), Course::Over { ending: Ending::Lost, .. }));
    assert!(play.reason(0).contains("what became of its statement is not known"), "{}", play.reason(0));
}

#[test]
fn a_flight_that_is_about_to_end_begins_nothing() {
    let mut play = Play::of(plan(vec![index("build")]));
    play.begins();
    play.sight.leaving = true;
    play.surveyed(&[]);
    assert_eq!(play.attempts(), 0);
}

#[test]
fn a_step_in_doubt_is_in_doubt_still_after_a_pause() {
    let wanted = || Expect::Index { index: "users_x".to_owned(), table: Some("users".to_owned()) };
    let mut first = Play::of(plan(vec![index("build")]));
    first.begins();
    first.surveyed(&[]);
    let mut logbook = first.steps.logbook(Some(1), Some(1));
    logbook.open = None;
    let mut again = mission(plan(vec![index("build")]));
    again.resumed = Some(Box::new(logbook));
    let mut play = Play::with(again);
    play.begins();
    play.wants(&NOW).expect("it flies");
    play.wants(&Will::Resume).expect("it is held");
    play.found(vec![(wanted(), Found::Good)], &[]);
    assert_eq!((play.stage(0), play.attempts()), (Stage::Done, 0));
}

#[test]
fn a_flight_goes_on_on_its_own_cluster_only_and_tells_of_a_failover() {
    let first = Play::of(plan(vec![strong("add")]));
    let goes_on = |system: u64, timeline: u32| {
        let mut again = mission(plan(vec![strong("add")]));
        again.resumed = Some(Box::new(first.steps.logbook(Some(1), Some(1))));
        let mut play = Play::with(again);
        (play.sight.system_identifier, play.sight.timeline) = (Some(system), Some(timeline));
        play.begins();
        play
    };
    let mut other = goes_on(2, 1);
    assert!(matches!(other.steps.course(), Course::Halted { ending: Ending::Lost, .. }));
    assert!(other.wants(&Will::Resume).is_err());
    let mut failed_over = goes_on(1, 2);
    assert!(failed_over.is_held());
    failed_over.wants(&Will::Resume).expect("a person has seen it");
    assert_eq!(goes_on(1, 1).stage(0), Stage::Forecast);
}

#[test]
fn a_question_that_costs_the_session_each_time_is_not_asked_for_ever() {
    let mut with_invariants = plan(vec![strong("add")]);
    with_invariants.invariants = vec![Invariant { name: "readers".to_owned(), said: "select ..".to_owned() }];
    let mut play = Play::of(with_invariants);
    for _ in 0..10 {
        play.begins();
        play.loses_session();
    }
    assert_eq!(play.asks().len(), 5);
    assert!(matches!(play.steps.course(), Course::Halted { ending: Ending::Failed, .. }));
    let mut play = Play::of(plan(vec![strong("add")]));
    for _ in 0..10 {
        play.begins();
        play.loses_session();
    }
    play.begins();
    play.surveyed(&[]);
    assert_eq!(play.stage(0), Stage::Failed);
}

#[test]
fn an_undo_is_not_run_for_one_of_many_items() {
    let work = match with_undo().work {
        Work::Sql { parts, .. } => Work::Sql { parts, for_each: Some("rows".to_owned()) },
        other => other,
    };
    let mut play = Play::of(plan(vec![PlanStep { work, ..with_undo() }]));
    play.begins();
    let items = vec!["a".to_owned(), "b".to_owned()];
    play.says(&News::Items { step: 0, items: Fact::Known(items) });
    play.surveyed(&[]);
    play.wants(&NOW).expect("it flies");
    let refused = play.wants(&Will::Undo { step: "add".to_owned() });
    assert!(refused.is_err_and(|why| why.contains("one of them")));
}

#[test]
fn an_undo_or_a_clean_up_under_way_when_the_log_ended_is_not_forgotten() {
    let goes_on = |logbook, step| {
        let mut again = mission(plan(vec![step, strong("next")]));
        again.resumed = Some(Box::new(logbook));
        let mut play = Play::with(again);
        play.begins();
        play
    };
    let mut first = held_behind_one_with_an_undo();
    first.wants(&Will::Undo { step: "add".to_owned() }).expect("it is done");
    let mut play = goes_on(first.steps.logbook(None, None), with_undo());
    assert!(play.is_held());
    assert_eq!(play.reason(0), "its undo was under way when the log ended");
    play.wants(&Will::Undo { step: "add".to_owned() }).expect("it goes on");
    let left = play::left(crate::engine::plan::facts::LeftoverKind::InvalidIndex, "users_x");
    let mut first = Play::of(plan(vec![index("build"), strong("next")]));
    first.begins();
    first.surveyed(&[]);
    first.fails("23505", "could not create unique index");
    first.surveyed(std::slice::from_ref(&left));
    first.wants(&Will::CleanUp { number: 1 }).expect("it is offered");
    first.surveyed(std::slice::from_ref(&left));
    let mut play = goes_on(first.steps.logbook(None, None), index("build"));
    play.says(&News::Fate { number: 0, fate: TryFate::Gone });
    assert_eq!(play.stage(0), Stage::Forecast, "the step itself is looked at again");
}
