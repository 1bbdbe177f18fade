use std::sync::atomic::{AtomicU64, Ordering};

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::engine::effect::Rung;
use crate::engine::ids::BackendId;
use crate::engine::steps::PauseHow;
use crate::engine::testing::{A, B};
use crate::screen::views::planned::{Flown, building, failed, gated, looking, queued};
use crate::screen::views::testing::{Stage, jammed, quiet, watched};
use crate::screen::views::{self};

/// Longer than a question is deaf.
const HEARD_MS: u64 = 10_000;

fn key(text: &str) -> KeyEvent {
    match text {
        "esc" => KeyCode::Esc.into(),
        "enter" => KeyCode::Enter.into(),
        "tab" => KeyCode::Tab.into(),
        text => match text.strip_prefix("ctrl-") {
            Some(c) => {
                KeyEvent::new(KeyCode::Char(c.chars().next().expect("a letter")), KeyModifiers::CONTROL)
            }
            None => KeyCode::Char(text.chars().next().expect("a letter")).into(),
        },
    }
}

/// Presses keys, each long after the one before; the order of the last one.
fn pressed(stage: &mut Stage, keys: &[&str]) -> Option<Order> {
    static PRESSED: AtomicU64 = AtomicU64::new(1);
    let mut order = None;
    for text in keys {
        let mut ui = stage.ui.clone();
        let shown = stage.shown();
        let rows = views::rows(&shown);
        let judged = Press {
            context: shown.context(),
            keymap: shown.keymap,
            rows: &rows,
            page: 10,
            furthest: 3,
            now_ms: PRESSED.fetch_add(1, Ordering::Relaxed) * HEARD_MS,
            now: shown.now,
        };
        order = press(&mut ui, &key(text), &judged);
        stage.ui = ui;
    }
    order
}

fn said(stage: &Stage) -> &str {
    stage.ui.message.as_ref().map_or("", |message| &message.text)
}

/// The row of the backend with this pid.
fn row(stage: &Stage, pid: crate::engine::ids::Pid) -> Row {
    let id: BackendId =
        stage.cockpit.sample().and_then(|sample| sample.backend(pid)).expect("it is there").id();
    Row::Backend(id)
}

#[test]
fn a_stop_is_not_ordered_from_a_frozen_display() {
    let mut stage = watched(3);
    stage.frozen_of = Some(stage.cockpit.clone());
    let old = row(&stage, A);
    let mut stage = stage.selected(old);
    for keys in [&["K"][..], &["a"], &["f"], &[":", "a", "b", "o", "r", "t", "enter"]] {
        stage.ui.message = None;
        assert_eq!(pressed(&mut stage, keys), None, "{keys:?}");
        assert_eq!(stage.ui.popup, None, "{keys:?}");
        assert!(said(&stage).contains("the display is frozen"), "{keys:?}: {}", said(&stage));
    }
    stage.frozen_of = None;
    assert_eq!(pressed(&mut stage, &["K"]), None);
    assert!(matches!(&stage.ui.popup, Some(Popup::Confirm(_))), "{:?}", stage.ui.popup);
}

#[test]
fn a_frozen_display_leaves_suspends_and_disarms_by_the_flight_as_it_is() {
    let armed = jammed(3).cockpit;
    assert!(armed.is_guarding());
    let mut stage = quiet();
    assert!(!stage.cockpit.is_guarding() && stage.cockpit.target().is_none());
    stage.frozen_of = Some(armed);
    assert_eq!(pressed(&mut stage, &["ctrl-z"]), None);
    assert!(said(&stage).contains("the guard is armed"), "{}", said(&stage));
    assert_eq!(pressed(&mut stage, &["q"]), None);
    assert!(matches!(stage.ui.popup, Some(Popup::Quit { .. })), "it is asked about");
    assert_eq!(pressed(&mut stage, &["esc", "D"]), Some(Order::Command(Command::Disarm)));
}

