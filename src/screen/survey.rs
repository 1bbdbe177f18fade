//! A log, read through in the background.
//!
//! Owns the thread that looks ahead of a playback: where the log ends, its marks, damage, and whether the engine decides
//! as it did. Holds one engine and a bounded number of marks, however long the log is. Never moves the playback, and
//! never says of what it has not read yet that nothing is there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;

use super::views::clock;
use crate::engine::ids::At;
use crate::engine::steps::Stage;
use crate::engine::timeline::{Event, GuardState};
use crate::log::{Damage, Ending};
use crate::replay::{Replay, ReplayError, Step};

/// Most marks that are kept; what lies behind them counts as not surveyed for marks.
pub const MOST_MARKERS: usize = 20_000;
/// Longest text of a mark, in characters.
const MOST_CHARS: usize = 300;
/// Steps between two reports.
const STEPS: usize = 64;

/// Something worth a mark on the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// When.
    pub at: At,
    /// What kind of thing.
    pub kind: MarkerKind,
    /// What, in a few words.
    pub text: String,
}

/// Kinds of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkerKind {
    /// Work came under guard or left it.
    Target,
    /// A step of the plan took another stage.
    Step,
    /// A remark, or a command of the operator.
    Note,
    /// The guard changed its state.
    Guard,
    /// Facts are missing.
    Gap,
    /// A guardrail tripped.
    Trip,
    /// The engine decides differently than it did.
    Drift,
    /// The flight ended.
    End,
}

/// How far a survey is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It reads.
    Reading,
    /// It has read the whole log, which ends like this.
    Through(Ending),
    /// It cannot go on, and why.
    Stopped(String),
}

/// What is known of a log so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    progress: Progress,
    read_to: At,
    end: At,
    end_is_known: bool,
    markers: Vec<Marker>,
    /// The first mark that was not kept.
    not_kept: Option<At>,
    drifted: bool,
    damage: Option<Damage>,
}

impl Findings {
    fn new() -> Findings {
        Findings {
            progress: Progress::Reading,
            read_to: At::default(),
            end: At::default(),
            end_is_known: false,
            markers: Vec::new(),
            not_kept: None,
            drifted: false,
            damage: None,
        }
    }

    /// How far the survey is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The end of the log, or a time at or before it where that is not known: see [`Findings::known_end`].
    pub fn end(&self) -> At {
        self.end
    }

    /// The end of the log, once it is known.
    pub fn known_end(&self) -> Option<At> {
        self.end_is_known.then_some(self.end)
    }

    /// Marks on the bar, in order.
    pub fn markers(&self) -> &[Marker] {
        &self.markers
    }

    /// Up to where every mark is known; `None` when all are.
    pub fn marked_to(&self) -> Option<At> {
        match (self.not_kept, &self.progress) {
            (Some(at), _) => Some(at),
            (None, Progress::Through(_)) => None,
            (None, _) => Some(self.read_to),
        }
    }

    /// Whether the engine has decided differently in what was read.
    pub fn has_drifted(&self) -> bool {
        self.drifted
    }

    /// The first damage in what was read.
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// What is not known of the log's marks, in a few words; nothing when all are known.
    pub fn words(&self) -> Option<String> {
        let to = |at: At| clock(at.ms());
        match (&self.progress, self.not_kept) {
            (Progress::Stopped(_), _) => Some(format!("survey stopped at {}", to(self.read_to))),
            (_, Some(at)) => Some(format!("marked to {}", to(at))),
            (Progress::Through(_), None) => None,
            (Progress::Reading, None) if self.read_to == At::default() => Some("not surveyed yet".to_owned()),
            (Progress::Reading, None) => Some(format!("surveyed to {}", to(self.read_to))),
        }
    }

    /// The same as a sentence, with the reason.
    pub fn sentence(&self) -> Option<String> {
        let words = self.words()?;
        Some(match (&self.progress, self.not_kept) {
            (Progress::Stopped(why), _) => format!("{words}: {why}"),
            (_, Some(_)) => format!("{words}: only the first {MOST_MARKERS} events are kept"),
            _ => words,
        })
    }

