//! Commands from their text: behind a colon on a screen, or from a script.
//!
//! Owns the words. A pid is looked up in the last sample, so that the command names whoever has it there; what
//! is ambiguous or absent is an error that says what is known.

use super::{ArmScope, Command};
use crate::engine::Cockpit;
use crate::engine::duration::duration_ms;
use crate::engine::effect::Rung;
use crate::engine::guard::{RULES, Unit};
use crate::engine::ids::{Attempt, Pid};
use crate::engine::near::is_near;
use crate::engine::settings::{OnTrip, Selector};
use crate::engine::steps::{PauseHow, Will};
use crate::engine::target::attempt_of;

impl Command {
    /// Every word a command can begin with, and how it goes on.
    pub const WORDS: [(&str, &str); 15] = [
        ("arm", "[pid N | as-at-start] [DURATION] [auto | cancel | terminate]"),
        ("disarm", ""),
        ("abort", "[plan | pid N]"),
        ("cancel", "[pid N]"),
        ("terminate", "[pid N]"),
        ("follow", "[pid N | auto]"),
        ("limit", "NAME N [DURATION]"),
        ("pause", "[now | after]"),
        ("resume", ""),
        ("skip", "STEP [ITEM]"),
        ("undo", "[STEP]"),
        ("answer", "STEP"),
        ("cleanup", "N"),
        ("mark", "TEXT"),
        ("end", "[REASON]"),
    ];

    /// Reads a command. A pid is whoever has it in the last sample of `cockpit`; without one, `selected` is
    /// meant, and for `abort` the plan that is flown, else the target. Who answers a gate is not in the text: whoever
    /// takes it in knows.
    ///
    /// # Errors
    /// A sentence for people: what is not understood, or who is not known.
    pub fn parse(text: &str, cockpit: &Cockpit, selected: Option<&Attempt>) -> Result<Command, String> {
        let text = text.trim().trim_start_matches(':').trim_start();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let mut args = Args { words: rest.split_whitespace().collect(), cockpit, selected };
        let command = match word {
            "disarm" => Command::Disarm,
            "mark" if rest.is_empty() => return Err("mark what? write mark TEXT".to_owned()),
            "mark" => return Ok(Command::Mark { note: rest.to_owned() }),
            "end" => {
                let reason = if rest.is_empty() { "ended by the operator" } else { rest };
                return Ok(Command::End { reason: reason.to_owned() });
            }
            "arm" => args.arm()?,
            "abort" => args.abort()?,
            "cancel" => Command::Stop { attempt: args.attempt("cancel")?, rung: Rung::Cancel },
            "terminate" => Command::Stop { attempt: args.attempt("terminate")?, rung: Rung::Terminate },
            "follow" if args.takes("auto") => Command::FollowAuto,
            "follow" => Command::Follow { backend: args.attempt("follow")?.backend },
            "limit" => args.limit()?,
            "pause" => Command::Plan(Will::Pause { how: args.pause_how()? }),
            "resume" => Command::Plan(Will::Resume),
            "skip" => Command::Plan(Will::Skip { step: args.step("skip")?, item: args.rest() }),
            "undo" => Command::Plan(Will::Undo { step: args.undone()? }),
            "answer" => Command::Plan(Will::Answer { typed: args.step("answer")?, person: String::new() }),
            "cleanup" => Command::Plan(Will::CleanUp { number: args.number()? }),
            other => return Err(unknown("command", other, &Command::WORDS.map(|(word, _)| word))),
        };
        match args.words.first() {
            None => Ok(command),
            Some(extra) => Err(format!("'{extra}' is not understood: write {}", usage(word))),
        }
    }
}

/// What follows the first word.
struct Args<'a> {
    words: Vec<&'a str>,
    cockpit: &'a Cockpit,
    selected: Option<&'a Attempt>,
}

