//! One plan, the flights of it, and what must be true of each of them.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Actor, Database, LONG, Program, Version, versions, wait_until};

/// A plan's file, and the logs of its flights beside it.
pub(crate) struct Plan {
    dir: TempDir,
    path: PathBuf,
    flights: std::cell::Cell<u32>,
}

/// A flight in the air. Dropped, it is killed.
pub(crate) struct Run {
    pub(crate) program: Program,
    log: PathBuf,
    db: Database,
}

/// A flight that has ended.
pub(crate) struct Landed {
    pub(crate) exit: i32,
    pub(crate) lines: Vec<Value>,
    pub(crate) stderr: String,
    pub(crate) log: PathBuf,
}

/// The servers of these versions that this machine has.
pub(crate) fn on(majors: &[u32]) -> impl Iterator<Item = &'static Version> {
    versions().iter().filter(move |version| majors.contains(&version.major))
}

/// A step of statements.
pub(crate) fn step(id: &str, sql: &str) -> String {
    format!("[[step]]\nid = \"{id}\"\nsql = '''{sql}'''\n")
}

impl Plan {
    /// A plan of these tables; its `[plan]` is made here.
    pub(crate) fn of(tables: &str) -> Plan {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("plan.toml");
        let plan = Plan { dir, path, flights: std::cell::Cell::new(0) };
        plan.rewrite(tables);
        plan
    }

    /// Another text for it.
    pub(crate) fn rewrite(&self, tables: &str) {
        fs::write(&self.path, format!("[plan]\nname = \"bad-day\"\n\n{tables}")).expect("a plan");
    }

    /// A file beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `lockpit run --headless`, recorded in a new log.
    pub(crate) fn fly(&self, db: &Database, args: &[&str]) -> Run {
        self.fly_at(db, &db.conninfo(), args)
    }

    /// The same with this connection string.
    pub(crate) fn fly_at(&self, db: &Database, conninfo: &str, args: &[&str]) -> Run {
        self.flights.set(self.flights.get() + 1);
        let log = self.beside(&format!("{}.log", self.flights.get()));
        self.take_off(db, conninfo, log, args)
    }

    /// `lockpit run --headless --resume`: the last flight goes on.
    pub(crate) fn resume(&self, db: &Database, args: &[&str]) -> Run {
        let resume: Vec<&str> = ["--resume"].iter().chain(args).copied().collect();
        self.take_off(db, &db.conninfo(), self.newest_log(), &resume)
    }

    /// The same behind this log.
    pub(crate) fn resume_from(&self, db: &Database, log: &std::path::Path) -> Run {
        self.take_off(db, &db.conninfo(), log.to_owned(), &["--resume"])
    }

    fn newest_log(&self) -> PathBuf {
        let files =
            fs::read_dir(self.dir.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let logs = files.filter(|path| path.extension().is_some_and(|it| it == "log" || it == "flight"));
        let written = |path: &PathBuf| path.metadata().and_then(|it| it.modified()).expect("a time");
        logs.max_by_key(written).expect("a log")
    }

    fn take_off(&self, db: &Database, conninfo: &str, log: PathBuf, args: &[&str]) -> Run {
        let (path, record) = (self.path.to_str().expect("utf-8"), log.to_str().expect("utf-8"));
        let mut all = vec!["run", path, conninfo, "--headless", "--record", record];
        all.extend(args);
        Run { program: Program::lockpit(all), log, db: db.clone() }
    }
}

impl Run {
    /// The first line on which the step enters this stage, now or later.
    pub(crate) async fn step(&self, id: &str, state: &str) -> Value {
        self.step_says(id, state, "").await
    }

    /// The same with a reason that contains `words`.
    pub(crate) async fn step_says(&self, id: &str, state: &str, words: &str) -> Value {
        let what = format!("step {id}: {state}: {words}");
        let wanted = |line: &Value| is_step(line, id, state) && says(line, "reason", words);
        self.line(&what, wanted).await
    }

    async fn line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let seen = async || self.program.lines().into_iter().find(&wanted).ok_or_else(|| self.told());
        wait_until(what, LONG, seen).await
    }

    /// The first note that contains `words`, now or later.
    pub(crate) async fn note(&self, words: &str) -> Value {
        let wanted = |line: &Value| line["type"] == "note" && says(line, "text", words);
        self.line(&format!("note: {words}"), wanted).await
    }

    /// Waits until the backend of the plan's session is as `condition` says, over `a` (`pg_stat_activity`), and
    /// returns its pid.
    pub(crate) async fn backend(&self, control: &Actor, condition: &str) -> i32 {
        let sql = format!(
            "select a.pid from pg_stat_activity a where a.application_name like 'lockpit/run %' \
             and a.datname = current_database() and a.backend_type = 'client backend' and ({condition})"
        );
        let what = format!("the plan's session is at: {condition}");
        let found = wait_until(&what, LONG, async || {
            let rows = control.rows(&sql).await;
            rows.first().cloned().ok_or_else(|| format!("nobody; {}", self.told()))
        });
        found.await.parse().expect("a pid")
    }