#[test]
fn a_frozen_display_is_never_left_unasked() {
    let mut stage = quiet();
    assert_eq!(pressed(&mut stage, &["q"]), Some(Order::Leave(Leave::Flight)));
    stage.frozen_of = Some(stage.cockpit.clone());
    assert_eq!(pressed(&mut stage, &["q"]), None);
    assert!(matches!(stage.ui.popup, Some(Popup::Quit { .. })), "it is asked about");
}

#[test]
fn whoever_lost_the_stick_still_cannot_suspend_the_guard_or_end_the_flight_by_accident() {
    for mut stage in [jammed(3), quiet()] {
        stage.seat = Seat::Observer;
        let guards = stage.cockpit.is_guarding();
        assert_eq!(pressed(&mut stage, &["ctrl-z"]), (!guards).then_some(Order::Suspend));
        assert_eq!(pressed(&mut stage, &["q"]), None);
        assert!(matches!(stage.ui.popup, Some(Popup::Quit { .. })), "it is asked about");
    }
}

#[test]
fn a_joined_screen_is_left_and_suspended_alone() {
    for seat in [Seat::Pilot, Seat::Observer, Seat::ReadOnly, Seat::Landed] {
        let mut stage = jammed(3);
        (stage.seat, stage.is_joined) = (seat, true);
        assert_eq!(pressed(&mut stage, &["q"]), Some(Order::Leave(Leave::Screen)), "{seat:?}");
        assert_eq!(pressed(&mut stage, &["ctrl-z"]), Some(Order::Suspend), "{seat:?}");
    }
}

#[test]
fn a_screen_that_only_looks_on_commands_nothing() {
    let mut stage = watched(3);
    (stage.seat, stage.is_joined) = (Seat::ReadOnly, true);
    for key in ["D", "a", "m", "T"] {
        stage.ui.message = None;
        assert_eq!(pressed(&mut stage, &[key]), None, "{key}");
        assert!(said(&stage).contains("--read-only"), "{key}: {}", said(&stage));
    }
}

#[test]
fn a_backend_that_a_filter_hides_is_not_hit() {
    let stage = watched(3).at(View::Activity);
    let old = row(&stage, A);
    let mut stage = stage.selected(old);
    stage.ui.filters.insert(View::Activity, "ALTER".to_owned());
    assert!(!views::rows(&stage.shown()).contains(&row(&stage, A)), "the filter hides it");
    assert!(views::rows(&stage.shown()).contains(&row(&stage, B)));
    assert_eq!(pressed(&mut stage, &["K"]), None);
    assert!(said(&stage).contains("not among the lines shown"), "{}", said(&stage));
    stage.ui.filters.clear();
    pressed(&mut stage, &["K"]);
    assert!(matches!(&stage.ui.popup, Some(Popup::Confirm(_))), "{:?}", stage.ui.popup);
}

#[test]
fn only_the_bare_letter_confirms_and_ctrl_c_leaves_alone() {
    let mut stage = watched(3);
    assert_eq!(pressed(&mut stage, &["a", "ctrl-y"]), None);
    assert!(matches!(&stage.ui.popup, Some(Popup::Confirm(_))), "it still asks");
    assert_eq!(pressed(&mut stage, &["ctrl-c"]), None);
    assert_eq!(stage.ui.popup, None);
    assert!(said(&stage).contains("left alone"), "{}", said(&stage));
    assert!(matches!(pressed(&mut stage, &["a", "y"]), Some(Order::Command(Command::Abort { .. }))));
    let mut stage = jammed(3);
    for key in ["ctrl-e", "ctrl-d"] {
        assert_eq!(pressed(&mut stage, &["q", key, "q"]), None, "{key}");
    }
}

#[test]
fn a_question_about_an_old_picture_says_how_old_it_is() {
    let mut stage = watched(3);
    stage.now = At::from_ms(60_000);
    let old = row(&stage, A);
    let mut stage = stage.selected(old);
    pressed(&mut stage, &["K"]);
    let Some(Popup::Confirm(asked)) = &stage.ui.popup else { panic!("{:?}", said(&stage)) };
    assert!(matches!(asked.command, Command::Stop { rung: Rung::Terminate, .. }));
    assert!(asked.lines.iter().any(|line| line.starts_with("All this was so ")), "{:?}", asked.lines);
}

