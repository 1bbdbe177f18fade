//! Masked cuts: no name is in them, and the masked flight decides what the flight decided.

use std::path::Path;

use lockpit::engine::command::{Command, Request as Order};
use lockpit::engine::effect::Effect;
use lockpit::engine::ids::At;
use lockpit::engine::input::{Conn, Input, Link, LinkState};
use lockpit::engine::sample::{PreparedXact, Slot};
use lockpit::engine::settings::Selector;
use lockpit::engine::{Cockpit, ENGINE_VERSION};
use lockpit::log::{Batch, Cursor, Entry, Head, Header, Item, Log, Meta, Options, Reader};

use crate::cut::{cut, entries, replayed, spans};
use crate::program::{RECORDINGS, folder, lockpit, recording};

/// Everything a log says, decoded, in lower case.
fn everything(path: &Path) -> String {
    let head = Head::read(path).expect("a log");
    let mut text = format!("{:?}\n", head.meta);
    let mut reader = Reader::open(path).expect("a log");
    while let Some(item) = reader.next_item().expect("readable") {
        let Item::Entry { entry, .. } = item else { panic!("{item:?}") };
        match entry {
            Entry::Checkpoint(_, state) => {
                text += &String::from_utf8(state).expect("JSON");
                text += &format!("{:?}\n", reader.held());
            }
            other => text += &format!("{other:?}\n"),
        }
    }
    text += &String::from_utf8_lossy(&std::fs::read(path).expect("its bytes"));
    text.to_lowercase()
}

fn turns(path: &Path) -> usize {
    entries(path, At(0), At(u64::MAX)).iter().filter(|entry| matches!(entry, Entry::Input(..))).count()
}

fn intents(path: &Path) -> Vec<Effect> {
    let entries = entries(path, At(0), At(u64::MAX));
    entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Intent(_, effect) => Some(effect),
            _ => None,
        })
        .collect()
}

/// What every planted name begins with; nothing of PostgreSQL's or lockpit's does.
const PLANT: &str = "plant";

/// The recording with planted names in every place that holds one.
fn plant(input: &mut Input, application: &str) {
    let planted = |name: &str| format!("Plant {name}");
    match input {
        Input::Begin(begin) => {
            begin.engine = ENGINE_VERSION;
            begin.server = "plantlogin@plant-db.example,10.77.0.9:5433/shop".to_owned();
            begin.operator = Some("plantpilot".to_owned());
            begin.settings.target = match &begin.settings.target {
                Selector::Application(pattern) => Selector::Application(format!("Plant ({pattern})")),
                other => other.clone(),
            };
        }
        Input::Attached(attached) => attached.rights.role_name = "plantlogin".to_owned(),
        Input::Names(names) => {
            names.roles.push((lockpit::engine::ids::Oid(10), String::new()));
            names.roles.iter_mut().for_each(|(oid, name)| *name = format!("plantrole{oid}"));
        }
        Input::Text(text) => {
            text.normalised += &format!(" /* OWNER TO plantrole10, \"{application}\" */");
        }
        Input::Sample(sample) => {
            for (n, backend) in sample.backends.iter_mut().enumerate() {
                if !backend.application.is_empty() && backend.application != "psql" {
                    backend.application = planted(&backend.application).into();
                }
                backend.client = Some(format!("10.77.{}.{}", n / 200, n % 200 + 1).into());
            }
            let (xid, owner, database) = (7, lockpit::engine::ids::Oid(10), lockpit::engine::ids::Oid(5));
            let prepared = sample.server_now;
            sample.prepared.push(PreparedXact { xid, gid: "plantgid".to_owned(), prepared, owner, database });
            if let Some(slow) = &mut sample.slow {
                slow.senders.iter_mut().for_each(|sender| sender.application = planted(&sender.application));
                let (logical, active, restart_lsn, wal_status) = (false, true, None, None);
                let name = "plant_slot".to_owned();
                slow.slots.push(Slot { name, logical, active, restart_lsn, wal_status });
            }
        }
        Input::Command(order) => order.by = order.by.as_ref().map(|_| "plantpilot".to_owned()),
        _ => {}
    }
}

