//! The rows of the tree, from a plan of it.
//!
//! Owns the letters, the collapsing of equal victims and the lines beside the rows. Never decides who stands where.

use std::collections::BTreeMap;

use super::plan::Plan;
use super::{Elsewhere, Group, Node, One, Row, rollback_prepared, short};
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::derive::lookup::{Lookup, grouped};
use crate::engine::ids::{At, Pid, TextId};
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::scene::Part;

/// Most letters that one row names.
const MOST_LETTERS: usize = 8;

/// What is still to be drawn.
enum Item {
    Backend(Pid),
    Equal(Vec<Pid>, Option<u64>),
    Elsewhere(Vec<Pid>),
    Deadlock,
    Unresolved,
}

/// Rows in the making; letters are known when all are made.
struct Drawing<'a> {
    look: &'a Lookup<'a>,
    at: At,
    plan: &'a Plan,
    target: Option<Pid>,
    gids: Vec<(String, String)>,
    letters: BTreeMap<Pid, String>,
}

/// The rows, from top to bottom.
pub(super) fn draw(look: &Lookup<'_>, at: At, plan: &Plan, target: Option<Pid>) -> Vec<Row> {
    let prepared = look.blocking_prepared();
    let gids = prepared.iter().map(|xact| (xact.gid.clone(), rollback_prepared(&xact.gid))).collect();
    let mut drawing = Drawing { look, at, plan, target, gids, letters: BTreeMap::new() };
    let mut tops: Vec<Item> = plan.tops.iter().copied().map(Item::Backend).collect();
    if !plan.cycle.is_empty() {
        let way = plan.way_to(target);
        let holds_target = plan.cycle.iter().any(|pid| way.contains(pid));
        let first = if holds_target { 0 } else { tops.len() };
        tops.insert(first, Item::Deadlock);
    }
    if !plan.unresolved.is_empty() {
        tops.push(Item::Unresolved);
    }
    let mut rows = Vec::new();
    let count = tops.len();
    let mut open: Vec<(Item, usize, Vec<bool>, bool)> = Vec::new();
    open.extend(tops.into_iter().enumerate().rev().map(|(i, item)| (item, 0, Vec::new(), i + 1 == count)));
    while let Some((item, depth, guides, last)) = open.pop() {
        let below = drawing.below(&item);
        let mut inner = guides.clone();
        if depth > 0 {
            inner.push(!last);
        }
        let count = below.len();
        let below = below.into_iter().enumerate().rev();
        open.extend(below.map(|(i, item)| (item, depth + 1, inner.clone(), i + 1 == count)));
        let (node, others) = drawing.node(item);
        rows.push((Row { guides, depth, last, node }, others));
    }
    rows.into_iter().map(|(row, others)| drawing.lettered(row, &others)).collect()
}

impl<'a> Drawing<'a> {
    /// What is drawn under an item.
    fn below(&self, item: &Item) -> Vec<Item> {
        let pid = match item {
            Item::Backend(pid) => *pid,
            Item::Deadlock => return self.plan.cycle.iter().copied().map(Item::Backend).collect(),
            Item::Equal(..) | Item::Elsewhere(_) | Item::Unresolved => return Vec::new(),
        };
        let children = self.plan.children.get(&pid).map_or(&[][..], Vec::as_slice);
        let (alike, single): (Vec<Pid>, Vec<Pid>) =
            children.iter().partition(|&&child| self.collapses(child));
        let mut below: Vec<Item> = single.into_iter().map(Item::Backend).collect();
        for (_, pids, oldest_ms) in grouped(alike, |pid| self.likeness(pid), |pid| self.waited_ms(pid)) {
            below.push(match pids.as_slice() {
                [only] => Item::Backend(*only),
                _ => Item::Equal(pids, oldest_ms),
            });
        }
        below.extend(self.plan.elsewhere.get(&pid).map(|pids| Item::Elsewhere(pids.clone())));
        below
    }

    /// Whether a backend is drawn together with its equals.
    fn collapses(&self, pid: Pid) -> bool {
        let scene = self.look.cockpit().scene();
        scene.part(pid) == Part::Client && scene.graph.waiters_of(pid).is_empty() && Some(pid) != self.target
    }

