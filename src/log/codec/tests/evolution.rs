//! Segments of other releases.

use super::*;
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::{BackendKind, State};

/// The schema of this release after `edit`.
fn schema(edit: impl FnOnce(&mut Schema)) -> Schema {
    let mut schema = Schema::current();
    edit(&mut schema);
    schema
}

fn decoder(schema: &Schema) -> Decoder {
    Decoder::new(&serde_json::to_vec(schema).expect("JSON")).expect("a schema")
}

/// Renames a column: to this release, one it knows is missing and one it does not know is there.
fn rename(schema: &mut Schema, table: &str, column: &str) {
    let tables = &mut schema.frames[0].tables;
    let table = tables.iter_mut().find(|of| of.name == table).expect("a table");
    let column = table.columns.iter_mut().find(|of| of.0 == column).expect("a column");
    column.0.push_str("_of_a_later_release");
}

/// `sample`, written by this release and read as if its schema were another.
fn read_as(sample: &Sample, schema: &Schema) -> Sample {
    let mut out = Vec::new();
    Encoder::new().sample(sample, &mut out);
    let mut decoder = decoder(schema);
    decoder.sample(&out).expect("a sample");
    decoder.last_sample().expect("a sample").clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_column_unknown_here_is_skipped_and_one_that_is_missing_is_unknown(segment in segment().boxed()) {
        let schema = schema(|schema| {
            rename(schema, "backends", "wait_event");
            rename(schema, "backends", "backend_xid");
            rename(schema, "sample", "idle");
            rename(schema, "senders", "replay_lag_us");
        });
        let payloads = payloads(&mut Encoder::new(), &segment);
        let mut expected = segment;
        let inputs = expected.inputs.iter_mut().filter_map(|input| match input {
            Input::Sample(sample) => Some(&mut **sample),
            _ => None,
        });
        let forget = |slow: &mut SlowFacts| slow.senders.iter_mut().for_each(|sender| sender.replay_lag_us = None);
        for sample in inputs.chain(expected.sample.as_deref_mut()) {
            for backend in &mut sample.backends {
                (backend.wait_event, backend.backend_xid) = (None, None);
            }
            sample.counts.idle = 0;
            sample.slow.as_deref_mut().map(forget);
        }
        expected.slow.as_deref_mut().map(forget);
        read_back(&mut decoder(&schema), &expected, &payloads)?;
    }

    #[test]
    fn columns_may_stand_in_another_order_and_be_coded_otherwise(segment in segment().boxed()) {
        let schema = schema(|schema| {
            for table in schema.frames.iter_mut().flat_map(|frame| &mut frame.tables) {
                table.columns.reverse();
                for (_, kind) in table.columns.iter_mut().filter(|(_, kind)| kind != "symbol") {
                    *kind = "plain".to_owned();
                }
            }
        });
        let payloads = payloads(&mut Encoder::with(&schema).expect("a schema"), &segment);
        read_back(&mut decoder(&schema), &segment, &payloads)?;
    }

    #[test]
    fn tables_of_a_later_release_are_skipped(segment in segment().boxed()) {
        let schema = schema(|schema| {
            for frame in &mut schema.frames {
                let mut more = frame.tables[0].clone();
                more.name = "new".to_owned();
                frame.tables.push(more);
            }
        });
        let payloads = payloads(&mut Encoder::with(&schema).expect("a schema"), &segment);
        read_back(&mut decoder(&schema), &segment, &payloads)?;
    }
}

#[test]
fn a_table_by_another_name_is_skipped_and_its_rows_are_missing() {
    let sample = a_sample();
    let renamed = schema(|schema| {
        for table in &mut schema.frames[0].tables {
            if ["locks", "blockers", "progress"].contains(&table.name.as_str()) {
                table.name.push('2');
            }
        }
    });
    let read = read_as(&sample, &renamed);
    assert!(!sample.locks.is_empty() && read.locks.is_empty());
    assert!(!sample.prepared.is_empty() && read.prepared == sample.prepared);
    assert_eq!(read.edges.len(), sample.edges.len());
    assert!(read.edges.iter().all(|edge| edge.blockers.is_empty()));
    assert!(read.slow.is_some_and(|slow| slow.progress.is_empty()));
}

#[test]
fn words_unknown_here_never_make_a_danger_smaller() {
    let mut sample = a_sample();
    sample.locks.truncate(1);
    sample.locks[0].object = LockObject::Transaction { xid: 7 };
    sample.locks[0].mode = LockMode::AccessShareLock;
    sample.backends.truncate(1);
    sample.backends[0].state = State::Fastpath;
    sample.backends[0].kind = BackendKind::Autovacuum;
    let mut out = Vec::new();
    Encoder::new().sample(&sample, &mut out);
    for (word, other) in [
        ("transaction", "advisory_ng"),
        ("AccessShareLock", "AccessShareLoc2"),
        ("fastpath function call", "fastpath function cal2"),
        ("autovacuum", "autovacuu2"),
    ] {
        let told = [&[word.len() as u8], word.as_bytes()].concat();
        let at = out.windows(told.len()).position(|bytes| bytes == told).expect("the word");
        out[at + 1..at + told.len()].copy_from_slice(other.as_bytes());
    }
    let mut decoder = Decoder::new(&Encoder::schema()).expect("a schema");
    decoder.sample(&out).expect("a sample");
    let read = decoder.last_sample().expect("a sample");
    let object = LockObject::Other { locktype: "advisory_ng".into(), database: Default::default() };
    assert_eq!((&read.locks[0].object, read.locks[0].mode), (&object, LockMode::AccessExclusiveLock));
    assert_eq!((read.backends[0].state, read.backends[0].kind), (State::None, BackendKind::Other));
}

#[test]
fn a_schema_that_cannot_be_used_says_why() {
    let said = |edit: fn(&mut Schema)| {
        let json = serde_json::to_vec(&schema(edit)).expect("JSON");
        Decoder::new(&json).expect_err("unusable").to_string()
    };
    let unknown = said(|schema| schema.frames[0].tables[0].columns[0].1 = "wavelet".to_owned());
    assert!(unknown.contains("sample.server_now is coded as `wavelet`"), "{unknown}");
    let later = said(|schema| schema.frames[0].tables[0].columns[0].1 = "near total".to_owned());
    assert!(later.contains("`near total`"), "{later}");
    let none = said(|schema| schema.frames[0].tables[0].columns.clear());
    assert!(none.contains("must have 1 to 64 columns"), "{none}");
    let many = said(|schema| {
        let column = schema.frames[0].tables[0].columns[0].clone();
        schema.frames[0].tables[0].columns = vec![column; 65];
    });
    assert!(many.contains("must have 1 to 64 columns"), "{many}");
    assert!(Decoder::new(b"{}").is_err());
    assert!(Decoder::new(b"").is_err());
}
