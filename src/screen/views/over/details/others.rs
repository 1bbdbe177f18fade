//! What is known of equal waiters, standbys and slots.
//!
//! Owns the words. What has gone is told to have gone.

use super::events::{guardrail, one_event, reading};
use super::{Sheet, flight_time, steps};
use crate::engine::derive::lookup::LockWords;
use crate::engine::derive::replication::{ReplicationView, Reply, SenderLine, SlotLine, Verdict};
use crate::engine::derive::tree::{Group, LockTree, Node};
use crate::engine::derive::words::{bytes, plural};
use crate::engine::ids::Pid;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::views::events::event;
use crate::screen::views::header::tenths;
use crate::screen::views::parts::{level_word, statement};
use crate::screen::views::timeline::numbered;

/// Fills a sheet about `row`.
pub(super) fn fill(sheet: &mut Sheet<'_>, row: &Row) {
    match row {
        Row::Group(text) => group(sheet, text.as_deref()),
        Row::Sender(name) => sender(sheet, name),
        Row::Slot(name) => slot(sheet, name),
        Row::Guardrail(name) => guardrail(sheet, name),
        Row::Event(number) => one_event(sheet, *number),
        Row::Step(id) => steps::fill(sheet, id),
        Row::Backend(_) => {}
    }
}

/// One line about `row`.
pub(super) fn line(row: &Row, shown: &Shown<'_>) -> String {
    match row {
        Row::Backend(id) => super::words::line(*id, shown),
        Row::Group(text) => match groups(text.as_deref(), shown).as_slice() {
            [] => {
                format!("nobody waits with this statement any more: {}", words(None, text.as_deref(), shown))
            }
            found => found.iter().map(|group| in_short(group, shown)).collect::<Vec<_>>().join("; "),
        },
        Row::Sender(name) => {
            let called = shown.application(name);
            let view = replication(shown);
            let found = view.senders.iter().filter(|sender| sender.name == *name);
            let found: Vec<String> = found
                .map(|sender| format!("standby {called}, walsender {}: {}", sender.pid, sender.sentence))
                .collect();
            if found.is_empty() { format!("standby {called} is not connected") } else { found.join("; ") }
        }
        Row::Slot(name) => {
            let called = shown.masked("slot", name);
            match replication(shown).slots.iter().find(|slot| slot.name == *name) {
                Some(slot) => format!("slot {called}: {}", slot.sentence),
                None => format!("slot {called} is gone"),
            }
        }
        Row::Guardrail(name) => match reading(name, shown) {
            Some(reading) => {
                format!("guardrail {name} {}: {}", level_word(reading.level).0, reading.sentence)
            }
            None => format!("guardrail {name} has read nothing yet"),
        },
        Row::Step(id) => steps::line(id, shown),
        Row::Event(number) => match numbered(shown).find(|(n, _)| n == number) {
            Some((_, (at, what))) => {
                let (word, _, sentence) = event(what);
                format!("{} {word}: {sentence}", flight_time(*at, shown))
            }
            None => format!("event {number} is not kept any more"),
        },
    }
}

fn group(sheet: &mut Sheet<'_>, text: Option<&str>) {
    let shown = sheet.shown;
    let found = groups(text, shown);
    if found.is_empty() {
        sheet.heading("equal waiters");
        sheet.sentence("Nobody waits with this statement any more.", Meaning::Warn);
        sheet.sentence(words(None, text, shown), Meaning::Text);
        return;
    }
    let all: u32 = found.iter().map(Group::count).sum();
    sheet.heading(&format!("{} wait with the same statement", plural(u64::from(all), "client")));
    for group in &found {
        sheet.fact("waiting", plural(u64::from(group.count()), "client"));
        let oldest = group.oldest_ms.map_or("not known".to_owned(), tenths);
        sheet.fact("oldest", format!("has waited {oldest}"));
        let lock = group.awaits.as_ref().map_or("not known".to_owned(), LockWords::sentence);
        sheet.fact("lock", lock);
        if let Some(first) = group.pids.first() {
            let blockers = shown.cockpit.scene().graph.blockers_of(*first);
            let blockers: Vec<String> = blockers.iter().map(Pid::to_string).collect();
            sheet.fact("wait for", format!("pid {}", blockers.join(", ")));
        }
        let pids: Vec<String> = group.pids.iter().map(Pid::to_string).collect();
        sheet.fact("pids", pids.join(" "));
    }
    sheet.section("statement");
    let kind = found.first().map(|group| group.kind.as_str());
    sheet.sentence(words(kind, text, shown), Meaning::Text);
    sheet.section("keys");
    let advice = "C, K and f act on one session: select it on the activity screen.";
    sheet.sentence(advice, Meaning::Muted);
}

fn in_short(group: &Group, shown: &Shown<'_>) -> String {
    let oldest = group.oldest_ms.map(|ms| format!(", oldest {}", tenths(ms))).unwrap_or_default();
    let lock = group.awaits.as_ref().map(|lock| format!(" ({})", lock.sentence())).unwrap_or_default();
    let pids: Vec<String> = group.pids.iter().map(Pid::to_string).collect();
    format!(
        "{} wait{lock}{oldest}: {}; pids {}",
        plural(u64::from(group.count()), "client"),
        words(Some(&group.kind), group.text.as_deref(), shown),
        pids.join(" ")
    )
}

