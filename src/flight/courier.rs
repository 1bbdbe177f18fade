//! The way of an order to the runner: what begins work goes behind the disk.
//!
//! Owns the rule that an attempt is on disk before it runs, so that whoever resumes the flight knows of it. A disk that
//! is too slow, or fails, does not stop a flight that has said so: the wait has an end. A stop never waits: it takes
//! back an attempt that has not left yet.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::engine::input::{Input, Outcome};
use crate::engine::plan::order::{News, Order, TryEnd};

/// How long work waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// An order, and what resolves once it is durable, or will not be.
pub(super) type Parcel = (Order, Option<oneshot::Receiver<()>>);

/// Whether an order begins something that a resumed flight has to know of.
pub(super) fn begins_work(order: &Order) -> bool {
    matches!(order, Order::Try(_) | Order::Program { .. })
}

/// Carries orders until the flight drops its end.
pub(super) async fn carry(
    mut parcels: mpsc::UnboundedReceiver<Parcel>,
    runner: mpsc::UnboundedSender<Order>,
    inputs: mpsc::Sender<Input>,
) {
    let mut waiting: VecDeque<Parcel> = VecDeque::new();
    loop {
        let next = match waiting.pop_front() {
            Some(parcel) => Some(parcel),
            None => parcels.recv().await,
        };
        let Some((order, durable)) = next else { return };
        if let Some(durable) = durable
            && taken_back(&order, durable, &mut parcels, &mut waiting).await
        {
            if let Order::Try(order) = &order {
                let end = TryEnd::NotBegun("it was stopped before it began".to_owned());
                let news = News::Tried { number: order.number, end, took_us: 0 };
                let _ = inputs.send(Input::Outcome(Outcome::Run(Box::new(news)))).await;
            }
            continue;
        }
        // It ends with the flight only.
        let _ = runner.send(order);
    }
}

/// Waits until the order is durable; true when it was stopped meanwhile.
async fn taken_back(
    order: &Order,
    mut durable: oneshot::Receiver<()>,
    parcels: &mut mpsc::UnboundedReceiver<Parcel>,
    waiting: &mut VecDeque<Parcel>,
) -> bool {
    let deadline = tokio::time::sleep(PATIENCE);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            biased;
            parcel = parcels.recv() => match (parcel, order) {
                (Some((Order::Stop { number }, _)), Order::Try(order)) if number == order.number => return true,
                (Some(parcel), _) => waiting.push_back(parcel),
                (None, _) => return true,
            },
            _ = &mut durable => return false,
            () = &mut deadline => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::order::{Try, Unit, Way};

    fn attempt(number: u32) -> Order {
        Order::Try(Box::new(Try {
            number,
            unit: Unit { step: 0, item: 0, part: 0, way: Way::Do },
            transaction: true,
            first: Vec::new(),
            lock_timeout_ms: None,
            lock_budget_ms: None,
            statement_timeout_ms: None,
            weak: false,
            sql: None,
        }))
    }

    struct Line {
        parcels: mpsc::UnboundedSender<Parcel>,
        orders: mpsc::UnboundedReceiver<Order>,
        inputs: mpsc::Receiver<Input>,
    }

    fn line() -> Line {
        let (parcels, from) = mpsc::unbounded_channel();
        let (to, orders) = mpsc::unbounded_channel();
        let (sender, inputs) = mpsc::channel(8);
        tokio::spawn(carry(from, to, sender));
        Line { parcels, orders, inputs }
    }

    #[tokio::test]
    async fn an_attempt_leaves_once_it_is_durable_or_will_not_be_and_in_its_order() {
        let mut line = line();
        let (written, durable) = oneshot::channel();
        line.parcels.send((attempt(1), Some(durable))).expect("it is carried");
        line.parcels.send((Order::Items { step: 3 }, None)).expect("it is carried");
        tokio::task::yield_now().await;
        assert!(line.orders.try_recv().is_err(), "the disk comes first");
        drop(written);
        assert_eq!(line.orders.recv().await, Some(attempt(1)));
        assert_eq!(line.orders.recv().await, Some(Order::Items { step: 3 }));
    }

    #[tokio::test]
    async fn a_stop_takes_back_what_waits_for_the_disk_and_that_is_answered() {
        let mut line = line();
        let (_written, durable) = oneshot::channel();
        line.parcels.send((attempt(7), Some(durable))).expect("it is carried");
        line.parcels.send((Order::Stop { number: 7 }, None)).expect("it is carried");
        let Some(Input::Outcome(Outcome::Run(news))) = line.inputs.recv().await else { panic!("an answer") };
        assert!(matches!(*news, News::Tried { number: 7, end: TryEnd::NotBegun(_), .. }));
        line.parcels.send((Order::Items { step: 0 }, None)).expect("it is carried");
        assert_eq!(line.orders.recv().await, Some(Order::Items { step: 0 }), "nothing of it has left");
    }
}