/// Words about planted names, which stand in no field of their own.
fn asides(at: At, application: &str) -> Vec<(At, Input)> {
    let note = format!("PLANTPILOT asked plantrole10 on plant-db.example about \"{application}\"");
    let by = Some("plantguest".to_owned());
    let why = "10.77.99.99:5433 (plantlogin): no answer from plant-db.example, nor [10.77.98.98]".to_owned();
    let (conn, state) = (Conn::Watchdog, LinkState::Lost { why });
    vec![
        (at, Input::Command(Order { by: by.clone(), command: Command::Mark { note } })),
        (
            at,
            Input::Command(Order {
                by: by.clone(),
                command: Command::Stick { holder: by, taken_from: None },
            }),
        ),
        (at, Input::Link(Link { conn, state })),
    ]
}

/// Flies the recording `name` again with planted names, and records that.
fn planted(name: &str, path: &Path) {
    let begins_at = Head::read(&recording(name)).expect("a log");
    let header = Header {
        flight: [7; 16],
        sync: [8; 16],
        boot: *b"plant boot id ..",
        utc_us: begins_at.utc_us,
        monotonic_us: 1,
        meta: Meta {
            server: "plantlogin@plant-db.example,10.77.0.9:5433/shop".to_owned(),
            database: Some("shop".to_owned()),
            ..Meta::default()
        },
    };
    let options = Options { queue_bytes: 1 << 30, queue_batches: 1 << 20, ..Options::default() };
    let mut log = Log::create(path, &header, options).expect("a log");
    let mut cockpit = Cockpit::default();
    let inputs: Vec<(At, Input)> = entries(&recording(name), At(0), At(u64::MAX))
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Input(at, input) => Some((at, input)),
            _ => None,
        })
        .collect();
    let application = inputs.iter().find_map(|(_, input)| match input {
        Input::Sample(sample) => {
            let names = sample.backends.iter().map(|backend| backend.application.as_str());
            names.rev().find(|name| !name.is_empty() && *name != "psql").map(|name| format!("Plant {name}"))
        }
        _ => None,
    });
    let application = application.expect("an application");
    let last = inputs.last().expect("an input").0;
    let (third, half) = (inputs.len() / 3, inputs.len() / 2);
    for (n, (at, mut input)) in inputs.into_iter().enumerate() {
        plant(&mut input, &application);
        let more = if n == third || n == half { asides(at, &application) } else { Vec::new() };
        for (at, input) in more.into_iter().chain([(at, input)]) {
            if log.wants_segment(at) {
                assert!(log.begin_segment(at, cockpit.checkpoint()));
            } else if log.wants_state() {
                assert!(log.state(at, cockpit.state()));
            }
            let mut batch = Batch::new();
            batch.input(at, &input);
            cockpit.handle(at, input).iter().for_each(|effect| batch.intent(at, effect));
            if n == half {
                batch.event(
                    at,
                    &serde_json::json!({ "shown": format!("details of {application}"), "to": "plantguest" }),
                );
                batch
                    .event(at, &serde_json::json!({ "literals": [{ "pid": 1, "values": ["plantsecret"] }] }));
            }
            assert!(log.append(batch));
        }
    }
    log.close(last).expect("closed");
}

