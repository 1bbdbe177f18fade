//! The default file, made from the types.
//!
//! Owns its layout. What it says of a setting is the setting's doc comment; what it sets is the default.

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::{Config, Glyphs};

const HEADING: &str = "\
## Settings of lockpit, each at its default.
## Take the mark away in front of a setting to change it; what is said on the command line comes first.
";

/// The settings, each commented out below what it means.
pub(super) fn text(defaults: &Config) -> String {
    let (tables, settings): (Vec<_>, Vec<_>) =
        values(defaults).into_iter().partition(|(_, value)| value.is_object());
    let mut text = HEADING.to_owned();
    // Tables last: what follows the heading of one would be in it.
    for (name, value) in settings.into_iter().chain(tables) {
        text.push('\n');
        for line in meaning(&name).lines() {
            text.push_str(&format!("## {line}\n"));
        }
        match value {
            Value::Object(entries) => {
                text.push_str(&format!("# [{name}]\n"));
                for (name, value) in entries {
                    text.push_str(&format!("# {} = {}\n", Value::from(name), literal(&value)));
                }
            }
            value => text.push_str(&format!("# {name} = {}\n", literal(&value))),
        }
    }
    text
}

/// Words with a meaning in the file: names of settings, and of values where these are counted.
pub(super) fn words() -> Vec<String> {
    let glyphs = Glyphs::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let glyphs = glyphs.map(|value| value.get_name().to_owned());
    values(&Config::default()).into_iter().map(|(name, _)| name).chain(glyphs).collect()
}

fn values(config: &Config) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    }
}

/// A value in TOML, which writes texts and lists as JSON does. What is not set is an empty text.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".to_owned(),
        value => value.to_string(),
    }
}

/// The doc comment of a setting.
fn meaning(name: &str) -> String {
    let schema = schemars::schema_for!(Config);
    let description = schema.get("properties").and_then(|of| of.get(name)?.get("description")?.as_str());
    description.unwrap_or_default().to_owned()
}
