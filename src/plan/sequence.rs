//! The order in which steps run: that of the file, moved only as `after` asks.
//!
//! Owns that order, and what is said where there is none.

use std::collections::BTreeMap;

use super::faults::{Faults, hinted};
use super::section::Text;

/// What a step says about its place.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where the file says so.
    pub at: usize,
    /// The steps that must be done before.
    pub after: &'a [Text],
}

/// The steps' numbers in the order in which they run; `None` when two have one id, one is not there, or they wait
/// for each other.
pub(super) fn order(steps: &[Place<'_>], faults: &Faults<'_>) -> Option<Vec<usize>> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut is_sound = true;
    for (number, step) in steps.iter().enumerate() {
        if let Some(first) = numbers.get(step.id) {
            let line = faults.line(steps[*first].at);
            faults.at(
                step.at,
                format!("there is another step `{}`, in line {line}: an id names one step", step.id),
            );
            is_sound = false;
        } else {
            numbers.insert(step.id, number);
        }
    }
    let mut before: Vec<Vec<usize>> = Vec::new();
    for step in steps {
        let mut numbers_before = Vec::new();
        for after in step.after {
            match numbers.get(after.text.as_str()) {
                Some(number) => numbers_before.push(*number),
                None => {
                    let why = format!("`after` names no step: there is no `{}`", after.text);
                    faults.at(after.at, hinted(why, &after.text, numbers.keys().copied()));
                    is_sound = false;
                }
            }
        }
        before.push(numbers_before);
    }
    if !is_sound {
        return None;
    }
    let mut order: Vec<usize> = Vec::new();
    let mut done = vec![false; steps.len()];
    let mut first = 0;
    while order.len() < steps.len() {
        while done[first] {
            first += 1;
        }
        let is_free = |step: &usize| !done[*step] && before[*step].iter().all(|one| done[*one]);
        if let Some(next) = (first..steps.len()).find(is_free) {
            done[next] = true;
            order.push(next);
            continue;
        }
        let circle = circle(&before, &done);
        let ids: Vec<String> = circle.iter().map(|step| format!("`{}`", steps[*step].id)).collect();
        let at = circle.first().map_or(0, |step| steps[*step].at);
        faults.at(at, format!("these steps wait for each other: {}", ids.join(" after ")));
        return None;
    }
    Some(order)
}

/// Steps of which each waits for the next, from one back to it; there is one, because none of the rest is free.
fn circle(before: &[Vec<usize>], done: &[bool]) -> Vec<usize> {
    let waits_for = |step: usize| before[step].iter().copied().find(|one| !done[*one]);
    let mut path: Vec<usize> = done.iter().position(|done| !done).into_iter().collect();
    while let Some(next) = path.last().and_then(|last| waits_for(*last)) {
        if let Some(begin) = path.iter().position(|step| *step == next) {
            path.push(next);
            return path.split_off(begin);
        }
        path.push(next);
    }
    path
}
