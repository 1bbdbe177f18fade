//! What a plan asks for that `lockpit run` does not do.
//!
//! Owns that list, so that nobody believes to be guarded by what is only written down.

use super::Compiled;

/// A sentence for each wish of a step that would not be met in a flight.
pub fn unmet(compiled: &Compiled) -> Vec<String> {
    let mut said = Vec::new();
    for (step, wishes) in compiled.plan.steps.iter().zip(&compiled.wishes) {
        let id = &step.id;
        if wishes.backfill.is_some() {
            said.push(format!("step `{id}`: this release flies no backfills"));
        }
        if wishes.requires.is_some() {
            said.push(format!("step `{id}`: what it `requires` is not looked at by this release"));
        }
    }
    said
}
