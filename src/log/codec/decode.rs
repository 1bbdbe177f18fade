//! From payloads to inputs.
//!
//! Owns the rows as they were told last, and changes them in place. Never goes on after a payload that could not
//! be read.

use super::CodecError;
use super::fields::Binding;
use super::grid::{Grid, Told};
use super::host::HostHead;
use super::plan::Plan;
use super::rows::{Blocker, N_BLOCKERS, SampleHead, SlowHead, WatchHead};
use super::schema::{Frame, Schema};
use super::varint::Bytes;
use super::words::Words;
use crate::engine::host::{HostBackend, HostFacts};
use crate::engine::ids::ServerTime;
use crate::engine::sample::{
    Backend, Counts, DatabaseCounters, Edge, Lock, PreparedXact, Progress, Sample, Sender, Slot, SlowFacts,
    Watch,
};

/// Reads the payloads of one segment, all of them in order.
#[derive(Debug)]
pub(in crate::log) struct Decoder {
    words: Words,
    sample: SampleTables,
    watch: WatchTables,
    host: HostTables,
    broken: bool,
}

impl Decoder {
    /// A decoder at the beginning of a segment with this SCHEMA payload.
    ///
    /// # Errors
    /// [`CodecError::Schema`].
    pub(in crate::log) fn new(schema: &[u8]) -> Result<Decoder, CodecError> {
        let schema = Schema::parse(schema)?;
        Ok(Decoder {
            words: Words::default(),
            sample: SampleTables::new(&schema.frame("sample")?),
            watch: WatchTables::new(&schema.frame("watch")?),
            host: HostTables::new(&schema.frame("host")?),
            broken: false,
        })
    }

    /// Takes in what was known before the segment.
    ///
    /// # Errors
    /// Any but [`CodecError::Schema`]. The segment is then lost from here on.
    pub(in crate::log) fn keyframe(&mut self, payload: &[u8]) -> Result<(), CodecError> {
        self.guarded(|this| this.sample.read(payload, &mut this.words))
    }

    /// Takes in a sample; [`Decoder::last_sample`] then is that one.
    ///
    /// # Errors
    /// Those of [`Decoder::keyframe`].
    pub(in crate::log) fn sample(&mut self, payload: &[u8]) -> Result<(), CodecError> {
        self.guarded(|this| {
            this.sample.read(payload, &mut this.words)?;
            this.sample.known().map(|_| ()).ok_or(CodecError::Malformed("no sample in it"))
        })
    }

    /// Reads a watch.
    ///
    /// # Errors
    /// Those of [`Decoder::keyframe`].
    pub(in crate::log) fn watch(&mut self, payload: &[u8]) -> Result<Watch, CodecError> {
        self.guarded(|this| this.watch.read(payload, &mut this.words))
    }

    /// Reads a reading of the server's machine.
    ///
    /// # Errors
    /// Those of [`Decoder::keyframe`].
    pub(in crate::log) fn host(&mut self, payload: &[u8]) -> Result<HostFacts, CodecError> {
        self.guarded(|this| this.host.read(payload, &mut this.words))
    }

    /// The sample read last, the keyframe's included. Its slow facts are there when it came with them.
    pub(in crate::log) fn last_sample(&self) -> Option<&Sample> {
        self.sample.known().filter(|_| !self.broken)
    }

    /// The slow facts read last, the keyframe's included.
    pub(in crate::log) fn last_slow(&self) -> Option<&SlowFacts> {
        let tables = &self.sample;
        let slow = tables.sample.slow.as_deref().or(tables.slow.as_deref());
        slow.filter(|_| !self.broken && !tables.slow_head.is_empty())
    }

    fn guarded<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        if self.broken {
            return Err(CodecError::Broken);
        }
        let read = read(self);
        self.broken = read.is_err();
        read
    }
}

/// A table that has changed, and how.
struct Change<'a> {
    table: Option<usize>,
    plan: Option<&'a Plan>,
    told: &'a [Told],
    grid: &'a Grid,
    words: &'a Words,
}

impl Change<'_> {
    fn is_of(&self, binding: &Binding) -> bool {
        self.table == binding.table
    }

    /// Brings `rows` up to date if this is their table.
    fn update<R: super::fields::Row>(&self, binding: &Binding, rows: &mut Vec<R>) -> Result<(), CodecError> {
        match self.is_of(binding) {
            true => binding.update(rows, self.plan, self.told, self.grid, self.words),
            false => Ok(()),
        }
    }
}

