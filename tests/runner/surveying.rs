//! What the catalog is asked before and after a step.

use lockpit::engine::plan::facts::{Found, LeftoverKind, Survey, Tie};
use lockpit::engine::plan::form::Expect;
use lockpit::engine::plan::order::{News, Order, TryEnd};
use lockpit::engine::sample::Fact;

use crate::rig::{Rig, UNIT, in_transaction, oid, script};
use crate::support::{Database, LONG, cluster, versions, wait_until};

async fn survey(rig: &mut Rig, relations: &[&str], expects: Vec<Expect>) -> Survey {
    let relations = relations.iter().map(|name| (*name).to_owned()).collect();
    rig.order(Order::Survey { unit: UNIT, relations, expects });
    let survey = rig.hear("survey", |news| match news {
        News::Surveyed { survey, .. } => Some(survey.clone()),
        _ => None,
    });
    match survey.await {
        Fact::Known(survey) => *survey,
        Fact::Missing(why) => panic!("no survey: {why}"),
    }
}

fn said(survey: &Survey) -> Vec<String> {
    let tied = |oid| {
        let it = survey.relations.iter().find(|relation| relation.oid == oid);
        it.map_or_else(|| oid.to_string(), |relation| relation.name.clone())
    };
    let relation = |tie| match tie {
        Tie::Named => "named".to_owned(),
        Tie::TableOf(it) => format!("table of {}", tied(it)),
        Tie::PartitionOf(it) => format!("partition of {}", tied(it)),
        Tie::DefaultPartitionOf(it) => format!("default partition of {}", tied(it)),
        Tie::ParentOf(it) => format!("parent of {}", tied(it)),
        Tie::References(it) => format!("references {}", tied(it)),
        Tie::ReferencedBy(it) => format!("referenced by {}", tied(it)),
        Tie::IndexOf(it) => format!("index of {}", tied(it)),
    };
    survey.relations.iter().map(|it| format!("{} {}", it.name, relation(it.tie))).collect()
}

#[tokio::test]
async fn relations_come_with_all_that_is_touched_with_them() {
    for version in versions() {
        let db = cluster(version.major).database("related").await;
        let actor = db.actor("test/app").await;
        for sql in [
            "create schema app",
            "create table app.users (id int primary key)",
            "create table app.events (id int, at int, user_id int references app.users, primary key (id, at)) \
             partition by range (at)",
            "create table app.events_1 partition of app.events for values from (1) to (2) partition by list (id)",
            "create table app.events_1_a partition of app.events_1 for values in (1)",
            "create table app.events_rest partition of app.events default",
            "create table app.notes (id int, event_id int, event_at int, \
             foreign key (event_id, event_at) references app.events)",
            "create table app.\"Odd one\" (x int)",
            "insert into app.\"Odd one\" select generate_series(1, 5000)",
            "analyze app.\"Odd one\"",
        ] {
            actor.exec(sql).await;
        }
        actor.exec(&format!("alter database {} set search_path = app", db.name)).await;
        let mut rig = Rig::start(&db, script(&[])).await;
        let seen = survey(&mut rig, &["events", "APP.Events", "nowhere"], Vec::new()).await;
        let expected = [
            "events named",
            "events named",
            "events_rest default partition of events",
            "events_1 partition of events",
            "events_1_a partition of events",
            "notes references events",
            "users referenced by events",
            "events_pkey index of events",
        ];
        assert_eq!(said(&seen), expected, "{version:?}");
        assert_eq!(
            (seen.absent.as_slice(), seen.version_num / 10_000),
            (&["nowhere".to_owned()][..], version.major)
        );
        assert_eq!(seen.deadlock_timeout_ms, 1_000);
        let events = seen.named("APP.Events").expect("it is there");
        assert_eq!((&*events.schema, events.kind, events.rows), ("app", 'p', None));
        assert!(events.may_alter);

        let seen = survey(&mut rig, &["events_1_a", "users_pkey"], Vec::new()).await;
        let expected = [
            "events_1_a named",
            "users_pkey named",
            "users table of users_pkey",
            "events_rest default partition of events",
            "events parent of events_1",
            "events_1 parent of events_1_a",
        ];
        assert_eq!(said(&seen)[..6], expected, "{version:?}");
        let seen = survey(&mut rig, &["\"Odd one\""], Vec::new()).await;
        let odd = seen.named("\"Odd one\"").expect("it is there");
        assert_eq!((odd.rows, odd.dead_rows.is_some(), &*odd.name), (Some(5_000), true, "Odd one"));
        assert!(odd.pages > 10, "{odd:?}");
        rig.stop().await;
    }
}

