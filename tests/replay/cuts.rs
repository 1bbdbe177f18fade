//! A log that was cut anywhere replays what it has, and decides the same up to the cut.

use crate::flights::{jam_flight, replay};
use crate::support::versions;
use lockpit::log::Ending;
use lockpit::replay::{Replay, Step};

/// Steps that a log of these bytes replays to, or `None` when not even its header is whole. Drift fails.
fn steps(bytes: &[u8]) -> Option<Vec<Step>> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("a file can be written");
    let mut replay = Replay::open(file.path()).ok()?;
    let mut steps = Vec::new();
    while let Some(step) = replay.step().expect("a cut log is readable to its cut") {
        assert!(!matches!(step, Step::Turn { drift: Some(_), .. } | Step::StateDiffers { .. }), "{step:?}");
        steps.push(step);
    }
    let ending = replay.ending().expect("a cut log is readable");
    assert!(matches!(ending, Ending::Complete | Ending::Torn { .. }), "{ending:?}");
    Some(steps)
}

#[tokio::test]
async fn a_flight_cut_at_any_byte_replays_up_to_the_cut() {
    let Some(version) = versions().first() else { return };
    let flown = jam_flight(version.major).await;
    let bytes = std::fs::read(&flown.log).expect("the log");
    let whole = steps(&bytes).expect("the whole log is readable");
    let mut longest = 0;
    // A step of 7 meets every place within records of all lengths; the ends are always met.
    for cut in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        let Some(cut_steps) = steps(&bytes[..cut]) else { continue };
        assert_eq!(whole[..cut_steps.len()], cut_steps[..], "cut at byte {cut}");
        assert!(cut_steps.len() >= longest, "a longer log has no fewer steps: cut at byte {cut}");
        longest = cut_steps.len();
    }
    assert_eq!(longest, whole.len(), "only the end record is behind the last step");
}

#[tokio::test]
async fn a_cut_log_is_said_to_be_torn_and_exits_well() {
    let Some(version) = versions().first() else { return };
    let flown = jam_flight(version.major).await;
    let bytes = std::fs::read(&flown.log).expect("the log");
    std::fs::write(&flown.log, &bytes[..bytes.len() - 100]).expect("the log can be cut");
    let (exit, replayed, stderr) = replay(&flown.log, &[]).await;
    assert_eq!(exit, 0);
    assert!(stderr.contains("torn"), "{stderr}");
    assert!(flown.stdout.starts_with(&replayed), "the same lines up to the cut");
}
