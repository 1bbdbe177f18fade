//! What a log costs: bytes, time to write, to open, to go anywhere, to replay, to verify, and memory.
//!
//! `cargo bench --bench log [-- --only size|encode|day|real] [--keep DIR]`; method and results are in
//! `benches/README.md`. Nothing is asserted but that what is read is what was written.
#![allow(clippy::print_stdout, reason = "a benchmark's result goes to whoever runs it")]

#[path = "log/anatomy.rs"]
mod anatomy;
#[path = "log/baseline.rs"]
mod baseline;
#[path = "common/mod.rs"]
mod common;
#[path = "log/made.rs"]
mod made;
#[path = "log/memory.rs"]
mod memory;
#[path = "log/reading.rs"]
mod reading;
#[path = "log/real.rs"]
mod real;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anatomy::Anatomy;
use baseline::Baseline;
use common::{argument, proc, table};
use made::{Made, Plan, fly};
use real::{Habit, Recorded};
use support::traffic::Traffic;
use table::percentile;

const HOUR: u32 = 7_200;
const DEMAND: Plan = Plan {
    name: "7 %",
    traffic: Traffic::DEMAND,
    samples: HOUR,
    keeps_literals: false,
    is_measured: false,
    has_baseline: true,
};

fn main() {
    if let Some(work) = argument::<String>(memory::ARGUMENT) {
        let path: PathBuf = std::env::args().next_back().expect("a file").into();
        println!("{}", memory::read(&work, &path));
        return;
    }
    let own = tempfile::tempdir().expect("a directory");
    let dir = argument::<PathBuf>("--keep").unwrap_or_else(|| own.path().to_owned());
    let only = argument::<String>("--only");
    let wants = |part: &str| only.as_deref().is_none_or(|only| only == part);
    println!("{}", proc::machine());
    let mut numbers = Numbers::default();
    if wants("size") {
        sizes(&dir, &mut numbers);
    }
    if wants("encode") {
        encode(&dir, &mut numbers);
    }
    if wants("day") {
        day(&dir, &mut numbers);
    }
    if wants("real") {
        let window = Duration::from_secs(argument("--seconds").unwrap_or(180));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        for (name, habit) in [("short", Habit::Short), ("thinking", Habit::Thinking)] {
            match runtime.block_on(real::record(&dir, habit, window)) {
                Some(recorded) => real_sizes(name, &recorded, &mut numbers),
                None => println!("SKIPPED: pgbench or PostgreSQL 15 is not on this machine"),
            }
        }
    }
    numbers.print();
}

/// What was demanded and what was measured.
#[derive(Default)]
struct Numbers(Vec<Vec<String>>);

impl Numbers {
    /// Adds a number that is to be at most `demand`.
    fn at_most(&mut self, what: &str, unit: &str, demand: f64, measured: f64) {
        self.add(what, format!("<= {demand} {unit}"), format!("{measured:.2}"), measured <= demand);
    }

    /// Adds a number that is to be at least `demand`.
    fn at_least(&mut self, what: &str, unit: &str, demand: f64, measured: f64) {
        self.add(what, format!(">= {demand} {unit}"), format!("{measured:.0}"), measured >= demand);
    }

    fn add(&mut self, what: &str, demand: String, measured: String, is_met: bool) {
        let verdict = if is_met { "met" } else { "MISSED" };
        self.0.push(vec![what.to_owned(), demand, measured, verdict.to_owned()]);
    }

    fn print(&self) {
        table::print("Demanded and measured", &["number", "demand", "measured", ""], &self.0);
    }
}

/// Bytes of an hour of each kind of traffic.
fn sizes(dir: &Path, numbers: &mut Numbers) {
    let traffic = |churn_permille, every_ms| Traffic { churn_permille, every_ms, ..Traffic::DEMAND };
    let plans = [
        (DEMAND, 8.0),
        (Plan { name: "35 %", traffic: traffic(350, 500), ..DEMAND }, 20.0),
        (Plan { name: "10 Hz, same activity", traffic: traffic(14, 100), samples: 5 * HOUR, ..DEMAND }, 20.0),
        (Plan { name: "7 %, literals kept", keeps_literals: true, ..DEMAND }, 25.0),
    ];
    let mut rows = Vec::new();
    for (plan, demand) in plans {
        let made = fly(&dir.join("size.flight"), plan);
        std::fs::remove_file(&made.path).expect("removed");
        numbers.at_most(
            &format!("size, {}", plan.name),
            "MB/h",
            demand,
            mb_per_hour(made.anatomy.bytes, made.seconds),
        );
        rows.push(size_row(
            plan.name,
            f64::from(plan.samples),
            made.seconds,
            made.changed_percent,
            &made.anatomy,
            &made.baseline,
        ));
    }
    print_sizes("An hour of 500 made-up sessions", &rows);
}

