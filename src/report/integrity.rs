//! What a log is worth as evidence.
//!
//! Owns the words of the verdict. Reads nothing: it is told how the log ends.

use super::story::Integrity;
use crate::log::Ending;

impl Integrity {
    /// The verdict on a log that ends like this.
    pub fn of_ending(ending: Ending) -> Integrity {
        let (sentence, is_altered, is_torn) = match ending {
            Ending::Complete => (
                "The log is complete: it has its end, and every record was read and fits its checksum. \
                 Checksums show damage; they do not show a change made on purpose."
                    .to_owned(),
                false,
                false,
            ),
            Ending::Torn { at_byte, lost_bytes } => (
                format!(
                    "The log is torn: it stops at byte {at_byte} without an end, with {lost_bytes} bytes of an \
                     unfinished entry behind it. Everything before is intact; what came after is not known. The \
                     flight was cut off, or is still in the air."
                ),
                false,
                true,
            ),
            Ending::Damaged(damage) => {
                let rest = match damage.resumes_at {
                    Some(byte) => format!("It is readable again from byte {byte}"),
                    None => "Nothing behind that place can be read".to_owned(),
                };
                let sentence = format!(
                    "The log is damaged or altered at byte {}. {rest}. This report is not the whole flight.",
                    damage.at_byte
                );
                (sentence, true, false)
            }
        };
        Integrity { sentence, checkpoint: None, is_altered, is_torn }
    }

    /// The verdict on a log that could be read up to some place only.
    pub fn unreadable(why: &str) -> Integrity {
        let sentence =
            format!("The log cannot be read to its end: {why}. This report ends where reading ended.");
        Integrity { sentence, checkpoint: None, is_altered: true, is_torn: false }
    }
}
