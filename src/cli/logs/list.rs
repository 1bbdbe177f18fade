//! `lockpit logs`: what there is, newest first.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{count, folder, no_folder};
use crate::cli::{Exit, Failure};
use crate::engine::derive::words::bytes as bytes_text;
use crate::engine::guard::seconds;
use crate::log::{Head, Verdict, verify};
use crate::shelf::{self, Found, Looked, Tail};

/// What `logs` is told when it is to list.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Folders or logs [default: the folder where flights are recorded]
    #[arg(value_name = "DIR|FILE")]
    places: Vec<PathBuf>,
    /// Read every log through and say whether it is as it was written
    #[arg(long)]
    verify: bool,
    /// How to print the list
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, two lines for each log
    Text,
    /// One JSON document
    Json,
}

/// The list, as JSON. `null` means unknown, everywhere.
#[derive(Debug, Serialize)]
struct List {
    /// Number of this shape.
    schema: u32,
    /// Newest first; files that cannot be read come last, by name.
    logs: Vec<Item>,
}

/// One file.
#[derive(Debug, Serialize)]
struct Item {
    /// Where it is.
    path: String,
    /// Its size.
    bytes: Option<u64>,
    /// Why it cannot be listed as a log; everything below is `null` then.
    unreadable: Option<String>,
    /// When the flight began, RFC 3339, UTC.
    began: Option<String>,
    /// From the flight's beginning to the log's last entry.
    lasted_ms: Option<u64>,
    /// The connected database.
    database: Option<String>,
    /// The plan that was flown.
    plan: Option<String>,
    /// What the database is, such as `PROD`.
    label: Option<String>,
    /// How the flight ended, for people.
    outcome: Option<String>,
    /// Which part of a recording that goes from file to file, from 1.
    part: Option<u32>,
    /// Of a log that is a cut: which part of the flight, for people.
    cut: Option<String>,
    /// `complete`, `in_the_air`, `torn`, `damaged`, or, of a log that was read through, `altered`.
    integrity: Option<&'static str>,
    /// It was read through.
    is_verified: bool,
    /// What the full pass said, for people.
    verdict: Option<String>,
}

pub(super) fn run(args: &ListArgs) -> Result<u8, Failure> {
    let mut found: Vec<Found> = files(&args.places)?.iter().map(|path| shelf::look(path)).collect();
    found.sort_by_cached_key(|one| {
        let began = one.log.as_ref().ok().map(|log| log.head.utc_us);
        (Reverse(began), Reverse(one.path.clone()))
    });
    let items: Vec<Item> = found.iter().map(|one| item(one, args.verify)).collect();
    let is_altered = items.iter().any(|item| item.integrity == Some("altered"));
    let text = match args.format {
        Format::Text => text(&items, &named(&args.places)?, args.verify),
        Format::Json => {
            let list = List { schema: 1, logs: items };
            let json = serde_json::to_string_pretty(&list);
            json.map_err(|error| Failure::new(Exit::Usage, error))? + "\n"
        }
    };
    // Who reads the list may have seen enough.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(if is_altered { Exit::BadLog } else { Exit::Done } as u8)
}

/// Where was looked, for people.
fn named(places: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let places = if places.is_empty() { vec![folder(None)?] } else { places.to_vec() };
    Ok(places.iter().map(|place| printable(&place.display().to_string())).collect())
}

/// Every file that is named, and those of every folder that is.
fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    if places.is_empty() {
        let dir = folder(None)?;
        // Nothing was ever recorded there.
        if !dir.exists() {
            return Ok(files);
        }
        return shelf::files(&dir).map_err(|error| no_folder(&dir, &error));
    }
    for place in places {
        if place.is_dir() {
            files.extend(shelf::files(place).map_err(|error| no_folder(place, &error))?);
        } else if place.symlink_metadata().is_ok() {
            files.push(place.clone());
        } else {
            return Err(Failure::new(Exit::Usage, format!("there is no file or folder {}", place.display())));
        }
    }
    Ok(files)
}

