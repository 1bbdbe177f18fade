//! A disk that is slow, full, read-only or gone: the flight goes on, the loss is said, recording resumes.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use lockpit::engine::ids::At;
use lockpit::engine::input::{Gap, Input};
use lockpit::engine::text::Text;
use lockpit::log::{Batch, Ending, Entry, Log, LogError, Options, Pin, Summary};

use super::small_disk::{SmallDisk, skipped};
use super::support::{BEFORE_ENTRIES, create, entries, header, mark, noise, place, read, state, wait_until};
use super::testing::text;

fn impatient() -> Options {
    Options { retry: Duration::from_millis(10), ..Options::default() }
}

/// What an intact log of these tests holds: its gaps, and the notes of all marks.
fn gaps_and_notes(path: &Path) -> (Vec<(At, Gap)>, Vec<Entry>) {
    let (items, ending) = read(path);
    assert_eq!(ending, Ending::Complete);
    let all = entries(&items);
    assert_eq!(all.len(), items.len(), "no damage");
    let mut gaps = Vec::new();
    for (index, entry) in all.iter().enumerate() {
        if let Entry::Gap(at, gap) = entry {
            assert!(matches!(all.get(index + 1), None | Some(Entry::Checkpoint(..))), "replay can go on");
            gaps.push((*at, gap.clone()));
        }
    }
    (gaps, all.into_iter().filter(|entry| matches!(entry, Entry::Input(..))).collect())
}

fn wait_for_checkpoint_wish(log: &Log) {
    wait_until("recording could go on", || log.needs_checkpoint());
}

/// How much may wait for the disk.
#[derive(Clone, Copy)]
enum Bounds {
    Batches(usize),
    Bytes(usize),
}

/// A log whose disk hangs at the next write until something is sent, and its first segment.
fn stalled(path: &Path, bounds: Bounds) -> (Log, mpsc::Sender<()>) {
    let (release, stall) = mpsc::channel();
    let (stalling, stalled) = mpsc::channel();
    let mut is_first = true;
    let ack = move |_| {
        if std::mem::take(&mut is_first) {
            stalling.send(()).expect("somebody waits");
            let _ = stall.recv();
        }
    };
    let (queue_batches, queue_bytes) = match bounds {
        Bounds::Batches(batches) => (batches, usize::MAX),
        Bounds::Bytes(bytes) => (usize::MAX, bytes),
    };
    let mut log =
        create(path, Options { queue_batches, queue_bytes, ack: Some(Box::new(ack)), ..impatient() });
    assert!(log.begin_segment(At(0), state(b"{}")));
    stalled.recv().expect("stalled");
    (log, release)
}

#[test]
fn a_disk_that_hangs_costs_a_gap_and_never_the_flight() {
    let (_dir, path) = place();
    let (mut log, release) = stalled(&path, Bounds::Batches(3));
    let kept: Vec<Entry> = (1..=3).map(|n| mark(n, "kept")).collect();
    for entry in &kept {
        assert!(log.append(vec![entry.clone()]));
    }
    assert!(!log.append(vec![mark(4, "lost"), mark(5, "lost")]));
    assert!(!log.append(vec![mark(6, "lost")]), "nothing may follow what was lost");
    let lost = log.status().lost.expect("lost");
    assert!(lost.why.contains("too slow") && lost.why.contains("3 batches"), "{}", lost.why);
    assert_eq!((lost.since, lost.batches, lost.entries), (At::from_ms(4), 2, 3));
    assert!(!log.needs_checkpoint() && !log.wants_segment(At::from_ms(7)), "not while the disk hangs");
    assert!(!log.begin_segment(At::from_ms(7), state(b"early")));

    drop(release);
    wait_for_checkpoint_wish(&log);
    assert!(!log.append(vec![mark(8, "lost")]), "not before the checkpoint");
    assert!(log.wants_segment(At::from_ms(9)));
    assert!(log.begin_segment(At::from_ms(9), state(b"again")));
    assert!(log.append(vec![mark(10, "kept")]));
    wait_until("the loss is covered", || log.status().lost.is_none());
    let summary = log.close(At::from_ms(11)).expect("closed");
    assert_eq!(summary.lost_entries, 4);

    let (gaps, notes) = gaps_and_notes(&path);
    let gap = Gap { from: At::from_ms(4), why: lost.why, lost: Some(4) };
    assert_eq!(gaps, [(At::from_ms(9), gap)]);
    assert_eq!(notes, [kept, vec![mark(10, "kept")]].concat());
}

