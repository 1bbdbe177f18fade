//! Reading a file that may be growing.
//!
//! Owns the file of a reader, and the search for what is intact behind damage. Reads by position, never by a
//! memory map: a file that is cut while it is read must not end the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem;

use super::error::ReadError;
use super::head::HEADER_BYTES;
use super::record::{HEAD_BYTES, RecordHead, flag, kind};
use super::segment::{self, MAX_SEGMENT_BYTES, SegmentRecord};

/// What is read ahead of small reads.
const WINDOW_BYTES: usize = 64 * 1_024;
/// Most records of segments are no longer: few texts are told in a minute.
const SEGMENT_GUESS_BYTES: usize = 512;

/// A file, with a window of it in memory.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    file: Arc<File>,
    window: Vec<u8>,
    window_at: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Source, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Open { path: path.to_owned(), source })?;
        Ok(Source { path: path.to_owned(), file: Arc::new(file), window: Vec::new(), window_at: 0 })
    }

    /// The same file, read independently.
    pub(super) fn again(&self) -> Source {
        Source { path: self.path.clone(), file: Arc::clone(&self.file), window: Vec::new(), window_at: 0 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The present length of the file.
    pub(super) fn len(&self) -> Result<u64, ReadError> {
        Ok(self.file.metadata().map_err(|source| self.failed(source))?.len())
    }

    /// Forgets what was read ahead: the writer may have replaced it.
    pub(super) fn forget(&mut self) {
        self.window.clear();
    }

    /// The `len` bytes at `at`, or fewer where the file ends.
    pub(super) fn up_to(&mut self, at: u64, len: usize) -> Result<Vec<u8>, ReadError> {
        if len > WINDOW_BYTES {
            let left = usize::try_from(self.len()?.saturating_sub(at)).unwrap_or(usize::MAX);
            return self.fill(at, len.min(left));
        }
        let within = |window: &[u8], window_at: u64| {
            let from = usize::try_from(at.checked_sub(window_at)?).ok()?;
            window.get(from..from.checked_add(len)?).map(<[u8]>::to_vec)
        };
        if let Some(bytes) = within(&self.window, self.window_at) {
            return Ok(bytes);
        }
        self.window = self.fill(at, WINDOW_BYTES)?;
        self.window_at = at;
        Ok(self.window[..len.min(self.window.len())].to_vec())
    }

    /// The head of the record at `at`, if the file is long enough for one and it is plausible.
    pub(super) fn record_head(&mut self, at: u64) -> Result<Option<RecordHead>, ReadError> {
        let bytes = self.up_to(at, HEAD_BYTES)?;
        Ok(plausible(&bytes))
    }

    /// The SEGMENT record at `at`, if an intact one is there.
    pub(super) fn segment_record(&mut self, at: u64) -> Result<Option<SegmentRecord>, ReadError> {
        // Not through the window: who goes from segment to segment needs nothing of what lies between.
        let mut record = self.fill(at, HEAD_BYTES + SEGMENT_GUESS_BYTES)?;
        let Some(head) = record.get(..HEAD_BYTES).and_then(plausible) else { return Ok(None) };
        let len = head.len as usize;
        if head.kind != kind::SEGMENT || len > MAX_SEGMENT_BYTES {
            return Ok(None);
        }
        if record.len() < HEAD_BYTES + len {
            record = self.fill(at, HEAD_BYTES + len)?;
        }
        let Some(payload) = record.get(HEAD_BYTES..HEAD_BYTES + len) else { return Ok(None) };
        Ok(head.fits(payload).then(|| segment::decode(head, payload)).flatten())
    }

    /// Where the first intact segment of the log with this `header` begins, from `from` on, whose records are
    /// numbered `min_seq` or later.
    pub(super) fn find_segment(
        &mut self,
        header: &[u8; HEADER_BYTES],
        from: u64,
        min_seq: u32,
    ) -> Result<Option<u64>, ReadError> {
        let mut search = from;
        while let Some(hit) = self.find(header, search, u64::MAX)? {
            search = hit + 1;
            let Some(start) = hit.checked_sub(HEAD_BYTES as u64).filter(|start| *start >= from) else {
                continue;
            };
            if self.segment_record(start)?.is_some_and(|segment| segment.head.seq >= min_seq) {
                return Ok(Some(start));
            }
        }
        Ok(None)
    }

    /// Where the last intact segment of the log with this `header` begins.
    pub(super) fn find_last_segment(
        &mut self,
        header: &[u8; HEADER_BYTES],
    ) -> Result<Option<u64>, ReadError> {
        let mut until = self.len()?;
        while let Some(hit) = self.rfind(header, until)? {
            until = hit + header.len() as u64 - 1;
            if let Some(start) = hit.checked_sub(HEAD_BYTES as u64)
                && self.segment_record(start)?.is_some()
            {
                return Ok(Some(start));
            }
        }
        Ok(None)
    }

    /// Whether the first record of a batch, numbered `min_seq` or later, stands intact anywhere from `from` on.
    /// Batches are synced one after the other: what is unreadable before it was once on disk.
    pub(super) fn later_batch_stands(&self, from: u64, min_seq: u32) -> Result<bool, ReadError> {
        let len = self.len()?;
        let mut at = from;
        loop {
            let bytes = self.fill(at, WINDOW_BYTES)?;
            for (offset, head) in bytes.windows(HEAD_BYTES).enumerate() {
                let Some(head) = plausible(head) else { continue };
                let start = at + offset as u64;
                let possible = head.has(flag::BATCH)
                    && head.seq >= min_seq
                    && start.saturating_add(head.record_bytes()) <= len;
                if possible && head.fits(&self.fill(start + HEAD_BYTES as u64, head.len as usize)?) {
                    return Ok(true);
                }
            }
            if bytes.len() < WINDOW_BYTES {
                return Ok(false);
            }
            at += (WINDOW_BYTES - HEAD_BYTES + 1) as u64;
        }
    }

    /// Whether there are only zeros from `from` on.
    pub(super) fn is_zero_from(&self, from: u64) -> Result<bool, ReadError> {
        let mut at = from;
        loop {
            let bytes = self.fill(at, WINDOW_BYTES)?;
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            if bytes.len() < WINDOW_BYTES {
                return Ok(true);
            }
            at += WINDOW_BYTES as u64;
        }
    }

    /// Where `needle` first stands from `from` on and before `until`.
    pub(super) fn find(&self, needle: &[u8], from: u64, until: u64) -> Result<Option<u64>, ReadError> {
        let mut at = from;
        while at < until {
            let bytes = self.fill(at, WINDOW_BYTES)?;
            if let Some(hit) = memmem::find(&bytes, needle) {
                return Ok(Some(at + hit as u64).filter(|hit| *hit < until));
            }
            if bytes.len() < WINDOW_BYTES {
                return Ok(None);
            }
            at += (WINDOW_BYTES - needle.len() + 1) as u64;
        }
        Ok(None)
    }

    /// Where `needle` last stands before byte `until`, as a whole.
    fn rfind(&self, needle: &[u8], until: u64) -> Result<Option<u64>, ReadError> {
        let mut until = until;
        loop {
            let at = until.saturating_sub(WINDOW_BYTES as u64);
            let bytes = self.fill(at, usize::try_from(until - at).unwrap_or(WINDOW_BYTES))?;
            if let Some(hit) = memmem::rfind(&bytes, needle) {
                return Ok(Some(at + hit as u64));
            }
            if at == 0 {
                return Ok(None);
            }
            until = at + needle.len() as u64 - 1;
        }
    }

    fn fill(&self, at: u64, len: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![0; len];
        let mut filled = 0;
        while filled < len {
            match self.file.read_at(&mut bytes[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    pub(super) fn failed(&self, source: io::Error) -> ReadError {
        ReadError::Io { path: self.path.clone(), source }
    }
}

fn plausible(bytes: &[u8]) -> Option<RecordHead> {
    let head = RecordHead::parse(bytes.try_into().ok()?);
    head.is_plausible().then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_needle_is_found_wherever_it_stands() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hay");
        for at in [0, 1, WINDOW_BYTES - 3, WINDOW_BYTES - 2, WINDOW_BYTES, 2 * WINDOW_BYTES - 2] {
            let mut hay = vec![b'n'; 3 * WINDOW_BYTES];
            hay[at..at + 5].copy_from_slice(b"nEEdl");
            std::fs::write(&path, hay).expect("written");
            let source = Source::open(&path).expect("opened");
            assert_eq!(source.find(b"nEEdl", 0, u64::MAX).expect("read"), Some(at as u64));
            assert_eq!(source.find(b"nEEdl", at as u64 + 1, u64::MAX).expect("read"), None);
            assert_eq!(source.find(b"nEEdl", 0, at as u64).expect("read"), None);
            let len = 3 * WINDOW_BYTES as u64;
            assert_eq!(source.rfind(b"nEEdl", len).expect("read"), Some(at as u64));
            assert_eq!(source.rfind(b"nEEdl", at as u64 + 5).expect("read"), Some(at as u64));
            assert_eq!(source.rfind(b"nEEdl", at as u64 + 4).expect("read"), None);
        }
    }
}
