//! What every screen keeps to, and what each shows of the scenes it is for.

use super::testing::{Stage, blank, blinded, busy, jammed, masked, quiet, unlooked, watched};
use super::{line, planned, rows};
use crate::engine::command::{ArmScope, Command};
use crate::engine::ids::{At, BackendId, Pid};
use crate::engine::overrides::Override;
use crate::engine::story::{alice, session};
use crate::engine::testing::{A, B};
use crate::screen::action::Seat;
use crate::screen::ui::{Confirm, Gate, Line, Popup, Purpose, Row, Typed, View};

fn scenes() -> Vec<(&'static str, Stage)> {
    vec![
        ("blank", blank()),
        ("unlooked", unlooked()),
        ("quiet", quiet()),
        ("jammed", jammed(12)),
        ("crowded", jammed(1_000)),
        ("masked", masked()),
        ("busy", busy()),
        ("blinded", blinded()),
        ("recorded", Stage::recorded(5_150)),
        ("prepared", planned::Flown::preparing().stage(100)),
        ("queued", planned::queued().stage(100)),
        ("gated", planned::gated().stage(100)),
        ("hiding", planned::hiding().stage(100)),
    ]
}

/// Every screen with each of its panes, and every popup, on a scene.
fn arrangements(stage: &Stage) -> Vec<(View, u8, Option<Popup>)> {
    let mut all: Vec<(View, u8, Option<Popup>)> = Vec::new();
    for view in View::ALL {
        all.extend((0..super::panes(view, &stage.cockpit)).map(|pane| (view, pane, None)));
    }
    let asked = |typed| {
        Popup::Confirm(Box::new(Confirm {
            command: Command::Disarm,
            title: "terminate pid 101".to_owned(),
            lines: vec!["lost: everything it did ".repeat(9); 30],
            typed,
            since_ms: 0,
        }))
    };
    let typed = Typed { expected: "101".to_owned(), what: "the pid".to_owned(), so_far: "1".to_owned() };
    let gone = BackendId { pid: Pid(9), backend_start: None };
    let mut popups = vec![
        Popup::Help(0),
        Popup::Help(usize::MAX),
        Popup::WhatIf(None),
        Popup::WhatIf(Some(session(A))),
        Popup::WhatIf(Some(gone)),
        Popup::WhatIf(Some(BackendId { pid: Pid::PREPARED, backend_start: None })),
        asked(None),
        asked(Some(typed)),
        Popup::Line(Line::new(Purpose::Command, "limit queue_depth 10 5m")),
        Popup::Line(Line::new(Purpose::Filter, "表")),
        Popup::Quit { since_ms: 0 },
        Popup::Hold { since_ms: 0 },
        Popup::Gate(Box::new(Gate {
            step: "app-v2".to_owned(),
            so_far: "app".to_owned(),
            refused: Some("'x' is not the name of the step that waits: app-v2".to_owned()),
            since_ms: 0,
        })),
        Popup::Details(Row::Backend(gone), 0),
    ];
    let mut seen = Stage::of(stage.cockpit.clone(), stage.history.clone(), stage.now);
    for view in View::ALL {
        for pane in 0..super::panes(view, &seen.cockpit) {
            seen.ui.view = view;
            seen.ui.panes.insert(view, pane);
            popups.extend(rows(&seen.shown()).into_iter().next_back().map(|row| Popup::Details(row, 0)));
        }
    }
    all.extend(popups.into_iter().map(|popup| (View::Locks, 0, Some(popup))));
    all
}

