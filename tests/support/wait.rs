//! Waiting for something to become true, with a deadline instead of a sleep.

use std::time::Duration;

use lockpit::clock::FlightClock;

/// A deadline for what should take milliseconds: long enough for a busy machine, short enough to be told about.
pub(crate) const LONG: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(10);

/// Looks every 10 ms until `look` returns `Ok`, and returns that. An `Err` says what was seen instead.
///
/// Panics at the deadline with `what` was awaited and what was seen last; a look that hangs is cut off.
#[track_caller]
pub(crate) fn wait_until<T>(
    what: &str,
    deadline: Duration,
    look: impl AsyncFnMut() -> Result<T, String>,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move { waited(what, deadline, look).await.unwrap_or_else(|seen| panic!("{seen} (at {caller})")) }
}

async fn waited<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, String> {
    let clock = FlightClock::start();
    let mut last = "nothing".to_owned();
    loop {
        let left = deadline.saturating_sub(Duration::from_millis(clock.now().ms()));
        match tokio::time::timeout(left, look()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(seen)) => last = seen,
            Err(_) => {
                return Err(format!(
                    "not within {deadline:?}: {what}; seen last: {last}; one more look got no answer"
                ));
            }
        }
        if Duration::from_millis(clock.now().ms()) >= deadline {
            return Err(format!("not within {deadline:?}: {what}; seen last: {last}"));
        }
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test]
async fn a_wait_returns_what_was_found_or_tells_what_was_seen() {
    let mut looks = 0;
    let third = wait_until("the third look", LONG, async || {
        looks += 1;
        if looks == 3 { Ok(looks) } else { Err(format!("look {looks}")) }
    });
    assert_eq!(third.await, 3);

    let short = Duration::from_millis(30);
    let seen = waited("rain", short, async || Err::<(), _>("sun".to_owned())).await.expect_err("no rain");
    assert!(seen.contains("rain") && seen.contains("seen last: sun"), "{seen}");
    let hung = waited("an answer", short, async || std::future::pending::<Result<(), _>>().await).await;
    assert!(hung.expect_err("no answer").contains("got no answer"));
}
