//! Carries out what the engine asks for.
//!
//! Owns the hold on sampler, control session and watchdog. Never decides anything, and never waits: orders go
//! into queues, and what became of them comes back as inputs.

use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::effect::{DeadMan, Effect, Rung};
use crate::engine::ids::{At, StopId};
use crate::engine::input::{Input, Outcome, RungAnswer};
use crate::flight::courier::{Parcel, begins_work};
use crate::flight::process::Process;
use crate::pg::control::Order;
use crate::pg::sampler::{PaceOrder, SamplerHandle};

/// The flight's hands.
#[derive(Debug)]
pub(super) struct Executor {
    pub(super) sampler: SamplerHandle,
    pub(super) control: mpsc::UnboundedSender<Order>,
    pub(super) watchdog: Option<watch::Sender<Option<DeadMan>>>,
    pub(super) process: Option<Process>,
    /// The session that runs the plan, when one is flown.
    pub(super) runner: Option<mpsc::UnboundedSender<Parcel>>,
    pub(super) inputs: mpsc::Sender<Input>,
}

impl Executor {
    /// Carries out one effect. `durable` resolves once the turn that asked for it is on disk, or will not be.
    pub(super) fn carry_out(&self, at: At, effect: Effect, durable: &mut Option<oneshot::Receiver<()>>) {
        match effect {
            Effect::Pace { sample_every_ms, watch_every_ms } => {
                self.sampler.pace(PaceOrder { sample_every_ms, watch_every_ms });
            }
            Effect::SampleNow => self.sampler.sample_now(),
            Effect::CheckRight { backend, role } => self.order(Order::CheckRight { backend, role }),
            Effect::Stop { stop, rung: rung @ Rung::SignalRunner(_), .. } => {
                self.signal_runner(at, stop, rung);
            }
            Effect::Stop { stop, rung, attempt } => self.order(Order::Stop { stop, rung, attempt }),
            Effect::Observe { aim, stop, attempt, victims, until } => {
                self.order(Order::Observe { aim, stop, attempt, victims, until });
            }
            Effect::AskEnd { backend, xid } => self.order(Order::AskEnd { backend, xid }),
            Effect::Watchdog { guards } => {
                self.order(Order::Heartbeat(guards.is_some()));
                if let Some(watchdog) = &self.watchdog {
                    watchdog.send_replace(guards);
                }
            }
            Effect::Run(order) => {
                if let Some(runner) = &self.runner {
                    let durable = durable.take().filter(|_| begins_work(&order));
                    // It ends with the flight only.
                    let _ = runner.send((*order, durable));
                }
            }
            // The loop sees for itself that the engine is over.
            Effect::End { .. } => {}
        }
    }

    fn order(&self, order: Order) {
        // The control task ends with the flight only.
        let _ = self.control.send(order);
    }

    fn signal_runner(&self, at: At, stop: StopId, rung: Rung) {
        let answer = match &self.process {
            Some(process) => process.terminate(),
            None => RungAnswer::Failed("no runner was named on this machine".to_owned()),
        };
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            let _ = inputs.send(Input::Outcome(Outcome::Rung { stop, rung, answer, sent: at })).await;
        });
    }
}
