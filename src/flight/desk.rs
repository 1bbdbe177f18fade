//! Where a flight is spoken to: by its own screen, by clients of its socket, by the terminal's Ctrl-Z.
//!
//! Owns the stick, who has joined, and what is answered. What changes the flight becomes an input; nothing is
//! done past the log. Never waits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::{oneshot, watch};

use super::stick::{Moved, Seat, Speaker, Stick};
use crate::engine::Cockpit;
use crate::engine::command::{Command, Request};
use crate::engine::ids::At;
use crate::engine::input::Input;
use crate::engine::steps::{Course, Stage, Steps, Will};
use crate::engine::target::Target;
use crate::engine::timeline::GuardState;
use crate::remote::protocol::{Holder, PlanStatus, Reply, Status, StepStatus, StopStatus, TargetStatus};

/// What a flight is asked, and where the answer goes.
#[derive(Debug)]
pub struct Question {
    /// Who asks.
    pub from: Speaker,
    /// What.
    pub ask: Ask,
    /// Gets the answer; whoever does not wait for it has dropped the other end.
    pub reply: oneshot::Sender<Reply>,
}

/// What a flight is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// To be listed as joined.
    Join,
    /// How it is doing.
    Status,
    /// To do as the text says.
    Say {
        /// A command, as one would type it.
        text: String,
        /// Take the stick before.
        take: bool,
    },
    /// To do this: the command names whom it means.
    Order {
        /// The command.
        command: Command,
        /// Take the stick before.
        take: bool,
    },
    /// To note what a screen shows: nothing depends on it, the log keeps it for whoever reads what was on screen.
    Shown {
        /// The screen, and what lies over it.
        what: String,
    },
    /// To be given the stick.
    Take,
    /// To have the stick back.
    Release,
    /// Nothing more: the seat is empty.
    Leave,
    /// Whether the process may be suspended.
    Suspend,
}

/// What everybody on the socket may know at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Public {
    /// Who commands.
    pub(super) stick: Option<Holder>,
    /// The flight is over, with this exit code.
    pub(super) ended: Option<u8>,
}

/// What the flight says of itself, which does not change.
#[derive(Debug, Clone, Default)]
pub(super) struct Plate {
    pub(super) flight: String,
    pub(super) server: String,
    pub(super) log: Option<PathBuf>,
}

/// The desk of one flight.
#[derive(Debug)]
pub(super) struct Desk {
    plate: Plate,
    stick: Stick,
    joined: BTreeMap<Seat, String>,
    public: watch::Sender<Public>,
    last_sample: Option<At>,
}

impl Desk {
    pub(super) fn new(plate: Plate, stick: Stick) -> Desk {
        let public = watch::Sender::new(Public { stick: stick.holder(), ended: None });
        Desk { plate, stick, joined: BTreeMap::new(), public, last_sample: None }
    }

    /// What everybody may know, as it changes.
    pub(super) fn public(&self) -> watch::Receiver<Public> {
        self.public.subscribe()
    }

    /// A full sample has arrived.
    pub(super) fn sampled(&mut self, at: At) {
        self.last_sample = Some(at);
    }

    /// Tells everybody that the flight is over and its log closed.
    pub(super) fn ended(&self, exit: u8) {
        self.public.send_modify(|public| public.ended = Some(exit));
    }