    /// The end of the log, for people.
    pub fn end_words(&self) -> String {
        match (self.end_is_known, self.end) {
            (true, end) => clock(end.ms()),
            (false, At(0)) => "unknown".to_owned(),
            (false, end) => format!("at least {}", clock(end.ms())),
        }
    }

    /// Nothing can be read behind `at`.
    pub(super) fn ends_at(&mut self, at: At) {
        self.end = self.end.max(at);
        self.end_is_known = true;
    }

    fn take(&mut self, news: News) {
        match news {
            News::End(at, is_known) => {
                self.end = self.end.max(at);
                self.end_is_known |= is_known;
            }
            News::Read { to, markers, drifted, damage } => {
                self.read_to = to;
                self.end = self.end.max(to);
                self.drifted |= drifted;
                self.damage = self.damage.or(damage);
                let room = MOST_MARKERS - self.markers.len();
                let mut markers = markers.into_iter();
                self.markers.extend(markers.by_ref().take(room));
                self.not_kept = self.not_kept.or_else(|| markers.next().map(|marker| marker.at));
            }
            News::Over(progress) => {
                self.end_is_known |= matches!(progress, Progress::Through(_));
                self.progress = progress;
            }
        }
    }
}

#[derive(Debug)]
enum News {
    /// The log ends here, or not before.
    End(At, bool),
    Read {
        to: At,
        markers: Vec<Marker>,
        drifted: bool,
        damage: Option<Damage>,
    },
    /// Nothing follows.
    Over(Progress),
}

/// A survey under way. Dropped, it stops.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) findings: Findings,
    news: Receiver<News>,
    stop: Arc<AtomicBool>,
}

impl Survey {
    /// Surveys the log at `path`.
    pub(super) fn start(path: &Path) -> Survey {
        let (sender, news) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let reading = Reading { log: path.to_owned(), stop: Arc::clone(&stop), news: sender };
        let mut findings = Findings::new();
        if let Err(error) = thread::Builder::new().name("survey".to_owned()).spawn(move || reading.run()) {
            findings.progress = Progress::Stopped(format!("no thread can be started: {error}"));
        }
        Survey { findings, news, stop }
    }

    /// Takes in what has been found since; true when there was something.
    pub(super) fn advance(&mut self) -> bool {
        let mut changed = false;
        while self.is_reading() {
            match self.news.try_recv() {
                Ok(news) => self.findings.take(news),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => self.lost(),
            }
            changed = true;
        }
        changed
    }

    /// Waits until the survey is through, or cannot go on.
    pub(super) fn wait(&mut self) {
        while self.is_reading() {
            match self.news.recv() {
                Ok(news) => self.findings.take(news),
                Err(mpsc::RecvError) => self.lost(),
            }
        }
    }

    pub(super) fn is_reading(&self) -> bool {
        self.findings.progress == Progress::Reading
    }

    fn lost(&mut self) {
        self.findings.progress = Progress::Stopped("its thread has gone".to_owned());
    }
}

