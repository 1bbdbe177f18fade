//! Makes the recordings: a shop on a real server, an incident, and a flight that sees it.
//!
//! Owns what happens in each recording. Only the ignored test here runs it; nothing else needs a server.

mod flight;
mod scenes;
mod shop;

use crate::recordings::{self, Name};
use crate::support::versions;

/// `LOCKPIT_RECORD=1 cargo test --test screens -- --ignored record` makes all recordings anew,
/// `LOCKPIT_RECORD=jam,cic` only these.
#[tokio::test]
#[ignore = "makes the recordings anew, on a real server"]
async fn record() {
    let wanted = std::env::var("LOCKPIT_RECORD").unwrap_or_default();
    let is_wanted = |name: Name| wanted == "1" || wanted.split(',').any(|one| one == name.as_str());
    let Some(version) = versions().last() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for name in Name::ALL.into_iter().filter(|name| is_wanted(*name)) {
        let log = folder.path().join(name.file());
        scenes::fly(name, version.major, &log).await;
        let bytes = std::fs::read(&log).expect("the flight was recorded");
        std::fs::create_dir_all(recordings::folder()).expect("the folder of recordings");
        std::fs::write(recordings::path(name), bytes).expect("the folder of recordings is writable");
    }
}
