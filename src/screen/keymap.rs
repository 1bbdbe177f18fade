//! Which key does what.
//!
//! Owns the words for keys, the user's changes to the default keys, and the conflicts among them.

use std::collections::BTreeMap;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{self, Action, SPECS, spec};
use crate::engine::near::is_near;

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    code: Code,
    ctrl: bool,
    alt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Code {
    Char(char),
    Function(u8),
    Named(&'static str),
}

/// Keys with a name.
const NAMED: [(&str, KeyCode); 13] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl Key {
    /// The key that was pressed, if it has a name here.
    pub fn pressed(event: &KeyEvent) -> Option<Key> {
        let code = match event.code {
            KeyCode::Char(' ') => Code::Named("space"),
            KeyCode::Char(c) => Code::Char(c),
            KeyCode::F(n) => Code::Function(n),
            other => Code::Named(NAMED.iter().find(|(_, code)| *code == other)?.0),
        };
        let modifiers = event.modifiers;
        let ctrl = modifiers.contains(KeyModifiers::CONTROL);
        Some(Key { code, ctrl, alt: modifiers.contains(KeyModifiers::ALT) })
    }

    /// The key called `name`: `a`, `A`, `ctrl-l`, `alt-x`, `space`, `f1`, `pageup`.
    ///
    /// # Errors
    /// There is no such key.
    pub fn parse(name: &str) -> Result<Key, String> {
        let (mut rest, mut ctrl, mut alt) = (name, false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-") {
                (rest, ctrl) = (after, true);
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() && c != ' ' => Code::Char(c),
            _ if rest == "space" => Code::Named("space"),
            (Some('f'), Some('1'..='9')) => {
                let number = rest[1..].parse().ok().filter(|n| (1..=24).contains(n));
                Code::Function(number.ok_or_else(|| no_such(name))?)
            }
            _ => Code::Named(NAMED.iter().find(|(known, _)| *known == rest).ok_or_else(|| no_such(name))?.0),
        };
        // A terminal sends the same for ctrl-L and ctrl-l.
        let code = match code {
            Code::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Ok(Key { code, ctrl, alt })
    }
}

fn no_such(name: &str) -> String {
    format!(
        "'{name}' is no key: write one character, or f1 to f24, space, {}; ctrl- and alt- may stand before it",
        NAMED.map(|(name, _)| name).join(", ")
    )
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match self.code {
            Code::Char(c) => write!(f, "{c}"),
            Code::Function(n) => write!(f, "f{n}"),
            Code::Named(name) => f.write_str(name),
        }
    }
}

/// Which key does what.
#[derive(Debug, Clone)]
pub struct Keymap {
    actions: BTreeMap<Key, Action>,
}

impl Key {
    /// Why the key cannot be one of `action`: a question answers to fixed keys, and a key that is held down must
    /// not ask and answer.
    fn is_taken_for(self, action: Action) -> Option<&'static str> {
        let is_plain = |chars: &str| matches!(self, Key { code: Code::Char(c), ctrl: false, alt: false } if chars.contains(c));
        match action {
            Action::Back => None,
            _ if self.code == Code::Named("esc") => Some("it closes what is open"),
            Action::Abort
            | Action::Arm
            | Action::Cancel
            | Action::Terminate
            | Action::Undo
            | Action::CleanUp
                if is_plain("y") =>
            {
                Some("it answers the question that follows")
            }
            Action::Pause if is_plain("cf") => Some("it answers the question that follows"),
            Action::Quit if is_plain("ade") => Some("it answers the question that follows"),
            _ => None,
        }
    }
}

