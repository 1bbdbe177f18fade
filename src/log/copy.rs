//! A log that is written in one go, from what another log holds.
//!
//! Owns when a segment is due and when what is prepared goes to the disk. Unlike [`super::Log`] it waits for the disk
//! and loses nothing: whatever fails ends the writing, and then the file is removed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::batch::Batch;
use super::chain::Pin;
use super::disk::Disk;
use super::draft::{Draft, Position, Stream};
use super::due::Present;
use super::error::LogError;
use super::head::{self, HEADER_BYTES, Header};
use super::queue::Durable;
use crate::engine::checkpoint::Checkpoint;
use crate::engine::ids::{At, TextId};

/// This much is prepared before it is written and synced.
const WRITE_BYTES: usize = 1 << 20;

/// A log being written from what another one holds. Dropped before [`CopyWriter::finish`], it leaves no file.
pub struct CopyWriter {
    path: PathBuf,
    disk: Disk,
    header: [u8; HEADER_BYTES],
    draft: Draft,
    told: BTreeSet<TextId>,
    /// The present segment.
    segment: Option<(Present, Stream)>,
    is_finished: bool,
}

impl CopyWriter {
    /// Creates the log at `path`, readable by its owner only. Never overwrites.
    ///
    /// # Errors
    /// Those of [`super::Log::create`].
    pub fn create(path: &Path, header: &Header) -> Result<CopyWriter, LogError> {
        let meta = head::encode_meta(&header.meta)
            .map_err(|error| LogError::Create { path: path.to_owned(), source: error.into() })?;
        let header = header.encode();
        let disk = Disk::create(path, &[&header[..], &meta].concat(), None)?;
        Ok(CopyWriter {
            path: path.to_owned(),
            draft: Draft::new(disk.len(), Position::beginning(&header, &meta)),
            disk,
            header,
            told: BTreeSet::new(),
            segment: None,
            is_finished: false,
        })
    }

    /// Whether a segment is due at `at`, by the same measures as in a flight.
    pub fn wants_segment(&self, at: At) -> bool {
        self.segment.as_ref().is_none_or(|(present, _)| present.is_full(at))
    }

    /// Whether the engine's state is due within the segment.
    pub fn wants_state(&self) -> bool {
        self.segment.as_ref().is_some_and(|(present, _)| present.wants_state())
    }

    /// Begins a segment with `checkpoint`, the engine as it is before the next entry.
    ///
    /// # Errors
    /// [`LogError::Write`].
    pub fn begin_segment(&mut self, at: At, checkpoint: &Checkpoint) -> Result<(), LogError> {
        let begun = Stream::new().and_then(|mut stream| {
            self.draft.segment(&mut stream, &self.header, at, checkpoint, &self.told, None)?;
            self.segment = Some((Present::beginning(at), stream));
            Ok(())
        });
        begun.map_err(|error| self.failed(error))?;
        self.flush(WRITE_BYTES)
    }

    /// Adds the engine's state, as it is before the next entry.
    ///
    /// # Errors
    /// [`LogError::Write`].
    pub fn state(&mut self, at: At, state: Vec<u8>) -> Result<(), LogError> {
        let mut batch = Batch::new();
        batch.checkpoint(at, state);
        if let Some((present, _)) = &mut self.segment {
            present.is_checked();
        }
        self.append(&batch)
    }

    /// Adds what one turn of a flight has left. A segment was begun before.
    ///
    /// # Errors
    /// [`LogError::Write`].
    pub fn append(&mut self, batch: &Batch) -> Result<(), LogError> {
        if batch.is_empty() {
            return Ok(());
        }
        let added = match (batch.refusal(), &mut self.segment) {
            (Some(refusal), _) => Err(io::Error::other(refusal.to_owned())),
            (None, None) => Err(io::Error::other("no segment was begun")),
            (None, Some((present, stream))) => {
                present.count(batch.samples());
                self.draft.batch(stream, batch)
            }
        };
        added.map_err(|error| self.failed(error))?;
        self.flush(WRITE_BYTES)
    }

    /// Ends the log at `at`; where it stands then, all of it durable.
    ///
    /// # Errors
    /// [`LogError::Write`].
    pub fn finish(mut self, at: At) -> Result<Pin, LogError> {
        self.draft.end(at, None).map_err(|error| self.failed(error))?;
        self.flush(0)?;
        self.is_finished = true;
        Ok(Durable::of(&self.header, self.disk.len(), &self.draft.position).pin)
    }

    /// Writes what is prepared once it is more than `bytes`.
    fn flush(&mut self, bytes: usize) -> Result<(), LogError> {
        if self.draft.bytes.len() <= bytes {
            return Ok(());
        }
        self.disk.append(&self.draft.bytes).map_err(|error| self.failed(error))?;
        let next = Draft::new(self.disk.len(), self.draft.position.clone());
        let written = std::mem::replace(&mut self.draft, next);
        self.told.extend(written.told);
        Ok(())
    }

    fn failed(&self, source: io::Error) -> LogError {
        LogError::Write { path: self.path.clone(), source }
    }
}

impl std::fmt::Debug for CopyWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CopyWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Drop for CopyWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            // Ours alone, just created: half a copy is none.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