#[test]
fn scrolling_ends_with_the_text() {
    let mut stage = quiet();
    pressed(&mut stage, &["?", "j", "j", "j", "j", "j", "j"]);
    assert_eq!(stage.ui.popup, Some(Popup::Help(3)));
    pressed(&mut stage, &["k"]);
    assert_eq!(stage.ui.popup, Some(Popup::Help(2)));
    pressed(&mut stage, &["G"]);
    assert_eq!(stage.ui.popup, Some(Popup::Help(3)));
}

#[test]
fn a_speed_is_for_a_replay() {
    let mut stage = quiet();
    let line: Vec<&str> = ":speed 2".split("").filter(|text| !text.is_empty()).collect();
    pressed(&mut stage, &line);
    assert_eq!(pressed(&mut stage, &["enter"]), None);
    assert!(said(&stage).contains("this is no replay"), "{}", said(&stage));
}

/// Keys of a text, then enter.
fn typed(text: &str) -> Vec<String> {
    text.chars().map(String::from).chain(["enter".to_owned()]).collect()
}

fn types(stage: &mut Stage, text: &str) -> Option<Order> {
    let keys = typed(text);
    pressed(stage, &keys.iter().map(String::as_str).collect::<Vec<_>>())
}

fn will(will: Will) -> Option<Order> {
    Some(Order::Command(Command::Plan(will)))
}

#[test]
fn a_plan_is_held_at_once_between_attempts_and_by_choice_amid_one() {
    let mut stage = looking().stage(100);
    let finish = Will::Pause { how: PauseHow::Finish };
    assert_eq!(pressed(&mut stage, &["p"]), will(finish.clone()));
    for (key, how) in [("c", PauseHow::Cancel), ("f", PauseHow::Finish)] {
        let mut stage = building().stage(100);
        assert_eq!(pressed(&mut stage, &["p"]), None);
        assert!(matches!(stage.ui.popup, Some(Popup::Hold { .. })), "{:?}", stage.ui.popup);
        assert_eq!(pressed(&mut stage, &["p", "y", "enter"]), None, "no other key is an answer");
        assert_eq!(pressed(&mut stage, &[key]), will(Will::Pause { how }));
    }
    let mut stage = building().stage(100);
    assert_eq!(pressed(&mut stage, &["p", "esc"]), None);
    assert_eq!(stage.ui.popup, None);
    let mut held = looking();
    held.wants(finish);
    assert_eq!(pressed(&mut held.stage(100), &["p"]), will(Will::Resume));
    assert_eq!(pressed(&mut failed().stage(100), &["p"]), will(Will::Resume), "a halted one goes on as well");
}

#[test]
fn an_abort_is_of_the_plan_and_asks_with_its_cost() {
    let mut stage = queued().stage(60);
    assert_eq!(pressed(&mut stage, &["a"]), None);
    let Some(Popup::Confirm(asked)) = &stage.ui.popup else { panic!("{}", said(&stage)) };
    assert_eq!(asked.command, Command::Plan(Will::Abort));
    assert_eq!(asked.lines[0], "stop now: nothing lost, nothing left behind");
    assert_eq!(asked.lines[1], "9 sessions wait behind it");
    assert_eq!(pressed(&mut stage, &["y"]), will(Will::Abort));
    let mut stage = queued().stage(60);
    assert_eq!(types(&mut stage, ":abort pid 102"), None);
    let Some(Popup::Confirm(asked)) = &stage.ui.popup else { panic!("{}", said(&stage)) };
    assert!(matches!(asked.command, Command::Abort { .. }), "a session that is named is the session's");
    let mut over = Flown::after(7).stage(100);
    pressed(&mut over, &["a"]);
    assert!(said(&over).contains("nothing is under guard"), "{}", said(&over));
}