    /// What follows from a question: inputs for the engine, and the answer to be given once it has handled them.
    pub(super) fn hear(
        &mut self,
        at: At,
        cockpit: &Cockpit,
        from: &Speaker,
        ask: Ask,
    ) -> (Vec<Input>, Reply) {
        let mut inputs = Vec::new();
        let reply = match ask {
            Ask::Join => {
                self.joined.insert(from.seat, from.operator.clone());
                ok("joined")
            }
            Ask::Status => Reply::Status(Box::new(self.status(at, cockpit))),
            Ask::Say { text, .. } if text.trim() == "status" => {
                Reply::Status(Box::new(self.status(at, cockpit)))
            }
            Ask::Say { text, take } => match parse(&text, cockpit, from) {
                Ok(command) => self.order(at, cockpit, from, command, take, &mut inputs),
                Err(reason) => refused(reason),
            },
            Ask::Order { command, take } => self.order(at, cockpit, from, command, take, &mut inputs),
            // Written by the loop, which has the log.
            Ask::Shown { .. } => ok("noted"),
            Ask::Take => {
                let moved = self.stick.take(at, from);
                self.passed(moved, &mut inputs);
                ok("you have the stick")
            }
            Ask::Release => match self.stick.release(from.seat) {
                Some(moved) => {
                    self.passed(Some(moved), &mut inputs);
                    ok("the stick is given back")
                }
                None => refused("you do not have the stick"),
            },
            Ask::Leave => {
                self.joined.remove(&from.seat);
                let moved = self.stick.release(from.seat);
                self.passed(moved, &mut inputs);
                ok("left")
            }
            Ask::Suspend => match why_not_suspended(at, cockpit) {
                Some(why) => {
                    let note = format!("not suspended (SIGTSTP, Ctrl-Z): {why}");
                    inputs.push(input(from, Command::Mark { note: note.clone() }));
                    refused(note)
                }
                None => ok("it may be suspended"),
            },
        };
        (inputs, reply)
    }

    fn order(
        &mut self,
        at: At,
        cockpit: &Cockpit,
        from: &Speaker,
        mut command: Command,
        take: bool,
        inputs: &mut Vec<Input>,
    ) -> Reply {
        if let Command::Plan(Will::Answer { person, .. }) = &mut command {
            // Who opens a gate is told by the system, not by who asks.
            *person = from.person();
        }
        if let Command::Stick { .. } = command {
            return refused("the stick is not passed by an order: take it, or give it back");
        }
        // What cannot be done is no reason to take the stick from anybody.
        if let Err(reason) = cockpit.may_at(at, &command) {
            return refused(reason);
        }
        let moved = match take {
            true => Ok(self.stick.take(at, from)),
            false => self.stick.may_command(at, from),
        };
        match moved {
            Ok(moved) => self.passed(moved, inputs),
            Err(reason) => return refused(reason),
        }
        let said = command.to_string();
        inputs.push(input(from, command));
        ok(said)
    }

    /// The stick moved: that is on the timeline, and everybody may know.
    fn passed(&self, moved: Option<Moved>, inputs: &mut Vec<Input>) {
        let Some(moved) = moved else { return };
        let command = Command::Stick { holder: moved.holder, taken_from: moved.from };
        inputs.push(Input::Command(Request { by: None, command }));
        self.public.send_modify(|public| public.stick = self.stick.holder());
    }

    fn status(&self, at: At, cockpit: &Cockpit) -> Status {
        let guard = cockpit.brake().state();
        let is_blind = guard.is_some_and(|(state, _)| *state == GuardState::Blind);
        let target = cockpit.target();
        let victims = target.map(|target| u32::try_from(target.victims.len()).unwrap_or(u32::MAX));
        Status {
            at_ms: at.ms(),
            flight: self.plate.flight.clone(),
            server: self.plate.server.clone(),
            log: self.plate.log.clone(),
            sample_age_ms: self.last_sample.map(|last| at.ms_since(last)),
            guard: guard.map(|(state, _)| word(*state).to_owned()),
            sentence: guard.map(|(_, sentence)| sentence.clone()),
            target: target.map(|target| described(target, cockpit)),
            victims: victims.filter(|_| !is_blind),
            stop: cockpit
                .brake()
                .stop()
                .map(|stop| StopStatus { stop: stop.id().0, pid: stop.attempt().backend.pid.0 }),
            exit: cockpit.exit_code(),
            stick: self.stick.holder(),
            plan: cockpit.steps().map(plan_status),
            joined: self.joined.values().cloned().collect(),
        }
    }
}

