//! A plan that is played: orders are collected, answers given by hand.

use crate::engine::effect::Effect;
use crate::engine::ids::{At, BackendId, Oid, Pid, ServerTime};
use crate::engine::plan::facts::{Found, Leftover, LeftoverKind, Look, Relation, Survey, Tie};
use crate::engine::plan::form::{Act, Deed, Expect, Form};
use crate::engine::plan::order::{Answer, Ask, News, Order, ServerError, Try, TryEnd};
use crate::engine::plan::{Acquire, Gate, Mission, Part, Plan, PlanStep, Statement, Work};
use crate::engine::sample::Fact;
use crate::engine::steps::{Course, Sight, Stage, Steps, Turn, Will};
use crate::engine::timeline::Event;

pub(super) fn plan(steps: Vec<PlanStep>) -> Plan {
    Plan { name: "p".to_owned(), digest: "d".to_owned(), steps, ..Plan::default() }
}

fn step(id: &str, work: Work) -> PlanStep {
    PlanStep {
        id: id.to_owned(),
        phase: None,
        after: Vec::new(),
        work,
        undo: Vec::new(),
        checks: Vec::new(),
        acquire: Acquire::default(),
        limits: None,
        statement_timeout_ms: None,
    }
}

/// One statement of this kind that does `deed` to `users`.
pub(super) fn part(kind: &str, deed: Deed, transaction: bool) -> Part {
    let act = Act::new(deed, "users").about(Some("users_x".to_owned()));
    let form = Form { kind: kind.to_owned(), acts: vec![act], alone: None };
    Part { transaction, statements: vec![Statement { said: kind.to_owned(), form, line: 1 }] }
}

/// ALTER TABLE users: a strong lock.
pub(super) fn strong(id: &str) -> PlanStep {
    let parts = vec![part("ALTER TABLE", Deed::DropColumn { cascade: false }, true)];
    step(id, Work::Sql { parts, for_each: None })
}

/// CREATE INDEX CONCURRENTLY on users.
pub(super) fn index(id: &str) -> PlanStep {
    let deed = Deed::CreateIndex { concurrently: true };
    let parts = vec![part("CREATE INDEX CONCURRENTLY", deed, false)];
    step(id, Work::Sql { parts, for_each: None })
}

/// A gate that asks a person.
pub(super) fn gate(id: &str) -> PlanStep {
    let gate =
        Gate { ask: Some("ready?".to_owned()), check: None, every_ms: 1_000, limit_ms: None, soak_ms: None };
    step(id, Work::Gate(gate))
}

/// A program that may run for 10 s.
pub(super) fn program(id: &str) -> PlanStep {
    step(id, Work::Program { program: "deploy".to_owned(), limit_ms: 10_000 })
}

/// Something left of `users`.
pub(super) fn left(kind: LeftoverKind, name: &str) -> Leftover {
    Leftover {
        kind,
        schema: "public".to_owned(),
        table: "users".to_owned(),
        name: name.to_owned(),
        object_schema: None,
    }
}

pub(super) fn mission(plan: Plan) -> Mission {
    Mission {
        plan,
        application: "lockpit/run 1".to_owned(),
        approved: Vec::new(),
        from: None,
        unattended: false,
        resumed: None,
    }
}

pub(super) fn runner() -> BackendId {
    BackendId { pid: Pid(900), backend_start: Some(ServerTime(5)) }
}

/// A plan in the air, and what it has ordered and told.
pub(super) struct Play {
    pub(super) steps: Steps,
    pub(super) sight: Sight,
    orders: Vec<Order>,
    events: Vec<Event>,
}

impl Play {
    pub(super) fn of(plan: Plan) -> Play {
        Play::with(mission(plan))
    }

    pub(super) fn with(mission: Mission) -> Play {
        let sight = Sight { armed: true, at: At::from_ms(1_000), ..Sight::default() };
        Play { steps: Steps::new(mission, 7), sight, orders: Vec::new(), events: Vec::new() }
    }

    pub(super) fn at(&self) -> At {
        self.sight.at
    }

    fn take(&mut self, act: impl FnOnce(&mut Steps, &Sight, &mut Turn)) {
        let mut turn = Turn::default();
        act(&mut self.steps, &self.sight, &mut turn);
        self.steps.settle(&self.sight, &mut turn);
        self.orders.extend(turn.effects.into_iter().filter_map(|effect| match effect {
            Effect::Run(order) => Some(*order),
            _ => None,
        }));
        self.events.extend(turn.events);
    }

    pub(super) fn says(&mut self, news: &News) {
        self.take(|steps, sight, turn| steps.hear(sight, news, turn));
    }

    /// The session is open.
    pub(super) fn begins(&mut self) {
        self.says(&News::Session { backend: runner(), same_cluster: Ok(()), flight_lock: Ok(()) });
    }

    /// Time passes.
    pub(super) fn passes(&mut self, ms: u64) {
        self.sight.at = self.sight.at.plus_ms(ms);
        self.take(|_, _, _| {});
    }

