//! Flights of a plan, for tests of views and keys.
//!
//! Owns a plan of seven steps and what its runner would say of them. Knows nothing of what a view should show.

use super::testing::Stage;
use crate::engine::effect::Effect;
use crate::engine::history::History;
use crate::engine::ids::{At, Pid};
use crate::engine::input::{Begin, Input, Outcome};
use crate::engine::locks::LockMode;
use crate::engine::plan::facts::{Holder, Leftover, LeftoverKind, Look as Seen, Relation, Survey, Tie};
use crate::engine::plan::form::{Act, Deed, Detaching, Filling, Form};
use crate::engine::plan::order::{Answer, Ask, News, Order, ServerError, TryEnd};
use crate::engine::plan::{Acquire, Gate, Mission, Part, Phase, Plan, PlanStep, Statement, Work};
use crate::engine::sample::{BackendKind, Fact, State};
use crate::engine::settings::{Arming, Selector, Settings};
use crate::engine::steps::Will;
use crate::engine::story::{Story, alice, attached, begin, session};
use crate::engine::testing::{
    A, B, Look, USERS, Who, calm, client, forgotten_reader, names, readers, server, text,
};

/// What the session that runs the plan calls itself.
const RUNNER: &str = "lockpit/run 7f3a";

/// A plan in the air.
pub(crate) struct Flown {
    story: Story,
    history: History,
    orders: Vec<Order>,
    ms: u64,
}

impl Flown {
    /// A flight whose runner has not said anything yet.
    pub(in crate::screen) fn preparing() -> Flown {
        let mut flown =
            Flown { story: Story::blank(), history: History::default(), orders: Vec::new(), ms: 0 };
        let settings = Settings {
            target: Selector::Application(RUNNER.to_owned()),
            arming: Arming::Armed,
            ..Settings::default()
        };
        let Input::Begin(begin) = begin(settings) else { panic!("it begins") };
        let mission = Some(Box::new(mission()));
        flown.input(Input::Begin(Box::new(Begin { mission, ..*begin })));
        flown.input(Input::Attached(Box::new(attached())));
        flown.input(Input::Names(Box::new(names())));
        for (id, kind) in [(1, "ALTER TABLE"), (2, "SELECT"), (3, "CREATE INDEX CONCURRENTLY")] {
            flown.input(Input::Text(Box::new(text(id, kind))));
        }
        flown.look(500, calm());
        flown
    }

    /// The first step is at hand.
    pub(in crate::screen) fn begun() -> Flown {
        let mut flown = Flown::preparing();
        flown.says(News::Session { backend: session(B), same_cluster: Ok(()), flight_lock: Ok(()) });
        flown
    }

    /// So many steps are done.
    pub(in crate::screen) fn after(steps: usize) -> Flown {
        let mut flown = Flown::begun();
        for number in 0..steps {
            let step = u32::try_from(number).expect("a small number");
            match &plan().steps[number].work {
                Work::Gate(_) => {
                    let answer = Answer { holds: true, said: "t".to_owned() };
                    let ask = Ask::Gate { step };
                    flown.says(News::Asked { ask, answer: Fact::Known(answer) });
                    flown.wants(Will::Answer { typed: "app-v2".to_owned(), person: "alice@desk".to_owned() });
                }
                Work::Program { .. } => {
                    flown.says(News::Program { step, end: Fact::Known(0), output: String::new() });
                }
                _ => flown.through(),
            }
            flown.look(flown.ms + 10, calm());
        }
        flown
    }

