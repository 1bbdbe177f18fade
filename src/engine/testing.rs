//! Builders for tests: samples that read like the scene they show.
//!
//! Owns a small cast (a reader, the ALTER behind it, the clients behind that) in one database. Knows nothing
//! of what should follow from a scene. The scenarios in `tests/` include this file too, so it names the
//! engine's modules by `super` only.
#![allow(dead_code, reason = "unit tests and scenarios each use their own part")]

use super::ids::{Attempt, Oid, Pid, ServerTime, TextId};
use super::input::{FoundRelation, Names, RelationName};
use super::locks::{LockMode, LockObject};
use super::sample::{Backend, BackendKind, Counts, Edge, Lock, PreparedXact, Sample, State};
use super::text::{NamedBy, Text};

/// The connected database.
pub(crate) const SHOP: Oid = Oid(5);
/// Another database of the cluster.
pub(crate) const ELSEWHERE: Oid = Oid(6);
/// A permanent table.
pub(crate) const USERS: Oid = Oid(20_001);
/// Another permanent table.
pub(crate) const ORDERS: Oid = Oid(20_002);
/// A temporary table of some session.
pub(crate) const SCRATCH: Oid = Oid(20_003);
/// A table that no committed row of the catalog knows.
pub(crate) const UNCOMMITTED: Oid = Oid(20_004);
/// The role of clients unless said otherwise.
pub(crate) const APP_ROLE: Oid = Oid(16_390);

/// The reader that forgot to commit.
pub(crate) const A: Pid = Pid(101);
/// The migration behind it.
pub(crate) const B: Pid = Pid(102);
/// The first of the clients behind that.
pub(crate) const FIRST_VICTIM: i32 = 200;

/// The server's clock when the flight's is at `ms`.
pub(crate) fn server(ms: i64) -> ServerTime {
    ServerTime(1_700_000_000_000_000 + ms * 1_000)
}

/// A digested text; statements are told apart by their number.
pub(crate) fn text(id: u32, kind: &str) -> Text {
    Text {
        id: TextId(id),
        normalised: format!("{} …", kind.to_lowercase()),
        kind: kind.to_owned(),
        statements: 1,
        relations: Vec::new(),
        truncated: false,
        named_by: NamedBy::Parser,
        matched_by: Vec::new(),
    }
}

/// The same, matched by the pattern of `--target query=`.
pub(crate) fn matched_text(id: u32, kind: &str) -> Text {
    Text { matched_by: vec!["target".to_owned()], ..text(id, kind) }
}

/// What the catalog says of the tables above.
pub(crate) fn names() -> Names {
    let found = |relation, schema: &str, name: &str, permanent| RelationName {
        relation,
        found: Some(FoundRelation { schema: schema.to_owned(), name: name.to_owned(), kind: 'r', permanent }),
    };
    Names {
        relations: vec![
            found(USERS, "public", "users", true),
            found(ORDERS, "sales", "orders", true),
            found(SCRATCH, "pg_temp_3", "scratch", false),
            RelationName { relation: UNCOMMITTED, found: None },
        ],
        roles: vec![(APP_ROLE, "shop".to_owned())],
        databases: vec![(SHOP, "shop".to_owned()), (ELSEWHERE, "elsewhere".to_owned())],
    }
}

/// One backend with its locks and whom it waits for.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) backend: Backend,
    pub(crate) locks: Vec<Lock>,
    pub(crate) behind: Option<Vec<Pid>>,
}

/// A client that has been running its only statement since the flight began.
pub(crate) fn client(pid: Pid) -> Who {
    let backend = Backend {
        pid,
        leader_pid: None,
        kind: BackendKind::Client,
        database: Some(SHOP),
        role: Some(APP_ROLE),
        application: "shop-web".into(),
        client: Some("local".into()),
        state: State::Active,
        wait_event: None,
        backend_start: Some(server(-60_000)),
        xact_start: Some(server(0)),
        query_start: Some(server(0)),
        state_change: Some(server(0)),
        backend_xid: None,
        text: None,
    };
    Who { backend, locks: Vec::new(), behind: None }
}

