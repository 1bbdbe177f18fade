//! How scenarios are written.
//!
//! ```toml
//! # What it shows, in a sentence or two.
//! until = "5s"                     # the flight is woken when it asks to be, up to here; else to the last input
//!
//! [flight]                         # all optional
//! target = "app=deploy"            # as on the command line
//! arming = "armed"                 # watching (the default), shadow, armed
//! on_trip = "auto"                 # cancel, terminate, signal:PID
//! if_lost = "keep"                 # stop
//! queue_depth = 5                  # a limit in place of the default
//!
//! [looks]                          # samples by name: one line per session, or per group of sessions
//! jam = [
//!     "report-job 101 idle_in_tx statement=-120s holds AccessShare users",
//!     "deploy 102 runs=ALTER_TABLE awaits AccessExclusive users behind=101",
//!     "8 x shop-web 200 runs=SELECT awaits AccessShare users behind=102",
//! ]
//!
//! [[input]]
//! at = "1.2s"                      # since the flight began; the server's clock runs with it
//! sample = "jam"                   # or a list of lines
//!
//! [expected]
//! transcript = '''                 # `transcript.rs` says how it is written
//! '''
//! ```
//!
//! A session is its application (`_` for a space), its pid, and then in any order: a state (`active` unless
//! said: `idle`, `idle_in_tx`, `aborted`, `masked`), `runs=KIND`, `statement=TIME` (0 unless said),
//! `transaction=TIME` (that of the statement unless said), `session=TIME`, `xid=N`, `waits=EVENT`,
//! `kind=autovacuum|walsender|lockpit`, `holds MODE TABLE`, `awaits MODE TABLE`, `awaits_snapshot`,
//! `behind=PIDS`. A transaction that is prepared is `prepared XID GID holds MODE TABLE`.
//!
//! Other inputs: `watch = N` (waiters), `missed = "sample 500 why"`, `link = "control lost why"` and
//! `"control up PID"`, `command = "TEXT"` as it is typed behind a colon, or `"NAME> TEXT"` by that operator, who
//! reads pids in the last sample before `seen = TIME` where that is said (in the last one otherwise),
//! `attached = "again"`, `"restarted"`, `"promoted"`, `"other cluster"`, and `outcome`: `"right PID yes"`,
//! `"right PID no why"`, `"rung STOP sent|nobody_fits|refused why|failed why"` of the present rung, or with
//! `cancel`, `signal` or `terminate` before the answer of that one, `"aftermath STOP gone|let_go|holds STATE|runs N"`
//! (victims that wait on), `"ended PID alive|dead committed|aborted|in_progress|unknown"`,
//! `"watchdog PID set|released|failed why|acted words"`. With `asleep = true` lockpit did not run until this
//! input: no ticks, and a gap since the first one that was due, as the flight's loop tells it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Cockpit;
use super::effect::{Effect, Rung};
use super::ids::{At, Oid, Pid};
use super::input::{
    Attached, Command, Conn, Gap, Input, Link, LinkState, Missed, Outcome, Request, RungAnswer, Sensor,
    WatchdogNews,
};
use super::locks::LockMode;
use super::sample::{BackendKind, Edge, Fact, State, Watch};
use super::settings::{Arming, IfLost, OnTrip, Selector, Settings};
use super::story::{self, Story};
use super::testing::{self, Look, ORDERS, USERS, Who, calm, client};
use super::transcript;

