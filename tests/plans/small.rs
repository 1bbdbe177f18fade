//! Reading plans, for the tests: from the folder of examples, or from a few lines.

use std::path::{Path, PathBuf};

use lockpit::plan::{Compiled, Surroundings, load};

/// 2026-11-20 12:00 UTC, a Friday.
pub(crate) const NOW_US: i64 = 1_795_176_000_000_000;

/// The path of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans/files").join(name)
}

/// An example, read with these variables; what is wrong with it, without the folder.
pub(crate) fn read(name: &str, variables: &[(&str, &str)]) -> Result<Compiled, String> {
    read_at(&example(name), variables)
}

/// A file with this text, read.
pub(crate) fn read_text(name: &str, text: &str, variables: &[(&str, &str)]) -> Result<Compiled, String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(name), text).expect("written");
    read_at(&folder.path().join(name), variables)
}

/// A plan with these lines behind its name, read.
pub(crate) fn read_lines(lines: &str, variables: &[(&str, &str)]) -> Result<Compiled, String> {
    read_text("p.toml", &format!("plan = {{ name = \"p\" }}\n{lines}"), variables)
}

fn read_at(path: &Path, variables: &[(&str, &str)]) -> Result<Compiled, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let folder = format!("{}/", path.parent().expect("a folder").display());
    let read = load(path, &Surroundings { variables, utc_us: NOW_US, ..Surroundings::default() });
    read.map_err(|error| error.to_string().replace(&folder, ""))
}