    pub(super) fn wants(&mut self, will: &Will) -> Result<(), String> {
        self.steps.may(will)?;
        self.take(|steps, sight, turn| steps.obey(sight, Some("bob"), will, turn));
        Ok(())
    }

    fn last(&self, wanted: impl Fn(&Order) -> bool) -> &Order {
        self.orders
            .iter()
            .rev()
            .find(|order| wanted(order))
            .unwrap_or_else(|| panic!("only {:?}", self.orders))
    }

    /// The last attempt that was ordered.
    pub(super) fn attempt(&self) -> Try {
        match self.last(|order| matches!(order, Order::Try(_))) {
            Order::Try(order) => (**order).clone(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn attempts(&self) -> usize {
        self.orders.iter().filter(|order| matches!(order, Order::Try(_))).count()
    }

    pub(super) fn looks(&self) -> usize {
        self.orders.iter().filter(|order| matches!(order, Order::Look { .. })).count()
    }

    pub(super) fn asks(&self) -> Vec<Ask> {
        let asks = self.orders.iter().filter_map(|order| match order {
            Order::Ask { ask } => Some(*ask),
            _ => None,
        });
        asks.collect()
    }

    pub(super) fn ordered(&self, wanted: &Order) -> bool {
        self.orders.contains(wanted)
    }

    /// The catalog answers the last survey; `left` is what is left.
    pub(super) fn surveyed(&mut self, left: &[Leftover]) {
        self.found(Vec::new(), left);
    }

    /// The same, with what was expected.
    pub(super) fn found(&mut self, found: Vec<(Expect, Found)>, left: &[Leftover]) {
        let Order::Survey { unit, .. } = self.last(|order| matches!(order, Order::Survey { .. })) else {
            panic!("no survey")
        };
        let users = Relation {
            written: Some("users".to_owned()),
            oid: Oid(20_001),
            schema: "public".to_owned(),
            name: "users".to_owned(),
            kind: 'r',
            tie: Tie::Named,
            pages: 10,
            rows: Some(100),
            dead_rows: Some(0),
            may_alter: true,
        };
        let survey = Survey {
            version_num: 180_000,
            deadlock_timeout_ms: 1_000,
            relations: vec![users],
            absent: Vec::new(),
            found,
            leftovers: left.to_vec(),
            advisory: Vec::new(),
        };
        self.says(&News::Surveyed { unit: *unit, survey: Fact::Known(Box::new(survey)) });
    }

    /// A look finds nobody.
    pub(super) fn looked_free(&mut self) {
        let Order::Look { unit, .. } = self.last(|order| matches!(order, Order::Look { .. })) else {
            panic!("no look")
        };
        let look = Look { server_now: ServerTime(1), cost_us: 90, holders: Vec::new(), in_all: 0, queued: 0 };
        self.says(&News::Looked { unit: *unit, look: Fact::Known(look) });
    }

    /// The session is over.
    pub(super) fn loses_session(&mut self) {
        self.steps.runner_lost(self.sight.at);
    }

    /// The last survey is refused.
    pub(super) fn survey_refused(&mut self, why: &str) {
        let Order::Survey { unit, .. } = self.last(|order| matches!(order, Order::Survey { .. })) else {
            panic!("no survey")
        };
        self.says(&News::Surveyed { unit: *unit, survey: Fact::Missing(why.to_owned()) });
    }

    /// A look is refused.
    pub(super) fn looked_blind(&mut self, why: &str) {
        let Order::Look { unit, .. } = self.last(|order| matches!(order, Order::Look { .. })) else {
            panic!("no look")
        };
        self.says(&News::Looked { unit: *unit, look: Fact::Missing(why.to_owned()) });
    }

    pub(super) fn locked(&mut self) {
        let number = self.attempt().number;
        self.says(&News::Locked { number, xid: Some(77) });
    }

    pub(super) fn tried(&mut self, end: TryEnd) {
        let number = self.attempt().number;
        self.says(&News::Tried { number, end, took_us: 100_000 });
    }

    pub(super) fn fails(&mut self, code: &str, message: &str) {
        let error = ServerError { code: code.to_owned(), message: message.to_owned(), statement: Some(0) };
        self.tried(TryEnd::Failed(error));
    }

    pub(super) fn answers(&mut self, ask: Ask, holds: bool, said: &str) {
        let answer = Fact::Known(Answer { holds, said: said.to_owned() });
        self.says(&News::Asked { ask, answer });
    }

    pub(super) fn stage(&self, step: usize) -> Stage {
        self.steps.states()[step].stage
    }

    pub(super) fn reason(&self, step: usize) -> &str {
        &self.steps.states()[step].reason
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.steps.course(), Course::Held { .. })
    }

    /// The notes so far.
    pub(super) fn told(&self) -> Vec<String> {
        let notes = self.events.iter().filter_map(|event| match event {
            Event::Note { text, .. } => Some(text.clone()),
            _ => None,
        });
        notes.collect()
    }
}
