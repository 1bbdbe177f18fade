//! Every way to name a target finds the right backend among several that do schema work.

use crate::flight::{fly, fly_as};
use crate::queue::{all_succeed, member, queue};
use crate::support::{cluster, versions};

#[tokio::test]
async fn every_selector_finds_its_backend() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("select").await;
        let queue = queue(&db, 2).await;
        let other_role = format!("other_{}", db.name);
        queue
            .observer
            .exec(&format!(
                "create role {other_role} login; create schema s; create table s.jammed as select 1 as id; \
                 grant usage, create on schema s to {other_role}; alter table s.jammed owner to {other_role}"
            ))
            .await;
        // The decoy is older, and its table has the same name in another schema.
        let decoy = member(&db, &other_role, &format!("reindexer-{}", db.name)).await;
        decoy.exec(&format!("begin; create index of_{} on s.jammed (id)", db.name)).await;
        // A pattern for texts reaches the whole cluster, and so these are of this test alone.
        let column = format!("added_{}", db.name);
        queue.ddl.exec(&format!("begin; alter table jammed add column {column} int")).await;
        let reads = queue.read_in_vain().await;

        let wanted = [
            ("auto".to_owned(), queue.ddl.pid()),
            (format!("pid={}", queue.ddl.pid()), queue.ddl.pid()),
            (format!("pid={}", decoy.pid()), decoy.pid()),
            (format!("app={}", queue.app), queue.ddl.pid()),
            (format!("app=rein.*er-{}", db.name), decoy.pid()),
            (format!("user={}", queue.role), queue.ddl.pid()),
            (format!("user=other_{}.*", db.name), decoy.pid()),
            ("table=public.jammed".to_owned(), queue.ddl.pid()),
            ("table=s.jammed".to_owned(), decoy.pid()),
            (format!("query=add +column {column}"), queue.ddl.pid()),
            (format!("query=(?i)CREATE INDEX of_{}", db.name), decoy.pid()),
        ];
        for (target, pid) in wanted {
            let flight = fly(&db, &["--target", &target, "--for", "25s"]);
            let found = flight.line_of("target", &target, |line| line["state"] == "found").await;
            assert_eq!(found["pid"], pid, "{target}: {found}");
            let landed = flight.land().await;
            assert_eq!((landed.of("target").len(), landed.exit), (1, 0), "{target}");
            assert_eq!(landed.first()["target"], target);
        }
        queue.ddl.exec("rollback").await;
        all_succeed(reads).await;
    }
}

#[tokio::test]
async fn a_pattern_for_applications_or_users_matches_whole_names() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("select").await;
    let queue = queue(&db, 0).await;
    queue.ddl.exec("begin; alter table jammed add column added int").await;
    for target in
        [format!("app={}", &queue.app[1..]), format!("user={}", &queue.role[1..]), "table=jam".to_owned()]
    {
        let flight = fly(&db, &["--target", &target, "--arm=shadow", "--for", "25s"]);
        flight.steady("nobody", 3, 0, |sample| sample["target_pid"].is_null()).await;
        assert_eq!(flight.land().await.of("target").len(), 0, "{target}");
    }
}

#[tokio::test]
async fn auto_follows_the_oldest_where_nobody_is_hurt() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("select").await;
    let queue = queue(&db, 0).await;
    queue.ddl.exec("create table other as select 1 as id").await;
    let (older, younger) = (queue.member("older").await, queue.member("younger").await);
    older.exec("begin; alter table other add column added int").await;
    younger.exec("begin; alter table jammed add column added int").await;
    // Where start times are hidden, nobody is older than anybody, and the lower pid is taken.
    let guest = format!("guest_{}", db.name);
    queue.observer.exec(&format!("create role {guest} login")).await;
    let masked = older.pid().min(younger.pid());
    for (role, pid) in [("postgres", older.pid()), (guest.as_str(), masked)] {
        let flight = fly_as(&db, role, &["--for", "25s"]);
        flight.found(pid).await;
        assert_eq!(flight.land().await.of("target").len(), 1);
    }
}
