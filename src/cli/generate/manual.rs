//! What the manual's main page says beside the commands: exit status, signals, files, environment, keys.
//!
//! Owns the words on signals, files and variables; exit codes, flags' variables and keys are taken from where they
//! are declared. Never prints.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::builder::Resettable;
use clap_mangen::Man;

use crate::cli::exit;
use crate::screen::action::SPECS;

const SIGNALS: [(&str, &str); 6] = [
    (
        "INT, TERM",
        "The flight ends in order: a stop under way is finished, and what became of the target is told.",
    ),
    ("HUP", "The same: the terminal has gone. A detached flight ignores it."),
    (
        "TSTP",
        "Refused while the flight is armed or a stop is under way. Else lockpit is suspended, and what it missed is told as a gap.",
    ),
    ("CONT", "The flight goes on, and tells for how long it did not look."),
    ("PIPE", "Ignored: a reader that has gone ends no flight."),
    (
        "KILL, STOP",
        "Cannot be answered. The server cleans up after lockpit's sessions; with --if-lost stop the watchdog on the server stands in.",
    ),
];

const FILES: [(&str, &str); 5] = [
    (
        "~/.config/lockpit/config.toml",
        "Settings. lockpit generate config prints all of them with their defaults; $LOCKPIT_CONFIG names another file.",
    ),
    ("~/.config/lockpit/themes/*.toml", "Themes of your own, by name."),
    (
        "~/.local/state/lockpit/*.flight",
        "Logs of flights, one each, unless --record or --no-record is given.",
    ),
    (
        "$XDG_RUNTIME_DIR/lockpit/*.sock",
        "Where flights in the air listen for join and tell; $LOCKPIT_RUN_DIR names another place.",
    ),
    ("~/.pgpass, ~/.pg_service.conf", "Passwords and services, as for every client of PostgreSQL."),
];

/// Variables that stand for no flag.
const VARIABLES: [(&str, &str); 5] = [
    ("LOCKPIT_CONFIG", "The file of settings, instead of the one in its usual place."),
    ("LOCKPIT_RUN_DIR", "The directory where flights listen."),
    ("NO_COLOR", "When not empty: no colours; states are told by words and by bold, dim and reversed text."),
    ("TERM, COLORTERM, LC_ALL, LC_CTYPE, LANG", "What the terminal can show: colours and characters."),
    (
        "PGHOST, PGPORT, PGUSER, PGDATABASE and the others of libpq",
        "Where to connect unless it is said otherwise.",
    ),
];

/// The main page.
///
/// # Errors
/// It could not be rendered.
pub(super) fn main_page() -> std::io::Result<Vec<u8>> {
    // The exit codes have a section of their own here.
    let command = crate::cli::command().disable_help_subcommand(true).after_help(Resettable::Reset);
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    page.extend(sections().into_bytes());
    Ok(page)
}

fn sections() -> String {
    let mut text = String::new();
    section(&mut text, "EXIT STATUS", exit_codes());
    section(&mut text, "SIGNALS", owned(&SIGNALS));
    section(&mut text, "FILES", owned(&FILES));
    section(&mut text, "ENVIRONMENT", environment());
    let mut group = None;
    for spec in SPECS.iter().filter(|spec| !spec.keys.is_empty()) {
        if group.is_none() {
            heading(&mut text, "SH", "KEYS");
        }
        if group.replace(spec.group) != Some(spec.group) {
            heading(&mut text, "SS", spec.group.title());
        }
        item(&mut text, &spec.keys.join(", "), &format!("{} ({})", spec.doc, spec.name));
    }
    text
}

/// The codes and what they mean, as help has them.
fn exit_codes() -> Vec<(String, String)> {
    let lines = exit::HELP.lines().skip(1).filter_map(|line| line.trim().split_once("  "));
    lines.map(|(code, meaning)| (code.to_owned(), meaning.to_owned())).collect()
}

/// Variables of flags, with the flag's own words, and the others.
fn environment() -> Vec<(String, String)> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for command in crate::cli::command().get_subcommands() {
        for argument in command.get_arguments() {
            let Some(variable) = argument.get_env().and_then(|name| name.to_str()) else { continue };
            let flag = argument.get_long().unwrap_or_default();
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            found.entry(variable.to_owned()).or_insert(format!("Stands for --{flag}: {help}."));
        }
    }
    found.into_iter().chain(owned(&VARIABLES)).collect()
}

fn owned(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(term, words)| ((*term).to_owned(), (*words).to_owned())).collect()
}

fn section(text: &mut String, title: &str, items: Vec<(String, String)>) {
    heading(text, "SH", title);
    for (term, words) in items {
        item(text, &term, &words);
    }
}

fn heading(text: &mut String, of: &str, title: &str) {
    let _ = writeln!(text, ".{of} \"{}\"", escaped(title));
}

fn item(text: &mut String, term: &str, words: &str) {
    let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", escaped(term), escaped(words));
}

/// Text that roff takes for text: no requests at the start of a line, no escapes, hyphens that can be copied.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq").replace('^', "\\(ha");
    let text = text.replace('~', "\\(ti").replace('`', "\\(ga");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_page_tells_every_exit_code_variable_and_key() {
        let page = String::from_utf8(main_page().expect("a page")).expect("text");
        for title in ["EXIT STATUS", "SIGNALS", "FILES", "ENVIRONMENT", "KEYS"] {
            assert_eq!(page.matches(&format!(".SH \"{title}\"\n")).count(), 1, "{title}");
        }
        assert!(!page.contains(".SH EXTRA"), "exit codes are told once");
        let codes: Vec<String> = exit_codes().into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        for variable in
            ["LOCKPIT_OPERATOR", "LOCKPIT_LABEL", "LOCKPIT_THEME", "LOCKPIT_GLYPHS", "LOCKPIT_PG_BIN"]
        {
            assert!(page.contains(variable), "{variable}");
        }
        for spec in SPECS.iter().filter(|spec| !spec.keys.is_empty()) {
            assert!(page.contains(&escaped(spec.doc)), "{}", spec.name);
        }
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped(".a \\ - \"'"), "\\&.a \\e \\- \\(dq'");
        assert_eq!(escaped("'"), "\\&'");
    }
}
