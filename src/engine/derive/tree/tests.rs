use super::drawing::letters;
use super::*;
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::locks::LockMode;
use crate::engine::sample::BackendKind;
use crate::engine::settings::Settings;
use crate::engine::story::{Story, armed};
use crate::engine::testing::{
    A, B, Look, ORDERS, USERS, calm, client, forgotten_reader, jam, readers, waiting_alter,
};

fn tree_of(look: Look) -> LockTree {
    let mut story = Story::begin(armed());
    story.look(1_000, look);
    LockTree::of(&story.cockpit, At::from_ms(1_200))
}

/// The rows as a view with the simplest glyphs would draw them.
fn drawn(tree: &LockTree) -> Vec<String> {
    tree.rows.iter().map(draw).collect()
}

fn draw(row: &Row) -> String {
    let mut line: String = row.guides.iter().map(|goes_on| if *goes_on { "| " } else { "  " }).collect();
    if row.depth > 0 {
        line += if row.last { "`-" } else { "+-" };
    }
    let also = |also: &[String], more: u32| match (also, more) {
        ([], 0) => String::new(),
        (also, 0) => format!(" also {}", also.join(",")),
        (also, more) => format!(" also {} and {more}", also.join(",")),
    };
    line += &match &row.node {
        Node::One(one) => {
            let letter = one.letter.clone().unwrap_or_else(|| "-".to_owned());
            let target = if one.is_target { " target" } else { "" };
            format!("{letter} {} {}{target}{}", one.pid, one.behind, also(&one.also, one.also_more))
        }
        Node::Group(group) => {
            format!("{} x {}{}", group.count(), group.kind, also(&group.also, group.also_more))
        }
        Node::Elsewhere(elsewhere) => format!("see {} more {}", elsewhere.see.join(","), elsewhere.more),
        Node::Deadlock { members, certain } => format!("deadlock of {members}, certain {certain}"),
        Node::Unresolved { pids, .. } => format!("{} without a known blocker", pids.len()),
    };
    line
}

fn one(tree: &LockTree, pid: Pid) -> &One {
    let found = tree.rows.iter().find_map(|row| match &row.node {
        Node::One(one) if one.pid == pid => Some(one),
        _ => None,
    });
    found.expect("a row of its own")
}

#[test]
fn a_jam_is_its_root_the_target_and_one_line_of_victims() {
    let tree = tree_of(jam(96));
    assert_eq!(drawn(&tree), ["A 101 97", "`-B 102 96 target", "  `-96 x SELECT"]);
    assert_eq!((tree.roots, tree.waiting, tree.victims, tree.unresolved), (1, 96, Some(96), 0));
    let root = one(&tree, A);
    assert_eq!(root.state_name(), "idle in transaction");
    assert_eq!(root.xact_age_ms, Some(121_200));
    assert_eq!(
        root.holds.as_ref().map(LockWords::sentence).as_deref(),
        Some("holds AccessShareLock on users")
    );
    assert!(matches!(root.cancel, CancelWorks::No(_)) && root.waited_ms.is_none());
    let target = one(&tree, B);
    assert_eq!(
        target.awaits.as_ref().map(LockWords::sentence).as_deref(),
        Some("awaits AccessExclusiveLock on users")
    );
    assert_eq!((target.waited_ms, &target.cancel), (Some(1_200), &CancelWorks::Yes));
    assert_eq!(tree.row_of(Pid(250)), Some(2));
}

#[test]
fn without_a_sample_or_a_wait_there_are_no_rows_and_no_victims_of_nobody() {
    let tree = LockTree::of(&Cockpit::default(), At(0));
    assert_eq!(tree, LockTree::default());
    assert_eq!((tree.victims, tree.lost_session_ms), (None, None));
    assert!(tree_of(calm().with(client(A))).rows.is_empty());
}