/// One scenario file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    until: Option<String>,
    #[serde(default)]
    flight: Flight,
    #[serde(default)]
    looks: BTreeMap<String, Vec<String>>,
    input: Vec<Step>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    transcript: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flight {
    target: Option<String>,
    arming: Option<String>,
    on_trip: Option<String>,
    if_lost: Option<String>,
    queue_depth: Option<u32>,
    #[serde(default)]
    read_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: String,
    #[serde(default)]
    asleep: bool,
    sample: Option<Sessions>,
    watch: Option<u32>,
    missed: Option<String>,
    link: Option<String>,
    command: Option<String>,
    seen: Option<String>,
    attached: Option<String>,
    outcome: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sessions {
    Named(String),
    Lines(Vec<String>),
}

/// The texts that have been given a number.
struct Texts(Vec<String>);

impl Scenario {
    /// Reads a file.
    pub(crate) fn parse(text: &str) -> Result<Scenario, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// What is written to follow.
    pub(crate) fn transcript(&self) -> impl Iterator<Item = &str> {
        self.expected.transcript.lines().filter(|line| !line.trim().is_empty())
    }

    /// What does follow.
    pub(crate) fn fly(&self) -> Vec<String> {
        let mut flown = Flown {
            story: Story::begin(self.flight.settings()),
            texts: Texts(
                ["ALTER TABLE", "SELECT", "CREATE INDEX CONCURRENTLY", "ROLLBACK"].map(str::to_owned).into(),
            ),
            lines: Vec::new(),
            screens: Vec::new(),
        };
        for step in &self.input {
            let at = time(&step.at);
            let due = flown.story.cockpit.next_deadline().filter(|&due| step.asleep && due < at);
            if let Some(from) = due {
                let why = format!("lockpit did not run for {} ms", at.ms_since(from));
                flown.take(at, Input::Gap(Gap { from, why, lost: None }));
            } else {
                flown.wake_until(at);
            }
            let input = self.input(step, &mut flown);
            flown.take(at, input);
        }
        if let Some(until) = &self.until {
            flown.wake_until(At(time(until).0 + 1));
        }
        flown.lines.push(format!("exit {}", flown.story.cockpit.exit_code()));
        flown.lines
    }

    fn input(&self, step: &Step, flown: &mut Flown) -> Input {
        let mut inputs: Vec<Input> = Vec::new();
        if let Some(sessions) = &step.sample {
            let lines = match sessions {
                Sessions::Named(name) => self.looks.get(name).unwrap_or_else(|| panic!("no look {name:?}")),
                Sessions::Lines(lines) => lines,
            };
            let look = lines.iter().fold(calm(), |look, line| flown.sessions(time(&step.at), look, line));
            let clock = i64::try_from(time(&step.at).ms()).expect("a time in a scenario");
            inputs.push(Input::Sample(Box::new(look.server_clock(clock).0)));
        }
        inputs.extend(step.watch.map(watch));
        inputs.extend(step.missed.as_deref().map(missed));
        inputs.extend(step.link.as_deref().map(link));
        inputs.extend(step.command.as_deref().map(|words| flown.command(step.seen.as_deref(), words)));
        inputs.extend(step.attached.as_deref().map(attached));
        inputs.extend(step.outcome.as_deref().map(|words| flown.outcome(time(&step.at), words)));
        assert_eq!(inputs.len(), 1, "the step at {} is one input", step.at);
        inputs.remove(0)
    }
}

/// A flight in the air and what it did and told so far.
struct Flown {
    story: Story,
    texts: Texts,
    lines: Vec<String>,
    /// The engine after every sample, as a screen may still show it.
    screens: Vec<(At, Cockpit)>,
}

impl Flown {
    fn take(&mut self, at: At, input: Input) {
        let is_sample = matches!(input, Input::Sample(_));
        let effects: Vec<Effect> = self.story.input_at(at, input);
        let events = self.story.events();
        self.lines.extend(transcript::lines(at, &events, &effects));
        if is_sample {
            self.screens.push((at, self.story.cockpit.clone()));
        }
    }

    fn command(&self, seen: Option<&str>, words: &str) -> Input {
        let (by, text) = words.split_once("> ").map_or((None, words), |(by, text)| (Some(by), text));
        let then = seen.map(|seen| {
            let at = time(seen);
            &self.screens.iter().rev().find(|(then, _)| *then <= at).expect("a sample before").1
        });
        let screen = then.unwrap_or(&self.story.cockpit);
        let command = Command::parse(text, screen, None).unwrap_or_else(|why| panic!("{text:?}: {why}"));
        Input::Command(Request { by: by.map(str::to_owned), command })
    }

    fn outcome(&self, at: At, words: &str) -> Input {
        Input::Outcome(match split(words) {
            ["rung", stop, rung @ ("cancel" | "signal" | "terminate"), answer] => {
                let rung = match rung {
                    "cancel" => Rung::Cancel,
                    "signal" => Rung::SignalRunner(4_711),
                    _ => Rung::Terminate,
                };
                let Outcome::Rung { stop, answer, sent, .. } = outcome(at, &format!("rung {stop} {answer}"))
                else {
                    panic!("not an answer to a rung: {words:?}")
                };
                Outcome::Rung { stop, rung, answer, sent }
            }
            [_, _, _, _] => self.story.of_present_rung(outcome(at, words)),
        })
    }

    /// Ticks whenever the engine asked for one before `until`.
    fn wake_until(&mut self, until: At) {
        while let Some(due) = self.story.cockpit.next_deadline().filter(|&due| due < until) {
            self.take(due, Input::Tick);
        }
    }

    fn sessions(&mut self, at: At, look: Look, line: &str) -> Look {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["prepared", xid, gid, "holds", mode, table] => {
                look.prepared(number(xid), gid, self::mode(mode), self::table(table))
            }
            [count, "x", application, first, rest @ ..] => {
                let first: i32 = number(first);
                let session = |n: i32| self.session(at, application, first + n, rest);
                look.with_all((0..number(count)).map(session).collect::<Vec<_>>())
            }
            [application, pid, rest @ ..] => {
                let who = self.session(at, application, number(pid), rest);
                look.with(who)
            }
            _ => panic!("not a session: {line:?}"),
        }
    }

    fn session(&mut self, at: At, application: &str, pid: i32, words: &[&str]) -> Who {
        let value = |key: &str| {
            words.iter().find_map(|word| word.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')))
        };
        let mut who = client(Pid(pid)).app(&application.replace('_', " "));
        // Times first: a lock is awaited since the statement began.
        for (key, set) in [
            ("session", Who::session_from as fn(Who, i64) -> Who),
            ("statement", Who::statement_from),
            ("transaction", Who::transaction_from),
        ] {
            who = value(key).map_or(who.clone(), |time| set(who, ms(time)));
        }
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            let mut next = || *words.next().unwrap_or_else(|| panic!("{word:?} wants more"));
            who = match word.split_once('=').unwrap_or((word, "")) {
                ("active", _) => who.state(State::Active),
                ("idle", _) => who.state(State::Idle),
                ("idle_in_tx", _) => who.state(State::IdleInTransaction),
                ("aborted", _) => who.state(State::IdleInTransactionAborted),
                ("masked", _) => who.masked(),
                ("holds", _) => who.holds(mode(next()), table(next())),
                ("awaits", _) => who.awaits(mode(next()), table(next())),
                ("awaits_snapshot", _) => who.awaits_snapshot("4/17"),
                ("behind", pids) => {
                    who.behind(&pids.split(',').map(|pid| Pid(number(pid))).collect::<Vec<_>>())
                }
                ("runs", kind) => who.runs(self.text(at, &kind.replace('_', " "))),
                ("xid", xid) => who.xid(number(xid)),
                ("waits", event) => who.waits_for(event),
                ("kind", "autovacuum") => who.kind(BackendKind::Autovacuum),
                ("kind", "walsender") => who.kind(BackendKind::WalSender),
                ("kind", "lockpit") => who.kind(BackendKind::Lockpit),
                ("session" | "statement" | "transaction", _) => who,
                _ => panic!("not a word for a session: {word:?}"),
            };
        }
        who
    }

    /// The number of the text of that kind; the flight learns it when it is new.
    fn text(&mut self, at: At, kind: &str) -> u32 {
        let id = |index: usize| u32::try_from(index + 1).expect("a number of texts");
        if let Some(known) = self.texts.0.iter().position(|text| text == kind) {
            return id(known);
        }
        self.texts.0.push(kind.to_owned());
        let id = id(self.texts.0.len() - 1);
        self.take(at, Input::Text(Box::new(testing::text(id, kind))));
        id
    }
}

