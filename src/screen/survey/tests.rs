use super::*;

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.flight")
}

fn note(at: u64) -> Marker {
    Marker { at: At(at), kind: MarkerKind::Note, text: "tea".to_owned() }
}

fn read(to: u64, markers: Vec<Marker>) -> News {
    News::Read { to: At(to), markers, drifted: false, damage: None }
}

#[test]
fn what_is_not_known_is_said_and_the_end_is_at_least_what_was_seen() {
    let mut findings = Findings::new();
    let said = |it: &Findings| (it.words().unwrap_or_default(), it.end_words());
    assert_eq!(said(&findings), ("not surveyed yet".to_owned(), "unknown".to_owned()));
    findings.take(News::End(At::from_ms(3_600_000), false));
    assert_eq!(said(&findings), ("not surveyed yet".to_owned(), "at least 1:00:00".to_owned()));
    findings.take(News::End(At::from_ms(3_605_000), true));
    findings.take(read(90_000_000, vec![note(5)]));
    assert_eq!(said(&findings), ("surveyed to 01:30".to_owned(), "1:00:05".to_owned()));
    assert_eq!(findings.marked_to(), Some(At(90_000_000)));
    let mut stopped = findings.clone();
    stopped.take(News::Over(Progress::Stopped("a disk error".to_owned())));
    assert_eq!(stopped.sentence().as_deref(), Some("survey stopped at 01:30: a disk error"));
    assert_eq!(stopped.marked_to(), Some(At(90_000_000)));
    findings.take(News::Over(Progress::Through(Ending::Complete)));
    assert_eq!((findings.words(), findings.marked_to()), (None, None));
}

#[test]
fn drift_and_damage_once_found_stay_found() {
    let mut findings = Findings::new();
    let damage = Damage { at_byte: 7, resumes_at: None };
    findings.take(News::Read { to: At(1), markers: Vec::new(), drifted: true, damage: Some(damage) });
    findings.take(read(2, Vec::new()));
    assert_eq!((findings.has_drifted(), findings.damage()), (true, Some(damage)));
}

#[test]
fn marks_are_bounded_and_what_is_left_out_is_not_taken_for_nothing() {
    let mut findings = Findings::new();
    findings.take(read(1_000_000, vec![note(1_000_000); MOST_MARKERS - 1]));
    assert_eq!(findings.marked_to(), Some(At(1_000_000)));
    findings.take(read(9_000_000, vec![note(2_000_000), note(3_000_000), note(4_000_000)]));
    findings.take(News::Over(Progress::Through(Ending::Complete)));
    assert_eq!((findings.markers().len(), findings.marked_to()), (MOST_MARKERS, Some(At(3_000_000))));
    let said = findings.sentence().expect("something is left out");
    assert_eq!(said, "marked to 00:03: only the first 20000 events are kept");
    assert_eq!(cut(&"宽".repeat(1_000)).chars().count(), MOST_CHARS);
}

#[test]
fn a_survey_that_is_told_to_stop_reads_and_says_nothing() {
    let (sender, news) = mpsc::channel();
    Reading { log: demo(), stop: Arc::new(AtomicBool::new(true)), news: sender }.run();
    assert!(matches!(news.try_recv(), Err(TryRecvError::Disconnected)));
    let mut survey = Survey::start(&demo());
    let stop = Arc::clone(&survey.stop);
    survey.wait();
    assert!(!stop.load(Ordering::Relaxed));
    drop(survey);
    assert!(stop.load(Ordering::Relaxed), "who leaves tells it");
}

#[test]
fn a_survey_ends_with_the_reason_why_it_cannot_go_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut survey = Survey::start(&dir.path().join("missing.flight"));
    survey.wait();
    let Progress::Stopped(why) = survey.findings.progress() else { panic!("{survey:?}") };
    assert!(why.contains("missing.flight"), "{why}");

    let (sender, news) = mpsc::channel();
    drop(sender);
    let mut survey = Survey { findings: Findings::new(), news, stop: Arc::default() };
    assert!(survey.advance(), "a thread that has gone is noticed");
    assert_eq!(survey.findings.progress(), &Progress::Stopped("its thread has gone".to_owned()));
}
