//! The cockpit for a shared screen: few things, large, without names.
//!
//! ```text
//!    ███ ███ █   █ ███ ██          the guard, in one word
//!    armed until ..; stopped by itself? yes: queue_age in 0.7 s
//!
//!    ███ ███        ███  ███         █ ███     large digits where there is room,
//!    96             0.3 s            17.3      plain ones where there is none
//!    sessions wait  oldest wait      session-seconds lost
//!
//!    ALTER TABLE on users waits for pid 29025, which is idle in transaction ..
//!    replication healthy ..
//!    data 0.2 s old
//! ```
//!
//! Names are masked, statements are their kind and relation. What is not known is `?`, never a zero.

mod letters;
mod sentences;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use self::letters::Size;
use self::sentences::happening;
use super::activity::thousands;
use super::header::{clock, state_word, tenths};
use super::parts::two_sided;
use crate::engine::derive::foresight::Foresight;
use crate::engine::derive::replication::{ReplicationView, Verdict};
use crate::engine::derive::words::plural;
use crate::engine::ids::Pid;
use crate::engine::target::Target;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::pane;

/// Columns left free on either side.
const MARGIN: u16 = 3;
/// Most lines left free between two parts.
const MOST_GAP: usize = 3;

/// A large figure with its words.
struct Figure {
    value: String,
    words: &'static str,
    meaning: Meaning,
}

/// Draws it; nothing in it can be moved through.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let inside =
        Rect { x: area.x + MARGIN.min(area.width / 2), width: area.width.saturating_sub(2 * MARGIN), ..area };
    let (word, meaning) = match shown.cockpit.brake().state() {
        Some((state, _)) => state_word(*state),
        None => ("CONNECTING", Meaning::Unknown),
    };
    let style = shown.style(meaning);
    let width = inside.width;
    let figures = figures(shown);
    let size = Size::ALL.into_iter().find(|size| {
        let fits = |words: &str, room: u16| letters::width(words, *size) <= usize::from(room);
        size.least_height(shown.glyphs) <= area.height
            && fits(word, width)
            && figures.iter().all(|figure| fits(&figure.value, width / 3 - 1))
    });
    let mut top = match size {
        // Blocks in the colours of a word on its ground would not be seen: the ground is what they take.
        Some(size) if size.has_words(shown.glyphs) => {
            let rows = letters::lines(word, size, shown.glyphs).into_iter();
            rows.map(|row| Line::from(Span::styled(row, ink(style)))).collect()
        }
        _ => vec![Line::from(Span::styled(format!(" {word} "), style))],
    };
    top.extend(guard_lines(width, shown));
    let middle = figure_lines(&figures, size, width, shown);
    let foot = foot(width, shown);
    let height = usize::from(area.height);
    // Where it is low, a long sentence is cut.
    let room = height.saturating_sub(top.len() + middle.len() + foot.len()).max(1);
    let happening = happening_lines(width, room, shown);
    let blocks = [top, middle, happening, foot];
    let free = height.saturating_sub(blocks.iter().map(Vec::len).sum());
    let gap = (free / blocks.len()).min(MOST_GAP).max(usize::from(free >= blocks.len() - 1));
    let above = if free > blocks.len() * gap { gap } else { 0 };
    let mut lines = vec![Line::default(); above];
    for (index, block) in blocks.into_iter().enumerate() {
        if index > 0 {
            lines.extend(vec![Line::default(); gap]);
        }
        lines.extend(block);
    }
    pane::lines(frame, inside, lines);
    1
}

/// The colour in which blocks of a style are seen.
fn ink(style: Style) -> Style {
    let reversed = style.add_modifier.contains(Modifier::REVERSED);
    match style.bg {
        Some(ground) if !reversed => Style { fg: Some(ground), bg: None, ..style },
        _ => Style { bg: None, ..style.remove_modifier(Modifier::REVERSED) },
    }
}

/// What the guard says, and whether anything is going to stop the work.
fn guard_lines(width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let plain = shown.style(Meaning::Text);
    let sentence = shown.cockpit.brake().state().map(|(_, sentence)| sentence.clone()).unwrap_or_default();
    let foresight = Foresight::of(shown.cockpit, shown.now);
    let meaning = match foresight {
        Foresight::Nothing(_) => Meaning::Warn,
        Foresight::Will(_) => Meaning::Text,
        Foresight::Now(_) => Meaning::Danger,
    };
    let stopped = Span::styled(foresight.sentence().to_owned(), shown.style(meaning));
    let label = Span::styled("stopped by itself? ", shown.style(Meaning::Muted));
    vec![
        two_sided(vec![Span::styled(sentence, plain)], Vec::new(), width, shown),
        two_sided(vec![label, stopped], Vec::new(), width, shown),
    ]
}

