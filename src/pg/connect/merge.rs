//! Merging settings: the command line and the connection string over the service file over the environment.
//!
//! Owns precedence and what becomes of each keyword. Never interprets a value.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::ConnArgs;
use super::error::{ConninfoError, Origin};
use super::keywords::{self, KEYWORDS, Treatment};
use super::{service, uri, words};

/// One setting in force.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// The settings in force, by keyword.
pub(super) struct Merged {
    settings: BTreeMap<&'static str, Setting>,
    /// What was accepted without effect, in sentences.
    pub(super) notes: Vec<String>,
}

impl Merged {
    /// The setting of `keyword`; an empty value counts as not given, and still hides weaker sources.
    pub(super) fn get(&self, keyword: &str) -> Option<&Setting> {
        self.settings.get(keyword).filter(|setting| !setting.value.is_empty())
    }

    /// Its value.
    pub(super) fn value(&self, keyword: &str) -> Option<&str> {
        self.get(keyword).map(|setting| &*setting.value)
    }
}

/// Collects the settings of all sources.
///
/// # Errors
/// Everything [`ConninfoError`] says about syntax, unknown and unsupported keywords, conflicts and services.
pub(super) fn merge(
    args: &ConnArgs,
    env: &impl Fn(&str) -> Option<String>,
    home: Option<&Path>,
) -> Result<Merged, ConninfoError> {
    let mut settings = explicit(args)?;

    let given = |keyword: &str, settings: &BTreeMap<&'static str, Setting>| match settings.get(keyword) {
        Some(setting) => Some(setting.value.clone()),
        None => keywords::find(keyword).and_then(|keyword| keyword.env).and_then(env),
    };
    if let Some(name) = given("service", &settings).filter(|name| !name.is_empty()) {
        let own = given("servicefile", &settings).filter(|path| !path.is_empty());
        let sysconfdir = env("PGSYSCONFDIR").filter(|dir| !dir.is_empty());
        let files = service::candidates(own.as_deref(), sysconfdir.as_deref(), home);
        let (path, pairs) = service::load(&name, files)?;
        let origin = Origin::Service { name, path };
        for (keyword, setting) in collect(pairs, &origin)? {
            settings.entry(keyword).or_insert(setting);
        }
    }
    // Old libpq's way to say require; a sslmode from anywhere is stronger.
    let require = env("PGREQUIRESSL").is_some_and(|value| value.starts_with('1'));
    for keyword in KEYWORDS {
        let Some(name) = keyword.env else { continue };
        if let Some(value) = env(name) {
            settings.entry(keyword.name).or_insert(Setting { value, origin: Origin::Env(name) });
        }
    }
    if require {
        let origin = Origin::Env("PGREQUIRESSL");
        settings.entry("sslmode").or_insert(Setting { value: "require".to_owned(), origin });
    }
    judge(settings)
}

/// The flags and the connection string.
fn explicit(args: &ConnArgs) -> Result<BTreeMap<&'static str, Setting>, ConninfoError> {
    let mut settings = BTreeMap::new();
    let flags = [("host", "-h", &args.host), ("port", "-p", &args.port), ("user", "-U", &args.username)];
    for (keyword, flag, value) in flags {
        if let Some(value) = value {
            settings.insert(keyword, Setting { value: value.clone(), origin: Origin::Flag(flag) });
        }
    }
    let texts = [(&args.dbname, Origin::Flag("-d")), (&args.conninfo, Origin::Conninfo)];
    for (text, origin) in texts {
        let Some(text) = text else { continue };
        let pairs = if uri::is_uri(text) {
            collect(uri::parse(text)?, &origin)?
        } else if text.contains('=') {
            collect(words::parse(text)?, &origin)?
        } else {
            BTreeMap::from([("dbname", Setting { value: text.clone(), origin })])
        };
        for (keyword, setting) in pairs {
            match settings.get(keyword) {
                Some(earlier) if earlier.value != setting.value => {
                    let (first, second) = (earlier.origin.clone(), setting.origin);
                    return Err(ConninfoError::Conflict { keyword, first, second });
                }
                Some(_) => {}
                None => {
                    settings.insert(keyword, setting);
                }
            }
        }
    }
    Ok(settings)
}

/// Known keywords only; the last of several values wins, as in libpq.
fn collect(
    pairs: Vec<(String, String)>,
    origin: &Origin,
) -> Result<BTreeMap<&'static str, Setting>, ConninfoError> {
    let mut settings = BTreeMap::new();
    for (name, value) in pairs {
        let Some(keyword) = keywords::find(&name) else {
            let near = keywords::near_miss(&name);
            let mut keyword: String = name.chars().take(40).collect();
            if keyword.len() < name.len() {
                keyword.push('…');
            }
            return Err(ConninfoError::UnknownKeyword { keyword, origin: origin.clone(), near });
        };
        settings.insert(keyword.name, Setting { value, origin: origin.clone() });
    }
    Ok(settings)
}

/// Refuses what must not be skipped, notes what has no effect, and keeps the rest.
fn judge(mut settings: BTreeMap<&'static str, Setting>) -> Result<Merged, ConninfoError> {
    let mut notes = Vec::new();
    for keyword in KEYWORDS {
        let is_one_of = |value: &str, list: &[&str]| {
            value.is_empty() || list.iter().any(|known| known.eq_ignore_ascii_case(value))
        };
        match keyword.treatment {
            Treatment::Used => {}
            Treatment::Ignored { why, silent } => {
                if let Some(setting) = settings.remove(keyword.name)
                    && !is_one_of(&setting.value, silent)
                {
                    notes.push(format!("{} (from {}) is ignored: {why}", keyword.name, setting.origin));
                }
            }
            Treatment::Refused { why, harmless } => {
                if let Some(Setting { value, origin }) = settings.remove(keyword.name)
                    && !is_one_of(&value, harmless)
                {
                    return Err(ConninfoError::Unsupported { keyword: keyword.name, origin, why });
                }
            }
        }
    }
    Ok(Merged { settings, notes })
}
