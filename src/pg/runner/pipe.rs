//! Requests sent one behind the other, without waiting for answers in between.
//!
//! Owns their order: that in which they were given is that in which the server gets them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// A request that is sent when it is first polled.
pub(super) type Request<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Requests under way, oldest first.
pub(super) struct Pipe<'a, T>(VecDeque<Asked<'a, T>>);

enum Asked<'a, T> {
    Open(Request<'a, T>),
    Answered(T),
}

impl<'a, T: Unpin> Pipe<'a, T> {
    /// Sends all of them.
    pub(super) async fn send(requests: Vec<Request<'a, T>>) -> Pipe<'a, T> {
        let mut requests = Some(requests);
        poll_fn(|context| {
            let sent = requests.take().unwrap_or_default().into_iter().map(|mut request| {
                match request.as_mut().poll(context) {
                    Poll::Ready(answer) => Asked::Answered(answer),
                    Poll::Pending => Asked::Open(request),
                }
            });
            Poll::Ready(Pipe(sent.collect()))
        })
        .await
    }

    /// The next answer; `None` when all are in.
    pub(super) async fn next(&mut self) -> Option<T> {
        match self.0.pop_front()? {
            Asked::Open(request) => Some(request.await),
            Asked::Answered(answer) => Some(answer),
        }
    }
}