    fn input(&mut self, input: Input) {
        let effects = self.story.input(self.ms, input);
        self.orders.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Run(order) => Some(*order),
            _ => None,
        }));
    }

    /// The runner says something, 40 ms after what came before.
    pub(in crate::screen) fn says(&mut self, news: News) {
        self.ms += 40;
        self.input(Input::Outcome(Outcome::Run(Box::new(news))));
    }

    /// An operator wants something.
    pub(in crate::screen) fn wants(&mut self, will: Will) {
        self.ms += 40;
        self.input(alice(crate::engine::command::Command::Plan(will)));
    }

    /// A sample.
    pub(in crate::screen) fn look(&mut self, ms: u64, look: Look) {
        self.ms = ms;
        self.story.look(ms, look);
        self.history.observe(At::from_ms(ms), &self.story.cockpit);
    }

    /// The catalog answers; this is left.
    pub(in crate::screen) fn surveyed(&mut self, left: Vec<Leftover>) {
        let unit = self.orders.iter().rev().find_map(|order| match order {
            Order::Survey { unit, .. } => Some(*unit),
            _ => None,
        });
        let survey = Survey {
            version_num: 160_004,
            deadlock_timeout_ms: 1_000,
            relations: vec![relation("users", USERS.0, 157_286), relation("events", 20_009, 40_000)],
            absent: Vec::new(),
            found: Vec::new(),
            leftovers: left,
            advisory: Vec::new(),
        };
        let unit = unit.expect("a survey was ordered");
        self.says(News::Surveyed { unit, survey: Fact::Known(Box::new(survey)) });
    }

    /// Somebody has looked who holds what it needs.
    pub(in crate::screen) fn looked(&mut self, holders: Vec<Holder>, in_all: u32) {
        let unit = self.orders.iter().rev().find_map(|order| match order {
            Order::Look { unit, .. } => Some(*unit),
            _ => None,
        });
        let server_now = server(i64::try_from(self.ms).expect("a time in a story"));
        let look = Seen { server_now, cost_us: 300, holders, in_all, queued: 0 };
        self.says(News::Looked { unit: unit.expect("a look was ordered"), look: Fact::Known(look) });
    }

    fn number(&self) -> u32 {
        let number = self.orders.iter().rev().find_map(|order| match order {
            Order::Try(order) => Some(order.number),
            _ => None,
        });
        number.expect("an attempt was ordered")
    }

    /// The attempt under way has its locks.
    pub(in crate::screen) fn locked(&mut self) {
        let number = self.number();
        self.says(News::Locked { number, xid: Some(771) });
    }

    /// The attempt under way is over.
    pub(in crate::screen) fn tried(&mut self, end: TryEnd) {
        let number = self.number();
        self.says(News::Tried { number, end, took_us: 120_000 });
    }

    /// It did not work.
    pub(in crate::screen) fn fails(&mut self, code: &str, message: &str) {
        let error = ServerError { code: code.to_owned(), message: message.to_owned(), statement: Some(0) };
        self.tried(TryEnd::Failed(error));
    }

    /// The step at hand goes through without anybody in its way.
    fn through(&mut self) {
        self.surveyed(Vec::new());
        if matches!(self.orders.last(), Some(Order::Look { .. })) {
            self.looked(Vec::new(), 0);
            self.locked();
        }
        self.tried(TryEnd::Done);
        self.surveyed(Vec::new());
    }

    /// The flight itself.
    pub(crate) fn cockpit(self) -> crate::engine::Cockpit {
        self.story.cockpit
    }

    /// A screen of it, `ms` after what came last.
    pub(in crate::screen) fn stage(self, ms: u64) -> Stage {
        Stage::of(self.story.cockpit, self.history, At::from_ms(self.ms + ms))
    }
}

/// Step 2 looks, and finds a transaction that has been open for two minutes.
pub(in crate::screen) fn looking() -> Flown {
    let mut flown = Flown::after(1);
    flown.look(900, calm().with(forgotten_reader()));
    flown.surveyed(Vec::new());
    flown.looked(vec![holder(A, "report-job", State::IdleInTransaction, -120_000)], 4);
    flown
}

/// Step 2 has asked for its locks, and waits behind a reader; nine clients wait behind it.
pub(in crate::screen) fn queued() -> Flown {
    let mut flown = Flown::after(1);
    flown.surveyed(Vec::new());
    flown.looked(Vec::new(), 0);
    let since = i64::try_from(flown.ms).expect("a time in a story");
    let runner = runner(1).statement_from(since);
    let reader = client(A).app("report-job").runs(2).statement_from(since);
    let look = calm()
        .with(reader.holds(LockMode::AccessShareLock, USERS))
        .with(runner.awaits(LockMode::AccessExclusiveLock, USERS).behind(&[A]))
        .with_all(readers(9, B));
    flown.look(flown.ms + 40, look);
    flown
}

/// Step 3 builds its index.
pub(in crate::screen) fn building() -> Flown {
    let mut flown = Flown::after(2);
    flown.surveyed(Vec::new());
    let since = i64::try_from(flown.ms).expect("a time in a story");
    let runner = runner(3).statement_from(since).holds(LockMode::ShareUpdateExclusiveLock, USERS);
    flown.look(flown.ms + 2_000, calm().with(runner));
    flown
}

/// Step 4, the gate, waits for a person; its query has said no.
pub(crate) fn gated() -> Flown {
    let mut flown = Flown::after(3);
    let answer = Answer { holds: false, said: "f".to_owned() };
    flown.says(News::Asked { ask: Ask::Gate { step: 3 }, answer: Fact::Known(answer) });
    flown.look(flown.ms + 100, calm());
    flown
}

/// Step 3 has failed, and left an index that is not valid.
pub(in crate::screen) fn failed() -> Flown {
    let mut flown = Flown::after(2);
    flown.surveyed(Vec::new());
    flown.fails("23505", "could not create unique index \"users_email_key\"");
    flown.surveyed(vec![left(LeftoverKind::InvalidIndex, "users", "users_email_key")]);
    flown.look(flown.ms + 100, calm());
    flown
}

/// Step 6 was stopped amid a DETACH CONCURRENTLY.
pub(in crate::screen) fn hiding() -> Flown {
    let mut flown = Flown::after(5);
    flown.surveyed(Vec::new());
    flown.fails("57014", "canceling statement due to user request");
    flown.surveyed(vec![left(LeftoverKind::PendingDetach, "events", "events_2026_01")]);
    flown.look(flown.ms + 100, calm());
    flown
}

