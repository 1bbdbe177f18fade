//! The lock tree as flat rows: who waits for whom, ready to be drawn.
//!
//! Owns what a row can show; who stands where is in `plan`, and the rows are made in `drawing`. Every backend that
//! blocks somebody is drawn in full once, under one of its blockers, and named by its letter elsewhere; so the
//! rows are at most as many as the backends, whatever the graph. A graph with cycles ends, too: those who wait
//! for each other stand side by side under a row of their own.

use crate::engine::Cockpit;
use crate::engine::ids::{At, BackendId, Pid};
use crate::engine::sample::State;
use crate::engine::scene::Part;

use super::cancel::CancelWorks;
use super::lookup::{LockWords, Lookup};
use super::words::quote_literal;

mod drawing;
mod plan;
#[cfg(test)]
mod tests;

use drawing::draw;
use plan::Plan;

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
        LockTree { rows: draw(&look, at, &plan, target_pid), ..counts }
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

/// The statement that ends a prepared transaction, to be sent in its database by its owner or a superuser.
pub fn rollback_prepared(gid: &str) -> String {
    format!("ROLLBACK PREPARED {};", quote_literal(gid))
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
