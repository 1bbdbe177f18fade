//! Themes: what each meaning looks like on this terminal.
//!
//! Owns the way from a theme file to a style. Views name a [`Meaning`] and never a colour. Never decides by
//! colour alone: at [`ColourDepth::None`] words, bold, dim, underlined and reversed say the same.
//!
//! A meaning without a style takes its parent's (`guard.armed`, `guard`), at last that of `text`. A file that
//! inherits takes over palette and styles and replaces what it names; a user's file may inherit the compiled-in
//! theme of its own name.

pub mod colour;
mod degrade;
mod file;
mod meaning;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ratatui::style::{Color, Style};

pub use colour::ColourDepth;
pub use file::Background;
pub use meaning::Meaning;

use file::{File, RawColour, RawStyle};

/// The themes that are compiled in: name and file. The first is the default.
const COMPILED_IN: [(&str, &str); 6] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("night", include_str!("../../../themes/night.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../../themes/colour-blind.toml")),
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
];
/// Files that inherit one another at most.
const MOST_ANCESTORS: usize = 16;

/// What each meaning looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    background: Background,
    styles: [Style; Meaning::ALL.len()],
}

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// There is none of that name.
    #[error("no theme is called {name:?}{hint}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name, in a sentence, or nothing.
        hint: String,
        /// All names.
        known: String,
    },
    /// Its file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Its file says something that has no meaning.
    #[error("{file}: {problem}")]
    Bad {
        /// The file.
        file: String,
        /// What, and what was probably meant.
        problem: String,
    },
    /// It inherits itself.
    #[error("themes inherit each other in a circle: {0}")]
    Circle(String),
}

impl Theme {
    /// The theme when nothing is asked for.
    pub const DEFAULT: &str = "dark";

    /// The names of the compiled-in themes, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        COMPILED_IN.into_iter().map(|(name, _)| name)
    }

    /// The theme `name` for a terminal of `depth`: the file `NAME.toml` in `user_dir` when there is one, else
    /// the compiled-in theme.
    ///
    /// # Errors
    ///
    /// There is no such theme, a file cannot be read, or it says something that has no meaning.
    pub fn load(name: &str, user_dir: Option<&Path>, depth: ColourDepth) -> Result<Self, ThemeError> {
        let files = lineage(name, user_dir)?;
        let mut palette: BTreeMap<String, Color> = BTreeMap::new();
        let mut raw: BTreeMap<String, (RawStyle, String)> = BTreeMap::new();
        let mut background = Background::Dark;
        for (origin, file) in files.into_iter().rev() {
            background = file.background.unwrap_or(background);
            palette.extend(file.palette);
            raw.extend(file.styles.into_iter().map(|(scope, style)| (scope, (style, origin.clone()))));
        }
        let mut known = BTreeMap::new();
        for (scope, (style, origin)) in &raw {
            let style = coloured(style, &palette).map_err(|problem| ThemeError::Bad {
                file: origin.clone(),
                problem: format!("styles: `{scope}`: {problem}"),
            })?;
            known.insert(scope.as_str(), style);
        }
        let styles = Meaning::ALL.map(|meaning| nearest(meaning, &known));
        let theme = Self { name: name.to_owned(), background, styles };
        Ok(theme.degraded(depth))
    }

    /// The default theme.
    pub fn standard(depth: ColourDepth) -> Self {
        Self::load(Self::DEFAULT, None, depth).unwrap_or_else(|_| Self {
            name: Self::DEFAULT.to_owned(),
            background: Background::Dark,
            styles: Meaning::ALL.map(|_| Style::new()),
        })
    }

    /// What `meaning` looks like.
    pub const fn style(&self, meaning: Meaning) -> Style {
        self.styles[meaning as usize]
    }

    /// The name it was loaded by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ground it is made for.
    pub const fn background(&self) -> Background {
        self.background
    }
}

/// The style of the meaning, of its parent, or of `text`. The ground itself has no heirs.
fn nearest(meaning: Meaning, known: &BTreeMap<&str, Style>) -> Style {
    let mut scope = Some(meaning.scope());
    while let Some(name) = scope {
        if let Some(style) = known.get(name) {
            return *style;
        }
        scope = meaning::parent(name);
    }
    match meaning {
        Meaning::Screen => Style::new(),
        _ => known.get(Meaning::Text.scope()).copied().unwrap_or_default(),
    }
}

fn coloured(raw: &RawStyle, palette: &BTreeMap<String, Color>) -> Result<Style, String> {
    let colour = |raw: &Option<RawColour>| match raw {
        None => Ok(None),
        Some(RawColour::Plain(colour)) => Ok(Some(*colour)),
        Some(RawColour::Named(name)) => file::look_up(name, palette).map(Some),
    };
    let mut style = Style::new().add_modifier(raw.modifier);
    (style.fg, style.bg) = (colour(&raw.fg)?, colour(&raw.bg)?);
    Ok(style)
}

/// The files of a theme, from itself to its oldest ancestor, each with the name that errors give it.
fn lineage(name: &str, user_dir: Option<&Path>) -> Result<Vec<(String, File)>, ThemeError> {
    let mut files: Vec<(String, File)> = Vec::new();
    let mut next = Some((name.to_owned(), user_dir));
    while let Some((name, folder)) = next.take() {
        let (origin, text, own) = text_of(&name, folder, user_dir)?;
        if files.len() >= MOST_ANCESTORS || files.iter().any(|(known, _)| *known == origin) {
            let circle: Vec<String> = files.into_iter().map(|(known, _)| known).chain([origin]).collect();
            return Err(ThemeError::Circle(circle.join(" -> ")));
        }
        let file = file::parse(&text).map_err(|problem| ThemeError::Bad { file: origin.clone(), problem })?;
        next = file.inherits.clone().map(|parent| {
            // A user's file of a compiled-in theme's name extends that theme.
            let folder =
                if own && parent == name && compiled_in(&parent).is_some() { None } else { user_dir };
            (parent, folder)
        });
        files.push((origin, file));
    }
    Ok(files)
}

/// The text of one theme, its name in errors, and whether it is the user's own.
fn text_of(
    name: &str,
    folder: Option<&Path>,
    user_dir: Option<&Path>,
) -> Result<(String, String, bool), ThemeError> {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if let Some(folder) = folder.filter(|_| plain) {
        let path = folder.join(format!("{name}.toml"));
        match fs::read_to_string(&path) {
            Ok(text) => return Ok((path.display().to_string(), text, true)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ThemeError::Unreadable { path, source }),
        }
    }
    match compiled_in(name) {
        Some(text) => Ok((format!("theme {name}"), text.to_owned(), false)),
        None => {
            let known = available(user_dir);
            let hint = file::hint(name, known.iter().map(String::as_str)).unwrap_or_default();
            Err(ThemeError::Unknown { name: name.to_owned(), hint, known: known.join(", ") })
        }
    }
}

fn compiled_in(name: &str) -> Option<&'static str> {
    COMPILED_IN.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// The names of all themes, compiled in and the user's.
pub fn available(user_dir: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = Theme::names().map(str::to_owned).collect();
    let entries = user_dir.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut own: Vec<String> = entries
        .filter_map(|entry| {
            entry.file_name().to_str().and_then(|name| name.strip_suffix(".toml")).map(str::to_owned)
        })
        .filter(|name| !names.contains(name))
        .collect();
    own.sort();
    names.append(&mut own);
    names
}

#[cfg(test)]
mod tests;
