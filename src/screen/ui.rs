//! The state of the display: which screen, what is selected, what is open.
//!
//! Owns what keys change without the flight knowing; none of it is logged. A selection names a backend, not a row,
//! so it stays with the backend whatever the rows do. Never decides anything about the flight.

use std::collections::BTreeMap;

use crate::engine::command::Command;
use crate::engine::ids::BackendId;

/// The screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum View {
    /// All in brief.
    #[default]
    Cockpit,
    /// Sessions.
    Activity,
    /// The lock tree.
    Locks,
    /// Standbys and slots.
    Replication,
    /// Commands that report progress.
    Progress,
    /// The rules.
    Guardrails,
    /// What happened.
    Timeline,
}

impl View {
    /// All of them, in the order of their keys.
    pub const ALL: [View; 7] = [
        View::Cockpit,
        View::Activity,
        View::Locks,
        View::Replication,
        View::Progress,
        View::Guardrails,
        View::Timeline,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            View::Cockpit => "cockpit",
            View::Activity => "activity",
            View::Locks => "locks",
            View::Replication => "replication",
            View::Progress => "progress",
            View::Guardrails => "guardrails",
            View::Timeline => "timeline",
        }
    }
}

/// What a row is about, whatever its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// A backend.
    Backend(BackendId),
    /// Waiters with the same statement, by its text.
    Group(Option<String>),
    /// A standby, by name.
    Sender(String),
    /// A slot, by name.
    Slot(String),
    /// A guardrail, by name.
    Guardrail(String),
    /// An event of the timeline, by its number in the flight.
    Event(u64),
    /// A step of the plan, by its name.
    Step(String),
}

impl Row {
    /// The backend it is about.
    pub fn backend(&self) -> Option<BackendId> {
        match self {
            Row::Backend(backend) => Some(*backend),
            _ => None,
        }
    }
}

/// Which pane of a screen the arrows move in.
pub type Pane = (View, u8);

/// A selection, and where it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// What is selected.
    pub row: Row,
    /// Its place among the rows when it was last there.
    pub index: usize,
}

/// A column the activity can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Harm first: the tree's members, then by age of the transaction.
    #[default]
    Harm,
    /// Age of the transaction.
    Xact,
    /// Age of the statement.
    Query,
    /// Age of the wait for a lock.
    Wait,
    /// Process id.
    Pid,
    /// What the client calls itself.
    Application,
    /// State.
    State,
    /// CPU, where it is known.
    Cpu,
}

impl Sort {
    /// All of them, in turn.
    pub const ALL: [Sort; 8] = [
        Sort::Harm,
        Sort::Xact,
        Sort::Query,
        Sort::Wait,
        Sort::Pid,
        Sort::Application,
        Sort::State,
        Sort::Cpu,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Harm => "harm",
            Sort::Xact => "transaction",
            Sort::Query => "statement",
            Sort::Wait => "wait",
            Sort::Pid => "pid",
            Sort::Application => "application",
            Sort::State => "state",
            Sort::Cpu => "cpu",
        }
    }
}

/// What lies over a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    /// The keys, scrolled this far.
    Help(usize),
    /// Everything about the selected row, scrolled this far.
    Details(Row, usize),
    /// What stopping would do.
    WhatIf(Option<BackendId>),
    /// An order that waits for its second key.
    Confirm(Box<Confirm>),
    /// A line being typed.
    Line(Line),
    /// A statement is under way while the plan is to be held: what becomes of it?
    Hold {
        /// When it was opened, by the screen's clock.
        since_ms: u64,
    },
    /// A gate that is opened by typing its step's name.
    Gate(Box<Gate>),
    /// Leaving: what becomes of the flight?
    Quit {
        /// When it was opened, by the screen's clock.
        since_ms: u64,
    },
}

/// An order that waits to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// What will be ordered.
    pub command: Command,
    /// What it is, in one line that names the identity.
    pub title: String,
    /// What it costs and leaves behind.
    pub lines: Vec<String>,
    /// What must be typed; otherwise one key confirms.
    pub typed: Option<Typed>,
    /// When it was opened, by the screen's clock: what is typed too early is no answer.
    pub since_ms: u64,
}

