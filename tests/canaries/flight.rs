//! A flight over sessions with canaries, and everything that it leaves.

use std::path::PathBuf;

use lockpit::demo::server::ServerOptions;
use lockpit::engine::input::Input;
use lockpit::log::{Entry, Head, Item, Reader};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::forms::{Form, GID, MARKS};
use crate::support::{Cluster, LONG, Program};

/// Everything that a flight leaves.
pub(crate) struct Left {
    pub(crate) log: PathBuf,
    pub(crate) meta: Value,
    /// Inputs and intents of the log, in JSON.
    pub(crate) inputs: Vec<String>,
    /// Checkpoints of the log.
    pub(crate) engine: Vec<String>,
    /// Everything else of it.
    others: Vec<String>,
    texts: Vec<String>,
    raw: Vec<u8>,
    pub(crate) stdout: String,
    stderr: String,
    _folder: TempDir,
}

/// Flies over one session for each form, and over a jam whose statements have canaries too, until all were seen.
pub(crate) async fn fly(major: u32, forms: &[Form], args: &[&str]) -> Left {
    let options = ServerOptions::default().set("max_prepared_transactions", "5");
    let cluster = Cluster::fresh(major, options);
    let db = cluster.database("shop").await;
    let control = db.actor("control").await;
    control.exec("create table t (a text); create table other (a text)").await;
    control.exec(&format!("begin; insert into other values ('x'); prepare transaction '{GID}'")).await;
    let mut sessions = Vec::new();
    for form in forms {
        let session = db.actor("canary").await;
        session.exec(form.setup).await;
        // Read only, so that none takes a lock for which another would wait.
        session.exec("begin read only").await;
        // Refused or not: the server shows it until the session says something else.
        let _ = session.try_exec(&form.sql).await;
        sessions.push(session);
    }
    let ([reader, ddl, victim], jammed) =
        ([db.actor("reader").await, db.actor("ddl").await, db.actor("app").await], "Zq7jam");
    reader.exec(&format!("begin; select * from t where a = '{jammed}'")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("canaries.flight");
    let conninfo = db.conninfo();
    let path = log.to_string_lossy();
    let mut all = vec!["attach", &conninfo, "--headless", "--arm=shadow", "--record", &path];
    all.extend(args);
    let mut flight = Program::lockpit(all);
    let open = u64::try_from(forms.len()).expect("few");
    let sample = |line: &Value| line["type"] == "sample";
    flight
        .line("all sessions", LONG, |line| sample(line) && line["idle_in_transaction"].as_u64() > Some(open))
        .await;
    let migration = ddl.spawn(&format!("alter table t add b text default '{jammed}' /* {jammed} */"));
    flight.line("the migration", LONG, |line| line["type"] == "target").await;
    let query = victim.spawn(&format!("select * from t where a in ('{jammed}') -- {jammed}"));
    flight.line("a trip", LONG, |line| line["type"] == "trip").await;
    flight.signal(Signal::TERM);
    flight.exit(LONG).await;
    reader.exec("rollback").await;
    drop(sessions);
    for running in [migration, query] {
        running.finish(LONG).await.expect("nobody stopped it");
    }
    let (stdout, stderr) = (flight.stdout(), flight.stderr());
    let head = Head::read(&log).expect("a log");
    let mut left = Left {
        meta: serde_json::to_value(head.meta).expect("JSON"),
        inputs: Vec::new(),
        engine: Vec::new(),
        others: Vec::new(),
        texts: Vec::new(),
        raw: std::fs::read(&log).expect("a log"),
        log,
        stdout,
        stderr,
        _folder: folder,
    };
    left.decode();
    left
}

impl Left {
    fn decode(&mut self) {
        let mut reader = Reader::open(&self.log).expect("a log");
        while let Some(item) = reader.next_item().expect("an item") {
            let Item::Entry { entry, .. } = item else { panic!("damaged: {item:?}") };
            match entry {
                Entry::Input(_, input) => {
                    if let Input::Text(text) = &input {
                        self.texts.push(text.normalised.clone());
                    }
                    self.inputs.push(serde_json::to_string(&input).expect("JSON"));
                }
                Entry::Intent(_, effect) => self.inputs.push(serde_json::to_string(&effect).expect("JSON")),
                Entry::Checkpoint(_, bytes) => self.engine.push(String::from_utf8(bytes).expect("JSON")),
                Entry::Event(_, event) => self.others.push(event.to_string()),
                other => self.others.push(format!("{other:?}")),
            }
        }
        assert!(!self.engine.is_empty(), "no checkpoint");
        self.others.push(self.meta.to_string());
    }

    /// Everything that was said, decoded.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &String> {
        let log = self.inputs.iter().chain(&self.engine).chain(&self.others);
        log.chain([&self.stdout, &self.stderr])
    }

    /// Forms of the texts that were seen.
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether the log's inputs say this.
    pub(crate) fn names(&self, what: &str) -> bool {
        self.inputs.iter().any(|input| input.contains(what))
    }

    /// How often a canary is in the file as it is.
    pub(crate) fn raw_hits(&self) -> usize {
        let hits = |mark: &str| self.raw.windows(mark.len()).filter(|part| *part == mark.as_bytes()).count();
        MARKS.iter().map(|mark| hits(mark)).sum()
    }
}
