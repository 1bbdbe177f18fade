//! The staged incident: a forgotten report, then a deploy that jams the shop behind it.
//!
//! Owns the order of events and what is said about them. Acts on the shop only; the flight beside it knows
//! nothing of the staging and sees what it would see anywhere.

use std::time::Duration;

use super::shop::{OldReader, Shop, ShopError, Traffic};

/// When things happen, from the start of the flight.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Traffic alone, so that the flight sees what is usual.
    pub calm: Duration,
    /// The report alone, before the deploy.
    pub before_deploy: Duration,
    /// What is left to see once the deploy has ended.
    pub after_deploy: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            calm: Duration::from_secs(3),
            before_deploy: Duration::from_secs(2),
            after_deploy: Duration::from_secs(3),
        }
    }
}

/// How the deploy ended.
#[derive(Debug)]
pub enum Deploy {
    /// It went through: nothing stopped it.
    Done,
    /// It was stopped, or failed.
    Ended(ShopError),
}

/// Plays the incident once; `tell` gets what happens, in sentences.
///
/// # Errors
/// The staging itself failed: the forgotten report could not be opened.
pub async fn play(
    shop: &Shop,
    traffic: &Traffic,
    pace: Pace,
    mut tell: impl AsyncFnMut(String),
) -> Result<Deploy, ShopError> {
    tell("demo: the shop is open, customers read and write".to_owned()).await;
    tokio::time::sleep(pace.calm).await;
    let report = OldReader::open(shop).await?;
    tell(format!("demo: report-job (pid {}) reads orders and forgets its open transaction", report.pid()))
        .await;
    tokio::time::sleep(pace.before_deploy).await;
    tell(
        "demo: deploy runs ALTER TABLE orders without a lock_timeout; every later query on orders queues behind it; \
         the guard waits 3 s here, so that you can watch (0.1 s by default)"
            .to_owned(),
    )
    .await;
    let deploy = match shop.deploy().await {
        Ok(()) => Deploy::Done,
        Err(error) => Deploy::Ended(error),
    };
    let counters = traffic.counters();
    tell(format!(
        "demo: the deploy has ended; {} queries answered so far, the slowest took {} ms",
        counters.queries, counters.slowest_ms
    ))
    .await;
    tokio::time::sleep(pace.after_deploy).await;
    // Left open until here: only the deploy was stopped, the report still holds its lock.
    report.close().await?;
    Ok(deploy)
}