fn groups(text: Option<&str>, shown: &Shown<'_>) -> Vec<Group> {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let groups = tree.rows.into_iter().filter_map(|row| match row.node {
        Node::Group(group) => Some(group),
        _ => None,
    });
    groups.filter(|group| group.text.as_deref() == text).collect()
}

fn words(kind: Option<&str>, text: Option<&str>, shown: &Shown<'_>) -> String {
    statement(kind.unwrap_or("a statement"), text, shown)
}

fn replication(shown: &Shown<'_>) -> ReplicationView {
    ReplicationView::of(shown.cockpit, shown.history, shown.seen())
}

fn verdict_word(verdict: Verdict) -> (&'static str, Meaning) {
    match verdict {
        Verdict::Healthy => ("healthy", Meaning::Ok),
        Verdict::Lagging => ("LAGGING", Meaning::Warn),
        Verdict::Stalled => ("STALLED", Meaning::Danger),
        Verdict::Unknown => ("unknown", Meaning::Unknown),
    }
}

fn sender(sheet: &mut Sheet<'_>, name: &str) {
    let shown = sheet.shown;
    let view = replication(shown);
    sheet.heading(&format!("standby {}", shown.application(name)));
    if let Some(age_ms) = view.age_ms {
        sheet.fact("read", format!("{} before the last sample", tenths(age_ms)));
    }
    let mut found = 0;
    for sender in view.senders.iter().filter(|sender| sender.name == name) {
        found += 1;
        one_sender(sheet, sender);
    }
    if let Some(gone) = view.vanished.iter().find(|gone| gone.name == name) {
        let text = format!(
            "{} gone; all were last connected {}",
            plural(u64::from(gone.missing), "connection"),
            flight_time(gone.last_seen, shown)
        );
        sheet.loud("GONE", text, Meaning::Danger);
    } else if found == 0 {
        sheet.sentence("It is not connected, and was not in the last ten minutes.", Meaning::Warn);
    }
}

fn one_sender(sheet: &mut Sheet<'_>, sender: &SenderLine) {
    let (word, meaning) = verdict_word(sender.verdict);
    let bytes_or = |amount: Option<u64>| amount.map_or("not known".to_owned(), bytes);
    sheet.loud("verdict", format!("{word}: {}", sender.sentence), meaning);
    sheet.fact("walsender", format!("pid {}", sender.pid));
    sheet.fact("state", sender.state.as_deref().unwrap_or("not known"));
    sheet.fact(
        "commits",
        match sender.sync_state.as_deref() {
            Some("async") => "do not wait for it (async)".to_owned(),
            Some("potential") => {
                "do not wait for it; it would replace a synchronous one (potential)".to_owned()
            }
            Some(sync) => format!("may wait for it ({sync})"),
            None => "whether they wait for it is not known".to_owned(),
        },
    );
    sheet.fact("unsent", bytes_or(sender.unsent_bytes));
    sheet.fact("unwritten", bytes_or(sender.unwritten_bytes));
    sheet.fact("unflushed", bytes_or(sender.unflushed_bytes));
    sheet.fact("unreplayed", bytes_or(sender.behind_bytes));
    let lag = sender.replay_lag_ms.map_or("nothing was measured, which is not zero".to_owned(), tenths);
    sheet.fact("replay lag", lag);
    sheet.fact(
        "last reply",
        match sender.reply {
            Reply::Ago(ms) => format!("{} before it was read", tenths(ms)),
            Reply::ClockSkew(ms) => format!("its clock is {} ahead of the server's", tenths(ms)),
            Reply::Unknown => "not known".to_owned(),
        },
    );
}

fn slot(sheet: &mut Sheet<'_>, name: &str) {
    let shown = sheet.shown;
    let view = replication(shown);
    sheet.heading(&format!("replication slot {}", shown.masked("slot", name)));
    let Some(slot) = view.slots.iter().find(|slot| slot.name == name) else {
        let text = if view.age_ms.is_some() {
            "It is gone: it was not there when slots were last read."
        } else {
            "Slots have not been read yet."
        };
        sheet.sentence(text, Meaning::Warn);
        return;
    };
    one_slot(sheet, slot);
}

fn one_slot(sheet: &mut Sheet<'_>, slot: &SlotLine) {
    let (word, meaning) = verdict_word(slot.verdict);
    sheet.loud("verdict", format!("{word}: {}", slot.sentence), meaning);
    sheet.fact("kind", if slot.logical { "logical" } else { "physical" });
    sheet.fact(
        "active",
        if slot.active { "yes: somebody streams from it" } else { "no: nobody streams from it" },
    );
    let kept = slot
        .retained_bytes
        .map_or("how much WAL is not known".to_owned(), |kept| format!("{} of WAL", bytes(kept)));
    sheet.fact("keeps", kept);
    sheet.fact("WAL status", slot.wal_status.as_deref().unwrap_or("not known"));
}
