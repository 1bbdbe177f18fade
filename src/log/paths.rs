//! Where logs are kept unless something else is said.
//!
//! Owns names of files and directories. Creates nothing.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

const US_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Longest part of a file's name that comes from the database's name.
const MAX_NAME_CHARS: usize = 64;

/// The directory for logs of this user: lockpit's state directory, or its data directory on systems without
/// one. `None` when the user has no home directory.
pub fn default_dir() -> Option<PathBuf> {
    let dirs = ProjectDirs::from("", "", "lockpit")?;
    Some(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
}

/// The log in `dir` of a flight that began at `utc_us` (microseconds since 1970 UTC) on `database`:
/// `20261120T221407Z-shop.flight`. Characters that are unsafe in a file's name become `_`.
pub fn default_path(dir: &Path, utc_us: i64, database: &str) -> PathBuf {
    let seconds = utc_us.div_euclid(US_PER_SECOND);
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let name: String = database
        .chars()
        .take(MAX_NAME_CHARS)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect();
    dir.join(format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z-{name}.flight",
        second / 3_600,
        second / 60 % 60,
        second % 60
    ))
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year; 400 years are 146,097 days.
fn civil(day: i64) -> (i64, i64, i64) {
    let since_march_0000 = day + 719_468;
    let era = since_march_0000.div_euclid(146_097);
    let of_era = since_march_0000.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(utc_us: i64, database: &str) -> String {
        default_path(Path::new("d"), utc_us, database).to_string_lossy().into_owned()
    }

    #[test]
    fn a_log_is_named_by_its_start_and_database() {
        assert_eq!(name(1_795_212_847_999_999, "shop"), "d/20261120T221407Z-shop.flight");
        assert_eq!(name(0, "a/b c\u{e4}"), "d/19700101T000000Z-a_b_c_.flight");
        assert_eq!(name(-1, ".."), "d/19691231T235959Z-...flight");
    }

    #[test]
    fn days_follow_each_other() {
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_512), (2026, 2, 28));
        let mut previous = civil(-800_000);
        for day in -799_999..800_000 {
            let next = civil(day);
            let (year, month, of_month) = previous;
            let follows = next == (year, month, of_month + 1)
                || next == (year, month + 1, 1) && of_month >= 28
                || next == (year + 1, 1, 1) && (month, of_month) == (12, 31);
            assert!(follows, "{previous:?} then {next:?}");
            previous = next;
        }
    }
}
