//! What can be wrong with a connection string.
//!
//! Owns the sentences. They name keywords, places and files, never values.

use std::fmt;
use std::path::PathBuf;

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line, such as `-h`.
    Flag(&'static str),
    /// The connection string.
    Conninfo,
    /// A service of a service file.
    Service {
        /// The service.
        name: String,
        /// The file that defines it.
        path: PathBuf,
    },
    /// An environment variable.
    Env(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => f.write_str(flag),
            Origin::Conninfo => f.write_str("the connection string"),
            Origin::Service { name, path } => write!(f, "service {name:?} in {}", path.display()),
            Origin::Env(name) => write!(f, "the environment variable {name}"),
        }
    }
}

/// Why settings do not say where and how to connect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConninfoError {
    /// A keyword string that cannot be read.
    #[error("the connection string has {what} (character {at})")]
    Syntax {
        /// What stands there.
        what: &'static str,
        /// Where, counted in bytes from 1.
        at: usize,
    },
    /// A URI that cannot be read.
    #[error("the {part} of the connection URI cannot be read: {what}")]
    Uri {
        /// Which part of the URI.
        part: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A keyword that nobody knows.
    #[error("{origin} has the unknown keyword {keyword:?}{}", did_you_mean(.near))]
    UnknownKeyword {
        /// The keyword.
        keyword: String,
        /// Where it stands.
        origin: Origin,
        /// The keyword that was probably meant.
        near: Option<&'static str>,
    },
    /// A keyword of libpq that lockpit does not support and must not skip.
    #[error("{keyword} (from {origin}) is not supported: {why}; remove it")]
    Unsupported {
        /// The keyword.
        keyword: &'static str,
        /// Where it stands.
        origin: Origin,
        /// Why.
        why: &'static str,
    },
    /// A value that its keyword does not allow.
    #[error("{keyword} (from {origin}) has a bad value: it must be {expected}")]
    BadValue {
        /// The keyword.
        keyword: &'static str,
        /// Where it stands.
        origin: Origin,
        /// What is allowed.
        expected: &'static str,
    },
    /// Two explicit settings that contradict each other.
    #[error("{keyword} is given twice and differently, by {first} and by {second}; keep one")]
    Conflict {
        /// The keyword.
        keyword: &'static str,
        /// Where it stands first.
        first: Origin,
        /// Where it stands again.
        second: Origin,
    },
    /// Lists of different lengths.
    #[error("{given} values of {keyword} do not fit {hosts} hosts; give one for each host{}", or_one(.keyword))]
    ListLength {
        /// The keyword.
        keyword: &'static str,
        /// How many values it has.
        given: usize,
        /// How many hosts there are.
        hosts: usize,
    },
    /// A service that no file defines.
    #[error("service {service:?} is not defined in {}; check its name and PGSERVICEFILE", list(.looked_in))]
    ServiceMissing {
        /// The service.
        service: String,
        /// The files that were looked for.
        looked_in: Vec<PathBuf>,
    },
    /// A service file that cannot be read.
    #[error("service file {} cannot be used (line {line}): {what}", .path.display())]
    ServiceFile {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1; 0 when it is about the file.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Nobody said who connects.
    #[error("no user is given and this system has no name for the current one; use -U or user=")]
    NoUser,
}

fn did_you_mean(near: &Option<&'static str>) -> String {
    near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

fn or_one(keyword: &str) -> &'static str {
    if keyword == "port" { ", or one for all" } else { "" }
}

fn list(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "any file (there is no home directory)".to_owned();
    }
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
