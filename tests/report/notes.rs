//! Remarks that are added afterwards.

use lockpit::report::notes::{self, Note};
use lockpit::report::story::Kind;

use crate::support::story;

/// Where remarks stand in the flight `tripped`, which began at 12:29:17.057 UTC.
fn placed(text: &str) -> Vec<(i64, String)> {
    let mut story = story("tripped");
    story.flight.began_us -= story.flight.began_us % 1_000;
    let notes: Vec<Note> = notes::parse(text).expect("good remarks");
    notes::add(&mut story, notes).expect("they have a place");
    let remarks = story.timeline.into_iter().filter(|entry| entry.kind == Kind::Remark);
    remarks.map(|entry| (entry.at_ms, entry.text)).collect()
}

#[test]
fn times_are_written_in_many_ways() {
    for (written, at_ms) in [
        ("12:29:20", 2_943),
        ("12:29:20Z", 2_943),
        ("14:29:20+02:00", 2_943),
        ("14:29:20+0200", 2_943),
        ("09:29:20-03", 2_943),
        ("12:29", -17_057),
        ("2026-11-21T12:29:20Z", 2_943),
        ("2026-11-21T13:29:20.5+01:00", 3_443),
        ("+1m2s", 62_000),
        // The nearest to the flight: the evening after it, the night before.
        ("23:00:00", 37_842_943),
        ("01:00:00", -41_357_057),
    ] {
        assert_eq!(placed(&format!("{written} said")), [(at_ms, "said".to_owned())], "{written}");
    }
}

#[test]
fn remarks_go_on_and_comments_are_skipped() {
    let text = "# a comment\n\n+1s one\n   and more\n\tand still more\n\n+2s\ttwo # not a comment\r\n";
    let expected =
        [(1_000, "one and more and still more".to_owned()), (2_000, "two # not a comment".to_owned())];
    assert_eq!(placed(text), expected);
}

#[test]
fn a_bad_line_is_named() {
    for (text, line, part) in [
        ("+1s good\n\nyesterday it broke", 3, "'yesterday' is no time"),
        ("   goes on with nothing", 1, "no remark above"),
        ("22:14:07", 1, "no remark behind it"),
        ("22 text", 1, "is no time"),
        ("25:00:00 text", 1, "is no time"),
        ("12:00:00+1 text", 1, "is no time"),
        ("+1x text", 1, "is no time"),
        ("2026-11-21T12:29:20 text", 1, "is no time"),
    ] {
        let error = notes::parse(text).expect_err(text);
        assert_eq!(error.line, line, "{text}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_time_of_day_is_ambiguous_in_a_flight_longer_than_a_day() {
    let mut story = story("tripped");
    story.flight.ended_ms = 30 * 3_600_000;
    let notes = notes::parse("# one\n12:29:20 said").expect("good remarks");
    let error = notes::add(&mut story, notes).expect_err("which day?");
    assert_eq!(error.line, 2);
    assert!(error.why.contains("write the date"), "{error}");
}
