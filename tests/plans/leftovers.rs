//! What interrupted work leaves on servers of every version, and the clean-up that is offered for it.

use lockpit::engine::plan::facts::{Leftover, LeftoverKind};
use lockpit::engine::plan::leftover::offer;

use crate::support::{Actor, LONG, cluster, versions, wait_until};

fn leftover(kind: LeftoverKind, table: &str, name: &str) -> Leftover {
    let (schema, table, name) = ("Odd schema".to_owned(), table.to_owned(), name.to_owned());
    Leftover { kind, schema, table, name, object_schema: None }
}

const SCHEMA: &str = r#"
create schema "Odd schema";
set search_path = "Odd schema";
create table "T""1" (a int, b int);
insert into "T""1" values (1, 1), (1, 2);
create table parts (k int) partition by list (k);
create table "parts 1" partition of parts for values in (1);
create table "parts 2" partition of parts for values in (2);
create index "Whole" on only parts (k);
alter table "T""1" add constraint "Check" check (a > 0) not valid;
create function fire() returns trigger language plpgsql as 'begin return new; end';
create trigger "select" before insert on "T""1" for each row execute function fire();
insert into parts values (1), (2);
"#;

/// How many of these things there are in the catalog.
async fn count(actor: &Actor, kind: LeftoverKind) -> i64 {
    let found = match kind {
        LeftoverKind::PendingDetach => "pg_inherits where inhdetachpending",
        LeftoverKind::UnvalidatedConstraint => "pg_constraint where not convalidated",
        LeftoverKind::Trigger => "pg_trigger where tgname = 'select'",
        LeftoverKind::InvalidParentIndex => {
            "pg_index i join pg_class c on c.oid = i.indexrelid where not indisvalid and relkind = 'I'"
        }
        LeftoverKind::InvalidIndex | LeftoverKind::NewIndex | LeftoverKind::OldIndex => {
            "pg_index i join pg_class c on c.oid = i.indexrelid where not indisvalid and relkind = 'i'"
        }
    };
    actor.value(&format!("select count(*) from {found}")).await
}

#[tokio::test]
async fn what_is_offered_cleans_up() {
    for version in versions() {
        let db = cluster(version.major).database("leftovers").await;
        let (actor, other) = (db.actor("test/operator").await, db.actor("test/other").await);
        actor.exec(SCHEMA).await;
        // Duplicates end a unique build, which leaves its index.
        let build = r#"create unique index concurrently "Odd Index" on "T""1" (a)"#;
        actor.try_exec(build).await.expect_err("duplicates");

        // A reader of the partition holds up the second phase, in which the detach is cancelled.
        other.exec(r#"begin; lock table only "Odd schema"."parts 1" in access share mode"#).await;
        let detaching = db.actor("test/detach").await;
        let sql = r#"alter table "Odd schema".parts detach partition "Odd schema"."parts 1" concurrently"#;
        let running = detaching.spawn(sql);
        wait_until("the second phase", LONG, async || {
            let pending = count(&actor, LeftoverKind::PendingDetach).await;
            let waits: bool = actor
                .value(&format!(
                    "select exists (select from pg_locks where pid = {} and not granted)",
                    detaching.pid()
                ))
                .await;
            if pending == 1 && waits { Ok(()) } else { Err(format!("{pending} pending, waits: {waits}")) }
        })
        .await;
        detaching.cancel().await;
        running.finish(LONG).await.expect_err("a cancel");
        other.exec("rollback").await;
        let seen: i64 = actor.value("select count(*) from parts").await;
        assert_eq!(seen, 1, "the rows of the other partition");

        for (kind, table, name) in [
            (LeftoverKind::InvalidIndex, "T\"1", "Odd Index"),
            (LeftoverKind::InvalidParentIndex, "parts", "Whole"),
            (LeftoverKind::PendingDetach, "parts", "parts 1"),
            (LeftoverKind::UnvalidatedConstraint, "T\"1", "Check"),
            (LeftoverKind::Trigger, "T\"1", "select"),
        ] {
            assert_eq!(count(&actor, kind).await, 1, "{} {kind:?}", version.major);
            let offer = offer(&leftover(kind, table, name));
            assert_eq!(offer.hides_rows, kind == LeftoverKind::PendingDetach);
            // Nothing of the session's own search path leads there.
            let cleaner = db.actor("test/cleaner").await;
            cleaner.exec(&offer.sql).await;
            assert_eq!(count(&actor, kind).await, 0, "{} {}", version.major, offer.sql);
        }
    }
}

#[tokio::test]
async fn an_index_of_a_partitioned_table_is_not_dropped_concurrently() {
    for version in versions() {
        let db = cluster(version.major).database("leftovers").await;
        let actor = db.actor("test/operator").await;
        actor.exec(SCHEMA).await;
        let error = actor
            .try_exec(r#"drop index concurrently "Odd schema"."Whole""#)
            .await
            .expect_err("it is partitioned");
        let said = error.as_db_error().expect("an answer").message().to_owned();
        assert!(said.starts_with("cannot drop partitioned index"), "{} {said}", version.major);
    }
}
