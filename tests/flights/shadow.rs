//! Flights that stop nothing: shadow, watching, and consents that are refused.

use crate::flight::{fly, refused};
use crate::queue::{all_succeed, queue};
use crate::support::{LONG, cluster, versions};

#[tokio::test]
async fn shadow_decides_and_stops_nothing() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("shadow").await;
    let queue = queue(&db, 10).await;
    let reader = queue.old_reader().await;
    let alter = queue.alter().await;
    let reads = queue.read_in_vain().await;

    // Without a scope: shadow may follow anybody.
    let flight = fly(&db, &["--arm=shadow", "--for", "20s"]);
    let trip = flight.line_of("trip", "decided", |_| true).await;
    assert_eq!((&trip["acted"], &trip["pid"]), (&false.into(), &queue.ddl.pid().into()));
    // Twice the limit of queue_age and of the grace: whatever was to come would have come.
    flight.steady("the jam goes on", 4, 2_000, |sample| sample["victims"] == 10).await;
    assert!(!alter.is_finished() && reads.iter().all(|read| !read.is_finished()));
    reader.exec("commit").await;
    alter.finish(LONG).await.expect("it goes through");
    all_succeed(reads).await;

    let landed = flight.land().await;
    assert_eq!(landed.only_trip(), &trip);
    assert_eq!((landed.of("intent").len(), landed.of("outcome").len()), (0, 0));
    assert_eq!(landed.exit, 0);
    assert!(landed.of("guard").iter().any(|line| line["guardrail"].is_null() && line["state"] == "shadow"));
}

#[tokio::test]
async fn watching_decides_nothing() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("watching").await;
    let queue = queue(&db, 10).await;
    let reader = queue.old_reader().await;
    let alter = queue.alter().await;
    let reads = queue.read_in_vain().await;

    let flight = fly(&db, &["--for", "20s"]);
    flight.steady("the jam goes on", 4, 2_000, |sample| sample["victims"] == 10).await;
    assert!(!alter.is_finished());
    reader.exec("commit").await;
    alter.finish(LONG).await.expect("it goes through");
    all_succeed(reads).await;

    let landed = flight.land().await;
    landed.did_nothing();
    landed.missed_nothing();
    assert_eq!(landed.exit, 0);
    let rail = |line: &&&serde_json::Value| line["guardrail"] == "queue_age" && line["state"] == "trip";
    assert_eq!(landed.of("guard").iter().filter(rail).count(), 1, "what would have tripped is said");
}

#[tokio::test]
async fn an_arming_without_a_scope_is_a_usage_error() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("usage").await;
    for args in [&["--arm", "--target", "auto"][..], &["--arm"]] {
        let (exit, said) = refused(&db, args).await;
        assert_eq!(exit, 2, "{said}");
        for word in ["--target", "pid=", "app=", "--arm=shadow"] {
            assert!(said.contains(word), "{word} is not in: {said}");
        }
    }
    let (exit, said) = refused(&db, &["--arm", "--target", "pid=42", "--read-only"]).await;
    assert!(exit == 2 && said.contains("--read-only"), "{exit}: {said}");
}
