//! Service files: named sets of settings, `pg_service.conf`.
//!
//! Owns where they are and their grammar. Never repeats a value in an error.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::ConninfoError;

/// Where libpq packages look for the system's file when `PGSYSCONFDIR` is not set.
const SYSTEM_DIRS: [&str; 3] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc"];

/// Keywords and values in the file's order.
type Settings = Vec<(String, String)>;

/// The files in which a service is looked for, in order.
pub(super) fn candidates(
    servicefile: Option<&str>,
    sysconfdir: Option<&str>,
    home: Option<&Path>,
) -> Vec<PathBuf> {
    let own = match servicefile {
        Some(path) => Some(PathBuf::from(path)),
        None => home.map(|home| home.join(".pg_service.conf")),
    };
    let system: Vec<PathBuf> = match sysconfdir {
        Some(dir) => vec![PathBuf::from(dir)],
        None => SYSTEM_DIRS.iter().map(PathBuf::from).collect(),
    };
    own.into_iter().chain(system.into_iter().map(|dir| dir.join("pg_service.conf"))).collect()
}

/// The settings of service `name` and the file they come from.
///
/// # Errors
/// [`ConninfoError::ServiceMissing`] when no file defines it, [`ConninfoError::ServiceFile`] for a file that
/// cannot be read.
pub(super) fn load(name: &str, files: Vec<PathBuf>) -> Result<(PathBuf, Settings), ConninfoError> {
    for path in &files {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e)
                if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
            {
                continue;
            }
            Err(e) => {
                return Err(ConninfoError::ServiceFile { path: path.clone(), line: 0, what: e.to_string() });
            }
        };
        let section = parse(&text, name).map_err(|(line, what)| ConninfoError::ServiceFile {
            path: path.clone(),
            line,
            what: what.to_owned(),
        })?;
        if let Some(settings) = section {
            return Ok((path.clone(), settings));
        }
    }
    Err(ConninfoError::ServiceMissing { service: name.to_owned(), looked_in: files })
}

/// The first section called `name`; an error is the line's number and what is wrong there.
fn parse(text: &str, name: &str) -> Result<Option<Settings>, (usize, &'static str)> {
    let mut found: Option<Settings> = None;
    for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                return Ok(found);
            }
            if section.strip_suffix(']') == Some(name) {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(settings) = &mut found else { continue };
        if line.starts_with("ldap") && line.contains("://") {
            return Err((number, "LDAP look-ups are not supported"));
        }
        match line.split_once('=') {
            Some(("service" | "servicefile", _)) => {
                return Err((number, "a service cannot refer to another service"));
            }
            Some((keyword, value)) => settings.push((keyword.to_owned(), value.to_owned())),
            None => return Err((number, "a line that is neither [name], keyword=value nor a comment")),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# comment\n[a]\nhost=db1\n  port=5433  \npassword=p=w\n\n[b]\nhost=db2\n[a]\nhost=later\n";

    #[test]
    fn the_first_section_of_that_name_is_read() {
        let a = parse(FILE, "a").expect("it parses").expect("it is there");
        let expected = [("host", "db1"), ("port", "5433"), ("password", "p=w")];
        assert_eq!(a.iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>(), expected);
        assert_eq!(parse(FILE, "c"), Ok(None));
        assert_eq!(parse("[c]\n", "c"), Ok(Some(vec![])));
    }

    #[test]
    fn only_the_wanted_section_is_judged() {
        assert_eq!(parse("[x]\nnonsense\n[a]\nhost=db1\n", "a").map(|s| s.is_some()), Ok(true));
        for (text, line) in [("[a]\nhunter2\n", 2), ("[a]\nhost=x\nservice=b\n", 3), ("[a]\nldap://x/y\n", 2)]
        {
            let (at, what) = parse(text, "a").expect_err(text);
            assert_eq!(at, line);
            assert!(!what.contains("hunter2"));
        }
    }

    #[test]
    fn the_own_file_comes_before_the_systems() {
        let files = candidates(None, Some("/sys"), Some(Path::new("/home/ann")));
        assert_eq!(files, [Path::new("/home/ann/.pg_service.conf"), Path::new("/sys/pg_service.conf")]);
        let files = candidates(Some("/my/file"), Some("/sys"), Some(Path::new("/home/ann")));
        assert_eq!(files, [Path::new("/my/file"), Path::new("/sys/pg_service.conf")]);
    }
}
