//! Who was hit by the work under guard.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Cockpit;
use crate::engine::ids::{At, BackendId};
use crate::report::plan::{MOST_APPLICATIONS, MOST_SESSIONS};
use crate::report::story::{Blast, Hit, Target};

/// Sessions that waited because of a target.
#[derive(Debug, Default)]
pub(super) struct BlastRadius {
    sessions: BTreeSet<BackendId>,
    /// There were more than are told apart.
    too_many: bool,
    applications: BTreeMap<String, u32>,
    most: Option<(u32, At)>,
    oldest_ms: Option<u64>,
}

impl BlastRadius {
    /// Takes in what a sample shows.
    pub(super) fn sample(&mut self, at: At, cockpit: &Cockpit) {
        let (Some(target), Some(sample)) = (cockpit.target(), cockpit.sample()) else { return };
        let victims = u32::try_from(target.victims.len()).unwrap_or(u32::MAX);
        if victims > self.most.map_or(0, |(most, _)| most) {
            self.most = Some((victims, at));
        }
        self.oldest_ms = self.oldest_ms.max(cockpit.ages().oldest_ms(at, target.victims.iter().copied()));
        if victims == 0 {
            return;
        }
        let hit = sample.backends.iter().filter(|backend| target.victims.binary_search(&backend.pid).is_ok());
        for backend in hit {
            if self.sessions.len() >= MOST_SESSIONS {
                self.too_many = true;
                return;
            }
            if !self.sessions.insert(backend.id()) {
                continue;
            }
            if let Some(count) = self.applications.get_mut(backend.application.as_str()) {
                *count += 1;
            } else if self.applications.len() < MOST_APPLICATIONS {
                self.applications.insert(backend.application.to_string(), 1);
            }
        }
    }

    pub(super) fn finish(self, targets: &[Target], lost_session_ms: u64) -> Blast {
        let applications = self.applications.into_iter();
        let mut applications: Vec<Hit> =
            applications.map(|(application, sessions)| Hit { application, sessions }).collect();
        applications.sort_by_key(|hit| std::cmp::Reverse(hit.sessions));
        let relations: BTreeSet<String> = targets
            .iter()
            .filter(|target| target.most_victims > 0)
            .filter_map(|target| target.lock.as_ref()?.split_once(" on ").map(|(_, name)| name.to_owned()))
            .collect();
        let sessions = u32::try_from(self.sessions.len()).ok().filter(|_| !self.too_many);
        Blast {
            sessions,
            most_victims: self.most.map_or(0, |(most, _)| most),
            most_at_ms: self.most.map(|(_, at)| at.ms()),
            oldest_ms: self.oldest_ms,
            lost_session_ms,
            applications,
            relations: relations.into_iter().collect(),
        }
    }
}
