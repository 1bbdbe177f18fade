//! From keys to changes of the display and to orders.
//!
//! Owns what each key does. Changes nothing but [`Ui`]; whatever concerns the flight, the replay or the terminal is
//! returned as an [`Order`].

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{self, Action, Available, Context, Seat};
use super::confirm;
use super::keymap::{Key, Keymap};
use super::typed;
use super::ui::{Confirm, Line, Loudness, Popup, Purpose, Row, Sort, Ui, View};
use crate::engine::command::Command;
use crate::engine::ids::At;

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
        Some(popup) => in_popup(ui, popup, event, press),
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
        Action::Left => turn_pane(ui, false),
        Action::Right | Action::NextPane => turn_pane(ui, true),
        Action::Cockpit => ui.view = View::Cockpit,
        Action::Activity => ui.view = View::Activity,
        Action::Locks => ui.view = View::Locks,
        Action::Replication => ui.view = View::Replication,
        Action::Progress => ui.view = View::Progress,
        Action::Guardrails => ui.view = View::Guardrails,
        Action::Timeline => ui.view = View::Timeline,
        Action::Help => ui.popup = Some(Popup::Help(0)),
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
        Action::Abort | Action::Arm | Action::Cancel | Action::Terminate => {
            let command = press.context.command(action).ok()?;
            ask(ui, command, press);
        }
        Action::Pause => {}
    }
    None
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

fn turn_pane(ui: &mut Ui, on: bool) {
    let count = super::views::panes(ui.view);
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
    let Context { cockpit, seat, flies_here, .. } = press.context;
    // A flight elsewhere flies on whatever becomes of this screen.
    if !flies_here || matches!(seat, Seat::Replay | Seat::Landed) {
        return Some(Order::Leave(Leave::Screen));
    }
    if seat == Seat::Pilot && !cockpit.is_guarding() && cockpit.target().is_none() {
        return Some(Order::Leave(Leave::Flight));
    }
    ui.popup = Some(Popup::Quit { since_ms: press.now_ms });
    None
}

fn in_popup(ui: &mut Ui, popup: Popup, event: &KeyEvent, press: &Press<'_>) -> Option<Order> {
    match popup {
        Popup::Line(line) => in_line(ui, line, event, press),
        Popup::Confirm(asked) => in_confirm(ui, asked, event, press),
        Popup::Quit { since_ms } => {
            if press.now_ms.saturating_sub(since_ms) < Confirm::DEAF_MS {
                ui.popup = Some(Popup::Quit { since_ms });
                return None;
            }
            match answer(event) {
                Answer::Key('e') | Answer::Interrupt => Some(Order::Leave(Leave::Flight)),
                Answer::Key('d') if press.context.may_detach => Some(Order::Leave(Leave::Detach)),
                Answer::Key('a') => act(ui, Action::Abort, press),
                Answer::Escape | Answer::Key('n' | 'q') => None,
                _ => {
                    ui.popup = Some(Popup::Quit { since_ms });
                    None
                }
            }
        }
        Popup::Help(scroll) => scrolled(ui, event, press, scroll, Popup::Help),
        Popup::Details(row, scroll) => {
            scrolled(ui, event, press, scroll, |scroll| Popup::Details(row, scroll))
        }
        // Whoever has read it presses the key of what is to be done.
        Popup::WhatIf(_) => {
            let action = press.keymap.action(Key::pressed(event)?)?;
            match action {
                Action::Back | Action::WhatIf | Action::Quit => None,
                other => act(ui, replay_action(other, press.context.seat), press),
            }
        }
    }
}

fn scrolled(
    ui: &mut Ui,
    event: &KeyEvent,
    press: &Press<'_>,
    scroll: usize,
    popup: impl FnOnce(usize) -> Popup,
) -> Option<Order> {
    if event.code == KeyCode::Esc {
        return None;
    }
    let action = Key::pressed(event).and_then(|key| press.keymap.action(key));
    let page = press.page.max(1);
    let scroll = match action {
        Some(Action::Up) => scroll.saturating_sub(1),
        Some(Action::Down) => scroll.saturating_add(1),
        Some(Action::PageUp) => scroll.saturating_sub(page),
        Some(Action::PageDown) => scroll.saturating_add(page),
        Some(Action::First) => 0,
        Some(Action::Last) => usize::MAX,
        Some(Action::Back | Action::Quit | Action::Help | Action::Details) => return None,
        // A key that acts on what the details show closes them and acts.
        Some(other) => return act(ui, replay_action(other, press.context.seat), press),
        None => scroll,
    };
    // A window that has grown, or a key that is held down, leaves no lines to be scrolled back unseen.
    ui.popup = Some(popup(scroll.min(press.furthest)));
    None
}

