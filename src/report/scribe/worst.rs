//! The worst moment of a flight, with its lock tree.

use crate::engine::Cockpit;
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::derive::lookup::LockWords;
use crate::engine::derive::tree::{self, LockTree, One, Row};
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::scene::Part;
use crate::report::plan::{AFTER_MS, BEFORE_MS, MOST_ROWS};
use crate::report::series::Course;
use crate::report::story::{LimitLine, Node, Worst};

/// The sample with the most victims so far, or with the most waiting clients when no target had any.
#[derive(Debug, Default)]
pub(super) struct WorstMoment {
    rank: (u32, u32, u64),
    worst: Option<Worst>,
    /// Its plots wait for what comes after it.
    pending: Option<(At, Vec<LimitLine>)>,
}

impl WorstMoment {
    /// Takes in a sample.
    pub(super) fn sample(&mut self, at: At, cockpit: &Cockpit, limits: impl FnOnce() -> Vec<LimitLine>) {
        let scene = cockpit.scene();
        let target = cockpit.target();
        let pid = target.map(crate::engine::target::Target::pid);
        let waiting = || scene.waiting_clients().filter(|waiter| Some(*waiter) != pid);
        let victims = target.map_or(0, |target| u32::try_from(target.victims.len()).unwrap_or(u32::MAX));
        let count = u32::try_from(waiting().count()).unwrap_or(u32::MAX);
        if count == 0 && victims == 0 {
            return;
        }
        let oldest_ms = cockpit.ages().oldest_ms(at, waiting());
        let (most_victims, most_waiting, longest_ms) = self.rank;
        let more = (victims, count).cmp(&(most_victims, most_waiting));
        // Of equal moments a later one counts when the waits have doubled: one long jam is not drawn each time.
        let longer = more.is_eq() && oldest_ms.unwrap_or(0) >= longest_ms.saturating_mul(2).max(1);
        if !more.is_gt() && !longer {
            return;
        }
        self.rank = (victims, count, oldest_ms.unwrap_or(0));
        let tree = LockTree::of(cockpit, at);
        let rows = tree.rows.len();
        self.worst = Some(Worst {
            at_ms: at.ms(),
            victims: tree.victims,
            waiting: tree.waiting,
            oldest_ms,
            unresolved: tree.unresolved,
            tree: tree.rows.into_iter().take(MOST_ROWS).map(node).collect(),
            tree_left_out: u32::try_from(rows.saturating_sub(MOST_ROWS)).unwrap_or(u32::MAX),
            window: None,
        });
        self.pending = Some((at, limits()));
    }

    /// Takes the plots when their time has come, before `at` is known.
    pub(super) fn draw(&mut self, at: At, course: &Course) {
        if self.pending.as_ref().is_some_and(|(worst, _)| worst.plus_ms(AFTER_MS) < at) {
            self.draw_last(at, course);
        }
    }

    /// Takes the plots now.
    pub(super) fn draw_last(&mut self, now: At, course: &Course) {
        let Some((at, limits)) = self.pending.take() else { return };
        let from = At::from_ms(at.ms().saturating_sub(BEFORE_MS));
        let until = at.plus_ms(AFTER_MS).min(now);
        if let Some(worst) = &mut self.worst {
            worst.window = Some(course.window(from, until, limits));
        }
    }

    pub(super) fn finish(self) -> Option<Worst> {
        self.worst
    }
}

fn node(row: Row) -> Node {
    let depth = u32::try_from(row.depth).unwrap_or(u32::MAX);
    match row.node {
        tree::Node::One(one) => Node { depth, ..backend(*one) },
        tree::Node::Group(group) => Node {
            depth,
            what: "group".to_owned(),
            count: group.count(),
            kind: group.kind,
            text: group.text,
            waited_ms: group.oldest_ms,
            awaits: group.awaits.as_ref().map(LockWords::sentence),
            remarks: also(&group.also, group.also_more),
            ..nobody()
        },
        tree::Node::Elsewhere(elsewhere) => {
            let see = elsewhere.see.join(", ");
            let words = match (elsewhere.see.is_empty(), elsewhere.more) {
                (false, 0) => format!("see {see}"),
                (false, more) => format!("see {see}, and {more} more"),
                (true, more) => format!("{more} are drawn under another blocker"),
            };
            Node { depth, what: "elsewhere".to_owned(), remarks: vec![words], ..nobody() }
        }
        tree::Node::Deadlock { members, certain } => {
            let sure =
                if certain { "seen in two samples" } else { "seen once: it may be an artefact of reading" };
            let remarks = vec![format!("{members} wait for each other: a deadlock, {sure}")];
            Node { depth, what: "deadlock".to_owned(), count: members, remarks, ..nobody() }
        }
        tree::Node::Unresolved { pids, oldest_ms } => Node {
            depth,
            what: "unresolved".to_owned(),
            count: u32::try_from(pids.len()).unwrap_or(u32::MAX),
            waited_ms: oldest_ms,
            remarks: vec!["the server named no blocker for them".to_owned()],
            ..nobody()
        },
    }
}

fn backend(one: One) -> Node {
    let is_prepared = one.part == Part::Prepared;
    let open = one.xact_age_ms.map(|ms| format!(", transaction open for {}", seconds(ms)));
    let mut remarks = also(&one.also, one.also_more);
    if !matches!(one.part, Part::Client | Part::SchemaWork | Part::Prepared) {
        remarks.push(format!("it is {}", one.part.name()));
    }
    if one.unresolved {
        remarks.push("the server named nobody it waits for".to_owned());
    }
    if one.letter.is_some()
        && one.waited_ms.is_none()
        && !is_prepared
        && let CancelWorks::No(why) = &one.cancel
    {
        remarks.push(why.clone());
    }
    Node {
        depth: 0,
        what: if is_prepared { "prepared" } else { "backend" }.to_owned(),
        pid: (!is_prepared).then_some(one.pid.0),
        letter: one.letter.clone(),
        count: 1,
        is_target: one.is_target,
        state: format!("{}{}", one.state_name(), open.unwrap_or_default()),
        application: one.application,
        role: one.role,
        kind: one.kind,
        text: one.text,
        waited_ms: one.waited_ms,
        awaits: one.awaits.as_ref().map(LockWords::sentence),
        holds: one.holds.as_ref().map(LockWords::sentence),
        behind: one.behind,
        remarks,
        rollback: one.rollback,
    }
}

fn also(letters: &[String], more: u32) -> Vec<String> {
    match (letters.is_empty(), more) {
        (true, _) => Vec::new(),
        (false, 0) => vec![format!("waits for {} as well", letters.join(", "))],
        (false, more) => vec![format!("waits for {} and {more} more as well", letters.join(", "))],
    }
}

fn nobody() -> Node {
    Node {
        depth: 0,
        what: String::new(),
        letter: None,
        pid: None,
        count: 0,
        is_target: false,
        application: String::new(),
        role: String::new(),
        state: String::new(),
        kind: String::new(),
        text: None,
        waited_ms: None,
        awaits: None,
        holds: None,
        behind: 0,
        remarks: Vec::new(),
        rollback: Vec::new(),
    }
}