#[test]
fn the_queue_is_bounded_in_bytes_too() {
    let (_dir, path) = place();
    let (mut log, release) = stalled(&path, Bounds::Bytes(10_000));
    let long = |n: u32| Text { normalised: "x".repeat(4_000), ..text(n, "SELECT") };
    let mut told = |n: u32| log.append(vec![Entry::Input(At(n.into()), Input::Text(Box::new(long(n))))]);
    assert!(told(1));
    assert!(told(2));
    assert!(!told(3));
    assert!(log.status().lost.expect("lost").why.contains("2 batches (8512 bytes)"));
    drop(release);
    wait_for_checkpoint_wish(&log);
    assert!(log.begin_segment(At(4), state(b"{}")));
    log.close(At(5)).expect("closed");
    assert_eq!(gaps_and_notes(&path).1.len(), 2);
}

#[test]
fn what_cannot_be_recorded_is_a_loss_with_its_reason() {
    let deep = (0..200).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let mut too_deep = Batch::new();
    too_deep.event(At(7), &deep);
    let mut too_long = Batch::new();
    (0..70_000).for_each(|_| too_long.gap(At(7), &Gap { from: At(0), why: String::new(), lost: None }));
    for (batch, why) in [(too_deep, "64 levels"), (too_long, "70000 entries")] {
        let (_dir, path) = place();
        let mut log = create(&path, impatient());
        assert!(log.begin_segment(At(0), state(b"{}")));
        assert!(!log.append(batch));
        let lost = log.status().lost.expect("lost");
        assert!(lost.why.contains(why), "{}", lost.why);
        assert_eq!(lost.since, At(7));
        wait_for_checkpoint_wish(&log);
        assert!(log.begin_segment(At(8), state(b"{}")));
        log.close(At(9)).expect("closed");
        assert_eq!(gaps_and_notes(&path).0.len(), 1);
    }
}

#[test]
fn entries_before_the_first_segment_are_lost_and_said_to_be() {
    let (_dir, path) = place();
    let mut log = create(&path, impatient());
    assert!(!log.append(vec![mark(1, "early")]));
    wait_for_checkpoint_wish(&log);
    assert!(log.begin_segment(At(2_000), state(b"{}")));
    log.close(At(3_000)).expect("closed");
    let (gaps, _) = gaps_and_notes(&path);
    assert_eq!(gaps[0].1, Gap { from: At(1_000), why: "no segment was begun".to_owned(), lost: Some(1) });
}

#[test]
fn a_log_closed_during_a_loss_tells_it() {
    let (_dir, path) = place();
    let (mut log, release) = stalled(&path, Bounds::Batches(1));
    assert!(log.append(vec![mark(1, "kept")]));
    assert!(!log.append(vec![mark(2, "lost")]));
    drop(release);
    let summary = log.close(At::from_ms(3)).expect("closed");
    assert_eq!(summary.lost_entries, 1);
    let (gaps, notes) = gaps_and_notes(&path);
    assert_eq!((gaps[0].1.lost, notes.len()), (Some(1), 1));
}

#[test]
fn a_full_disk_costs_a_gap_and_recording_resumes_by_itself() {
    let Some(disk) = SmallDisk::mount(512) else { return };
    let path = disk.path().join("a.flight");
    let mut log = create(&path, impatient());
    assert!(log.begin_segment(At(0), state(b"{}")));
    assert!(log.append(vec![mark(1, "kept")]));
    wait_until("written", || log.status().records == BEFORE_ENTRIES + 1);
    let mut lost_rounds = 0;
    for round in 0..3_u64 {
        let ballast = disk.fill();
        let mut at_ms = 1_000 * (round + 1);
        wait_until("the disk is full", || {
            // Noise: it needs new blocks soon.
            at_ms += 1;
            let bytes = noise(8_192);
            !log.append(vec![Entry::Event(At::from_ms(at_ms), serde_json::json!(bytes))])
        });
        let lost = log.status().lost.expect("lost");
        assert_eq!(lost.why, "the disk is full");
        assert!(lost.since >= At::from_ms(1_000 * (round + 1)) && lost.entries >= 1, "{lost:?}");
        assert!(!log.append(vec![mark(at_ms + 1, "lost")]), "the flight goes on");
        assert!(!log.begin_segment(At::from_ms(at_ms + 1), state(b"{}")), "the disk is still full");
        assert_eq!(log.status().lost.expect("lost").since, lost.since);

        std::fs::remove_file(ballast).expect("freed");
        wait_for_checkpoint_wish(&log);
        assert!(log.begin_segment(At::from_ms(at_ms + 2), state(format!("round {round}").as_bytes())));
        assert!(log.append(vec![mark(at_ms + 3, "kept")]));
        wait_until("the loss is covered", || log.status().lost.is_none());
        let kept = mark(at_ms + 3, "kept");
        wait_until("the mark is on disk", || entries(&read(&path).0).contains(&kept));
        lost_rounds += 1;
    }
    let Summary { pin: Pin { bytes, .. }, lost_entries, .. } = log.close(At::from_ms(9_000)).expect("closed");
    assert_eq!(bytes, std::fs::metadata(&path).expect("there").len());
    let (gaps, notes) = gaps_and_notes(&path);
    assert_eq!((gaps.len(), notes.len()), (lost_rounds, 1 + lost_rounds));
    assert_eq!(gaps.iter().filter_map(|(_, gap)| gap.lost).sum::<u64>(), lost_entries);
}

