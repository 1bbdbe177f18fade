//! What a trial takes over from a flight, and what not.

use super::trial::{Trial, Tripped};
use crate::engine::effect::Rung;
use crate::engine::ids::{At, Pid};
use crate::engine::input::{ArmScope, Command, Input, Request};
use crate::engine::sample::Watch;
use crate::engine::settings::{Arming, IfLost, Limits, Selector, Settings};
use crate::engine::story;
use crate::engine::testing::{B, jam, names, server, text, waiting_alter};

/// A flight, told to a trial.
struct Told {
    trial: Trial,
    trips: Vec<Tripped>,
}

impl Told {
    fn begin(settings: Settings, limits: Limits, keeps_overrides: bool) -> Told {
        let mut told = Told { trial: Trial::new(Some(limits), keeps_overrides), trips: Vec::new() };
        told.input(0, &story::begin(settings));
        told.input(0, &Input::Attached(Box::new(story::attached())));
        told.input(0, &Input::Names(Box::new(names())));
        told.input(0, &Input::Text(Box::new(text(1, "ALTER TABLE"))));
        told.input(0, &Input::Text(Box::new(text(2, "SELECT"))));
        told
    }

    fn input(&mut self, at_ms: u64, input: &Input) {
        self.trips.extend(self.trial.take(At::from_ms(at_ms), input));
    }

    fn order(&mut self, at_ms: u64, command: Command) {
        self.input(at_ms, &Input::Command(Request { by: Some("alice".to_owned()), command }));
    }

    fn jam(&mut self, at_ms: u64, victims: u32) {
        let clock = i64::try_from(at_ms).expect("a short flight");
        self.input(at_ms, &Input::Sample(Box::new(jam(victims).server_clock(clock).0)));
    }

    fn trips_at(&self) -> Vec<u64> {
        self.trips.iter().map(|trip| trip.at.ms()).collect()
    }
}

fn depth(limit: u32) -> Limits {
    let mut limits = Limits::default();
    limits.queue_depth.limit = Some(limit);
    limits.queue_depth.hold_ms = 0;
    limits.queue_age.limit_ms = 3_600_000;
    limits
}

fn flown(arming: Arming, read_only: bool) -> Settings {
    let target = Selector::Application("deploy".to_owned());
    // Long over when the queue forms.
    let armed_until_ms = Some(1);
    Settings { target, arming, read_only, armed_until_ms, limits: depth(500), ..Settings::default() }
}

#[test]
fn it_decides_the_same_however_the_flight_was_armed() {
    for (arming, read_only) in
        [(Arming::Watching, false), (Arming::Watching, true), (Arming::Shadow, false), (Arming::Armed, false)]
    {
        let mut told = Told::begin(flown(arming, read_only), depth(3), true);
        told.jam(1_000, 2);
        told.jam(1_250, 3);
        told.jam(1_500, 9);
        assert_eq!(told.trips_at(), [1_250], "{arming:?}");
        let trip = &told.trips[0];
        assert_eq!((trip.victims, trip.reading.limit, &*trip.guardrail), (3, Some(3), "queue_depth"));
        assert!(trip.lost_us > 0);
    }
}

#[test]
fn what_was_ordered_about_acting_changes_nothing() {
    let attempt = waiting_alter().attempt();
    let orders = [
        Command::Disarm,
        Command::Arm { scope: ArmScope::AsAtStart, for_ms: Some(1), on_trip: None },
        Command::Arm { scope: ArmScope::Session(attempt.backend), for_ms: Some(1), on_trip: None },
        Command::Abort { attempt },
        Command::Stop { attempt, rung: Rung::Terminate },
    ];
    for order in orders {
        let mut told = Told::begin(flown(Arming::Armed, false), depth(3), true);
        told.jam(1_000, 2);
        told.order(1_100, order.clone());
        told.jam(1_250, 3);
        assert_eq!(told.trips_at(), [1_250], "{order:?}");
    }
}

#[test]
fn who_was_armed_on_is_followed() {
    let settings = Settings { target: Selector::Pid(Pid(1)), ..flown(Arming::Watching, false) };
    let mut told = Told::begin(settings, depth(3), true);
    told.jam(1_000, 3);
    assert!(told.trips.is_empty(), "the selector names somebody else");
    let scope = ArmScope::Session(waiting_alter().attempt().backend);
    told.order(1_100, Command::Arm { scope, for_ms: None, on_trip: None });
    told.jam(1_250, 3);
    assert_eq!(told.trips.len(), 1, "pid {B} is followed");
}

#[test]
fn limits_changed_in_the_air_are_kept_or_left_out() {
    for (keeps_overrides, trips) in [(true, vec![]), (false, vec![1_250])] {
        let mut told = Told::begin(flown(Arming::Armed, false), depth(3), keeps_overrides);
        let limit = Command::Limit { guardrail: "queue_depth".to_owned(), limit: 50, for_ms: None };
        told.order(500, limit);
        told.jam(1_000, 2);
        told.jam(1_250, 3);
        assert_eq!(told.trips_at(), trips, "keeps them: {keeps_overrides}");
    }
}

#[test]
fn it_is_woken_at_its_own_deadlines() {
    let mut limits = depth(500);
    limits.blind.limit_ms = 1_200;
    let settings = Settings { if_lost: IfLost::Stop, ..flown(Arming::Armed, false) };
    let mut told = Told::begin(settings, limits, true);
    told.jam(1_000, 1);
    let watch = Watch {
        server_now: server(9_000),
        cost_us: 300,
        waiting: 1,
        oldest_wait_start: None,
        oldest: Vec::new(),
    };
    // The flight had other deadlines: nothing came in when this one was reached.
    told.input(9_000, &Input::Watch(watch));
    assert_eq!(told.trips_at(), [2_200]);
    assert_eq!(told.trips[0].guardrail, "blind");
}

#[test]
fn behind_a_gap_it_goes_on_with_its_own_limits() {
    let mut told = Told::begin(flown(Arming::Watching, false), depth(3), true);
    let mut recorded = crate::engine::Cockpit::default();
    let flown = flown(Arming::Watching, false);
    let _ = recorded.handle(At(0), story::begin(flown));
    let _ = recorded.handle(At(0), Input::Attached(Box::new(story::attached())));
    let _ = recorded.handle(At(0), Input::Names(Box::new(names())));
    told.trial.resume(&recorded);
    told.jam(5_000, 3);
    assert_eq!(told.trips_at(), [5_000]);
}
