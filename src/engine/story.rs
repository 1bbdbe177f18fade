//! Stories for tests: a flight that is told what happens, and checks itself.
//!
//! Owns a flight and the outcomes it may hear. With every input it proves that the flight could have been
//! resumed from a checkpoint taken before it. Knows nothing of what should follow. The scenarios in `tests/`
//! include this file too, so it names the engine's modules by `super` only.
#![allow(dead_code, reason = "unit tests and scenarios each use their own part")]

use super::Cockpit;
use super::effect::{Effect, Rung};
use super::ids::{At, BackendId, Oid, Pid, StopId};
use super::input::{
    Attached, Begin, Command, Conn, Input, Link, LinkState, Outcome, Request, Rights, RungAnswer,
};
use super::sample::{Fact, State};
use super::settings::{Arming, Selector, Settings};
use super::testing::{Look, SHOP, calm, jam, names, server, text};
use super::timeline::Event;

/// An arming for the clients called `deploy`, everything else by default.
pub(crate) fn armed() -> Settings {
    let target = Selector::Application("deploy".to_owned());
    Settings { target, arming: Arming::Armed, ..Settings::default() }
}

/// The first input of a flight with these settings.
pub(crate) fn begin(settings: Settings) -> Input {
    Input::Begin(Box::new(Begin {
        lockpit: "0.0.0".to_owned(),
        engine: super::ENGINE_VERSION,
        utc_us: 1_700_000_000_000_000,
        seed: 1,
        server: "dba@db1:5432/shop".to_owned(),
        operator: None,
        label: None,
        settings,
        mission: None,
    }))
}

/// The server of all stories.
pub(crate) fn attached() -> Attached {
    Attached {
        version_num: 160_004,
        version: "16.4".to_owned(),
        system_identifier: Fact::Known(7_000),
        timeline: Fact::Known(1),
        in_recovery: false,
        postmaster_start: server(-3_600_000),
        database: SHOP,
        database_name: "shop".to_owned(),
        max_connections: 300,
        rights: Rights {
            role: Oid(16_400),
            role_name: "dba".to_owned(),
            superuser: false,
            sees_all: true,
            signals: true,
        },
    }
}

/// A flight that proves with every input that it could have been resumed from a checkpoint before it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) cockpit: Cockpit,
    told: u64,
    /// Every question whether a target may be stopped is answered at once: it may.
    may_stop: bool,
}

impl Story {
    /// A flight with these settings, connected, with names and the texts 1 (ALTER TABLE), 2 (SELECT),
    /// 3 (CREATE INDEX CONCURRENTLY) and 4 (ROLLBACK).
    pub(crate) fn begin(settings: Settings) -> Story {
        let mut story = Story::blank();
        story.input(0, begin(settings));
        story.input(0, Input::Attached(Box::new(attached())));
        story.input(0, Input::Names(Box::new(names())));
        for (id, kind) in
            [(1, "ALTER TABLE"), (2, "SELECT"), (3, "CREATE INDEX CONCURRENTLY"), (4, "ROLLBACK")]
        {
            story.input(0, Input::Text(Box::new(text(id, kind))));
        }
        story.events();
        story
    }

    /// A flight that was told nothing yet.
    pub(crate) fn blank() -> Story {
        Story { cockpit: Cockpit::default(), told: 0, may_stop: true }
    }

    /// The same flight, whose questions about rights only the story itself answers.
    pub(crate) fn without_answers(self) -> Story {
        Story { may_stop: false, ..self }
    }

    /// Hands in one input at `ms`; returns what is to be done.
    pub(crate) fn input(&mut self, ms: u64, input: Input) -> Vec<Effect> {
        self.input_at(At::from_ms(ms), input)
    }

    /// The same at any instant.
    pub(crate) fn input_at(&mut self, at: At, input: Input) -> Vec<Effect> {
        let mut effects = self.handle(at, input);
        if self.may_stop {
            let asked: Vec<BackendId> = effects.iter().filter_map(asks_right).collect();
            for backend in asked {
                effects.extend(self.handle(at, Input::Outcome(Outcome::Right { backend, allowed: Ok(()) })));
            }
        }
        effects
    }

    fn handle(&mut self, at: At, input: Input) -> Vec<Effect> {
        let checkpoint = self.cockpit.checkpoint();
        let mut resumed = Cockpit::restore(&checkpoint.state, checkpoint.held).expect("a checkpoint");
        let also = resumed.handle(at, input.clone());
        let effects = self.cockpit.handle(at, input);
        assert_eq!(effects, also, "resumed from a checkpoint, the engine asks for something else");
        assert_eq!(self.cockpit.scene(), resumed.scene(), "resumed from a checkpoint, the scene differs");
        assert_eq!(self.cockpit.next_deadline(), resumed.next_deadline(), "another deadline after a resume");
        assert!(self.cockpit.checkpoint() == resumed.checkpoint(), "another state after a resume");
        effects
    }

