//! From inputs to payloads.
//!
//! Owns which tables a frame has. Keeps what the reader will know, never more of the flight.

use super::CodecError;
use super::fields::{Row, Written, table_text};
use super::grid::Grid;
use super::host::HostHead;
use super::plan::MAX_ROWS;
use super::rows::{Blocker, SampleHead, SlowHead, WatchHead};
use super::schema::{FrameText, Schema};
use super::words::Intern;
use crate::engine::host::{HostBackend, HostFacts};
use crate::engine::sample::{
    Backend, Edge, Lock, PreparedXact, Progress, Sample, Sender, Slot, SlowFacts, Watch,
};

impl Schema {
    /// What this release writes.
    pub(super) fn current() -> Schema {
        let frame = |name: &str, tables| FrameText { name: name.to_owned(), tables };
        let sample = vec![
            table_text::<SampleHead>(),
            table_text::<Backend>(),
            table_text::<Lock>(),
            table_text::<Edge>(),
            table_text::<Blocker>(),
            table_text::<PreparedXact>(),
            table_text::<SlowHead>(),
            table_text::<Sender>(),
            table_text::<Slot>(),
            table_text::<Progress>(),
        ];
        let watch = vec![table_text::<WatchHead>(), table_text::<Edge>(), table_text::<Blocker>()];
        let host = vec![table_text::<HostHead>(), table_text::<HostBackend>()];
        Schema { frames: vec![frame("sample", sample), frame("watch", watch), frame("host", host)] }
    }
}

/// Writes the payloads of one segment. A [`super::Decoder`] that reads all of them in order stays in step.
#[derive(Debug)]
pub(in crate::log) struct Encoder {
    intern: Intern,
    sample: SampleTables,
    watch: WatchTables,
    host: HostTables,
    body: Vec<u8>,
}

#[derive(Debug)]
struct SampleTables {
    grids: Vec<Grid>,
    head: Written<SampleHead>,
    backends: Written<Backend>,
    locks: Written<Lock>,
    edges: Written<Edge>,
    blockers: Written<Blocker>,
    prepared: Written<PreparedXact>,
    slow: Written<SlowHead>,
    senders: Written<Sender>,
    slots: Written<Slot>,
    progress: Written<Progress>,
}

#[derive(Debug)]
struct WatchTables {
    grids: Vec<Grid>,
    head: Written<WatchHead>,
    edges: Written<Edge>,
    blockers: Written<Blocker>,
}

#[derive(Debug)]
struct HostTables {
    grids: Vec<Grid>,
    head: Written<HostHead>,
    backends: Written<HostBackend>,
}

impl Encoder {
    /// An encoder at the beginning of a segment.
    pub(in crate::log) fn new() -> Encoder {
        Encoder::with(&Schema::current()).expect("the schema of this release can be used by it")
    }

    /// The SCHEMA payload of its segments.
    pub(in crate::log) fn schema() -> Vec<u8> {
        serde_json::to_vec(&Schema::current()).expect("names and kinds are plain JSON")
    }

    /// Whether no table is larger than a reader allows. What does not fit must be logged in another way.
    pub(in crate::log) fn fits(sample: &Sample) -> bool {
        let blockers = sample.edges.iter().map(|edge| edge.blockers.len()).sum();
        fits::<Backend>(sample.backends.len())
            && fits::<Lock>(sample.locks.len())
            && fits::<Edge>(sample.edges.len())
            && fits::<Blocker>(blockers)
            && fits::<PreparedXact>(sample.prepared.len())
    }

    pub(super) fn with(schema: &Schema) -> Result<Encoder, CodecError> {
        let (sample, watch, host) = (schema.frame("sample")?, schema.frame("watch")?, schema.frame("host")?);
        Ok(Encoder {
            intern: Intern::default(),
            sample: SampleTables {
                grids: sample.tables.iter().map(Grid::new).collect(),
                head: Written::new(&sample),
                backends: Written::new(&sample),
                locks: Written::new(&sample),
                edges: Written::new(&sample),
                blockers: Written::new(&sample),
                prepared: Written::new(&sample),
                slow: Written::new(&sample),
                senders: Written::new(&sample),
                slots: Written::new(&sample),
                progress: Written::new(&sample),
            },
            watch: WatchTables {
                grids: watch.tables.iter().map(Grid::new).collect(),
                head: Written::new(&watch),
                edges: Written::new(&watch),
                blockers: Written::new(&watch),
            },
            host: HostTables {
                grids: host.tables.iter().map(Grid::new).collect(),
                head: Written::new(&host),
                backends: Written::new(&host),
            },
            body: Vec::new(),
        })
    }

    /// Appends what was known before the segment. A sample's own slow facts go before `slow`.
    pub(in crate::log) fn keyframe(
        &mut self,
        sample: Option<&Sample>,
        slow: Option<&SlowFacts>,
        out: &mut Vec<u8>,
    ) {
        let slow = sample.and_then(|sample| sample.slow.as_deref()).or(slow);
        self.sample.write(sample, slow, &mut self.intern, &mut self.body);
        self.finish(out);
    }

    /// Appends a sample.
    pub(in crate::log) fn sample(&mut self, sample: &Sample, out: &mut Vec<u8>) {
        self.keyframe(Some(sample), None, out);
    }

    /// Appends a watch.
    pub(in crate::log) fn watch(&mut self, watch: &Watch, out: &mut Vec<u8>) {
        let (tables, intern, body) = (&mut self.watch, &mut self.intern, &mut self.body);
        let grids = &mut tables.grids;
        tables.head.write(&[WatchHead::of(watch)], grids, intern, body);
        tables.edges.write(&watch.oldest, grids, intern, body);
        tables.blockers.write(&Blocker::all(&watch.oldest), grids, intern, body);
        self.finish(out);
    }

    /// Appends a reading of the server's machine.
    pub(in crate::log) fn host(&mut self, host: &HostFacts, out: &mut Vec<u8>) {
        let (tables, intern, body) = (&mut self.host, &mut self.intern, &mut self.body);
        tables.head.write(&[HostHead::of(host)], &mut tables.grids, intern, body);
        tables.backends.write(&host.backends, &mut tables.grids, intern, body);
        self.finish(out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.intern.tell(out);
        out.append(&mut self.body);
    }
}

impl SampleTables {
    fn write(
        &mut self,
        sample: Option<&Sample>,
        slow: Option<&SlowFacts>,
        intern: &mut Intern,
        body: &mut Vec<u8>,
    ) {
        // In the order of the schema's tables: a column may be told by its difference to an earlier table.
        let grids = &mut self.grids;
        let head: Option<SampleHead> = sample.map(SampleHead::of);
        self.head.write(head.as_slice(), grids, intern, body);
        if let Some(sample) = sample {
            self.backends.write(&sample.backends, grids, intern, body);
            self.locks.write(&sample.locks, grids, intern, body);
            self.edges.write(&sample.edges, grids, intern, body);
            self.blockers.write(&Blocker::all(&sample.edges), grids, intern, body);
            self.prepared.write(&sample.prepared, grids, intern, body);
        }
        if let Some(slow) = slow {
            self.slow.write(&[SlowHead::of(slow)], grids, intern, body);
            self.senders.write(&slow.senders, grids, intern, body);
            self.slots.write(&slow.slots, grids, intern, body);
            self.progress.write(&slow.progress, grids, intern, body);
        }
    }
}

fn fits<R: Row>(rows: usize) -> bool {
    rows <= MAX_ROWS && rows.saturating_mul(R::FIELDS.len()) <= super::grid::MAX_CELLS
}