impl Flight {
    fn settings(&self) -> Settings {
        let mut settings = Settings {
            target: self.target.as_deref().map_or(Selector::Auto, selector),
            arming: match self.arming.as_deref().unwrap_or("watching") {
                "watching" => Arming::Watching,
                "shadow" => Arming::Shadow,
                "armed" => Arming::Armed,
                other => panic!("not an arming: {other:?}"),
            },
            on_trip: match self.on_trip.as_deref().unwrap_or("auto") {
                "auto" => OnTrip::Auto,
                "cancel" => OnTrip::Cancel,
                "terminate" => OnTrip::Terminate,
                other => match other.strip_prefix("signal:") {
                    Some(pid) => OnTrip::Signal(number(pid)),
                    None => panic!("not a way to stop: {other:?}"),
                },
            },
            if_lost: match self.if_lost.as_deref().unwrap_or("keep") {
                "keep" => IfLost::Keep,
                "stop" => IfLost::Stop,
                other => panic!("not an if_lost: {other:?}"),
            },
            read_only: self.read_only,
            ..Settings::default()
        };
        settings.limits.queue_depth.limit = self.queue_depth;
        settings
    }
}

/// The file with another transcript in place of its own.
pub(crate) fn with_transcript(text: &str, lines: &[String]) -> String {
    let start = text.find("transcript = '''").expect("a transcript in '''");
    let end = start + text[start..].find("\n'''").map_or(text.len() - start, |end| end + 4);
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{}transcript = '''\n{lines}'''{}", &text[..start], &text[end..])
}