impl Drop for Survey {
    fn drop(&mut self) {
        // It is heard before the next step; nobody waits for a thread that reads from a slow disk.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The thread's own.
struct Reading {
    log: PathBuf,
    stop: Arc<AtomicBool>,
    news: Sender<News>,
}

impl Reading {
    fn run(self) {
        // What is wrong with the log is met, and told, by the reading from its beginning.
        if let Ok(Some((at, is_known))) = self.end() {
            self.tell(News::End(at, is_known));
        }
        let progress = match self.read() {
            Ok(Some(ending)) => Progress::Through(ending),
            Ok(None) => return,
            Err(error) => Progress::Stopped(error.to_string()),
        };
        self.tell(News::Over(progress));
    }

    fn tell(&self, news: News) {
        // A playback that has gone wants to know nothing.
        let _ = self.news.send(news);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The end of the log by its last segment, and whether it is certain.
    fn end(&self) -> Result<Option<(At, bool)>, ReplayError> {
        let mut replay = Replay::open_at(&self.log, At(u64::MAX))?;
        let mut end = None;
        while let Some(step) = replay.step()? {
            if self.is_stopped() {
                return Ok(None);
            }
            end = end.max(Some(step.at()));
        }
        let is_known = end.is_some() && !matches!(replay.ending()?, Ending::Damaged(_));
        Ok(end.or(replay.cockpit().sample_at()).map(|end| (end, is_known)))
    }

    /// Reads the log through; `None` when it was told to stop.
    fn read(&self) -> Result<Option<Ending>, ReplayError> {
        let mut replay = Replay::open(&self.log)?;
        let (mut to, mut markers, mut drifted, mut told) = (At::default(), Vec::new(), false, 0);
        let mut at_step: Option<String> = None;
        for n in 1_usize.. {
            if self.is_stopped() {
                return Ok(None);
            }
            let step = replay.step()?;
            if let Some(step) = &step {
                to = to.max(step.at());
                drifted |= is_drift(step) && !replay.is_rejudged();
                for marker in marks(step, &replay, told) {
                    // A stage that is told anew for another reason is no other place to go to.
                    if marker.kind == MarkerKind::Step && at_step.as_ref() == Some(&marker.text) {
                        continue;
                    }
                    if marker.kind == MarkerKind::Step {
                        at_step = Some(marker.text.clone());
                    }
                    markers.push(marker);
                }
                told = replay.cockpit().timeline().total();
            }
            if step.is_none() || n.is_multiple_of(STEPS) {
                let damage = replay.damages().first().copied();
                self.tell(News::Read { to, markers: std::mem::take(&mut markers), drifted, damage });
            }
            if step.is_none() {
                break;
            }
        }
        Ok(Some(replay.ending()?))
    }
}

fn is_drift(step: &Step) -> bool {
    matches!(step, Step::Turn { drift: Some(_), .. } | Step::StateDiffers { .. })
}

fn marks(step: &Step, replay: &Replay, told: u64) -> Vec<Marker> {
    let mut marks: Vec<Marker> = Vec::new();
    if is_drift(step) {
        let text = "decides differently than it did".to_owned();
        marks.push(Marker { at: step.at(), kind: MarkerKind::Drift, text });
    }
    if let Step::Resumed { at, gap } = step {
        marks.push(Marker { at: *at, kind: MarkerKind::Gap, text: cut(&gap.why) });
        return marks;
    }
    let fresh = replay.cockpit().timeline().since(told);
    marks.extend(fresh.filter_map(|(at, event)| {
        let (kind, text) = mark(event)?;
        Some(Marker { at: *at, kind, text: cut(&text) })
    }));
    marks
}

/// A stage that is worth going to; why, where it is not what was hoped for.
fn step_mark(id: &str, stage: Stage, reason: &str) -> Option<String> {
    let word = stage.word();
    match stage {
        Stage::Acquiring | Stage::Running | Stage::Done => Some(format!("step {id} {word}")),
        Stage::Paused | Stage::Stopped | Stage::Failed | Stage::Skipped => {
            Some(format!("step {id} {word}: {reason}"))
        }
        Stage::Ready | Stage::Forecast | Stage::Verifying => None,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

/// What of the timeline is worth a mark.
fn mark(event: &Event) -> Option<(MarkerKind, String)> {
    Some(match event {
        Event::TargetFound(story) => {
            (MarkerKind::Target, format!("target: pid {}", story.attempt.backend.pid))
        }
        Event::TargetEnded { target, .. } => {
            (MarkerKind::Target, format!("target over: pid {}", target.attempt.backend.pid))
        }
        Event::Step { id, stage, reason, .. } => (MarkerKind::Step, step_mark(id, *stage, reason)?),
        Event::Guard { state: GuardState::Blind, sentence } => {
            (MarkerKind::Gap, format!("blind: {sentence}"))
        }
        Event::Guard { sentence, .. } => (MarkerKind::Guard, sentence.clone()),
        Event::Trip { name, reading, .. } => (MarkerKind::Trip, format!("{name}: {}", reading.sentence)),
        Event::Outcome(story) if story.is_final => (MarkerKind::Trip, story.sentence.clone()),
        Event::Gap { why, .. } => (MarkerKind::Gap, why.clone()),
        Event::Note { text, .. } => (MarkerKind::Note, text.clone()),
        Event::End { reason } => (MarkerKind::End, reason.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
