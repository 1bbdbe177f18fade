//! A small disk: to be filled, or made read-only.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[expect(clippy::print_stderr, reason = "a test that could not run must say so")]
pub(crate) fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// A small file system of its own, gone with the value.
pub(crate) struct SmallDisk {
    dir: Option<tempfile::TempDir>,
}

impl SmallDisk {
    /// `None`, and a line that says so, where nothing may be mounted.
    pub(crate) fn mount(kib: u32) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().expect("a directory");
        let size = format!("size={kib}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "lockpit-test"]).arg(dir.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(SmallDisk { dir: Some(dir) }),
            _ => {
                skipped("this user may not mount a file system");
                None
            }
        }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.dir.as_ref().expect("until it is dropped").path()
    }

    /// Changes its options, such as `ro` or `size=64k`.
    pub(crate) fn remount(&self, how: &str) {
        let option = format!("remount,{how}");
        let status = Command::new("mount").args(["-o", &option]).arg(self.path()).status().expect("mount");
        assert!(status.success());
    }

    /// Takes all the space that is left, and returns the file to remove to give it back.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.path().join("ballast");
        let _ = std::fs::write(&path, vec![1; 16 << 20]);
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a log that a failed test left open must not keep it.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
        self.dir.take();
    }
}
