//! What a log costs: bytes, time to write, to open, to seek, to replay.
//!
//! `cargo bench --bench log`; results are in `benches/README.md`. Nothing is asserted.

#[path = "common/table.rs"]
#[allow(dead_code, reason = "each benchmark uses its own part")]
mod table;
#[path = "../tests/support/traffic.rs"]
#[allow(dead_code, reason = "each benchmark uses its own part")]
mod traffic;

use lockpit::clock::FlightClock;
use lockpit::engine::Cockpit;
use lockpit::engine::input::Input;
use lockpit::log::{Batch, Header, Log, Meta, Options};
use traffic::{Server, Traffic};

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.flight");
    let header = Header { flight: [1; 16], sync: [2; 16], utc_us: 0, monotonic_us: 0, meta: Meta::default() };
    let mut log = Log::create(&path, &header, Options { queue_bytes: 1 << 30, queue_batches: 1 << 20, ..Options::default() }).expect("log");
    let mut cockpit = Cockpit::default();
    let mut server = Server::new(Traffic::DEMAND, 7);
    let clock = FlightClock::start();
    let mut handled = Vec::new();
    let mut checkpoints = Vec::new();
    let mut bytes = 0;
    let intro: Vec<_> = server.introduction().into_iter().map(|i| (lockpit::engine::ids::At(0), i)).collect();
    let mut samples = 0;
    let mut queue: std::collections::VecDeque<_> = intro.into();
    let mut json = 0;
    while samples < 1200 {
        let (at, input) = queue.pop_front().unwrap_or_else(|| { samples += 1; server.sample() });
        if log.wants_segment(at) {
            let c = clock.now();
            let cp = cockpit.checkpoint();
            checkpoints.push(clock.now().us_since(c));
            bytes = cp.len();
            if samples > 600 { std::fs::write("/tmp/proto/cp.json", &cp).unwrap(); }
            assert!(log.begin_segment(at, cp));
        }
        let mut batch = Batch::new();
        batch.input(at, &input);
        if matches!(input, Input::Sample(_)) { json += serde_json::to_vec(&input).unwrap().len(); }
        let c = clock.now();
        let effects = cockpit.handle(at, input);
        handled.push(clock.now().us_since(c));
        for e in &effects { batch.intent(at, e); }
        assert!(log.append(batch));
    }
    let s = log.close(lockpit::engine::ids::At(0)).expect("closed");
    println!("bytes {} = {} MB/h; json {}/sample; checkpoint {} us {} bytes; handle p50 {} p99 {}", s.bytes, s.bytes as f64 * 6.0 / 1e6, json/1200,
        table::percentile(&checkpoints, 50), bytes, table::percentile(&handled, 50), table::percentile(&handled, 99));
}
