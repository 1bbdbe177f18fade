//! The recordings: which there are, the moments that tell what they are about, and what is true of each.

use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::log::{Ending, Entry, Head, Item, Reader};
use lockpit::replay::{Replay, Step};
use lockpit::screen::playback::Playback;
use lockpit::screen::survey::{MarkerKind, Progress};

/// A recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Healthy,
    Jam,
    Masked,
    Tripped,
    Cic,
    Blind,
    Lag,
    Prepared,
    Deadlock,
    Plan,
}

impl Name {
    pub(crate) const ALL: [Name; 10] = [
        Name::Healthy,
        Name::Jam,
        Name::Masked,
        Name::Tripped,
        Name::Cic,
        Name::Blind,
        Name::Lag,
        Name::Prepared,
        Name::Deadlock,
        Name::Plan,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Name::Healthy => "healthy",
            Name::Jam => "jam",
            Name::Masked => "masked",
            Name::Tripped => "tripped",
            Name::Cic => "cic",
            Name::Blind => "blind",
            Name::Lag => "lag",
            Name::Prepared => "prepared",
            Name::Deadlock => "deadlock",
            Name::Plan => "plan",
        }
    }

    pub(crate) fn file(self) -> String {
        format!("{}.flight", self.as_str())
    }

    /// The moment that tells what it is about.
    pub(crate) fn moment(self) -> At {
        let playback = surveyed(self);
        let marked = |kind: MarkerKind| {
            let marker = playback.findings().markers().iter().find(|marker| marker.kind == kind);
            marker
                .unwrap_or_else(|| {
                    panic!("{} has no {kind:?}: {:?}", self.as_str(), playback.findings().markers())
                })
                .at
        };
        match self {
            Name::Healthy | Name::Lag => At(playback.findings().end().0.saturating_sub(1_000_000)),
            Name::Jam | Name::Masked | Name::Prepared | Name::Deadlock => last_crowd(self),
            Name::Tripped => marked(MarkerKind::Trip),
            Name::Cic => last_wait_for_locker(self),
            // While it lasts.
            Name::Blind => At(marked(MarkerKind::Gap).0 + 3_000_000),
            // While its first step waits.
            Name::Plan => At(marked(MarkerKind::Step).0 + 700_000),
        }
    }
}

/// Where the recordings are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// The file of one.
pub(crate) fn path(name: Name) -> PathBuf {
    folder().join(name.file())
}

/// The last sample in which as many wait as ever.
fn last_crowd(name: Name) -> At {
    latest(name, |replay| replay.cockpit().scene().waiting_clients().count())
}

/// The last sample in which a command waits for somebody it names.
fn last_wait_for_locker(name: Name) -> At {
    latest(name, |replay| {
        let slow = replay.cockpit().slow().filter(|_| replay.cockpit().target().is_some());
        usize::from(slow.is_some_and(|slow| slow.progress.iter().any(|row| row.locker_pid.is_some())))
    })
}

/// The last sample with the largest measure.
fn latest(name: Name, measure: impl Fn(&Replay) -> usize) -> At {
    let mut replay = Replay::open(&path(name)).expect("a readable recording");
    let mut best = (1, None);
    while let Some(step) = replay.step().expect("a readable recording") {
        let Step::Turn { at, was_sample: true, .. } = step else { continue };
        let measured = measure(&replay);
        if measured >= best.0 {
            best = (measured, Some(at));
        }
    }
    best.1.unwrap_or_else(|| panic!("{} shows nothing of what it is about", name.as_str()))
}

/// Replays to the end: the engine's state there, and what was decided differently on the way.
fn to_the_end(mut replay: Replay) -> (Vec<u8>, Vec<Step>) {
    let mut different = Vec::new();
    while let Some(step) = replay.step().expect("a readable recording") {
        if matches!(step, Step::Turn { drift: Some(_), .. } | Step::StateDiffers { .. }) {
            different.push(step);
        }
    }
    assert!(!replay.is_rejudged(), "recorded by an older engine: record anew");
    (replay.cockpit().state(), different)
}

#[test]
fn the_folder_holds_the_recordings_and_nothing_else() {
    let files =
        std::fs::read_dir(folder()).expect("the folder").map(|file| file.expect("a file").file_name());
    let mut files: Vec<String> = files.map(|name| name.to_string_lossy().into_owned()).collect();
    files.sort();
    let mut names = Name::ALL.map(Name::file).to_vec();
    names.sort();
    assert_eq!(files, names);
}

/// A recording of which everything is known.
pub(crate) fn surveyed(name: Name) -> Playback {
    Playback::open(&path(name)).expect("a readable recording").surveyed()
}

#[test]
fn every_recording_replays_to_its_end_without_drift() {
    for name in Name::ALL {
        let (_, different) = to_the_end(Replay::open(&path(name)).expect("a readable recording"));
        assert_eq!(different, [], "{}", name.as_str());
        assert_eq!(
            surveyed(name).findings().progress(),
            &Progress::Through(Ending::Complete),
            "{}",
            name.as_str()
        );
    }
}

#[test]
fn from_anywhere_every_recording_comes_to_the_same_end() {
    for (seed, name) in (1_u64..).zip(Name::ALL) {
        let (whole, _) = to_the_end(Replay::open(&path(name)).expect("a readable recording"));
        let end = surveyed(name).findings().end();
        let mut number = seed;
        for _ in 0..20 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let from = At((number >> 20) % end.0);
            let (part, different) = to_the_end(Replay::open_at(&path(name), from).expect("a place"));
            assert_eq!(different, [], "{} from {from:?}", name.as_str());
            assert!(part == whole, "{} from {from:?} ends in another state", name.as_str());
        }
    }
}

#[test]
fn every_recording_is_small_and_tells_nothing_of_the_machine_that_made_it() {
    for name in Name::ALL {
        let size = std::fs::metadata(path(name)).expect("the recording").len();
        assert!(size < 60_000, "{}: {size} bytes", name.as_str());
        let text = everything_in(name);
        assert!(text.contains("alice") && text.contains("PROD"), "it is read: {text:.200}");
        for leak in ["/home", "/root", "/tmp", "/work", "/var", "/usr", "test/stage"] {
            let found = text.find(leak).map(|at| &text[at.saturating_sub(80)..(at + 80).min(text.len())]);
            assert_eq!(found, None, "{} tells {leak}", name.as_str());
        }
    }
}

/// What a recording says, as text.
fn everything_in(name: Name) -> String {
    let mut reader = Reader::open(&path(name)).expect("a readable recording");
    let mut text = format!("{:?}", Head::read(&path(name)).expect("a head"));
    while let Some(item) = reader.next_item().expect("a readable recording") {
        match item {
            Item::Entry { entry: Entry::Checkpoint(_, bytes), .. } => {
                text += &String::from_utf8_lossy(&bytes);
            }
            other => text += &format!("{other:?}"),
        }
    }
    text
}