fn selector(text: &str) -> Selector {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    match key {
        "auto" => Selector::Auto,
        "pid" => Selector::Pid(Pid(number(value))),
        "app" => Selector::Application(value.to_owned()),
        "user" => Selector::User(value.to_owned()),
        "table" => Selector::Table(value.to_owned()),
        _ => panic!("not a target: {text:?}"),
    }
}

fn mode(name: &str) -> LockMode {
    LockMode::from_name(&format!("{name}Lock")).unwrap_or_else(|| panic!("not a lock mode: {name:?}"))
}

fn table(name: &str) -> Oid {
    match name {
        "users" => USERS,
        "orders" => ORDERS,
        _ => panic!("not a table of the shop: {name:?}"),
    }
}

fn watch(waiting: u32) -> Input {
    let oldest: Vec<Edge> = Vec::new();
    let server_now = testing::server(0);
    Input::Watch(Watch { server_now, cost_us: 300, waiting, oldest_wait_start: None, oldest })
}

fn missed(words: &str) -> Input {
    let [sensor, waited_ms, why] = split(words);
    let sensor = match sensor {
        "sample" => Sensor::Sample,
        "watch" => Sensor::Watch,
        "names" => Sensor::Names,
        other => panic!("not a look: {other:?}"),
    };
    Input::Missed(Missed { sensor, why: why.to_owned(), waited_ms: number(waited_ms) })
}

fn link(words: &str) -> Input {
    let [conn, state, rest] = split(words);
    let conn = match conn {
        "sampler" => Conn::Sampler,
        "control" => Conn::Control,
        "watchdog" => Conn::Watchdog,
        other => panic!("not a connection: {other:?}"),
    };
    let state = match state {
        "up" => LinkState::Up { pid: Pid(number(rest)) },
        "lost" => LinkState::Lost { why: rest.to_owned() },
        other => panic!("not a state of a connection: {other:?}"),
    };
    Input::Link(Link { conn, state })
}

