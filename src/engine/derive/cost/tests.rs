use super::*;
use crate::engine::ids::TextId;
use crate::engine::input::Input;
use crate::engine::locks::LockMode;
use crate::engine::sample::{BackendKind, Progress, SlowFacts};
use crate::engine::settings::Settings;
use crate::engine::story::Story;
use crate::engine::testing::{B, Look, ORDERS, USERS, Who, calm, client, forgotten_reader, jam, text};

fn progress(phase: &str) -> Box<SlowFacts> {
    let progress = Progress {
        pid: B,
        command: "CREATE INDEX".to_owned(),
        relation: Some(USERS),
        phase: Some(phase.to_owned()),
        locker_pid: None,
        lockers: None,
        done: None,
        total: None,
        unit: None,
    };
    Box::new(SlowFacts {
        in_recovery: false,
        checkpointer_start: None,
        wal_lsn: None,
        senders: Vec::new(),
        slots: Vec::new(),
        progress: vec![progress],
        counters: crate::engine::sample::DatabaseCounters::default(),
    })
}

fn cost_of(look: Look, texts: &[Text], pid: Pid) -> StopCost {
    let mut story = Story::begin(Settings::default());
    for text in texts {
        story.input(0, Input::Text(Box::new(text.clone())));
    }
    story.look(2_000, look);
    StopCost::of(&story.cockpit, pid, At::from_ms(2_000)).expect("a sample")
}

/// What stopping B costs while it works at `kind`.
fn working(kind: &str, relations: &[&str], normalised: &str, phase: Option<&str>) -> StopCost {
    let text = Text {
        relations: relations.iter().map(|name| (*name).to_owned()).collect(),
        normalised: normalised.to_owned(),
        ..text(9, kind)
    };
    let mut look = calm().with(client(B).runs(9).holds(LockMode::ShareUpdateExclusiveLock, ORDERS));
    look.0.slow = phase.map(progress);
    cost_of(look, &[text], B)
}

fn idle(who: Who) -> StopCost {
    cost_of(calm().with(who), &[], crate::engine::testing::A)
}

#[test]
fn an_alter_that_waits_for_its_first_lock_loses_nothing() {
    let cost = cost_of(jam(1), &[], B);
    assert_eq!(cost.sentence(), "nothing lost, nothing left behind");
    assert_eq!(
        (cost.severity, &cost.cancel, cost.ran_ms),
        (Severity::Nothing, &CancelWorks::Yes, Some(2_000))
    );
}

#[test]
fn the_transaction_id_that_an_access_exclusive_lock_asks_for_is_no_sign_of_writing() {
    let mut look = jam(1);
    look.0.backends.iter_mut().filter(|backend| backend.pid == B).for_each(|it| it.backend_xid = Some(7));
    assert_eq!(cost_of(look, &[], B).severity, Severity::Nothing);
}

#[test]
fn an_index_build_leaves_an_invalid_index_in_the_schema_of_its_table() {
    let cost = working("CREATE INDEX CONCURRENTLY", &["\"By Date\"", "orders"], "", Some("building index"));
    assert_eq!(cost.severity, Severity::Leftover);
    assert_eq!(cost.clean_up[0], "DROP INDEX CONCURRENTLY sales.\"By Date\";");
    let cost = working("CREATE INDEX CONCURRENTLY", &["orders"], "", None);
    assert_eq!(cost.clean_up[0], "DROP INDEX CONCURRENTLY <index>;");
}

#[test]
fn a_build_that_waits_for_its_first_lock_leaves_nothing_and_one_that_waits_for_snapshots_does() {
    let build = || client(B).runs(3);
    let waits = build().awaits(LockMode::ShareUpdateExclusiveLock, USERS).behind(&[Pid(1)]);
    assert_eq!(cost_of(calm().with(waits), &[], B).severity, Severity::Nothing);
    let later =
        build().holds(LockMode::ShareUpdateExclusiveLock, USERS).awaits_snapshot("3/7").behind(&[Pid(1)]);
    assert_eq!(cost_of(calm().with(later), &[], B).severity, Severity::Leftover);
}

#[test]
fn the_phase_of_a_reindex_says_which_index_is_left() {
    let left =
        |phase| working("REINDEX CONCURRENTLY", &["sales.i"], "REINDEX INDEX CONCURRENTLY sales.i", phase);
    let before = left(Some("waiting for old snapshots"));
    assert_eq!(before.clean_up[0], "DROP INDEX CONCURRENTLY sales.i_ccnew;");
    let after = left(Some("waiting for readers before marking dead"));
    assert_eq!(after.clean_up, ["DROP INDEX CONCURRENTLY sales.i_ccold;"]);
    assert!(after.lost.starts_with("nothing"), "{}", after.lost);
    let unknown = left(None);
    assert!(unknown.clean_up[0].starts_with("SELECT indexrelid::regclass"), "{:?}", unknown.clean_up);
    let long = "x".repeat(63);
    let cut =
        working("REINDEX CONCURRENTLY", &[&long], "REINDEX INDEX CONCURRENTLY x", Some("building index"));
    assert_eq!(cut.clean_up[0], format!("DROP INDEX CONCURRENTLY {}_ccnew;", "x".repeat(57)));
    let table =
        working("REINDEX CONCURRENTLY", &["t"], "REINDEX TABLE CONCURRENTLY t", Some("building index"));
    assert_eq!(table.clean_up[0], "DROP INDEX CONCURRENTLY <index>_ccnew;");
}

