//! The sessions of the last sample in the order in which they are drawn.
//!
//! Owns sorting and filtering. Everything is indexed once for a frame; nothing is searched for row by row. What is
//! not known stands last, whichever way the rest is sorted.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use super::cells;
use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::tree::{LockTree, Node};
use crate::engine::host::HostView;
use crate::engine::ids::{BackendId, Pid};
use crate::engine::sample::{Backend, BackendKind, Fact, Sample, State};
use crate::screen::shown::Shown;
use crate::screen::ui::{Row, Sort};

/// How a session stands to the waits, the most harmful first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It blocks others and does not wait.
    Root,
    /// The work under guard.
    Target,
    /// It waits, and others wait behind it.
    Head,
    /// It waits because of the target.
    Victim,
    /// It waits for a lock.
    Waits,
    /// It takes no part.
    Apart,
    /// One of lockpit's own that takes no part.
    Own,
}

/// The word for it; nothing for one that takes no part.
pub(super) fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Root => "ROOT",
        Standing::Target => "TARGET",
        Standing::Head => "HEAD",
        Standing::Victim => "victim",
        Standing::Waits => "waits",
        Standing::Own => "lockpit",
        Standing::Apart => "",
    }
}

/// One session, with what the sample and the machine say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session<'a> {
    pub(super) backend: &'a Backend,
    pub(super) standing: Standing,
    pub(super) is_target: bool,
    /// How many wait behind it, directly or not.
    pub(super) behind: u32,
    /// How many wait for it directly.
    pub(super) blocks: usize,
    pub(super) waited_ms: Option<u64>,
    pub(super) xact_ms: Option<u64>,
    pub(super) query_ms: Option<u64>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Sessions<'a> {
    pub(super) sample: &'a Sample,
    pub(super) host: Fact<HostView<'a>>,
    /// Those that are drawn, in order.
    pub(super) order: Vec<Session<'a>>,
    /// How many the sample lists, whatever the filter.
    pub(super) listed: usize,
    /// How many of these are clients.
    pub(super) clients: usize,
    /// How many of these are lockpit's own.
    pub(super) own: usize,
    /// Clients that wait for a lock.
    pub(super) waiting: u32,
    letters: BTreeMap<Pid, String>,
}

impl<'a> Sessions<'a> {
    /// The sessions of the last sample; nothing before the first one.
    pub(super) fn of(shown: &Shown<'a>) -> Option<Sessions<'a>> {
        let look = Lookup::of(shown.cockpit)?;
        let sample = look.sample();
        let tree = LockTree::of(shown.cockpit, shown.seen());
        let (mut letters, mut behind) = (BTreeMap::new(), BTreeMap::new());
        for row in &tree.rows {
            if let Node::One(one) = &row.node {
                behind.insert(one.pid, one.behind);
                letters.extend(one.letter.clone().map(|letter| (one.pid, letter)));
            }
        }
        let mut order: Vec<Session<'a>> = {
            let session = describe(shown, &look, &behind);
            sample.backends.iter().map(session).collect()
        };
        let count = |kind: BackendKind| order.iter().filter(|one| one.backend.kind == kind).count();
        let mut sessions = Sessions {
            sample,
            host: shown.cockpit.host(),
            listed: order.len(),
            clients: count(BackendKind::Client),
            own: count(BackendKind::Lockpit),
            waiting: tree.waiting,
            letters,
            order: Vec::new(),
        };
        sessions.sort(&mut order, shown);
        if let Some(filter) = shown.ui.filter() {
            let filter = filter.to_lowercase();
            order.retain(|session| {
                // A cell may have a shorter word for a state than PostgreSQL.
                let has = |text: &str| text.to_lowercase().contains(&filter);
                has(session.backend.state.name())
                    || cells::cells(session, &sessions, shown).iter().any(|cell| has(&cell.text))
            });
        }
        sessions.order = order;
        Some(sessions)
    }