#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_loss_as_it_was() {
    let Some(disk) = SmallDisk::mount(512) else { return };
    let path = disk.path().join("a.flight");
    let mut log = create(&path, impatient());
    assert!(log.begin_segment(At(0), state(b"{}")));
    // Larger than the disk, so that its write is torn.
    assert!(log.append(vec![Entry::Checkpoint(At(1_000), noise(1 << 20))]));
    wait_until("it failed", || log.status().lost.is_some());
    let torn_at = log.status().pin.bytes;
    for at_ms in 2..5 {
        wait_for_checkpoint_wish(&log);
        assert!(log.begin_segment(At::from_ms(at_ms), state(&noise(1 << 20))));
        // Queued behind the checkpoint, or already refused with it.
        let _ = log.append(vec![mark(at_ms, "behind it")]);
        wait_until("it failed as well", || log.status().lost.is_some_and(|lost| lost.batches == at_ms));
    }
    let lost = log.status().lost.expect("lost");
    assert_eq!((lost.since, lost.entries, log.status().pin.bytes), (At(1_000), 4, torn_at));
    wait_for_checkpoint_wish(&log);
    assert_eq!(std::fs::metadata(&path).expect("there").len(), torn_at, "what was torn is cut off");
    assert!(log.begin_segment(At::from_ms(6), state(b"{}")));
    log.close(At::from_ms(7)).expect("closed");
    let (gaps, _) = gaps_and_notes(&path);
    let gap = Gap { from: At(1_000), why: "the disk is full".to_owned(), lost: Some(4) };
    assert_eq!(gaps, [(At::from_ms(6), gap)]);
}

#[test]
fn a_log_that_cannot_be_finished_says_so_and_keeps_what_was_durable() {
    let Some(disk) = SmallDisk::mount(256) else { return };
    let path = disk.path().join("a.flight");
    let mut log = create(&path, impatient());
    assert!(log.begin_segment(At(0), state(b"{}")));
    assert!(log.append(vec![mark(1, "kept")]));
    wait_until("written", || log.status().records == BEFORE_ENTRIES + 1);
    disk.fill();
    assert!(log.append(vec![Entry::Checkpoint(At(2), noise(1 << 20))]));
    let error = log.close(At(3)).expect_err("no space");
    assert!(matches!(&error, LogError::Unfinished { lost } if lost.entries == 1), "{error}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    let (items, ending) = read(&path);
    assert_eq!(entries(&items), [Entry::Checkpoint(At(0), b"{}".to_vec()), mark(1, "kept")]);
    assert!(matches!(ending, Ending::Torn { lost_bytes: 0, .. }), "{ending:?}");
}

#[test]
fn a_full_or_read_only_disk_refuses_a_new_log_and_keeps_no_trace() {
    let Some(disk) = SmallDisk::mount(64) else { return };
    let path = disk.path().join("a.flight");
    let refusal = || Log::create(&path, &header(), Options::default()).expect_err("refused");
    let ballast = disk.fill();
    let error = refusal();
    assert!(matches!(error, LogError::Full { .. }), "{error}");
    assert!(!path.exists());
    std::fs::remove_file(ballast).expect("freed");
    disk.remount("ro");
    let error = refusal();
    assert!(matches!(error, LogError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[test]
fn a_directory_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, path) = place();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o555)).expect("changed");
    if std::fs::write(dir.path().join("x"), "").is_ok() {
        skipped("this user may write everywhere");
        return;
    }
    let error = Log::create(&path, &header(), Options::default()).expect_err("refused");
    assert!(matches!(error, LogError::Denied { .. }), "{error}");
}

#[test]
fn a_log_whose_file_was_removed_is_not_called_recorded() {
    let (_dir, path) = place();
    let mut log = create(&path, impatient());
    assert!(log.begin_segment(At(0), state(b"{}")));
    wait_until("written", || log.status().records == BEFORE_ENTRIES);
    std::fs::remove_file(&path).expect("removed");
    assert!(log.begin_segment(At::from_ms(60_000), state(b"{}")));
    wait_until("it is noticed", || log.status().lost.is_some());
    assert!(log.status().lost.expect("lost").why.contains("removed"));
    assert!(!log.append(vec![mark(60_001, "nowhere")]));
    let error = log.close(At::from_ms(60_002)).expect_err("there is no file");
    assert!(matches!(error, LogError::Unfinished { lost } if lost.entries == 1));
}