/// The command that a text means.
fn parse(text: &str, cockpit: &Cockpit, from: &Speaker) -> Result<Command, String> {
    match text.trim() {
        "end" => Ok(Command::End { reason: format!("ended by {}", from.operator) }),
        text => Command::parse(text, cockpit, None),
    }
}

/// A command as the engine gets it.
fn input(by: &Speaker, command: Command) -> Input {
    Input::Command(Request { by: Some(by.operator.clone()), command })
}

/// A process that is suspended guards nothing and leaves its sessions alone with the server.
fn why_not_suspended(at: At, cockpit: &Cockpit) -> Option<&'static str> {
    let brake = cockpit.brake();
    let is_shadow = brake.state().is_some_and(|(state, _)| *state == GuardState::Shadow);
    if brake.stop().is_some() {
        Some("a stop is under way")
    } else if brake.decides(at) && !is_shadow {
        Some("the flight is armed; disarm it first")
    } else {
        None
    }
}

/// Where a plan is.
fn plan_status(steps: &Steps) -> PlanStatus {
    let plan = &steps.mission().plan;
    let why = match steps.course() {
        Course::Preparing | Course::Flying => None,
        Course::Held { why } | Course::Halted { why, .. } | Course::Over { why, .. } => Some(why.clone()),
    };
    let step = steps.current().and_then(|number| {
        let (step, state) = (plan.steps.get(number)?, steps.states().get(number)?);
        Some(StepStatus {
            number: number + 1,
            id: step.id.clone(),
            stage: state.stage,
            reason: state.reason.clone(),
            attempts: state.attempts,
        })
    });
    let offers = steps.offers().iter().zip(1_usize..).filter(|(offer, _)| offer.stage != Stage::Done);
    PlanStatus {
        name: plan.name.clone(),
        course: steps.course().word().to_owned(),
        why,
        steps: plan.steps.len(),
        step,
        asks: steps.question().map(|(_, question)| question.to_owned()),
        left: offers.map(|(offer, number)| format!("cleanup {number}: {}", offer.sql)).collect(),
    }
}

fn described(target: &Target, cockpit: &Cockpit) -> TargetStatus {
    let story = target.story(cockpit.catalog());
    let lock = story.lock;
    TargetStatus {
        pid: target.pid().0,
        application: story.application,
        role: story.role,
        kind: story.kind,
        relation: lock.as_ref().map(|lock| lock.relation.clone()),
        mode: lock.as_ref().map(|lock| lock.mode.clone()),
        granted: lock.as_ref().map(|lock| lock.granted),
        strong: story.strong,
    }
}

fn word(state: GuardState) -> &'static str {
    match state {
        GuardState::Watching => "watching",
        GuardState::Shadow => "shadow",
        GuardState::Armed => "armed",
        GuardState::Tripped => "tripped",
        GuardState::Blind => "blind",
    }
}

fn ok(text: impl Into<String>) -> Reply {
    Reply::Ok { text: text.into() }
}

