//! An attempt under way, and the orders that come meanwhile.
//!
//! Owns the cancel requests. After one, nothing is sent on the session until the server has closed its connection and
//! the statement is answered.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::attempt::Attempt;
use super::{Runner, Turn, withdraw};
use crate::engine::input::{Input, Outcome};
use crate::engine::plan::order::{News, Order, Try, TryEnd};
use crate::pg::connect::{CancelError, Canceller};
use crate::pg::stop::Stop;

/// After this long a request that has not ended the attempt is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How long an attempt has to end when the flight is over.
const LAST_WORD: Duration = Duration::from_millis(1_500);

/// A cancel request under way.
type Cancel = Pin<Box<dyn Future<Output = Result<(), CancelError>> + Send>>;

/// What came of an attempt.
enum Came {
    Answered(TryEnd),
    /// The flight is over, and it may go on without it.
    Left,
    /// Whether a cancel request arrived is not known, or nothing followed on it in time.
    Stuck(String),
}

impl Runner {
    /// Runs an attempt to its end, and tells it.
    pub(super) async fn attempt(&mut self, order: Try, stop: &mut Stop) -> Result<(), Turn> {
        let number = order.number;
        let not_begun = |why| News::Tried { number, end: TryEnd::NotBegun(why), took_us: 0 };
        let statements = match self.statements(&order) {
            Ok(statements) => statements,
            Err(why) => {
                self.tell(not_begun(why)).await;
                return Ok(());
            }
        };
        if let Err(failure) = self.line.take_lock().await {
            let why = failure.why();
            self.tell(not_begun(why.clone())).await;
            return self.lost(why).await;
        }
        if let Err(holder) = &self.line.lock {
            self.tell(not_begun(self.who_holds(holder))).await;
            return Ok(());
        }
        let began = self.clock.now();
        let (came, over) = self.watched(&order, &statements, stop).await;
        let took_us = self.clock.now().us_since(began);
        let (end, turn) = match came {
            Came::Answered(TryEnd::Lost(why)) => (TryEnd::Lost(why.clone()), Some(why)),
            Came::Answered(end) => (end, None),
            Came::Left => return Err(Turn::Leave),
            Came::Stuck(why) => (TryEnd::Lost(why.clone()), Some(why)),
        };
        self.tell(News::Tried { number, end: end.clone(), took_us }).await;
        if over {
            // A session that does not answer is given up, not taken leave of.
            return Err(if turn.is_some() { Turn::Leave } else { Turn::Over });
        }
        match turn {
            Some(why) => self.lost(why).await,
            None => self.settle(&end, &statements).await,
        }
    }

    /// Runs it, and stops it when that is ordered; also whether the flight is over.
    async fn watched(&mut self, order: &Try, statements: &[String], stop: &mut Stop) -> (Came, bool) {
        let stopped = AtomicBool::new(false);
        let canceller = self.line.session.canceller();
        let Runner { line, clock, inputs, orders, waiting, .. } = self;
        let attempt = Attempt { line, order, statements, clock: *clock, inputs, stopped: &stopped };
        let work = attempt.run();
        tokio::pin!(work);
        let mut cancel: Option<Cancel> = None;
        let (mut listening, mut over) = (true, false);
        let last_word = tokio::time::sleep(LAST_WORD);
        tokio::pin!(last_word);
        // A request that came between two statements of a transaction hit nothing.
        let again: Option<tokio::time::Sleep> = None;
        tokio::pin!(again);
        let came = loop {
            tokio::select! {
                biased;
                end = &mut work => break Came::Answered(end),
                sent = async { cancel.as_mut().expect("a request").await }, if cancel.is_some() => match sent {
                    Ok(()) => {
                        cancel = None;
                        again.set(Some(tokio::time::sleep(AGAIN_AFTER)));
                    }
                    Err(error) => break Came::Stuck(error.to_string()),
                },
                () = async { again.as_mut().as_pin_mut().expect("a pause").await }, if again.is_some() => {
                    again.set(None);
                    cancel = Some(request(&canceller));
                }
                () = &mut last_word, if over => {
                    break Came::Stuck("it was not over when the flight was".to_owned());
                }
                () = stop.given(), if !over => {
                    if order.weak && !stopped.load(Ordering::Relaxed) {
                        return (Came::Left, true);
                    }
                    over = true;
                    stopped.store(true, Ordering::Relaxed);
                    cancel.get_or_insert_with(|| request(&canceller));
                    last_word.set(tokio::time::sleep(LAST_WORD));
                }
                order_now = orders.recv(), if listening => match order_now {
                    Some(Order::Stop { number }) if number == order.number => {
                        if !stopped.swap(true, Ordering::Relaxed) {
                            cancel = Some(request(&canceller));
                        }
                    }
                    Some(Order::Stop { number }) => {
                        if let Some(news) = withdraw(waiting, number) {
                            let _ = inputs.send(Input::Outcome(Outcome::Run(Box::new(news)))).await;
                        }
                    }
                    Some(other) => waiting.push_back(other),
                    None => listening = false,
                },
            }
        };
        // The answer may have crossed the request.
        if let (Came::Answered(end), Some(cancel)) = (&came, cancel)
            && !matches!(end, TryEnd::Lost(_))
            && let Err(error) = cancel.await
        {
            return (Came::Stuck(error.to_string()), over);
        }
        (came, over)
    }
}

fn request(canceller: &Canceller) -> Cancel {
    let canceller = canceller.clone();
    Box::pin(async move { canceller.cancel().await })
}
