use super::*;
use crate::engine::settings::{Arming, Settings};
use crate::engine::story::{Story, armed};
use crate::engine::testing::jam;

/// What is foreseen four seconds after the last sample of a jam.
fn blind(settings: Settings) -> Foresight {
    let mut story = Story::begin(settings);
    story.look(900, jam(1));
    story.tick(1_900);
    assert_eq!(story.cockpit.brake().state().map(|(state, _)| *state), Some(GuardState::Blind));
    Foresight::of(&story.cockpit, At::from_ms(1_900))
}

#[test]
fn a_blind_guard_that_is_not_armed_stops_nothing() {
    let stop = || Settings { if_lost: IfLost::Stop, ..armed() };
    assert!(matches!(blind(stop()), Foresight::Will(_)));
    assert!(matches!(blind(armed()), Foresight::Nothing(_)), "--if-lost keep");
    for arming in [Arming::Watching, Arming::Shadow] {
        let foreseen = blind(Settings { arming, ..stop() });
        assert!(matches!(foreseen, Foresight::Nothing(_)), "{arming:?}: {foreseen:?}");
    }
}
