//! Programs on this machine: those that are steps of a plan, and those that are told of events.
//!
//! Owns their processes, each in a group of its own, and the last lines they write. Never a shell, never waits for
//! them: how they ended comes back as an input. No process is left when the flight is over.

mod process;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::clock::FlightClock;
use crate::engine::input::{Input, Outcome};
use crate::engine::plan::order::{News, Order};
use crate::engine::plan::{HookEvent, Plan};
use crate::engine::sample::Fact;
use crate::plan::Script;
use process::{Ended, Job};

/// The programs of a flight.
#[derive(Debug)]
pub struct Programs {
    about: About,
    script: Script,
    clock: FlightClock,
    inputs: mpsc::Sender<Input>,
    /// Ends the program of a step, by number.
    ends: Mutex<BTreeMap<u32, oneshot::Sender<()>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// What programs are told of their flight.
#[derive(Debug, Clone)]
pub struct About {
    /// The flight's name.
    pub flight: String,
    /// The plan's name.
    pub plan: String,
    /// The plan's version.
    pub version: Option<String>,
    /// Its steps, by name.
    pub steps: Vec<String>,
}

impl About {
    /// Of this plan, flown under this name.
    pub fn of(flight: &str, plan: &Plan) -> About {
        About {
            flight: flight.to_owned(),
            plan: plan.name.clone(),
            version: plan.version.clone(),
            steps: plan.steps.iter().map(|step| step.id.clone()).collect(),
        }
    }

    fn step(&self, step: u32) -> &str {
        self.steps.get(step as usize).map_or("", String::as_str)
    }
}

impl Programs {
    /// The programs of `script`, none of which runs.
    pub fn new(about: About, script: Script, clock: FlightClock, inputs: mpsc::Sender<Input>) -> Programs {
        let (ends, tasks) = (Mutex::default(), Mutex::default());
        Programs { about, script, clock, inputs, ends, tasks }
    }

    /// Carries out an order that is about a program; gives any other one back.
    pub fn order(&self, order: Order) -> Option<Order> {
        match order {
            Order::Program { step } => self.start(step),
            Order::EndProgram { step } => {
                // One that is over has nobody who listens.
                self.ends.lock().unwrap_or_else(PoisonError::into_inner).remove(&step);
            }
            Order::Hook { event, step, reason } => self.hooks(event, step, &reason),
            other => return Some(other),
        }
        None
    }

    /// Carries out orders until nobody gives any more; those that are not about a program go on to `session`.
    pub async fn serve(
        self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        session: mpsc::UnboundedSender<Order>,
    ) {
        while let Some(order) = orders.recv().await {
            if let Some(order) = self.order(order) {
                // It ends with the flight only.
                let _ = session.send(order);
            }
        }
        self.over().await;
    }

    /// Ends the programs that run, and waits for those that are told of events, each at most for its limit.
    pub async fn over(self) {
        drop(self.ends);
        let mut tasks = self.tasks.into_inner().unwrap_or_else(PoisonError::into_inner);
        while tasks.join_next().await.is_some() {}
    }

    fn start(&self, step: u32) {
        let command = self.script.steps.get(step as usize).map(|step| step.program.clone());
        let job = Job {
            command: command.unwrap_or_default(),
            environment: vec![
                ("LOCKPIT_FLIGHT".to_owned(), self.about.flight.clone()),
                ("LOCKPIT_STEP".to_owned(), self.about.step(step).to_owned()),
            ],
            input: None,
            limit: None,
        };
        let (end, ended) = oneshot::channel();
        // One that ran for this step before is ended with its sender.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).insert(step, end);
        let inputs = self.inputs.clone();
        self.spawn(async move {
            let Ended { end, output } = job.run(ended).await;
            let end = end.map_or_else(Fact::Missing, Fact::Known);
            tell(&inputs, News::Program { step, end, output }).await;
        });
    }

    fn hooks(&self, event: HookEvent, step: Option<u32>, reason: &str) {
        let told = serde_json::json!({
            "event": event.word(),
            "flight": self.about.flight,
            "plan": self.about.plan,
            "version": self.about.version,
            "step": step.map(|step| self.about.step(step)),
            "reason": reason,
            "at_ms": self.clock.now().ms(),
            "utc_us": crate::clock::utc_us(),
        });
        for hook in self.script.hooks.iter().filter(|hook| hook.on.contains(&event)) {
            let program = hook.command.first().cloned().unwrap_or_default();
            let job = Job {
                command: hook.command.clone(),
                environment: vec![("LOCKPIT_FLIGHT".to_owned(), self.about.flight.clone())],
                input: Some(format!("{told}\n")),
                limit: Some(Duration::from_millis(hook.limit_ms)),
            };
            let inputs = self.inputs.clone();
            self.spawn(async move {
                // Nobody ends it: it has a limit.
                let (_open, ended) = oneshot::channel();
                let Ended { end, output } = job.run(ended).await;
                let why = match end {
                    Ok(0) => return,
                    Ok(code) => format!("it ended with exit code {code}"),
                    Err(why) => why,
                };
                let last = output.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
                tell(&inputs, News::HookFailed { event, program, why: why + &last }).await;
            });
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

async fn tell(inputs: &mpsc::Sender<Input>, news: News) {
    let _ = inputs.send(Input::Outcome(Outcome::Run(Box::new(news)))).await;
}
