//! Finding an installed PostgreSQL server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::ServerError;

/// The oldest major version that lockpit works with.
const OLDEST: u32 = 14;
/// The newest major version that lockpit was tested with.
const NEWEST: u32 = 18;

/// The programs of one PostgreSQL installation: `postgres` and `initdb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    dir: PathBuf,
    version: String,
    major: u32,
}

impl Binaries {
    /// The server to use: `explicit` (the option `--pg-bin`), else the variable `LOCKPIT_PG_BIN`; else the first
    /// of `pg_config --bindir`, `PATH` and the usual places with a version from 14 to 18, newest first within
    /// the usual places; else the first newer one (see [`note`](Binaries::note)).
    ///
    /// # Errors
    /// When the folder named by option or variable holds no server of version 14 or newer, or when none is
    /// found anywhere.
    pub fn find(explicit: Option<&Path>) -> Result<Binaries, ServerError> {
        let named = explicit
            .map(Path::to_path_buf)
            .or_else(|| env::var_os("LOCKPIT_PG_BIN").filter(|value| !value.is_empty()).map(PathBuf::from));
        match named {
            Some(dir) => Binaries::at(&dir),
            None => {
                choose(candidates().filter_map(|dir| Binaries::at(&dir).ok())).ok_or(ServerError::NoBinaries)
            }
        }
    }

    /// The server in the folder `dir`.
    ///
    /// # Errors
    /// When `dir` has no `initdb` or no `postgres` that runs, or when it is older than 14.
    pub fn at(dir: &Path) -> Result<Binaries, ServerError> {
        let bad = |reason: String| ServerError::BadBinaries { dir: dir.to_path_buf(), reason };
        let dir = &dir.canonicalize().map_err(|error| bad(error.to_string()))?;
        if !dir.join("initdb").is_file() {
            return Err(bad("it has no initdb".to_owned()));
        }
        let output = Command::new(dir.join("postgres"))
            .arg("--version")
            .env("LC_ALL", "C")
            .output()
            .map_err(|error| bad(format!("postgres --version: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(bad(format!("postgres --version: {} ({})", said.trim(), output.status)));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let (version, major) =
            parse_version(&said).ok_or_else(|| bad(format!("postgres --version said {:?}", said.trim())))?;
        if major < OLDEST {
            return Err(bad(format!("PostgreSQL {version} is too old, {OLDEST} or newer is needed")));
        }
        Ok(Binaries { dir: dir.clone(), version, major })
    }

    /// The folder of the programs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The version as the server says it, such as `16.4` or `19beta1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The major version, such as 16.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// What a user should know about this version, if anything: that it is newer than any tested one.
    pub fn note(&self) -> Option<String> {
        (self.major > NEWEST).then(|| {
            format!(
                "PostgreSQL {} is newer than the versions lockpit is tested with ({OLDEST} to {NEWEST})",
                self.version
            )
        })
    }
}

/// The first tested version, else the first newer one.
fn choose(found: impl Iterator<Item = Binaries>) -> Option<Binaries> {
    let mut newer = None;
    for binaries in found {
        if binaries.major <= NEWEST {
            return Some(binaries);
        }
        newer.get_or_insert(binaries);
    }
    newer
}

/// Version and major version out of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn parse_version(said: &str) -> Option<(String, u32)> {
    let version = said.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).map_or(version, |end| &version[..end]);
    Some((version.to_owned(), digits.parse().ok()?))
}

/// Folders that may hold a server, best first. Lazy, so that nothing is run once a server is found.
fn candidates() -> impl Iterator<Item = PathBuf> {
    std::iter::once_with(pg_config_bindir)
        .flatten()
        .chain(std::iter::once_with(path_folders).flatten())
        .chain(std::iter::once_with(usual_places).flatten())
}

fn pg_config_bindir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let dir = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    (output.status.success() && dir.is_absolute()).then_some(dir)
}

fn path_folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|dir| dir.is_absolute() && dir.join("postgres").is_file()).collect()
}

/// Where packages put servers, the newest version first.
fn usual_places() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/local", "pgsql", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ]
    .into_iter()
    .flat_map(|(parent, prefix, bin)| {
        let names = fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter_map(move |name| {
            let version = name_version(&name, prefix)?;
            Some((version, Path::new(parent).join(name).join(bin)))
        })
    })
    .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, dir)| dir).collect()
}

/// The version in a folder's name after `prefix`; 0 when the name is the prefix alone.
fn name_version(name: &OsString, prefix: &str) -> Option<u32> {
    match name.to_str()?.strip_prefix(prefix)? {
        "" => Some(0),
        version => version.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(version: &str, major: u32) -> Option<(String, u32)> {
        Some((version.to_owned(), major))
    }

    #[test]
    fn versions_are_read_in_every_spelling() {
        assert_eq!(parse_version("postgres (PostgreSQL) 18.4\n"), some("18.4", 18));
        assert_eq!(parse_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), some("15.14", 15));
        assert_eq!(parse_version("postgres (PostgreSQL) 19devel"), some("19devel", 19));
        assert_eq!(parse_version("postgres (EnterpriseDB) 16"), None);
        assert_eq!(parse_version("postgres (PostgreSQL) "), None);
        assert_eq!(parse_version("postgres (PostgreSQL) x"), None);
    }

    #[test]
    fn a_tested_version_wins_over_an_earlier_newer_one() {
        let make =
            |major: u32| Binaries { dir: format!("/{major}").into(), version: major.to_string(), major };
        let pick = |majors: &[u32]| choose(majors.iter().copied().map(make)).map(|found| found.major);
        assert_eq!(pick(&[20, 16, 17]), Some(16), "the order of the places counts");
        assert_eq!(pick(&[20, 19]), Some(20));
        assert_eq!(pick(&[]), None);
        assert!(make(19).note().is_some_and(|note| note.contains("19")));
        assert_eq!(make(18).note(), None);
    }

    #[test]
    fn folder_names_give_versions() {
        assert_eq!(name_version(&"postgresql@17".into(), "postgresql@"), Some(17));
        assert_eq!(name_version(&"pgsql".into(), "pgsql"), Some(0));
        assert_eq!(name_version(&"latest".into(), ""), None);
        assert_eq!(name_version(&"lib".into(), "pgsql-"), None);
    }

    #[test]
    fn a_folder_without_a_server_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = Binaries::find(Some(dir.path())).expect_err("no server there").to_string();
        assert!(error.contains("has no initdb") && error.contains(&*dir.path().to_string_lossy()), "{error}");
        let missing = dir.path().join("missing");
        assert!(matches!(Binaries::find(Some(&missing)), Err(ServerError::BadBinaries { .. })));
    }
}