    /// What it has said of its steps so far.
    pub(crate) fn told(&self) -> String {
        format!("{}; stderr: {}", told(&self.program.lines()), self.program.stderr())
    }

    /// Waits for its end. No session of it may be left, and its log must replay to the same decisions.
    pub(crate) async fn end(self) -> Landed {
        let db = self.db.clone();
        let landed = self.end_somehow().await;
        let control = db.actor("test/landed").await;
        nobody_left(&control).await;
        landed
    }

    /// The same where a weak statement may be left behind.
    pub(crate) async fn end_somehow(self) -> Landed {
        let Run { mut program, log, .. } = self;
        let exit = program.exit(LONG).await;
        let landed = Landed { exit, lines: program.lines(), stderr: program.stderr(), log };
        // One that was closed is not written again.
        let told = landed.stderr.lines().find_map(|line| line.strip_prefix("lockpit: recording to "));
        let landed = Landed { log: told.map_or(landed.log.clone(), PathBuf::from), ..landed };
        landed.replays().await;
        landed
    }

    /// Kills it as `kill -9` does, and waits until the process is gone.
    pub(crate) async fn kill(self) -> Landed {
        self.program.signal(Signal::KILL);
        let Run { mut program, log, .. } = self;
        let exit = program.exit(LONG).await;
        let landed = Landed { exit, lines: program.lines(), stderr: program.stderr(), log };
        landed.replays().await;
        landed
    }
}

impl Landed {
    /// Fails the test unless it ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, exit: i32) -> Landed {
        assert_eq!(self.exit, exit, "{}; stderr: {}", self.told(), self.stderr);
        self
    }

    /// What it has said of its steps.
    pub(crate) fn told(&self) -> String {
        told(&self.lines)
    }

    /// Whether a note contains `words`.
    pub(crate) fn noted(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line["type"] == "note" && says(line, "text", words))
    }

    /// Fails the test unless a note, a reason or the end contains `words`.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) {
        assert!(
            self.told().contains(words) || self.stderr.contains(words),
            "nothing says {words:?}: {}; stderr: {}",
            self.told(),
            self.stderr
        );
    }

    /// How often a step entered this stage.
    pub(crate) fn count(&self, id: &str, state: &str) -> usize {
        self.lines.iter().filter(|line| is_step(line, id, state)).count()
    }

    /// The clean-ups that were offered, in order.
    pub(crate) fn clean_ups(&self) -> Vec<String> {
        let notes = self.lines.iter().filter(|line| line["type"] == "note");
        let texts = notes.filter_map(|line| line["text"].as_str());
        let offers = texts.filter(|text| text.contains("left behind: "));
        offers
            .filter_map(|text| Some(text.split_once("cleanup ")?.1.split_once(": ")?.1.to_owned()))
            .collect()
    }

    /// Its log replays to the same decisions.
    async fn replays(&self) {
        if !self.log.exists() {
            return;
        }
        let mut replay = Program::lockpit(["replay".as_ref(), self.log.as_os_str(), "--headless".as_ref()]);
        let exit = replay.exit(LONG).await;
        let drift: Vec<Value> = replay.lines().into_iter().filter(|line| line["type"] == "drift").collect();
        assert!(
            exit == 0 && drift.is_empty(),
            "replay of {}: exit {exit}, drift {drift:?}, stderr {}; {}",
            self.log.display(),
            replay.stderr(),
            self.told()
        );
    }
}

/// Waits until no session of a flight is left in the database.
pub(crate) async fn nobody_left(control: &Actor) {
    let left = "select pid, application_name, state, query from pg_stat_activity \
                where application_name like 'lockpit/%' and datname = current_database()";
    wait_until("no session of the flight is left", LONG, async || match control.rows(left).await {
        rows if rows.is_empty() => Ok(()),
        rows => Err(format!("{rows:?}")),
    })
    .await;
}

fn is_step(line: &Value, id: &str, state: &str) -> bool {
    line["type"] == "step" && line["id"] == id && line["state"] == state
}

fn says(line: &Value, field: &str, words: &str) -> bool {
    line[field].as_str().unwrap_or_default().contains(words)
}

fn told(lines: &[Value]) -> String {
    let of = |line: &&Value| matches!(line["type"].as_str(), Some("step" | "note" | "trip" | "end"));
    let lines: Vec<String> = lines
        .iter()
        .filter(of)
        .map(|line| match line["type"].as_str() {
            Some("step") => {
                let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}: {}", word("id"), word("state"), word("reason"))
            }
            Some("note") => line["text"].as_str().unwrap_or_default().to_owned(),
            _ => line.to_string(),
        })
        .collect();
    format!("\n  {}\n", lines.join("\n  "))
}
