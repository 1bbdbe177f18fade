//! A part of a flight as a log of its own, which says that it is one.
//!
//! The cut begins with the engine as it was at its beginning, so that a replay starts there and decides what the flight
//! decided. Times are those of the flight. What was missing in the flight's log is a gap in the cut.
//!
//! With [`Request::is_masked`] the names of people, programs and machines are replaced (see [`mask`]): the cut is then
//! the log of a masked flight. It is flown again while it is written, and a cut whose masked flight would decide
//! something else than the flight did is not made.
//!
//! Owns what is in a cut. Never changes the log it is taken from, and never overwrites anything.

pub mod mask;
mod parts;
mod track;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::mask::{MaskError, Masker};
use self::track::{Engine, Opened, Told, Track};
use crate::engine::Cockpit;
use crate::engine::ENGINE_VERSION;
use crate::engine::checkpoint::{Checkpoint, RestoreError};
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::{Gap, Input};
use crate::literals::{self, Table, from_event};
use crate::log::{Batch, CopyWriter, Cut, Ending, Header, LogError, Pin, ReadError, Verdict};
use crate::random;

/// What is to be cut.
#[derive(Debug, Clone)]
pub struct Request {
    /// The log, or the parts of one recording.
    pub logs: Vec<PathBuf>,
    /// Time of the flight at which the cut begins.
    pub from: At,
    /// Time of the flight at which it ends.
    pub to: At,
    /// Whether names are replaced.
    pub is_masked: bool,
    /// The log that is made.
    pub to_file: PathBuf,
}

/// A cut that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Where it begins, in time of the flight.
    pub from: At,
    /// Where it ends.
    pub to: At,
    /// Its own checkpoint.
    pub pin: Pin,
    /// Full samples in it.
    pub samples: u64,
    /// What is missing in it, in words for people.
    pub gaps: Vec<String>,
    /// What a full pass over its sources says, where they are not complete.
    pub doubts: Vec<String>,
}

/// Why there is no cut.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The cut cannot be written.
    #[error(transparent)]
    Write(#[from] LogError),
    /// Names cannot be replaced.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// A checkpoint was made by an engine this one does not understand.
    #[error("a checkpoint of the log cannot be read by this release: {0}; cut it with the release that flew")]
    Checkpoint(#[from] RestoreError),
    /// The files do not belong together.
    #[error("{0}")]
    Parts(String),
    /// Nothing was recorded in that time.
    #[error("nothing is recorded from {from} to {to}: the log holds {begins} to {ends} of its flight", from = clock(*.from), to = clock(*.to), begins = clock(*.begins), ends = clock(*.ends))]
    Empty {
        /// Where the cut was to begin.
        from: At,
        /// Where it was to end.
        to: At,
        /// Where the log begins.
        begins: At,
        /// Where it ends.
        ends: At,
    },
    /// Without names the engine would decide something else.
    #[error(
        "the masked flight would decide something else than the flight did, {at} into it: {what}; export without --mask", at = clock(*.at)
    )]
    OtherDecision {
        /// When.
        at: At,
        /// What both decided.
        what: String,
    },
}