impl Who {
    pub(crate) fn app(mut self, application: &str) -> Who {
        self.backend.application = application.into();
        self
    }

    pub(crate) fn role(mut self, role: Oid) -> Who {
        self.backend.role = Some(role);
        self
    }

    pub(crate) fn kind(mut self, kind: BackendKind) -> Who {
        self.backend.kind = kind;
        self
    }

    /// It is connected to another database; its locks are there as well.
    pub(crate) fn database(mut self, elsewhere: Oid) -> Who {
        self.backend.database = Some(elsewhere);
        for lock in &mut self.locks {
            if let LockObject::Relation { database, .. } = &mut lock.object {
                *database = elsewhere;
            }
        }
        self
    }

    pub(crate) fn leader(mut self, leader: Pid) -> Who {
        self.backend.leader_pid = Some(leader);
        self.kind(BackendKind::ParallelWorker)
    }

    pub(crate) fn state(mut self, state: State) -> Who {
        self.backend.state = state;
        self
    }

    pub(crate) fn waits_for(mut self, wait_event: &str) -> Who {
        self.backend.wait_event = Some(wait_event.into());
        self
    }

    pub(crate) fn runs(mut self, text: u32) -> Who {
        self.backend.text = Some(TextId(text));
        self
    }

    pub(crate) fn xid(mut self, xid: u32) -> Who {
        self.backend.backend_xid = Some(xid);
        self
    }

    /// Another session under the same pid: it began at `ms`.
    pub(crate) fn session_from(mut self, ms: i64) -> Who {
        self.backend.backend_start = Some(server(ms));
        self
    }

    /// A statement that began at `ms`, in a transaction of its own.
    pub(crate) fn statement_from(mut self, ms: i64) -> Who {
        self.backend.query_start = Some(server(ms));
        self.backend.xact_start = Some(server(ms));
        self
    }

    /// The transaction began at `ms`, before its present statement.
    pub(crate) fn transaction_from(mut self, ms: i64) -> Who {
        self.backend.xact_start = Some(server(ms));
        self
    }

    /// What a login without rights sees of it.
    pub(crate) fn masked(mut self) -> Who {
        self.backend = Backend {
            state: State::Masked,
            client: None,
            wait_event: None,
            backend_start: None,
            xact_start: None,
            query_start: None,
            state_change: None,
            backend_xid: None,
            ..self.backend
        };
        self
    }

    pub(crate) fn holds(self, mode: LockMode, relation: Oid) -> Who {
        self.lock(mode, relation, true, None)
    }

    /// Awaits a lock since its statement began.
    pub(crate) fn awaits(self, mode: LockMode, relation: Oid) -> Who {
        let since = self.backend.query_start;
        self.lock(mode, relation, false, since)
    }

    /// Awaits a lock since `ms`; the server has not filled in since when where `ms` is `None`.
    pub(crate) fn awaits_since(self, ms: Option<i64>, mode: LockMode, relation: Oid) -> Who {
        self.lock(mode, relation, false, ms.map(server))
    }

    /// Waits for a transaction's end, as CREATE INDEX CONCURRENTLY does for old snapshots.
    pub(crate) fn awaits_snapshot(mut self, id: &str) -> Who {
        let object = LockObject::VirtualTransaction { id: id.into() };
        self.locks.push(lock(self.backend.pid, object, LockMode::ShareLock, false, self.backend.query_start));
        self
    }

    /// Waits for `blockers`, by the server's word.
    pub(crate) fn behind(mut self, blockers: &[Pid]) -> Who {
        self.behind = Some(blockers.to_vec());
        self
    }

    fn lock(mut self, mode: LockMode, relation: Oid, granted: bool, since: Option<ServerTime>) -> Who {
        let database = self.backend.database.unwrap_or(SHOP);
        let object = LockObject::Relation { database, relation };
        self.locks.push(lock(self.backend.pid, object, mode, granted, since));
        self
    }