/// What is wrong with the user's keys.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// No action has that name.
    #[error("[keys] {name}: there is no such action{hint}")]
    UnknownAction {
        /// What was written.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// No key has that name.
    #[error("[keys] {action}: {why}")]
    UnknownKey {
        /// The action it was for.
        action: String,
        /// What is wrong with it.
        why: String,
    },
    /// The key has a fixed meaning where the action leads.
    #[error("[keys] {action}: {key} cannot be its key: {why}")]
    Taken {
        /// The key.
        key: String,
        /// The action.
        action: &'static str,
        /// What the key does there.
        why: &'static str,
    },
    /// No key leaves the screen.
    #[error("[keys] quit: no key is left for it; give it one")]
    NoWayOut,
    /// One key, two actions.
    #[error("[keys] {key}: bound to both {first} and {second}")]
    Conflict {
        /// The key.
        key: String,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

impl Default for Keymap {
    fn default() -> Keymap {
        Keymap::new(&BTreeMap::new()).expect("the default keys do not conflict")
    }
}

impl Keymap {
    /// The default keys, with the user's in place of those of the actions that `changes` names. A key that the
    /// user gives to one action is taken from the action that has it by default.
    ///
    /// # Errors
    /// [`KeymapError`].
    pub fn new(changes: &BTreeMap<String, Vec<String>>) -> Result<Keymap, KeymapError> {
        let mut chosen: BTreeMap<Key, Action> = BTreeMap::new();
        for (name, keys) in changes {
            let action = action::by_name(name).ok_or_else(|| unknown(name))?;
            for key in keys {
                let key =
                    Key::parse(key).map_err(|why| KeymapError::UnknownKey { action: name.clone(), why })?;
                if let Some(why) = key.is_taken_for(action) {
                    return Err(KeymapError::Taken { key: key.to_string(), action: spec(action).name, why });
                }
                bind(&mut chosen, key, action)?;
            }
        }
        let mut defaults = BTreeMap::new();
        for spec in SPECS.iter().filter(|spec| !changes.contains_key(spec.name)) {
            for key in spec.keys {
                let key = Key::parse(key)
                    .map_err(|why| KeymapError::UnknownKey { action: spec.name.to_owned(), why })?;
                if !chosen.contains_key(&key) {
                    bind(&mut defaults, key, spec.action)?;
                }
            }
        }
        chosen.extend(defaults);
        match chosen.values().any(|action| *action == Action::Quit) {
            true => Ok(Keymap { actions: chosen }),
            false => Err(KeymapError::NoWayOut),
        }
    }

    /// What `key` does.
    pub fn action(&self, key: Key) -> Option<Action> {
        self.actions.get(&key).copied()
    }

    /// The keys of an action.
    pub fn keys(&self, action: Action) -> impl Iterator<Item = Key> {
        // As they are declared, so that the best known one is shown first.
        let declared: Vec<Key> = spec(action).keys.iter().filter_map(|key| Key::parse(key).ok()).collect();
        let mut keys: Vec<Key> =
            self.actions.iter().filter(|(_, bound)| **bound == action).map(|(key, _)| *key).collect();
        keys.sort_by_key(|key| declared.iter().position(|known| known == key).unwrap_or(usize::MAX));
        keys.into_iter()
    }

    /// The first key of an action, for the bar; empty when it has none.
    pub fn key(&self, action: Action) -> String {
        self.keys(action).next().map(|key| key.to_string()).unwrap_or_default()
    }
}

fn bind(actions: &mut BTreeMap<Key, Action>, key: Key, action: Action) -> Result<(), KeymapError> {
    match actions.insert(key, action) {
        Some(other) if other != action => Err(KeymapError::Conflict {
            key: key.to_string(),
            first: spec(other).name,
            second: spec(action).name,
        }),
        _ => Ok(()),
    }
}

fn unknown(name: &str) -> KeymapError {
    let near = SPECS.iter().map(|spec| spec.name).find(|known| is_near(known, name));
    let hint = near.map(|known| format!("; did you mean {known}?")).unwrap_or_default();
    KeymapError::UnknownAction { name: name.to_owned(), hint }
}

/// The table of all keys, in Markdown, for the documentation.
pub fn table() -> String {
    let mut text = String::new();
    let mut group = None;
    for spec in SPECS.iter().filter(|spec| !spec.keys.is_empty()) {
        if group.replace(spec.group) != Some(spec.group) {
            if !text.is_empty() {
                text.push('\n');
            }
            text += &format!("**{}**\n\n| key | name | what it does |\n|---|---|---|\n", spec.group.title());
        }
        let keys: Vec<String> = spec.keys.iter().map(|key| format!("`{key}`")).collect();
        text += &format!("| {} | {} | {} |\n", keys.join(" "), spec.name, spec.doc);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let list = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        pairs.iter().map(|(name, keys)| ((*name).to_owned(), list(keys))).collect()
    }

    #[test]
    fn every_default_key_reads_back_as_it_is_written() {
        for name in SPECS.iter().flat_map(|spec| spec.keys) {
            assert_eq!(Key::parse(name).map(|key| key.to_string()), Ok((*name).to_owned()));
        }
    }

    #[test]
    fn the_users_key_replaces_the_default_and_frees_the_old_one() {
        let keymap = Keymap::new(&changes(&[("abort", &["ctrl-x"])])).expect("a valid change");
        assert_eq!(keymap.action(Key::parse("ctrl-x").expect("a key")), Some(Action::Abort));
        assert_eq!(keymap.action(Key::parse("a").expect("a key")), None);
    }

    #[test]
    fn a_key_the_user_takes_is_taken_from_its_default() {
        let keymap = Keymap::new(&changes(&[("abort", &["q"])])).expect("a valid change");
        assert_eq!(keymap.action(Key::parse("q").expect("a key")), Some(Action::Abort));
        assert_eq!(keymap.key(Action::Quit), "ctrl-c");
    }

    #[test]
    fn two_actions_on_one_key_are_a_conflict() {
        let error = Keymap::new(&changes(&[("abort", &["x"]), ("mark", &["x"])])).expect_err("a conflict");
        assert_eq!(error.to_string(), "[keys] x: bound to both abort and mark");
    }

    #[test]
    fn a_key_that_asks_cannot_also_answer() {
        let refused = [("abort", "y"), ("terminate", "y"), ("quit", "e"), ("quit", "d"), ("abort", "esc")];
        for (action, key) in refused {
            let error = Keymap::new(&changes(&[(action, &[key])])).expect_err(key).to_string();
            assert!(error.starts_with(&format!("[keys] {action}: {key} cannot be its key: ")), "{error}");
        }
        for (action, key) in [("copy", "y"), ("abort", "ctrl-y"), ("back", "esc"), ("sort", "e")] {
            Keymap::new(&changes(&[(action, &[key])])).expect(key);
        }
    }

    #[test]
    fn a_screen_can_always_be_left() {
        for keys in [changes(&[("quit", &[])]), changes(&[("abort", &["q"]), ("mark", &["ctrl-c"])])] {
            assert_eq!(Keymap::new(&keys).expect_err("no way out"), KeymapError::NoWayOut);
        }
    }

    #[test]
    fn a_letter_with_ctrl_is_the_same_in_both_cases() {
        assert_eq!(Key::parse("ctrl-L"), Key::parse("ctrl-l"));
    }

    #[test]
    fn misspelt_names_are_refused_with_a_hint() {
        let error = Keymap::new(&changes(&[("abrot", &["x"])])).expect_err("no such action");
        assert_eq!(error.to_string(), "[keys] abrot: there is no such action; did you mean abort?");
        let error = Keymap::new(&changes(&[("abort", &["entre"])])).expect_err("no such key");
        assert!(error.to_string().starts_with("[keys] abort: 'entre' is no key"), "{error}");
    }
}
