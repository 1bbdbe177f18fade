//! What a clean-up needs.

use super::draft::name_of;
use super::{Forecast, LockNeed};
use crate::engine::locks::LockMode;
use crate::engine::plan::facts::{LeftoverKind, Survey, Tie};
use crate::engine::steps::Offer;

impl Forecast {
    /// What the clean-up of `offer` needs, given what the catalog says of its table and its object.
    pub fn of_clean_up(offer: &Offer, survey: &Survey) -> Forecast {
        let leftover = &offer.leftover;
        let wanted = |name: &str, tie: Tie| match leftover.kind {
            // They wait for others without being in anybody's way.
            LeftoverKind::InvalidIndex
            | LeftoverKind::NewIndex
            | LeftoverKind::OldIndex
            | LeftoverKind::UnvalidatedConstraint => None,
            LeftoverKind::PendingDetach if name == leftover.table => Some(LockMode::ShareUpdateExclusiveLock),
            LeftoverKind::PendingDetach => (name == leftover.name).then_some(LockMode::AccessExclusiveLock),
            LeftoverKind::Trigger => (name == leftover.table).then_some(LockMode::AccessExclusiveLock),
            LeftoverKind::InvalidParentIndex => {
                let is_touched = matches!(tie, Tie::Named | Tie::PartitionOf(_) | Tie::DefaultPartitionOf(_));
                is_touched.then_some(LockMode::AccessExclusiveLock)
            }
        };
        let locks: Vec<LockNeed> = survey
            .relations
            .iter()
            .filter_map(|relation| {
                Some(LockNeed {
                    relation: relation.oid,
                    name: name_of(relation),
                    mode: wanted(&relation.name, relation.tie)?,
                    why: None,
                    sure: true,
                })
            })
            .collect();
        Forecast {
            strong: locks.iter().any(|lock| lock.mode.is_strong()),
            locks,
            first: Vec::new(),
            data: Vec::new(),
            unknown: Vec::new(),
            stop_loses: "nothing but its wait".to_owned(),
            stop_leaves: "what was left, as it was".to_owned(),
        }
    }
}
