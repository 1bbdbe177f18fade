//! Recordings of real servers, judged by other limits. What is expected is read off the replay.

use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::engine::settings::Limits;
use lockpit::engine::timeline::Event;
use lockpit::judge::{self, By, Harm, Incident, LogVerdict, Outcome, Question};
use lockpit::replay::Replay;

pub(crate) fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

/// Every recording there is.
pub(crate) fn all() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(recording("")).expect("the recordings");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "flight"));
    all.sort();
    assert!(all.len() >= 9, "{all:?}");
    all
}

fn limits(depth: u32, hold_ms: u64, age_ms: u64) -> Limits {
    let mut limits = Limits::default();
    limits.queue_depth.limit = Some(depth);
    limits.queue_depth.hold_ms = hold_ms;
    limits.queue_age.limit_ms = age_ms;
    limits
}

fn question(limits: Limits) -> Question {
    Question { limits, keeps_overrides: true, resolved_within_ms: Question::RESOLVED_WITHIN_MS }
}

fn judged(log: &Path, limits: Limits) -> LogVerdict {
    let verdict = judge::log(log, &question(limits));
    assert_eq!(verdict.error, None);
    assert!(!verdict.drifted, "{}", log.display());
    verdict
}

fn only(verdict: &LogVerdict) -> &Incident {
    let [incident] = verdict.incidents.as_slice() else { panic!("{:?}", verdict.incidents) };
    incident
}

/// The target at one moment of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Harmed {
    at: At,
    victims: usize,
    lost_us: u64,
}

/// The first moment with so many victims, and the moment of the recorded trip.
fn moments(log: &Path, victims: usize) -> (Option<Harmed>, Option<Harmed>) {
    let mut replay = Replay::open(log).expect("a log");
    let (mut first, mut trip, mut told) = (None, None, 0);
    while let Some(step) = replay.step().expect("a step") {
        let cockpit = replay.cockpit();
        let harmed = cockpit.target().map(|target| Harmed {
            at: step.at(),
            victims: target.victims.len(),
            lost_us: target.lost_us,
        });
        if first.is_none() {
            first = harmed.filter(|harmed| harmed.victims >= victims);
        }
        if cockpit.timeline().since(told).any(|(_, event)| matches!(event, Event::Trip { .. })) {
            trip = trip.or(harmed);
        }
        told = cockpit.timeline().total();
    }
    (first, trip)
}

#[test]
fn stricter_limits_act_earlier_by_what_the_replay_shows() {
    let log = recording("tripped.flight");
    let (first, trip) = moments(&log, 2);
    let (first, recorded) = (first.expect("a queue"), trip.expect("the recorded trip"));
    assert!(first.at < recorded.at, "the recording can tell them apart");
    let verdict = judged(&log, limits(2, 0, 3_600_000));
    let incident = only(&verdict);
    assert_eq!(incident.outcome, Outcome::Earlier);
    assert_eq!(incident.earlier_ms, Some(recorded.at.us_since(first.at) / 1_000));
    let by = By::Guardrail { name: Some("queue_depth".to_owned()) };
    assert_eq!(incident.recorded.as_ref().map(|act| (act.at_ms, &act.by)), Some((recorded.at.ms(), &by)));
    let trip = incident.trip.as_ref().expect("a trip");
    assert_eq!((trip.at_ms, trip.victims as usize), (first.at.ms(), first.victims));
    assert_eq!((trip.limit, &*trip.guardrail), (Some(2), "queue_depth"));
    let spared_ms = (recorded.lost_us - first.lost_us) / 1_000;
    assert_eq!(incident.spared_session_ms_at_most, Some(spared_ms));
    assert!(spared_ms > 0 && incident.sentence.contains("at most"), "{}", incident.sentence);
    // What was stopped was rolled back in both worlds.
    assert_eq!(verdict.parted, None);
    assert!(verdict.judged_ms < verdict.recorded_ms, "not while the worlds differ: {verdict:?}");
}

#[test]
fn the_recorded_limits_decide_at_the_recorded_moment() {
    let log = recording("tripped.flight");
    let mut replay = Replay::open(&log).expect("a log");
    while replay.step().expect("a step").is_some() {}
    let own = replay.cockpit().flight().expect("a beginning").settings.limits.clone();
    let verdict = judged(&log, own);
    let incident = only(&verdict);
    assert_eq!((incident.outcome, incident.earlier_ms), (Outcome::Same, Some(0)));
    assert_eq!((verdict.judged_ms, verdict.parted), (verdict.recorded_ms, None));
}

