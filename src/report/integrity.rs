//! What a log is worth as evidence.
//!
//! Owns the words of the verdict. Reads nothing: it is told what a full pass has found.

use super::story::Integrity;
use crate::export;
use crate::log::{Meta, Torn, Verdict, Verified};

impl Integrity {
    /// The verdict of a full pass over the log.
    pub fn of(found: &Verified) -> Integrity {
        let (sentence, is_altered, is_torn) = match &found.verdict {
            Verdict::Complete => (
                "The log is complete: its flight closed it, and every checksum and seal fits. Only a checkpoint that \
                 was kept elsewhere also shows that it was not written anew."
                    .to_owned(),
                false,
                false,
            ),
            Verdict::Torn(torn) => {
                let stops = match torn {
                    Torn::Clean => "behind a whole turn of the flight".to_owned(),
                    Torn::Within { bytes } => format!("within a turn of which {bytes} bytes are there"),
                    Torn::Zeros { bytes } => format!("in {bytes} bytes of zeros"),
                };
                let sentence = format!(
                    "The log is torn: at byte {} it stops without an end, {stops}. Everything before is as it was \
                     written; what came after is not known. The flight was cut off, or is still in the air.",
                    found.pin.bytes
                );
                (sentence, false, true)
            }
            Verdict::Altered(_) => {
                let sentence =
                    format!("The log is {}. This report may not be the whole flight.", found.verdict);
                (sentence, true, false)
            }
        };
        let checkpoint = (!is_altered).then(|| found.pin.lines());
        Integrity { sentence, excerpt: None, checkpoint, is_altered, is_torn }
    }

    /// The same of a log that says of itself that it has a part of its flight.
    pub fn with_excerpt(self, meta: Option<&Meta>) -> Integrity {
        let cut = meta.and_then(|meta| meta.cut.as_ref()).map(|cut| {
            format!("This log is {}; what came before and after is not in it.", export::words(cut))
        });
        let part = meta.and_then(|meta| meta.part.as_ref()).map(|part| {
            format!(
                "This log is part {} of a recording that goes from file to file; what came before and after is in \
                 the other parts, as long as they are kept.",
                part.number
            )
        });
        Integrity { excerpt: cut.or(part), ..self }
    }

    /// The verdict on a log that could be read up to some place only.
    pub fn unreadable(why: &str) -> Integrity {
        let sentence =
            format!("The log cannot be read to its end: {why}. This report ends where reading ended.");
        Integrity { sentence, excerpt: None, checkpoint: None, is_altered: true, is_torn: false }
    }
}
