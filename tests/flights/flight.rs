//! One flight of the built program, and what must be true of the lines of every flight.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Database, LONG, Program, wait_until};

/// A flight in the air. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Flight {
    program: Program,
    db: Database,
}

/// A flight that has ended in order.
#[derive(Debug)]
pub(crate) struct Landed {
    lines: Vec<Value>,
    /// Its exit code.
    pub(crate) exit: i32,
}

/// `lockpit attach --headless` to the database as its superuser, with these arguments beside. Only one flight at
/// a time over one database.
pub(crate) fn fly(db: &Database, args: &[&str]) -> Flight {
    take_off(db, &db.conninfo(), args)
}

/// The same as another role.
pub(crate) fn fly_as(db: &Database, role: &str, args: &[&str]) -> Flight {
    take_off(db, &format!("{} user={role}", db.conninfo()), args)
}

fn take_off(db: &Database, conninfo: &str, args: &[&str]) -> Flight {
    let mut all = vec!["attach", conninfo, "--headless", "--no-record"];
    all.extend(args);
    Flight { program: Program::lockpit(all), db: db.clone() }
}

/// A refused start: exit code and standard error.
pub(crate) async fn refused(db: &Database, args: &[&str]) -> (i32, String) {
    let mut flight = fly(db, args);
    let exit = flight.program.exit(LONG).await;
    assert_eq!(flight.program.stdout(), "", "nothing flew");
    (exit, flight.program.stderr())
}

impl Flight {
    /// The first line that `wanted` accepts, now or later.
    pub(crate) async fn line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.program.line(what, LONG, wanted).await
    }

    /// The first line of this type that `wanted` accepts, now or later.
    pub(crate) async fn line_of(&self, kind: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.line(&format!("{kind}: {what}"), |line| line["type"] == kind && wanted(line)).await
    }

    /// Waits until it looks: the first sample is there.
    pub(crate) async fn looks(&self) {
        self.line_of("sample", "the first", |_| true).await;
    }

    /// The line on which `pid` came under guard.
    pub(crate) async fn found(&self, pid: i32) -> Value {
        self.line_of("target", "found", |line| line["state"] == "found" && line["pid"] == pid).await
    }

    /// The line on which `pid` left the guard's eye: what became of it.
    pub(crate) async fn over(&self, pid: i32) -> Value {
        self.line_of("target", "over", |line| line["state"] != "found" && line["pid"] == pid).await
    }

    /// The last word on the first stop.
    pub(crate) async fn final_outcome(&self) -> Value {
        self.line_of("outcome", "the final one", |line| line["final"] == true).await
    }

    /// Waits until `n` samples in a row, from now on, were all accepted by `wanted` and spanned `span_ms`.
    pub(crate) async fn steady(&self, what: &str, n: usize, span_ms: u64, wanted: impl Fn(&Value) -> bool) {
        let seen = self.program.lines().len();
        wait_until(what, LONG, async || {
            let lines = self.program.lines();
            let samples: Vec<&Value> = lines[seen..].iter().filter(|line| line["type"] == "sample").collect();
            let last: Vec<&&Value> = samples.iter().rev().take_while(|sample| wanted(sample)).collect();
            let at = |line: Option<&&&Value>| line.and_then(|line| line["at_ms"].as_u64()).unwrap_or(0);
            if last.len() >= n && at(last.first()) - at(last.last()) >= span_ms {
                Ok(())
            } else {
                Err(format!("{} of {} samples; the last: {:?}", last.len(), samples.len(), samples.last()))
            }
        })
        .await;
    }

    /// Interrupts it, as Ctrl-C does, and checks what holds for every flight: well-formed lines, and no session
    /// left behind.
    pub(crate) async fn land(self) -> Landed {
        self.program.signal(Signal::INT);
        let Flight { mut program, db } = self;
        let exit = program.exit(LONG).await;
        assert_eq!(program.stderr(), "", "a flight without trouble has nothing to complain about");
        let lines = program.lines();
        check_lines(&lines);
        assert_eq!(
            lines.last().map(|end| &end["exit"]),
            Some(&Value::from(exit)),
            "the end tells the exit code"
        );
        let observer = db.actor("test/landed").await;
        wait_until("no session of the flight is left", LONG, async || {
            let left = observer
                .rows(
                    "select pid, application_name from pg_stat_activity \
                     where application_name like 'lockpit/%' and datname = current_database()",
                )
                .await;
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
        Landed { lines, exit }
    }
}

impl Landed {
    /// All lines of this type.
    pub(crate) fn of(&self, kind: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["type"] == kind).collect()
    }

    /// The first line.
    pub(crate) fn first(&self) -> &Value {
        &self.lines[0]
    }

    /// The only trip; fails the test if there is none or another.
    #[track_caller]
    pub(crate) fn only_trip(&self) -> &Value {
        only(&self.of("trip"))
    }

    /// The only final outcome; fails the test if there is none or another.
    #[track_caller]
    pub(crate) fn only_final(&self) -> &Value {
        let outcomes = self.of("outcome").into_iter();
        only(&outcomes.filter(|line| line["final"] == true).collect::<Vec<_>>())
    }

    /// What was asked for, in order: `cancel`, `terminate`, `signal`.
    pub(crate) fn actions(&self) -> Vec<String> {
        let word = |line: &&Value| line["action"].as_str().expect("an action").to_owned();
        self.of("intent").iter().map(word).collect()
    }

    /// Fails the test if anything was tripped or asked for.
    #[track_caller]
    pub(crate) fn did_nothing(&self) {
        for kind in ["trip", "intent", "outcome"] {
            assert_eq!(self.of(kind), Vec::<&Value>::new());
        }
    }

    /// Fails the test if a look was missed.
    #[track_caller]
    pub(crate) fn missed_nothing(&self) {
        assert_eq!(self.of("gap"), Vec::<&Value>::new());
        assert_eq!(self.of("end")[0]["missed"], 0);
    }
}

