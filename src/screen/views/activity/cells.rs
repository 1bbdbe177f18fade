//! The columns of the activity, and what a session says in each.
//!
//! Owns the words of a cell. What does not apply is empty; what this login may not see is `hidden`; what was not
//! read is the sign for unknown. None of the three is ever a zero.

use super::sessions::{Session, Sessions, Standing, standing_word};
use crate::engine::catalog::TEXT_LOST;
use crate::engine::derive::words::bytes;
use crate::engine::ids::Word;
use crate::engine::sample::{BackendKind, State};
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::ui::Sort;
use crate::screen::views::header::tenths;
use crate::screen::views::parts::{part_name, statement};
use crate::screen::widgets::table::{Cell, Column};

/// What this login may not see.
const HIDDEN: &str = "hidden";

/// The columns, in order; [`cells`] gives one cell for each.
const COLUMNS: [Column; 14] = [
    Column::number("pid", 7),
    Column::words("tree", 10),
    Column::words("application", 14).dispensable(2),
    Column::words("state", 13).dispensable(1),
    Column::words("wait event", 17).dispensable(8),
    Column::number("trans.", 7),
    Column::number("stmt.", 7).dispensable(5),
    Column::number("waits", 7),
    Column::number("blocks", 6).dispensable(9),
    Column::number("behind", 6).dispensable(4),
    Column::words("database", 10).dispensable(10),
    Column::words("role", 10).dispensable(11),
    Column::words("client", 15).dispensable(13),
    Column::words("statement", 0),
];
/// Those of a machine whose processes can be read; they stand before the statement.
const ON_HOST: [Column; 4] = [
    Column::number("cpu %", 6).dispensable(6),
    Column::number("memory", 7).dispensable(7),
    Column::number("read/s", 7).dispensable(12),
    Column::number("write/s", 7).dispensable(12),
];

/// The columns; the table leaves out those it has no room for.
pub(super) fn columns(sessions: &Sessions<'_>, shown: &Shown<'_>) -> Vec<Column> {
    let mut columns = COLUMNS.to_vec();
    let last = columns.len() - 1;
    if sessions.host.known().is_some() {
        columns.splice(last..last, ON_HOST);
    }
    let title = match shown.ui.sort {
        Sort::Harm => "tree",
        Sort::Xact => "trans.",
        Sort::Query => "stmt.",
        Sort::Wait => "waits",
        Sort::Pid => "pid",
        Sort::Application => "application",
        Sort::State => "state",
        Sort::Cpu if sessions.host.known().is_none() => "tree",
        Sort::Cpu => "cpu %",
    };
    let rises = matches!(shown.ui.sort, Sort::Pid | Sort::Application | Sort::State) != shown.ui.reversed;
    let sign = if rises { shown.glyphs.up } else { shown.glyphs.down };
    for column in &mut columns {
        if column.title == title {
            *column = column.marked(sign);
        }
    }
    columns
}

/// What a session says, one cell for each of the columns.
pub(super) fn cells(session: &Session<'_>, sessions: &Sessions<'_>, shown: &Shown<'_>) -> Vec<Cell> {
    let backend = session.backend;
    let catalog = shown.cockpit.catalog();
    let plain = shown.style(Meaning::Text);
    let muted = shown.style(Meaning::Muted);
    let is_masked = backend.state == State::Masked;
    let cell = |text: String| Cell::new(text, plain);
    // What is not there is hidden, or there is none.
    let or_hidden = |text: Option<String>| match text {
        None if is_masked => Cell::new(HIDDEN, shown.style(Meaning::StateMasked)),
        text => cell(text.unwrap_or_default()),
    };
    let age = |ms: Option<u64>| or_hidden(ms.map(tenths));
    let count = |number: u64| Cell::new(if number > 0 { number.to_string() } else { String::new() }, plain);
    let masked = |what: &str, name: String| shown.masked(what, &name);
    let mut cells = vec![
        cell(backend.pid.to_string()),
        tree(session, sessions, shown),
        cell(shown.application(&backend.application)),
        state(backend.state, shown),
        or_hidden(backend.wait_event.as_ref().map(Word::to_string)),
        age(session.xact_ms),
        age(session.query_ms),
        // Waits are known even of who is hidden.
        cell(session.waited_ms.map(tenths).unwrap_or_default()),
        count(session.blocks as u64),
        count(u64::from(session.behind)),
        or_hidden(backend.database.map(|database| masked("db", catalog.database(database)))),
        or_hidden(backend.role.map(|role| masked("role", catalog.role(Some(role))))),
        or_hidden(backend.client.as_ref().map(|client| masked("client", client.to_string()))),
    ];
    if sessions.host.known().is_some() {
        cells.extend(on_host(session, sessions, shown));
    }
    let style = if session.standing == Standing::Own { muted } else { plain };
    cells.push(Cell::new(words(session, shown), style));
    cells
}

