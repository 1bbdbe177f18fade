//! `lockpit replay`: a flight again, from its log.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::lines::{complain, print};
use super::{Exit, Failure, target};
use crate::engine::ids::At;
use crate::headless::Narrator;
use crate::headless::line::{self, Body, Line};
use crate::log::Ending;
use crate::replay::{Drift, Replay, ReplayError, Step};

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
}

pub(super) fn run(args: &ReplayArgs) -> Result<u8, Failure> {
    if !args.headless {
        return Err(Failure::new(Exit::Usage, "there is no screen yet: add --headless for JSON lines"));
    }
    let unreadable = |error: ReplayError| Failure::new(Exit::BadLog, error);
    let from = At::from_ms(args.at.unwrap_or(0));
    let mut replay = match args.at {
        None => Replay::open(&args.log),
        Some(_) => Replay::open_at(&args.log, from),
    }
    .map_err(unreadable)?;
    let mut teller = Teller::new(&replay, from, args.at.is_some());
    while let Some(step) = replay.step().map_err(unreadable)? {
        if teller.tell(&replay, &step).is_err() {
            // The reader of the lines has gone.
            return Ok(teller.exit());
        }
    }
    match replay.ending().map_err(unreadable)? {
        Ending::Complete => {}
        Ending::Torn { at_byte, lost_bytes } => {
            complain(&format!(
                "{}: the log is torn: it stops at byte {at_byte} without an end, {lost_bytes} bytes of an \
                 unfinished entry behind it; everything before is intact",
                args.log.display()
            ));
        }
        Ending::Damaged(damage) => {
            let rest = match damage.resumes_at {
                Some(byte) => format!("it is readable again from byte {byte}"),
                None => "nothing behind that place can be read".to_owned(),
            };
            complain(&format!(
                "{}: the log is damaged or altered at byte {}; {rest}",
                args.log.display(),
                damage.at_byte
            ));
            return Ok(Exit::BadLog as u8);
        }
    }
    Ok(teller.exit())
}

/// Prints the lines of a replay.
struct Teller {
    narrator: Narrator,
    from: At,
    has_drifted: bool,
    context: bool,
}

impl Teller {
    fn new(replay: &Replay, from: At, context: bool) -> Teller {
        Teller { narrator: Narrator::resume(replay.cockpit()), from, has_drifted: false, context }
    }

    fn exit(&self) -> u8 {
        if self.has_drifted { Exit::Drift as u8 } else { Exit::Done as u8 }
    }

    fn tell(&mut self, replay: &Replay, step: &Step) -> std::io::Result<()> {
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
