use super::super::planned::{Flown, building, failed, gated, hiding, looking, queued};
use crate::engine::command::Command;
use crate::engine::steps::{PauseHow, Will};
use crate::screen::confirm;
use crate::screen::theme::Meaning;
use crate::screen::ui::View;
use crate::screen::ui::{Gate, Popup, Row};
use crate::screen::views::stage::Stage as Styled;
use crate::screen::views::testing::Stage;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn compare(name: &str, stage: &Stage) {
    compare_at(&SIZES, name, stage);
}

fn compare_at(sizes: &[(u16, u16)], name: &str, stage: &Stage) {
    for &(width, height) in sizes {
        let text = stage.text(width, height);
        let text: Vec<&str> = text.lines().map(str::trim_end).collect();
        insta::with_settings!({ snapshot_path => "../../../../tests/snapshots/screens", omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("plan-{name}-{width}x{height}"), text.join("\n"));
        });
    }
}

/// Moves the arrows into the plan and selects a step.
fn selected(mut stage: Stage, step: &str) -> Stage {
    stage.ui.panes.insert(stage.ui.view, 2);
    stage.selected(Row::Step(step.to_owned()))
}

#[test]
fn a_plan_in_every_state_is_understood_at_a_glance() {
    compare("preparing", &Flown::preparing().stage(200));
    compare("looks", &looking().stage(200));
    compare("queued", &queued().stage(60));
    compare("builds", &building().stage(200));
    compare("gate", &gated().stage(200));
    compare("failed", &failed().stage(200));
    compare("hides-rows", &hiding().stage(200));
    let mut held = looking();
    held.wants(Will::Pause { how: PauseHow::Finish });
    compare("held", &held.stage(30_000));
    compare("complete", &Flown::after(7).stage(200));
}

#[test]
fn the_least_screen_still_says_which_step_what_it_waits_for_and_what_a_stop_costs() {
    for (name, stage) in [("queued", queued().stage(60)), ("failed", failed().stage(200))] {
        compare_at(&[(60, 16)], name, &stage);
    }
}

#[test]
fn what_hides_rows_is_shouted() {
    let hiding = hiding().stage(200);
    let stage = Styled::new(hiding.cockpit, hiding.history, hiding.now, View::Cockpit);
    let buffer = stage.buffer(80, 24);
    let row = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let y = (0..24).find(|y| row(*y).contains("ROWS ARE HIDDEN")).expect("it is on the screen");
    let danger = stage.shown().style(Meaning::Danger);
    for x in [3, 30] {
        assert_eq!(buffer[(x, y)].style().fg, danger.fg, "{}", row(y));
    }
}

#[test]
fn questions_say_what_each_way_costs() {
    let mut stage = building().stage(200);
    stage.ui.popup = Some(Popup::Hold { since_ms: 0 });
    compare("pause", &stage);
    let mut stage = gated().stage(200);
    let gate = Gate {
        step: "app-v2".to_owned(),
        so_far: "app-".to_owned(),
        refused: Some("'yes' is not the name of the step that waits: app-v2".to_owned()),
        since_ms: 0,
    };
    stage.ui.popup = Some(Popup::Gate(Box::new(gate)));
    compare("opens", &stage);
    let mut stage = queued().stage(60);
    stage.ui.popup = Some(Popup::Quit { since_ms: 0 });
    compare("leave", &stage);
    for (name, mut stage, will) in [
        ("abort", building().stage(200), Will::Abort),
        ("undo", failed().stage(200), Will::Undo { step: "set-not-null".to_owned() }),
        ("clean-up", hiding().stage(200), Will::CleanUp { number: 1 }),
    ] {
        let asked = confirm::ask(&stage.cockpit, Command::Plan(will), false, 0, stage.now);
        stage.ui.popup = Some(Popup::Confirm(Box::new(asked)));
        compare(name, &stage);
    }
}

#[test]
fn a_shared_screen_shows_neither_statements_nor_who_holds_what() {
    let mut stage = looking().stage(200);
    stage.ui.presenter = true;
    stage.shows(120, 40, &["The plan is flying, step 2 of 7, set-not-null: acquiring"]);
    stage.ui.popup = Some(Popup::Details(Row::Step("set-not-null".to_owned()), 0));
    let text = stage.text(120, 60);
    for hidden in ["report-job", "alter email"] {
        assert!(!text.contains(hidden), "{hidden} in\n{text}");
    }
}

#[test]
fn a_step_is_told_in_full() {
    let mut stage = selected(queued().stage(60), "set-not-null");
    compare("selected", &stage);
    stage.ui.popup = Some(Popup::Details(Row::Step("set-not-null".to_owned()), 0));
    compare("details", &stage);
    compare("selected-elsewhere", &selected(queued().stage(60), "drop-old"));
}
