//! A tool that tries again after it was stopped.

use tokio_postgres::error::SqlState;

use crate::flight::fly;
use crate::queue::{all_succeed, queue};
use crate::support::{LONG, cluster, versions};

#[tokio::test]
async fn a_retry_is_the_same_incident() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("retry").await;
        let queue = queue(&db, 10).await;
        let target = format!("app={}", queue.app);
        let flight = fly(&db, &["--target", &target, "--arm", "--for", "25s"]);
        flight.looks().await;
        let _reader = queue.old_reader().await;
        for attempt in 1..=2 {
            // The tool connects anew: its session was terminated.
            let tool = queue.member(&queue.app).await;
            let alter = tool.spawn("alter table jammed add column added int");
            queue.waits(tool.pid()).await;
            let reads = queue.read();
            let trip = flight.line_of("trip", "of this attempt", |line| line["pid"] == tool.pid()).await;
            assert_eq!((&trip["attempt"], &trip["acted"]), (&attempt.into(), &true.into()), "{trip}");
            let sentence = trip["sentence"].as_str().expect("a sentence");
            assert_eq!(sentence.contains("attempt 2"), attempt == 2, "{sentence}");
            assert_eq!(sentence.contains("stop the tool"), attempt == 2, "{sentence}");
            let error = alter.finish(LONG).await.expect_err("stopped");
            assert_eq!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN));
            all_succeed(reads).await;
            flight.line_of("outcome", "final", |o| o["final"] == true && o["pid"] == tool.pid()).await;
        }
        let landed = flight.land().await;
        assert_eq!((landed.of("trip").len(), landed.actions().len(), landed.exit), (2, 2, 4));
        assert_eq!(landed.of("end")[0]["stopped"], 2);
    }
}
