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

mod copyist;
mod learn;
pub mod mask;
mod parts;
mod track;

use std::path::{Path, PathBuf};

use self::copyist::Copyist;
use self::learn::{Extent, Start, learn};
use self::mask::{MaskError, Masker};
use crate::engine::checkpoint::RestoreError;
use crate::engine::ids::At;
use crate::log::{CopyWriter, Cut, Header, LogError, Pin, ReadError, Verdict};
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

/// What a full pass says of a source, where it is not complete.
fn doubt(path: &Path, verdict: &Verdict) -> Option<String> {
    (*verdict != Verdict::Complete).then(|| format!("{}: {verdict}", path.display()))
}
