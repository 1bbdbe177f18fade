//! `lockpit verify`: whether a log is what was written.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::lines::{complain, print_text};
use super::{Exit, Failure};
use crate::flight::Landing;
use crate::log::{Pin, Torn, Verdict, Verified, is_written, verify};

/// What `verify` is told.
#[derive(Debug, Args)]
#[command(after_help = WORDS)]
pub(super) struct VerifyArgs {
    /// The log
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// A checkpoint of the log that was kept elsewhere: shows also whether its end was cut off since, or all of it
    /// written anew
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

/// The longest message that a checkpoint may stand in.
const MOST_BYTES: u64 = 1 << 20;

const WORDS: &str = "\
Every byte is read, and every checksum, number and seal compared; no index is trusted.
  complete  closed by its flight, and as it was written
  torn      without an end: in the air, or cut off; what it has is as it was written (exit 0)
  altered   damaged or changed; the first bad place is named (exit 7)

The three lines of the checkpoint say where the log stood. A log cannot show by itself that its end was cut off or \
that all of it was written anew: keep them where nobody rewrites them, such as the incident's channel, and give them \
back with --checkpoint; the message they were pasted in will do.

Examples:
  lockpit verify shop.flight
  lockpit verify shop.flight --checkpoint from-the-channel.txt
  lockpit logs --verify     every log of the folder where flights are recorded

Exit codes:
  0  complete or torn
  2  the file of --checkpoint cannot be read, or is none
  7  altered, not a log, or not readable";

pub(super) fn run(args: &VerifyArgs) -> Result<u8, Failure> {
    let known = args.checkpoint.as_deref().map(read_checkpoint).transpose()?;
    let found = verify(&args.log, known.as_ref()).map_err(|error| Failure::new(Exit::BadLog, error))?;
    let text = words(&args.log, &found, known.as_ref());
    print_text(&text).map_err(|why| Failure::new(Exit::Usage, why))?;
    Ok(match found.verdict {
        Verdict::Altered(_) => Exit::BadLog,
        Verdict::Complete | Verdict::Torn(_) => Exit::Done,
    } as u8)
}

fn read_checkpoint(path: &Path) -> Result<Pin, Failure> {
    let usage =
        |why: String| Failure::new(Exit::Usage, format!("the checkpoint in {}: {why}", path.display()));
    let unreadable = |error: std::io::Error| usage(format!("cannot be read: {error}"));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)).map_err(unreadable)?;
    String::from_utf8_lossy(&bytes).parse().map_err(|error: crate::log::PinError| usage(error.to_string()))
}

fn words(log: &Path, found: &Verified, known: Option<&Pin>) -> String {
    let Verified { verdict, pin, sealed_bytes, records, file_bytes } = found;
    let mut text = format!("{}: {verdict}\n", log.display());
    if matches!(verdict, Verdict::Torn(Torn::Clean | Torn::Within { .. })) && is_written(log) {
        text.push_str("it is being written: its flight is in the air\n");
    }
    let _ = writeln!(
        text,
        "{file_bytes} bytes; intact: {records} records in {} bytes, of which seals cover {sealed_bytes}",
        pin.bytes
    );
    match (verdict, known) {
        (Verdict::Altered(_), Some(known)) if known.flight != pin.flight => {
            text.push_str(
                "nothing is proved: is this the right log, and the right checkpoint? without --checkpoint the log is \
                 verified by itself\n",
            );
            return text;
        }
        (Verdict::Altered(_), _) => {
            text.push_str("no checkpoint: it would vouch for a log that is not as it was written\n");
            return text;
        }
        (_, Some(known)) => {
            let more = pin.bytes - known.bytes;
            let _ = writeln!(
                text,
                "the checkpoint fits: its {} bytes are as they were, and {more} came after it",
                known.bytes
            );
        }
        (_, None) => {}
    }
    text.push_str("its checkpoint:\n");
    let _ = writeln!(text, "{pin}");
    text
}

/// Says where a flight was recorded, and its checkpoint.
pub(super) fn tell_landing(landing: &Landing) {
    let Some(recorded) = &landing.recorded else { return };
    let path = recorded.path.display();
    complain(&format!("recorded in {path}; its checkpoint, to be kept elsewhere:\n{}", recorded.pin));
}
