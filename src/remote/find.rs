//! Which flights are in the air, and which one is meant.
//!
//! Owns the search: by name, by a unique beginning of it, by database, by path. Never guesses between two.

use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use super::client::{Remote, RemoteError};
use super::place;
use super::protocol::Greeting;

/// A flight in the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTheAir {
    /// Its socket.
    pub socket: PathBuf,
    /// What it says of itself.
    pub greeting: Greeting,
}

/// Why no flight, or no single one, was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none at all.
    #[error("no flight is in the air")]
    None,
    /// None is meant by the word.
    #[error("no flight is called {word:?}; in the air:\n{}", list(.flights, .silent))]
    Unknown {
        /// The word.
        word: String,
        /// Those that are in the air.
        flights: Vec<InTheAir>,
        /// Those of which nothing is known.
        silent: Vec<Silent>,
    },
    /// More than one is meant.
    #[error("which flight? Name one of these:\n{}", list(.flights, .silent))]
    Ambiguous {
        /// Those that are meant.
        flights: Vec<InTheAir>,
        /// Those of which nothing is known.
        silent: Vec<Silent>,
    },
    /// The socket that was named cannot be talked to.
    #[error("the flight at {} cannot be reached: {why}", .socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// Why.
        why: RemoteError,
    },
}

/// A socket where somebody listens, but does not say who.
#[derive(Debug)]
pub struct Silent {
    /// The socket.
    pub socket: PathBuf,
    /// Why nothing is known of the flight: it is stopped, busy, or of another release.
    pub why: RemoteError,
}

/// The flights this user can talk to, by name, and those that do not answer. Sockets nobody listens on are
/// removed on the way.
pub fn flights() -> (Vec<InTheAir>, Vec<Silent>) {
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for socket in place::dirs().into_iter().flat_map(|dir| place::sockets(&dir)) {
        match Remote::connect(&socket) {
            Ok(remote) => found.push(InTheAir { socket, greeting: remote.greeting().clone() }),
            // Nobody's, or not this user's.
            Err(RemoteError::Gone | RemoteError::Denied(_)) => {}
            Err(why) => silent.push(Silent { socket, why }),
        }
    }
    found.sort_by(|a, b| a.greeting.flight.cmp(&b.greeting.flight));
    (found, silent)
}

/// The flight meant by `word`: a name, a unique beginning of one, a database, the path of a socket or of a log.
/// Without a word, or with `-`, the only one in the air.
///
/// # Errors
/// [`FindError`].
pub fn find(word: Option<&str>) -> Result<InTheAir, FindError> {
    let word = word.filter(|word| *word != "-");
    if let Some(socket) = word.and_then(socket_of) {
        // Asked for by its very name: one that does not answer is said, rather than left out.
        return match Remote::connect(&socket) {
            Ok(remote) => Ok(InTheAir { socket, greeting: remote.greeting().clone() }),
            Err(why) => Err(FindError::Unreachable { socket, why }),
        };
    }
    let (flights, silent) = flights();
    choose(word, flights, silent)
}

/// The socket that `word` is the path or the whole name of.
fn socket_of(word: &str) -> Option<PathBuf> {
    let named = place::dirs().into_iter().filter_map(|dir| place::socket_path(&dir, word));
    let is_socket = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
    std::iter::once(PathBuf::from(word)).chain(named).find(is_socket)
}