impl Confirm {
    /// Keys that come sooner than this after the question are not meant for it.
    pub const DEAF_MS: u64 = 300;
}

/// What must be typed, and what has been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// What must be typed.
    pub expected: String,
    /// What it is, for people: `the last three digits of the pid`.
    pub what: String,
    /// What has been typed.
    pub so_far: String,
}

/// A gate that is being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The step whose gate it is.
    pub step: String,
    /// What has been typed.
    pub so_far: String,
    /// Why what was typed before is no answer.
    pub refused: Option<String>,
    /// When it was opened, by the screen's clock.
    pub since_ms: u64,
}

/// A line being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What for.
    pub purpose: Purpose,
    /// What has been typed.
    pub text: String,
    /// Where the cursor is, in bytes; always between two characters.
    pub cursor: usize,
}

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A command, after `:`.
    Command,
    /// A filter, after `/`.
    Filter,
    /// A remark.
    Mark,
}

/// How loud a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loudness {
    /// It went as it should.
    Info,
    /// It did not.
    Warning,
}

/// A line for the operator, at the foot of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What.
    pub text: String,
    /// How loud.
    pub loudness: Loudness,
    /// When, by the screen's clock.
    pub since_ms: u64,
}

impl Message {
    /// How long a message stands.
    pub const STANDS_MS: u64 = 8_000;
}

/// The state of the display.
#[derive(Debug, Clone, Default)]
pub struct Ui {
    /// The screen.
    pub view: View,
    /// Which pane of each screen has the arrows.
    pub panes: BTreeMap<View, u8>,
    /// What is selected in each pane.
    pub selections: BTreeMap<Pane, Selection>,
    /// What each screen is filtered by.
    pub filters: BTreeMap<View, String>,
    /// What the activity is sorted by.
    pub sort: Sort,
    /// The other way round.
    pub reversed: bool,
    /// What lies over the screen.
    pub popup: Option<Popup>,
    /// Large and masked, for a shared screen.
    pub presenter: bool,
    /// A line for the operator.
    pub message: Option<Message>,
    /// Lines that were typed, oldest first.
    pub typed: Vec<String>,
}

impl Ui {
    /// What is open, in a few words: the log keeps it, so that a post-mortem knows what could be seen.
    pub fn what_is_open(&self) -> String {
        let view = self.view.name();
        match &self.popup {
            Some(Popup::Help(_)) => format!("{view}, help"),
            Some(Popup::Details(..)) => format!("{view}, details"),
            Some(Popup::WhatIf(_)) => format!("{view}, what if"),
            Some(Popup::Confirm(asked)) => format!("{view}, asked: {}", asked.command),
            Some(Popup::Hold { .. }) => format!("{view}, asked: pause"),
            Some(Popup::Gate(gate)) => format!("{view}, asked: gate {}", gate.step),
            Some(Popup::Quit { .. }) => format!("{view}, asked: leave"),
            // A line being typed hides nothing.
            Some(Popup::Line(_)) | None => view.to_owned(),
        }
    }

    /// The pane that has the arrows.
    pub fn pane(&self) -> Pane {
        (self.view, self.panes.get(&self.view).copied().unwrap_or(0))
    }

    /// What is selected there.
    pub fn selected(&self) -> Option<&Row> {
        self.selections.get(&self.pane()).map(|selection| &selection.row)
    }

    /// The backend that is selected there.
    pub fn selected_backend(&self) -> Option<BackendId> {
        self.selected().and_then(Row::backend)
    }

    /// The filter of the screen, if there is one.
    pub fn filter(&self) -> Option<&str> {
        let filter = self.filters.get(&self.view).map(String::as_str);
        filter.filter(|filter| !filter.is_empty())
    }

    /// Whether `esc` has something to clear.
    pub fn has_something_to_close(&self) -> bool {
        self.filter().is_some() || self.selected().is_some() || self.message.is_some()
    }

