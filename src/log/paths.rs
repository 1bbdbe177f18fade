//! Where logs are kept unless something else is said.
//!
//! Owns names of files and directories. Creates nothing.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// Longest part of a file's name that comes from the database's name.
const MAX_NAME_CHARS: usize = 64;

/// The directory for logs of this user: lockpit's state directory, or its data directory on systems without
/// one. `None` when the user has no home directory.
pub fn default_dir() -> Option<PathBuf> {
    let dirs = ProjectDirs::from("", "", "lockpit")?;
    Some(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
}

/// The log in `dir` of a flight that began at `utc_us` (microseconds since 1970 UTC) on `database`:
/// `20261120T221407Z-shop.flight`, with the name of its plan behind that when it flies one. Characters that are unsafe
/// in a file's name become `_`.
pub fn default_path(dir: &Path, utc_us: i64, database: &str, plan: Option<&str>) -> PathBuf {
    let plan = plan.map_or_else(String::new, |plan| format!("-{}", safe_name(plan)));
    dir.join(format!("{}{plan}.flight", default_name(utc_us, database)))
}

/// The name of a flight, recorded or not: `20261120T221407Z-shop`.
pub fn default_name(utc_us: i64, database: &str) -> String {
    let began = jiff::Timestamp::from_microsecond(utc_us).unwrap_or_default();
    format!("{}-{}", began.strftime("%Y%m%dT%H%M%SZ"), safe_name(database))
}

/// `text` as a part of a file's name.
pub(crate) fn safe_name(text: &str) -> String {
    text.chars()
        .take(MAX_NAME_CHARS)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(utc_us: i64, database: &str) -> String {
        default_path(Path::new("d"), utc_us, database, None).to_string_lossy().into_owned()
    }

    #[test]
    fn a_log_is_named_by_its_start_and_database() {
        assert_eq!(name(1_795_212_847_999_999, "shop"), "d/20261120T221407Z-shop.flight");
        assert_eq!(name(0, "a/b c\u{e4}"), "d/19700101T000000Z-a_b_c_.flight");
        let of_plan = default_path(Path::new("d"), 0, "shop", Some("users/email"));
        assert_eq!(of_plan, Path::new("d/19700101T000000Z-shop-users_email.flight"));
        assert_eq!(name(-1, ".."), "d/19691231T235959Z-...flight");
    }
}