/// Leaves what an interrupted migration leaves.
async fn interrupted(db: &Database) {
    let actor = db.actor("test/app").await;
    for sql in [
        "create schema app",
        "create table app.t (x int, y int not null, constraint old check (x > 0))",
        "insert into app.t values (1, 1), (1, 2)",
        "create index good on app.t (y)",
        "alter table app.t add constraint new check (y > 0) not valid",
        "create function app.f() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger tr before insert on app.t for each row execute function app.f()",
        "create table app.p (x int) partition by range (x)",
        "create table app.p1 partition of app.p for values from (1) to (2)",
        "create table app.p2 partition of app.p for values from (2) to (3)",
    ] {
        actor.exec(sql).await;
    }
    actor.try_exec("create unique index concurrently bad on app.t (x)").await.expect_err("it is not unique");
    actor.exec("create index bad_ccnew1 on app.t (x)").await;
    actor.exec("update pg_index set indisvalid = false where indexrelid = 'app.bad_ccnew1'::regclass").await;
    let holder = db.actor("test/holder").await;
    holder.exec("begin; select from app.p").await;
    let detacher = db.actor("test/detacher").await;
    let detach = detacher.spawn("alter table app.p detach partition app.p2 concurrently");
    let pending = "select count(*) from pg_inherits where inhdetachpending";
    wait_until("a pending detach", LONG, async || match actor.value::<i64>(pending).await {
        1.. => Ok(()),
        _ => Err("none".to_owned()),
    })
    .await;
    detacher.cancel().await;
    detach.finish(LONG).await.expect_err("it was cancelled");
    holder.exec("commit").await;
}

