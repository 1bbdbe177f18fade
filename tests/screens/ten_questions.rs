//! Ten questions of whoever looks at a jam at night: the cockpit alone answers them, in its usual sizes.
//!
//! Owns what counts as an answer. Names and numbers come from the engine, not from a screen.

use lockpit::engine::derive::whatif::root_of;
use lockpit::engine::ids::Pid;
use lockpit::screen::playback::Playback;
use lockpit::screen::ui::Ui;
use regex::Regex;

use crate::recordings::Name;
use crate::render::{Look, Size, at_moment, text};

const QUESTIONS: [&str; 10] = [
    "which session is the root cause, and in what state is it?",
    "who heads the queue, and with what statement?",
    "how many wait behind it?",
    "how long has the oldest waited?",
    "does the change progress, or does it wait?",
    "will anything stop it by itself, and when?",
    "what does a stop leave behind?",
    "is replication healthy?",
    "what cannot be seen?",
    "how old is what is shown?",
];
const SIZES: [Size; 2] = [(80, 24), (120, 40)];
/// Questions (from 1) that are not answered, with the size. What is answered leaves this list; nothing should join it.
const UNANSWERED: &[(Name, Size, usize)] = &[];

/// For each question what a line of the screen must have, as a pattern.
fn answers(name: Name, playback: &Playback) -> [String; 10] {
    let cockpit = &playback.picture().cockpit;
    let target = cockpit.target().expect("work under guard").pid();
    let root = root_of(cockpit, target).expect("a root blocker");
    let behind = cockpit.scene().victims_of(target).len();
    assert_eq!(behind >= 30, name != Name::Cic, "{behind} behind it");
    let (who, state) = match name {
        Name::Prepared => ("prepared payment-4711".to_owned(), "prepared transaction"),
        Name::Masked => (format!("{root} report-job"), "state hidden from this login"),
        _ => (format!("{root} report-job"), r"idle in transaction \d"),
    };
    assert_eq!(root == Pid::PREPARED, name == Name::Prepared);
    let statement = match name {
        Name::Masked => "text unknown",
        Name::Cic => "create index",
        _ => "alter table",
    };
    // An index build waits for the transaction itself, and strong is another lock, which it holds.
    let awaits = if name == Name::Cic { "ShareLock on virtual transaction" } else { "AccessExclusiveLock" };
    let (stops, left, unseen) = match name {
        Name::Tripped => (format!("stopping pid {target}"), "nothing left behind", "standby reads"),
        Name::Blind => {
            ("nothing: blind, and --if-lost keep".to_owned(), "nothing left behind", "standby reads")
        }
        Name::Cic => ("nothing: the guard is not armed".to_owned(), "INVALID index", "standby reads"),
        Name::Masked => {
            ("nothing: the guard is not armed".to_owned(), "stop now +not known", "texts, states")
        }
        _ => ("nothing: the guard is not armed".to_owned(), "nothing left behind", "standby reads"),
    };
    [
        format!("{who} {state}"),
        format!("{target} deploy TARGET {statement}"),
        if behind == 0 {
            "nobody waits because of it".to_owned()
        } else {
            format!("{behind} (clients wait|behind)")
        },
        if behind == 0 { "nobody waits because of it".to_owned() } else { r"oldest \d+\.\d+ s".to_owned() },
        format!(r"WAITING \d+\.\d+ s for {awaits}"),
        stops,
        left.to_owned(),
        "replication .*no standby".to_owned(),
        format!("not seen: .*{unseen}"),
        r"sample \d+\.\d s old".to_owned(),
    ]
}

#[test]
fn the_cockpit_answers_the_ten_questions_about_a_jam() {
    let mut unanswered = Vec::new();
    for name in [Name::Jam, Name::Tripped, Name::Prepared, Name::Masked, Name::Blind, Name::Cic] {
        let playback = at_moment(name);
        for size in SIZES {
            let screen = text(&playback, Look::live(size), &Ui::default());
            for (number, pattern) in (1..).zip(answers(name, &playback)) {
                let pattern = Regex::new(&pattern).expect("a pattern");
                if !screen.lines().any(|line| pattern.is_match(line)) {
                    unanswered.push((name, size, number));
                }
            }
        }
    }
    unanswered.sort_by_key(|(name, size, _)| (Name::ALL.iter().position(|known| known == name), *size));
    let words = |list: &[(Name, Size, usize)]| {
        let word = |(name, (width, height), number): &(Name, Size, usize)| {
            format!("{} at {width}x{height}: {number}. {}", name.as_str(), QUESTIONS[number - 1])
        };
        list.iter().map(word).collect::<Vec<_>>()
    };
    let mut known = UNANSWERED.to_vec();
    known.sort_by_key(|(name, size, _)| (Name::ALL.iter().position(|known| known == name), *size));
    assert_eq!(words(&unanswered), words(&known));
}