    /// A sample at `ms`; the server's clock is the flight's.
    pub(crate) fn look(&mut self, ms: u64, look: Look) -> Vec<Effect> {
        let clock = i64::try_from(ms).expect("a time in a story");
        self.look_as_is(ms, look.server_clock(clock))
    }

    /// A sample at `ms` with a server clock of its own.
    pub(crate) fn look_as_is(&mut self, ms: u64, look: Look) -> Vec<Effect> {
        self.input(ms, Input::Sample(Box::new(look.0)))
    }

    pub(crate) fn tick(&mut self, ms: u64) -> Vec<Effect> {
        self.input(ms, Input::Tick)
    }

    /// An outcome at `ms`; the answer to a rung is one to the present rung.
    pub(crate) fn outcome(&mut self, ms: u64, outcome: Outcome) -> Vec<Effect> {
        let outcome = self.of_present_rung(outcome);
        self.input(ms, Input::Outcome(outcome))
    }

    /// The same outcome; if it is the answer to a rung, one to the rung that the stop stands on.
    pub(crate) fn of_present_rung(&self, outcome: Outcome) -> Outcome {
        match (outcome, self.cockpit.brake().stop()) {
            (Outcome::Rung { stop, answer, sent, .. }, Some(under_way)) => {
                Outcome::Rung { stop, rung: under_way.rung(), answer, sent }
            }
            (outcome, _) => outcome,
        }
    }

    /// The jam with `n` readers is seen at 1.0 s and 1.1 s; returns what is to be done after the second look.
    pub(crate) fn jams(&mut self, n: u32) -> Vec<Effect> {
        self.look(900, calm());
        self.look(1_000, jam(n));
        self.events();
        self.look(1_100, jam(n))
    }

    /// The control session was lost before `ms`, and is connected again.
    pub(crate) fn control_is_back(&mut self, ms: u64) -> Vec<Effect> {
        let link = |state| Input::Link(Link { conn: Conn::Control, state });
        self.input(ms - 1, link(LinkState::Lost { why: "broken pipe".to_owned() }));
        self.input(ms, link(LinkState::Up { pid: Pid(900) }))
    }

    /// What happened since this was asked last.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let events = self.cockpit.timeline().since(self.told).map(|(_, event)| event.clone()).collect();
        self.told = self.cockpit.timeline().total();
        events
    }
}

/// The server's answer to a rung, sent at `sent_ms`; [`Story::outcome`] says to which.
pub(crate) fn rung(stop: u32, answer: RungAnswer, sent_ms: u64) -> Outcome {
    let (stop, rung) = (StopId(stop), Rung::Terminate);
    Outcome::Rung { stop, rung, answer, sent: At::from_ms(sent_ms) }
}

/// A command of the operator `alice`.
pub(crate) fn alice(command: Command) -> Input {
    Input::Command(Request { by: Some("alice".to_owned()), command })
}

/// A command of nobody in particular.
pub(crate) fn ordered(command: Command) -> Input {
    Input::Command(Request { by: None, command })
}

/// The session is gone; `victims_waiting` wait on.
pub(crate) fn gone(stop: u32, victims_waiting: u32) -> Outcome {
    Outcome::Aftermath {
        stop: StopId(stop),
        alive: false,
        still_strong: false,
        state: None,
        same_statement: false,
        victims_waiting,
    }
}

/// The session lives without its strong locks; `victims_waiting` wait on.
pub(crate) fn let_go(stop: u32, victims_waiting: u32) -> Outcome {
    Outcome::Aftermath {
        stop: StopId(stop),
        alive: true,
        still_strong: false,
        state: Some(State::IdleInTransactionAborted),
        same_statement: false,
        victims_waiting,
    }
}

/// The session still holds its strong locks, in `state`.
pub(crate) fn holding(stop: u32, state: State, same_statement: bool, victims_waiting: u32) -> Outcome {
    Outcome::Aftermath {
        stop: StopId(stop),
        alive: true,
        still_strong: true,
        state: Some(state),
        same_statement,
        victims_waiting,
    }
}

/// How the attempt of `pid` ended.
pub(crate) fn ended(pid: Pid, alive: bool, xact: Fact<&str>) -> Outcome {
    let xact = match xact {
        Fact::Known(status) => Fact::Known(status.to_owned()),
        Fact::Missing(why) => Fact::Missing(why),
    };
    Outcome::Ended { backend: session(pid), alive, xact }
}

/// Whether this login may signal `pid`.
pub(crate) fn right(pid: Pid, allowed: Result<(), &str>) -> Outcome {
    Outcome::Right { backend: session(pid), allowed: allowed.map_err(str::to_owned) }
}

/// The identity of a session made by [`client`].
pub(crate) fn session(pid: Pid) -> BackendId {
    BackendId { pid, backend_start: Some(server(-60_000)) }
}

fn asks_right(effect: &Effect) -> Option<BackendId> {
    match effect {
        Effect::CheckRight { backend, .. } => Some(*backend),
        _ => None,
    }
}
