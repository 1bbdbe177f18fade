use super::large_age;
use super::letters::{self, Size};
use crate::engine::ids::Pid;
use crate::engine::sample::State;
use crate::engine::story::{Story, armed};
use crate::engine::testing::{A, Look, calm, client, forgotten_reader, jam, readers};
use crate::engine::timeline::GuardState;
use crate::screen::glyphs::GlyphSet;
use crate::screen::ui::View;
use crate::screen::views::header::state_word;
use crate::screen::views::stage::Stage;

const STATES: [GuardState; 5] =
    [GuardState::Watching, GuardState::Shadow, GuardState::Armed, GuardState::Tripped, GuardState::Blind];

fn stage(look: Look) -> Stage {
    let mut stage = Stage::look(look, View::Cockpit);
    stage.ui.presenter = true;
    stage
}

/// Whether `words` stand somewhere in `text` in large signs.
fn shows_large(text: &str, words: &str, size: Size) -> bool {
    let rows: Vec<Vec<char>> = letters::lines(words, size, GlyphSet::Full.glyphs())
        .iter()
        .map(|row| format!(" {row} ").chars().collect())
        .collect();
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let wide = rows[0].len();
    let stands_at = |y: usize, x: usize| {
        rows.iter().enumerate().all(|(n, row)| lines[y + n].get(x..x + wide) == Some(row.as_slice()))
    };
    (0..=lines.len() - rows.len()).any(|y| (0..lines[y].len()).any(|x| stands_at(y, x)))
}

#[test]
fn every_word_and_every_figure_has_large_signs() {
    let unknown = letters::lines("?", Size::Single, GlyphSet::Full.glyphs());
    let words = STATES.map(|state| state_word(state).0).join("") + "CONNECTING0123456789.,:- s";
    for sign in words.chars() {
        for size in Size::ALL {
            for set in GlyphSet::ALL {
                let glyphs = set.glyphs();
                let lines = letters::lines(&sign.to_string(), size, glyphs);
                assert_eq!(lines.len(), size.height(glyphs));
                let width = letters::width(&sign.to_string(), size);
                assert!(lines.iter().all(|line| line.chars().count() == width), "{sign} in {size:?}");
                assert!(set != GlyphSet::Ascii || lines.concat().is_ascii());
            }
        }
        assert_ne!(letters::lines(&sign.to_string(), Size::Single, GlyphSet::Full.glyphs()), unknown);
    }
}

#[test]
fn a_jam_is_its_figures_and_one_sentence() {
    let text = stage(jam(60)).text(120, 40);
    assert!(shows_large(&text, "60", Size::Double), "{text}");
    assert!(shows_large(&text, "1.0s", Size::Double), "{text}");
    assert!(shows_large(&text, "60.0", Size::Double), "{text}");
    for words in [
        "ALTER TABLE on users (pid 102) has waited 1.0 s for pid 101 app-",
        "is idle in transaction for",
        "60 sessions wait because of it.",
        "stopped by itself?",
        "replication unknown: it has not been read yet",
        "0.1 s old",
    ] {
        assert!(text.contains(words), "{words:?} is missing:\n{text}");
    }
}

#[test]
fn it_names_nobody() {
    for look in [jam(60), calm().with(forgotten_reader()).with_all(readers(2, A))] {
        let text = stage(look).text(120, 40);
        let body: Vec<&str> = text.lines().skip(3).collect();
        for name in ["report-job", "deploy", "shop-web", "alter table", "dba"] {
            assert!(!body.iter().any(|line| line.contains(name)), "{name} is shown:\n{text}");
        }
    }
}

#[test]
fn waits_without_a_target_name_the_one_who_blocks() {
    let text = stage(calm().with(forgotten_reader()).with_all(readers(2, A))).text(120, 40);
    assert!(text.contains("Nothing is under guard. 2 sessions wait for pid 101"), "{text}");
    let hidden = client(Pid(70)).masked().state(State::Masked);
    let text = stage(calm().with(hidden).with_all(readers(2, Pid(70)))).text(120, 40);
    assert!(text.contains("whose state is hidden from this login"), "{text}");
}

#[test]
fn what_is_not_known_is_neither_calm_nor_zero() {
    let mut stage = Stage::of(&Story::begin(armed()), View::Cockpit);
    stage.ui.presenter = true;
    let text = stage.text(120, 40);
    assert!(text.contains("Nothing is known yet: there is no sample."), "{text}");
    assert!(shows_large(&text, "?", Size::Double) && !shows_large(&text, "0", Size::Double), "{text}");
    assert!(text.contains("none yet"), "{text}");
}

#[test]
fn old_data_is_said_to_be_old() {
    let mut stage = stage(jam(3));
    stage.now = stage.now.plus_ms(20_000);
    let text = stage.text(120, 40);
    assert!(text.contains("OLD: 20 s"), "{text}");
}

#[test]
fn at_eighty_by_twenty_four_and_smaller_nothing_that_matters_is_missing() {
    for set in GlyphSet::ALL {
        for (width, height) in [(80, 24), (60, 16), (70, 20), (120, 40), (200, 50)] {
            let mut stage = stage(jam(60));
            stage.glyphs = set.glyphs();
            let text = stage.text(width, height);
            for words in ["stopped by itself?", "sessions wait", "oldest wait", "ALTER TABLE", "data  "] {
                assert!(text.contains(words), "{words:?} is missing at {width}x{height} in {set}:\n{text}");
            }
        }
    }
}

#[test]
fn the_demonstration_is_drawn_at_every_size() {
    for ms in [0, 2_000, 4_800, 8_000] {
        let mut stage = Stage::demo(ms, View::Cockpit);
        stage.ui.presenter = true;
        for set in GlyphSet::ALL {
            stage.glyphs = set.glyphs();
            for width in (55..210).step_by(13) {
                for height in (12..55).step_by(6) {
                    let _ = stage.lines(width, height);
                }
            }
        }
    }
}

#[test]
fn ages_keep_their_form() {
    let texts = [(0, "0.0s"), (345, "0.3s"), (42_000, "42s"), (126_000, "02:06"), (3_840_000, "1:04:00")];
    for (ms, text) in texts {
        assert_eq!(large_age(ms), text);
    }
}
