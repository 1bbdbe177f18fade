//! The flight's hold on its log.
//!
//! Owns when a segment begins and what is said when the disk cannot follow. Never blocks the flight: what
//! cannot be recorded is counted, and a checkpoint lets a replay go on behind it.

use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

use super::{Record, Recorded};
use crate::engine::Cockpit;
use crate::engine::effect::Effect;
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::input::{Attached, Begin, Input};
use crate::literals::{self, Kept, Table};
use crate::log::{
    Batch, Header, Log, LogError, Meta, Options, Part, Resumed, Ring, Summary, default_name, default_path,
};
use crate::random;

/// Flights on one database that may begin in the same second and be recorded in the same folder.
const MOST_IN_A_SECOND: u32 = 100;

/// A log being written, or none.
#[derive(Debug)]
pub(super) struct Recorder {
    log: Option<(Log, PathBuf)>,
    /// Others can read along in it: it stays one file.
    is_one_file: bool,
    turn: Batch,
    /// A segment began with this turn.
    is_segment_new: bool,
    is_losing: bool,
    /// What is said once a log that was cut off is being written again.
    goes_on: Option<String>,
}

impl Recorder {
    /// Creates the log, or takes up the one that was `resumed`.
    pub(super) fn open(
        record: Option<Record>,
        resumed: Option<Resumed>,
        begin: &Begin,
        attached: &Attached,
        group: Option<u32>,
    ) -> Result<Recorder, LogError> {
        let is_one_file = !matches!(record, Some(Record::Ring { .. }));
        let goes_on = resumed.as_ref().map(|resumed| {
            let tail =
                resumed.tail.as_ref().map(|tail| format!("; its torn tail is kept in {}", tail.display()));
            let since = seconds(resumed.last_at.ms());
            format!(
                "it was cut off {since} into the flight, and what is missing is a gap{}",
                tail.unwrap_or_default()
            )
        });
        let log = match (record, resumed) {
            (Some(Record::Resume(path)), Some(resumed)) => Some((resumed.log, path)),
            (Some(record), _) => Some(create(record, begin, attached, group)?),
            (None, _) => None,
        };
        Ok(Recorder {
            log,
            is_one_file,
            turn: Batch::new(),
            is_segment_new: false,
            is_losing: false,
            goes_on,
        })
    }

    /// Where the log is; its first file, when it goes from one to the next.
    pub(super) fn path(&self) -> Option<&Path> {
        self.log.as_ref().map(|(_, path)| path.as_path())
    }

    /// Where others can read along.
    pub(super) fn shared_path(&self) -> Option<&Path> {
        self.path().filter(|_| self.is_one_file)
    }

    /// What the engine is about to be told. A segment begins where one is due, with the engine as it is.
    pub(super) fn begin_turn(&mut self, at: At, cockpit: &Cockpit, input: &Input) {
        let Some((log, _)) = &mut self.log else { return };
        self.is_segment_new = log.wants_segment(at);
        if self.is_segment_new {
            log.begin_segment(at, cockpit.checkpoint());
        } else if log.wants_state() {
            log.state(at, cockpit.state());
        }
        self.turn.input(at, input);
    }

    /// Literals that came with this turn, all that are known where a segment begins: a replay can start there.
    pub(super) fn literals(&mut self, at: At, new: &[Kept], known: &Table) {
        if self.log.is_none() {
            return;
        }
        let all = if self.is_segment_new { known.all() } else { Vec::new() };
        let kept = if all.is_empty() { new } else { &all };
        if !kept.is_empty() {
            self.turn.event(at, &literals::event(kept));
        }
    }

    /// What the engine asked for: input and intents are queued for the disk together. With a `receipt`, what resolves
    /// once they are durable, or will not be.
    pub(super) fn end_turn(
        &mut self,
        at: At,
        effects: &[Effect],
        receipt: bool,
    ) -> Option<oneshot::Receiver<()>> {
        let (log, _) = self.log.as_mut()?;
        for effect in effects {
            self.turn.intent(at, effect);
        }
        let receipt = receipt.then(|| {
            let (keepsake, durable) = oneshot::channel();
            self.turn.keep(keepsake);
            durable
        });
        log.append(std::mem::take(&mut self.turn));
        receipt
    }

