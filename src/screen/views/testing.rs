//! Scenes for tests of views, and what a terminal would show of them.
//!
//! Owns hand-made flights and the recorded one. Knows nothing of what a view should show.

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::engine::Cockpit;
use crate::engine::history::History;
use crate::engine::ids::{At, Pid};
use crate::engine::input::Input;
use crate::engine::locks::LockMode;
use crate::engine::sample::{DatabaseCounters, Progress, Sender, Slot, SlowFacts, State};
use crate::engine::settings::{Arming, Settings};
use crate::engine::story::{Story, armed};
use crate::engine::testing::{
    A, B, Look, USERS, Who, calm, client, forgotten_reader, jam, readers, server, waiting_alter,
};
use crate::literals::Table;
use crate::screen::action::Seat;
use crate::screen::glyphs::GlyphSet;
use crate::screen::keymap::Keymap;
use crate::screen::playback::Playback;
use crate::screen::shown::{Origin, Recording, Shown};
use crate::screen::theme::{ColourDepth, Theme};
use crate::screen::ui::{Row, Ui, View};

/// The end of the server's WAL in all scenes.
pub(in crate::screen) const WAL: u64 = 1 << 30;
const MB: u64 = 1 << 20;

/// A screen to be drawn.
pub(in crate::screen) struct Stage {
    pub(in crate::screen) cockpit: Cockpit,
    pub(in crate::screen) history: History,
    pub(in crate::screen) literals: Table,
    pub(in crate::screen) now: At,
    pub(in crate::screen) ui: Ui,
    pub(in crate::screen) seat: Seat,
    /// The flight now, where the display is frozen.
    pub(in crate::screen) frozen_of: Option<Cockpit>,
    pub(in crate::screen) is_joined: bool,
    glyphs: GlyphSet,
    theme: Theme,
    keymap: Keymap,
    recording: Recording,
}

impl Stage {
    /// A screen of this flight at `now`.
    pub(in crate::screen) fn of(cockpit: Cockpit, history: History, now: At) -> Stage {
        Stage {
            cockpit,
            history,
            literals: Table::default(),
            now,
            ui: Ui::default(),
            seat: Seat::Pilot,
            frozen_of: None,
            is_joined: false,
            glyphs: GlyphSet::Full,
            theme: Theme::standard(ColourDepth::None),
            keymap: Keymap::default(),
            recording: Recording::default(),
        }
    }

    /// The flight that looks came to, the last of them 0.2 s ago.
    pub(in crate::screen) fn after(settings: Settings, looks: Vec<(u64, Look)>) -> Stage {
        let mut story = Story::begin(settings);
        let mut history = History::default();
        let mut last = 0;
        for (ms, look) in looks {
            story.look(ms, look);
            history.observe(At::from_ms(ms), &story.cockpit);
            last = ms;
        }
        Stage::of(story.cockpit, history, At::from_ms(last + 200))
    }

    /// The recorded demonstration at `ms`.
    pub(in crate::screen) fn recorded(ms: u64) -> Stage {
        let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.flight");
        let mut playback = Playback::open(&log).expect("the recorded demonstration");
        playback.go(At::from_ms(ms)).expect("a place in it");
        let picture = playback.picture().clone();
        let mut stage = Stage::of(picture.cockpit, picture.history, playback.now());
        stage.seat = Seat::Replay;
        stage
    }

    /// The same screen, at another view.
    pub(in crate::screen) fn at(mut self, view: View) -> Stage {
        self.ui.view = view;
        self
    }

    /// The same screen with this row selected in the present pane.
    pub(in crate::screen) fn selected(mut self, row: Row) -> Stage {
        self.ui.select(&[row], 0);
        self
    }

    pub(in crate::screen) fn shown(&self) -> Shown<'_> {
        Shown {
            cockpit: &self.cockpit,
            live: self.frozen_of.as_ref().unwrap_or(&self.cockpit),
            history: &self.history,
            literals: &self.literals,
            now: self.now,
            origin: match self.is_joined {
                true => Origin::Joined(&self.recording),
                false => Origin::Live(&self.recording),
            },
            frozen_ms: self.frozen_of.is_some().then_some(0),
            seat: self.seat,
            may_detach: false,
            ui: &self.ui,
            theme: &self.theme,
            glyphs: self.glyphs.glyphs(),
            keymap: &self.keymap,
        }
    }

    /// The lines of a terminal of this size.
    pub(in crate::screen) fn lines(&self, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
        terminal
            .draw(|frame| {
                crate::screen::views::draw(frame, &self.shown());
            })
            .expect("a frame");
        let buffer = terminal.backend().buffer();
        (0..height)
            .map(|y| (0..width).map(|x| buffer.cell((x, y)).map_or(" ", |cell| cell.symbol())).collect())
            .collect()
    }

    /// The same in one text.
    pub(in crate::screen) fn text(&self, width: u16, height: u16) -> String {
        self.lines(width, height).join("\n")
    }

    /// Fails unless each of `wanted` is seen.
    #[track_caller]
    pub(in crate::screen) fn shows(&self, width: u16, height: u16, wanted: &[&str]) {
        let text = self.text(width, height);
        for wanted in wanted {
            assert!(text.contains(wanted), "{wanted:?} is missing in\n{text}");
        }
    }
}