#[test]
fn the_tree_of_the_target_comes_first_and_then_the_one_with_most_behind() {
    let (c, d) = (Pid(50), Pid(51));
    let look = jam(1)
        .with(client(c).holds(LockMode::AccessExclusiveLock, ORDERS))
        .with(client(d).holds(LockMode::RowExclusiveLock, ORDERS))
        .with(client(Pid(301)).awaits(LockMode::ShareLock, ORDERS).behind(&[d]))
        .with_all(
            (310..315)
                .map(|pid| client(Pid(pid)).runs(2).awaits(LockMode::AccessShareLock, ORDERS).behind(&[c])),
        );
    let tree = tree_of(look);
    assert_eq!(
        drawn(&tree),
        ["A 101 2", "`-B 102 1 target", "  `-- 200 0", "C 50 5", "`-5 x SELECT", "D 51 1", "`-- 301 0",]
    );
}

#[test]
fn a_waiter_of_several_is_drawn_once_and_named_elsewhere() {
    let (c, d) = (Pid(103), Pid(104));
    let look = calm()
        .with(forgotten_reader())
        .with(client(c).holds(LockMode::RowShareLock, USERS))
        .with(client(B).app("deploy").runs(1).awaits(LockMode::AccessExclusiveLock, USERS).behind(&[A, c]))
        .with(client(d).runs(1).awaits(LockMode::AccessExclusiveLock, USERS).behind(&[A, B, c]))
        .with_all(
            (200..203)
                .map(|pid| client(Pid(pid)).runs(2).awaits(LockMode::AccessShareLock, USERS).behind(&[B, d])),
        );
    let tree = tree_of(look);
    assert_eq!(
        drawn(&tree),
        [
            "A 101 5",
            "+-B 102 4 target also D",
            "| +-C 104 3 also A,D",
            "| | `-see  more 3",
            "| `-3 x SELECT also C",
            "`-see C more 0",
            "D 103 5",
            "`-see B,C more 0",
        ]
    );
}

#[test]
fn those_who_wait_for_each_other_stand_under_a_row_of_their_own() {
    let (c, d) = (Pid(103), Pid(104));
    let cycle = || {
        calm()
            .with(client(c).awaits(LockMode::ShareLock, USERS).behind(&[d]))
            .with(client(d).awaits(LockMode::ShareLock, ORDERS).behind(&[c]))
            .with_all(readers(2, c))
    };
    let mut story = Story::begin(Settings::default());
    story.look(1_000, cycle());
    let tree = LockTree::of(&story.cockpit, At::from_ms(1_000));
    let rows =
        ["deadlock of 2, certain false", "+-A 103 3 target also B", "| `-2 x SELECT", "`-B 104 3 also A"];
    assert_eq!(drawn(&tree)[1..], rows[1..]);
    assert_eq!(drawn(&tree)[0], rows[0]);
    story.look(1_100, cycle());
    let tree = LockTree::of(&story.cockpit, At::from_ms(1_100));
    assert_eq!(drawn(&tree)[0], "deadlock of 2, certain true");
}

#[test]
fn waiters_without_a_known_blocker_are_the_last_row_unless_others_wait_for_them() {
    let look = jam(1)
        .with(client(Pid(400)).awaits(LockMode::AccessShareLock, ORDERS))
        .with(client(Pid(401)).awaits(LockMode::AccessShareLock, ORDERS).behind(&[]))
        .with(client(Pid(402)).awaits(LockMode::ShareLock, ORDERS).behind(&[]))
        .with(client(Pid(403)).awaits(LockMode::AccessShareLock, ORDERS).behind(&[Pid(402)]));
    let tree = tree_of(look);
    assert_eq!(drawn(&tree)[3..], ["C 402 1", "`-- 403 0", "2 without a known blocker"]);
    assert!(one(&tree, Pid(402)).unresolved);
    assert_eq!(tree.unresolved, 3);
}

