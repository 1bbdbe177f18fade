//! The lock tree as flat rows: who waits for whom, ready to be drawn.
//!
//! Owns the order, the letters and the collapsing of equal victims. Every backend that blocks somebody is drawn
//! in full once, under one of its blockers, and named by its letter elsewhere; so the rows are at most as many
//! as the backends, whatever the graph. A graph with cycles ends, too: those who wait for each other stand side
//! by side under a row of their own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Cockpit;
use crate::engine::ids::{At, BackendId, Pid, TextId};
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::State;
use crate::engine::scene::Part;

use super::cancel::CancelWorks;
use super::lookup::{LockWords, Lookup, grouped};
use super::reach::Reach;
use super::words::quote_literal;

#[cfg(test)]
mod tests;

/// Most letters that one row names.
const MOST_LETTERS: usize = 8;

/// The waits of the last sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockTree {
    /// The rows, from top to bottom.
    pub rows: Vec<Row>,
    /// Backends that block others and do not wait themselves.
    pub roots: u32,
    /// Clients that wait for a lock, without the target and without lockpit.
    pub waiting: u32,
    /// Clients at ordinary work that wait because of the target; `None` without a target.
    pub victims: Option<u32>,
    /// Time the target's victims have lost, in session-milliseconds; `None` without a target.
    pub lost_session_ms: Option<u64>,
    /// Waiters for whom the server named no blocker.
    pub unresolved: u32,
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// For each ancestor but the root, outermost first: whether it has further siblings, so that a line goes on
    /// beside this row. Empty for roots and their children.
    pub guides: Vec<bool>,
    /// How deep it stands: 0 for a root.
    pub depth: usize,
    /// Whether it is the last of its siblings.
    pub last: bool,
    /// What it shows.
    pub node: Node,
}

/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// One backend, or the prepared transactions, which have none.
    One(Box<One>),
    /// Equal victims.
    Group(Group),
    /// Waiters of the row above that are drawn under another blocker.
    Elsewhere(Elsewhere),
    /// Those below wait for each other.
    Deadlock {
        /// How many.
        members: u32,
        /// They did in the sample before, too; otherwise it may be an artefact of reading.
        certain: bool,
    },
    /// Waiters for whom the server named no blocker, and behind whom nobody waits.
    Unresolved {
        /// Who.
        pids: Vec<Pid>,
        /// Their longest wait, in milliseconds.
        oldest_ms: Option<u64>,
    },
}

/// One backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct One {
    /// Its process id; [`Pid::PREPARED`] for prepared transactions.
    pub pid: Pid,
    /// Its identity; `None` when it is not in the activity.
    pub id: Option<BackendId>,
    /// Its letter, when it blocks somebody.
    pub letter: Option<String>,
    /// The part it plays.
    pub part: Part,
    /// What its client calls itself; the gids of prepared transactions.
    pub application: String,
    /// Its role.
    pub role: String,
    /// What it is doing; `None` when it is not in the activity.
    pub state: Option<State>,
    /// How long its transaction has been open, in milliseconds; `None` outside one or where hidden.
    pub xact_age_ms: Option<u64>,
    /// What its statement is.
    pub kind: String,
    /// Its text without literals; `None` where hidden.
    pub text: Option<String>,
    /// How long it has waited, in milliseconds; `None` for one that does not wait.
    pub waited_ms: Option<u64>,
    /// The lock it awaits.
    pub awaits: Option<LockWords>,
    /// The strongest lock it holds on what somebody awaits.
    pub holds: Option<LockWords>,
    /// How many wait behind it, directly or not.
    pub behind: u32,
    /// It is the work under guard.
    pub is_target: bool,
    /// It conflicts with reads or writes.
    pub strong: bool,
    /// It waits, and the server named nobody it waits for.
    pub unresolved: bool,
    /// What a cancel does.
    pub cancel: CancelWorks,
    /// Exact statements that end prepared transactions, in their own database.
    pub rollback: Vec<String>,
    /// Letters of those it waits for besides the row it stands under.
    pub also: Vec<String>,
    /// How many more of them there are than `also` names.
    pub also_more: u32,
}

impl One {
    /// PostgreSQL's word for its state, or why there is none.
    pub fn state_name(&self) -> &'static str {
        match (self.part, self.state) {
            (Part::Prepared, _) => "prepared",
            (_, Some(state)) => state.name(),
            (_, None) => "not in the activity",
        }
    }
}

/// Clients at the same statement that wait for the same lock behind the same blockers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who, ascending.
    pub pids: Vec<Pid>,
    /// What their statement is.
    pub kind: String,
    /// Its text without literals; `None` where hidden.
    pub text: Option<String>,
    /// Their longest wait, in milliseconds.
    pub oldest_ms: Option<u64>,
    /// The lock they await.
    pub awaits: Option<LockWords>,
    /// Letters of those they wait for besides the row they stand under.
    pub also: Vec<String>,
    /// How many more of them there are than `also` names.
    pub also_more: u32,
}

impl Group {
    /// How many.
    pub fn count(&self) -> u32 {
        short(self.pids.len())
    }
}

/// Waiters that are drawn under another blocker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Elsewhere {
    /// Letters of those who have one: `see B`.
    pub see: Vec<String>,
    /// How many more there are.
    pub more: u32,
}

