//! One program, from its start to its end.
//!
//! Owns its process group: who ends it ends its children too. First it is asked to end, later it is killed.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// How much of what it wrote last is kept, in bytes.
const TAIL_BYTES: usize = 4_096;
/// How long it has to end when asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long is read on once it has ended: what it has started may hold its output open for ever.
const LAST_LINES: Duration = Duration::from_millis(500);

/// A program to be run.
pub(super) struct Job {
    /// With its arguments; the first word is the program.
    pub(super) command: Vec<String>,
    /// Variables over those of lockpit.
    pub(super) environment: Vec<(String, String)>,
    /// What it gets to read.
    pub(super) input: Option<String>,
    /// How long it may run.
    pub(super) limit: Option<Duration>,
}

/// How a program ended.
pub(super) struct Ended {
    /// Its exit code, or why there is none.
    pub(super) end: Result<i32, String>,
    /// The last it wrote.
    pub(super) output: String,
}

impl Job {
    /// Runs it until it ends; it is ended when its limit is over, or when `ended` is sent or dropped.
    pub(super) async fn run(self, ended: oneshot::Receiver<()>) -> Ended {
        let Some((program, arguments)) = self.command.split_first() else {
            return Ended { end: Err("the plan names no program".to_owned()), output: String::new() };
        };
        let mut command = Command::new(program);
        command.args(arguments).envs(self.environment).process_group(0).kill_on_drop(true);
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let end = Err(format!("{program} could not be started: {error}"));
                return Ended { end, output: String::new() };
            }
        };
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input) {
            // One that does not read is no failure.
            tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
        }
        let tail = Tail::default();
        let reading = [
            child.stdout.take().map(|stdout| tokio::spawn(tail.clone().read(stdout))),
            child.stderr.take().map(|stderr| tokio::spawn(tail.clone().read(stderr))),
        ];
        let end = waited(&mut child, self.limit, ended).await;
        let _ = tokio::time::timeout(LAST_LINES, async {
            for reader in reading.into_iter().flatten() {
                let _ = reader.await;
            }
        })
        .await;
        Ended { end, output: tail.text() }
    }
}

async fn waited(
    child: &mut Child,
    limit: Option<Duration>,
    ended: oneshot::Receiver<()>,
) -> Result<i32, String> {
    // Of a child that was not waited for yet: nobody else can have its number.
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let over = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let why = tokio::select! {
        biased;
        status = child.wait() => return code(status),
        _ = ended => "it was ended".to_owned(),
        () = over => format!("it ran longer than {} ms, and was ended", limit.unwrap_or_default().as_millis()),
    };
    let signal = |signal| group.map(|group| kill_process_group(group, signal));
    signal(Signal::TERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        signal(Signal::KILL);
        let _ = child.wait().await;
        return Err(format!("{why}, by force"));
    }
    Err(why)
}

fn code(status: std::io::Result<ExitStatus>) -> Result<i32, String> {
    use std::os::unix::process::ExitStatusExt as _;
    let status = status.map_err(|error| format!("how it ended could not be read: {error}"))?;
    status.code().ok_or_else(|| match status.signal() {
        Some(signal) => format!("it was ended by signal {signal}"),
        None => "it ended without an exit code".to_owned(),
    })
}

/// The last that was written to several streams, in the order in which it came.
#[derive(Debug, Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    async fn read(self, mut stream: impl AsyncRead + Unpin) {
        let mut chunk = [0; TAIL_BYTES];
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&chunk[..read]);
            let surplus = kept.len().saturating_sub(TAIL_BYTES);
            kept.drain(..surplus);
        }
    }

    /// From the first whole line on, where more was written than is kept.
    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = match kept.iter().position(|byte| *byte == b'\n') {
            Some(line) if kept.len() == TAIL_BYTES && line + 1 < kept.len() => line + 1,
            _ => 0,
        };
        String::from_utf8_lossy(&kept[begin..]).trim_end().to_owned()
    }
}