impl<'a> Args<'a> {
    fn next(&mut self) -> Option<&'a str> {
        if self.words.is_empty() { None } else { Some(self.words.remove(0)) }
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.words.first() == Some(&word);
        if is_next {
            self.words.remove(0);
        }
        is_next
    }

    /// `pid 7`, `pid=7` or `7`.
    fn pid(&mut self) -> Result<Option<Pid>, String> {
        let is_named = self.takes("pid");
        let Some(&word) = self.words.first() else {
            return if is_named { Err("pid of whom? write pid N".to_owned()) } else { Ok(None) };
        };
        let digits = word.strip_prefix("pid=");
        let is_pid = is_named || digits.is_some() || word.bytes().all(|byte| byte.is_ascii_digit());
        if !is_pid {
            return Ok(None);
        }
        self.words.remove(0);
        let digits = digits.unwrap_or(word);
        let pid = digits.parse().ok().filter(|pid| *pid > 0);
        pid.map(|pid| Some(Pid(pid))).ok_or_else(|| format!("'{digits}' is not a process id"))
    }

    /// Who is named, or else selected.
    fn attempt(&mut self, verb: &str) -> Result<Attempt, String> {
        match (self.pid()?, self.words.first()) {
            (Some(pid), _) => self.find(pid),
            (None, None) => self
                .selected
                .copied()
                .ok_or_else(|| format!("{verb} whom? select a session, or write {verb} pid N")),
            (None, Some(word)) => Err(format!("'{word}' is not a process id")),
        }
    }

    /// The attempt under guard; a pid only makes sure that it is meant.
    fn target(&mut self) -> Result<Attempt, String> {
        let named = self.pid()?;
        let target = self.cockpit.target().ok_or("nothing is under guard")?;
        match named.filter(|pid| *pid != target.pid()) {
            Some(pid) => Err(format!("pid {pid} is not under guard, pid {} is", target.pid())),
            None => Ok(target.attempt),
        }
    }

    /// The plan that is flown, unless a session is named; without a plan the target.
    fn abort(&mut self) -> Result<Command, String> {
        let has_plan = self.cockpit.steps().is_some();
        if self.takes("plan") || (has_plan && self.words.is_empty()) {
            return Ok(Command::Plan(Will::Abort));
        }
        Ok(Command::Abort { attempt: self.target()? })
    }

    /// Unless it is said, nothing is cancelled.
    fn pause_how(&mut self) -> Result<PauseHow, String> {
        match self.next() {
            None | Some("after") => Ok(PauseHow::Finish),
            Some("now") => Ok(PauseHow::Cancel),
            Some(other) => Err(format!("'{other}' is not understood: write {}", usage("pause"))),
        }
    }

    /// The step that is named. Whether the plan has it is asked with everything else that may be in the way.
    fn step(&mut self, verb: &str) -> Result<String, String> {
        self.next().map(str::to_owned).ok_or_else(|| format!("{verb} which step? write {}", usage(verb)))
    }

    /// All that is left: a name may have blanks.
    fn rest(&mut self) -> Option<String> {
        let words = std::mem::take(&mut self.words);
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// The step that is named, else the last one that is done.
    fn undone(&mut self) -> Result<String, String> {
        if let Some(step) = self.next() {
            return Ok(step.to_owned());
        }
        let last = self.cockpit.steps().and_then(|steps| steps.last_done());
        last.map(|step| step.id.clone())
            .ok_or_else(|| format!("undo which step? none is done; write {}", usage("undo")))
    }

    fn number(&mut self) -> Result<u32, String> {
        let Some(word) = self.next() else { return Err(format!("write {}", usage("cleanup"))) };
        word.parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| format!("'{word}' is no number of a clean-up: they are numbered from 1"))
    }

    fn arm(&mut self) -> Result<Command, String> {
        let scope = match (self.takes("as-at-start"), self.pid()?) {
            (true, _) => ArmScope::AsAtStart,
            (false, Some(pid)) => ArmScope::Session(self.find(pid)?.backend),
            (false, None) => self.whom_to_arm()?,
        };
        let for_ms = self.duration()?;
        let on_trip = self.next().map(|word| match word {
            "auto" => Ok(OnTrip::Auto),
            "cancel" => Ok(OnTrip::Cancel),
            "terminate" => Ok(OnTrip::Terminate),
            other => match other.strip_prefix("signal:").and_then(|pid| pid.parse().ok()) {
                Some(pid) => Ok(OnTrip::Signal(pid)),
                None => Err(format!("'{other}' is not understood: write {}", usage("arm"))),
            },
        });
        Ok(Command::Arm { scope, for_ms, on_trip: on_trip.transpose()? })
    }

    /// Who is selected; else the selector of the start, where that may be armed; else the target.
    fn whom_to_arm(&self) -> Result<ArmScope, String> {
        let selector = self.cockpit.flight().map(|begin| &begin.settings.target);
        let target = self.cockpit.target().map(|target| target.attempt);
        match (self.selected, selector) {
            (Some(selected), _) => Ok(ArmScope::Session(selected.backend)),
            (None, None | Some(Selector::Auto)) => match target {
                Some(attempt) => Ok(ArmScope::Session(attempt.backend)),
                None => Err("arm on whom? select a session, or write arm pid N".to_owned()),
            },
            (None, Some(_)) => Ok(ArmScope::AsAtStart),
        }
    }

    fn limit(&mut self) -> Result<Command, String> {
        let (Some(guardrail), Some(limit)) = (self.next(), self.next()) else {
            return Err(format!("write {}", usage("limit")));
        };
        let Some((_, unit)) = RULES.iter().find(|(name, _)| *name == guardrail) else {
            return Err(unknown("guardrail", guardrail, &RULES.map(|(name, _)| name)));
        };
        let limit = match (unit, limit.parse()) {
            (_, Ok(limit)) => limit,
            (Unit::Milliseconds, Err(_)) => duration_ms(limit)?,
            (Unit::Sessions, Err(_)) => return Err(format!("'{limit}' is not a number of sessions")),
        };
        let for_ms = self.duration()?;
        Ok(Command::Limit { guardrail: guardrail.to_owned(), limit, for_ms })
    }

    /// A duration, where the next word begins like one.
    fn duration(&mut self) -> Result<Option<u64>, String> {
        let is_next = self.words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        if is_next { self.next().map(duration_ms).transpose() } else { Ok(None) }
    }

    /// Whoever has that pid in the last sample.
    fn find(&self, pid: Pid) -> Result<Attempt, String> {
        let Some(sample) = self.cockpit.sample() else {
            return Err("there is no sample yet: nobody is known".to_owned());
        };
        let mut found = sample.backends.iter().filter(|backend| backend.pid == pid);
        match (found.next(), found.next()) {
            (Some(backend), None) => Ok(attempt_of(backend)),
            (Some(_), Some(_)) => Err(format!("pid {pid} is in the last sample more than once")),
            (None, _) => Err(format!(
                "pid {pid} is not among the {} sessions of the last sample, which shows those at work and \
                 those that hold or await locks",
                sample.backends.len()
            )),
        }
    }
}

fn usage(word: &str) -> String {
    let rest = Command::WORDS.iter().find(|(known, _)| *known == word).map_or("", |(_, rest)| rest);
    format!("{word} {rest}").trim_end().to_owned()
}

/// An error with the words that were probably meant, or else all of them.
fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let near: Vec<&str> = known.iter().copied().filter(|known| is_near(word, known)).collect();
    let hint = if near.is_empty() {
        format!("there are {}", known.join(", "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    format!("there is no {what} '{word}': {hint}")
}