/// A key as an answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Key(char),
    Enter,
    Backspace,
    Escape,
    /// Ctrl-C.
    Interrupt,
    Other,
}

/// A letter with Ctrl or Alt is no letter: nothing is confirmed by it.
fn answer(event: &KeyEvent) -> Answer {
    let is_plain = !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match event.code {
        KeyCode::Char(c) if is_plain => Answer::Key(c),
        KeyCode::Char('c') if event.modifiers == KeyModifiers::CONTROL => Answer::Interrupt,
        KeyCode::Enter => Answer::Enter,
        KeyCode::Backspace => Answer::Backspace,
        KeyCode::Esc => Answer::Escape,
        _ => Answer::Other,
    }
}

fn in_confirm(ui: &mut Ui, mut asked: Box<Confirm>, event: &KeyEvent, press: &Press<'_>) -> Option<Order> {
    let too_early = press.now_ms.saturating_sub(asked.since_ms) < Confirm::DEAF_MS;
    if too_early {
        ui.popup = Some(Popup::Confirm(asked));
        return None;
    }
    let answer = answer(event);
    let is_left_alone = match answer {
        Answer::Escape | Answer::Interrupt => true,
        Answer::Key('n' | 'q') => asked.typed.is_none(),
        _ => false,
    };
    if is_left_alone {
        ui.say(press.now_ms, Loudness::Info, format!("{}: left alone", asked.command));
        return None;
    }
    let confirmed = match &mut asked.typed {
        None => answer == Answer::Key('y'),
        Some(typed) => match answer {
            Answer::Enter => typed.so_far == typed.expected,
            Answer::Backspace => {
                typed.so_far.pop();
                false
            }
            Answer::Key(c) if typed.so_far.chars().count() < typed.expected.chars().count() => {
                typed.so_far.push(c);
                false
            }
            _ => false,
        },
    };
    if !confirmed {
        ui.popup = Some(Popup::Confirm(asked));
        return None;
    }
    // What was asked about may have changed while the question stood.
    if let Err(why) = press.context.may(&asked.command) {
        ui.say(press.now_ms, Loudness::Warning, format!("{}: {why}", asked.command));
        return None;
    }
    Some(Order::Command(asked.command))
}

fn in_line(ui: &mut Ui, mut line: Line, event: &KeyEvent, press: &Press<'_>) -> Option<Order> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Esc => return None,
        KeyCode::Char('c') if ctrl => return None,
        KeyCode::Enter => return finish(ui, &line, press),
        KeyCode::Char('u') if ctrl => line = Line::new(line.purpose, ""),
        KeyCode::Char(_) if ctrl => {}
        KeyCode::Char(c) => line.insert(c.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace => line.backspace(),
        KeyCode::Left => line.step(false),
        KeyCode::Right => line.step(true),
        KeyCode::Home => line.cursor = 0,
        KeyCode::End => line.cursor = line.text.len(),
        KeyCode::Up if line.purpose == Purpose::Command => {
            let before = ui.typed.iter().rev().find(|typed| **typed != line.text);
            line = Line::new(line.purpose, before.map_or("", String::as_str));
        }
        _ => {}
    }
    // A filter works while it is typed.
    if line.purpose == Purpose::Filter {
        ui.filters.insert(ui.view, line.text.clone());
    }
    ui.popup = Some(Popup::Line(line));
    None
}

fn finish(ui: &mut Ui, line: &Line, press: &Press<'_>) -> Option<Order> {
    let text = line.text.trim();
    match line.purpose {
        Purpose::Filter => {
            if text.is_empty() {
                ui.filters.remove(&ui.view);
            } else {
                ui.filters.insert(ui.view, text.to_owned());
            }
            None
        }
        Purpose::Mark if text.is_empty() => None,
        Purpose::Mark => order(ui, Command::Mark { note: text.to_owned() }, press),
        Purpose::Command if text.is_empty() => None,
        Purpose::Command => {
            ui.typed.push(text.to_owned());
            match typed::read(text, &press.context) {
                Ok(typed::Typed::Action(action)) => act(ui, action, press),
                Ok(typed::Typed::Order(order)) => Some(order),
                Ok(typed::Typed::Command(command)) => order(ui, command, press),
                Err(why) => {
                    ui.say(press.now_ms, Loudness::Warning, why);
                    None
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