#[test]
fn no_screen_and_no_popup_panics_at_any_size_on_any_scene() {
    let mut scenes = scenes();
    let mut cases: Vec<(usize, View, u8, Option<Popup>, usize)> = Vec::new();
    for (index, (_, stage)) in scenes.iter().enumerate() {
        for (view, pane, popup) in arrangements(stage) {
            cases.extend((0..3).map(|selection| (index, view, pane, popup.clone(), selection)));
        }
    }
    let mut draw = |case: &(usize, View, u8, Option<Popup>, usize), width: u16, height: u16| {
        let (index, view, pane, popup, selection) = case;
        let stage = &mut scenes[*index].1;
        (stage.ui.view, stage.ui.popup) = (*view, popup.clone());
        stage.ui.panes.insert(*view, *pane);
        stage.ui.presenter = *selection == 1;
        stage.ui.selections.clear();
        let rows = if *selection > 0 { rows(&stage.shown()) } else { Vec::new() };
        match *selection {
            1 => stage.ui.select(&rows, 0),
            2 => stage.ui.select(&rows, usize::MAX),
            _ => {}
        }
        assert_eq!(stage.lines(width, height).len(), usize::from(height));
    };
    // What is most likely to be too much for a window, in the least one and in the usual one.
    for case in &cases {
        draw(case, 60, 16);
        draw(case, 80, 24);
    }
    // Every width and every height, in an eighth of all pairs, each with a case by chance.
    let mut chance: u64 = 1;
    for width in 1..=220 {
        for height in (1..=60).filter(|height| (width + height) % 8 == 0) {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let case = usize::try_from(chance >> 33).expect("31 bits") % cases.len();
            draw(&cases[case], width, height);
        }
    }
}

#[test]
fn nothing_that_steers_a_terminal_is_ever_drawn() {
    let mut stage = busy();
    for view in View::ALL {
        stage.ui.view = view;
        let text = stage.text(200, 50);
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(steers), "{view:?}\n{text}");
    }
}

#[test]
fn rows_are_unique_and_the_arrows_reach_every_one_of_them() {
    for (name, mut stage) in scenes() {
        for view in View::ALL {
            for pane in 0..super::panes(view, &stage.cockpit) {
                stage.ui.view = view;
                stage.ui.panes.insert(view, pane);
                stage.ui.selections.clear();
                let rows = rows(&stage.shown());
                for row in rows.iter().take(60) {
                    stage.ui.move_by(&rows, 1);
                    assert_eq!(stage.ui.selected(), Some(row), "{name} {view:?} {pane}");
                    assert!(!line(&stage.shown(), row).contains('\n'));
                }
            }
        }
    }
}

/// Lines that carry the mark of the selected row.
fn marked(stage: &Stage) -> Vec<usize> {
    let lines = stage.lines(160, 50);
    lines.iter().enumerate().filter(|(_, line)| line.contains('▌')).map(|(y, _)| y).collect()
}

#[test]
fn rows_stand_in_the_order_in_which_they_are_drawn() {
    for (name, mut stage) in scenes() {
        for view in [View::Locks, View::Replication, View::Progress, View::Guardrails, View::Timeline] {
            for pane in 0..super::panes(view, &stage.cockpit) {
                stage.ui.view = view;
                stage.ui.panes.insert(view, pane);
                stage.ui.selections.clear();
                let rows = rows(&stage.shown());
                let mut before = None;
                for index in 0..rows.len().min(20) {
                    stage.ui.select(&rows, index);
                    let first = marked(&stage).first().copied();
                    assert!(first.is_some(), "{name} {view:?} {pane}: {:?} is not drawn", rows[index]);
                    assert!(first > before, "{name} {view:?} {pane}: {:?} is out of order", rows[index]);
                    before = first;
                }
            }
        }
    }
}

#[test]
fn the_locks_name_root_head_modes_and_relations() {
    let stage = jammed(96).at(View::Locks);
    stage.shows(
        120,
        40,
        &[
            "locks · 1 root blocker · 96 waiting",
            "A is the root blocker; B, the target, heads the queue, 96 behind it",
            "public.users",
            "AccessExclusiveLock",
            "96 pids",
            "waits for 102",
            "1 waits for it",
        ],
    );
    stage.shows(80, 24, &["A is the root blocker", "for 102", "96 x"]);
    assert_eq!(rows(&stage.shown()).len(), 3);
}

