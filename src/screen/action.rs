//! Everything a key can do, each declared once.
//!
//! Owns names, words and default keys; bar, help, key file and documentation are made from this list. Whether an
//! action can be taken now, and why not, is answered here too. Never does anything.

use super::ui::{Ui, View};
use crate::engine::Cockpit;
use crate::engine::command::{ArmScope, Command};
use crate::engine::effect::Rung;
use crate::engine::ids::{Attempt, BackendId, Pid};
use crate::engine::sample::BackendKind;
use crate::engine::steps::{Course, Glance, PauseHow, Stage, Steps, Will};
use crate::engine::target::attempt_of;

/// Where an action stands in help and documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Between the screens.
    Screens,
    /// Within one.
    Moving,
    /// What is shown, and how.
    Showing,
    /// What the flight does.
    Flying,
    /// The replay.
    Replaying,
}

impl Group {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Screens => "Screens",
            Group::Moving => "Moving",
            Group::Showing => "Showing",
            Group::Flying => "Flying",
            Group::Replaying => "In a replay",
        }
    }
}

/// What is said about an action.
#[derive(Debug)]
pub struct Spec {
    /// Which.
    pub action: Action,
    /// Its name in the key file, and behind `:`.
    pub name: &'static str,
    /// One or two words for the bar.
    pub short: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// The keys unless the key file says otherwise.
    pub keys: &'static [&'static str],
    /// Its group.
    pub group: Group,
}

macro_rules! specs {
    ($($action:ident $group:ident $name:literal $short:literal [$($key:literal)*] $doc:literal)*) => {
        /// Something a key does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $doc] $action),*
        }

        /// Every action, in the order of help and documentation.
        pub const SPECS: &[Spec] = &[$(Spec {
            action: Action::$action,
            name: $name,
            short: $short,
            doc: $doc,
            keys: &[$($key),*],
            group: Group::$group,
        }),*];
    };
}

specs! {
    Cockpit Screens "cockpit" "cockpit" ["1"] "The cockpit: plan or target, lock tree, guardrails, replication, timeline."
    Activity Screens "activity" "activity" ["2"] "All sessions that are not idle."
    Locks Screens "locks" "locks" ["3"] "Who waits for whom, as a tree, with modes and relations."
    Replication Screens "replication" "replication" ["4"] "Standbys and slots."
    Progress Screens "progress" "progress" ["5"] "Commands that report progress, and what is known of those that do not."
    Guardrails Screens "guardrails" "guardrails" ["6"] "Each rule with its plot, its limit and its last decisions."
    Timeline Screens "timeline" "timeline" ["7"] "What happened, in order."
    Help Screens "help" "help" ["?" "f1"] "This help."
    Up Moving "up" "up" ["up" "k"] "One line up."
    Down Moving "down" "down" ["down" "j"] "One line down."
    Left Moving "left" "left" ["left" "h"] "To the left; in a replay: one sample back."
    Right Moving "right" "right" ["right" "l"] "To the right; in a replay: one sample on."
    PageUp Moving "page-up" "page up" ["pageup" "ctrl-b"] "One page up."
    PageDown Moving "page-down" "page down" ["pagedown" "ctrl-f"] "One page down."
    First Moving "first" "first" ["home" "g"] "To the first line."
    Last Moving "last" "last" ["end" "G"] "To the last line."
    NextPane Moving "next-pane" "pane" ["tab"] "To the next pane of this screen."
    Details Moving "details" "details" ["enter"] "Everything about what is selected."
    Back Moving "back" "back" ["esc"] "Close what is open; clear filter and selection."
    Filter Showing "filter" "filter" ["/"] "Show only lines that contain this text."
    Sort Showing "sort" "sort" ["s"] "Sort by the next column."
    Reverse Showing "reverse" "reverse" ["S"] "Sort the other way round."
    Freeze Showing "freeze" "freeze" ["space"] "Freeze this display; the guard runs on."
    WhatIf Showing "what-if" "what if" ["w"] "What stopping would do, and what waiting would do."
    Presenter Showing "presenter" "presenter" ["P"] "For a shared screen: large, names masked."
    CommandLine Showing "command" "command" [":"] "Type a command."
    Copy Showing "copy" "copy" ["y"] "Copy the selected line to the clipboard of the terminal."
    Redraw Showing "redraw" "redraw" ["ctrl-l"] "Draw everything anew."
    Abort Flying "abort" "abort" ["a"] "Stop the plan, or the target where there is none; shows the cost first."
    Arm Flying "arm" "arm" ["A"] "Arm the guard on the target's session."
    Disarm Flying "disarm" "disarm" ["D"] "Disarm at once."
    Pause Flying "pause" "pause" ["p"] "Hold the plan, or go on; while a statement runs, asks what becomes of it."
    OpenGate Flying "open-gate" "open gate" ["o"] "Open the gate that waits, by typing its step's name."
    Undo Flying "undo" "undo" ["u"] "Undo the last step that is done; shows its statements first."
    CleanUp Flying "clean-up" "clean up" ["x"] "Run the clean-up that is offered; shows its statement first."
    Cancel Flying "cancel" "cancel" ["C"] "Cancel the statement of the selected backend."
    Terminate Flying "terminate" "terminate" ["K"] "Terminate the session of the selected backend."
    Follow Flying "follow" "follow" ["f"] "Make the selected backend the target."
    Mark Flying "mark" "mark" ["m"] "Put a remark on the timeline."
    TakeStick Flying "take" "take stick" ["T"] "Take the stick: from now on this screen commands the flight."
    Quit Flying "quit" "quit" ["q" "ctrl-c"] "Leave; asks what becomes of the flight."
    Suspend Flying "suspend" "suspend" ["ctrl-z"] "Suspend lockpit and return to the shell; refused while armed."
    Play Replaying "play" "play" [] "Play or pause (the key of freeze, in a replay)."
    StepBack Replaying "step-back" "sample back" [] "One sample back (the key of left)."
    StepOn Replaying "step-on" "sample on" [] "One sample on (the key of right)."
    EventBack Replaying "event-back" "event back" ["["] "To the event before."
    EventOn Replaying "event-on" "event on" ["]"] "To the next event."
    Faster Replaying "faster" "faster" ["+" "="] "Play faster."
    Slower Replaying "slower" "slower" ["-"] "Play slower."
}