fn attached(how: &str) -> Input {
    let same = story::attached();
    let restarted = testing::server(1_000);
    Input::Attached(Box::new(match how {
        "again" => same,
        "restarted" => Attached { postmaster_start: restarted, ..same },
        "promoted" => Attached { timeline: Fact::Known(2), postmaster_start: restarted, ..same },
        "other cluster" => {
            Attached { system_identifier: Fact::Known(7_001), postmaster_start: restarted, ..same }
        }
        other => panic!("not a way to attach: {other:?}"),
    }))
}

fn outcome(at: At, words: &str) -> Outcome {
    let [what, whom, rest] = split(words);
    match what {
        "right" => {
            let [answer, why] = split(rest);
            let allowed = if answer == "yes" { Ok(()) } else { Err(why) };
            story::right(Pid(number(whom)), allowed)
        }
        "rung" => {
            let [answer, why] = split(rest);
            let answer = match answer {
                "sent" => RungAnswer::Sent,
                "nobody_fits" => RungAnswer::NobodyFits,
                "refused" => RungAnswer::Refused(why.to_owned()),
                "failed" => RungAnswer::Failed(why.to_owned()),
                other => panic!("not an answer: {other:?}"),
            };
            // The request left a millisecond before it was answered.
            story::rung(number(whom), answer, at.ms() - 1)
        }
        "aftermath" => match split(rest) {
            ["gone", waiting, _] => story::gone(number(whom), number(waiting)),
            ["let_go", waiting, _] => story::let_go(number(whom), number(waiting)),
            ["runs", waiting, _] => story::holding(number(whom), State::Active, true, number(waiting)),
            ["holds", "idle_in_tx", waiting] => {
                story::holding(number(whom), State::IdleInTransaction, false, number(waiting))
            }
            ["holds", "active", waiting] => {
                story::holding(number(whom), State::Active, false, number(waiting))
            }
            other => panic!("not an aftermath: {other:?}"),
        },
        "ended" => {
            let [alive, xact] = split(rest);
            let xact = match xact {
                "unknown" => Fact::Missing("it was never seen with a transaction id".to_owned()),
                "in_progress" => Fact::Known("in progress"),
                known => Fact::Known(known),
            };
            story::ended(Pid(number(whom)), alive == "alive", xact)
        }
        "watchdog" => {
            let session = story::session(Pid(number(whom)));
            match split(rest) {
                ["set", _] => Outcome::Watchdog { guards: Some(session), news: WatchdogNews::Set },
                ["released", _] => Outcome::Watchdog { guards: None, news: WatchdogNews::Released },
                ["failed", why] => {
                    Outcome::Watchdog { guards: Some(session), news: WatchdogNews::Failed(why.to_owned()) }
                }
                ["acted", words] => {
                    Outcome::Watchdog { guards: Some(session), news: WatchdogNews::Acted(words.to_owned()) }
                }
                other => panic!("not a word of the watchdog: {other:?}"),
            }
        }
        other => panic!("not an outcome: {other:?}"),
    }
}

/// The first words one by one, and the rest; empty where there are fewer.
fn split<const N: usize>(words: &str) -> [&str; N] {
    let mut parts = words.trim().splitn(N, ' ');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text:?}"))
}

fn time(text: &str) -> At {
    At::from_ms(u64::try_from(ms(text)).unwrap_or_else(|_| panic!("not a time of a flight: {text:?}")))
}

/// `1.25s`, `250ms`, `-2m` in milliseconds.
fn ms(text: &str) -> i64 {
    let (value, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => panic!("not a time: {text:?}"),
    };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let decimals = 10_i64.pow(u32::try_from(fraction.len()).expect("few digits"));
    let part = if fraction.is_empty() { 0 } else { number::<i64>(fraction) * factor / decimals };
    let sign = if value.starts_with('-') { -1 } else { 1 };
    number::<i64>(whole) * factor + sign * part
}