fn size_row(
    name: &str,
    samples: f64,
    seconds: f64,
    changed_percent: f64,
    anatomy: &Anatomy,
    baseline: &Baseline,
) -> Vec<String> {
    let per_hour = |bytes| format!("{:.1}", mb_per_hour(bytes, seconds));
    let over = |bytes: u64| format!("{:.0}x", bytes as f64 / anatomy.bytes as f64);
    let (plain, packed) = (baseline.plain_bytes, baseline.packed_bytes);
    let mut row = vec![
        name.to_owned(),
        format!("{changed_percent:.0} %"),
        format!("{:.0}", anatomy.bytes as f64 / samples),
        format!("{:.2}", mb_per_hour(anatomy.bytes, seconds)),
        format!("{} ({})", per_hour(packed), over(packed)),
        format!("{} ({})", per_hour(plain), over(plain)),
    ];
    row.extend(anatomy.shares());
    row
}

fn print_sizes(title: &str, rows: &[Vec<String>]) {
    let parts: Vec<String> = Anatomy::names().into_iter().map(|part| format!("{part} %")).collect();
    let mut head = vec!["traffic", "rows changed", "B/sample", "MB/h", "JSON + zstd MB/h", "JSON lines MB/h"];
    head.extend(parts.iter().map(String::as_str));
    table::print(title, &head, rows);
}

/// Times of writing, each turn by itself: on this disk, and on none.
fn encode(dir: &Path, numbers: &mut Numbers) {
    let memory = tempfile::tempdir_in("/dev/shm").ok();
    let places = [("a disk", Some(dir)), ("memory", memory.as_ref().map(tempfile::TempDir::path))];
    let mut rows = Vec::new();
    for (place, dir) in places {
        let Some(dir) = dir else { continue };
        let made = fly(&dir.join("encode.flight"), Plan { is_measured: true, samples: HOUR / 4, ..DEMAND });
        std::fs::remove_file(&made.path).expect("removed");
        let written = &made.written_ns;
        numbers.at_most(&format!("write a turn to {place}, mean"), "us", 120.0, mean_us(written));
        numbers.at_most(&format!("write a turn to {place}, p99"), "us", 250.0, us(written, 99));
        let bare = &made.written_bare_ns;
        numbers.at_most(&format!("the same without checkpoints, {place}, mean"), "us", 120.0, mean_us(bare));
        numbers.at_most(&format!("the same without checkpoints, {place}, p99"), "us", 250.0, us(bare, 99));
        let mut add = |what: &str, ns: &[u64]| {
            let cell = |us: f64| format!("{us:.0}");
            let cells = [cell(mean_us(ns)), cell(us(ns, 50)), cell(us(ns, 99)), cell(us(ns, 100))];
            rows.push([vec![format!("{what}, {place}")], cells.to_vec()].concat());
        };
        add("writing thread", written);
        add("writing thread, no checkpoint", bare);
        add("flight's thread, recording", &made.recorded_ns);
        add("flight's thread, engine", &made.handled_ns);
        add("JSON line", &made.baseline.plain_ns);
        add("JSON line + zstd", &made.baseline.packed_ns);
        println!("checkpoint: {} bytes of JSON", made.state_bytes);
    }
    table::print("Thread time a turn with a sample, us", &["what", "mean", "p50", "p99", "worst"], &rows);
}