#[test]
fn laxer_limits_end_the_judging_at_the_recorded_stop() {
    let log = recording("tripped.flight");
    let (_, trip) = moments(&log, 1);
    let recorded = trip.expect("the recorded trip");
    let verdict = judged(&log, limits(500, 0, 3_600_000));
    let incident = only(&verdict);
    assert_eq!((incident.outcome, &incident.trip), (Outcome::NotBefore, &None));
    assert_eq!((incident.harm, incident.spared_session_ms_at_most), (None, None));
    assert!(incident.sentence.contains("unknown"), "{}", incident.sentence);
    assert_eq!(verdict.parted.as_ref().map(|parted| parted.at_ms), Some(recorded.at.ms()));
    assert!(verdict.judged_ms < recorded.at.ms(), "nothing behind the stop counts: {verdict:?}");
    for log in all() {
        let verdict = judged(&log, limits(500, 0, 3_600_000));
        assert!(verdict.incidents.iter().all(|it| it.trip.is_none()), "{}: {verdict:?}", log.display());
    }
}

#[test]
fn a_flight_that_only_watched_is_judged_too() {
    let log = recording("jam.flight");
    let verdict = judged(&log, limits(2, 0, 3_600_000));
    assert_eq!(verdict.arming.as_deref(), Some("watching"));
    let incident = only(&verdict);
    let (first, _) = moments(&log, 2);
    let first = first.expect("a queue");
    assert_eq!((incident.outcome, &incident.recorded), (Outcome::OnlyNow, &None));
    assert_eq!(incident.trip.as_ref().map(|trip| trip.at_ms), Some(first.at.ms()));
    assert!(incident.recorded_limits.is_some(), "those would have acted as well: {incident:?}");
    let none = judged(&log, limits(500, 0, 3_600_000));
    assert_eq!(only(&none).outcome, Outcome::NotNow);
    assert_eq!((none.parted, none.judged_ms), (None, none.recorded_ms));
}

#[test]
fn a_trip_is_false_when_the_queue_is_gone_as_soon_as_was_asked_for() {
    let log = recording("jam.flight");
    let limits = limits(2, 0, 3_600_000);
    let lasted = judged(&log, limits.clone());
    let drained_ms = only(&lasted).resolved_after_ms.expect("it drained");
    assert_eq!(only(&lasted).harm, Some(Harm::Lasted));
    for (resolved_within_ms, harm) in [(drained_ms, Harm::Resolved), (drained_ms - 1, Harm::Lasted)] {
        let question = Question { resolved_within_ms, ..question(limits.clone()) };
        let verdict = judge::log(&log, &question);
        assert_eq!(only(&verdict).harm, Some(harm), "{resolved_within_ms}");
        let total = judge::all(&question, vec![verdict]).total;
        assert_eq!(total.false_trips, u32::from(harm == Harm::Resolved));
        assert_eq!((total.trips, total.undecided_trips, total.is_weak), (1, 0, true));
    }
}

#[test]
fn hours_without_facts_do_not_count() {
    let verdict = judged(&recording("blind.flight"), Limits::default());
    let gap = verdict.gaps.iter().map(|gap| gap.to_ms - gap.from_ms).max().expect("a gap");
    let mut replay = Replay::open(&recording("blind.flight")).expect("a log");
    let mut end = At::default();
    while let Some(step) = replay.step().expect("a step") {
        end = step.at();
    }
    assert!(verdict.recorded_ms + gap <= end.ms(), "{verdict:?}");
    assert!(verdict.recorded_ms > 0);
}

#[test]
fn a_torn_log_is_judged_up_to_its_tear_and_says_so() {
    let bytes = std::fs::read(recording("jam.flight")).expect("the log");
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut seen = 0;
    for cut in (200..bytes.len()).step_by(301) {
        std::fs::write(file.path(), &bytes[..cut]).expect("the log can be cut");
        let verdict = judged(file.path(), limits(2, 0, 3_600_000));
        assert!(verdict.ending.as_deref().is_some_and(|ending| ending.starts_with("torn")), "{verdict:?}");
        for incident in &verdict.incidents {
            seen += 1;
            assert_eq!(incident.outcome, Outcome::OnlyNow);
            // Whatever the whole recording tells, this one does not tell what it has lost.
            assert!(incident.harm != Some(Harm::Resolved), "{incident:?}");
            assert!(verdict.parted.is_some(), "{verdict:?}");
        }
    }
    assert!(seen > 0, "some cut is behind the trip");
}

#[test]
fn many_logs_add_up() {
    let question = question(limits(2, 0, 3_600_000));
    let judgement = judge::all(&question, all().iter().map(|log| judge::log(log, &question)).collect());
    let sum = |of: fn(&LogVerdict) -> u64| judgement.logs.iter().map(of).sum::<u64>();
    let total = &judgement.total;
    assert_eq!(total.recorded_ms, sum(|log| log.recorded_ms));
    assert_eq!(total.judged_ms, sum(|log| log.judged_ms));
    assert_eq!((total.logs as usize, total.unreadable), (all().len(), 0));
    let trips = judgement.logs.iter().flat_map(|log| &log.incidents).filter(|it| it.trip.is_some());
    assert_eq!(total.trips as usize, trips.count());
    assert!(total.trips >= 3 && total.is_weak, "{total:?}");
    assert!(total.sentence.contains("far too little"), "{}", total.sentence);
}