/// `02:40:00`: a time of the flight, as cuts tell it.
pub fn clock(at: At) -> String {
    let seconds = at.ms() / 1_000;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// What people should know of a log that is a cut.
pub fn words(cut: &Cut) -> String {
    let masked = if cut.is_masked { ", names masked" } else { "" };
    format!("a cut of a flight, {} to {} of it{masked}", clock(At(cut.from_us)), clock(At(cut.to_us)))
}

/// Makes the cut.
///
/// # Errors
/// [`ExportError`]; no file is left then.
pub fn export(request: &Request) -> Result<Exported, ExportError> {
    let Request { logs, from, to, is_masked, to_file } = request;
    let source = parts::in_order(logs)?;
    let masker = Masker::learning();
    if *is_masked {
        masker.meta(&source.meta)?;
    }
    let extent = learn(&source.files, &masker, *from, *to)?;
    let needed = masker.texts();
    if *is_masked {
        // What is named only elsewhere in the flight may be spoken of in the cut.
        learn(&source.files, &masker, At(0), At(u64::MAX))?;
    }
    masker.need(needed);
    masker.learnt();
    let Some(Extent { from, to }) = extent.within else {
        let (from, to) = (*from, *to);
        return Err(ExportError::Empty { from, to, begins: extent.begins, ends: extent.ends });
    };
    let meta = if *is_masked { masker.meta(&source.meta)? } else { source.meta.clone() };
    let is_masked_already = source.meta.cut.as_ref().is_some_and(|cut| cut.is_masked);
    let cut = Cut {
        of: source.pins.iter().map(Pin::to_string).collect::<Vec<_>>().join("\n"),
        from_us: from.0,
        to_us: to.0,
        is_masked: *is_masked || is_masked_already,
    };
    let header = Header {
        flight: source.head.flight,
        sync: random::bytes(),
        // They tell machines and their starts from one another.
        boot: if *is_masked { [0; 16] } else { source.head.boot },
        utc_us: source.head.utc_us,
        monotonic_us: if *is_masked { 0 } else { source.head.monotonic_us },
        meta: crate::log::Meta { part: None, cut: Some(cut), ..meta },
    };
    let writer = CopyWriter::create(to_file, &header)?;
    let (start, track) = Start::open(&source.files, from)?;
    let mut copyist = Copyist::begin(writer, &masker, *is_masked, start, from)?;
    let pin = copyist.run(track, to)?;
    Ok(Exported { from, to, pin, samples: copyist.samples, gaps: copyist.gaps, doubts: source.doubts })
}

/// A time of the flight from one instant to another.
#[derive(Debug, Clone, Copy)]
struct Extent {
    from: At,
    to: At,
}

/// What the logs hold, and of that what is to be cut.
#[derive(Debug)]
struct Found {
    begins: At,
    ends: At,
    within: Option<Extent>,
}

/// The engine at the beginning of a cut, and what comes first.
struct Start {
    cockpit: Cockpit,
    /// Literals that were kept, of what runs then.
    literals: Table,
    ahead: Option<Told>,
}

impl Start {
    /// Flies up to `from`, exclusively.
    fn open(files: &[PathBuf], from: At) -> Result<(Start, Track), ExportError> {
        let Opened { engine, events, mut track, .. } = Track::open(files, from)?;
        let mut cockpit = restore(engine)?;
        let mut literals = Table::default();
        let learn =
            |literals: &mut Table, event: &Value| literals.take(from_event(event).unwrap_or_default());
        events.iter().for_each(|event| learn(&mut literals, event));
        while let Some(told) = track.next()? {
            if told.at() >= from {
                return Ok((Start { cockpit, literals, ahead: Some(told) }, track));
            }
            match told {
                Told::Turn { at, input, events, .. } => {
                    if let Input::Sample(sample) = input.as_ref() {
                        literals.follow(sample);
                    }
                    events.iter().for_each(|event| learn(&mut literals, event));
                    let _ = cockpit.handle(at, *input);
                }
                Told::Resumed { engine, .. } | Told::NextFile { engine, .. } => cockpit = restore(engine)?,
                Told::Event { event, .. } => learn(&mut literals, &event),
            }
        }
        Ok((Start { cockpit, literals, ahead: None }, track))
    }
}

fn restore(engine: Engine) -> Result<Cockpit, ExportError> {
    Ok(Cockpit::restore(&engine.state, engine.held)?)
}

/// Meets every name of the cut, and finds out where it begins and ends.
fn learn(files: &[PathBuf], masker: &Masker, from: At, to: At) -> Result<Found, ExportError> {
    let begins = Track::open(files, At(0))?.at;
    let from = from.max(begins);
    let (Start { cockpit, ahead, .. }, mut track) = Start::open(files, from)?;
    masker.meet_engine(&cockpit)?;
    let mut next = ahead;
    let (mut ends, mut is_within) = (begins, false);
    while let Some(told) = next {
        ends = told.at();
        if told.at() > to {
            while !is_within && let Some(later) = track.next()? {
                ends = later.at();
            }
            break;
        }
        is_within = true;
        match told {
            Told::Turn { input, intents, events, .. } => {
                masker.meet(&input)?;
                masker.meet_value(&intents)?;
                for event in &events {
                    masker.event(event)?;
                }
            }
            Told::Event { event, .. } => {
                masker.event(&event)?;
            }
            Told::Resumed { gap, engine, .. } => {
                masker.meet_value(&gap)?;
                masker.meet_engine(&restore(engine)?)?;
            }
            Told::NextFile { engine, .. } => masker.meet_engine(&restore(engine)?)?,
        }
        next = track.next()?;
    }
    let ends = ends.max(cockpit.last_seen());
    let within = is_within.then(|| Extent { from, to: to.min(ends) });
    Ok(Found { begins, ends, within })
}

/// Writes a cut.
struct Copyist<'a> {
    writer: Option<CopyWriter>,
    masker: &'a Masker,
    is_masked: bool,
    /// The flight as it was, beside the masked one.
    original: Option<Cockpit>,
    /// The flight that the cut is the log of.
    cockpit: Cockpit,
    ahead: Option<Told>,
    samples: u64,
    gaps: Vec<String>,
}

