use super::{Facts, Guardrails, Hold, Level, Reading, TargetFacts, seconds};
use crate::engine::ids::{At, Pid};
use crate::engine::settings::{IfLost, Limits};

/// Facts from a sample at `ms` about a strong target with that many victims.
fn facts(ms: u64, victims: u32) -> Facts {
    Facts {
        at: At::from_ms(ms),
        target: Some(TargetFacts {
            pid: Pid(102),
            strong: true,
            victims,
            oldest_victim_ms: (victims > 0).then_some(200),
        }),
        last_sample: Some(At::from_ms(ms)),
        sample_every_ms: 250,
        usual_active: None,
        spared_until: None,
        if_lost: IfLost::Keep,
        limits: Limits::default(),
    }
}

fn aged(ms: u64, oldest_victim_ms: Option<u64>) -> Facts {
    let facts = facts(ms, 1);
    Facts { target: facts.target.map(|target| TargetFacts { oldest_victim_ms, ..target }), ..facts }
}

/// Facts at `ms` whose last sample arrived at `sample_ms`.
fn stale(ms: u64, sample_ms: u64, if_lost: IfLost) -> Facts {
    Facts { at: At::from_ms(ms), last_sample: Some(At::from_ms(sample_ms)), if_lost, ..facts(sample_ms, 0) }
}

/// What one rule says after it has judged all of these.
fn reading(name: &str, all: &[Facts]) -> Reading {
    let mut rails = Guardrails::default();
    for facts in all {
        rails.judge(facts);
    }
    rails.readings().iter().find(|(n, _)| n == name).expect("a rule of that name").1.clone()
}

fn level(name: &str, all: &[Facts]) -> Level {
    reading(name, all).level
}

#[test]
fn depth_trips_at_its_limit_once_it_has_held() {
    assert_eq!(level("queue_depth", &[facts(0, 4), facts(900, 4)]), Level::Ok, "just under");
    assert_eq!(level("queue_depth", &[facts(0, 5)]), Level::Warn, "not for long enough");
    assert_eq!(level("queue_depth", &[facts(0, 5), facts(99, 5)]), Level::Warn, "1 ms short");
    assert_eq!(level("queue_depth", &[facts(0, 5), facts(100, 5)]), Level::Trip);
}

#[test]
fn depth_counts_from_sample_to_sample_and_not_by_the_clock() {
    let later = Facts { at: At::from_ms(700), ..facts(0, 9) };
    assert_eq!(level("queue_depth", &[facts(0, 9), later]), Level::Warn, "nothing new was seen");
}

#[test]
fn depth_flickering_around_its_limit_is_one_harm() {
    let story = [facts(0, 6), facts(60, 4), facts(120, 6)];
    assert_eq!(level("queue_depth", &story), Level::Trip, "4 is not calm: the count goes on");
    let calmed = [facts(0, 6), facts(60, 2), facts(120, 6)];
    assert_eq!(level("queue_depth", &calmed), Level::Warn, "2 is calm: the count begins anew");
    let under = [facts(0, 6), facts(200, 4)];
    assert_eq!(level("queue_depth", &under), Level::Ok, "under the limit nothing trips");
}

#[test]
fn depth_default_follows_what_is_usual() {
    for (usual, limit) in [(None, 5), (Some(0), 2), (Some(4), 2), (Some(7), 3), (Some(10), 5), (Some(400), 5)]
    {
        let facts = Facts { usual_active: usual, ..facts(0, 0) };
        assert_eq!(reading("queue_depth", &[facts]).limit, Some(limit), "usually active: {usual:?}");
    }
}

#[test]
fn depth_limit_of_the_operator_wins() {
    let mut given = Facts { usual_active: Some(4), ..facts(0, 11) };
    given.limits.queue_depth.limit = Some(12);
    given.limits.queue_depth.hold_ms = 0;
    assert_eq!(level("queue_depth", &[given.clone()]), Level::Ok);
    given.target = facts(0, 12).target;
    assert_eq!(level("queue_depth", &[given]), Level::Trip, "without a hold at once");
}

#[test]
fn depth_without_a_target_cannot_be_judged_and_forgets() {
    let nobody = Facts { target: None, ..facts(50, 0) };
    assert_eq!(level("queue_depth", &[facts(0, 9), nobody.clone()]), Level::NotYet);
    assert_eq!(level("queue_depth", &[facts(0, 9), nobody, facts(150, 9)]), Level::Warn);
}

#[test]
fn depth_says_what_it_found() {
    let found = reading("queue_depth", &[facts(0, 23)]);
    assert_eq!(found.sentence, "23 sessions queue behind pid 102, oldest 0.2 s; limit 5 for 0.1 s");
    let found = reading("queue_depth", &[facts(0, 1)]);
    assert_eq!(found.sentence, "1 session queues behind pid 102, oldest 0.2 s; limit 5 for 0.1 s");
    assert_eq!((found.value, found.limit), (Some(1), Some(5)));
}

#[test]
fn age_trips_at_its_limit() {
    for (oldest_ms, expected) in [
        (Some(499), Level::Ok),
        (Some(500), Level::Warn),
        (Some(999), Level::Warn),
        (Some(1_000), Level::Trip),
    ] {
        assert_eq!(level("queue_age", &[aged(0, oldest_ms)]), expected, "oldest {oldest_ms:?}");
    }
}

#[test]
fn an_age_that_is_not_known_is_neither_calm_nor_zero() {
    let unknown = reading("queue_age", &[aged(0, None)]);
    assert_eq!((unknown.level, unknown.value), (Level::NotYet, None), "{unknown:?}");
    assert!(!unknown.sentence.contains("nobody"), "{unknown:?}");
    let nobody = reading("queue_age", &[facts(0, 0)]);
    assert_eq!((nobody.level, nobody.value), (Level::Ok, Some(0)), "{nobody:?}");
}

