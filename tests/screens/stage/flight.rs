//! The flight that is recorded.

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use super::shop::Shop;
use crate::support::{LONG, Program};

/// A flight in the air. Dropped, it is killed.
pub(super) struct Flight(Program);

impl Flight {
    /// Takes off as `role`, over the whole of the shop or what `args` say, and waits for its first look. Nothing
    /// of this machine is in its log: operator and label are given.
    pub(super) async fn start(shop: &Shop, role: &str, log: &Path, args: &[&str]) -> Flight {
        let conninfo = format!("{} user={role}", shop.db.conninfo());
        let log = log.to_str().expect("a path of this test");
        let mut all = vec!["attach", &conninfo, "--headless", "--record", log, "--operator", "alice"];
        all.extend(["--label", "PROD"]);
        all.extend(args);
        let flight = Flight(Program::lockpit(all));
        flight.line("the first look", |line| line["type"] == "sample").await;
        flight
    }

    /// Takes off as `dba` with a plan, and waits until it is under way.
    pub(super) async fn fly(shop: &Shop, plan: &Path, log: &Path, args: &[&str]) -> Flight {
        let conninfo = format!("{} user=dba", shop.db.conninfo());
        let (plan, log) = (plan.to_str().expect("a path"), log.to_str().expect("a path of this test"));
        let mut all = vec!["run", plan, &conninfo, "--headless", "--record", log, "--operator", "alice"];
        all.extend(["--label", "PROD"]);
        all.extend(args);
        let flight = Flight(Program::lockpit(all));
        flight.line("the first step", |line| line["type"] == "step").await;
        flight
    }

    /// Waits until it ends by itself: its exit code.
    pub(super) async fn ends(mut self) -> i32 {
        self.0.exit(LONG).await
    }

    /// The first line that `wanted` accepts, now or later.
    pub(super) async fn line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.0.line(what, LONG, wanted).await
    }

    /// Waits until the flight itself has seen `ms` go by.
    pub(super) async fn sees(&self, ms: u64) {
        let at = |line: &Value| line["at_ms"].as_u64().unwrap_or(0);
        let until = self.0.lines().last().map_or(0, at) + ms;
        self.line("time to go by", |line| line["type"] == "sample" && at(line) >= until).await;
    }

    /// Waits until a sample has at least so many clients waiting.
    pub(super) async fn sees_waiting(&self, count: usize) {
        let waiting = |line: &Value| line["waiting"].as_u64().and_then(|n| usize::try_from(n).ok());
        self.line("the queue", |line| waiting(line).is_some_and(|waiting| waiting >= count)).await;
    }

    /// Ends it as Ctrl-C does.
    pub(super) async fn land(mut self) {
        self.0.signal(Signal::INT);
        self.0.exit(LONG).await;
    }
}
