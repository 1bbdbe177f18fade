//! The chain over a log's records, and the checkpoint that pins it.
//!
//! Owns what is hashed, and the three lines that say where a log stood. A chain inside a file shows what was changed
//! in it; only a checkpoint kept elsewhere shows that the file was cut or written anew.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What the first line of a checkpoint begins with.
const ORIGIN: &str = "lockpit/flight/";

/// The chain up to some record: SHA-256 of the chain before it and the SHA-256 of the record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chain(pub(super) [u8; Chain::BYTES]);

impl Chain {
    pub(super) const BYTES: usize = 32;

    /// The chain of a log that has only its header.
    pub(super) fn of_header(header: &[u8]) -> Chain {
        Chain(Sha256::digest(header).into())
    }

    /// The chain once `record`, head and payload, stands behind it.
    #[must_use]
    pub(super) fn and(self, record: &[u8]) -> Chain {
        let record: [u8; Chain::BYTES] = Sha256::digest(record).into();
        let mut both = Sha256::new();
        both.update(self.0);
        both.update(record);
        Chain(both.finalize().into())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// Where a log stood: kept outside of it, it shows later that the log was cut, or written anew.
///
/// As text it is three lines, like the checkpoint of a transparency log: which flight, how many bytes, and the chain
/// over them in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The flight's identity.
    pub flight: [u8; 16],
    /// Bytes of the log.
    pub bytes: u64,
    /// The chain over all records in them.
    pub chain: Chain,
}

/// Why a text is no checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a checkpoint of a flight log ({0}); it has three lines: {ORIGIN}ID, the size in bytes, the hash in base64"
)]
pub struct PinError(&'static str);

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl Pin {
    /// The three lines.
    pub fn lines(&self) -> [String; 3] {
        let flight: String = self.flight.iter().map(|byte| format!("{byte:02x}")).collect();
        [format!("{ORIGIN}{flight}"), self.bytes.to_string(), STANDARD.encode(self.chain.0)]
    }
}

impl FromStr for Pin {
    type Err = PinError;

    /// Reads the three lines; what surrounds them in a message (empty lines, indentation, quote marks) is left out.
    fn from_str(text: &str) -> Result<Pin, PinError> {
        let mut lines = text
            .lines()
            .map(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '>' || c == '`'))
            .skip_while(|line| !line.starts_with(ORIGIN));
        let origin = lines.next().and_then(|line| line.strip_prefix(ORIGIN));
        let origin = origin.ok_or(PinError("no line begins with the origin"))?;
        let flight = hex(origin).ok_or(PinError("the flight's identity is not 32 hexadecimal digits"))?;
        let bytes = lines.next().and_then(|line| line.parse().ok()).ok_or(PinError("no size follows"))?;
        let chain = lines.next().and_then(|line| STANDARD.decode(line).ok()?.try_into().ok());
        let chain = Chain(chain.ok_or(PinError("no hash follows"))?);
        Ok(Pin { flight, bytes, chain })
    }
}

fn hex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_from_the_message_it_was_pasted_in() {
        let pin = Pin { flight: *b"0123456789abcdef", bytes: 4_711, chain: Chain::of_header(b"a header") };
        let text = pin.to_string();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(text.parse(), Ok(pin));
        let pasted = format!("22:14 alice:\n\n> {}\n", text.replace('\n', "\n> "));
        assert_eq!(pasted.parse(), Ok(pin));
    }

    #[test]
    fn what_is_no_checkpoint_says_why() {
        let good = Pin { flight: [7; 16], bytes: 1, chain: Chain::of_header(b"") }.to_string();
        for (bad, why) in [
            (String::new(), "origin"),
            (good.replace("07", "7"), "32 hexadecimal digits"),
            (good.replace("0707", "+7+7"), "32 hexadecimal digits"),
            (good.replace("\n1\n", "\none\n"), "size"),
            (good[..good.len() - 4].to_owned(), "hash"),
        ] {
            let error = bad.parse::<Pin>().expect_err(&bad);
            assert!(error.to_string().contains(why), "{error} for {bad}");
        }
    }
}
