//! `lockpit replay`: a flight again, from its log.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use clap::Args;

use super::lines::{complain, print};
use super::screen::{self, LooksArgs};
use super::{Exit, Failure, target};
use crate::config::Config;
use crate::engine::ids::At;
use crate::headless::Narrator;
use crate::headless::line::{self, Body, Line};
use crate::log::Ending;
use crate::random;
use crate::replay::{Drift, Replay, ReplayError, Step};
use crate::screen::playback::Playback;
use crate::screen::run::{Looks, Screen};
use crate::screen::shown::Recording;
use crate::screen::source::Source;
use crate::screen::survey::{Findings, Progress};
use crate::screen::typed::speed_percent;

/// What `replay` is told.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The log
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// Print JSON lines instead of opening a screen
    #[arg(long)]
    headless: bool,
    /// Begin this long after the start of the flight
    #[arg(long, value_name = "TIME", value_parser = target::duration_ms)]
    at: Option<u64>,
    /// Play this many times as fast [default: 1]
    #[arg(long, value_name = "N", value_parser = speed_percent, conflicts_with = "headless")]
    speed: Option<u64>,
    #[command(flatten)]
    looks: LooksArgs,
}

pub(super) fn run(args: &ReplayArgs) -> Result<u8, Failure> {
    if args.headless {
        return play(&args.log, args.at.map(At::from_ms));
    }
    screen::check()?;
    let config = Config::find().map_err(|error| Failure::new(Exit::Usage, error))?;
    let findings = show(&args.log, args.at, args.speed, args.looks.looks(&config)?)?;
    findings.map_or(Ok(Exit::Done as u8), |findings| surveyed(&args.log, &findings))
}

/// Plays a log on the screens; what became known of it meanwhile.
fn show(
    log: &Path,
    at_ms: Option<u64>,
    speed_percent: Option<u64>,
    looks: Looks,
) -> Result<Option<Findings>, Failure> {
    let unreadable = |error: ReplayError| Failure::new(Exit::BadLog, error);
    let mut playback = Playback::open(log).map_err(unreadable)?;
    if let Some(at_ms) = at_ms {
        playback.go(At::from_ms(at_ms)).map_err(unreadable)?;
    }
    if let Some(percent) = speed_percent {
        playback.set_speed(percent);
    }
    let screen = Screen {
        source: Source::Replay(playback),
        pilot: None,
        looks,
        recording: Recording::default(),
        may_detach: false,
    };
    let (sender, events) = mpsc::channel();
    Ok(screen::show(screen, &sender, &events)?.findings)
}

/// Says what is known of a log that was left; the exit code. Nothing is claimed of what has not been read.
fn surveyed(log: &Path, findings: &Findings) -> Result<u8, Failure> {
    let verdict = if findings.has_drifted() { Exit::Drift as u8 } else { Exit::Done as u8 };
    match findings.progress() {
        Progress::Through(ending) => Ok(closing(log, *ending).unwrap_or(verdict)),
        Progress::Stopped(why) => Err(Failure::new(Exit::BadLog, why)),
        Progress::Reading => {
            complain(&unchecked(log, findings));
            let damage = findings.damage().and_then(|damage| closing(log, Ending::Damaged(damage)));
            Ok(damage.unwrap_or(verdict))
        }
    }
}

/// What is said of a log that was left before it was read through.
fn unchecked(log: &Path, findings: &Findings) -> String {
    let log = log.display();
    let words = findings.words().unwrap_or_default();
    format!(
        "{log}: left before it was read through ({words}, its end: {}): whether the rest is intact and decides as it \
         did was not checked; 'lockpit replay --headless {log}' checks all of it",
        findings.end_words()
    )
}

/// Replays a log that is part of this program.
pub(super) fn play_recorded(log: &[u8], looks: Option<Looks>) -> Result<u8, Failure> {
    let name = format!("lockpit-{}-{:016x}.flight", std::process::id(), u64::from_le_bytes(random::bytes()));
    let path = std::env::temp_dir().join(name);
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let written = written.and_then(|mut file| file.write_all(log));
    let played = match written {
        Ok(()) => match looks {
            None => play(&path, None),
            // Of a recording that comes with the program nobody has to hear that it was left early.
            Some(looks) => match show(&path, None, None, looks) {
                Ok(Some(findings)) if *findings.progress() != Progress::Reading => surveyed(&path, &findings),
                Ok(_) => Ok(Exit::Done as u8),
                Err(failure) => Err(failure),
            },
        },
        Err(error) => {
            let message = format!("the recording cannot be unpacked to {}: {error}", path.display());
            Err(Failure::new(Exit::BadLog, message))
        }
    };
    // What cannot be removed is a few kilobytes in the folder for temporary files.
    let _ = std::fs::remove_file(&path);
    played
}

fn play(log: &Path, at: Option<At>) -> Result<u8, Failure> {
    let unreadable = |error: ReplayError| Failure::new(Exit::BadLog, error);
    let mut replay = match at {
        None => Replay::open(log),
        Some(at) => Replay::open_at(log, at),
    }
    .map_err(unreadable)?;
    let mut teller = Teller::new(&replay, at);
    while let Some(step) = replay.step().map_err(unreadable)? {
        if teller.tell(&replay, &step).is_err() {
            // The reader of the lines has gone.
            return Ok(teller.exit());
        }
    }
    let ending = replay.ending().map_err(unreadable)?;
    Ok(closing(log, ending).unwrap_or_else(|| teller.exit()))
}