#[tokio::test]
async fn expected_objects_and_leftovers_are_seen_as_they_are() {
    for version in versions() {
        let db = cluster(version.major).database("found").await;
        interrupted(&db).await;
        let mut rig = Rig::start(&db, script(&[])).await;
        let own = |text: &str| text.to_owned();
        let table = || own("app.t");
        let (p, bad) = (own("app.p"), |why: &str| Found::Bad(own(why)));
        let index =
            |index: &str, table: Option<&str>| Expect::Index { index: own(index), table: table.map(own) };
        let column =
            |column: &str, not_null| Expect::Column { table: table(), column: own(column), not_null };
        let constraint =
            |name: &str, validated| Expect::Constraint { table: table(), name: own(name), validated };
        let pending = "its detach is pending: its rows are not seen through the parent";
        let cases = vec![
            (index("good", Some("app.t")), Found::Good),
            (index("GOOD", Some("app.t")), Found::Good),
            (index("good", None), Found::Absent),
            (index("app.good", None), Found::Good),
            (index("none", Some("app.t")), Found::Absent),
            (Expect::NoRelation { name: own("none"), table: Some(table()) }, Found::Good),
            (Expect::NoRelation { name: own("good"), table: Some(table()) }, bad("it is still there")),
            (Expect::NoRelation { name: own("app.t"), table: None }, bad("it is still there")),
            (Expect::Relation { name: own("app.t") }, Found::Good),
            (Expect::Relation { name: own("t") }, Found::Absent),
            (column("x", Some(false)), Found::Good),
            (column("x", Some(true)), bad("it can be null")),
            (column("y", Some(false)), bad("it is NOT NULL")),
            (column("\"Y\"", None), Found::Absent),
            (Expect::NoColumn { table: table(), column: own("y") }, bad("it is still there")),
            (Expect::NoColumn { table: table(), column: own("z") }, Found::Good),
            (constraint("old", true), Found::Good),
            (constraint("new", false), Found::Good),
            (constraint("new", true), bad("it is not validated")),
            (constraint("none", true), Found::Absent),
            (Expect::NoConstraint { table: table(), name: own("old") }, bad("it is still there")),
            (Expect::Partition { parent: p.clone(), partition: own("app.p1") }, Found::Good),
            (Expect::Partition { parent: p.clone(), partition: own("app.p2") }, bad(pending)),
            (Expect::Partition { parent: p.clone(), partition: own("app.t") }, Found::Absent),
            (
                Expect::NoPartition { parent: p.clone(), partition: own("app.p1") },
                bad("it is still a partition"),
            ),
            (Expect::NoPartition { parent: p.clone(), partition: own("app.p2") }, bad(pending)),
            (Expect::NoPartition { parent: p, partition: own("app.p3") }, Found::Good),
            (Expect::Trigger { table: table(), name: own("tr") }, Found::Good),
            (Expect::NoTrigger { table: table(), name: own("tr") }, bad("it is still there")),
            (Expect::NoTrigger { table: own("app.none"), name: own("tr") }, Found::Good),
        ];
        let other = db.actor("flyway").await;
        other.exec("select pg_advisory_lock(77431708279161 + 12), pg_advisory_lock(-5, 6)").await;
        let expects = cases.iter().map(|(expect, _)| expect.clone()).collect();
        let seen = survey(&mut rig, &["app.t"], expects).await;
        assert_eq!(seen.found, cases, "{version:?}");
        let bad = survey(&mut rig, &[], vec![index("bad", Some("app.t"))]).await;
        assert!(matches!(&bad.found[0].1, Found::Bad(why) if why.contains("interrupted")), "{bad:?}");
        let leftovers: Vec<_> =
            seen.leftovers.iter().map(|it| (it.kind, &*it.schema, &*it.table, &*it.name)).collect();
        let expected = [
            (LeftoverKind::UnvalidatedConstraint, "app", "t", "new"),
            (LeftoverKind::PendingDetach, "app", "p", "p2"),
            (LeftoverKind::InvalidIndex, "app", "t", "bad"),
            (LeftoverKind::NewIndex, "app", "t", "bad_ccnew1"),
        ];
        assert_eq!(leftovers, expected, "{version:?}");
        let advisory: Vec<_> =
            seen.advisory.iter().map(|it| (&*it.application, &*it.key, it.tool.as_deref())).collect();
        let expected = [("flyway", "77431708279173", Some("Flyway")), ("flyway", "-5,6", None)];
        let sorted = |mut rows: Vec<(_, _, _)>| {
            rows.sort();
            rows
        };
        assert_eq!(sorted(advisory), sorted(expected.to_vec()), "{version:?}");
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_survey_waits_for_no_lock_and_a_name_that_is_none_is_told() {
    for version in versions() {
        let db = cluster(version.major).database("unlocked").await;
        let actor = db.actor("test/app").await;
        actor.exec("create table t (x int primary key)").await;
        actor.exec("begin; lock table t in access exclusive mode").await;
        let mut rig = Rig::start(&db, script(&[&["select 1"]])).await;
        let expect = Expect::Column { table: "t".to_owned(), column: "x".to_owned(), not_null: Some(true) };
        let seen = survey(&mut rig, &["t"], vec![expect.clone()]).await;
        assert_eq!(said(&seen), ["t named", "t_pkey index of t"]);
        assert_eq!(seen.found, [(expect, Found::Good)]);
        assert_eq!(seen.relations[0].oid, oid(&actor, "t").await);
        rig.order(Order::Survey { unit: UNIT, relations: vec!["a b".to_owned()], expects: Vec::new() });
        let told = rig.hear("survey", |news| match news {
            News::Surveyed { survey: Fact::Missing(why), .. } => Some(why.clone()),
            _ => None,
        });
        let why = told.await;
        assert!(why.contains("name syntax") || why.contains("identifier"), "{why}");
        assert_eq!(rig.attempt(in_transaction(1)).await, TryEnd::Done);
        rig.stop().await;
    }
}