    /// What stands in a row.
    pub(super) fn at(&self, row: usize) -> Option<Session<'a>> {
        self.order.get(row).copied()
    }

    /// The rows, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        self.order.iter().map(|session| Row::Backend(session.backend.id()))
    }

    /// Where a row stands.
    pub(super) fn position(&self, row: &Row) -> Option<usize> {
        let id: BackendId = row.backend()?;
        self.order.iter().position(|session| session.backend.id() == id)
    }

    /// The letter of the tree.
    pub(super) fn letter(&self, pid: Pid) -> Option<&str> {
        self.letters.get(&pid).map(String::as_str)
    }

    /// Share of one processor, where it is known.
    pub(super) fn cpu_permille(&self, backend: BackendId) -> Option<u32> {
        self.host.known()?.rates.backend(backend)?.cpu_permille
    }

    fn sort(&self, order: &mut [Session<'a>], shown: &Shown<'_>) {
        order.sort_by_cached_key(harm);
        let reversed = shown.ui.reversed;
        let turned = |ordering: Ordering| if reversed { ordering.reverse() } else { ordering };
        // Largest first; who has none stands last, whichever way.
        let largest = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => turned(b.cmp(&a)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        match shown.ui.sort {
            Sort::Cpu if self.host.known().is_some() => order.sort_by(|a, b| {
                let cpu = |one: &Session<'_>| self.cpu_permille(one.backend.id()).map(u64::from);
                largest(cpu(a), cpu(b))
            }),
            Sort::Harm | Sort::Cpu if reversed => order.reverse(),
            Sort::Harm | Sort::Cpu => {}
            Sort::Xact => order.sort_by(|a, b| largest(a.xact_ms, b.xact_ms)),
            Sort::Query => order.sort_by(|a, b| largest(a.query_ms, b.query_ms)),
            Sort::Wait => order.sort_by(|a, b| largest(a.waited_ms, b.waited_ms)),
            Sort::Pid => order.sort_by(|a, b| turned(a.backend.pid.cmp(&b.backend.pid))),
            Sort::Application => {
                order.sort_by(|a, b| turned(a.backend.application.cmp(&b.backend.application)));
            }
            Sort::State => {
                order.sort_by(|a, b| turned(a.backend.state.name().cmp(b.backend.state.name())));
            }
        }
    }
}

/// How a session stands, and since when it does what it does.
fn describe<'a>(
    shown: &Shown<'a>,
    look: &Lookup<'a>,
    behind: &BTreeMap<Pid, u32>,
) -> impl Fn(&'a Backend) -> Session<'a> {
    let cockpit = shown.cockpit;
    let graph = &cockpit.scene().graph;
    let seen = shown.seen();
    let target = cockpit.target();
    let victims: BTreeSet<Pid> =
        target.into_iter().flat_map(|target| target.victims.iter().copied()).collect();
    let target = target.map(crate::engine::target::Target::pid);
    move |backend| {
        let pid = backend.pid;
        let behind = behind.get(&pid).copied().unwrap_or(0);
        let blocks = graph.waiters_of(pid).len();
        let is_waiting = graph.is_waiting(pid);
        let is_target = Some(pid) == target;
        let standing = match () {
            () if backend.kind == BackendKind::Lockpit && blocks == 0 && !is_waiting => Standing::Own,
            () if blocks > 0 && !is_waiting => Standing::Root,
            () if is_target => Standing::Target,
            () if blocks > 0 => Standing::Head,
            () if victims.contains(&pid) => Standing::Victim,
            () if is_waiting => Standing::Waits,
            () => Standing::Apart,
        };
        let age_ms = |start| look.age_ms(seen, start);
        Session {
            backend,
            standing,
            is_target,
            behind,
            blocks,
            waited_ms: cockpit.ages().age_ms(seen, pid),
            xact_ms: backend.xact_start.map(age_ms),
            query_ms: backend.query_start.filter(|_| backend.state != State::Idle).map(age_ms),
        }
    }
}

/// What makes one session worse than another.
fn harm(session: &Session<'_>) -> impl Ord + use<> {
    let waited = Reverse(session.waited_ms);
    // A transaction that is open comes before a statement, and what is hidden before what is known to rest.
    let is_hidden = session.backend.state == State::Masked;
    let oldest = (session.xact_ms.is_none(), Reverse(session.xact_ms), !is_hidden);
    (session.standing, Reverse(session.behind), waited, oldest, session.backend.pid)
}
