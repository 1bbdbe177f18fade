//! The names that are replaced, and what stands for them.
//!
//! Owns numbering by first appearance, and finding names within other texts. Equal names of one kind have one mask,
//! different ones different masks, so that whatever compares names decides the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use regex::{Captures, Regex, RegexBuilder};

use crate::engine::ids::TextId;
use crate::engine::rungs::is_known_client;

/// What bears a name that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Role,
    Application,
    Client,
    Standby,
    Slot,
    Prepared,
    Server,
    Operator,
}

impl Kind {
    /// What its masks begin with.
    fn word(self) -> &'static str {
        match self {
            Kind::Role => "role",
            Kind::Application => "app",
            Kind::Client => "client",
            Kind::Standby => "standby",
            Kind::Slot => "slot",
            Kind::Prepared => "prepared",
            Kind::Server => "server",
            Kind::Operator => "operator",
        }
    }

    /// Names of PostgreSQL's, of lockpit's or of well-known tools: they say nothing about anybody, and decisions
    /// depend on some of them.
    fn keeps(self, name: &str) -> bool {
        match self {
            _ if name.is_empty() => true,
            Kind::Role => name.starts_with("pg_") || is_role_without_a_name(name),
            Kind::Application => is_known_client(name) || name == "lockpit" || name.starts_with("lockpit "),
            Kind::Client | Kind::Server => matches!(name, "local" | "localhost"),
            Kind::Standby => name == "walreceiver",
            Kind::Slot | Kind::Prepared | Kind::Operator => false,
        }
    }
}

