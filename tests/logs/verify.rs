//! `lockpit verify`: its words and exit codes.

use crate::program::{folder, lockpit};

#[test]
fn a_checkpoint_fits_its_log_also_out_of_the_message_it_was_pasted_in() {
    let dir = folder(&["tripped"]);
    let ran = lockpit(dir.path(), &["verify", "tripped.flight"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().rev().take(3).collect();
    let pasted = format!("at 22:14 alice wrote:\n> {}\n> {}\n> {}\nbye", lines[2], lines[1], lines[0]);
    std::fs::write(dir.path().join("pasted.txt"), pasted).expect("written");
    let ran = lockpit(dir.path(), &["verify", "tripped.flight", "--checkpoint", "pasted.txt"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.out.contains("the checkpoint fits"), "{}", ran.out);
}

#[test]
fn a_checkpoint_of_another_flight_proves_nothing_and_says_so() {
    let dir = folder(&["tripped", "jam"]);
    let ran = lockpit(dir.path(), &["verify", "jam.flight"]);
    std::fs::write(dir.path().join("jam.txt"), ran.out).expect("written");
    let ran = lockpit(dir.path(), &["verify", "tripped.flight", "--checkpoint", "jam.txt"]);
    assert_eq!(ran.exit, 7, "{}", ran.err);
    assert!(ran.out.contains("of another flight") && ran.out.contains("nothing is proved"), "{}", ran.out);
    assert!(!ran.out.contains("not as it was written"), "{}", ran.out);
}

#[test]
fn what_is_no_checkpoint_is_a_wrong_use_whatever_it_is() {
    let dir = folder(&["tripped"]);
    std::fs::write(dir.path().join("words.txt"), "hello").expect("written");
    for (file, words) in [
        ("words.txt", "not a checkpoint"),
        ("tripped.flight", "not a checkpoint"),
        ("missing.txt", "cannot be read"),
        (".", "cannot be read"),
    ] {
        let ran = lockpit(dir.path(), &["verify", "tripped.flight", "--checkpoint", file]);
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{file}: {}", ran.err);
        assert!(ran.err.contains(words) && ran.err.contains(file), "{file}: {}", ran.err);
    }
}
