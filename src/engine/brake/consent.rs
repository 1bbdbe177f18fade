//! The consent: who may be stopped, until when and by what means.
//!
//! Owns what was agreed to at the start and in the air. Never stops anything.

use serde::{Deserialize, Serialize};

use crate::engine::guard::seconds;
use crate::engine::ids::{At, BackendId};
use crate::engine::settings::{Arming, OnTrip, Selector, Settings};
use crate::engine::target::Target;

/// An arming, or none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consent {
    arming: Arming,
    on_trip: OnTrip,
    /// The one session it reaches; without one, whomever the selector of the start chose.
    only: Option<BackendId>,
    /// When it was given.
    since: At,
    until: At,
    withdrawn: Option<String>,
    /// The selector names one pid.
    by_pid: bool,
    /// The session that had the selector's pid first.
    pinned: Option<BackendId>,
    /// That session has ended.
    pin_ended: bool,
}

impl Consent {
    /// What was agreed to at the start.
    pub fn of(settings: &Settings) -> Consent {
        let withdrawn = (settings.read_only && settings.arming == Arming::Armed)
            .then(|| "read-only flight: nothing is stopped".to_owned());
        Consent {
            arming: settings.arming,
            on_trip: settings.on_trip,
            until: At::from_ms(settings.armed_until_ms.unwrap_or(Settings::ARMING_MS)),
            withdrawn,
            by_pid: matches!(settings.target, Selector::Pid(_)),
            ..Consent::default()
        }
    }

    /// Watching, shadow or armed, whether or not it is still in force.
    pub fn arming(&self) -> Arming {
        self.arming
    }

    /// By what means.
    pub fn on_trip(&self) -> OnTrip {
        self.on_trip
    }

    /// When it was given.
    pub fn since(&self) -> At {
        self.since
    }

    /// When it ends by itself.
    pub fn until(&self) -> At {
        self.until
    }

    /// The one session it reaches, if it is for one.
    pub fn only(&self) -> Option<BackendId> {
        self.only
    }

    /// The flight was for one pid, and the session that had it has ended.
    pub fn has_lost_its_pid(&self) -> bool {
        self.pin_ended
    }

    /// Whether trips are decided, whatever is done about them.
    pub fn decides(&self, at: At) -> bool {
        self.arming != Arming::Watching && self.why_over(at).is_none()
    }

    /// Whether anything may be stopped.
    pub fn acts(&self, at: At) -> bool {
        self.arming == Arming::Armed && self.why_over(at).is_none()
    }

    /// Whether it is for this target.
    pub fn reaches(&self, target: &Target) -> bool {
        self.only.map_or(target.selected, |only| only == target.attempt.backend)
    }

    /// Whether this target may be stopped.
    pub fn acts_on(&self, at: At, target: &Target) -> bool {
        self.acts(at) && self.reaches(target)
    }

    /// Why it is over, once it is.
    pub fn why_over(&self, at: At) -> Option<&str> {
        self.withdrawn.as_deref().or((at >= self.until).then_some("the time it was for is over"))
    }

    /// Ends it; the first reason stays.
    pub fn withdraw(&mut self, why: &str) {
        self.withdrawn.get_or_insert_with(|| why.to_owned());
    }

    /// An operator arms: on one session, or on whomever the selector of the start chooses.
    pub fn give(&mut self, at: At, only: Option<BackendId>, for_ms: Option<u64>, on_trip: OnTrip) {
        self.arming = Arming::Armed;
        self.on_trip = on_trip;
        self.only = only.or(self.pinned);
        self.since = at;
        self.until = at.plus_ms(for_ms.unwrap_or(Settings::ARMING_MS));
        self.withdrawn = None;
    }

    /// A target came under guard. The consent for a pid is for the session that has it now.
    pub fn found(&mut self, target: &Target) {
        let backend = target.attempt.backend;
        if self.by_pid && target.selected && self.pinned.is_none() {
            self.pinned = Some(backend);
            self.only = self.only.or(self.pinned);
        }
        self.seen(backend);
    }

    /// Whoever has the pid of the session it is for, with another start, has come after its end.
    pub fn seen(&mut self, backend: BackendId) {
        for known in [self.only, self.pinned].into_iter().flatten() {
            if known.pid == backend.pid && known != backend {
                self.session_ended(known);
            }
        }
    }

    /// A session is gone, and with it an arming that was for it alone.
    pub fn session_ended(&mut self, backend: BackendId) {
        self.pin_ended |= self.pinned == Some(backend);
        if self.only == Some(backend) && self.arming == Arming::Armed {
            self.withdraw("the backend it was for has ended");
        }
    }

    /// What people should know of an arming in force; why it is not for `target`, where it is not.
    pub fn sentence(&self, target: Option<&Target>) -> Result<String, String> {
        let only = self.only.map_or(String::new(), |only| format!(", pid {} only", only.pid));
        match target.filter(|target| !self.reaches(target)) {
            Some(target) => {
                let whom = self
                    .only
                    .map_or("whom the flight was for".to_owned(), |only| format!("pid {}", only.pid));
                Err(format!("armed for {whom}, which pid {} is not", target.pid()))
            }
            None if self.until == At(u64::MAX) => Ok(format!("to the end of the flight{only}")),
            None if self.since == At(0) => Ok(format!("until {} into the flight", seconds(self.until.ms()))),
            None => Ok(format!("until {} into the flight{only}", seconds(self.until.ms()))),
        }
    }
}