/// What a sample shows of `pid` among its `roots` or `heads`; null where it is not. Other tests share the server, and
/// a sample shows all of it.
pub(crate) fn node<'a>(sample: &'a Value, among: &str, pid: i32) -> &'a Value {
    let nodes = sample[among].as_array().expect("a list");
    nodes.iter().find(|node| node["pid"] == pid).unwrap_or(&Value::Null)
}

#[track_caller]
fn only<'a>(found: &[&'a Value]) -> &'a Value {
    assert_eq!(found.len(), 1, "exactly one: {found:#?}");
    found[0]
}

/// What a field may be.
#[derive(Debug, Clone, Copy)]
enum Is {
    Text,
    TextOrNull,
    Bool,
    Number,
    NumberOrNull,
    List,
}

/// The fields that the lines are promised to have.
const FIELDS: &[(&str, &[(&str, Is)])] = &[
    (
        "flight",
        &[
            ("schema", Is::Number),
            ("lockpit", Is::Text),
            ("server", Is::Text),
            ("server_version", Is::Text),
            ("sees_all", Is::Bool),
            ("signals", Is::Bool),
            ("not_seen", Is::List),
            ("target", Is::Text),
            ("arming", Is::Text),
        ],
    ),
    (
        "sample",
        &[
            ("active", Is::NumberOrNull),
            ("waiting", Is::Number),
            ("victims", Is::NumberOrNull),
            ("target_pid", Is::NumberOrNull),
            ("roots", Is::List),
            ("heads", Is::List),
            ("cost_ms", Is::Number),
        ],
    ),
    ("target", &[("state", Is::Text), ("pid", Is::Number), ("kind", Is::Text), ("strong", Is::Bool)]),
    ("guard", &[("guardrail", Is::TextOrNull), ("state", Is::Text), ("sentence", Is::Text)]),
    (
        "trip",
        &[
            ("guardrail", Is::Text),
            ("value", Is::NumberOrNull),
            ("limit", Is::NumberOrNull),
            ("sentence", Is::Text),
            ("acted", Is::Bool),
            ("pid", Is::Number),
            ("attempt", Is::Number),
        ],
    ),
    ("intent", &[("stop", Is::Number), ("action", Is::Text), ("pid", Is::Number), ("sentence", Is::Text)]),
    (
        "outcome",
        &[
            ("stop", Is::Number),
            ("action", Is::TextOrNull),
            ("pid", Is::Number),
            ("result", Is::Text),
            ("final", Is::Bool),
            ("sent_ms", Is::NumberOrNull),
            ("gone_ms", Is::NumberOrNull),
            ("drained_ms", Is::NumberOrNull),
            ("victims", Is::Number),
            ("lost_session_seconds", Is::Number),
            ("sentence", Is::Text),
        ],
    ),
    ("gap", &[("from_ms", Is::Number), ("why", Is::Text), ("lost", Is::NumberOrNull)]),
    ("note", &[("warning", Is::Bool), ("text", Is::Text)]),
    (
        "end",
        &[
            ("reason", Is::Text),
            ("exit", Is::Number),
            ("samples", Is::Number),
            ("missed", Is::Number),
            ("trips", Is::Number),
            ("stopped", Is::Number),
        ],
    ),
];

