//! One log, heard from its beginning to its end.
//!
//! Owns when the recorded world and the judged one are the same, and the hours that count. See [`super`] for the rule.

use std::path::Path;

use super::Question;
use super::case::Case;
use super::trial::{Trial, Tripped};
use super::verdict::{By, LimitValues, LogVerdict, Missing, Parted};
use crate::engine::Cockpit;
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::{Command, Input, Outcome, WatchdogNews};
use crate::engine::settings::Arming;
use crate::engine::timeline::{Event, Fate};
use crate::export;
use crate::log::{Ending, Head};
use crate::replay::{Replay, ReplayError, Step};

/// Facts are missing when the next sample comes later than this many intervals, and than [`LATE_MS`].
const LATE_INTERVALS: u64 = 3;
const LATE_MS: u64 = 750;

// Why the recording does not apply any more.
const STOPPED: &str = "the recorded stop changed the world, and these limits had not acted: what would have come \
                       after it is unknown";
const WENT_THROUGH: &str =
    "these limits would have stopped what came to its end in the recording: the recording no longer applies";
const FATE_UNKNOWN: &str =
    "what became of what these limits would have stopped is not known: the recording no longer applies";
const FATE_MISSING: &str =
    "the recording lacks what became of what these limits would have stopped: it no longer applies";
const NOT_JUDGED: &str = "the recording, or these limits, acted on a try that could not be judged: what would have \
                          come after it is unknown";

/// Hears the log at `path`.
pub(super) fn hear(path: &Path, question: &Question) -> LogVerdict {
    let mut hearing = Hearing::new(path, question);
    if let Err(error) = hearing.run(path) {
        hearing.verdict.error = Some(error.to_string());
    }
    hearing.close()
}

/// Whether the recording shows the world that is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Worlds {
    /// It does.
    Same,
    /// Not now: the limits in question have tripped, and what became of that try is not known yet.
    Apart(At),
    /// It will not any more.
    Parted,
}

struct Hearing<'a> {
    question: &'a Question,
    judged: Trial,
    own: Trial,
    worlds: Worlds,
    /// The try under guard.
    case: Option<Case>,
    /// Those that are not under guard any more, of which more may be told.
    past: Vec<Case>,
    told: u64,
    /// The last full sample, unless facts are missing since; and how late the next one may be, in milliseconds.
    seen: Option<(At, u64)>,
    at: At,
    recorded_us: u64,
    judged_us: u64,
    verdict: LogVerdict,
}

/// What one input was about, beside what the engine makes of it.
#[derive(Default)]
struct Turn {
    trip: Option<Tripped>,
    own_trip: Option<Tripped>,
    /// An operator ordered something to be stopped.
    ordered: Option<Option<String>>,
    watchdog_acted: bool,
}

