//! Durations as people write them: `250ms`, `20s`, `5m`, `1h30m`.
//!
//! Owns their reading and their canonical form. [`super::guard::seconds`] is for sentences, this for commands.

/// The units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// `250ms`, `20s`, `5m`, `2h`, or several of these together; in milliseconds.
///
/// # Errors
/// A sentence that says how durations are written.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no duration: write 250ms, 20s, 5m, 2h or 1h30m");
    let mut total_ms: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let name = if &rest[..letters] == "min" { "m" } else { &rest[..letters] };
        let (_, unit_ms) = UNITS.iter().find(|(known, _)| *known == name).ok_or_else(wrong)?;
        rest = &rest[letters..];
        total_ms = number.checked_mul(*unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(wrong)?;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total_ms) }
}

/// The shortest text that [`duration_ms`] reads as `ms` milliseconds.
pub fn duration_text(ms: u64) -> String {
    let mut text = String::new();
    let mut rest = ms;
    for (name, unit_ms) in UNITS {
        if rest >= unit_ms {
            text += &format!("{}{name}", rest / unit_ms);
            rest %= unit_ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_all_units() {
        for (text, ms) in [
            ("250ms", 250),
            ("20s", 20_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("0s", 0),
            ("5min", 300_000),
        ] {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in
            ["", "20", "s", "5x", "-1s", "1.5s", "99999999999999999999s", "999999999999999999h", "5µs"]
        {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (ms, text) in [
            (0, "0s"),
            (300_000, "5m"),
            (5_400_000, "1h30m"),
            (1_500, "1s500ms"),
            (90_061_001, "1d1h1m1s1ms"),
        ] {
            assert_eq!((duration_text(ms).as_str(), duration_ms(text)), (text, Ok(ms)));
        }
        assert_eq!(duration_ms(&duration_text(u64::MAX)), Ok(u64::MAX));
    }
}
