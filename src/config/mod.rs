//! The user's settings: `config.toml` in the configuration folder.
//!
//! Owns which settings there are, where the file is, and what is said about a wrong one. Never writes the file,
//! and never guesses: a setting that is not known is refused, with the one that was probably meant. Names of
//! commands, keys and themes are judged by those who own them.

mod defaults;
mod error;
pub mod guardrails;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use directories::ProjectDirs;
use schemars::JsonSchema;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::screen::glyphs::GlyphSet;
use crate::screen::theme::Theme;
pub use error::ConfigError;

#[cfg(test)]
mod tests;

/// The variable that names the file.
const PATH_VARIABLE: &str = "LOCKPIT_CONFIG";
/// A longer file is no configuration.
const MOST_BYTES: u64 = 1 << 20;

/// What a user has set.
///
/// The first line of each setting's doc comment is also its comment in the default file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Colours of the screens: the name of a theme.
    pub theme: String,
    /// Characters the screens are drawn with: auto (by locale and TERM), full, wgl4 (what every Windows font has) or ascii.
    pub glyphs: Glyphs,
    /// Who flies, for the log; --operator and LOCKPIT_OPERATOR come first. Empty for nobody.
    #[serde(deserialize_with = "non_empty")]
    pub operator: Option<String>,
    /// Keys of commands: a key or a list of keys, in place of the command's default ones.
    #[serde(deserialize_with = "keys")]
    pub keys: BTreeMap<String, Vec<String>>,
}

/// Characters the screens are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Glyphs {
    /// As the locale and the terminal are said to need.
    #[default]
    Auto,
    /// Whatever the terminal's font may have.
    Full,
    /// Windows Glyph List 4.
    Wgl4,
    /// ASCII only.
    Ascii,
}

impl Glyphs {
    /// The set that was asked for; `None` to choose one.
    pub fn set(self) -> Option<GlyphSet> {
        match self {
            Glyphs::Auto => None,
            Glyphs::Full => Some(GlyphSet::Full),
            Glyphs::Wgl4 => Some(GlyphSet::Wgl4),
            Glyphs::Ascii => Some(GlyphSet::Ascii),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            theme: Theme::DEFAULT.to_owned(),
            glyphs: Glyphs::default(),
            operator: None,
            keys: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The settings in the file at `path`; the defaults when there is no such file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, and the line of what is wrong in it.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        match read(path) {
            Ok(text) => Config::parse(path, &text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Config::default()),
            Err(error) => Err(ConfigError::Unreadable { path: path.to_owned(), error }),
        }
    }

    /// The settings in the file that `LOCKPIT_CONFIG` names, which must be there, or else in the configuration
    /// folder, where it need not.
    ///
    /// # Errors
    /// [`ConfigError`], as of [`Config::load`].
    pub fn find() -> Result<Config, ConfigError> {
        Config::find_by(std::env::var_os(PATH_VARIABLE))
    }

    fn find_by(named: Option<OsString>) -> Result<Config, ConfigError> {
        match named.filter(|path| !path.is_empty()).map(PathBuf::from) {
            Some(path) => match read(&path) {
                Ok(text) => Config::parse(&path, &text),
                Err(error) => Err(ConfigError::Unreadable { path, error }),
            },
            None => default_path().map_or_else(|| Ok(Config::default()), |path| Config::load(&path)),
        }
    }

    /// The file with every setting at its default, commented out: one comment mark less makes a line count.
    pub fn default_text() -> String {
        defaults::text(&Config::default())
    }

    fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::wrong(path, text, &error))
    }
}

/// Nobody is called nothing.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?).filter(|name| !name.is_empty()))
}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let keys: BTreeMap<String, OneOrMore> = BTreeMap::deserialize(deserializer)?;
    Ok(keys.into_iter().map(|(command, keys)| (command, keys.0)).collect())
}

/// A key, or a list of keys.
struct OneOrMore(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMore, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key such as \"q\", or a list of keys")
    }

    fn visit_str<E>(self, key: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore(vec![key.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = list.next_element()? {
            keys.push(key);
        }
        Ok(OneOrMore(keys))
    }
}

/// The file in the configuration folder; `None` when the user has no home directory.
pub fn default_path() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "lockpit")?.config_dir().join("config.toml"))
}

fn read(path: &Path) -> std::io::Result<String> {
    let file = std::fs::File::open(path)?;
    let mut text = String::new();
    if file.take(MOST_BYTES + 1).read_to_string(&mut text)? as u64 > MOST_BYTES {
        return Err(std::io::Error::new(ErrorKind::InvalidData, "it is longer than 1 MiB"));
    }
    Ok(text)
}
