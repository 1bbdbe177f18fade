use super::line;
use crate::engine::ids::{BackendId, Pid};
use crate::engine::input::Input;
use crate::engine::locks::LockMode;
use crate::engine::sample::{DatabaseCounters, Sender, Slot, SlowFacts};
use crate::engine::settings::Settings;
use crate::engine::story::{Story, armed, session};
use crate::engine::testing::{A, B, Look, USERS, calm, client, jam, server, text};
use crate::literals::Kept;
use crate::screen::ui::{Popup, Row, View};
use crate::screen::views::stage::Stage;

const HIDDEN: Pid = Pid(70);

fn backend(pid: Pid) -> Row {
    Row::Backend(session(pid))
}

fn open(mut stage: Stage, row: Row) -> Stage {
    stage.ui.popup = Some(Popup::Details(row, 0));
    stage
}

fn sheet(stage: Stage, row: Row) -> String {
    open(stage, row).text(120, 80)
}

fn crowd() -> Look {
    let mut hidden = client(HIDDEN).masked();
    hidden.backend.database = None;
    jam(3).with(hidden)
}

fn stage() -> Stage {
    Stage::look(crowd(), View::Activity)
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "{words:?} is missing:\n{text}");
    }
}

#[test]
fn a_backend_is_told_with_its_identity_its_waits_and_what_stopping_it_costs() {
    let root = sheet(stage(), backend(A));
    has(
        &root,
        &[
            "pid 101 report-job, 4 sessions wait behind it",
            "role shop, database shop, client local",
            "session      began 2023-11-14 22:12:20.000 UTC, 1m01s ago",
            "idle in transaction for",
            "it has written nothing yet",
            "1 directly, 4 in all: 102 deploy",
            "holds AccessShareLock on users",
            "a cancel     does nothing: it is idle in transaction",
            "Not now:",
            "Not known: the server's machine was not read.",
        ],
    );
    let target = sheet(stage(), backend(B));
    has(
        &target,
        &[
            "the TARGET",
            "1.0 s for a lock",
            "waits for    101 report-job",
            "awaits AccessExclusiveLock on users, since 2023-11-14 22:13:20.000 UTC",
            "statement: ALTER TABLE",
            "alter table …",
        ],
    );
}

#[test]
fn what_is_hidden_is_said_to_be_hidden() {
    let row = Row::Backend(BackendId { pid: HIDDEN, backend_start: None });
    let text = sheet(stage(), row.clone());
    has(
        &text,
        &[
            "began at a time that is hidden from this login",
            "transaction  hidden from this login",
            "wait event   hidden from this login",
            "database hidden from this login, client hidden from this login",
            "cannot be told: its state is hidden",
        ],
    );
    let stage = stage();
    has(&line(&stage.shown(), &row), &["pid 70 (start hidden), shop-web", "hidden from this login"]);
}

#[test]
fn a_long_text_is_there_to_its_end_and_says_when_it_was_cut() {
    let mut story = Story::begin(armed());
    let mut long = text(9, "SELECT");
    long.normalised = format!("select {} the end", "column, ".repeat(200));
    (long.truncated, long.statements) = (true, 3);
    story.input(1, Input::Text(Box::new(long)));
    story.look(1_000, calm().with(client(A).runs(9)));
    let mut stage = open(Stage::of(&story, View::Activity), backend(A));
    let whole = stage.text(120, 80);
    has(&whole, &["the end", "CUT: the text goes on", "3 statements in one text"]);
    assert!(!stage.text(80, 24).contains("the end"));
    stage.ui.popup = Some(Popup::Details(backend(A), 10_000));
    has(&stage.text(80, 24), &["the end", "up and down scroll"]);
}

#[test]
fn literals_that_are_kept_are_put_back_and_said_on_every_screen() {
    let mut story = Story::begin(Settings { keep_literals: true, ..armed() });
    let mut statement = text(9, "SELECT");
    statement.normalised = "select a from t where b = $1".to_owned();
    story.input(1, Input::Text(Box::new(statement)));
    story.look(1_000, calm().with(client(A).runs(9)));
    let mut stage = open(Stage::of(&story, View::Activity), backend(A));
    has(&stage.text(120, 80), &["LITERALS KEPT", "where b = $1", "Not known here"]);
    let sample = story.cockpit.sample().expect("a sample");
    let row = sample.backends.iter().find(|backend| backend.pid == A).expect("its row");
    let (backend_start, query_start) = (row.backend_start, row.query_start);
    let values = vec![Some("'Zq7'".to_owned())];
    let text = row.text.expect("its text");
    stage.literals.take([Kept { pid: A, backend_start, query_start, text, values }]);
    has(&stage.text(120, 80), &["where b = $1", "where b = 'Zq7'"]);
    stage.ui.presenter = true;
    assert!(!stage.text(120, 80).contains("Zq7"));
    stage.ui.popup = None;
    for view in [View::Cockpit, View::Locks, View::Timeline] {
        stage.ui.view = view;
        assert!(stage.text(60, 16).contains("LITERALS KEPT"));
    }
}

#[test]
fn a_backend_that_is_gone_says_so_and_is_not_described_from_memory() {
    let mut story = Story::begin(armed());
    story.look(1_000, jam(1));
    story.look(2_000, calm().with(client(A).session_from(1_500)));
    let stage = Stage::of(&story, View::Activity);
    let gone = line(&stage.shown(), &backend(B));
    has(&gone, &["pid 102 is gone, or idle", "was last told of at", "terminate pid 102"]);
    let other = line(&stage.shown(), &backend(A));
    has(&other, &["pid 101 is gone: another session has that pid now"]);
    assert!(!other.contains("report-job"), "{other}");
    has(&sheet(stage, backend(B)), &["pid 102 is gone, or idle"]);
    let before = Stage::of(&Story::begin(armed()), View::Activity);
    has(&sheet(before, backend(A)), &["there is no sample"]);
}