/// What is said about `action`.
pub fn spec(action: Action) -> &'static Spec {
    let found = SPECS.iter().find(|spec| spec.action == action);
    found.expect("every action is declared")
}

/// The action called `name`.
pub fn by_name(name: &str) -> Option<Action> {
    SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.action)
}

/// Whether an action can be taken now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Available {
    /// It can.
    Yes,
    /// It cannot, and why, for people.
    No(String),
}

impl Available {
    fn no(why: impl Into<String>) -> Available {
        Available::No(why.into())
    }

    fn only_if(condition: bool, why: &str) -> Available {
        if condition { Available::Yes } else { Available::no(why) }
    }
}

/// How a screen stands to its flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// It commands.
    Pilot,
    /// It looks on: somebody else has the stick.
    Observer,
    /// Nothing can be commanded: this is a replay.
    Replay,
    /// Nothing can be commanded any more: the flight is over.
    Landed,
    /// Nothing can be commanded from here: it was opened to look only.
    ReadOnly,
}

/// What availability depends on.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The flight as it is now, even while the display is frozen.
    pub cockpit: &'a Cockpit,
    /// The state of the display.
    pub ui: &'a Ui,
    /// Who may command.
    pub seat: Seat,
    /// The backend that is selected.
    pub selected: Option<BackendId>,
    /// What is selected is not among the lines that are shown.
    pub is_hidden: bool,
    /// The display shows an earlier moment.
    pub is_frozen: bool,
    /// The flight flies in the process of this screen, and stops with it.
    pub flies_here: bool,
    /// It can be had by leaving: detaching needs a process of the flight's own.
    pub may_detach: bool,
}

