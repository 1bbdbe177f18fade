//! The guardrails file: limits over the defaults, in TOML.
//!
//! ```toml
//! [guardrails]
//! queue_depth = { limit = 5, hold = "500ms" }      # sessions behind the target, and for how long
//! queue_age = { limit = "1s" }                     # age of the longest wait behind it
//! blind = { limit = "2s", intervals = 3, floor = "750ms" }
//! ```
//!
//! Owns which keys there are and what is said about a wrong one. What is not named keeps its default. Never accepts
//! a rule or an action that this release lacks: a guardrail that is written down and does not guard would be a lie.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, line_at};
use crate::engine::duration::duration_ms;
use crate::engine::guard::RULES;
use crate::engine::near::is_near;
use crate::engine::overrides;
use crate::engine::settings::Limits;

/// The only table of the file.
const TABLE: &str = "guardrails";
/// Rules that lockpit is to have and this release has not.
const TO_COME: [&str; 3] = ["blast_radius", "probe_latency", "replication_lag"];
/// What every guardrail of this release does on a trip.
const ACTION: &str = "cancel";

/// The limits in the file at `path`, over the defaults.
///
/// # Errors
/// [`ConfigError`] names the file, and the line and the key of what is wrong in it.
pub fn load(path: &Path) -> Result<Limits, ConfigError> {
    let text = super::read(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Limits, ConfigError> {
    let file = DeTable::parse(text).map_err(|error| ConfigError::wrong(path, text, &error))?;
    limits(file.get_ref()).map_err(|Wrong { at_byte, why }| ConfigError::Wrong {
        path: path.to_owned(),
        line: line_at(text, at_byte),
        why,
    })
}

/// Something wrong, and where.
pub(crate) struct Wrong {
    /// The byte of the file.
    pub at_byte: usize,
    /// What is wrong, and what was probably meant.
    pub why: String,
}

/// `limits` with what these rules set, and all that is wrong with it.
pub(crate) fn over(mut limits: Limits, rules: &DeTable<'_>) -> (Limits, Vec<Wrong>) {
    let wrong = rules.iter().filter_map(|(rule, value)| set_rule(&mut limits, rule, value).err()).collect();
    (limits, wrong)
}

fn wrong<T>(at: &Spanned<T>, why: String) -> Wrong {
    Wrong { at_byte: at.span().start, why }
}

fn limits(file: &DeTable<'_>) -> Result<Limits, Wrong> {
    let mut limits = Limits::default();
    for (name, value) in file {
        if name.get_ref() != TABLE {
            let why = format!("unknown key `{}`: this file has the table [{TABLE}] only", name.get_ref());
            return Err(wrong(name, hinted(why, name.get_ref(), &[TABLE])));
        }
        for (rule, value) in table(TABLE, value)? {
            set_rule(&mut limits, rule, value)?;
        }
    }
    Ok(limits)
}

fn set_rule(
    limits: &mut Limits,
    rule: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<(), Wrong> {
    let name = rule.get_ref().as_ref();
    let known = RULES.map(|(name, _)| name);
    if TO_COME.contains(&name) {
        let there = known.join(", ");
        let why = format!("`{name}`: this release has no such guardrail yet; it has {there}");
        return Err(wrong(rule, why));
    }
    let keys: &[&str] = match name {
        "queue_depth" => &["limit", "hold", "action"],
        "queue_age" => &["limit", "action"],
        "blind" => &["limit", "intervals", "floor", "action"],
        _ => {
            let why = format!("unknown guardrail `{name}`: there are {}", known.join(", "));
            return Err(wrong(rule, hinted(why, name, &known)));
        }
    };
    for (key, value) in table(name, value)? {
        let full = format!("{name}.{}", key.get_ref());
        match (name, key.get_ref().as_ref()) {
            ("queue_depth", "limit") => {
                let limit = checked(name, &full, value, number(&full, value)?)?;
                limits.queue_depth.limit = u32::try_from(limit).ok();
            }
            ("queue_depth", "hold") => limits.queue_depth.hold_ms = duration(&full, value)?,
            ("queue_age", "limit") => {
                limits.queue_age.limit_ms = checked(name, &full, value, duration(&full, value)?)?;
            }
            ("blind", "limit") => {
                limits.blind.limit_ms = checked(name, &full, value, duration(&full, value)?)?;
            }
            ("blind", "floor") => {
                limits.blind.floor_ms = checked(name, &full, value, duration(&full, value)?)?;
            }
            ("blind", "intervals") => {
                let intervals = number(&full, value)?;
                limits.blind.intervals = u32::try_from(intervals)
                    .ok()
                    .filter(|intervals| (1..=1_000).contains(intervals))
                    .ok_or_else(|| wrong(value, format!("`{full}` is a number from 1 to 1000")))?;
            }
            (_, "action") => action(&full, value)?,
            ("queue_age", "hold") => {
                let why = "`queue_age.hold`: the age of a wait is its own hold time; set its limit";
                return Err(wrong(key, why.to_owned()));
            }
            _ => {
                let why = format!("unknown key `{full}`: there are {}", keys.join(", "));
                return Err(wrong(key, hinted(why, key.get_ref(), keys)));
            }
        }
    }
    Ok(())
}

/// What a trip does cannot be chosen in this release; to say what it does is fine.
fn action(key: &str, value: &Spanned<DeValue<'_>>) -> Result<(), Wrong> {
    match value.get_ref().as_str() {
        Some(ACTION) => Ok(()),
        Some(other @ ("warn" | "pause" | "abort")) => {
            let why = format!("`{key}`: this release has no action {other:?} yet; its guardrails {ACTION}");
            Err(wrong(value, why))
        }
        _ => Err(wrong(value, format!("`{key}`: this release knows the action \"{ACTION}\" only"))),
    }
}

fn table<'a, 'i>(name: &str, value: &'a Spanned<DeValue<'i>>) -> Result<&'a DeTable<'i>, Wrong> {
    value.get_ref().as_table().ok_or_else(|| {
        let example = if name == TABLE { "[guardrails]" } else { "queue_depth = { limit = 5 }" };
        let kind = value.get_ref().type_str();
        wrong(value, format!("`{name}` is a table, such as {example}; here it is of type {kind}"))
    })
}

fn number(key: &str, value: &Spanned<DeValue<'_>>) -> Result<u64, Wrong> {
    let number = value
        .get_ref()
        .as_integer()
        .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok());
    number.ok_or_else(|| wrong(value, format!("`{key}` is a whole number without a unit, such as 5")))
}

fn duration(key: &str, value: &Spanned<DeValue<'_>>) -> Result<u64, Wrong> {
    let Some(text) = value.get_ref().as_str() else {
        return Err(wrong(value, format!("`{key}` is a duration in quotes, such as \"500ms\" or \"2s\"")));
    };
    duration_ms(text).map_err(|why| wrong(value, format!("`{key}`: {why}")))
}

/// A limit that the rule takes.
fn checked(rule: &str, key: &str, value: &Spanned<DeValue<'_>>, limit: u64) -> Result<u64, Wrong> {
    overrides::check(rule, limit).map_err(|why| wrong(value, format!("`{key}`: {why}")))?;
    Ok(limit)
}

fn hinted(mut why: String, word: &str, known: &[&str]) -> String {
    if let Some(near) = known.iter().find(|known| is_near(word, known)) {
        why.push_str(&format!("; did you mean `{near}`?"));
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::{BlindLimit, QueueAgeLimit, QueueDepthLimit};

    fn read(text: &str) -> Result<Limits, String> {
        parse(Path::new("team.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_named_is_set_and_the_rest_keeps_its_default() {
        assert_eq!(read(""), Ok(Limits::default()));
        assert_eq!(read("[guardrails]\n"), Ok(Limits::default()));
        let text = "[guardrails]\nqueue_depth = { limit = 7, hold = \"500ms\", action = \"cancel\" }\n\
                    queue_age = { limit = \"2s\" }\n[guardrails.blind]\nlimit = \"4s\"\nintervals = 5\n\
                    floor = \"1s\"\n";
        let expected = Limits {
            queue_depth: QueueDepthLimit { limit: Some(7), hold_ms: 500 },
            queue_age: QueueAgeLimit { limit_ms: 2_000 },
            blind: BlindLimit { intervals: 5, floor_ms: 1_000, limit_ms: 4_000 },
        };
        assert_eq!(read(text), Ok(expected));
        let one = read("[guardrails]\nqueue_depth.hold = \"1s\"\n").expect("a good file");
        assert_eq!((one.queue_depth.limit, one.queue_depth.hold_ms), (None, 1_000));
    }

    #[test]
    fn what_is_wrong_is_said_with_file_line_key_and_what_was_meant() {
        let cases = [
            ("# ours\n[gaurdrails]\n", 2, vec!["`gaurdrails`", "did you mean `guardrails`?"]),
            ("[guardrails]\n\nqueue_dept = { limit = 3 }\n", 3, vec!["`queue_dept`", "mean `queue_depth`?"]),
            ("[guardrails]\nqueue_age = { limt = \"1s\" }\n", 2, vec!["`queue_age.limt`", "mean `limit`?"]),
            ("[guardrails]\nqueue_depth = 5\n", 2, vec!["`queue_depth` is a table", "integer"]),
            (
                "[guardrails]\nqueue_depth = { limit = 0 }\n",
                2,
                vec!["`queue_depth.limit`", "trip on nothing"],
            ),
            (
                "[guardrails]\nqueue_depth = { limit = \"5\" }\n",
                2,
                vec!["`queue_depth.limit`", "whole number"],
            ),
            ("[guardrails]\nqueue_depth = { limit = 99999999999 }\n", 2, vec!["more sessions"]),
            ("[guardrails]\nqueue_age = { limit = 1000 }\n", 2, vec!["`queue_age.limit`", "in quotes"]),
            ("[guardrails]\nqueue_age = { limit = \"1 s\" }\n", 2, vec!["`queue_age.limit`", "no duration"]),
            ("[guardrails]\nqueue_age = { hold = \"1s\" }\n", 2, vec!["`queue_age.hold`", "own hold time"]),
            ("[guardrails]\nblind = { limit = \"2m\" }\n", 2, vec!["`blind.limit`", "at most 1m"]),
            ("[guardrails]\nblind = { intervals = -1 }\n", 2, vec!["`blind.intervals`"]),
            (
                "[guardrails]\nprobe_latency = { hold = \"3s\" }\n",
                2,
                vec!["`probe_latency`", "no such guardrail"],
            ),
            ("[guardrails]\nqueue_age = { action = \"abort\" }\n", 2, vec!["`queue_age.action`", "yet"]),
            ("[guardrails]\nqueue_age = { action = \"shout\" }\n", 2, vec!["`queue_age.action`", "only"]),
            ("[plan]\nname = \"x\"\n", 1, vec!["`plan`", "[guardrails] only"]),
            ("guardrails = 3\n", 1, vec!["`guardrails` is a table"]),
            ("[guardrails]\nqueue_age = {\n", 2, vec![""]),
        ];
        for (text, line, words) in cases {
            let why = read(text).expect_err(text);
            assert!(why.starts_with(&format!("team.toml, line {line}: ")), "{text:?}: {why}");
            for word in words {
                assert!(why.contains(word), "{word:?} is not in {why:?}");
            }
        }
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let why = load(&folder.path().join("none.toml")).expect_err("it is not there").to_string();
        assert!(why.contains("none.toml") && why.contains("cannot be read"), "{why}");
    }
}