fn item(found: &Found, reads_through: bool) -> Item {
    let path = found.path.display().to_string();
    let nothing = |why: &str| Item {
        path: path.clone(),
        bytes: found.bytes,
        unreadable: Some(why.to_owned()),
        began: None,
        lasted_ms: None,
        database: None,
        plan: None,
        label: None,
        outcome: None,
        part: None,
        cut: None,
        integrity: None,
        is_verified: false,
        verdict: None,
    };
    let log = match &found.log {
        Ok(log) => log,
        Err(why) => return nothing(why),
    };
    let verified = if reads_through { read_through(&found.path, log) } else { None };
    let meta = log.head.meta.clone().unwrap_or_default();
    Item {
        unreadable: None,
        began: date(&log.head).map(|began| format!("{began:.3}")),
        lasted_ms: Some(log.last_at.ms()),
        outcome: Some(log.words()),
        database: meta.database,
        plan: meta.plan,
        label: meta.label,
        part: meta.part.map(|part| part.number),
        cut: meta.cut.as_ref().map(crate::export::words),
        integrity: Some(verified.as_ref().map_or(tail_word(log.tail), |(word, _)| *word)),
        is_verified: verified.is_some(),
        verdict: verified.map(|(_, verdict)| verdict),
        ..nothing("")
    }
}

/// What a full pass says. A log in the air is as torn as it looks.
fn read_through(path: &Path, log: &Looked) -> Option<(&'static str, String)> {
    Some(match verify(path, None) {
        Ok(verified) => {
            let word = match verified.verdict {
                Verdict::Complete => "complete",
                Verdict::Torn(_) if log.tail == Tail::InTheAir => "in_the_air",
                Verdict::Torn(_) => "torn",
                Verdict::Altered(_) => "altered",
            };
            (word, verified.verdict.to_string())
        }
        Err(error) => ("damaged", error.to_string()),
    })
}

fn tail_word(tail: Tail) -> &'static str {
    match tail {
        Tail::Complete => "complete",
        Tail::InTheAir => "in_the_air",
        Tail::Torn => "torn",
        Tail::Damaged { .. } => "damaged",
    }
}

fn date(head: &Head) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(head.utc_us).ok()
}

/// Widths that leave a line of 80 columns to a log: date, duration, database, plan, label, size.
const WIDTHS: [usize; 6] = [19, 7, 11, 7, 6, 8];

fn text(items: &[Item], places: &[String], is_verified: bool) -> String {
    if items.is_empty() {
        return format!("no logs in {}\n", places.join(", "));
    }
    let mut out = line(["BEGAN (UTC)", "LASTED", "DATABASE", "PLAN", "LABEL", "SIZE"], "INTEGRITY");
    for item in items {
        let size = item.bytes.map_or("?".to_owned(), bytes_text);
        if let Some(why) = &item.unreadable {
            out += &line(["-", "-", "-", "-", "-", &size], "unreadable");
            let _ = writeln!(out, "    {why}");
            continue;
        }
        let began = item.began.as_deref().unwrap_or("?").replace('T', " ");
        let began = began.get(..19).unwrap_or(&began).to_owned();
        let lasted = item.lasted_ms.map_or("?".to_owned(), seconds);
        let dash = |word: &Option<String>| word.as_deref().map_or("-".to_owned(), printable);
        let (database, plan, label) = (dash(&item.database), dash(&item.plan), dash(&item.label));
        let integrity = item.integrity.unwrap_or("?").replace('_', " ");
        out += &line([&began, &lasted, &database, &plan, &label, &size], &integrity);
        let name = Path::new(&item.path).file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| item.path.clone());
        let mut facts = Vec::new();
        facts.extend(item.outcome.clone());
        // Of a long name the line above has only the beginning.
        let is_cut = |plan: &&String| plan.chars().count() > WIDTHS[3];
        facts.extend(item.plan.as_ref().filter(is_cut).map(|plan| format!("plan {plan}")));
        facts.extend(item.part.map(|part| format!("part {part} of a recording")));
        facts.extend(item.cut.clone());
        // What a pass over an intact log says is in the line above.
        facts.extend(item.verdict.clone().filter(|_| item.integrity != Some("complete")));
        let _ = writeln!(out, "    {}: {}", printable(&name), printable(&facts.join("; ")));
    }
    let total = items.iter().filter_map(|item| item.bytes).fold(0, u64::saturating_add);
    let verified = match is_verified {
        true => "; every log was read through",
        false => "\nNot verified: integrity is what the end of a log says; --verify reads all of it",
    };
    let _ = writeln!(out, "{}, {}{verified}", count(items.len()), bytes_text(total));
    out
}

fn line(cells: [&str; 6], last: &str) -> String {
    let mut out = String::new();
    for (n, (cell, width)) in cells.iter().zip(WIDTHS).enumerate() {
        let cell = fitting(cell, width);
        // Sizes and durations stand to the right.
        let _ = if matches!(n, 1 | 5) {
            write!(out, "{cell:>width$}  ")
        } else {
            write!(out, "{cell:<width$}  ")
        };
    }
    out + last + "\n"
}

/// As much of `text` as fits, with a mark where something is left out.
fn fitting(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// What a log says, without control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
