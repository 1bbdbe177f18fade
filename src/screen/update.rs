//! From keys to changes of the display and to orders.
//!
//! Owns what each key does. Changes nothing but [`Ui`]; whatever concerns the flight, the replay or the terminal is
//! returned as an [`Order`].

mod popups;
#[cfg(test)]
mod tests;

use crossterm::event::KeyEvent;

use super::action::{self, Action, Available, Context, Seat};
use super::confirm;
use super::keymap::{Key, Keymap};
use super::ui::{Gate, Line, Loudness, Popup, Purpose, Row, Sort, Ui, View};
use crate::engine::command::Command;
use crate::engine::ids::At;
use crate::engine::steps::{Glance, Steps, Will};

/// What the display cannot do by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The flight is to do this.
    Command(Command),
    /// This screen wants to command the flight.
    TakeStick,
    /// To the clipboard of the terminal.
    Copy(Row),
    /// The screen is left.
    Leave(Leave),
    /// lockpit is suspended, as by a shell.
    Suspend,
    /// Everything is drawn anew.
    Redraw,
    /// The display is frozen, or thawed.
    Freeze,
    /// Another theme.
    Theme(String),
    /// Other glyphs.
    Glyphs(String),
    /// The replay does this.
    Play(Play),
}

/// What becomes of the flight when its screen is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It flies on without this screen, or there is none in the air.
    Screen,
    /// It ends.
    Flight,
    /// It flies on, by itself.
    Detach,
}

/// What a replay is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Play {
    /// Plays or pauses.
    Toggle,
    /// By one sample.
    Sample {
        /// Forward.
        on: bool,
    },
    /// To an event.
    Event {
        /// Forward.
        on: bool,
    },
    /// Faster or slower.
    Speed {
        /// Faster.
        up: bool,
    },
    /// This speed, in per cent.
    SetSpeed(u64),
    /// To this time of the flight.
    Go(At),
}

/// What a key press is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Press<'a> {
    /// What can be done now.
    pub context: Context<'a>,
    /// Which key does what.
    pub keymap: &'a Keymap,
    /// The rows of the present pane, in order.
    pub rows: &'a [Row],
    /// Rows that a page holds.
    pub page: usize,
    /// How far what is open can be scrolled, in lines.
    pub furthest: usize,
    /// The screen's clock, in milliseconds.
    pub now_ms: u64,
    /// The moment that is shown.
    pub now: At,
}

/// Takes in a key; `ui` is the state it changes.
pub fn press(ui: &mut Ui, event: &KeyEvent, press: &Press<'_>) -> Option<Order> {
    match ui.popup.take() {
        Some(popup) => popups::in_popup(ui, popup, event, press),
        None => {
            let action = press.keymap.action(Key::pressed(event)?)?;
            act(ui, replay_action(action, press.context.seat), press)
        }
    }
}

/// Takes in pasted text.
pub fn paste(ui: &mut Ui, text: &str) {
    if let Some(Popup::Line(line)) = ui.popup.as_mut() {
        line.insert(text);
    }
}

/// What a key means where nothing can be commanded.
fn replay_action(action: Action, seat: Seat) -> Action {
    match action {
        Action::Freeze if seat == Seat::Replay => Action::Play,
        Action::Left if seat == Seat::Replay => Action::StepBack,
        Action::Right if seat == Seat::Replay => Action::StepOn,
        other => other,
    }
}