/// What [`crate::engine::catalog::Catalog::role`] says where it knows no name.
fn is_role_without_a_name(name: &str) -> bool {
    let number = name.strip_prefix("role ").unwrap_or_default();
    name == "no role" || (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Why names cannot be replaced.
#[derive(Debug, thiserror::Error)]
#[error("there are too many names to be looked for in texts: {0}")]
pub(super) struct TooManyNames(#[from] regex::Error);

/// Names in the order of their first appearance, each with what stands for it.
#[derive(Debug, Default)]
pub(super) struct Names {
    masks: BTreeMap<Kind, BTreeMap<String, String>>,
    /// The first mask of every name, whatever bears it; by the name in lower case where that is all that fits.
    exact: BTreeMap<String, String>,
    folded: BTreeMap<String, String>,
    /// What stands for roles of which no name is known.
    pub(super) nameless: BTreeSet<String>,
    /// Texts that are referred to.
    pub(super) texts: BTreeSet<TextId>,
    finder: Option<Regex>,
    /// Names are still being collected, and texts are left alone.
    pub(super) is_learning: bool,
}

impl Names {
    /// What stands for this name.
    pub(super) fn mask(&mut self, kind: Kind, name: &str) -> String {
        let of_kind = self.masks.entry(kind).or_default();
        if let Some(mask) = of_kind.get(name) {
            return mask.clone();
        }
        if kind.keeps(name) {
            of_kind.insert(name.to_owned(), name.to_owned());
            return name.to_owned();
        }
        let number = 1 + of_kind.iter().filter(|(name, mask)| name != mask).count();
        let mask = format!("{}-{number}", kind.word());
        of_kind.insert(name.to_owned(), mask.clone());
        self.exact.entry(name.to_owned()).or_insert_with(|| mask.clone());
        self.folded.entry(name.to_lowercase()).or_insert_with(|| mask.clone());
        self.finder = None;
        mask
    }

    /// The name of a database, schema or table: kept, unless a role or an operator is called the same.
    pub(super) fn object(&self, name: &str) -> String {
        let by = |kind: Kind| self.masks.get(&kind).and_then(|of_kind| of_kind.get(name));
        by(Kind::Role).or_else(|| by(Kind::Operator)).map_or_else(|| name.to_owned(), Clone::clone)
    }

    /// `schema.name`, part by part.
    pub(super) fn qualified(&self, name: &str) -> String {
        let part = |part: &str| match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
            Some(bare) => format!("\"{}\"", self.object(bare)),
            None => self.object(part),
        };
        name.split('.').map(part).collect::<Vec<_>>().join(".")
    }

    /// `user@host:port,host:port/database`, part by part.
    pub(super) fn server(&mut self, server: &str) -> String {
        let (user, rest) = server.rsplit_once('@').unwrap_or(("", server));
        let (hosts, database) = match rest.rsplit_once('/') {
            Some((hosts, database)) => (hosts, Some(database)),
            None => (rest, None),
        };
        let user = self.mask(Kind::Role, user);
        let hosts: Vec<String> = hosts
            .split(',')
            .map(|host| match host.rsplit_once(':') {
                Some((name, port)) => format!("{}:{port}", self.mask(Kind::Server, name)),
                None => self.mask(Kind::Server, host),
            })
            .collect();
        let database = database.map(|name| format!("/{}", self.object(name))).unwrap_or_default();
        let at = if server.contains('@') { "@" } else { "" };
        format!("{user}{at}{}{database}", hosts.join(","))
    }

    /// A pattern on names that matches the masks of those that `pattern` matches, of the names that are known.
    pub(super) fn pattern(&self, kind: Kind, pattern: &str) -> String {
        let nobody = format!("{}-0", kind.word());
        let Ok(regex) = Regex::new(&format!("^(?:{pattern})$")) else { return nobody };
        let named = self.masks.get(&kind).into_iter().flatten();
        let nameless = self.nameless.iter().filter(|_| kind == Kind::Role).map(|name| (name, name));
        let masks: BTreeSet<String> = named
            .chain(nameless)
            .filter(|(name, _)| regex.is_match(name))
            .map(|(_, mask)| regex::escape(mask))
            .collect();
        if masks.is_empty() { nobody } else { masks.into_iter().collect::<Vec<_>>().join("|") }
    }

    /// Remembers the addresses of machines that a text names.
    pub(super) fn learn_text(&mut self, text: &str) {
        let is_part = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
        for word in text.split(|c: char| !is_part(c)) {
            let word = word.trim_matches(|c| c == '.').trim_end_matches(':');
            let bare = word.rsplit_once(':').filter(|(host, _)| host.parse::<IpAddr>().is_ok());
            let word = if word.parse::<IpAddr>().is_ok() { word } else { bare.map_or("", |(host, _)| host) };
            if word.len() > 2 && !self.exact.contains_key(word) {
                self.mask(Kind::Client, word);
            }
        }
    }

    /// A text with every known name in it replaced, whatever the case of its letters.
    pub(super) fn text(&mut self, text: &str) -> Result<String, TooManyNames> {
        if self.exact.is_empty() {
            return Ok(text.to_owned());
        }
        let finder = match self.finder.take() {
            Some(finder) => finder,
            None => self.compile()?,
        };
        let masked = finder.replace_all(text, |found: &Captures<'_>| {
            let name = &found[0];
            let mask = self.exact.get(name).or_else(|| self.folded.get(&name.to_lowercase()));
            // Letters that fold together in the pattern only: hidden all the same.
            mask.map_or_else(|| "(name)".to_owned(), Clone::clone)
        });
        let masked = masked.into_owned();
        self.finder = Some(finder);
        Ok(masked)
    }

    fn compile(&self) -> Result<Regex, regex::Error> {
        const MOST_BYTES: usize = 256 << 20;
        let mut names: Vec<&String> = self.exact.keys().collect();
        // The longest name that fits is meant.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let whole = |name: &&String| {
            let (first, last) = (name.chars().next(), name.chars().next_back());
            let from = if is_word(first) { r"\b{start-half}" } else { "" };
            let to = if is_word(last) { r"\b{end-half}" } else { "" };
            format!("{from}{}{to}", regex::escape(name))
        };
        let all = names.iter().map(whole).collect::<Vec<_>>().join("|");
        RegexBuilder::new(&all).case_insensitive(true).size_limit(MOST_BYTES).build()
    }
}