fn figures(shown: &Shown<'_>) -> [Figure; 3] {
    let cockpit = shown.cockpit;
    let target = cockpit.target();
    let pid = target.map(Target::pid);
    let waiting: Vec<Pid> = cockpit.scene().waiting_clients().filter(|one| Some(*one) != pid).collect();
    let has_sample = cockpit.sample().is_some();
    let oldest_ms = cockpit.ages().oldest_ms(shown.seen(), waiting.iter().copied());
    let loud = if waiting.is_empty() { Meaning::Ok } else { Meaning::Danger };
    let unknown = || "?".to_owned();
    let (count, oldest) = if has_sample {
        (thousands(waiting.len() as u64), oldest_ms.map_or_else(|| "-".to_owned(), large_age))
    } else {
        (unknown(), unknown())
    };
    let lost_us = target.map(|target| target.lost_us);
    let lost = match lost_us {
        Some(us) if us < 100_000_000 => format!("{}.{}", us / 1_000_000, us % 1_000_000 / 100_000),
        Some(us) => thousands(us / 1_000_000),
        None if has_sample => "-".to_owned(),
        None => unknown(),
    };
    let loss = if lost_us.is_some_and(|us| us > 0) { Meaning::Warn } else { Meaning::Ok };
    let known = |meaning| if has_sample { meaning } else { Meaning::Unknown };
    [
        Figure { value: count, words: "sessions wait", meaning: known(loud) },
        Figure { value: oldest, words: "oldest wait", meaning: known(loud) },
        Figure { value: lost, words: "session-seconds lost", meaning: known(loss) },
    ]
}

/// An age for large digits: `0.3s`, `42s`, `2:06`, `1:04:00`.
fn large_age(ms: u64) -> String {
    match ms {
        0..=9_999 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        10_000..=59_999 => format!("{}s", ms / 1_000),
        _ => clock(ms),
    }
}

/// The figures side by side, their words below.
fn figure_lines(
    figures: &[Figure; 3],
    size: Option<Size>,
    width: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let room = usize::from(width / 3);
    let side_by_side = |parts: Vec<(String, Style)>| {
        let spans = parts
            .into_iter()
            .map(|(words, style)| Span::styled(text::fit(&words, room, shown.glyphs), style));
        Line::from(spans.collect::<Vec<_>>())
    };
    let style = |figure: &Figure| shown.style(figure.meaning);
    let mut lines = Vec::new();
    match size {
        Some(size) => {
            let drawn: Vec<Vec<String>> =
                figures.iter().map(|figure| letters::lines(&figure.value, size, shown.glyphs)).collect();
            for row in 0..size.height(shown.glyphs) {
                let part = |(figure, rows): (&Figure, &Vec<String>)| {
                    (rows.get(row).cloned().unwrap_or_default(), style(figure))
                };
                lines.push(side_by_side(figures.iter().zip(&drawn).map(part).collect()));
            }
        }
        None => {
            let bold = |figure: &Figure| style(figure).add_modifier(Modifier::BOLD);
            lines.push(side_by_side(figures.iter().map(|one| (one.value.clone(), bold(one))).collect()));
        }
    }
    let muted = shown.style(Meaning::Muted);
    lines.push(side_by_side(figures.iter().map(|figure| (figure.words.to_owned(), muted)).collect()));
    lines
}

fn happening_lines(width: u16, room: usize, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let lines = happening(shown).into_iter().flat_map(|(words, meaning)| {
        let style = shown.style(meaning).add_modifier(Modifier::BOLD);
        let parts = text::wrap(&text::clean(&words), usize::from(width));
        parts.into_iter().map(move |part| Line::from(Span::styled(part, style)))
    });
    lines.take(room).collect()
}

/// Replication, what is selected, and how old all this is.
fn foot(width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let label = |words: &'static str| Span::styled(words, shown.style(Meaning::Muted));
    let view = ReplicationView::of(shown.cockpit, shown.history, shown.seen());
    let (word, meaning) = match view.verdict {
        Verdict::Healthy => ("healthy", Meaning::Ok),
        Verdict::Lagging => ("LAGGING", Meaning::Warn),
        Verdict::Stalled => ("STALLED", Meaning::Danger),
        Verdict::Unknown => ("unknown", Meaning::Unknown),
    };
    // The engine's summary names standbys; this one counts them.
    let mut parts = vec![match (view.age_ms, view.senders.first()) {
        (None, _) => "it has not been read yet".to_owned(),
        (Some(_), None) => "no standby connected".to_owned(),
        (Some(_), Some(worst)) => {
            format!(
                "{}, the worst: {}",
                plural(view.senders.len() as u64, "standby connection"),
                worst.sentence
            )
        }
    }];
    if !view.vanished.is_empty() {
        let missing: u64 = view.vanished.iter().map(|gone| u64::from(gone.missing)).sum();
        parts.push(format!("{missing} gone"));
    }
    let mut lines = vec![two_sided(
        vec![
            label("replication "),
            Span::styled(format!("{word}: "), shown.style(meaning)),
            Span::styled(parts.join("; "), shown.style(Meaning::Text)),
        ],
        Vec::new(),
        width,
        shown,
    )];
    lines.push(two_sided(vec![label("data        "), freshness(shown)], Vec::new(), width, shown));
    // Keys act on what is selected, whether its row is drawn or not.
    if let Some(Row::Backend(id)) = shown.ui.selected() {
        let text = format!("pid {}; keys act on it", id.pid);
        let spans = vec![label("selected    "), Span::styled(text, shown.style(Meaning::Selection))];
        lines.push(two_sided(spans, Vec::new(), width, shown));
    }
    lines
}

fn freshness(shown: &Shown<'_>) -> Span<'static> {
    let cockpit = shown.cockpit;
    let Some(at) = cockpit.sample_at() else {
        return Span::styled("none yet", shown.style(Meaning::Unknown));
    };
    let age_ms = shown.age_ms(at);
    let is_old = age_ms > (3 * cockpit.pacer().sample_every_ms()).max(750) && !cockpit.is_over();
    if is_old {
        return Span::styled(format!("OLD: {}", tenths(age_ms)), shown.style(Meaning::Danger));
    }
    Span::styled(format!("{} old", tenths(age_ms)), shown.style(Meaning::Text))
}
