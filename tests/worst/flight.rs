//! A headless flight of the built program, and lockpit's own sessions as the server sees them.

use std::time::Duration;

use lockpit::clock::FlightClock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Actor, LONG, Program, Version, versions, wait_until};

/// A flight in the air. Dropped, its process is killed.
#[derive(Debug)]
pub(crate) struct Flight {
    program: Program,
}

impl Flight {
    /// `lockpit attach --headless --no-record ARGS CONNINFO`, once its first sample is there.
    pub(crate) async fn attach(conninfo: &str, args: &[&str]) -> Flight {
        Flight::attach_with(conninfo, args, |_| {}).await
    }

    /// The same after `setup` has changed the command.
    pub(crate) async fn attach_with(
        conninfo: &str,
        args: &[&str],
        setup: impl FnOnce(&mut Command),
    ) -> Flight {
        let all = ["attach", "--headless", "--no-record"].iter().chain(args).chain([&conninfo]);
        let flight = Flight { program: Program::lockpit_with(all, setup) };
        flight.line("the first sample", |line| line["type"] == "sample").await;
        flight
    }

    /// The first line that `wanted` accepts, now or later.
    pub(crate) async fn line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.program.line(what, LONG, wanted).await
    }

    /// The first line of this type whose text (`text`, `why` or `sentence`) contains `part`.
    pub(crate) async fn says(&self, kind: &str, part: &str) -> Value {
        self.line(&format!("a {kind} line with {part:?}"), |line| {
            line["type"] == kind && text(line).contains(part)
        })
        .await
    }

    /// A sample that was taken after this line.
    pub(crate) async fn sample_after(&self, line: &Value) -> Value {
        let after = line["at_ms"].as_u64();
        assert!(after.is_some(), "a line has its time: {line}");
        self.line("a later sample", |line| line["type"] == "sample" && line["at_ms"].as_u64() > after).await
    }

    /// The last word on a stop.
    pub(crate) async fn last_word(&self) -> Value {
        self.line("the final outcome", |line| line["type"] == "outcome" && line["final"] == true).await
    }

    /// All lines of this type so far.
    pub(crate) fn lines(&self, kind: &str) -> Vec<Value> {
        self.program.lines().into_iter().filter(|line| line["type"] == kind).collect()
    }

    /// Whether a line of this type says `part` already.
    pub(crate) fn said(&self, kind: &str, part: &str) -> bool {
        self.lines(kind).iter().any(|line| text(line).contains(part))
    }

    /// Its output so far, as it was printed.
    pub(crate) fn stdout(&self) -> String {
        self.program.stdout()
    }

    /// Sends a signal to its process.
    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// Waits for its end after an interrupt: the exit code, and the last line, which is the `end`.
    pub(crate) async fn end(self) -> (i32, Value) {
        self.signal(Signal::INT);
        self.ended().await
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> (i32, Value) {
        let exit = self.program.exit(LONG).await;
        let last = self.program.lines().pop().expect("it printed lines");
        assert_eq!(last["type"], "end", "the last line of a flight; stderr: {}", self.program.stderr());
        assert_eq!(last["exit"], exit, "the exit code is in the last line");
        (exit, last)
    }

    /// Waits for the end of a killed process.
    pub(crate) async fn killed(mut self) {
        self.signal(Signal::KILL);
        assert_eq!(self.program.exit(LONG).await, 128 + 9);
    }
}

fn text(line: &Value) -> &str {
    ["text", "why", "sentence"].iter().find_map(|field| line[*field].as_str()).unwrap_or_default()
}

/// Those of these major versions that this machine can run.
pub(crate) fn on(majors: &[u32]) -> impl Iterator<Item = &'static Version> {
    versions().iter().filter(|version| majors.contains(&version.major))
}

/// Pids of lockpit's backends of this kind (`sampler`, `control`, `watchdog`, or all for an empty one) in the
/// observer's database: those of one flight, since every test has its own database.
pub(crate) async fn own_backends(observer: &Actor, kind: &str) -> Vec<i32> {
    let sql = format!(
        "select pid from pg_stat_activity where datname = current_database() \
         and application_name like 'lockpit/{kind}%' order by backend_start"
    );
    observer.rows(&sql).await.iter().map(|pid| pid.parse().expect("a pid")).collect()
}

/// The one backend of this kind.
pub(crate) async fn own_backend(observer: &Actor, kind: &str) -> i32 {
    wait_until(&format!("one {kind} backend"), LONG, async || match own_backends(observer, kind).await[..] {
        [pid] => Ok(pid),
        ref other => Err(format!("{other:?}")),
    })
    .await
}

/// Waits until no backend of lockpit is left in the observer's database.
pub(crate) async fn no_backend_left(observer: &Actor) {
    wait_until("lockpit leaves no backend", LONG, async || match &own_backends(observer, "").await[..] {
        [] => Ok(()),
        left => Err(format!("{left:?}")),
    })
    .await;
}

/// Waits until this backend is gone.
pub(crate) async fn gone(observer: &Actor, pid: i32) {
    wait_until(&format!("the end of pid {pid}"), LONG, async || {
        let left: i64 =
            observer.value(&format!("select count(*) from pg_stat_activity where pid = {pid}")).await;
        if left == 0 { Ok(()) } else { Err("it is there".to_owned()) }
    })
    .await;
}

/// A process of this machine stopped by SIGSTOP; dropped, it goes on.
#[derive(Debug)]
pub(crate) struct Frozen(Pid);

impl Frozen {
    /// Stops the process.
    pub(crate) fn process(pid: i32) -> Frozen {
        let pid = Pid::from_raw(pid).expect("a process id");
        kill_process(pid, Signal::STOP).expect("a signal to a process of this test");
        Frozen(pid)
    }

    /// Stops a backend while it waits for its client: one that is stopped inside a statement may hold an
    /// internal lock of the server, and then nothing at all goes on there.
    pub(crate) async fn idle_backend(observer: &Actor, pid: i32) -> Frozen {
        let idle = format!(
            "select coalesce(bool_and(wait_event = 'ClientRead'), false) from pg_stat_activity where pid = {pid}"
        );
        wait_until("a backend stopped between two statements", LONG, async || {
            let frozen = Frozen::process(pid);
            match tokio::time::timeout(Duration::from_millis(500), observer.value::<bool>(&idle)).await {
                Ok(true) => Ok(frozen),
                Ok(false) => Err("it was in a statement".to_owned()),
                Err(_) => Err("the server hung with it".to_owned()),
            }
        })
        .await
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may be gone by now.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

/// Checks again and again that something stays true for so long; the interval is what is tested.
#[track_caller]
pub(crate) fn stays(
    what: &str,
    duration: Duration,
    mut is_true: impl FnMut() -> bool,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let clock = FlightClock::start();
        while Duration::from_millis(clock.now().ms()) < duration {
            assert!(is_true(), "no longer so: {what} (at {caller})");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