    /// The attempt it is at.
    pub(crate) fn attempt(&self) -> Attempt {
        Attempt {
            backend: self.backend.id(),
            query_start: self.backend.query_start,
            xact_start: self.backend.xact_start,
        }
    }
}

fn lock(pid: Pid, object: LockObject, mode: LockMode, granted: bool, wait_start: Option<ServerTime>) -> Lock {
    Lock { pid, prepared_xid: None, object, mode, granted, wait_start }
}

/// One sample under construction.
#[derive(Debug, Clone)]
pub(crate) struct Look(pub(crate) Sample);

/// A sample of a server where nobody does anything.
pub(crate) fn calm() -> Look {
    Look(Sample {
        server_now: server(0),
        cost_us: 1_000,
        round_trip_us: 0,
        counts: Counts::default(),
        backends: Vec::new(),
        locks: Vec::new(),
        edges: Vec::new(),
        prepared: Vec::new(),
        slow: None,
    })
}

impl Look {
    pub(crate) fn with(mut self, who: Who) -> Look {
        if let Some(blockers) = who.behind {
            self.0.edges.push(Edge { waiter: who.backend.pid, blockers });
        }
        self.0.counts.total += u32::from(who.backend.kind == BackendKind::Client);
        self.0.counts.active += u32::from(who.backend.state == State::Active);
        self.0.counts.masked += u32::from(who.backend.state == State::Masked);
        self.0.backends.push(who.backend);
        self.0.locks.extend(who.locks);
        self
    }

    pub(crate) fn with_all(self, all: impl IntoIterator<Item = Who>) -> Look {
        all.into_iter().fold(self, Look::with)
    }

    /// A transaction prepared for two-phase commit that holds a lock.
    pub(crate) fn prepared(mut self, xid: u32, gid: &str, mode: LockMode, relation: Oid) -> Look {
        let (owner, database) = (APP_ROLE, SHOP);
        self.0.prepared.push(PreparedXact {
            xid,
            gid: gid.to_owned(),
            prepared: server(-5_000),
            owner,
            database,
        });
        let object = LockObject::Relation { database, relation };
        let held = lock(Pid::PREPARED, object, mode, true, None);
        self.0.locks.push(Lock { prepared_xid: Some(xid), ..held });
        self
    }

    /// The server's clock at this sample, where it does not run with the flight's.
    pub(crate) fn server_clock(mut self, ms: i64) -> Look {
        self.0.server_now = server(ms);
        self
    }

    pub(crate) fn cost_us(mut self, cost_us: u64) -> Look {
        self.0.cost_us = cost_us;
        self
    }
}

/// A: idle in transaction since before the flight, having read `users`.
pub(crate) fn forgotten_reader() -> Who {
    client(A)
        .app("report-job")
        .state(State::IdleInTransaction)
        .statement_from(-120_000)
        .holds(LockMode::AccessShareLock, USERS)
}

/// B: an ALTER TABLE on `users` (text 1) that waits for A.
pub(crate) fn waiting_alter() -> Who {
    client(B).app("deploy").runs(1).awaits(LockMode::AccessExclusiveLock, USERS).behind(&[A])
}

/// `n` readers of `users` (text 2) behind `blocker`.
pub(crate) fn readers(n: u32, blocker: Pid) -> impl Iterator<Item = Who> {
    let first = FIRST_VICTIM;
    (0..i32::try_from(n).expect("a number of readers")).map(move |i| {
        client(Pid(first + i)).runs(2).awaits(LockMode::AccessShareLock, USERS).behind(&[blocker])
    })
}

/// The jam: A forgot to commit, B's ALTER waits for A, `n` readers queue behind B.
pub(crate) fn jam(n: u32) -> Look {
    calm().with(forgotten_reader()).with(waiting_alter()).with_all(readers(n, B))
}
