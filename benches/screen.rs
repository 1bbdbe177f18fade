//! What a screen costs: the time until it shows something, bytes to the terminal, time for a frame, CPU and memory.
//!
//! `cargo bench --bench screen [-- --seconds N] [--waiters N]`; method and results are in `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a benchmark's result goes to whoever runs it")]

#[path = "common/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::crowd::Crowd;
use common::proc;
use common::table::{self, ms, percentile, seconds};
use lockpit::clock::FlightClock;
use lockpit::demo::server::ServerOptions;
use lockpit::engine::ids::At;
use lockpit::screen::action::Seat;
use lockpit::screen::glyphs::GlyphSet;
use lockpit::screen::keymap::Keymap;
use lockpit::screen::playback::Playback;
use lockpit::screen::shown::{Origin, Shown};
use lockpit::screen::theme::{ColourDepth, Theme};
use lockpit::screen::ui::{Ui, View};
use lockpit::screen::views;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use support::{Cluster, LONG, versions, wait_until};

const MAJOR: u32 = 15;
const CLIENTS: usize = 2_000;
const WAITERS: [usize; 2] = [100, 1_000];
const WARM_UP: Duration = Duration::from_secs(7);
const STARTS: usize = 9;
const FRAMES: usize = 50;
const SIZE: (u16, u16) = (200, 50);
/// What ends a frame: the end of a synchronized update.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// Client CPU ms in 30 s, RSS KiB, terminal bytes a refresh, at 2,000 connections and 100 waiters; milliseconds to the
/// first data at 40 connections.
const RIVALS: [(&str, u64, u64, u64, u64); 5] = [
    ("pg_activity 3.6.2, running, 0.5 s", 1_580, 46_900, 14_300, 305),
    ("pg_activity 3.6.2, blocking, 0.5 s", 200, 47_100, 2_800, 305),
    ("pgcenter, activity, 1 s", 430, 32_800, 1_400, 147),
    ("pg_glimpse 0.7.1, blocking, 1 s", 470, 9_200, 900, 56),
    ("pgmon 0.8.1, activity, 0.5 s", 400, 13_300, 400, 117),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let window = Duration::from_secs(common::argument("--seconds").unwrap_or(30));
    let waiters = common::argument("--waiters").map_or(WAITERS.to_vec(), |waiters| vec![waiters]);
    runtime.block_on(bench(window, &waiters));
}

async fn bench(window: Duration, waiters: &[usize]) {
    if !versions().iter().any(|version| version.major == MAJOR) {
        println!("SKIPPED: the rivals were measured on PostgreSQL {MAJOR}, which is not on this machine");
        return;
    }
    let options = ServerOptions::default().set("max_connections", "2500").set("shared_buffers", "128MB");
    let cluster = Cluster::fresh(MAJOR, options);
    let db = cluster.database("bench").await;
    let crowd = Crowd::gather(&db, CLIENTS).await;
    println!("{}; PostgreSQL {}; {CLIENTS} clients", proc::machine(), cluster.server().binaries().version());
    let folder = tempfile::tempdir().expect("a folder");
    let (mut flights, mut frames) = (Vec::new(), Vec::new());
    for &n_waiters in waiters {
        let queue = crowd.queue(n_waiters, "migration").await;
        let mut first_us = Vec::new();
        for _ in 0..STARTS {
            let shown = Shot::fly(&db.conninfo(), &["--no-record"], folder.path());
            first_us.push(shown.until_data().await);
            shown.land();
        }
        for view in [View::Cockpit, View::Activity] {
            let log = folder.path().join(format!("{n_waiters}-{}.flight", view.name()));
            let record = log.to_str().expect("a path").to_owned();
            let shown =
                Shot::fly(&db.conninfo(), &["--interval", "500ms", "--record", &record], folder.path());
            shown.until_data().await;
            let key = View::ALL.iter().position(|known| *known == view).map_or(0, |at| at + 1);
            shown.press(&key.to_string());
            tokio::time::sleep(WARM_UP).await;
            let (bytes, drawn) = shown.sent();
            let cpu_ms = shown.cpu_ms();
            tokio::time::sleep(window).await;
            let (bytes, drawn) = (shown.sent().0 - bytes, shown.sent().1 - drawn);
            let cpu_ms = shown.cpu_ms() - cpu_ms;
            let rss_kib = proc::peak_rss_kib(shown.flight()).expect("it lives");
            shown.land();
            let refreshes = window.as_secs() * 2;
            flights.push(vec![
                n_waiters.to_string(),
                view.name().to_owned(),
                ms(percentile(&first_us, 50)),
                ms(percentile(&first_us, 100)),
                (bytes / refreshes.max(1)).to_string(),
                format!("{}.{}", drawn * 10 / window.as_secs() / 10, drawn * 10 / window.as_secs() % 10),
                seconds(cpu_ms),
                format!("{}.{}", rss_kib / 1_024, rss_kib % 1_024 * 10 / 1_024),
            ]);
        }
        frames.extend(frame_times(&folder.path().join(format!("{n_waiters}-cockpit.flight")), n_waiters));
        queue.dissolve(&crowd).await;
    }
    let title = format!(
        "A live screen of {}x{}, --interval 500ms, recorded, over {} s",
        SIZE.0,
        SIZE.1,
        window.as_secs()
    );
    let head = [
        "waiters",
        "screen",
        "first data ms",
        "worst",
        "tty bytes/refresh",
        "frames/s",
        "client CPU s",
        "peak RSS MiB",
    ];
    table::print(&title, &head, &flights);
    table::print(
        &format!("One frame of {}x{}, ms, {FRAMES} frames", SIZE.0, SIZE.1),
        &["waiters", "screen", "median", "p95"],
        &frames,
    );
    let rivals: Vec<Vec<String>> = RIVALS
        .iter()
        .map(|&(name, cpu_ms, rss_kib, bytes, first_ms)| {
            let rss = format!("{}.{}", rss_kib / 1_024, rss_kib % 1_024 * 10 / 1_024);
            vec![name.to_owned(), first_ms.to_string(), bytes.to_string(), seconds(cpu_ms), rss]
        })
        .collect();
    let head = ["tool, view, refresh", "first data ms", "tty bytes/refresh", "client CPU s/30 s", "RSS MiB"];
    table::print("Other tools, 100 waiters (measured earlier on a like machine)", &head, &rivals);
}

