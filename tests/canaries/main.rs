//! No literal and no comment of any statement reaches a log or a line, on real servers: planted canaries are looked
//! for in everything that a flight leaves. The same flight with `--keep-literals` finds them, so the search can fail.

#[path = "../support/mod.rs"]
mod support;

mod flight;
mod forms;

use flight::{Left, fly};
use forms::{Fate, Form, forms};
use support::versions;

#[tokio::test]
async fn no_canary_leaves_the_edge() {
    for version in versions() {
        let forms = forms();
        let left = fly(version.major, &forms, &[]).await;
        let texts = left.texts().len();
        assert!(texts > forms.len() / 2, "{}: only {texts} texts were seen", version.major);
        for part in left.parts() {
            for mark in forms::MARKS {
                assert!(!part.contains(mark), "{}: {mark} in {}", version.major, around(part, mark));
            }
        }
        assert_eq!(left.raw_hits(), 0, "{}: in the bytes of the file", version.major);
        assert_eq!(left.meta["literals"], "redacted");
        assert!(left.stdout.contains(r#""literals":"redacted""#), "{}", left.stdout);
        assert!(left.names(forms::GID), "{}: the gid of a prepared transaction is a name", version.major);
    }
}

#[tokio::test]
async fn canaries_that_are_kept_are_found_and_comments_are_not() {
    let Some(version) = versions().last() else { return };
    let forms = forms();
    let left = fly(version.major, &forms, &["--keep-literals"]).await;
    let found = |form: &Form| left.parts().any(|part| part.contains(&form.canary));
    let missed: Vec<_> = forms.iter().filter(|form| form.fate == Fate::Kept && !found(form)).collect();
    assert!(missed.is_empty(), "not found although kept: {missed:#?}");
    let leaked: Vec<_> = forms.iter().filter(|form| form.fate == Fate::Never && found(form)).collect();
    assert!(leaked.is_empty(), "found although never kept: {leaked:#?}");
    // The literals are beside the samples: neither in an input, nor in the engine, nor in a line.
    for part in left.inputs.iter().chain(&left.engine).chain([&left.stdout]) {
        for mark in forms::MARKS {
            assert!(!part.contains(mark), "{mark} in {}", around(part, mark));
        }
    }
    assert_eq!(left.meta["literals"], "kept");
    assert!(left.stdout.contains(r#""literals":"kept""#), "{}", left.stdout);
    replays_with_literals(&left, &forms);
}

/// A replay of the log knows the literals of what is in its samples.
fn replays_with_literals(left: &Left, forms: &[Form]) {
    let mut replay = lockpit::replay::Replay::open(&left.log).expect("a log");
    let mut most = 0;
    while let Some(step) = replay.step().expect("a step") {
        let drifts = matches!(step, lockpit::replay::Step::Turn { drift: Some(_), .. });
        assert!(!drifts, "{step:?}");
        let known = replay.literals().all();
        most = most.max(known.iter().filter(|kept| kept.values.iter().any(Option::is_some)).count());
    }
    let kept = forms.iter().filter(|form| form.fate == Fate::Kept).count();
    assert!(most >= kept, "{most} statements with literals, {kept} were planted");
}

fn around(part: &str, mark: &str) -> String {
    let at = part.find(mark).unwrap_or(0);
    let (from, to) = (part.floor_char_boundary(at.saturating_sub(200)), part.ceil_char_boundary(at + 100));
    part[from..to.min(part.len())].to_owned()
}