#[test]
fn a_selected_backend_has_its_own_locks_in_the_table() {
    let stage = jammed(96).at(View::Locks).selected(Row::Backend(session(B)));
    stage.shows(120, 40, &["locks of pid 102 that matter here", "waits for 101"]);
    assert!(!stage.text(120, 40).contains("96 pids"));
}

#[test]
fn who_merely_conflicts_blocks_nobody() {
    use crate::engine::locks::LockMode;
    use crate::engine::testing::{USERS, calm, client, forgotten_reader, waiting_alter};
    // By its mode this reader is in the way of the ALTER; the server names the other one only.
    let bystander = client(Pid(150)).holds(LockMode::AccessShareLock, USERS);
    let look = calm().with(forgotten_reader()).with(bystander).with(waiting_alter());
    let stage = Stage::after(crate::engine::story::armed(), vec![(1_000, look)]).at(View::Locks);
    let text = stage.text(120, 40);
    let line = text.lines().find(|line| line.contains(" 150 ")).expect("a lock on what is awaited");
    assert!(line.contains("nobody waits for it"), "{line}");
}

#[test]
fn without_waits_the_locks_say_so_and_without_a_sample_that_nothing_is_known() {
    quiet().at(View::Locks).shows(80, 24, &["No session waits for a lock.", "Nothing is awaited."]);
    unlooked().at(View::Locks).shows(80, 24, &["locks · not known yet", "no sample yet"]);
}

#[test]
fn standbys_have_a_word_their_bytes_and_keep_their_place_when_they_vanish() {
    let stage = busy().at(View::Replication);
    stage.shows(
        200,
        50,
        &["VANISHED", "twin (pid 2)", "134 MB", "LAGGING", "once a second", "INACTIVE", "8.7 GB", "67 MB"],
    );
    stage.shows(80, 24, &["VANISHED", "LAGGING", "134 MB", "INACTIVE"]);
    let first = rows(&stage.shown()).into_iter().next();
    assert!(matches!(first, Some(Row::Sender(name)) if name.starts_with("gone")));
}

#[test]
fn a_hidden_standby_is_unknown_with_the_reason_and_none_is_no_zero() {
    masked().at(View::Replication).shows(80, 24, &["unknown", "?", "hidden from this login (needs"]);
    quiet().at(View::Replication).shows(
        80,
        24,
        &["No standby is connected.", "synchronous_standby_names", "There is no replication slot"],
    );
    unlooked().at(View::Replication).shows(80, 24, &["not read yet", "not known"]);
}

#[test]
fn progress_has_phases_an_estimate_that_is_called_one_and_never_more_than_all() {
    let stage = busy().at(View::Progress);
    stage.shows(
        120,
        40,
        &[
            "61.0 %",
            "working  building index: loading tuples",
            "610 of 1000 tuples",
            "(estimate)",
            "lockers: 1 of 3 done",
            "✓ initializing",
            "► building index",
            "○ waiting for old snapshots",
            "estimate exceeded",
        ],
    );
    let text = stage.text(120, 40);
    assert!(!text.contains("164.0 %") && !text.contains("100.0 %"), "{text}");
}

#[test]
fn a_target_without_a_progress_view_has_its_time_and_the_reason() {
    jammed(3).at(View::Progress).shows(
        80,
        24,
        &["TARGET", "waiting for a lock", "elapsed", "no progress view for ALTER TABLE"],
    );
    quiet().at(View::Progress).shows(80, 24, &["no command reports progress"]);
    unlooked().at(View::Progress).shows(80, 24, &["Not known: progress has not been read yet"]);
    masked().at(View::Progress).shows(80, 24, &["hidden from this login"]);
}