impl<'a> Hearing<'a> {
    fn new(path: &Path, question: &'a Question) -> Hearing<'a> {
        Hearing {
            question,
            judged: Trial::new(Some(question.limits.clone()), question.keeps_overrides),
            own: Trial::new(None, true),
            worlds: Worlds::Same,
            case: None,
            past: Vec::new(),
            told: 0,
            seen: None,
            at: At::default(),
            recorded_us: 0,
            judged_us: 0,
            verdict: LogVerdict {
                log: path.display().to_string(),
                error: None,
                server: None,
                arming: None,
                recorded_limits: None,
                flight: None,
                cut: None,
                part: None,
                from_ms: 0,
                to_ms: 0,
                repeats: None,
                overrides: Vec::new(),
                rejudged: false,
                drifted: false,
                recorded_ms: 0,
                judged_ms: 0,
                gaps: Vec::new(),
                ending: None,
                is_damaged: false,
                parted: None,
                incidents: Vec::new(),
            },
        }
    }

    fn run(&mut self, path: &Path) -> Result<(), ReplayError> {
        let mut replay = Replay::open(path)?;
        self.name(replay.head());
        self.begin(&mut replay)?;
        loop {
            let mut turn = Turn::default();
            let (judged, own, overrides) = (&mut self.judged, &mut self.own, &mut self.verdict.overrides);
            let step = replay.step_along(&mut |at, input| {
                turn.trip = judged.take(at, input);
                turn.own_trip = own.take(at, input);
                match input {
                    Input::Command(request) => match &request.command {
                        Command::Abort { .. } | Command::Stop { .. } => {
                            turn.ordered = Some(request.by.clone());
                        }
                        limit @ Command::Limit { .. } => overrides.push(limit.to_string()),
                        _ => {}
                    },
                    Input::Outcome(Outcome::Watchdog { news: WatchdogNews::Acted(_), .. }) => {
                        turn.watchdog_acted = true;
                    }
                    _ => {}
                }
            })?;
            let Some(step) = step else { break };
            self.at = step.at();
            self.verdict.to_ms = self.at.ms();
            match step {
                Step::Turn { at, was_sample, drift } => {
                    self.verdict.rejudged = replay.is_rejudged();
                    self.verdict.drifted |= drift.is_some() && !replay.is_rejudged();
                    self.turn(at, was_sample, turn, &replay);
                }
                Step::Resumed { at, gap } => self.resume(at, gap.from, gap.why, replay.cockpit()),
                Step::StateDiffers { .. } => self.verdict.drifted = true,
            }
        }
        let ending = replay.ending()?;
        self.verdict.is_damaged = matches!(ending, Ending::Damaged(_));
        self.verdict.ending = Some(match ending {
            Ending::Complete => "complete".to_owned(),
            Ending::Torn { at_byte, .. } => format!("torn at byte {at_byte}: everything before is judged"),
            Ending::Damaged(damage) => {
                let rest = match damage.resumes_at {
                    Some(byte) => format!("readable again from byte {byte}"),
                    None => "nothing behind that place is readable".to_owned(),
                };
                format!("damaged or altered at byte {}; {rest}", damage.at_byte)
            }
        });
        Ok(())
    }

    /// Which flight it is, and how much of it the log has.
    fn name(&mut self, head: &Head) {
        self.verdict.flight = Some(head.flight.iter().map(|byte| format!("{byte:02x}")).collect());
        let Some(meta) = &head.meta else { return };
        self.verdict.cut = meta.cut.as_ref().map(export::words);
        self.verdict.part = meta.part.as_ref().map(|part| part.number);
    }

    /// A log that begins within a flight is heard from there, by engines that know what the flight knew.
    fn begin(&mut self, replay: &mut Replay) -> Result<(), ReplayError> {
        replay.begin()?;
        let at = replay.next_at()?.unwrap_or_default();
        self.verdict.from_ms = at.ms();
        self.verdict.to_ms = at.ms();
        if replay.cockpit().flight().is_some() {
            self.go_on(at, replay.cockpit());
        }
        Ok(())
    }

    fn turn(&mut self, at: At, was_sample: bool, turn: Turn, replay: &Replay) {
        let cockpit = replay.cockpit();
        if self.verdict.server.is_none() {
            self.introduce(cockpit);
        }
        if was_sample {
            self.count(at, cockpit);
        }
        let fresh: Vec<(At, Event)> = cockpit.timeline().since(self.told).cloned().collect();
        self.told = cockpit.timeline().total();
        let mut guardrail = None;
        let mut found = false;
        for (at, event) in &fresh {
            match event {
                Event::TargetFound(story) => {
                    self.leave(*at);
                    self.case = Some(Case::new(*at, story, self.worlds == Worlds::Same));
                    found = true;
                }
                Event::TargetEnded { target, fate } => {
                    if self.case.as_ref().is_some_and(|case| !found && case.is_of(&target.attempt)) {
                        self.leave(*at);
                    }
                    if let Some(case) = self.past.iter_mut().rev().find(|case| case.is_of(&target.attempt)) {
                        case.fate = Some(*fate);
                    }
                }
                Event::Trip { name, acted: true, .. } => guardrail = Some(name.clone()),
                Event::Gap { from, why, .. } => {
                    let gap = Missing { from_ms: from.ms(), to_ms: at.ms(), why: why.clone() };
                    self.verdict.gaps.push(gap);
                }
                _ => {}
            }
        }
        match (cockpit.target(), self.case.as_mut()) {
            (Some(target), Some(case)) if was_sample => case.observe(at, target),
            (None, Some(_)) => self.leave(at),
            _ => {}
        }
        self.act(at, turn, guardrail, replay);
        self.settle();
    }

    /// Who acts in this turn, in the recording and by the limits in question.
    fn act(&mut self, at: At, turn: Turn, guardrail: Option<String>, replay: &Replay) {
        let stops = replay.recorded().iter().filter_map(|effect| match effect {
            Effect::Stop { attempt, .. } => Some(*attempt),
            _ => None,
        });
        let by = match turn.ordered {
            Some(name) => By::Operator { name },
            None => By::Guardrail { name: guardrail },
        };
        let mut unknown = false;
        if let Some(case) = self.case.as_mut() {
            let was_tripped = case.tripped.is_some();
            unknown = !case.is_judged && turn.trip.is_some();
            case.trip(turn.trip, turn.own_trip);
            if case.tripped.is_some() && !was_tripped && self.worlds == Worlds::Same {
                self.worlds = Worlds::Apart(at);
            }
            if turn.watchdog_acted {
                case.stop(at, By::Watchdog);
            }
        }
        for attempt in stops {
            let cases = self.case.iter_mut().chain(self.past.iter_mut().rev());
            let Some(case) = cases.into_iter().find(|case| case.is_of(&attempt)) else { continue };
            let (is_first, by_guardrail) = (case.stopped.is_none(), matches!(by, By::Guardrail { .. }));
            case.stop(at, by.clone());
            if !is_first {
                continue;
            }
            unknown |= !case.is_judged && by_guardrail;
            if case.is_same() && matches!(self.worlds, Worlds::Apart(_)) {
                self.worlds = Worlds::Same;
            } else if case.is_judged && case.tripped.is_none() && by_guardrail {
                self.part(at, STOPPED);
            }
        }
        if unknown && self.worlds == Worlds::Same {
            self.part(at, NOT_JUDGED);
        }
    }

    /// Once it is known what became of the try that they differ about, the worlds are the same again, or are not.
    fn settle(&mut self) {
        let Worlds::Apart(since) = self.worlds else { return };
        // The try under guard is the one, unless it is over.
        let differs = |case: &&Case| case.is_judged && case.tripped.is_some() && !case.is_same();
        if self.case.as_ref().filter(differs).is_some() {
            return;
        }
        match self.past.iter().rev().find(differs).and_then(|case| case.fate) {
            None => {}
            Some(Fate::Failed | Fate::Cancelled) => self.worlds = Worlds::Same,
            Some(Fate::Done) => self.part(since, WENT_THROUGH),
            Some(Fate::Gone | Fate::Unknown) => self.part(since, FATE_UNKNOWN),
        }
    }

    fn part(&mut self, at: At, why: &str) {
        self.worlds = Worlds::Parted;
        self.verdict.parted.get_or_insert_with(|| Parted { at_ms: at.ms(), why: why.to_owned() });
    }

    /// The try under guard is under guard no more.
    fn leave(&mut self, at: At) {
        if let Some(mut case) = self.case.take() {
            case.end(at);
            self.past.push(case);
        }
    }

    /// Inputs are missing: what was going on is not judged, and the engines go on from what the log kept.
    fn resume(&mut self, at: At, from: At, why: String, cockpit: &Cockpit) {
        self.verdict.gaps.push(Missing { from_ms: from.ms(), to_ms: at.ms(), why });
        self.seen = None;
        for case in self.case.iter_mut().chain(self.past.iter_mut().filter(|case| case.fate.is_none())) {
            case.tear("facts are missing before it is known");
        }
        let was_open = self.case.take();
        self.past.extend(was_open);
        self.settle_by_gap(at);
        self.go_on(at, cockpit);
    }

    /// The engines go on from what the flight knew at this moment.
    fn go_on(&mut self, at: At, cockpit: &Cockpit) {
        self.introduce(cockpit);
        self.told = cockpit.timeline().total();
        self.judged.resume(cockpit);
        self.own.resume(cockpit);
        if let Some(target) = cockpit.target() {
            // Its beginning is not known to be the same in both worlds.
            self.case = Some(Case::new(at, &target.story(cockpit.catalog()), false));
        }
    }

    fn settle_by_gap(&mut self, at: At) {
        self.settle();
        if let Worlds::Apart(_) = self.worlds {
            self.part(at, FATE_MISSING);
        }
    }

    /// Counts the time up to a sample, unless facts are missing from it.
    fn count(&mut self, at: At, cockpit: &Cockpit) {
        // Without its beginning, or a state this engine reads, no limits were in force and no trip could be seen.
        if cockpit.flight().is_none() {
            return;
        }
        // The pace that was due after that sample: this one may have changed it.
        let late_ms = LATE_MS.max(cockpit.pacer().sample_every_ms().saturating_mul(LATE_INTERVALS));
        let before = self.seen.replace((at, late_ms));
        if let Some((seen, _)) = before.filter(|(seen, late_ms)| at.ms_since(*seen) <= *late_ms) {
            self.recorded_us += at.us_since(seen);
            let is_judged = self.case.as_ref().is_none_or(|case| case.is_judged);
            if self.worlds == Worlds::Same && is_judged {
                self.judged_us += at.us_since(seen);
            }
        }
    }

    fn introduce(&mut self, cockpit: &Cockpit) {
        let Some(begin) = cockpit.flight() else { return };
        let verdict = &mut self.verdict;
        verdict.server = Some(begin.server.clone());
        verdict.recorded_limits = Some(LimitValues::from(&begin.settings.limits));
        let arming = match begin.settings.arming {
            Arming::Watching => "watching",
            Arming::Shadow => "shadow",
            Arming::Armed => "armed",
        };
        verdict.arming = Some(arming.to_owned());
    }

    fn close(mut self) -> LogVerdict {
        if let Worlds::Apart(since) = self.worlds {
            self.part(since, FATE_MISSING);
        }
        let cases = self.past.iter().chain(self.case.as_ref());
        let incidents = cases.filter_map(|case| case.incident(self.question.resolved_within_ms));
        self.verdict.incidents = incidents.collect();
        self.verdict.recorded_ms = self.recorded_us / 1_000;
        self.verdict.judged_ms = self.judged_us / 1_000;
        self.verdict
    }
}