/// The words that a field may hold.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("target", "state", &["found", "done", "failed", "cancelled", "gone", "unknown"]),
    ("guard", "state", &["watching", "shadow", "armed", "tripped", "blind", "not_yet", "ok", "warn", "trip"]),
    ("intent", "action", &["cancel", "terminate", "signal"]),
    ("outcome", "result", &["sent", "drained", "already_over", "still_holding", "refused", "lost"]),
];

/// Checks the lines of a whole flight.
fn check_lines(lines: &[Value]) {
    let mut last_ms = 0;
    for line in lines {
        check_line(line);
        let at_ms = line["at_ms"].as_u64().unwrap_or_else(|| panic!("without at_ms: {line}"));
        assert!(at_ms >= last_ms, "back in time from {last_ms} ms: {line}");
        last_ms = at_ms;
    }
    let count = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((count("flight"), count("end")), (1, 1));
    let (first, end) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&first["type"], &end["type"]), (&Value::from("flight"), &Value::from("end")));
    assert_eq!(end["trips"], count("trip"));
    assert_eq!(end["samples"], count("sample"));
    check_stops(lines);
}

fn check_line(line: &Value) {
    let kind = line["type"].as_str().unwrap_or_else(|| panic!("without a type: {line}"));
    let (_, fields) =
        FIELDS.iter().find(|(known, _)| *known == kind).unwrap_or_else(|| panic!("unknown type: {line}"));
    for (name, is) in *fields {
        let value = line.get(name).unwrap_or_else(|| panic!("without {name}: {line}"));
        let fits = match is {
            Is::Text => value.is_string(),
            Is::TextOrNull => value.is_string() || value.is_null(),
            Is::Bool => value.is_boolean(),
            Is::Number => value.is_number(),
            Is::NumberOrNull => value.is_number() || value.is_null(),
            Is::List => value.is_array(),
        };
        assert!(fits, "{name} is not {is:?}: {line}");
    }
    for (of, name, words) in WORDS.iter().filter(|(of, ..)| *of == kind) {
        let word = line[name].as_str();
        assert!(word.is_some_and(|word| words.contains(&word)), "{of} with {name} {word:?}: {line}");
    }
    check_times(line);
}

/// Times are integer milliseconds, or null, however deep.
fn check_times(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let fits = !name.ends_with("_ms") || value.is_u64() || value.is_null();
                assert!(fits, "{name} is no time: {value}");
                check_times(value);
            }
        }
        Value::Array(values) => values.iter().for_each(check_times),
        _ => {}
    }
}

/// One outcome per intent, then one that is final, and nothing after it.
fn check_stops(lines: &[Value]) {
    let mut stops: BTreeMap<u64, (usize, usize, bool)> = BTreeMap::new();
    for line in lines {
        let Some(stop) = line["stop"].as_u64() else { continue };
        let (intents, outcomes, over) = stops.entry(stop).or_default();
        assert!(!*over, "after the final outcome of its stop: {line}");
        match (line["type"].as_str(), line["final"].as_bool()) {
            (Some("intent"), _) => {
                assert_eq!(intents, outcomes, "before the outcome of the rung below: {line}");
                *intents += 1;
            }
            (_, Some(false)) => *outcomes += 1,
            _ => {
                *over = true;
                let tried = !line["action"].is_null();
                assert_eq!(*intents > 0, tried, "the action is the last one tried, or null: {line}");
                let times = [&line["sent_ms"], &line["gone_ms"], &line["drained_ms"]];
                let times: Vec<u64> = times.into_iter().filter_map(Value::as_u64).collect();
                assert!(times.is_sorted(), "sent, gone, drained: {line}");
            }
        }
    }
    for (stop, (intents, outcomes, over)) in stops {
        assert_eq!(intents, outcomes, "stop {stop}: one outcome per intent");
        assert!(over, "stop {stop} has a final outcome");
    }
}