#[test]
fn a_gate_opens_for_its_name_and_tells_why_for_nothing_else() {
    let mut stage = gated().stage(100);
    assert_eq!(pressed(&mut stage, &["o"]), None);
    assert_eq!(types(&mut stage, "yes"), None);
    let Some(Popup::Gate(gate)) = &stage.ui.popup else { panic!("{:?}", stage.ui.popup) };
    let why = "'yes' is not the name of the step that waits: app-v2";
    assert_eq!((gate.so_far.as_str(), gate.refused.as_deref()), ("", Some(why)));
    let answer = Will::Answer { typed: "app-v2".to_owned(), person: String::new() };
    assert_eq!(types(&mut stage, "app-v2"), will(answer.clone()));
    assert_eq!(types(&mut stage, ":answer app-v2"), will(answer));
    assert_eq!(types(&mut stage, ":answer app-v3"), None);
    assert!(said(&stage).contains("is not the name of the step that waits"), "{}", said(&stage));
    let mut stage = gated().stage(100);
    stage.ui.panes.insert(View::Cockpit, 2);
    let mut stage = stage.selected(Row::Step("app-v2".to_owned()));
    pressed(&mut stage, &["enter"]);
    assert!(matches!(stage.ui.popup, Some(Popup::Gate(_))), "{:?}", stage.ui.popup);
    let mut stage = looking().stage(100);
    pressed(&mut stage, &["o"]);
    assert!(said(&stage).contains("no gate waits for a person"), "{}", said(&stage));
}

#[test]
fn undo_and_clean_up_show_their_statements_before_they_run() {
    let mut stage = failed().stage(100);
    assert_eq!(pressed(&mut stage, &["u"]), None);
    let Some(Popup::Confirm(asked)) = &stage.ui.popup else { panic!("{}", said(&stage)) };
    assert_eq!(asked.lines[0], "alter table users alter email drop not null;");
    assert_eq!(pressed(&mut stage, &["y"]), will(Will::Undo { step: "set-not-null".to_owned() }));
    for keys in [&["x"][..], &[":", "c", "l", "e", "a", "n", "u", "p", " ", "1", "enter"]] {
        assert_eq!(pressed(&mut stage, keys), None);
        let Some(Popup::Confirm(asked)) = &stage.ui.popup else { panic!("{}", said(&stage)) };
        assert_eq!(asked.lines[0], "DROP INDEX CONCURRENTLY public.users_email_key");
        assert_eq!(pressed(&mut stage, &["y"]), will(Will::CleanUp { number: 1 }));
    }
    let mut stage = building().stage(100);
    pressed(&mut stage, &["u"]);
    assert!(said(&stage).contains("pause it first"), "{}", said(&stage));
}

#[test]
fn a_plan_in_the_air_is_never_left_unasked_nor_stopped_from_a_frozen_display() {
    let mut stage = gated().stage(100);
    assert_eq!(pressed(&mut stage, &["q"]), None);
    assert!(matches!(stage.ui.popup, Some(Popup::Quit { .. })), "it is asked about");
    pressed(&mut stage, &["esc"]);
    stage.frozen_of = Some(stage.cockpit.clone());
    for key in ["a", "o"] {
        stage.ui.message = None;
        assert_eq!(pressed(&mut stage, &[key]), None, "{key}");
        assert!(said(&stage).contains("the display is frozen"), "{key}: {}", said(&stage));
    }
    assert!(pressed(&mut stage, &["p"]).is_some(), "the brake works all the same");
}

#[test]
fn the_arrows_reach_the_plan_where_there_is_one() {
    for (mut stage, panes) in [(looking().stage(100), 3), (quiet(), 2)] {
        for pane in (1..panes).chain([0]) {
            pressed(&mut stage, &["tab"]);
            assert_eq!(stage.ui.pane(), (View::Cockpit, pane));
        }
    }
}