/// Does what `action` says, or says why not.
pub fn act(ui: &mut Ui, action: Action, press: &Press<'_>) -> Option<Order> {
    if let Available::No(why) = action::available(action, &press.context) {
        ui.say(press.now_ms, Loudness::Warning, format!("{}: {why}", action::spec(action).short));
        return None;
    }
    let page = isize::try_from(press.page.max(1)).unwrap_or(isize::MAX);
    match action {
        Action::Up => ui.move_by(press.rows, -1),
        Action::Down => ui.move_by(press.rows, 1),
        Action::PageUp => ui.move_by(press.rows, -page),
        Action::PageDown => ui.move_by(press.rows, page),
        Action::First => ui.select(press.rows, 0),
        Action::Last => ui.select(press.rows, usize::MAX),
        Action::Left => turn_pane(ui, false, press),
        Action::Right | Action::NextPane => turn_pane(ui, true, press),
        Action::Cockpit => ui.view = View::Cockpit,
        Action::Activity => ui.view = View::Activity,
        Action::Locks => ui.view = View::Locks,
        Action::Replication => ui.view = View::Replication,
        Action::Progress => ui.view = View::Progress,
        Action::Guardrails => ui.view = View::Guardrails,
        Action::Timeline => ui.view = View::Timeline,
        Action::Help => ui.popup = Some(Popup::Help(0)),
        Action::Details if is_gate_at_hand(ui, press) => open_gate(ui, press),
        Action::OpenGate => open_gate(ui, press),
        Action::Details => ui.popup = ui.selected().cloned().map(|row| Popup::Details(row, 0)),
        Action::WhatIf => ui.popup = Some(Popup::WhatIf(press.context.selected)),
        Action::Filter => {
            ui.popup = Some(Popup::Line(Line::new(Purpose::Filter, ui.filter().unwrap_or_default())));
        }
        Action::CommandLine => ui.popup = Some(Popup::Line(Line::new(Purpose::Command, ""))),
        Action::Mark => ui.popup = Some(Popup::Line(Line::new(Purpose::Mark, ""))),
        Action::Sort => {
            let next = Sort::ALL.iter().position(|sort| *sort == ui.sort).map_or(0, |at| at + 1);
            ui.sort = Sort::ALL[next % Sort::ALL.len()];
        }
        Action::Reverse => ui.reversed = !ui.reversed,
        Action::Presenter => ui.presenter = !ui.presenter,
        Action::Back => close(ui),
        Action::Copy => return ui.selected().cloned().map(Order::Copy),
        Action::Redraw => return Some(Order::Redraw),
        Action::Freeze => return Some(Order::Freeze),
        Action::TakeStick => return Some(Order::TakeStick),
        Action::Suspend => return Some(Order::Suspend),
        Action::Quit => return quit(ui, press),
        Action::Play => return Some(Order::Play(Play::Toggle)),
        Action::StepBack => return Some(Order::Play(Play::Sample { on: false })),
        Action::StepOn => return Some(Order::Play(Play::Sample { on: true })),
        Action::EventBack => return Some(Order::Play(Play::Event { on: false })),
        Action::EventOn => return Some(Order::Play(Play::Event { on: true })),
        Action::Faster => return Some(Order::Play(Play::Speed { up: true })),
        Action::Slower => return Some(Order::Play(Play::Speed { up: false })),
        Action::Disarm => return Some(Order::Command(Command::Disarm)),
        Action::Follow => return press.context.command(action).ok().map(Order::Command),
        Action::Abort | Action::Arm | Action::Cancel | Action::Terminate | Action::Undo | Action::CleanUp => {
            let command = press.context.command(action).ok()?;
            ask(ui, command, press);
        }
        Action::Pause => {
            let command = press.context.command(action).ok()?;
            let glance = press.context.cockpit.steps().map(Steps::glance);
            let is_trying = matches!(glance, Some(Glance::Trying { .. }));
            if is_trying && command != Command::Plan(Will::Resume) {
                ui.popup = Some(Popup::Hold { since_ms: press.now_ms });
                return None;
            }
            return Some(Order::Command(command));
        }
    }
    None
}

/// The gate that waits for a person is what is selected.
fn is_gate_at_hand(ui: &Ui, press: &Press<'_>) -> bool {
    let question = press.context.cockpit.steps().and_then(|steps| steps.question());
    let is_it = question.is_some_and(|(step, _)| ui.selected() == Some(&Row::Step(step.id.clone())));
    is_it && press.context.command(Action::OpenGate).is_ok()
}

fn open_gate(ui: &mut Ui, press: &Press<'_>) {
    let Some((step, _)) = press.context.cockpit.steps().and_then(|steps| steps.question()) else { return };
    let gate = Gate { step: step.id.clone(), so_far: String::new(), refused: None, since_ms: press.now_ms };
    ui.popup = Some(Popup::Gate(Box::new(gate)));
}

/// Gives an order at once, or asks first when it destroys something.
pub(super) fn order(ui: &mut Ui, command: Command, press: &Press<'_>) -> Option<Order> {
    if let Err(why) = press.context.may(&command) {
        ui.say(press.now_ms, Loudness::Warning, format!("{command}: {why}"));
        return None;
    }
    if confirm::is_needed(&command) {
        ask(ui, command, press);
        return None;
    }
    Some(Order::Command(command))
}

fn ask(ui: &mut Ui, command: Command, press: &Press<'_>) {
    let asked = confirm::ask(press.context.cockpit, command, ui.presenter, press.now_ms, press.now);
    ui.popup = Some(Popup::Confirm(Box::new(asked)));
}

fn turn_pane(ui: &mut Ui, on: bool, press: &Press<'_>) {
    let count = super::views::panes(ui.view, press.context.cockpit);
    let (view, pane) = ui.pane();
    let next = if on { (pane + 1) % count } else { (pane + count - 1) % count };
    ui.panes.insert(view, next);
}

/// Closes one thing at a time.
fn close(ui: &mut Ui) {
    if ui.message.take().is_some() {
        return;
    }
    if ui.filters.remove(&ui.view).is_none() {
        ui.selections.remove(&ui.pane());
    }
}

fn quit(ui: &mut Ui, press: &Press<'_>) -> Option<Order> {
    let Context { cockpit, seat, flies_here, is_frozen, .. } = press.context;
    // A flight elsewhere flies on whatever becomes of this screen.
    if !flies_here || matches!(seat, Seat::Replay | Seat::Landed) {
        return Some(Order::Leave(Leave::Screen));
    }
    // A plan that is over needs no guard; one that is not is asked about, whatever the guard does.
    let is_idle = match cockpit.steps() {
        Some(steps) => steps.course().is_over(),
        None => !cockpit.is_guarding(),
    };
    // Who looks at a frozen display has not seen what came under guard since: they are always asked.
    if seat == Seat::Pilot && !is_frozen && is_idle && cockpit.target().is_none() {
        return Some(Order::Leave(Leave::Flight));
    }
    ui.popup = Some(Popup::Quit { since_ms: press.now_ms });
    None
}