/// Reads the tables of a payload, one after the other.
fn read_tables(
    payload: &[u8],
    grids: &mut [Grid],
    words: &mut Words,
    mut each: impl FnMut(&Change<'_>) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let mut bytes = Bytes(payload);
    words.learn(&mut bytes)?;
    let mut told = Vec::new();
    let mut next = 0;
    while !bytes.is_empty() {
        let table = usize::try_from(bytes.number()?).ok().filter(|table| *table >= next);
        let table = table.ok_or(CodecError::Malformed("tables out of order"))?;
        let (earlier, rest) = grids.split_at_mut_checked(table).unwrap_or_default();
        let grid = rest.first_mut().ok_or(CodecError::Malformed("a table that the schema does not have"))?;
        let plan = grid.read(earlier, &mut bytes, words, &mut told)?;
        each(&Change { table: Some(table), plan: plan.as_ref(), told: &told, grid, words })?;
        next = table + 1;
    }
    Ok(())
}

/// Edges and their blockers, which are a table of their own.
#[derive(Debug)]
struct Edges {
    edges: Binding,
    blockers: Binding,
    rows: Vec<Blocker>,
    changed: bool,
}

impl Edges {
    fn new(frame: &Frame) -> Edges {
        let (edges, blockers) = (Binding::of::<Edge>(frame), Binding::of::<Blocker>(frame));
        Edges { edges, blockers, rows: Vec::new(), changed: false }
    }

    fn update(&mut self, change: &Change<'_>, edges: &mut Vec<Edge>) -> Result<(), CodecError> {
        self.changed |= change.is_of(&self.edges) || change.is_of(&self.blockers);
        change.update(&self.edges, edges)?;
        change.update(&self.blockers, &mut self.rows)
    }

    /// Gives each edge its blockers.
    fn join(&mut self, edges: &mut [Edge], grids: &[Grid]) -> Result<(), CodecError> {
        let Some(grid) = self.edges.table.and_then(|table| grids.get(table)) else { return Ok(()) };
        if !std::mem::take(&mut self.changed) || self.blockers.table.is_none() {
            return Ok(());
        }
        let mut rest = self.rows.as_slice();
        for (row, edge) in edges.iter_mut().enumerate() {
            let count = self.edges.cell_of(grid, row, N_BLOCKERS).unwrap_or(0);
            let split = usize::try_from(count).ok().and_then(|count| rest.split_at_checked(count));
            let (blockers, others) = split.ok_or(CodecError::Malformed("fewer blockers than edges name"))?;
            edge.blockers.clear();
            edge.blockers.extend(blockers.iter().map(|blocker| blocker.pid));
            rest = others;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct SampleTables {
    grids: Vec<Grid>,
    head: Binding,
    backends: Binding,
    locks: Binding,
    edges: Edges,
    prepared: Binding,
    slow_binding: Binding,
    senders: Binding,
    slots: Binding,
    progress: Binding,
    /// One row once a sample was read.
    sample_head: Vec<SampleHead>,
    /// One row once slow facts were read.
    slow_head: Vec<SlowHead>,
    sample: Sample,
    /// The slow facts, while the sample has none.
    slow: Option<Box<SlowFacts>>,
}

impl SampleTables {
    fn new(frame: &Frame) -> SampleTables {
        SampleTables {
            grids: frame.tables.iter().map(Grid::new).collect(),
            head: Binding::of::<SampleHead>(frame),
            backends: Binding::of::<Backend>(frame),
            locks: Binding::of::<Lock>(frame),
            edges: Edges::new(frame),
            prepared: Binding::of::<PreparedXact>(frame),
            slow_binding: Binding::of::<SlowHead>(frame),
            senders: Binding::of::<Sender>(frame),
            slots: Binding::of::<Slot>(frame),
            progress: Binding::of::<Progress>(frame),
            sample_head: Vec::new(),
            slow_head: Vec::new(),
            sample: Sample {
                server_now: ServerTime(0),
                cost_us: 0,
                round_trip_us: 0,
                counts: Counts::default(),
                backends: Vec::new(),
                locks: Vec::new(),
                edges: Vec::new(),
                prepared: Vec::new(),
                slow: None,
            },
            slow: None,
        }
    }

    fn known(&self) -> Option<&Sample> {
        (!self.sample_head.is_empty()).then_some(&self.sample)
    }

    fn read(&mut self, payload: &[u8], words: &mut Words) -> Result<(), CodecError> {
        let sample = &mut self.sample;
        let mut slow = sample.slow.take().or(self.slow.take()).unwrap_or_else(|| Box::new(no_slow_facts()));
        read_tables(payload, &mut self.grids, words, |change| {
            change.update(&self.head, &mut self.sample_head)?;
            change.update(&self.backends, &mut sample.backends)?;
            change.update(&self.locks, &mut sample.locks)?;
            self.edges.update(change, &mut sample.edges)?;
            change.update(&self.prepared, &mut sample.prepared)?;
            change.update(&self.slow_binding, &mut self.slow_head)?;
            change.update(&self.senders, &mut slow.senders)?;
            change.update(&self.slots, &mut slow.slots)?;
            change.update(&self.progress, &mut slow.progress)
        })?;
        self.edges.join(&mut sample.edges, &self.grids)?;
        if let Some(head) = self.slow_head.first() {
            slow.in_recovery = head.in_recovery;
            slow.checkpointer_start = head.checkpointer_start;
            slow.wal_lsn = head.wal_lsn;
            slow.counters = head.counters;
        }
        let mut carries_slow = false;
        if let Some(head) = self.sample_head.first() {
            sample.server_now = head.server_now;
            sample.cost_us = head.cost_us;
            sample.round_trip_us = head.round_trip_us;
            sample.counts = head.counts;
            carries_slow = head.slow;
        }
        if carries_slow && self.slow_head.is_empty() {
            return Err(CodecError::Malformed("slow facts that were never told"));
        }
        *(if carries_slow { &mut sample.slow } else { &mut self.slow }) = Some(slow);
        Ok(())
    }
}

fn no_slow_facts() -> SlowFacts {
    SlowFacts {
        in_recovery: false,
        checkpointer_start: None,
        wal_lsn: None,
        senders: Vec::new(),
        slots: Vec::new(),
        progress: Vec::new(),
        counters: DatabaseCounters::default(),
    }
}

#[derive(Debug)]
struct WatchTables {
    grids: Vec<Grid>,
    head: Binding,
    edges: Edges,
    heads: Vec<WatchHead>,
    oldest: Vec<Edge>,
}

impl WatchTables {
    fn new(frame: &Frame) -> WatchTables {
        WatchTables {
            grids: frame.tables.iter().map(Grid::new).collect(),
            head: Binding::of::<WatchHead>(frame),
            edges: Edges::new(frame),
            heads: Vec::new(),
            oldest: Vec::new(),
        }
    }

    fn read(&mut self, payload: &[u8], words: &mut Words) -> Result<Watch, CodecError> {
        read_tables(payload, &mut self.grids, words, |change| {
            change.update(&self.head, &mut self.heads)?;
            self.edges.update(change, &mut self.oldest)
        })?;
        self.edges.join(&mut self.oldest, &self.grids)?;
        let head = self.heads.first().ok_or(CodecError::Malformed("no watch in it"))?;
        Ok(Watch {
            server_now: head.server_now,
            cost_us: head.cost_us,
            waiting: head.waiting,
            oldest_wait_start: head.oldest_wait_start,
            oldest: self.oldest.clone(),
        })
    }
}

#[derive(Debug)]
struct HostTables {
    grids: Vec<Grid>,
    head: Binding,
    backends: Binding,
    heads: Vec<HostHead>,
    rows: Vec<HostBackend>,
}

impl HostTables {
    fn new(frame: &Frame) -> HostTables {
        HostTables {
            grids: frame.tables.iter().map(Grid::new).collect(),
            head: Binding::of::<HostHead>(frame),
            backends: Binding::of::<HostBackend>(frame),
            heads: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn read(&mut self, payload: &[u8], words: &mut Words) -> Result<HostFacts, CodecError> {
        read_tables(payload, &mut self.grids, words, |change| {
            change.update(&self.head, &mut self.heads)?;
            change.update(&self.backends, &mut self.rows)
        })?;
        let head = self.heads.first().ok_or(CodecError::Malformed("no reading in it"))?;
        Ok(HostFacts {
            taken_at: head.taken_at,
            sampler: head.sampler,
            machine: head.machine.clone(),
            backends: self.rows.clone(),
            unread: head.unread,
        })
    }
}