/// lockpit on a pty.
struct Shot {
    pid: u32,
    began: FlightClock,
    heard: Arc<Mutex<Heard>>,
    keys: Mutex<Box<dyn std::io::Write + Send>>,
    child: Mutex<Box<dyn portable_pty::Child + Send + Sync>>,
    _pty: Box<dyn portable_pty::MasterPty + Send>,
}

#[derive(Default)]
struct Heard {
    bytes: u64,
    frames: u64,
    tail: Vec<u8>,
    screen: Option<vt100::Parser>,
    data_us: Option<u64>,
}

impl Shot {
    fn fly(conninfo: &str, args: &[&str], home: &Path) -> Shot {
        let size = PtySize { rows: SIZE.1, cols: SIZE.0, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lockpit"));
        command.args(["attach", conninfo]);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env("HOME", home);
        command.env("LOCKPIT_RUN_DIR", home);
        command.cwd(home);
        let began = FlightClock::start();
        let child = pty.slave.spawn_command(command).expect("lockpit starts");
        drop(pty.slave);
        let heard = Arc::new(Mutex::new(Heard {
            screen: Some(vt100::Parser::new(
                SIZE.1.try_into().expect("rows"),
                SIZE.0.try_into().expect("columns"),
                0,
            )),
            ..Heard::default()
        }));
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let keys = Mutex::new(pty.master.take_writer().expect("a writer"));
        let into = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut chunk = [0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                into.lock().expect("no panic").take(&chunk[..read], began);
            }
        });
        let pid = child.process_id().expect("a pid");
        Shot { pid, began, heard, keys, child: Mutex::new(child), _pty: pty.master }
    }

    /// Microseconds from the start until the screen shows a sample.
    async fn until_data(&self) -> u64 {
        wait_until("data on the screen", LONG, async || {
            self.heard.lock().expect("no panic").data_us.ok_or_else(|| "none".to_owned())
        })
        .await
    }

    /// Bytes and frames so far.
    fn sent(&self) -> (u64, u64) {
        let heard = self.heard.lock().expect("no panic");
        (heard.bytes, heard.frames)
    }

    /// The process that flies: the one that was started waits for it, so that the flight can outlive its terminal.
    fn flight(&self) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", self.pid);
        let children = std::fs::read_to_string(children).expect("it lives");
        children
            .split_whitespace()
            .next()
            .and_then(|pid| pid.parse().ok())
            .expect("it has started the flight")
    }

    /// What both have used, in milliseconds.
    fn cpu_ms(&self) -> u64 {
        [self.pid, self.flight()].into_iter().map(|pid| proc::cpu_ms(pid).expect("it lives")).sum()
    }

    fn press(&self, keys: &str) {
        self.keys.lock().expect("no panic").write_all(keys.as_bytes()).expect("keys arrive");
    }

    fn land(self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it lives");
        let _ = self.child.lock().expect("no panic").wait();
        let _ = self.began;
    }
}

impl Heard {
    fn take(&mut self, bytes: &[u8], began: FlightClock) {
        self.bytes += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        self.frames +=
            self.tail.windows(FRAME_END.len()).filter(|window| *window == FRAME_END).count() as u64;
        let keep = self.tail.len().saturating_sub(FRAME_END.len() - 1);
        self.tail.drain(..keep);
        if let Some(screen) = &mut self.screen {
            screen.process(bytes);
            // Once there is data the model would only cost time.
            if screen.screen().contents().contains(" s old") {
                self.data_us = Some(began.now().0);
                self.screen = None;
            }
        }
    }
}

/// The time of one frame of each screen, at the end of a recorded flight.
fn frame_times(log: &Path, n_waiters: usize) -> Vec<Vec<String>> {
    let mut playback = Playback::open(log).expect("the log").surveyed();
    let end = playback.findings().end();
    playback.go(At(end.0.saturating_sub(1_000_000))).expect("a place near the end");
    let (theme, keymap) = (Theme::standard(ColourDepth::Ansi16), Keymap::default());
    let glyphs = GlyphSet::Full.glyphs();
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
    let mut taken_us: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for _ in 0..FRAMES {
        for view in View::ALL {
            let ui = Ui { view, ..Ui::default() };
            let picture = playback.picture();
            let shown = Shown {
                cockpit: &picture.cockpit,
                live: &picture.cockpit,
                history: &picture.history,
                literals: &picture.literals,
                now: playback.now(),
                origin: Origin::Replay(&playback),
                frozen_ms: None,
                seat: Seat::Replay,
                may_detach: false,
                ui: &ui,
                theme: &theme,
                glyphs,
                keymap: &keymap,
            };
            let clock = FlightClock::start();
            let mut page = 0;
            terminal.draw(|frame| page = views::draw(frame, &shown).page).expect("a frame");
            assert!(page > 0, "a page has rows");
            taken_us.entry(view.name()).or_default().push(clock.now().0);
        }
    }
    taken_us
        .into_iter()
        .map(|(name, us)| {
            vec![n_waiters.to_string(), name.to_owned(), ms(percentile(&us, 50)), ms(percentile(&us, 95))]
        })
        .collect()
}
