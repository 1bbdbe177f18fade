//! The engine of a recorded flight, from some place on with other limits.
//!
//! Owns what of the flight is forgotten for that. Decides nothing.

use super::Cockpit;
use super::brake::Brake;
use super::settings::Limits;

impl Cockpit {
    /// From here on every trip is decided by these limits and none is acted on, as
    /// [`Settings::judged_by`](super::settings::Settings::judged_by) has it. What the brake did so far is forgotten:
    /// it belongs to a flight with other limits. Before the flight has begun nothing changes.
    pub fn judge_with(&mut self, limits: Limits) {
        let Some(begin) = self.begin.as_mut() else { return };
        begin.settings = begin.settings.judged_by(limits);
        self.brake = Brake::new(&begin.settings);
        if let Some(target) = self.follow.target.as_mut() {
            target.tripped = false;
        }
    }
}