/// A flight that was told nothing.
pub(in crate::screen) fn blank() -> Stage {
    Stage::of(Cockpit::default(), History::default(), At(0))
}

/// Connected, and not looked yet.
pub(in crate::screen) fn unlooked() -> Stage {
    Stage::after(armed(), Vec::new())
}

/// Nobody does anything.
pub(in crate::screen) fn quiet() -> Stage {
    Stage::after(Settings::default(), vec![(900, with_slow(calm(), |_| {}))])
}

/// The jam with so many readers, over its limits.
pub(in crate::screen) fn jammed(count: u32) -> Stage {
    let look = || with_slow(jam(count), |_| {});
    Stage::after(armed(), vec![(900, calm()), (1_000, look()), (1_100, look()), (1_300, look())])
}

/// The jam, which nobody does anything about.
pub(in crate::screen) fn watched(count: u32) -> Stage {
    let look = || with_slow(jam(count), |_| {});
    Stage::after(Settings::default(), vec![(900, calm()), (1_000, look()), (1_300, look())])
}

/// The jam, as a login without rights sees it.
pub(in crate::screen) fn masked() -> Stage {
    let look = calm()
        .with(forgotten_reader().masked())
        .with(waiting_alter().masked())
        .with_all(readers(9, B).map(Who::masked));
    let look = with_slow(look, |slow| {
        slow.senders = vec![Sender { state: None, sync_state: None, ..standby(1, "walreceiver", 0) }];
        for sender in &mut slow.senders {
            (sender.sent_lsn, sender.write_lsn, sender.flush_lsn, sender.replay_lsn) =
                (None, None, None, None);
            sender.reply_time = None;
        }
        slow.progress = vec![Progress {
            phase: None,
            locker_pid: None,
            lockers: None,
            done: None,
            total: None,
            unit: None,
            ..build(0, 0)
        }];
    });
    Stage::after(Settings::default(), vec![(1_000, look)])
}

/// An index is built in the presence of standbys and slots; names are as bad as they can be.
pub(in crate::screen) fn busy() -> Stage {
    let look = |done: u64, both: bool| {
        let who = client(B).app("\u{1b}[31mdeploy\u{202e}表").runs(3);
        let look = calm()
            .with(who.holds(LockMode::ShareUpdateExclusiveLock, USERS))
            .with(client(A).app("report-job").state(State::IdleInTransaction).statement_from(-120_000));
        with_slow(look, |slow| {
            slow.senders = vec![standby(1, "f1", 0), standby(2, "twin", 134 * MB), standby(3, "twin", MB)];
            if both {
                slow.senders.push(standby(4, "gone\u{7}", 0));
            }
            slow.slots = vec![slot("s\u{1b}1", true, MB), slot("left_behind", false, 9_000 * MB)];
            slow.progress = vec![build(done, 1_000), Progress { pid: A, ..build(1_640, 1_000) }];
        })
    };
    Stage::after(
        Settings { arming: Arming::Armed, ..Settings::default() },
        vec![(1_000, look(100, true)), (3_000, look(500, false)), (4_000, look(610, false))],
    )
}

/// The jam, long after facts have stopped coming.
pub(in crate::screen) fn blinded() -> Stage {
    let mut stage = jammed(3);
    stage.cockpit.handle(At::from_ms(5_000), Input::Tick);
    stage.history.observe(At::from_ms(5_000), &stage.cockpit);
    stage.now = At::from_ms(9_000);
    stage
}

/// What is read once a second, changed.
pub(in crate::screen) fn with_slow(mut look: Look, change: impl FnOnce(&mut SlowFacts)) -> Look {
    let mut slow = SlowFacts {
        in_recovery: false,
        checkpointer_start: None,
        wal_lsn: Some(WAL * 16),
        senders: Vec::new(),
        slots: Vec::new(),
        progress: Vec::new(),
        counters: DatabaseCounters::default(),
    };
    change(&mut slow);
    look.0.slow = Some(Box::new(slow));
    look
}

/// A standby so many bytes behind.
pub(in crate::screen) fn standby(pid: i32, name: &str, behind: u64) -> Sender {
    let wal = WAL * 16;
    Sender {
        pid: Pid(pid),
        application: name.to_owned(),
        state: Some("streaming".to_owned()),
        sync_state: Some("async".to_owned()),
        sent_lsn: Some(wal),
        write_lsn: Some(wal - behind / 2),
        flush_lsn: Some(wal - behind / 2),
        replay_lsn: Some(wal - behind),
        write_lag_us: None,
        flush_lag_us: None,
        replay_lag_us: None,
        reply_time: Some(server(900)),
    }
}

/// A slot that keeps so many bytes.
pub(in crate::screen) fn slot(name: &str, active: bool, kept: u64) -> Slot {
    Slot {
        name: name.to_owned(),
        logical: false,
        active,
        restart_lsn: Some(WAL * 16 - kept),
        wal_status: Some("reserved".to_owned()),
    }
}

/// An index that is built.
pub(in crate::screen) fn build(done: u64, total: u64) -> Progress {
    Progress {
        pid: B,
        command: "CREATE INDEX CONCURRENTLY".to_owned(),
        relation: Some(USERS),
        phase: Some("building index: loading tuples".to_owned()),
        locker_pid: Some(A),
        lockers: Some((1, 3)),
        done: Some(done),
        total: Some(total),
        unit: Some("tuples".to_owned()),
    }
}
