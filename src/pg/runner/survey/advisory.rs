//! Advisory locks of other tools, by which they keep each other from migrating at once.
//!
//! Owns whose key is whose. A key that no tool is known for belongs to nobody.

use tokio_postgres::{Client, Error};

use crate::engine::ids::{BackendId, Pid, Word};
use crate::engine::plan::facts::AdvisoryLock;
use crate::pg::time::Timestamp;

const ADVISORY: &str = include_str!("../../sql/advisory.sql");
/// `Flyway` in ASCII; the hash of the name of its table, 32 bits with a sign, is added.
const FLYWAY: i64 = 77_431_708_279_161;
/// Rails multiplies it with the CRC-32 of the database's name.
const RAILS: i64 = 2_053_462_845;
const PRISMA: i64 = 72_707_369;

/// Those that are held in this database.
pub(super) async fn held(client: &Client) -> Result<Vec<AdvisoryLock>, Error> {
    let mut locks = Vec::new();
    for row in client.query(ADVISORY, &[]).await? {
        let one: Option<i64> = row.try_get("one")?;
        let two: (Option<i32>, Option<i32>) = (row.try_get("two_first")?, row.try_get("two_second")?);
        let key = match (one, two) {
            (Some(key), _) => key.to_string(),
            (None, (Some(first), Some(second))) => format!("{first},{second}"),
            (None, _) => continue,
        };
        let backend_start = row.try_get::<_, Option<Timestamp>>("backend_start")?.map(|time| time.0);
        locks.push(AdvisoryLock {
            backend: BackendId { pid: Pid(row.try_get("pid")?), backend_start },
            application: Word::from(row.try_get::<_, &str>("application")?),
            key,
            tool: one.and_then(tool).map(str::to_owned),
        });
    }
    Ok(locks)
}

fn tool(key: i64) -> Option<&'static str> {
    match key {
        PRISMA => Some("Prisma Migrate"),
        _ if i32::try_from(key.saturating_sub(FLYWAY)).is_ok() => Some("Flyway"),
        _ if key != 0 && key % RAILS == 0 && u32::try_from(key / RAILS).is_ok() => Some("Rails"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{FLYWAY, RAILS, tool};

    #[test]
    fn keys_of_known_tools_are_told_and_others_are_not() {
        for key in [FLYWAY, FLYWAY + i64::from(i32::MAX), FLYWAY + i64::from(i32::MIN)] {
            assert_eq!(tool(key), Some("Flyway"));
        }
        assert_eq!(tool(72_707_369), Some("Prisma Migrate"));
        assert_eq!(tool(RAILS * 3_421_780_262), Some("Rails"));
        for key in [0, 1, -1, FLYWAY + (1 << 31), RAILS + 1, -RAILS, i64::MAX, i64::MIN] {
            assert_eq!(tool(key), None, "{key}");
        }
    }
}