fn runner(text: u32) -> Who {
    client(B).app(RUNNER).runs(text)
}

/// Who holds a lock on `users` since its transaction began, at `ms`.
pub(in crate::screen) fn holder(pid: Pid, application: &str, state: State, ms: i64) -> Holder {
    Holder {
        backend: session(pid),
        gid: None,
        kind: BackendKind::Client,
        application: application.into(),
        state,
        xact_start: Some(server(ms)),
        relation: USERS,
        mode: LockMode::AccessShareLock,
        wraparound: false,
        progress: None,
    }
}

fn left(kind: LeftoverKind, table: &str, name: &str) -> Leftover {
    let (schema, table) = ("public".to_owned(), table.to_owned());
    Leftover { kind, schema, table, name: name.to_owned(), object_schema: None }
}

fn relation(name: &str, oid: u32, pages: u64) -> Relation {
    Relation {
        written: Some(name.to_owned()),
        oid: crate::engine::ids::Oid(oid),
        schema: "public".to_owned(),
        name: name.to_owned(),
        kind: 'r',
        tie: Tie::Named,
        pages,
        rows: Some(9_000_000),
        dead_rows: Some(100),
        may_alter: true,
    }
}

fn mission() -> Mission {
    Mission {
        plan: plan(),
        application: RUNNER.to_owned(),
        approved: Vec::new(),
        from: None,
        unattended: false,
        resumed: None,
    }
}

fn plan() -> Plan {
    let add = Deed::AddColumn { filling: Filling::Null, not_null: false };
    let build = Deed::CreateIndex { concurrently: true };
    let detach = Deed::Detach(Detaching::Concurrently);
    let ask = "Is app v2 on all hosts?".to_owned();
    let check = "select count(*) = $1 from pg_stat_activity where application_name = $2".to_owned();
    let gate = Gate { ask: Some(ask), check: Some(check), every_ms: 5_000, limit_ms: None, soak_ms: None };
    let mut steps = vec![
        sql("add-column", Phase::Expand, add, "alter table users add column email_verified boolean", 4),
        sql("set-not-null", Phase::Expand, Deed::SetNotNull, "alter table users alter email set not null", 9),
        sql(
            "email-index",
            Phase::Expand,
            build,
            "create unique index concurrently users_email_key on users (email)",
            14,
        ),
        step("app-v2", Phase::Migrate, Work::Gate(gate)),
        step("flip-flag", Phase::Migrate, Work::Program { program: "flagctl".to_owned(), limit_ms: 60_000 }),
        sql(
            "detach-old",
            Phase::Contract,
            detach,
            "alter table events detach partition events_2026_01 concurrently",
            30,
        ),
        sql(
            "drop-old",
            Phase::Contract,
            Deed::DropColumn { cascade: false },
            "alter table users drop column legacy_flag",
            36,
        ),
    ];
    for (place, said) in [
        (0, "alter table users drop column email_verified"),
        (1, "alter table users alter email drop not null"),
    ] {
        let undo = sql("undo", Phase::Expand, Deed::DropNotNull, said, 5);
        let Work::Sql { parts, .. } = undo.work else { panic!("it is SQL") };
        steps[place].undo = parts;
    }
    Plan {
        name: "users-email-verified".to_owned(),
        version: Some("2026.11.20.01".to_owned()),
        owner: Some("payments".to_owned()),
        digest: "d".to_owned(),
        steps,
        ..Plan::default()
    }
}

fn step(id: &str, phase: Phase, work: Work) -> PlanStep {
    PlanStep {
        id: id.to_owned(),
        phase: Some(phase),
        after: Vec::new(),
        work,
        undo: Vec::new(),
        checks: Vec::new(),
        acquire: Acquire::default(),
        limits: None,
        statement_timeout_ms: None,
    }
}

fn sql(id: &str, phase: Phase, deed: Deed, said: &str, line: u32) -> PlanStep {
    let (kind, relation, object, alone) = match deed {
        Deed::CreateIndex { .. } => {
            ("CREATE INDEX CONCURRENTLY", "users", "users_email_key", Some("it commits by itself"))
        }
        Deed::Detach(_) => (
            "ALTER TABLE DETACH PARTITION CONCURRENTLY",
            "events",
            "events_2026_01",
            Some("it commits by itself"),
        ),
        _ => ("ALTER TABLE", "users", "email", None),
    };
    let act = Act::new(deed, relation).about(Some(object.to_owned()));
    let form = Form { kind: kind.to_owned(), acts: vec![act], alone: alone.map(str::to_owned) };
    let statements = vec![Statement { said: said.to_owned(), form, line }];
    let parts = vec![Part { transaction: alone.is_none(), statements }];
    step(id, phase, Work::Sql { parts, for_each: None })
}
