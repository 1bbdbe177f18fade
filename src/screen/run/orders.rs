//! What the loop does about an order.
//!
//! Owns the ways out of the display: to the pilot, to the playback, to the terminal. Decides nothing.

use std::thread;
use std::time::Duration;

use super::{Frozen, Left, Running};
use crate::replay::ReplayError;
use crate::screen::glyphs::GlyphSet;
use crate::screen::playback::Found;
use crate::screen::run::ScreenError;
use crate::screen::source::Source;
use crate::screen::theme::Theme;
use crate::screen::ui::Loudness;
use crate::screen::update::{Order, Play};
use crate::screen::views;

/// How long the kernel has to stop every thread of this process.
const STOPPING: Duration = Duration::from_millis(50);

impl Running {
    pub(super) fn carry_out(&mut self, order: Order) -> Result<Option<Left>, ScreenError> {
        let now_ms = self.now_ms();
        match order {
            Order::Leave(leave) => return Ok(Some(Left::Operator(leave))),
            Order::Command(command) => {
                if let Some(pilot) = &self.screen.pilot {
                    pilot.command(command);
                }
            }
            Order::TakeStick => {
                if let Some(pilot) = &self.screen.pilot {
                    pilot.take_stick();
                }
            }
            Order::Copy(row) => {
                let text = views::line(&self.shown(&self.ui), &row);
                match self.surface.copy(&text) {
                    true => self.ui.say(now_ms, Loudness::Info, format!("copied: {text}")),
                    false => self.ui.say(now_ms, Loudness::Warning, "not copied: the terminal takes nothing"),
                }
            }
            Order::Redraw => self.surface.forget(),
            Order::Freeze => {
                let thawed = self.frozen.take();
                if thawed.is_none() {
                    let (picture, now) = (self.screen.source.picture().clone(), self.screen.source.now());
                    self.frozen = Some(Box::new(Frozen { picture, now, since_ms: now_ms }));
                }
            }
            Order::Theme(name) => {
                let looks = &mut self.screen.looks;
                match Theme::load(&name, looks.themes.as_deref(), looks.depth) {
                    Ok(theme) => {
                        looks.theme = theme;
                        self.surface.forget();
                    }
                    Err(error) => self.ui.say(now_ms, Loudness::Warning, error.to_string()),
                }
            }
            Order::Glyphs(name) => match name.parse::<GlyphSet>() {
                Ok(set) => self.screen.looks.glyphs = set.glyphs(),
                Err(why) => self.ui.say(now_ms, Loudness::Warning, why.to_string()),
            },
            Order::Play(play) => self.play(play)?,
            Order::Suspend => self.suspend(),
        }
        Ok(None)
    }

    fn play(&mut self, play: Play) -> Result<(), ReplayError> {
        let now_ms = self.now_ms();
        let Source::Replay(playback) = &mut self.screen.source else { return Ok(()) };
        match play {
            Play::Toggle => playback.toggle(),
            Play::Sample { on } => playback.step_sample(on),
            Play::Event { on } => {
                let (loudness, text) = match playback.step_event(on)? {
                    Found::Marker(marker) => (Loudness::Info, marker.text),
                    Found::Nowhere => (Loudness::Info, "no more events this way".to_owned()),
                    Found::Unknown(why) => (Loudness::Warning, format!("the next event is not known: {why}")),
                };
                self.ui.say(now_ms, loudness, text);
                Ok(())
            }
            Play::Speed { up } => {
                playback.faster(up);
                Ok(())
            }
            Play::SetSpeed(percent) => {
                playback.set_speed(percent);
                Ok(())
            }
            Play::Go(at) => playback.go(at),
        }
    }

    /// Gives the terminal back and stops this process until the shell wakes it.
    fn suspend(&mut self) {
        // The first process of a session has nobody who would wake it.
        if rustix::process::getsid(None).is_ok_and(|leader| leader == rustix::process::getpgrp()) {
            self.ui.say(self.now_ms(), Loudness::Warning, "suspend: there is no shell to return to");
            return;
        }
        self.surface.leave();
        // The whole job, as the key would have done outside raw mode.
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
        // The kernel may stop another thread first: this one must not take the terminal before it was stopped.
        thread::sleep(STOPPING);
        if self.surface.enter_again().is_ok() {
            self.urgent = true;
        }
    }
}