    fn likeness(&self, pid: Pid) -> (Option<TextId>, Option<(&'a LockObject, LockMode)>, &'a [Pid]) {
        let awaited = self.look.awaited(pid).map(|lock| (&lock.object, lock.mode));
        let text = self.look.backend(pid).and_then(|backend| backend.text);
        (text, awaited, self.look.cockpit().scene().graph.blockers_of(pid))
    }

    /// The row's content, and those of whom the letters are still to be named.
    fn node(&mut self, item: Item) -> (Node, Vec<Pid>) {
        match item {
            Item::Backend(pid) => {
                let others = self.others(pid);
                (Node::One(Box::new(self.one(pid))), others)
            }
            Item::Equal(mut pids, oldest_ms) => {
                let others = pids.first().map(|&pid| self.others(pid)).unwrap_or_default();
                let text = pids.first().and_then(|&pid| self.look.backend(pid)).and_then(|first| first.text);
                let awaited = pids.first().and_then(|&pid| self.look.awaited(pid));
                pids.sort_unstable();
                let catalog = self.look.cockpit().catalog();
                let group = Group {
                    kind: catalog.kind(text).to_owned(),
                    text: catalog.text(text).map(|text| text.normalised.clone()),
                    oldest_ms,
                    awaits: awaited.map(|lock| self.look.words(lock)),
                    also: Vec::new(),
                    also_more: 0,
                    pids,
                };
                (Node::Group(group), others)
            }
            Item::Elsewhere(pids) => (Node::Elsewhere(Elsewhere::default()), pids),
            Item::Deadlock => {
                let certain = self.look.cockpit().deadlock_is_certain();
                (Node::Deadlock { members: short(self.plan.cycle.len()), certain }, Vec::new())
            }
            Item::Unresolved => {
                let pids = self.plan.unresolved.clone();
                let oldest_ms = pids.iter().filter_map(|&pid| self.waited_ms(pid)).max();
                (Node::Unresolved { pids, oldest_ms }, Vec::new())
            }
        }
    }

    /// Those `pid` waits for besides the row it stands under.
    fn others(&self, pid: Pid) -> Vec<Pid> {
        let parent = self.plan.parents.get(&pid);
        let blockers = self.look.cockpit().scene().graph.blockers_of(pid);
        blockers.iter().copied().filter(|pid| Some(pid) != parent).collect()
    }

    fn one(&mut self, pid: Pid) -> One {
        let cockpit = self.look.cockpit();
        let (scene, catalog) = (cockpit.scene(), cockpit.catalog());
        let blocks = !scene.graph.waiters_of(pid).is_empty();
        let letter = blocks.then(|| letters(self.letters.len()));
        if let Some(letter) = &letter {
            self.letters.insert(pid, letter.clone());
        }
        let backend = self.look.backend(pid);
        let part = scene.part(pid);
        let text = backend.and_then(|backend| backend.text);
        let gids = || self.gids.iter().map(|(gid, _)| gid.as_str()).collect::<Vec<_>>().join(", ");
        One {
            pid,
            id: backend.map(crate::engine::sample::Backend::id),
            letter,
            part,
            application: match part {
                Part::Prepared => gids(),
                _ => backend.map(|backend| backend.application.to_string()).unwrap_or_default(),
            },
            role: match part {
                Part::Prepared => String::new(),
                _ => backend.map(|backend| catalog.role(backend.role)).unwrap_or_default(),
            },
            state: backend.map(|backend| backend.state),
            xact_age_ms: backend
                .and_then(|backend| backend.xact_start)
                .map(|start| self.look.age_ms(self.at, start)),
            kind: catalog.kind(text).to_owned(),
            text: catalog.text(text).map(|text| text.normalised.clone()),
            waited_ms: self.waited_ms(pid),
            awaits: self.look.awaited(pid).map(|lock| self.look.words(lock)),
            holds: self.look.held(pid).map(|lock| self.look.words(lock)),
            behind: self.plan.reach.behind(pid),
            is_target: Some(pid) == self.target,
            strong: scene.is_strong(pid),
            unresolved: scene.graph.is_waiting(pid) && scene.graph.blockers_of(pid).is_empty(),
            cancel: CancelWorks::of(self.look, pid),
            rollback: match part {
                Part::Prepared => self.gids.iter().map(|(_, sql)| sql.clone()).collect(),
                _ => Vec::new(),
            },
            also: Vec::new(),
            also_more: 0,
        }
    }

    fn waited_ms(&self, pid: Pid) -> Option<u64> {
        self.look.cockpit().ages().age_ms(self.at, pid)
    }

    fn lettered(&self, mut row: Row, others: &[Pid]) -> Row {
        let named = || others.iter().filter_map(|pid| self.letters.get(pid)).take(MOST_LETTERS);
        let names: Vec<String> = named().cloned().collect();
        let more = short(others.len() - names.len());
        match &mut row.node {
            Node::One(one) => (one.also, one.also_more) = (names, more),
            Node::Group(group) => (group.also, group.also_more) = (names, more),
            Node::Elsewhere(elsewhere) => *elsewhere = Elsewhere { see: names, more },
            Node::Deadlock { .. } | Node::Unresolved { .. } => {}
        }
        row
    }
}

/// `A`, `B`, .. `Z`, `AA`, `AB`, ..
pub(super) fn letters(index: usize) -> String {
    let mut name = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        name.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest % 26]);
        rest /= 26;
    }
    name.iter().rev().copied().map(char::from).collect()
}
