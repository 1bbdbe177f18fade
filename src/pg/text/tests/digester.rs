//! Numbers, memory and patterns.

use super::*;

#[test]
fn a_text_is_given_once() {
    let mut digester = patient();
    let (id, text) = digester.digest("select 1", false);
    assert_eq!(text.map(|text| text.id), Some(id));
    assert_eq!(digester.digest("select 1", false), (id, None));
    assert_eq!(digester.digest("select 2", false), (id, None), "another raw text of the same form");
    let (cut, text) = digester.digest("select 1", true);
    assert!(cut != id && text.is_some_and(|text| text.truncated), "a cut text is another text");
}

#[test]
fn ids_count_from_zero_without_holes() {
    let mut digester = patient();
    let ids: Vec<u32> = ["a", "b", "a", "c"].iter().map(|raw| digester.digest(raw, false).0.0).collect();
    assert_eq!(ids, [0, 1, 0, 2]);
}

#[test]
fn the_pattern_sees_the_raw_text() {
    let mut digester = Digester::new(Some("tool:fly(way|weight)")).unwrap();
    let (with, text) = digester.digest("select 1 /* tool:flyway */", false);
    assert_eq!(text.unwrap().matched_by, [TARGET_PATTERN]);
    let (without, text) = digester.digest("select 1 /* tool:other */", false);
    assert!(text.unwrap().matched_by.is_empty());
    assert_ne!(with, without, "the same form, but only one of them matched");
}

#[test]
fn a_pattern_that_is_none_is_refused_with_its_text() {
    let error = Digester::new(Some("alter (table")).unwrap_err();
    assert!(error.to_string().contains("--target query=alter (table"), "{error}");
}

#[test]
fn a_flight_with_too_many_texts_says_so_and_keeps_their_kinds() {
    let limits = Limits { texts: 20, application_texts: 10, recent: 4 };
    let mut digester = Digester::with_limits(None, limits).unwrap();
    digester.parser = digester.parser.patient();
    let mut given = Vec::new();
    for n in 0..1_000 {
        given.extend(digester.digest(&format!("select col{n}"), false).1);
        given.extend(digester.digest(&format!("update t{n} set a = b"), false).1);
    }
    assert_eq!(given.len(), 10 + 2);
    let shared: Vec<_> = given.iter().filter(|text| text.normalised == TOO_MANY).collect();
    assert_eq!(shared.iter().map(|text| text.kind.as_str()).collect::<Vec<_>>(), ["SELECT", "UPDATE"]);
    assert!(shared.iter().all(|text| text.statements == 0 && text.relations.is_empty()));
    let (known, _) = digester.digest("select col0", false);
    assert_eq!(known, given[0].id, "a text that has a number keeps it");
    let (_, late) = digester.digest("alter table t add c int", false);
    assert_eq!(late.unwrap().normalised, "alter table t add c int", "schema work still has room");
    assert!(digester.recent.len() <= 2 * limits.recent);
}

#[test]
fn a_text_in_use_is_remembered_and_an_unused_one_is_forgotten() {
    let mut recent = Recent::new(10);
    recent.insert(7, TextId(7));
    for other in 100..200_u32 {
        recent.insert(u128::from(other), TextId(other));
        assert_eq!(recent.get(7), Some(TextId(7)));
    }
    assert_eq!(recent.get(100), None);
}

/// The digest of a text that the parser is asked about.
fn ask(digester: &mut Digester, table: &str) -> NamedBy {
    digester.digest(&format!("drop table {table}"), false).1.unwrap().named_by
}

#[test]
fn a_busy_parser_is_not_waited_for_and_its_late_answer_is_dropped() {
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let read = move |text: &str| {
        if text.contains("slow") {
            wait.recv().unwrap();
        }
        tree::read(text)
    };
    let mut digester = Digester { parser: Parser::with(read).unwrap(), ..Digester::new(None).unwrap() };
    assert_eq!(ask(&mut digester, "slow"), NamedBy::Keywords);
    assert_eq!(ask(&mut digester, "at_once"), NamedBy::Keywords);
    go_on.send(()).unwrap();
    while digester.parser.is_busy() {
        std::thread::yield_now();
    }
    digester.parser = digester.parser.patient();
    let (_, text) = digester.digest("drop table later", false);
    assert_eq!(text.unwrap().relations, ["later"]);
}

#[test]
fn a_parser_that_panics_is_asked_again() {
    let read = |text: &str| {
        assert!(!text.contains("boom"), "on purpose");
        tree::read(text)
    };
    let mut digester =
        Digester { parser: Parser::with(read).unwrap().patient(), ..Digester::new(None).unwrap() };
    assert_eq!(ask(&mut digester, "boom"), NamedBy::Keywords);
    assert_eq!(ask(&mut digester, "bang"), NamedBy::Parser);
}
