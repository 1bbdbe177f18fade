//! `lockpit report`: the post-mortem of a flight, from its log.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::tz::TimeZone;

use super::lines::{complain, print_text};
use super::replay::closing;
use super::{Exit, Failure};
use crate::report::cast::{self, CastError, CastOptions};
use crate::report::{self, Format, Story, notes};

/// What `report` is told.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(super) struct ReportArgs {
    /// The log
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Write to this file, or with - to standard output [default: the log's name with .html in this folder for
    /// html, else standard output]
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long)]
    force: bool,
    /// Add remarks with times from this file
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    /// Columns and rows of the cast [default: 110x34]
    #[arg(long, value_name = "COLUMNSxROWS", value_parser = size)]
    size: Option<(u16, u16)>,
}

const NOTES: &str = "\
A file of remarks has one on each line, behind its time. A time of day is UTC unless it says otherwise:
  22:14:07 the dashboard goes red
  22:14:07+01:00 the first customer calls
  2026-11-20T22:15:00Z the incident is declared
  +12m30s so long after the beginning of the flight
An indented line goes on with the remark above; blank lines and lines that begin with # are skipped.

Examples:
  lockpit report shop.flight                             writes shop.html into this folder
  lockpit report shop.flight --notes notes.txt -o /tmp/incident.html
  lockpit report shop.flight --format markdown           for a ticket
  lockpit report shop.flight --format cast -o shop.cast  for asciinema

Exit codes:
  0  written; of a torn log the report says where it stops
  2  the remarks cannot be used, or the file exists or cannot be written
  7  the log cannot be read, or is altered; what can be read is in the report
  9  with --format cast: replayed, the flight decides something else";

/// Writes the report; the log decides the exit code: 7 when it is damaged or altered, 0 when it is only torn.
pub(super) fn run(args: &ReportArgs) -> Result<u8, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    // What was asked for wrongly is said before a long log is read.
    let remarks = args.notes.as_deref().map(read_notes).transpose().map_err(usage)?;
    let place = place(args).map_err(usage)?;
    let Some(page) = args.format.page() else { return film(args, place.as_deref()) };
    if args.size.is_some() {
        return Err(usage("--size is of a cast: it needs --format cast".to_owned()));
    }
    let mut story =
        report::read(&args.log, &TimeZone::system()).map_err(|error| Failure::new(Exit::BadLog, error))?;
    if let (Some(remarks), Some(path)) = (remarks, &args.notes) {
        let wrong = |error: notes::NoteError| usage(format!("{}: {error}", path.display()));
        if remarks.is_empty() {
            complain(&format!("{}: there is no remark in it", path.display()));
        }
        for outside in notes::add(&mut story, remarks).map_err(wrong)? {
            complain(&format!("{}: {outside}", path.display()));
        }
    }
    let text = report::write(&story, page)
        .map_err(|error| Failure::new(Exit::BadLog, format!("the report cannot be written: {error}")))?;
    match &place {
        Some(path) => {
            let mut file = create(path, args.force).map_err(usage)?;
            file.write_all(text.as_bytes()).map_err(|error| usage(unwritten(path, &error)))?;
            complain(&format!("the report is in {}", path.display()));
        }
        None => print_text(&text).map_err(usage)?,
    }
    Ok(verdict(&args.log, &story))
}

/// Draws the flight as an asciicast.
fn film(args: &ReportArgs, place: Option<&Path>) -> Result<u8, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    if args.notes.is_some() {
        return Err(usage("a cast shows the flight as it was: --notes is of the other formats".to_owned()));
    }
    let mut options = CastOptions::default();
    if let Some((columns, rows)) = args.size {
        (options.columns, options.rows) = (columns, rows);
    }
    let drawn = match place {
        Some(path) => {
            let mut file = BufWriter::new(create(path, args.force).map_err(usage)?);
            let drawn = cast::write(&args.log, &mut file, &options);
            drawn.and_then(|cast| file.flush().map(|()| cast).map_err(CastError::from))
        }
        None => cast::write(&args.log, &mut std::io::stdout().lock(), &options),
    };
    let cast = match drawn {
        Err(CastError::Write(error)) if place.is_none() && error.kind() == ErrorKind::BrokenPipe => {
            return Ok(Exit::Done as u8);
        }
        Err(error @ (CastError::Replay(_) | CastError::Unread(_))) => {
            return Err(Failure::new(Exit::BadLog, error));
        }
        drawn => drawn.map_err(|error| usage(error.to_string()))?,
    };
    if let Some(path) = place {
        complain(&format!("{} frames and {} markers are in {}", cast.frames, cast.markers, path.display()));
    }
    let drift = if cast.has_drifted { Exit::Drift } else { Exit::Done };
    Ok(closing(&args.log, cast.ending).unwrap_or(drift as u8))
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let number = |part: &str| part.parse::<u16>().ok();
    let size = text.split_once('x').and_then(|(columns, rows)| Some((number(columns)?, number(rows)?)));
    size.ok_or_else(|| format!("{text:?} is no size; write it like 110x34"))
}

/// Says on standard error what a reader of the report must not overlook.
fn verdict(log: &Path, story: &Story) -> u8 {
    let integrity = &story.integrity;
    if integrity.is_altered || integrity.is_torn {
        complain(&format!("{}: {}", log.display(), integrity.sentence));
    }
    if integrity.is_altered { Exit::BadLog as u8 } else { Exit::Done as u8 }
}

/// Where the report goes; standard output when `None`.
fn place(args: &ReportArgs) -> Result<Option<PathBuf>, String> {
    let path = match (&args.output, args.format) {
        (Some(path), _) if path.as_os_str() == "-" => return Ok(None),
        (Some(path), _) => path.clone(),
        (None, Format::Markdown | Format::Json | Format::Cast) => return Ok(None),
        (None, Format::Html) => {
            let stem = args.log.file_stem();
            let stem = stem.ok_or_else(|| format!("{} names no file", args.log.display()))?;
            let mut name = stem.to_owned();
            name.push(".html");
            PathBuf::from(name)
        }
    };
    if is_same(&path, &args.log) {
        return Err(format!("{} is the log itself: name another file with -o", path.display()));
    }
    if path.exists() && !args.force {
        return Err(exists(&path));
    }
    Ok(Some(path))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    whole(one).is_some_and(|path| whole(other) == Some(path))
}

fn exists(path: &Path) -> String {
    format!("{} exists already: name another file with -o, or write over it with --force", path.display())
}

fn create(path: &Path, force: bool) -> Result<File, String> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => unwritten(path, &error),
    })
}

fn unwritten(path: &Path, error: &std::io::Error) -> String {
    format!("the report cannot be written to {}: {error}", path.display())
}

fn read_notes(path: &Path) -> Result<Vec<notes::Note>, String> {
    let unreadable =
        |error: std::io::Error| format!("the remarks in {} cannot be read: {error}", path.display());
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(notes::MOST_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if read as u64 > notes::MOST_BYTES {
        return Err(format!(
            "{} is longer than the {} bytes that remarks may have",
            path.display(),
            notes::MOST_BYTES
        ));
    }
    notes::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}
