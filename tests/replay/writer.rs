//! What the log has acknowledged is on disk, whatever happens to the process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use lockpit::engine::Cockpit;
use lockpit::engine::ids::At;
use lockpit::engine::input::{Command as Order, Input, Request};
use lockpit::log::{Batch, Header, Item, Log, Meta, Options, Reader};

const KILLS: u32 = 100;
const LOG: &str = "LOCKPIT_TEST_LOG";

/// The child: writes as fast as it can and says which records are durable.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(LOG) else { return };
    let header = Header {
        flight: [1; 16],
        sync: [2; 16],
        boot: [3; 16],
        utc_us: 0,
        monotonic_us: 0,
        meta: Meta::default(),
    };
    let ack = Box::new(|seq: u32| {
        // In one write, so that the parent never reads half a number.
        let _ = std::io::stdout().write_all(format!("ack {seq}\n").as_bytes());
    });
    let mut log = Log::create(Path::new(&path), &header, Options { ack: Some(ack), ..Options::default() })
        .expect("a log in the test's folder");
    let mut cockpit = Cockpit::default();
    for n in 0_u64.. {
        let at = At::from_ms(n * 250);
        if log.wants_segment(at) {
            log.begin_segment(at, cockpit.checkpoint());
        }
        let input = Input::Command(Request { by: None, command: Order::Mark { note: format!("note {n}") } });
        let mut batch = Batch::new();
        batch.input(at, &input);
        cockpit.handle(at, input);
        // What the queue has no room for is not acknowledged.
        log.append(batch);
    }
}

#[test]
fn every_acknowledged_record_survives_100_kills() {
    let dir = tempfile::tempdir().expect("a folder");
    let this = std::env::current_exe().expect("this test's own program");
    for kill in 0..KILLS {
        let path = dir.path().join(format!("{kill}.flight"));
        let mut child = Command::new(&this)
            .args(["--exact", "writer::child_that_writes_until_it_is_killed", "--nocapture"])
            .env(LOG, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test starts itself");
        let mut acks = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut acknowledged = None;
        let mut hear = |line: std::io::Result<String>| {
            let seq = line.ok().as_deref().and_then(|line| line.strip_prefix("ack ")?.parse::<u32>().ok());
            acknowledged = seq.or(acknowledged);
            seq.is_some()
        };
        // Killed after a number of acknowledgements that differs each time.
        let enough = 1 + kill * 7 % 97;
        let heard = acks.by_ref().filter_map(|line| hear(line).then_some(())).take(enough as usize).count();
        assert_eq!(heard, enough as usize, "it was killed while it wrote");
        child.kill().expect("a child can be killed");
        acks.for_each(|line| {
            hear(line);
        });
        child.wait().expect("a child can be waited for");

        let mut reader = Reader::open(&path).expect("the log is readable");
        let mut last = None;
        while let Some(item) = reader.next_item().expect("the log is readable to its end") {
            match item {
                Item::Entry { seq, .. } => last = Some(seq),
                Item::Damage(damage) => panic!("kill {kill}: damaged: {damage:?}"),
            }
        }
        assert!(last >= acknowledged, "kill {kill}: {last:?} read, {acknowledged:?} acknowledged");
    }
}