#[test]
fn equal_waiters_are_told_with_their_pids_and_their_oldest() {
    let row = Row::Group(Some("select …".to_owned()));
    let text = sheet(stage(), row.clone());
    has(
        &text,
        &[
            "3 clients wait with the same statement",
            "has waited 1.0 s",
            "200 201 202",
            "wait for     pid 102",
        ],
    );
    let stage = stage();
    has(&line(&stage.shown(), &row), &["3 clients wait (awaits AccessShareLock on users)", "200 201 202"]);
    let nobody = Row::Group(Some("delete …".to_owned()));
    has(&line(&stage.shown(), &nobody), &["nobody waits with this statement any more"]);
}

fn replicating() -> Stage {
    let mut look = calm();
    look.0.slow = Some(Box::new(SlowFacts {
        in_recovery: false,
        checkpointer_start: None,
        wal_lsn: Some(64 * 1_024 * 1_024),
        senders: vec![Sender {
            pid: Pid(500),
            application: "stand-by".to_owned(),
            state: Some("streaming".to_owned()),
            sync_state: Some("quorum".to_owned()),
            sent_lsn: Some(64 * 1_024 * 1_024),
            write_lsn: Some(64 * 1_024 * 1_024),
            flush_lsn: Some(64 * 1_024 * 1_024),
            replay_lsn: Some(0),
            write_lag_us: None,
            flush_lag_us: None,
            replay_lag_us: None,
            reply_time: Some(server(900)),
        }],
        slots: vec![Slot {
            name: "kept".to_owned(),
            logical: true,
            active: false,
            restart_lsn: Some(0),
            wal_status: Some("reserved".to_owned()),
        }],
        progress: Vec::new(),
        counters: DatabaseCounters::default(),
    }));
    Stage::look(look, View::Replication)
}

#[test]
fn a_standby_and_a_slot_are_told_in_full() {
    let text = sheet(replicating(), Row::Sender("stand-by".to_owned()));
    has(
        &text,
        &["LAGGING: 64 MB behind", "may wait for it (quorum)", "unreplayed   64 MB", "which is not zero"],
    );
    let text = sheet(replicating(), Row::Slot("kept".to_owned()));
    has(&text, &["LAGGING: inactive, keeps 64 MB", "logical", "nobody streams from it"]);
    has(&sheet(replicating(), Row::Sender("other".to_owned())), &["It is not connected"]);
    has(&sheet(replicating(), Row::Slot("other".to_owned())), &["It is gone"]);
}

#[test]
fn a_guardrail_and_an_event_are_told_in_full() {
    let mut story = Story::begin(armed());
    story.jams(60);
    let shown = || Stage::of(&story, View::Cockpit);
    let text = sheet(shown(), Row::Guardrail("queue_depth".to_owned()));
    has(&text, &["guardrail queue_depth", "level", "what it did, the newest first"]);
    let found = (0..story.cockpit.timeline().total()).find(|n| {
        sheet(shown(), Row::Event(*n)).contains("awaits AccessExclusiveLock on users; its lock conflicts")
    });
    assert!(found.is_some(), "no event tells of the target");
    has(&sheet(shown(), Row::Event(9_999)), &["It is not kept any more"]);
}

#[test]
fn a_shared_screen_names_nobody() {
    let mut story = Story::begin(armed());
    story.jams(60);
    let mut rows = vec![backend(A), backend(B), Row::Group(Some("select …".to_owned()))];
    rows.extend((0..story.cockpit.timeline().total()).map(Row::Event).take(3));
    for row in rows {
        let mut stage = Stage::of(&story, View::Activity);
        stage.ui.presenter = true;
        let copied = line(&stage.shown(), &row);
        let text = sheet(stage, row.clone());
        let body: String = text.lines().skip(3).collect();
        for name in ["report-job", "deploy", "role shop", "client local", "alter table …"] {
            assert!(!body.contains(name), "{name} is shown for {row:?}:\n{text}");
            assert!(matches!(row, Row::Event(_)) || !copied.contains(name), "{name} is copied: {copied}");
        }
    }
}

#[test]
fn every_row_is_drawn_at_every_size_whatever_it_is_called() {
    let hostile = "\u{1b}]0;x\u{7}\u{202e}宽\n".repeat(9);
    let who = client(A).app(&hostile).holds(LockMode::AccessExclusiveLock, USERS);
    let rows = [
        backend(A),
        backend(B),
        Row::Backend(BackendId { pid: Pid::PREPARED, backend_start: None }),
        Row::Group(None),
        Row::Group(Some(hostile.clone())),
        Row::Sender(hostile.clone()),
        Row::Slot(hostile.clone()),
        Row::Guardrail(hostile.clone()),
        Row::Event(u64::MAX),
    ];
    for row in rows {
        let look = calm().with(who.clone()).prepared(7, &hostile, LockMode::ShareLock, USERS);
        let stage = open(Stage::look(look, View::Activity), row.clone());
        assert!(!line(&stage.shown(), &row).contains(['\u{1b}', '\n', '\u{202e}']));
        for (width, height) in [(60, 16), (61, 17), (80, 24), (120, 40), (200, 50)] {
            assert!(!stage.text(width, height).contains('\u{1b}'));
        }
    }
}
