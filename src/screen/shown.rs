//! What a frame may read.
//!
//! Owns nothing: it gathers the picture of the flight, the state of the display and the looks. A view gets this and
//! changes none of it.

use ratatui::style::Style;

use super::action::{Context, Seat};
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::playback::Playback;
use super::theme::{Meaning, Theme};
use super::ui::Ui;
use crate::engine::Cockpit;
use crate::engine::history::History;
use crate::engine::ids::At;
use crate::engine::timeline::Event;
use crate::literals::Table;

/// What a frame may read.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The engine, as it is shown: while frozen, as it was.
    pub cockpit: &'a Cockpit,
    /// The engine as of the last input, by which commands are weighed.
    pub live: &'a Cockpit,
    /// The recent past.
    pub history: &'a History,
    /// Literals of what backends run, where they are kept.
    pub literals: &'a Table,
    /// The moment that is shown.
    pub now: At,
    /// How this display relates to its flight.
    pub origin: Origin<'a>,
    /// For how long the display has been frozen, in milliseconds.
    pub frozen_ms: Option<u64>,
    /// Who may command.
    pub seat: Seat,
    /// Whether the flight could go on without this screen's process.
    pub may_detach: bool,
    /// The state of the display.
    pub ui: &'a Ui,
    /// Styles.
    pub theme: &'a Theme,
    /// Characters.
    pub glyphs: &'a Glyphs,
    /// Keys, for the bar and help.
    pub keymap: &'a Keymap,
}

/// How a display relates to its flight.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// It flies in this process.
    Live(&'a Recording),
    /// It flies elsewhere, and is read from its log.
    Joined(&'a Recording),
    /// It is played from its log.
    Replay(&'a Playback),
}

/// What is known of the recording of a flight in this process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// The flight's name: what `join` and `tell` call it.
    pub flight: String,
    /// The log's file; none when nothing is recorded.
    pub log: Option<String>,
    /// The log stops without an end: the process that flew is gone, and nobody guards any more.
    pub died: bool,
    /// Why nothing is recorded now although something should be.
    pub failed: Option<String>,
}

/// How old the last sample is at `now`, in milliseconds, once that is so old that it may have changed.
pub(super) fn stale_ms(cockpit: &Cockpit, now: At) -> Option<u64> {
    const FLOOR_MS: u64 = 750;
    let age_ms = now.ms_since(cockpit.sample_at()?);
    let due_ms = cockpit.pacer().sample_every_ms().saturating_mul(3).max(FLOOR_MS);
    (age_ms > due_ms && !cockpit.is_over()).then_some(age_ms)
}

impl<'a> Shown<'a> {
    /// Whether the flight is dead: nothing that is shown is so any more.
    pub fn has_died(&self) -> bool {
        matches!(self.origin, Origin::Joined(recording) if recording.died)
    }

    /// The style of what means this.
    pub fn style(&self, meaning: Meaning) -> Style {
        self.theme.style(meaning)
    }

    /// What the availability of actions depends on.
    pub fn context(&self) -> Context<'a> {
        Context {
            cockpit: self.live,
            ui: self.ui,
            seat: self.seat,
            selected: self.ui.selected_backend(),
            is_hidden: self.is_selection_hidden(),
            is_frozen: self.frozen_ms.is_some(),
            flies_here: matches!(self.origin, Origin::Live(_)),
            may_detach: self.may_detach,
        }
    }

    /// Whether a filter hides what is selected.
    fn is_selection_hidden(&self) -> bool {
        self.ui.filter().is_some()
            && self.ui.selected().is_some_and(|row| !super::views::rows(self).contains(row))
    }

    /// The moment of the last sample: what it shows was so then.
    pub fn seen(&self) -> At {
        self.cockpit.sample_at().unwrap_or(self.now)
    }

    /// How old the last sample is, in milliseconds, once that is so old that it may have changed: what is shown was
    /// so then. Nothing is stale in a flight that is over.
    pub fn stale_ms(&self) -> Option<u64> {
        stale_ms(self.cockpit, self.now)
    }

    /// Parts of a title in one line.
    pub fn title(&self, parts: &[&str]) -> String {
        parts.join(&format!(" {} ", self.glyphs.separator))
    }

    /// A title of what the last sample shows, with its age once that matters.
    pub fn dated(&self, parts: &[&str]) -> String {
        match self.stale_ms() {
            Some(ms) => {
                let age = format!("AS OF {} AGO", crate::engine::guard::seconds(ms / 100 * 100));
                // Behind the first word: a title that is too long is cut at its end.
                let (first, rest) = parts.split_at(parts.len().min(1));
                self.title(&[first, &[age.as_str()], rest].concat())
            }
            None => self.title(parts),
        }
    }

    /// A sentence in which no name can be read on a shared screen.
    pub fn sentence(&self, text: &str) -> String {
        if !self.ui.presenter {
            return text.to_owned();
        }
        let mut names: Vec<(&str, String)> = Vec::new();
        if let Some(sample) = self.cockpit.sample() {
            names.extend(sample.backends.iter().map(|backend| ("app", backend.application.to_string())));
            names.extend(sample.backends.iter().map(|it| ("role", self.cockpit.catalog().role(it.role))));
        }
        for (_, event) in self.cockpit.timeline().since(0) {
            if let Event::TargetFound(story) | Event::TargetEnded { target: story, .. } = event {
                names.extend([("app", story.application.clone()), ("role", story.role.clone())]);
            }
        }
        names.retain(|(_, name)| name.len() > 2);
        // The longest first: a name may be part of another one.
        names.sort_by_key(|(_, name)| (std::cmp::Reverse(name.len()), name.clone()));
        names.dedup();
        names
            .into_iter()
            .fold(text.to_owned(), |text, (what, name)| text.replace(&name, &self.masked(what, &name)))
    }

    /// What a client calls itself; masked for a shared screen.
    pub fn application(&self, name: &str) -> String {
        if name.is_empty() {
            return "(no name)".to_owned();
        }
        self.masked("app", name)
    }

    /// A name; for a shared screen, one by which it can be told from others but not be known.
    pub fn masked(&self, what: &str, name: &str) -> String {
        if self.ui.presenter {
            format!("{what}-{:03x}", crc32c::crc32c(name.as_bytes()) & 0xfff)
        } else {
            name.to_owned()
        }
    }

    /// How long ago `at` was, in milliseconds.
    pub fn age_ms(&self, at: At) -> u64 {
        self.now.ms_since(at)
    }

    /// The wall clock at `at`, in microseconds since 1970 UTC; none before the flight has begun.
    pub fn utc_us(&self, at: At) -> Option<i64> {
        let begin = self.cockpit.flight()?;
        Some(begin.utc_us.saturating_add(i64::try_from(at.0).ok()?))
    }
}
