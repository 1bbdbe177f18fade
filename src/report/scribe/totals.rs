//! What a flight came to, in figures and in one sentence.

use crate::engine::Cockpit;
use crate::engine::derive::words::plural;
use crate::engine::guard::seconds;
use crate::report::story::{Story, Totals};
use crate::report::times::session_time;

/// The figures; their sentence needs the whole story.
pub(super) fn of(cockpit: &Cockpit) -> Totals {
    let (totals, tally) = (cockpit.brake().totals(), cockpit.tally());
    Totals {
        sentence: String::new(),
        samples: tally.samples,
        missed: tally.missed,
        trips: totals.trips,
        stopped: totals.stopped,
        not_stopped: totals.not_stopped,
        lost_session_ms: lost_session_ms(cockpit),
        server_cost_us: tally.cost_us,
    }
}

/// Time the victims of all targets lost, that of the present one included.
pub(super) fn lost_session_ms(cockpit: &Cockpit) -> u64 {
    let open_us = cockpit.target().map_or(0, |target| target.lost_us);
    cockpit.brake().totals().lost_session_ms.saturating_add(open_us / 1_000)
}

/// The flight in one breath.
pub(super) fn sentence(story: &Story) -> String {
    let trips = u64::from(story.totals.trips);
    let mut words = match (trips, story.over.first()) {
        (0, None) => "No guardrail tripped".to_owned(),
        (0, Some(first)) => {
            format!("Nothing was armed; {} was over its limit: {}", first.guardrail, first.sentence)
        }
        _ => {
            let acted = story.trips.iter().filter(|trip| trip.acted).count();
            let of = match (acted, trips) {
                (0, 1) => "lockpit did not act on it".to_owned(),
                (0, _) => "lockpit acted on none of them".to_owned(),
                (1, 1) => "lockpit acted on it".to_owned(),
                (acted, _) => format!("lockpit acted on {acted} of them"),
            };
            format!("{}; {of}", plural(trips, "guardrail trip"))
        }
    };
    if let Some(plan) = &story.plan {
        words = format!("{}. {words}", plan.sentence);
    }
    let last = story.stops.iter().rev().find_map(|stop| stop.sentence.as_deref());
    match (story.stops.len(), last) {
        (0, _) => words += ". Nothing was stopped",
        (1, Some(last)) => words += &format!(". {last}"),
        (n, Some(last)) => words += &format!(". {n} stops; the last: {last}"),
        (_, None) => words += ". What became of its stop is not in the log",
    }
    let blast = &story.blast;
    if blast.most_victims == 0 {
        words += ". No session was seen to wait behind the work under guard.";
    } else {
        words += &format!(". At most {} waited at once", plural(blast.most_victims.into(), "session"));
        if let Some(oldest) = blast.oldest_ms {
            words += &format!(", the longest for {}", seconds(oldest));
        }
        words += &format!("; {} were lost.", session_time(blast.lost_session_ms));
    }
    if let Some(longest) = story.gaps.iter().map(|gap| gap.until_ms.saturating_sub(gap.from_ms)).max() {
        let gaps = plural(story.gaps.len() as u64, "gap");
        words += &format!(" Facts are missing: {gaps}, the longest of {}.", seconds(longest));
    }
    if story.integrity.is_altered || story.integrity.is_torn {
        let mut rest = words.chars();
        let first = rest.next().map(|first| first.to_ascii_lowercase()).into_iter();
        return format!("As far as the log could be read: {}", first.chain(rest).collect::<String>());
    }
    words
}