/// Says how a log ends; the exit code where that decides it.
pub(super) fn closing(log: &Path, ending: Ending) -> Option<u8> {
    match ending {
        Ending::Complete => None,
        Ending::Torn { at_byte, lost_bytes } => {
            complain(&format!(
                "{}: the log is torn: it stops at byte {at_byte} without an end, {lost_bytes} bytes of an \
                 unfinished entry behind it; everything before is intact",
                log.display()
            ));
            None
        }
        Ending::Damaged(damage) => {
            let rest = match damage.resumes_at {
                Some(byte) => format!("it is readable again from byte {byte}"),
                None => "nothing behind that place can be read".to_owned(),
            };
            complain(&format!(
                "{}: the log is damaged or altered at byte {}; {rest}",
                log.display(),
                damage.at_byte
            ));
            Some(Exit::BadLog as u8)
        }
    }
}

/// Prints the lines of a replay.
pub(super) struct Teller {
    narrator: Narrator,
    /// Nothing before it is told.
    from: At,
    has_drifted: bool,
    /// The flight has still to be introduced, because the replay did not begin at its beginning.
    context: bool,
}

impl Teller {
    fn new(replay: &Replay, at: Option<At>) -> Teller {
        let (from, context) = (at.unwrap_or_default(), at.is_some());
        Teller { narrator: Narrator::resume(replay.cockpit()), from, has_drifted: false, context }
    }

    /// For who begins to read at the newest checkpoint.
    pub(super) fn resume(replay: &Replay) -> Teller {
        // A flight that has only begun introduces itself.
        Teller { context: replay.cockpit().server().is_some(), ..Teller::new(replay, None) }
    }

    fn exit(&self) -> u8 {
        if self.has_drifted { Exit::Drift as u8 } else { Exit::Done as u8 }
    }

    pub(super) fn tell(&mut self, replay: &Replay, step: &Step) -> std::io::Result<()> {
        let cockpit = replay.cockpit();
        let rejudged = replay.is_rejudged();
        let (at, lines) = match step {
            Step::Turn { at, was_sample, drift } => {
                let mut lines = self.narrator.tell(*at, cockpit, *was_sample);
                if let Some(drift) = drift {
                    self.has_drifted |= !rejudged;
                    lines.push(drift_line(*at, drift, rejudged));
                }
                (*at, lines)
            }
            Step::Resumed { at, gap } => {
                self.narrator = Narrator::resume(cockpit);
                let gap = line::Gap { from_ms: gap.from.ms(), why: gap.why.clone(), lost: gap.lost };
                (*at, vec![Line { at_ms: at.ms(), body: Body::Gap(gap) }])
            }
            Step::StateDiffers { at } => {
                self.has_drifted = true;
                let drift = line::Drift {
                    recorded: vec!["a checkpoint of the engine".to_owned()],
                    replayed: vec!["another state of the engine".to_owned()],
                    rejudged,
                };
                (*at, vec![Line { at_ms: at.ms(), body: Body::Drift(drift) }])
            }
        };
        if at < self.from {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        if std::mem::take(&mut self.context) {
            print(&mut out, &Narrator::flight(at, cockpit))?;
        }
        lines.iter().try_for_each(|line| print(&mut out, line))?;
        out.flush()
    }
}

fn drift_line(at: At, drift: &Drift, rejudged: bool) -> Line {
    let words = |effects: &[crate::engine::effect::Effect]| {
        effects.iter().map(|effect| format!("{effect:?}")).collect()
    };
    let body = Body::Drift(line::Drift {
        recorded: words(&drift.recorded),
        replayed: words(&drift.replayed),
        rejudged,
    });
    Line { at_ms: at.ms(), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.flight")
    }

    #[test]
    fn nothing_is_claimed_of_a_log_that_was_left_before_it_was_read_through() {
        // A playback hears of its survey when it is advanced: this one knows nothing of what lies ahead.
        let playback = Playback::open(&demo()).expect("the demonstration");
        let said = unchecked(playback.log(), playback.findings());
        for part in [
            "demo.flight: left before it was read through",
            "not surveyed yet",
            "was not checked",
            "--headless",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert_eq!(surveyed(playback.log(), playback.findings()).ok(), Some(0));
        let playback = playback.surveyed();
        assert_eq!(surveyed(playback.log(), playback.findings()).ok(), Some(0));
    }

    #[test]
    fn a_log_that_is_read_through_is_judged_by_how_it_ends() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = dir.path().join("a.flight");
        let bytes = std::fs::read(demo()).expect("the demonstration");
        let code = |bytes: &[u8]| {
            std::fs::write(&log, bytes).expect("a copy");
            let playback = Playback::open(&log).expect("its beginning is readable").surveyed();
            surveyed(&log, playback.findings()).ok()
        };
        assert_eq!(code(&bytes[..bytes.len() - 20]), Some(Exit::Done as u8), "torn");
        let mut altered = bytes.clone();
        altered[bytes.len() / 2] ^= 0x55;
        assert_eq!(code(&altered), Some(Exit::BadLog as u8));
    }
}
