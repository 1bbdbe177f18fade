//! Attaching, and attaching again: what of the old server still holds on the new one.
//!
//! Owns the comparison of two attachments. Another cluster, another timeline or another role ends a consent;
//! a restart ends every session that was known.

use super::Cockpit;
use super::ids::At;
use super::input::Attached;
use super::sample::Fact;
use super::timeline::{Event, Fate};

impl Cockpit {
    pub(super) fn attach(&mut self, at: At, attached: Attached) {
        let known = self.attached.as_ref();
        if known.is_some_and(|known| differ(&known.system_identifier, &attached.system_identifier)) {
            // There the same numbers are other objects.
            self.catalog.forget_names();
        }
        self.catalog.attach(attached.database, &attached.database_name);
        let before = self.attached.replace(attached);
        let (Some(before), Some(now)) = (before, self.attached.as_ref()) else {
            self.timeline.push(at, Event::Attached);
            return;
        };
        let other_cluster = differ(&before.system_identifier, &now.system_identifier);
        let restarted = other_cluster || before.postmaster_start != now.postmaster_start;
        let promoted = before.in_recovery != now.in_recovery || differ(&before.timeline, &now.timeline);
        let text = match (other_cluster, restarted, promoted) {
            (true, _, _) => "attached again, to another cluster: disarmed".to_owned(),
            (false, _, true) => "attached again; its role or timeline has changed: disarmed".to_owned(),
            (false, true, false) => "attached again; the server was restarted".to_owned(),
            (false, false, false) => "attached again".to_owned(),
        };
        if other_cluster || promoted {
            self.brake.disarm("the server is not the one it was for");
        }
        self.timeline.push(at, Event::Note { warning: restarted || promoted, text });
        let same_server = alike(&before.system_identifier, &now.system_identifier)
            && alike(&before.timeline, &now.timeline);
        if restarted && !same_server {
            // There the number of a transaction may be that of any other one.
            let unfinished = self.endings.give_up();
            self.tell_ended(at, unfinished);
        }
        if restarted {
            self.ages.reset();
            self.sample = None;
            self.slow = None;
            self.slow_at = None;
            if let Some(target) = self.follow.lose() {
                self.brake.target_ended(&target);
                self.brake.session_ended(target.attempt.backend);
                self.tell_ended(at, [(target, Fate::Gone)]);
            }
        }
        self.derive();
    }
}

/// Whether both are known, and differ.
fn differ<T: PartialEq>(before: &Fact<T>, now: &Fact<T>) -> bool {
    matches!((before.known(), now.known()), (Some(before), Some(now)) if before != now)
}

/// Whether both are known, and equal.
fn alike<T: PartialEq>(before: &Fact<T>, now: &Fact<T>) -> bool {
    matches!((before.known(), now.known()), (Some(before), Some(now)) if before == now)
}
