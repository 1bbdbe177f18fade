use super::{Need, Pacer};
use crate::engine::effect::Effect;
use crate::engine::settings::Pace;

const QUIET: Need = Need { target: false, strong: false, decides: false, aftercare: false, victims: false };
const WEAK: Need = Need { target: true, ..QUIET };
const STRONG: Need = Need { strong: true, ..WEAK };

fn pace(sample_every_ms: u64, watch_every_ms: Option<u64>) -> Option<Effect> {
    Some(Effect::Pace { sample_every_ms, watch_every_ms })
}

/// The pace for `need` when every sample costs that much.
fn with_cost(cost_us: u64, need: Need) -> Pacer {
    let mut pacer = Pacer::new(Pace::default());
    pacer.observe_cost(cost_us);
    pacer.adapt(need);
    pacer
}

#[test]
fn the_table_of_the_documentation() {
    let armed = Need { decides: true, ..QUIET };
    let aftercare = Need { aftercare: true, ..QUIET };
    for (need, expected) in [
        (WEAK, pace(250, None)),
        (Need { decides: true, ..WEAK }, pace(250, Some(100))),
        (STRONG, pace(250, Some(50))),
        (armed, pace(250, Some(100))),
        (aftercare, pace(250, None)),
    ] {
        assert_eq!(Pacer::new(Pace::default()).adapt(need), expected, "{need:?}");
    }
    assert_eq!(Pacer::new(Pace::default()).adapt(QUIET), None, "a flight begins quiet");
}

#[test]
fn a_pace_in_force_is_not_asked_for_again() {
    let mut pacer = Pacer::new(Pace::default());
    assert!(pacer.adapt(STRONG).is_some());
    assert_eq!(pacer.adapt(STRONG), None);
    assert_eq!(pacer.adapt(QUIET), pace(2_000, None));
}

#[test]
fn samples_stretch_to_two_percent_of_a_core_in_steps() {
    for (cost_us, every_ms) in [(1_000, 250), (5_000, 250), (5_100, 500), (7_200, 500), (40_000, 2_000)] {
        assert_eq!(with_cost(cost_us, WEAK).sample_every_ms(), every_ms, "a cost of {cost_us} us");
    }
    assert_eq!(with_cost(100_000, QUIET).sample_every_ms(), 5_000, "in quiet times too");
}

#[test]
fn nothing_stretches_while_there_are_victims_or_a_session_is_watched() {
    assert_eq!(with_cost(100_000, Need { victims: true, ..STRONG }).sample_every_ms(), 250);
    assert_eq!(with_cost(100_000, Need { aftercare: true, ..QUIET }).sample_every_ms(), 250);
}

#[test]
fn the_watch_never_stretches() {
    let pacer = with_cost(1_000_000, STRONG);
    assert_eq!((pacer.sample_every_ms(), pacer.watch_every_ms()), (50_000, Some(50)));
}

#[test]
fn one_slow_sample_is_no_reason_to_look_away() {
    let mut pacer = with_cost(1_000, WEAK);
    pacer.observe_cost(30_000);
    assert_eq!(pacer.adapt(WEAK), None);
    for _ in 0..40 {
        pacer.observe_cost(30_000);
    }
    assert_eq!(pacer.adapt(WEAK), pace(1_500, None), "but many are");
}

#[test]
fn stretched_is_said_exactly_when_cost_is_the_reason() {
    assert!(!with_cost(1_000, WEAK).is_stretched());
    assert!(with_cost(7_200, WEAK).is_stretched());
    assert!(!with_cost(7_200, QUIET).is_stretched(), "2 s were wanted and 2 s it is");
    assert!(with_cost(100_000, QUIET).is_stretched());
    assert!(!with_cost(100_000, Need { victims: true, ..STRONG }).is_stretched());
}

#[test]
fn a_stretch_is_told_when_it_begins_and_when_it_ends() {
    let mut pacer = with_cost(7_200, WEAK);
    let news = pacer.news().expect("it has begun");
    assert!(news.starts_with("samples every 0.5 s instead of 0.25 s: one costs the server 7 ms"), "{news}");
    assert_eq!(pacer.news(), None);
    pacer.adapt(Need { victims: true, ..STRONG });
    assert_eq!(pacer.news().as_deref(), Some("samples every 0.25 s again"));
    assert_eq!(pacer.news(), None);
}