fn refused(reason: impl Into<String>) -> Reply {
    Reply::Refused { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::story::{Story, armed};
    use crate::engine::testing::jam;

    fn desk() -> Desk {
        Desk::new(Plate::default(), Stick::new(0, Some("alice")))
    }

    fn bob() -> Speaker {
        let (operator, account) = ("bob".to_owned(), "robert".to_owned());
        Speaker { seat: Seat::Guest(1), operator, account, stays: true }
    }

    fn say(text: &str, take: bool) -> Ask {
        Ask::Say { text: text.to_owned(), take }
    }

    #[test]
    fn what_is_refused_reaches_no_engine() {
        let (mut desk, cockpit) = (desk(), Cockpit::default());
        for ask in
            [say("disarm", false), say("pause", true), say("fly", true), say("mark ", true), say("", true)]
        {
            let (inputs, reply) = desk.hear(At::default(), &cockpit, &bob(), ask.clone());
            assert!(matches!(reply, Reply::Refused { .. }) && inputs.is_empty(), "{ask:?}: {reply:?}");
        }
        assert_eq!(desk.stick.holder().map(|holder| holder.operator).as_deref(), Some("alice"));
    }

    #[test]
    fn a_stick_that_is_taken_is_announced_before_what_is_said() {
        let (mut desk, cockpit) = (desk(), Cockpit::default());
        let mut public = desk.public();
        let (inputs, reply) = desk.hear(At::default(), &cockpit, &bob(), say(" disarm ", true));
        let stick = Command::Stick { holder: Some("bob".to_owned()), taken_from: Some("alice".to_owned()) };
        let taken = Input::Command(Request { by: None, command: stick });
        assert_eq!(inputs, [taken, input(&bob(), Command::Disarm)]);
        assert_eq!(reply, ok("disarm"));
        assert!(public.has_changed().expect("the desk lives"));
        assert_eq!(public.borrow_and_update().stick.as_ref().map(|s| &*s.operator), Some("bob"));
        let (inputs, _) = desk.hear(At::default(), &cockpit, &bob(), Ask::Leave);
        assert_eq!(inputs.len(), 1, "the stick of who leaves is given back: {inputs:?}");
        assert_eq!(public.borrow_and_update().stick, None);
    }

    #[test]
    fn an_order_cannot_move_the_stick() {
        let (mut desk, cockpit) = (desk(), Cockpit::default());
        let alice = Speaker::here("alice".to_owned());
        let command = Command::Stick { holder: Some("carol".to_owned()), taken_from: None };
        let (inputs, reply) = desk.hear(At::default(), &cockpit, &alice, Ask::Order { command, take: false });
        assert!(matches!(reply, Reply::Refused { .. }) && inputs.is_empty(), "{reply:?}: {inputs:?}");
    }

    #[test]
    fn an_order_is_weighed_as_of_now_before_the_stick_is_taken_for_it() {
        let mut story = Story::begin(armed());
        story.look(1_000, jam(1));
        let mut desk = desk();
        let mut order = |ms| desk.hear(At::from_ms(ms), &story.cockpit, &bob(), say("arm 102", true));
        let (inputs, reply) = order(5_000);
        assert!(matches!(reply, Reply::Refused { .. }) && inputs.is_empty(), "blind by now: {reply:?}");
        assert_eq!(order(1_100).0.len(), 2, "the stick is taken, and the order given");
    }

    #[test]
    fn who_opens_a_gate_is_told_by_the_system() {
        let (cockpit, mut stage) = (crate::screen::views::planned::gated().cockpit(), desk());
        for claimed in [String::new(), "root@elsewhere".to_owned()] {
            let will = Will::Answer { typed: "app-v2".to_owned(), person: claimed };
            let ask = Ask::Order { command: Command::Plan(will), take: true };
            let (inputs, reply) = stage.hear(At::from_ms(2_000), &cockpit, &bob(), ask);
            assert_eq!(reply, ok("answer app-v2"));
            let person = inputs.iter().find_map(|input| match input {
                Input::Command(Request { command: Command::Plan(Will::Answer { person, .. }), .. }) => {
                    Some(person.clone())
                }
                _ => None,
            });
            assert_eq!(person, Some(format!("robert@{}", crate::remote::host_name())));
        }
        let (_, reply) = stage.hear(At::from_ms(2_000), &cockpit, &bob(), say("status", false));
        let Reply::Status(status) = reply else { panic!("{reply:?}") };
        let plan = status.plan.expect("a plan is flown");
        let step = plan.step.expect("a step is at hand");
        assert_eq!((plan.course.as_str(), plan.steps, step.number), ("flying", 7, 4));
        assert_eq!((step.id.as_str(), step.stage), ("app-v2", Stage::Running));
        assert_eq!(plan.asks.as_deref(), Some("Is app v2 on all hosts?"));
    }
}