#[test]
fn a_detach_in_its_second_phase_must_be_finalized() {
    let text = Text {
        relations: vec!["events".to_owned(), "events_2019".to_owned()],
        ..text(9, "ALTER TABLE DETACH PARTITION CONCURRENTLY")
    };
    let waits = |mode| calm().with(client(B).runs(9).awaits(mode, USERS).behind(&[Pid(1)]));
    let second = cost_of(waits(LockMode::AccessExclusiveLock), std::slice::from_ref(&text), B);
    assert_eq!(second.clean_up[0], "ALTER TABLE events DETACH PARTITION events_2019 FINALIZE;");
    assert_eq!(second.severity, Severity::Leftover);
    let first = cost_of(waits(LockMode::ShareUpdateExclusiveLock), &[text], B);
    assert_eq!(first.severity, Severity::Nothing);
}

#[test]
fn what_is_rolled_back_as_a_whole_leaves_nothing() {
    for kind in
        ["ALTER TABLE", "CREATE INDEX", "VACUUM FULL", "ALTER TABLE VALIDATE CONSTRAINT", "DROP TABLE"]
    {
        let cost = working(kind, &["t"], "", None);
        assert_eq!((cost.severity, cost.clean_up.len()), (Severity::Work, 0), "{kind}");
        assert!(cost.lost.ends_with("of 2.0 s"), "{kind}: {}", cost.lost);
    }
    for kind in ["DROP DATABASE", "CREATE SUBSCRIPTION", "unknown", "COMMIT"] {
        assert_eq!(working(kind, &[], "", None).severity, Severity::Unknown, "{kind}");
    }
}

#[test]
fn an_update_leaves_dead_rows() {
    let cost = working("UPDATE", &[], "", None);
    assert_eq!(cost.severity, Severity::Work);
    assert_eq!(cost.clean_up, ["VACUUM sales.orders;"]);
}

#[test]
fn a_statement_takes_its_transaction_along() {
    let within = |who: Who| cost_of(calm().with(who.runs(1)), &[], B);
    let written = within(client(B).xid(7).transaction_from(-5_000));
    assert!(written.lost.ends_with("and what its transaction wrote before, if anything"), "{}", written.lost);
    assert!(written.leaves.contains("ROLLBACK"), "{}", written.leaves);
    let script = Text { statements: 3, ..text(9, "ALTER TABLE") };
    let script = cost_of(calm().with(client(B).runs(9)), &[script], B);
    assert_eq!(script.severity, Severity::Unknown);
    assert!(script.lost.contains("one of 3 statements"), "{}", script.lost);
}

#[test]
fn idle_in_transaction_loses_what_it_has_written_and_no_cancel_ends_it() {
    let cost = idle(forgotten_reader().xid(7));
    assert_eq!((cost.severity, cost.ran_ms), (Severity::Work, Some(122_000)));
    assert!(matches!(cost.cancel, CancelWorks::No(_)));
    assert_eq!(idle(forgotten_reader()).severity, Severity::Nothing);
}

#[test]
fn what_is_committed_stays() {
    let waits = client(B).runs(1).waits_for("IPC/SyncRep");
    let cost = cost_of(calm().with(waits), &[], B);
    assert!(cost.committed && cost.severity == Severity::Committed);
    assert!(matches!(cost.cancel, CancelWorks::FreesOnly(_)));
}

#[test]
fn what_is_hidden_is_not_known() {
    for cost in [
        idle(forgotten_reader().masked()),
        cost_of(calm().with(client(B)), &[], B),
        cost_of(calm(), &[], Pid(999)),
    ] {
        assert_eq!(cost.severity, Severity::Unknown);
        assert!(cost.lost.starts_with("not known") && cost.leaves.starts_with("not known"), "{}", cost.lost);
    }
    assert_eq!(StopCost::of(&Cockpit::default(), B, At(0)), None);
}

#[test]
fn servers_own_work_and_prepared_transactions_have_their_own_words() {
    let vacuum = |normalised: &str| {
        let text = Text { id: TextId(9), normalised: normalised.to_owned(), ..text(9, "autovacuum: VACUUM") };
        cost_of(calm().with(client(B).kind(BackendKind::Autovacuum).runs(9)), &[text], B)
    };
    assert_eq!(vacuum("autovacuum: VACUUM public.t").severity, Severity::Nothing);
    assert!(vacuum("autovacuum: VACUUM public.t (to prevent wraparound)").lost.contains("let finish"));
    let sender = cost_of(calm().with(client(B).kind(BackendKind::WalSender)), &[], B);
    assert!(sender.lost.contains("standby"));
    let look = calm()
        .prepared(7, "g'1", LockMode::RowExclusiveLock, USERS)
        .with(client(B).runs(1).awaits(LockMode::AccessExclusiveLock, USERS).behind(&[Pid::PREPARED]));
    let prepared = cost_of(look, &[], Pid::PREPARED);
    assert_eq!(prepared.clean_up, ["ROLLBACK PREPARED 'g''1';"]);
    assert!(matches!(prepared.cancel, CancelWorks::No(_)));
}