impl Context<'_> {
    /// The backend that the step at hand waits for, before it asks for its locks.
    pub fn in_the_way(&self) -> Option<BackendId> {
        let steps = self.plan()?;
        let state = steps.at_hand().filter(|state| state.stage == Stage::Acquiring)?;
        let is_seen = matches!(steps.glance(), Glance::Trying { .. });
        let (_, look) = state.look.as_deref().filter(|_| !is_seen)?;
        Some(look.holders.first().filter(|holder| holder.gid.is_none())?.backend)
    }

    /// What the backend to be stopped is at: the selected one, or the one in the way where none is.
    fn whom_to_stop(&self) -> Result<Attempt, String> {
        let selected = self.selected.or_else(|| self.in_the_way());
        Context { selected, ..*self }.attempt()
    }

    /// What the selected backend is at, when it is still there.
    pub fn attempt(&self) -> Result<Attempt, String> {
        let selected = self.selected.ok_or("no backend is selected")?;
        if self.is_hidden {
            return Err("the selected backend is not among the lines shown".to_owned());
        }
        if selected.pid == Pid::PREPARED {
            return Err("a prepared transaction has no process: ROLLBACK PREPARED ends it".to_owned());
        }
        let sample = self.cockpit.sample().ok_or("there is no sample yet")?;
        let backend = sample.backend(selected.pid).filter(|backend| backend.id() == selected);
        let backend = backend.ok_or_else(|| format!("pid {} is gone, or idle now", selected.pid))?;
        if backend.kind == BackendKind::Lockpit {
            return Err("that is one of lockpit's own sessions".to_owned());
        }
        Ok(attempt_of(backend))
    }

    /// The order that `action` gives, when it gives one and can be taken.
    pub fn command(&self, action: Action) -> Result<Command, String> {
        let command = match action {
            Action::Abort if self.plan().is_some_and(|it| !it.course().is_over() || it.way().is_some()) => {
                Command::Plan(Will::Abort)
            }
            Action::Pause => Command::Plan(match self.flown()?.course() {
                Course::Held { .. } | Course::Halted { .. } => Will::Resume,
                _ => Will::Pause { how: PauseHow::Finish },
            }),
            Action::Undo => {
                let last = self.flown()?.last_done().ok_or("no step is done")?;
                Command::Plan(Will::Undo { step: last.id.clone() })
            }
            Action::CleanUp => {
                let next = self.flown()?.next_offer();
                let (number, _) = next.ok_or("nothing is left to be cleaned up")?;
                Command::Plan(Will::CleanUp { number })
            }
            Action::OpenGate => {
                let (step, _) = self.flown()?.question().ok_or("no gate waits for a person")?;
                Command::Plan(Will::Answer { typed: step.id.clone(), person: String::new() })
            }
            Action::Abort => {
                let target = self.cockpit.target().ok_or("nothing is under guard")?;
                Command::Abort { attempt: target.attempt }
            }
            Action::Arm => {
                let target = self.cockpit.target().ok_or("nothing is under guard that could be armed on")?;
                Command::Arm { scope: ArmScope::Session(target.attempt.backend), for_ms: None, on_trip: None }
            }
            Action::Disarm => Command::Disarm,
            Action::Cancel => Command::Stop { attempt: self.whom_to_stop()?, rung: Rung::Cancel },
            Action::Terminate => Command::Stop { attempt: self.whom_to_stop()?, rung: Rung::Terminate },
            Action::Follow => Command::Follow { backend: self.attempt()?.backend },
            Action::Mark => Command::Mark { note: String::new() },
            _ => return Err("this gives no order".to_owned()),
        };
        self.may(&command)?;
        Ok(command)
    }

    /// The plan that is flown, if there is one.
    fn plan(&self) -> Option<&Steps> {
        self.cockpit.steps()
    }

    fn flown(&self) -> Result<&Steps, String> {
        let none = "somebody else runs this migration: there is no step of ours";
        self.plan().ok_or_else(|| none.to_owned())
    }

    /// Whether this screen may give `command` now.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, command: &Command) -> Result<(), String> {
        self.may_command()?;
        let is_aimed = match command {
            Command::Plan(will) => !matches!(will, Will::Pause { .. } | Will::Resume),
            Command::Arm { .. } | Command::Follow { .. } | Command::Abort { .. } | Command::Stop { .. } => {
                true
            }
            _ => false,
        };
        if self.is_frozen && is_aimed {
            return Err("the display is frozen, and this may not be so any more: thaw it first".to_owned());
        }
        self.cockpit.may(command)
    }

    /// Whether this screen commands the flight.
    ///
    /// # Errors
    /// Why not.
    pub fn may_command(&self) -> Result<(), String> {
        match self.seat {
            Seat::Pilot => Ok(()),
            Seat::Observer => Err("this screen looks on: T takes the stick".to_owned()),
            Seat::Replay => Err("a replay is read-only: this has happened".to_owned()),
            Seat::Landed => Err("the flight is over".to_owned()),
            Seat::ReadOnly => Err("this screen only looks on: it was opened with --read-only".to_owned()),
        }
    }
}

/// Whether `action` can be taken now, and why not.
pub fn available(action: Action, context: &Context<'_>) -> Available {
    let in_replay = context.seat == Seat::Replay;
    match action {
        Action::Abort
        | Action::Arm
        | Action::Disarm
        | Action::Cancel
        | Action::Terminate
        | Action::Follow
        | Action::Pause
        | Action::OpenGate
        | Action::Undo
        | Action::CleanUp
        | Action::Mark => match context.command(action) {
            Ok(_) => Available::Yes,
            Err(why) => Available::No(why),
        },
        Action::TakeStick => match context.seat {
            Seat::Observer => Available::Yes,
            Seat::Pilot => Available::no("this screen has the stick"),
            Seat::Replay | Seat::Landed => Available::no("there is no flight in the air to command"),
            Seat::ReadOnly => Available::no("this screen was opened with --read-only"),
        },
        Action::WhatIf => Available::only_if(
            context.selected.is_some() || context.cockpit.target().is_some(),
            "nothing is selected, and nothing is under guard",
        ),
        Action::Details | Action::Copy => {
            Available::only_if(context.ui.selected().is_some(), "nothing is selected")
        }
        Action::Sort | Action::Reverse => {
            Available::only_if(context.ui.view == View::Activity, "only the activity is sorted")
        }
        Action::Play
        | Action::StepBack
        | Action::StepOn
        | Action::EventBack
        | Action::EventOn
        | Action::Faster
        | Action::Slower => Available::only_if(in_replay, "this is no replay"),
        Action::Suspend => {
            let is_guard = context.flies_here && context.cockpit.is_guarding();
            Available::only_if(!is_guard, "the guard is armed, and would be suspended too")
        }
        Action::Freeze => Available::only_if(!in_replay, "in a replay this key plays and pauses"),
        Action::Back => Available::only_if(
            context.ui.popup.is_some() || context.ui.has_something_to_close(),
            "nothing is open",
        ),
        _ => Available::Yes,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_sentences_end() {
        let names: BTreeSet<&str> = SPECS.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), SPECS.len());
        for spec in SPECS {
            assert!(spec.doc.ends_with('.') || spec.doc.ends_with(')'), "{}", spec.doc);
            assert_eq!(by_name(spec.name), Some(spec.action));
        }
    }
}