#[test]
fn no_name_is_left_in_a_masked_cut_and_the_masked_flight_decides_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in RECORDINGS {
        let log = dir.path().join(format!("{name}.flight"));
        planted(name, &log);
        assert_eq!(turns(&log), turns(&recording(name)) + 6);
        for (n, (from, to)) in spans(&log).into_iter().enumerate() {
            let (open, masked) =
                (dir.path().join(format!("{name}-{n}-open")), dir.path().join(format!("{name}-{n}-masked")));
            cut(std::slice::from_ref(&log), from, to, false, &open);
            cut(std::slice::from_ref(&log), from, to, true, &masked);
            let (left, hidden) = (everything(&open), everything(&masked));
            assert!(left.contains(PLANT) && left.contains("10.77."), "{name} {n}: nothing was planted");
            for what in [PLANT, "10.77."] {
                let at = hidden.find(what).unwrap_or(0);
                let around = hidden.get(at.saturating_sub(200)..hidden.len().min(at + 100));
                assert!(!hidden.contains(what), "{name} {n}: {around:?}");
            }
            assert_eq!(intents(&masked), intents(&open), "{name} {n}");
            assert_eq!(turns(&masked), turns(&open), "{name} {n}");
            replayed(&masked);
            // Every segment is a place to begin at.
            let mut cursor = Cursor::open(&masked).expect("a log");
            for segment in cursor.segments().to_vec() {
                let seek = cursor.seek(segment.first_at).expect("a place");
                Cockpit::restore(&seek.state, seek.held).expect("an engine");
            }
        }
    }
}

#[test]
fn equal_names_stay_equal_different_ones_different_and_known_tools_keep_theirs() {
    let dir = tempfile::tempdir().expect("a folder");
    let (log, masked, again) = (dir.path().join("log"), dir.path().join("masked"), dir.path().join("again"));
    planted("tripped", &log);
    cut(std::slice::from_ref(&log), At(0), At(u64::MAX), true, &masked);
    cut(std::slice::from_ref(&log), At(0), At(u64::MAX), true, &again);
    let all = |path: &Path| {
        // Literals that were kept are in none of the masked ones.
        let mut all = entries(path, At(0), At(u64::MAX));
        all.retain(|entry| !matches!(entry, Entry::Event(..)));
        all
    };
    assert_eq!(all(&masked), all(&again), "masking is no matter of chance");
    let mut masks = std::collections::BTreeMap::new();
    let mut names = std::collections::BTreeMap::new();
    let mut samples = 0;
    for (before, after) in all(&log).into_iter().zip(all(&masked)) {
        let (Entry::Input(_, Input::Sample(before)), Entry::Input(_, Input::Sample(after))) = (before, after)
        else {
            continue;
        };
        samples += 1;
        for (before, after) in before.backends.into_iter().zip(after.backends) {
            let (name, mask) = (before.application, after.application);
            assert_eq!(masks.entry(name.clone()).or_insert(mask.clone()), &mask);
            assert_eq!(names.entry(mask.clone()).or_insert(name.clone()), &name);
            assert!(mask.is_empty() || mask == "psql" || mask.starts_with("app-"), "{mask}");
            assert!(after.client.is_some_and(|client| client.starts_with("client-")));
        }
    }
    assert!(samples > 10 && masks.len() > 1, "{samples} samples, {masks:?}");
}

#[test]
fn a_masked_cut_says_so_and_so_does_a_cut_of_it() {
    let dir = folder(&["tripped"]);
    let cut = |from: &str, file: &str, more: &[&str]| {
        let args = [&["logs", "export", from, "--from", "+0s", "--to", "+1h", "-o", file], more].concat();
        let ran = lockpit(dir.path(), &args);
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
        ran.out
    };
    assert!(cut("tripped.flight", "a.flight", &["--mask"]).contains("names masked"));
    cut("a.flight", "b.flight", &[]);
    for file in ["a.flight", "b.flight"] {
        let cut = Head::read(&dir.path().join(file)).expect("a log").meta.expect("META").cut.expect("a cut");
        assert!(cut.is_masked, "{file}");
        let ran = lockpit(dir.path(), &["replay", "--headless", file]);
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{file}");
        assert!(ran.out.lines().any(|line| line.contains("names masked")), "{file}");
    }
}