impl<'a> Copyist<'a> {
    fn begin(
        mut writer: CopyWriter,
        masker: &'a Masker,
        is_masked: bool,
        start: Start,
        from: At,
    ) -> Result<Copyist<'a>, ExportError> {
        let Start { cockpit: original, literals, ahead } = start;
        let cockpit = of_the_cut(&original, masker, is_masked)?;
        writer.begin_segment(from, &cockpit.checkpoint())?;
        let kept = literals.all();
        if !is_masked && !kept.is_empty() {
            let mut batch = Batch::new();
            batch.event(from, &literals::event(&kept));
            writer.append(&batch)?;
        }
        let original = is_masked.then_some(original);
        let (samples, gaps) = (0, Vec::new());
        Ok(Copyist { writer: Some(writer), masker, is_masked, original, cockpit, ahead, samples, gaps })
    }

    /// Writes what comes up to `to`.
    fn run(&mut self, mut track: Track, to: At) -> Result<Pin, ExportError> {
        let mut writer = self.writer.take().ok_or(LogError::WriterGone)?;
        loop {
            let next = match self.ahead.take() {
                Some(told) => Some(told),
                None => track.next()?,
            };
            let Some(told) = next else {
                if let Ending::Damaged(damage) = track.ending()?
                    && damage.resumes_at.is_none()
                {
                    self.gaps.push(format!("the log is damaged at byte {} and ends there", damage.at_byte));
                }
                break;
            };
            if told.at() > to {
                break;
            }
            self.write(&mut writer, told)?;
        }
        Ok(writer.finish(to)?)
    }

    fn write(&mut self, writer: &mut CopyWriter, told: Told) -> Result<(), ExportError> {
        match told {
            Told::Turn { at, input, intents, events } => {
                let mut batch = self.turn(writer, at, *input, &intents)?;
                for event in events {
                    self.event(&mut batch, at, event)?;
                }
                Ok(writer.append(&batch)?)
            }
            Told::Event { at, event } => {
                let mut batch = Batch::new();
                self.event(&mut batch, at, event)?;
                Ok(writer.append(&batch)?)
            }
            Told::Resumed { at, gap, engine } => self.resume(writer, at, gap, engine),
            Told::NextFile { at, engine, cut_off } => {
                let known = self.original.as_ref().unwrap_or(&self.cockpit);
                if known.state() == engine.state {
                    return Ok(());
                }
                let why = cut_off.unwrap_or_else(|| "entries are missing between two logs".to_owned());
                self.resume(writer, at, Gap { from: known.last_seen(), why, lost: None }, engine)
            }
        }
    }

    fn turn(
        &mut self,
        writer: &mut CopyWriter,
        at: At,
        input: Input,
        intents: &[Effect],
    ) -> Result<Batch, ExportError> {
        if writer.wants_segment(at) {
            writer.begin_segment(at, &self.cockpit.checkpoint())?;
        } else if writer.wants_state() {
            writer.state(at, self.cockpit.state())?;
        }
        self.samples += u64::from(matches!(input, Input::Sample(_)));
        let mut batch = Batch::new();
        let Some(original) = &mut self.original else {
            batch.input(at, &input);
            intents.iter().for_each(|effect| batch.intent(at, effect));
            let _ = self.cockpit.handle(at, input);
            return Ok(batch);
        };
        let masked = self.masker.input(&input)?;
        let masked_intents: Vec<Effect> =
            intents.iter().map(|effect| self.masker.effect(effect)).collect::<Result<_, _>>()?;
        batch.input(at, &masked);
        masked_intents.iter().for_each(|effect| batch.intent(at, effect));
        let has_drifted = original.handle(at, input) != intents;
        let decided = self.cockpit.handle(at, masked);
        let is_rejudged = original.flight().is_some_and(|begin| begin.engine != ENGINE_VERSION);
        if decided != masked_intents && !has_drifted && !is_rejudged {
            let what = format!("{decided:?} instead of {masked_intents:?}");
            return Err(ExportError::OtherDecision { at, what });
        }
        Ok(batch)
    }

    fn event(&self, batch: &mut Batch, at: At, event: Value) -> Result<(), ExportError> {
        let event = if self.is_masked { self.masker.event(&event)? } else { Some(event) };
        event.iter().for_each(|event| batch.event(at, event));
        Ok(())
    }

    /// Goes on behind something that is missing.
    fn resume(
        &mut self,
        writer: &mut CopyWriter,
        at: At,
        gap: Gap,
        engine: Engine,
    ) -> Result<(), ExportError> {
        let lost = gap.lost.map(|lost| format!(", {lost} entries")).unwrap_or_default();
        self.gaps.push(format!("{} to {}: {}{lost}", clock(gap.from), clock(at), gap.why));
        let gap = if self.is_masked { self.masker.gap(&gap)? } else { gap };
        let mut batch = Batch::new();
        batch.gap(at, &gap);
        writer.append(&batch)?;
        let original = restore(engine)?;
        self.cockpit = of_the_cut(&original, self.masker, self.is_masked)?;
        self.original = self.is_masked.then_some(original);
        Ok(writer.begin_segment(at, &self.cockpit.checkpoint())?)
    }
}

/// The engine of the cut: with the texts that are referred to in it, and without names where they are masked.
fn of_the_cut(original: &Cockpit, masker: &Masker, is_masked: bool) -> Result<Cockpit, ExportError> {
    let Checkpoint { mut state, mut held } = original.checkpoint();
    let needed = masker.texts();
    held.texts.retain(|id, _| needed.contains(id));
    if is_masked {
        state = masker.state(original)?;
        held = masker.held(held)?;
    }
    Ok(Cockpit::restore(&state, held)?)
}

/// What a full pass says of a source, where it is not complete.
fn doubt(path: &Path, verdict: &Verdict) -> Option<String> {
    (*verdict != Verdict::Complete).then(|| format!("{}: {verdict}", path.display()))
}