impl LockTree {
    /// The waits of the last sample of `cockpit`; ages are those at `at`.
    pub fn of(cockpit: &Cockpit, at: At) -> LockTree {
        let target = cockpit.target();
        let target_pid = target.map(crate::engine::target::Target::pid);
        let scene = cockpit.scene();
        let counts = LockTree {
            rows: Vec::new(),
            roots: short(scene.graph.roots().count()),
            waiting: short(scene.waiting_clients().filter(|&pid| Some(pid) != target_pid).count()),
            victims: target.map(|target| short(target.victims.len())),
            lost_session_ms: target.map(|target| target.lost_us / 1_000),
            unresolved: short(scene.graph.unresolved().count()),
        };
        let Some(look) = Lookup::of(cockpit) else { return counts };
        let plan = Plan::of(&look, target_pid);
        LockTree { rows: Drawing::of(&look, at, &plan, target_pid), ..counts }
    }

    /// The first row that shows `pid`, alone or in a group.
    pub fn row_of(&self, pid: Pid) -> Option<usize> {
        self.rows.iter().position(|row| match &row.node {
            Node::One(one) => one.pid == pid,
            Node::Group(group) => group.pids.binary_search(&pid).is_ok(),
            Node::Unresolved { pids, .. } => pids.contains(&pid),
            Node::Elsewhere(_) | Node::Deadlock { .. } => false,
        })
    }
}

/// Who stands where.
struct Plan {
    reach: Reach,
    parents: BTreeMap<Pid, Pid>,
    children: BTreeMap<Pid, Vec<Pid>>,
    /// Waiters of a blocker that stand elsewhere.
    elsewhere: BTreeMap<Pid, Vec<Pid>>,
    tops: Vec<Pid>,
    cycle: Vec<Pid>,
    unresolved: Vec<Pid>,
}

impl Plan {
    fn of(look: &Lookup<'_>, target: Option<Pid>) -> Plan {
        let scene = look.cockpit().scene();
        let graph = &scene.graph;
        let reach = Reach::of(graph);
        let cycle = graph.cycles();
        let behind: BTreeMap<Pid, u32> = graph.blocking().map(|pid| (pid, reach.behind(pid))).collect();
        let behind_of = |pid: Pid| behind.get(&pid).copied().unwrap_or(0);
        let mut plan = Plan {
            reach,
            parents: BTreeMap::new(),
            children: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            tops: graph.roots().collect(),
            cycle: cycle.iter().copied().collect(),
            unresolved: Vec::new(),
        };
        for waiter in graph.waiting() {
            let blockers = graph.blockers_of(waiter);
            // Under the one whose fault it is: the target, else the nearest strong one, else who is to be
            // waited for longest.
            let parent = blockers.iter().copied().filter(|_| !cycle.contains(&waiter)).min_by_key(|&pid| {
                let blame = (Some(pid) != target, !scene.is_strong(pid), graph.is_waiting(pid));
                (blame, Reverse(behind_of(pid)), pid)
            });
            match parent {
                Some(parent) => {
                    plan.parents.insert(waiter, parent);
                    plan.children.entry(parent).or_default().push(waiter);
                }
                None if cycle.contains(&waiter) => {}
                None if graph.waiters_of(waiter).is_empty() => plan.unresolved.push(waiter),
                None => plan.tops.push(waiter),
            }
            let in_one_cycle = |pid: &Pid| cycle.contains(&waiter) && cycle.contains(pid);
            for &other in blockers.iter().filter(|pid| Some(**pid) != parent && !in_one_cycle(pid)) {
                plan.elsewhere.entry(other).or_default().push(waiter);
            }
        }
        let on_way = plan.way_to(target);
        let order = |pid: &Pid| (!on_way.contains(pid), Reverse(behind_of(*pid)), *pid);
        plan.tops.sort_by_key(order);
        plan.cycle.sort_by_key(order);
        for children in plan.children.values_mut() {
            children.sort_by_key(order);
        }
        plan
    }

    /// `pid` and everyone it is drawn under.
    fn way_to(&self, pid: Option<Pid>) -> BTreeSet<Pid> {
        let mut way = BTreeSet::new();
        let mut next = pid;
        while let Some(pid) = next {
            if !way.insert(pid) {
                break;
            }
            next = self.parents.get(&pid).copied();
        }
        way
    }
}

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

impl<'a> Drawing<'a> {
    fn of(look: &'a Lookup<'a>, at: At, plan: &'a Plan, target: Option<Pid>) -> Vec<Row> {
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
        open.extend(
            tops.into_iter().enumerate().rev().map(|(i, item)| (item, 0, Vec::new(), i + 1 == count)),
        );
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
                _ => backend.map(|backend| backend.application.clone()).unwrap_or_default(),
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

/// The statement that ends a prepared transaction, to be sent in its database by its owner or a superuser.
pub(super) fn rollback_prepared(gid: &str) -> String {
    format!("ROLLBACK PREPARED {};", quote_literal(gid))
}

/// `A`, `B`, .. `Z`, `AA`, `AB`, ..
fn letters(index: usize) -> String {
    let mut name = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        name.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest % 26]);
        rest /= 26;
    }
    name.iter().rev().copied().map(char::from).collect()
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
