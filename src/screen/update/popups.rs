//! Keys while something lies over the screen: questions, lines being typed, what is scrolled.
//!
//! Owns what answers a question, and that nothing typed too early does. Gives orders as [`super`] does.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Leave, Order, Press, act, order, replay_action};
use crate::engine::command::Command;
use crate::engine::steps::{PauseHow, Will};
use crate::screen::action::Action;
use crate::screen::keymap::Key;
use crate::screen::typed;
use crate::screen::ui::{Confirm, Gate, Line, Loudness, Popup, Purpose, Ui};

pub(super) fn in_popup(ui: &mut Ui, popup: Popup, event: &KeyEvent, press: &Press<'_>) -> Option<Order> {
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
        Popup::Hold { since_ms } => in_hold(ui, since_ms, event, press),
        Popup::Gate(gate) => in_gate(ui, gate, event, press),
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

/// What becomes of the statement under way.
fn in_hold(ui: &mut Ui, since_ms: u64, event: &KeyEvent, press: &Press<'_>) -> Option<Order> {
    let how = match answer(event) {
        _ if press.now_ms.saturating_sub(since_ms) < Confirm::DEAF_MS => None,
        Answer::Escape | Answer::Interrupt | Answer::Key('n' | 'q') => return None,
        Answer::Key('c') => Some(PauseHow::Cancel),
        Answer::Key('f') => Some(PauseHow::Finish),
        _ => None,
    };
    let Some(how) = how else {
        ui.popup = Some(Popup::Hold { since_ms });
        return None;
    };
    order(ui, Command::Plan(Will::Pause { how }), press)
}

/// The name of a gate's step. A wrong one is told to be wrong, and typed anew.
fn in_gate(ui: &mut Ui, mut gate: Box<Gate>, event: &KeyEvent, press: &Press<'_>) -> Option<Order> {
    const LONGEST: usize = 200;
    match answer(event) {
        Answer::Escape | Answer::Interrupt => {
            ui.say(press.now_ms, Loudness::Info, format!("gate {}: stays closed", gate.step));
            return None;
        }
        _ if press.now_ms.saturating_sub(gate.since_ms) < Confirm::DEAF_MS => {}
        Answer::Enter if !gate.so_far.is_empty() => {
            let typed = std::mem::take(&mut gate.so_far);
            let will = Will::Answer { typed: typed.clone(), person: String::new() };
            match press.context.may(&Command::Plan(will.clone())) {
                // The gate that was asked about may not be the one that waits by now.
                Ok(()) if typed == gate.step => return Some(Order::Command(Command::Plan(will))),
                Ok(()) => gate.refused = Some(format!("'{typed}' is not the name of this step")),
                Err(why) => gate.refused = Some(why),
            }
        }
        Answer::Backspace => {
            gate.so_far.pop();
        }
        Answer::Key(c) if gate.so_far.len() < LONGEST && !c.is_control() => gate.so_far.push(c),
        _ => {}
    }
    ui.popup = Some(Popup::Gate(gate));
    None
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