    /// What a screen shows, which no replay depends on.
    pub(super) fn shown(&mut self, at: At, operator: &str, what: &str) {
        const MOST_CHARS: usize = 200;
        let Some((log, _)) = &mut self.log else { return };
        let what: String = what.chars().take(MOST_CHARS).collect();
        let mut batch = Batch::new();
        batch.event(at, &serde_json::json!({ "shown": what, "to": operator }));
        log.append(batch);
    }

    /// What has changed about the recording, for people.
    pub(super) fn news(&mut self) -> Option<String> {
        let (log, path) = self.log.as_ref()?;
        let lost = log.status().lost;
        // What was lost with the process before is not lost now.
        if self.goes_on.is_some() && lost.as_ref().is_some_and(|lost| lost.batches == 0) {
            return None;
        }
        let is_losing = lost.is_some();
        let was_losing = std::mem::replace(&mut self.is_losing, is_losing);
        if lost.is_none()
            && let Some(goes_on) = self.goes_on.take()
        {
            return Some(format!("recording goes on in {}: {goes_on}", path.display()));
        }
        if was_losing == is_losing {
            return None;
        }
        Some(match lost {
            Some(lost) => format!("NOT RECORDING to {}: {}; the flight goes on", path.display(), lost.why),
            None => format!("recording to {} again; what was lost is a gap in the log", path.display()),
        })
    }

    /// Whether entries are being lost.
    pub(super) fn is_losing(&self) -> bool {
        self.is_losing
    }

    /// Ends the log: where it is and how far it goes, and what people should know about it.
    pub(super) fn close(self, at: At) -> (Option<Recorded>, Option<String>) {
        let Some((log, path)) = self.log else { return (None, None) };
        match log.close(at) {
            Ok(Summary { path, pin, lost_entries, .. }) => {
                let missing = (lost_entries > 0)
                    .then(|| format!("{lost_entries} entries are missing in {}", path.display()));
                (Some(Recorded { path, pin }), missing)
            }
            Err(error) => (None, Some(format!("{}: {error}", path.display()))),
        }
    }
}

fn create(
    record: Record,
    begin: &Begin,
    attached: &Attached,
    group: Option<u32>,
) -> Result<(Log, PathBuf), LogError> {
    let header = Header {
        flight: random::bytes(),
        sync: random::bytes(),
        boot: crate::clock::boot_id(),
        utc_us: begin.utc_us,
        monotonic_us: crate::clock::monotonic_us(),
        meta: Meta {
            lockpit: begin.lockpit.clone(),
            server: begin.server.clone(),
            label: begin.label.clone(),
            literals: Some(literals::word(begin.settings.keep_literals).to_owned()),
            database: Some(attached.database_name.clone()),
            plan: begin.mission.as_ref().map(|mission| mission.plan.name.clone()),
            ..Meta::default()
        },
    };
    let options = Options { group, ..Options::default() };
    match record {
        Record::File(path) | Record::Resume(path) => Ok((Log::create(&path, &header, options)?, path)),
        Record::Directory(dir) => {
            let plan = begin.mission.as_ref().map(|mission| mission.plan.name.as_str());
            create_beside(default_path(&dir, begin.utc_us, &attached.database_name, plan), &header, options)
        }
        Record::Ring { dir, keep_ms } => {
            let stem = default_name(begin.utc_us, &attached.database_name);
            let ring = Ring { dir, stem, keep_us: keep_ms.saturating_mul(1_000) };
            let path = ring.part(1);
            let part = Some(Part { number: 1, keep_ms, after: None });
            let header = Header { meta: Meta { part, ..header.meta }, ..header };
            Ok((Log::create(&path, &header, Options { ring: Some(ring), ..options })?, path))
        }
    }
}

/// Creates a log at `path`, or beside it when other flights began there in the same second.
fn create_beside(path: PathBuf, header: &Header, options: Options) -> Result<(Log, PathBuf), LogError> {
    let others = (2..=MOST_IN_A_SECOND).map(|n| path.with_extension(format!("{n}.flight")));
    let free = std::iter::once(path.clone()).chain(others).find(|path| !path.exists());
    let free = free.unwrap_or(path);
    // Taken meanwhile: then creating fails, and says so.
    Ok((Log::create(&free, header, options)?, free))
}
