//! `--guardrails` of a flight: the file is in force, and what is said on the command line comes first.

use lockpit::engine::settings::{BlindLimit, Limits, QueueAgeLimit, QueueDepthLimit};
use lockpit::judge::{self, Outcome, Question};
use lockpit::replay::Replay;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{LONG, Program, cluster, jam_as, versions, wait_until};

#[tokio::test]
async fn a_flight_takes_the_file_and_the_command_line_comes_first() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("guardrails").await;
    let folder = tempfile::tempdir().expect("a folder");
    let (file, log) = (folder.path().join("team.toml"), folder.path().join("a.flight"));
    let text = "[guardrails]\nqueue_depth = { limit = 7, hold = \"300ms\" }\nqueue_age = { limit = \"4s\" }\n\
                blind = { limit = \"9s\" }\n";
    std::fs::write(&file, text).expect("a file");
    let mut program = Program::lockpit([
        "attach",
        &db.conninfo(),
        "--headless",
        "--record",
        log.to_str().expect("a path"),
        "--guardrails",
        file.to_str().expect("a path"),
        "--queue-age",
        "2s",
    ]);
    program.line("the first sample", LONG, |line| line["type"] == "sample").await;
    program.signal(Signal::INT);
    assert_eq!(program.exit(LONG).await, 0, "{}", program.stderr());
    let mut replay = Replay::open(&log).expect("a log");
    while replay.step().expect("a step").is_some() {}
    let expected = Limits {
        queue_depth: QueueDepthLimit { limit: Some(7), hold_ms: 300 },
        queue_age: QueueAgeLimit { limit_ms: 2_000 },
        blind: BlindLimit { limit_ms: 9_000, ..BlindLimit::default() },
    };
    assert_eq!(replay.cockpit().flight().map(|begin| &begin.settings.limits), Some(&expected));

    std::fs::write(&file, "[guardrails]\nqueue_dept = {}\n").expect("a file");
    let path = file.to_str().expect("a path");
    let args = ["attach", "--headless", "--no-record", "--guardrails", path, "host=127.0.0.1 port=1"];
    let mut program = Program::lockpit(args);
    assert_eq!(program.exit(LONG).await, 2);
    assert!(program.stderr().contains("did you mean `queue_depth`?"), "{}", program.stderr());
}

/// What a stop rolled back is the same in both worlds, so that the next try is judged again.
#[tokio::test]
async fn the_next_try_after_a_stop_is_judged_again() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("retried").await;
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("a.flight");
    let mut program = Program::lockpit([
        "attach",
        &db.conninfo(),
        "--headless",
        "--record",
        log.to_str().expect("a path"),
        "--target",
        "app=deploy",
        "--arm",
        "--on-trip",
        "cancel",
        "--queue-depth",
        "4",
    ]);
    program.line("the first sample", LONG, |line| line["type"] == "sample").await;
    for tries in 1..=2 {
        let jam = jam_as(&db, "deploy", 6).await;
        wait_until("the try is told to be over", LONG, async || {
            let lines = program.lines();
            let is_over = |line: &&Value| line["type"] == "target" && line["state"] == "cancelled";
            let over = lines.iter().filter(is_over).count();
            if over >= tries {
                Ok(())
            } else {
                Err(format!("{over} tries; the last line: {:?}", lines.last()))
            }
        })
        .await;
        drop(jam);
    }
    program.signal(Signal::INT);
    assert_eq!(program.exit(LONG).await, 4, "{}", program.stderr());

    let of = |depth| Limits {
        queue_depth: QueueDepthLimit { limit: Some(depth), hold_ms: 0 },
        queue_age: QueueAgeLimit { limit_ms: 3_600_000 },
        ..Limits::default()
    };
    let question = Question { limits: of(4), keeps_overrides: true, resolved_within_ms: 2_000 };
    let verdict = judge::log(&log, &question);
    let outcomes: Vec<Outcome> = verdict.incidents.iter().map(|incident| incident.outcome).collect();
    assert_eq!(outcomes.len(), 2, "{verdict:?}");
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Earlier | Outcome::Same)), "{verdict:?}");
    assert_eq!(verdict.parted, None);

    let lax = Question { limits: of(500), ..question };
    let verdict = judge::log(&log, &lax);
    let outcomes: Vec<Outcome> = verdict.incidents.iter().map(|incident| incident.outcome).collect();
    assert_eq!(outcomes, [Outcome::NotBefore], "behind the first stop nothing is judged: {verdict:?}");
}