#[test]
fn guardrails_say_level_margin_means_and_right() {
    let stage = jammed(12).at(View::Guardrails);
    for (width, height) in [(80, 24), (120, 40)] {
        stage.shows(
            width,
            height,
            &[
                "queue_depth",
                "TRIP",
                "over by 7",
                "STOPS it",
                "ARMED for app=deploy",
                "lockpit may stop pid 102",
            ],
        );
    }
    stage.shows(80, 24, &["12 sessions queue behind pid 102", "TRIP   queue_depth"]);
    quiet().at(View::Guardrails).shows(80, 24, &["not yet", "no target", "no: nothing is stopped"]);
    blank().at(View::Guardrails).shows(80, 24, &["No rule has judged yet"]);
}

#[test]
fn the_selected_rule_has_the_plot_and_a_changed_limit_says_until_when() {
    let mut stage = jammed(12).at(View::Guardrails).selected(Row::Guardrail("queue_age".to_owned()));
    stage.shows(80, 24, &["queue_age · ", "limit 1.0 s"]);
    let change = Command::Limit { guardrail: "queue_age".to_owned(), limit: 9_000, for_ms: Some(60_000) };
    stage.cockpit.handle(At::from_ms(1_400), alice(change));
    let one: Vec<&Override> = stage.cockpit.overrides().iter().collect();
    assert_eq!(one.len(), 1);
    stage.shows(80, 24, &["changed   queue_age 9.0 s for"]);
}

#[test]
fn the_timeline_follows_the_newest_and_shows_the_selected_one_in_full() {
    let mut stage = quiet().at(View::Timeline);
    let note = |n: u64| format!("mark {n} {}", "says more than one line can hold ".repeat(5));
    for n in 1..=40 {
        stage.cockpit.handle(At::from_ms(1_000 + n), alice(Command::Mark { note: note(n) + "END" }));
    }
    let all = rows(&stage.shown());
    stage.shows(80, 24, &["follows the newest", "mark 40 ", "mark 39 "]);
    let text = stage.text(80, 24);
    assert!(!text.contains("mark 1 ") && !text.contains("END"), "{text}");
    // The newest stands at the foot of its frame, and so does its end once it is selected.
    for index in [0, all.len() / 2, all.len() - 1] {
        stage.ui.select(&all, index);
        stage.shows(80, 24, &["esc follows the newest", "▌"]);
    }
    stage.shows(80, 24, &["mark 40 ", "END"]);
}

#[test]
fn a_filter_leaves_what_contains_it_and_says_how_many() {
    let mut stage = jammed(12).at(View::Timeline);
    let all = rows(&stage.shown()).len();
    stage.ui.filters.insert(View::Timeline, "QUEUE_DEPTH".to_owned());
    let some = rows(&stage.shown()).len();
    assert!(some > 0 && some < all, "{some} of {all}");
    stage.shows(80, 24, &[&format!("{some} of {all} events contain"), "queue_depth"]);
    stage.ui.filters.insert(View::Timeline, "no such thing".to_owned());
    stage.shows(80, 24, &["No event contains \"no such thing\"."]);
    blank().at(View::Timeline).shows(80, 24, &["Nothing has happened yet."]);
}

#[test]
fn events_that_are_not_kept_are_counted() {
    let mut stage = quiet().at(View::Timeline);
    for ms in 1_000..2_200 {
        stage.cockpit.handle(At::from_ms(ms), alice(Command::Mark { note: format!("mark {ms}") }));
    }
    let total = stage.cockpit.timeline().total();
    stage.shows(120, 24, &["1000 events", &format!("{} earlier ones", total - 1_000), "mark 2199"]);
}

fn what_if(mut stage: Stage, backend: Option<BackendId>) -> Stage {
    stage.ui.popup = Some(Popup::WhatIf(backend));
    stage
}

