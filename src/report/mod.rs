//! The post-mortem of a flight, from its log.
//!
//! Owns the story of a flight ([`story`]: facts, without layout) and the pages that are written from it. One
//! pass over the log makes the story ([`scribe`]), in memory that does not grow with the flight; remarks that
//! were written down afterwards are added to it ([`notes`]). Every format tells the same story. Never acts,
//! never connects, and never shows as zero or calm what was not known.
//!
//! | room | what happens there |
//! |---|---|
//! | [`story`] | the facts, and their schema |
//! | [`scribe`] | from the log to the facts |
//! | [`notes`] | remarks that were added afterwards |
//! | [`html`] | one page for people, without network and without script |
//! | [`markdown`] | text for a ticket |
//! | [`cast`] | the screen as it was, as an asciicast |
//!
//! Names, texts and remarks come from servers and users, who may be hostile. A page's texts are escaped by the
//! type they have to become; characters that show nothing or move others are made visible last, for the whole
//! page (`visible`).

use std::fmt;

pub mod cast;
pub mod html;
mod integrity;
mod lists;
pub mod markdown;
pub mod notes;
pub mod plan;
pub mod scribe;
mod series;
pub mod story;
mod summary;
mod times;
mod words;

pub use scribe::read;
pub use story::Story;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One self-contained page, with plots
    Html,
    /// Text for a ticket
    Markdown,
    /// Every fact, for programs
    Json,
    /// The screen as it was, for asciinema and its players
    Cast,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Html => "html",
            Format::Markdown => "markdown",
            Format::Json => "json",
            Format::Cast => "cast",
        })
    }
}

/// A page that tells a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// For a browser.
    Html,
    /// For a ticket.
    Markdown,
    /// For programs.
    Json,
}

impl Format {
    /// The page of this format; `None` for a film, which is drawn from the log itself.
    pub fn page(self) -> Option<Page> {
        match self {
            Format::Html => Some(Page::Html),
            Format::Markdown => Some(Page::Markdown),
            Format::Json => Some(Page::Json),
            Format::Cast => None,
        }
    }
}

/// The story as it is written to a file.
///
/// # Errors
/// The story cannot be told on this page, which is a defect of lockpit.
pub fn write(story: &Story, page: Page) -> Result<String, serde_json::Error> {
    Ok(match page {
        Page::Html => visible(&html::page(story)),
        Page::Markdown => visible(&markdown::page(story)),
        Page::Json => {
            let mut text = serde_json::to_string_pretty(story)?;
            text.push('\n');
            text
        }
    })
}

/// The same page with every character shown that shows nothing, or moves others, such as `\u{202e}`. Lines
/// stay lines.
fn visible(page: &str) -> String {
    let mut shown = String::with_capacity(page.len() + 16);
    for line in page.split_inclusive('\n') {
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        shown.push_str(&crate::screen::text::clean(text));
        shown.push_str(end);
    }
    shown
}