    /// Moves the selection of the present pane among `rows`. Without one, the first move selects the first row.
    pub fn move_by(&mut self, rows: &[Row], by: isize) {
        if rows.is_empty() {
            self.selections.remove(&self.pane());
            return;
        }
        let last = rows.len() - 1;
        let index = match self.selections.get(&self.pane()) {
            // Where it is now; or, once it is gone, where it was.
            Some(selection) => rows
                .iter()
                .position(|row| *row == selection.row)
                .unwrap_or(selection.index)
                .saturating_add_signed(by)
                .min(last),
            None if by < 0 => last,
            None => 0,
        };
        self.select(rows, index);
    }

    /// Selects the row at `index`, or the last one.
    pub fn select(&mut self, rows: &[Row], index: usize) {
        let index = index.min(rows.len().saturating_sub(1));
        match rows.get(index) {
            Some(row) => {
                self.selections.insert(self.pane(), Selection { row: row.clone(), index });
            }
            None => {
                self.selections.remove(&self.pane());
            }
        }
    }

    /// Remembers where the selected row is now.
    pub fn follow_rows(&mut self, rows: &[Row]) {
        if let Some(selection) =
            self.selections.get_mut(&(self.view, self.panes.get(&self.view).copied().unwrap_or(0)))
            && let Some(index) = rows.iter().position(|row| *row == selection.row)
        {
            selection.index = index;
        }
    }

    /// When the question that is open was asked, by the screen's clock.
    pub fn asked_ms(&mut self) -> Option<&mut u64> {
        match &mut self.popup {
            Some(Popup::Confirm(asked)) => Some(&mut asked.since_ms),
            Some(Popup::Gate(gate)) => Some(&mut gate.since_ms),
            Some(Popup::Hold { since_ms } | Popup::Quit { since_ms }) => Some(since_ms),
            _ => None,
        }
    }

    /// Says something to the operator.
    pub fn say(&mut self, now_ms: u64, loudness: Loudness, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), loudness, since_ms: now_ms });
    }
}

impl Line {
    /// An empty line.
    pub fn new(purpose: Purpose, text: &str) -> Line {
        Line { purpose, text: text.to_owned(), cursor: text.len() }
    }

    /// Inserts text at the cursor, without control characters.
    pub fn insert(&mut self, text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
    }

    /// Removes the character before the cursor.
    pub fn backspace(&mut self) {
        if let Some(before) = self.text[..self.cursor].chars().next_back() {
            self.cursor -= before.len_utf8();
            self.text.remove(self.cursor);
        }
    }

    /// Moves the cursor by one character.
    pub fn step(&mut self, right: bool) {
        let step = if right {
            self.text[self.cursor..].chars().next().map(char::len_utf8)
        } else {
            self.text[..self.cursor].chars().next_back().map(char::len_utf8)
        };
        let step = step.unwrap_or(0);
        self.cursor = if right { self.cursor + step } else { self.cursor - step };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ids::Pid;

    fn row(pid: i32) -> Row {
        Row::Backend(BackendId { pid: Pid(pid), backend_start: None })
    }

    #[test]
    fn a_selection_stays_with_its_backend_when_rows_move() {
        let mut ui = Ui::default();
        ui.move_by(&[row(1), row(2), row(3)], 1);
        ui.move_by(&[row(1), row(2), row(3)], 1);
        assert_eq!(ui.selected(), Some(&row(2)));
        ui.move_by(&[row(9), row(8), row(1), row(2)], -1);
        assert_eq!(ui.selected(), Some(&row(1)));
    }

    #[test]
    fn a_selection_whose_backend_is_gone_moves_on_from_where_it_was() {
        let mut ui = Ui::default();
        ui.select(&[row(1), row(2), row(3)], 1);
        ui.move_by(&[row(1), row(3), row(4)], 1);
        assert_eq!(ui.selected(), Some(&row(4)));
        ui.move_by(&[], 1);
        assert_eq!(ui.selected(), None);
    }

    #[test]
    fn a_line_is_edited_by_characters() {
        let mut line = Line::new(Purpose::Mark, "");
        line.insert("aö\u{7}b");
        line.step(false);
        line.backspace();
        line.insert("x");
        assert_eq!((line.text.as_str(), line.cursor), ("axb", 2));
    }
}