/// The letter and the part in the tree.
fn tree(session: &Session<'_>, sessions: &Sessions<'_>, shown: &Shown<'_>) -> Cell {
    let (standing, meaning) = match session.standing {
        _ if session.is_target => (Standing::Target, Meaning::LockTarget),
        Standing::Root => (Standing::Root, Meaning::LockRoot),
        Standing::Target => (Standing::Target, Meaning::LockTarget),
        Standing::Head => (Standing::Head, Meaning::LockHead),
        Standing::Victim => (Standing::Victim, Meaning::LockVictim),
        Standing::Waits => (Standing::Waits, Meaning::LockBystander),
        other => (other, Meaning::Muted),
    };
    let word = match (session.backend.leader_pid, standing) {
        (Some(leader), Standing::Apart) => format!("of {leader}"),
        _ => standing_word(standing).to_owned(),
    };
    let letter = sessions.letter(session.backend.pid).map(|letter| format!("{letter} ")).unwrap_or_default();
    Cell::new(format!("{letter}{word}"), shown.style(meaning))
}

/// PostgreSQL's word where it is short; one that no other is cut to where it is not.
fn state(state: State, shown: &Shown<'_>) -> Cell {
    let (word, meaning) = match state {
        State::Active => ("active", Meaning::StateActive),
        State::Idle => ("idle", Meaning::StateIdle),
        State::IdleInTransaction => ("idle in trans", Meaning::StateIdleInTransaction),
        State::IdleInTransactionAborted => ("aborted trans", Meaning::StateIdleInTransaction),
        State::Fastpath => ("fastpath call", Meaning::StateActive),
        State::Disabled => ("not tracked", Meaning::Unknown),
        State::None => ("", Meaning::Muted),
        State::Masked => (HIDDEN, Meaning::StateMasked),
    };
    Cell::new(word, shown.style(meaning))
}

fn on_host(session: &Session<'_>, sessions: &Sessions<'_>, shown: &Shown<'_>) -> [Cell; 4] {
    let id = session.backend.id();
    let view = sessions.host.known();
    let process = view.and_then(|view| view.facts.backend(id));
    let rates = view.and_then(|view| view.rates.backend(id));
    let cell = |text: Option<String>| match text {
        Some(text) => Cell::new(text, shown.style(Meaning::Text)),
        None => Cell::new(shown.glyphs.unknown, shown.style(Meaning::Unknown)),
    };
    [
        cell(
            rates
                .and_then(|rates| rates.cpu_permille)
                .map(|permille| format!("{}.{}", permille / 10, permille % 10)),
        ),
        cell(process.map(|process| bytes(process.rss_bytes))),
        cell(rates.and_then(|rates| rates.read_bps).map(bytes)),
        cell(rates.and_then(|rates| rates.write_bps).map(bytes)),
    ]
}

/// The statement, or what there is instead of one. Of who rests it is the last one.
fn words(session: &Session<'_>, shown: &Shown<'_>) -> String {
    let backend = session.backend;
    let catalog = shown.cockpit.catalog();
    let Some(text) = catalog.text(backend.text) else {
        return match (backend.state, backend.kind) {
            _ if catalog.is_lost(backend.text) => TEXT_LOST.to_owned(),
            (State::Masked, _) => HIDDEN.to_owned(),
            (_, BackendKind::Client | BackendKind::Lockpit | BackendKind::ParallelWorker) => {
                "not known".to_owned()
            }
            _ => part_name(shown.cockpit.scene().part(backend.pid)).to_owned(),
        };
    };
    let last = match backend.state {
        State::Idle | State::IdleInTransaction | State::IdleInTransactionAborted => "last: ",
        _ => "",
    };
    format!("{last}{}", statement(&text.kind, Some(&text.normalised), shown))
}