fn choose(word: Option<&str>, flights: Vec<InTheAir>, silent: Vec<Silent>) -> Result<InTheAir, FindError> {
    if flights.is_empty() && silent.is_empty() {
        return Err(FindError::None);
    }
    let Some(word) = word else {
        return match one(flights) {
            Ok(only) if silent.is_empty() => Ok(only),
            Ok(only) => Err(FindError::Ambiguous { flights: vec![only], silent }),
            Err(flights) => Err(FindError::Ambiguous { flights, silent }),
        };
    };
    let log = std::fs::canonicalize(word).ok();
    let meant: [&dyn Fn(&Greeting) -> bool; 4] = [
        &|flight| flight.flight == word,
        &|flight| log.is_some() && flight.log.as_ref().and_then(|log| log.canonicalize().ok()) == log,
        &|flight| flight.database == word,
        &|flight| flight.flight.starts_with(word),
    ];
    for is_meant in meant {
        let found: Vec<InTheAir> = flights.iter().filter(|f| is_meant(&f.greeting)).cloned().collect();
        if !found.is_empty() {
            return one(found).map_err(|flights| FindError::Ambiguous { flights, silent: Vec::new() });
        }
    }
    Err(FindError::Unknown { word: word.to_owned(), flights, silent })
}

fn one(mut flights: Vec<InTheAir>) -> Result<InTheAir, Vec<InTheAir>> {
    match (flights.pop(), flights.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => Err(flights.into_iter().chain(last).collect()),
    }
}

fn list(flights: &[InTheAir], silent: &[Silent]) -> String {
    let line = |flight: &InTheAir| {
        let Greeting { flight: name, server, log, .. } = &flight.greeting;
        let recorded = if log.is_some() { "" } else { "  (not recorded)" };
        format!("  {name}  {server}{recorded}")
    };
    let unknown = silent.iter().map(|Silent { socket, why }| format!("  {}  {why}", socket.display()));
    flights.iter().map(line).chain(unknown).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(name: &str, database: &str) -> InTheAir {
        let greeting = Greeting {
            lockpit: String::new(),
            protocol: 1,
            flight: name.to_owned(),
            log: None,
            clock_zero_us: 0,
            database: database.to_owned(),
            server: String::new(),
            label: None,
            stick: None,
        };
        InTheAir { socket: PathBuf::from(format!("{name}.sock")), greeting }
    }

    fn chosen(word: Option<&str>, flights: &[InTheAir]) -> Result<String, FindError> {
        choose(word, flights.to_vec(), Vec::new()).map(|found| found.greeting.flight)
    }

    #[test]
    fn a_flight_is_meant_by_its_name_its_beginning_or_its_database() {
        let both = [flight("20261120T1-shop", "shop"), flight("20261120T2-crm", "crm")];
        for (word, name) in [("20261120T1-shop", 0), ("20261120T2", 1), ("crm", 1)] {
            assert_eq!(
                chosen(Some(word), &both).ok().as_deref(),
                Some(&*both[name].greeting.flight),
                "{word}"
            );
        }
        assert!(matches!(chosen(Some("2026"), &both), Err(FindError::Ambiguous { .. })));
        assert!(matches!(chosen(Some("sho"), &both), Err(FindError::Unknown { .. })));
        assert!(matches!(chosen(None, &both), Err(FindError::Ambiguous { .. })));
        assert!(matches!(chosen(None, &[]), Err(FindError::None)));
        assert_eq!(chosen(None, &both[..1]).ok().as_deref(), Some("20261120T1-shop"));
    }

    #[test]
    fn a_flight_that_does_not_answer_is_neither_chosen_nor_forgotten() {
        let silent = || vec![Silent { socket: PathBuf::from("/run/crm.sock"), why: RemoteError::Silent }];
        for (word, flights) in [(None, vec![flight("a-shop", "shop")]), (None, vec![]), (Some("crm"), vec![])]
        {
            let unclear = choose(word, flights, silent()).expect_err("it could be meant").to_string();
            assert!(unclear.contains("/run/crm.sock") && unclear.contains("did not answer"), "{unclear}");
        }
    }

    #[test]
    fn a_whole_name_is_meant_rather_than_one_that_begins_with_it() {
        let both = [flight("a-shop", "shop"), flight("a-shop.2", "shop")];
        assert_eq!(chosen(Some("a-shop"), &both).ok().as_deref(), Some("a-shop"));
        let unclear = chosen(Some("shop"), &both).expect_err("two").to_string();
        assert!(unclear.contains("a-shop.2"), "{unclear}");
    }
}