#[test]
fn what_if_says_of_each_option_who_is_freed_and_which_key_does_it() {
    let stage = what_if(watched(12), None);
    stage.shows(
        80,
        24,
        &[
            "STOP THE TARGET, pid 102",
            "12 sessions go on",
            "STOP THE ROOT, pid 101",
            "select pid 101, then key K",
            "WAIT",
            "slots",
        ],
    );
    let stage = what_if(watched(12), Some(session(A)));
    stage.shows(120, 40, &["key K", "does not work: it is idle in transaction", "cancel"]);
    assert!(!stage.text(120, 40).contains("select pid 101"));
}

#[test]
fn what_if_works_where_nobody_can_command_and_says_why_nothing_is_done() {
    let mut stage = what_if(jammed(12), None);
    stage.seat = Seat::Replay;
    stage.shows(80, 24, &["a replay is read-only", "STOP THE TARGET", "12 sessions go on", "WAIT"]);
}

#[test]
fn what_if_keeps_every_title_in_the_lowest_window() {
    let victim = session(Pid(crate::engine::testing::FIRST_VICTIM));
    let stage = what_if(jammed(12), Some(victim));
    stage.shows(60, 16, &["STOP THE TARGET", "STOP THE ROOT", "STOP THE SELECTED", "WAIT"]);
}

#[test]
fn what_if_says_when_nothing_can_be_said() {
    what_if(unlooked(), None).shows(80, 24, &["there is no sample yet"]);
    let gone = BackendId { pid: Pid(9), backend_start: None };
    what_if(jammed(2), Some(gone)).shows(80, 24, &["pid 9 is gone, or idle now"]);
    what_if(masked(), None).shows(80, 24, &["not known"]);
}

#[test]
fn for_a_shared_screen_no_client_or_standby_is_named() {
    let mut stage = busy();
    stage.ui.presenter = true;
    for view in [View::Locks, View::Replication, View::Progress, View::Guardrails] {
        stage.ui.view = view;
        let text = stage.text(160, 50);
        for name in ["report-job", "twin", "left_behind"] {
            assert!(!text.contains(name), "{name} in {view:?}\n{text}");
        }
    }
}

#[test]
fn a_rule_without_fresh_facts_does_not_look_calm() {
    let stage = blinded().at(View::Guardrails);
    let text = stage.text(80, 24);
    let line = text.lines().find(|line| line.contains("queue_depth")).expect("its line");
    assert!(line.contains("facts 7.7 s old") && !line.contains(" ok "), "{text}");
}

#[test]
fn what_if_says_when_connection_slots_run_out_or_why_that_is_not_known() {
    what_if(watched(12), None).shows(80, 24, &["slots   286 left; not known: not enough samples"]);
    what_if(Stage::recorded(5_150), None).shows(80, 24, &[" left; none in ", "(estimate)"]);
}

#[test]
fn how_to_get_help_and_how_to_leave_are_in_the_bar_of_every_window() {
    for (name, stage) in scenes() {
        for width in [60, 80, 120, 200] {
            let bar = stage.lines(width, 24).into_iter().nth(22).unwrap_or_default();
            assert!(bar.contains("? help") && bar.contains("q quit"), "{name} at {width}: {bar}");
        }
    }
}

#[test]
fn who_arms_in_a_jam_is_told_that_it_stops_at_once() {
    let arm = |stage: &Stage| {
        let command = Command::Arm { scope: ArmScope::Session(session(B)), for_ms: None, on_trip: None };
        crate::screen::confirm::ask(&stage.cockpit, command, false, 0, stage.now).lines.join(" ")
    };
    assert!(arm(&watched(12)).contains("AT ONCE"), "{}", arm(&watched(12)));
    assert!(!arm(&watched(0)).contains("AT ONCE"), "{}", arm(&watched(0)));
}

#[test]
fn clients_that_wait_unguarded_are_told_with_the_key_that_helps() {
    watched(12).shows(80, 24, &["12 clients behind pid 102: a aborts it, w says"]);
    assert!(!watched(0).text(80, 24).contains("aborts it"));
    assert!(!jammed(12).text(80, 24).contains("aborts it"), "the guard is at it");
}