/// Reading of twelve hours.
fn day(dir: &Path, numbers: &mut Numbers) {
    let path = dir.join("day.flight");
    let samples = argument("--samples").unwrap_or(12 * HOUR);
    if !path.exists() {
        let plan = Plan { name: "12 h", samples, has_baseline: false, ..DEMAND };
        let Made { anatomy, seconds, .. } = fly(&path, plan);
        println!("12 h: {} bytes in {seconds:.0} s of flight", anatomy.bytes);
    }
    let anatomy = Anatomy::of(&path);
    numbers.at_most("size, 12 h", "MB", 100.0, anatomy.bytes as f64 / 1e6);

    let (torn, broken) = (dir.join("torn.flight"), dir.join("broken.flight"));
    reading::cut(&path, &torn);
    reading::damage(&path, &broken);
    let mut rows = Vec::new();
    for (what, path, demand_ms) in
        [("closed", &path, 5.0), ("cut off", &torn, 5.0), ("way back broken", &broken, 50.0)]
    {
        let opened = reading::open(path);
        let (first, last) = (us(&opened.first_ns, 50) / 1e3, us(&opened.last_ns, 50) / 1e3);
        numbers.at_most(&format!("open to the first sample, {what}"), "ms", demand_ms, first);
        numbers.at_most(&format!("open to the last sample, {what}"), "ms", demand_ms, last);
        let cold = |percent| format!("{:.1}", percentile(&opened.cold_us, percent) as f64 / 1e3);
        let ms = |ms: f64| format!("{ms:.2}");
        let worst = us(&opened.first_ns, 100) / 1e3;
        rows.push(vec![what.to_owned(), ms(first), ms(worst), ms(last), cold(50), cold(100)]);
    }
    let head = ["log of 12 h", "first sample", "worst", "last sample", "first, cold, by the clock", "worst"];
    table::print("Opening, ms (median of 15)", &head, &rows);

    let sought = reading::seek(&path);
    let mut rows = Vec::new();
    for (what, ns) in [("with the engine", &sought.engine_ns), ("decoding only", &sought.decode_ns)] {
        numbers.at_most(&format!("go anywhere {what}, p50"), "ms", 1.0, us(ns, 50) / 1e3);
        numbers.at_most(&format!("go anywhere {what}, p99"), "ms", 2.0, us(ns, 99) / 1e3);
        let cell = |percent| format!("{:.2}", us(ns, percent) / 1e3);
        rows.push(vec![what.to_owned(), cell(50), cell(99), cell(100)]);
    }
    table::print("Going to 1,000 places, ms", &["how", "p50", "p99", "worst"], &rows);
    println!(
        "the engine equals one from the beginning at {} of {} places",
        sought.n_equal, sought.n_compared
    );

    let (decoded, played) = (reading::decode(&path), reading::play(&path));
    numbers.at_least("replay, decoding only", "samples/s", 80_000.0, decoded.per_second());
    numbers.at_least("replay with the engine", "samples/s", 80_000.0, played.per_second());
    println!(
        "{} samples decoded in {} ms, replayed in {} ms",
        decoded.samples,
        decoded.ns / 1_000_000,
        played.ns / 1_000_000
    );
    numbers.at_most("verify 12 h", "ms", 250.0, us(&reading::verified(&path), 50) / 1e3);
    let peaks = memory::peaks(&path);
    let rows: Vec<Vec<String>> =
        peaks.iter().map(|(what, kib)| vec![(*what).to_owned(), mib(*kib)]).collect();
    table::print("Memory at most, MiB", &["reading 12 h", "VmHWM"], &rows);
    for (what, kib) in &peaks[1..] {
        numbers.at_most(&format!("memory: {what}"), "MiB", 32.0, *kib as f64 / 1024.0);
    }
}

fn real_sizes(name: &str, recorded: &Recorded, numbers: &mut Numbers) {
    let Recorded { anatomy, baseline, seconds, samples, changed_percent, .. } = recorded;
    // The demand is for two samples a second: a flight that looked less often, because a sample is dear, says nothing.
    if *seconds <= *samples as f64 * 0.6 {
        let size = mb_per_hour(anatomy.bytes, *seconds);
        numbers.at_most(&format!("size, real pgbench, {name} transactions"), "MB/h", 14.0, size);
    } else {
        println!("sampled every {:.1} s: the demand does not apply", seconds / *samples as f64);
    }
    let row =
        size_row(&format!("pgbench, {name}"), *samples as f64, *seconds, *changed_percent, anatomy, baseline);
    print_sizes("A real server", &[row]);
    println!(
        "{samples} samples in {seconds:.0} s: {:.0} sessions, {:.0} rows and {:.0} waiting on average; {} texts; \
         lockpit {:.2} ms of CPU a sample",
        recorded.sessions, recorded.rows_per_sample, recorded.waiting, recorded.texts, recorded.cpu_ms
    );
}

fn mb_per_hour(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 * 3_600.0 / seconds / 1e6
}

fn mean_us(ns: &[u64]) -> f64 {
    ns.iter().sum::<u64>() as f64 / ns.len().max(1) as f64 / 1e3
}

/// A percentile of nanoseconds, in microseconds.
fn us(ns: &[u64], percent: usize) -> f64 {
    percentile(ns, percent) as f64 / 1e3
}

fn mib(kib: u64) -> String {
    format!("{:.1}", kib as f64 / 1_024.0)
}