#[test]
fn a_prepared_transaction_names_the_statement_that_ends_it() {
    let look = calm()
        .prepared(700, "it's", LockMode::RowExclusiveLock, USERS)
        .prepared(701, "elsewhere", LockMode::RowExclusiveLock, ORDERS)
        .with(
            client(B)
                .app("deploy")
                .runs(1)
                .awaits(LockMode::AccessExclusiveLock, USERS)
                .behind(&[Pid::PREPARED]),
        );
    let tree = tree_of(look);
    let prepared = one(&tree, Pid::PREPARED);
    assert_eq!(prepared.application, "it's");
    assert_eq!(prepared.rollback, ["ROLLBACK PREPARED 'it''s';"]);
    assert!(matches!(&prepared.cancel, CancelWorks::No(why) if why.contains("no process")));
    assert_eq!(prepared.state_name(), "prepared");
}

#[test]
fn what_is_hidden_or_gone_is_said() {
    let look = calm()
        .with(forgotten_reader().masked())
        .with(waiting_alter())
        .with(client(Pid(300)).awaits(LockMode::AccessShareLock, ORDERS).behind(&[Pid(999)]));
    let tree = tree_of(look);
    let masked = one(&tree, A);
    assert_eq!((masked.state_name(), masked.xact_age_ms), ("state hidden from this login", None));
    assert_eq!((masked.kind.as_str(), masked.text.as_deref()), ("unknown statement", None));
    assert!(matches!(masked.cancel, CancelWorks::Unknown(_)));
    let gone = one(&tree, Pid(999));
    assert_eq!((gone.state_name(), gone.id, gone.part), ("not in the activity", None, Part::Unknown));
}

#[test]
fn maintenance_and_other_schema_work_are_never_collapsed() {
    let vacuum = |pid| {
        client(Pid(pid))
            .kind(BackendKind::Autovacuum)
            .awaits(LockMode::ShareUpdateExclusiveLock, USERS)
            .behind(&[B])
    };
    let tree = tree_of(jam(3).with(vacuum(400)).with(vacuum(401)));
    assert_eq!(drawn(&tree)[2..], ["  +-- 400 0", "  +-- 401 0", "  `-3 x SELECT"]);
}

#[test]
fn a_queue_in_which_everyone_waits_for_everyone_ahead_has_as_many_rows_as_backends() {
    let pids: Vec<Pid> = (1_000..1_400).map(Pid).collect();
    let queue = pids
        .iter()
        .enumerate()
        .skip(1)
        .map(|(i, &pid)| client(pid).awaits(LockMode::AccessExclusiveLock, USERS).behind(&pids[..i]));
    let look = calm().with(client(pids[0]).holds(LockMode::AccessExclusiveLock, USERS)).with_all(queue);
    let mut story = Cockpit::default();
    story.handle(At(0), crate::engine::story::begin(Settings::default()));
    story.handle(At(0), crate::engine::input::Input::Sample(Box::new(look.0)));
    let tree = LockTree::of(&story, At(0));
    let named = tree.rows.iter().filter(|row| matches!(row.node, Node::One(_))).count();
    assert_eq!(named, 400);
    assert!(tree.rows.len() < 800, "{} rows", tree.rows.len());
    // A chain that is as deep as it is long draws as well.
    let chain = pids
        .iter()
        .zip(&pids[1..])
        .map(|(&ahead, &pid)| client(pid).awaits(LockMode::AccessExclusiveLock, USERS).behind(&[ahead]));
    let look = calm().with(client(pids[0])).with_all(chain);
    story.handle(At(1), crate::engine::input::Input::Sample(Box::new(look.0)));
    let tree = LockTree::of(&story, At(1));
    assert_eq!(tree.rows.last().map(|row| row.depth), Some(399));
}

#[test]
fn letters_go_on_after_the_alphabet() {
    assert_eq!([0, 25, 26, 51, 52, 702].map(letters), ["A", "Z", "AA", "AZ", "BA", "AAA"]);
}