#[test]
fn age_without_a_target_cannot_be_judged() {
    assert_eq!(level("queue_age", &[Facts { target: None, ..facts(0, 0) }]), Level::NotYet);
}

#[test]
fn blind_after_three_intervals_but_not_before_its_floor() {
    assert_eq!(level("blind", &[stale(749, 0, IfLost::Keep)]), Level::Ok);
    assert_eq!(level("blind", &[stale(750, 0, IfLost::Keep)]), Level::Warn);
    let slow = |ms| Facts { sample_every_ms: 2_000, ..stale(ms, 0, IfLost::Keep) };
    assert_eq!(level("blind", &[slow(5_999)]), Level::Ok);
    assert_eq!(level("blind", &[slow(6_000)]), Level::Warn);
    let quick = |ms| Facts { sample_every_ms: 10, ..stale(ms, 0, IfLost::Keep) };
    assert_eq!(level("blind", &[quick(749)]), Level::Ok, "three times 10 ms is below the floor");
}

#[test]
fn blind_acts_on_a_strong_target_and_only_if_asked_to() {
    let weak = |facts: Facts| {
        let target = facts.target.map(|target| TargetFacts { strong: false, ..target });
        Facts { target, ..facts }
    };
    let nobody = |facts: Facts| Facts { target: None, ..facts };
    assert_eq!(level("blind", &[stale(1_999, 0, IfLost::Stop)]), Level::Warn);
    assert_eq!(level("blind", &[stale(2_000, 0, IfLost::Stop)]), Level::Trip);
    assert_eq!(level("blind", &[stale(60_000, 0, IfLost::Keep)]), Level::Warn);
    assert_eq!(level("blind", &[weak(stale(60_000, 0, IfLost::Stop))]), Level::Warn);
    assert_eq!(level("blind", &[nobody(stale(60_000, 0, IfLost::Stop))]), Level::Warn);
}

#[test]
fn blind_never_acts_before_it_is_blind() {
    let slow = |ms| Facts { sample_every_ms: 2_000, ..stale(ms, 0, IfLost::Stop) };
    assert_eq!(level("blind", &[slow(5_999)]), Level::Ok);
    assert_eq!(level("blind", &[slow(6_000)]), Level::Trip);
}

#[test]
fn blind_before_the_first_sample_cannot_be_judged() {
    let facts = Facts { last_sample: None, ..facts(9_000, 0) };
    assert_eq!(level("blind", &[facts]), Level::NotYet);
}

#[test]
fn a_sample_ends_blindness() {
    assert_eq!(
        level("blind", &[stale(5_000, 0, IfLost::Stop), stale(5_001, 5_000, IfLost::Stop)]),
        Level::Ok
    );
}

#[test]
fn blindness_asks_to_be_woken_when_its_verdict_changes() {
    let due = |now_ms| Guardrails::default().next_deadline(&stale(now_ms, 100, IfLost::Keep));
    assert_eq!(due(100), Some(At::from_ms(850)));
    assert_eq!(due(849), Some(At::from_ms(850)));
    assert_eq!(due(850), Some(At::from_ms(2_100)));
    assert_eq!(due(2_100), None);
}

#[test]
fn only_changes_of_level_are_told_and_the_strongest_case_names_the_trip() {
    let mut rails = Guardrails::default();
    assert_eq!(rails.judge(&facts(0, 0)).len(), 3, "all of them are new");
    assert_eq!(rails.judge(&facts(10, 1)).len(), 0, "another value on the same level");
    let mut harm = facts(500, 9);
    rails.judge(&harm);
    harm = Facts { target: aged(700, Some(1_500)).target, ..facts(700, 0) };
    harm.target.as_mut().expect("a target").victims = 9;
    let changed = rails.judge(&harm);
    assert_eq!(
        changed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["queue_depth", "queue_age"]
    );
    assert_eq!(rails.tripped().map(|(name, _)| name.as_str()).next(), Some("queue_depth"));
}

#[test]
fn another_target_starts_from_nothing() {
    let mut rails = Guardrails::default();
    rails.judge(&facts(0, 9));
    rails.reset();
    rails.judge(&facts(200, 9));
    assert_eq!(rails.tripped().count(), 0);
}

#[test]
fn a_hold_counts_only_while_over() {
    let mut hold = Hold::default();
    assert_eq!(hold.update(At::from_ms(10), true, false), Some(0));
    assert_eq!(hold.update(At::from_ms(40), false, false), None, "neither over nor calm");
    assert_eq!(hold.update(At::from_ms(50), true, false), Some(40));
    assert_eq!(hold.update(At::from_ms(60), false, true), None);
    assert_eq!(hold.update(At::from_ms(70), true, false), Some(0));
}

#[test]
fn durations_read_alike_on_both_sides_of_every_unit() {
    for (ms, text) in [
        (0, "0 ms"),
        (99, "99 ms"),
        (100, "0.1 s"),
        (350, "0.35 s"),
        (1_200, "1.2 s"),
        (9_940, "9.94 s"),
        (9_950, "9.95 s"),
        (9_999, "9.99 s"),
        (10_000, "10 s"),
        (59_999, "59 s"),
        (60_000, "1m00s"),
        (126_000, "2m06s"),
        (3_599_999, "59m59s"),
        (3_840_000, "1h04m"),
    ] {
        assert_eq!(seconds(ms), text, "{ms} ms");
    }
}

#[test]
fn every_rule_is_in_the_list_of_names() {
    let mut rails = Guardrails::default();
    rails.judge(&facts(0, 0));
    let names: Vec<&str> = rails.readings().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, super::RULES.map(|(name, _)| name));
}
