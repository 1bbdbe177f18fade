//! `attach --resume` and `--keep`, as their user meets them: what is said, what is in the log, what is refused.

use lockpit::log::{Head, Verdict, verify};
use rustix::process::Signal;
use serde_json::Value;

use crate::flights::{attach, replay};
use crate::support::{LONG, Program, cluster, jam_as, versions, wait_until};

fn parse(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn is_of_recording(text: &str) -> bool {
    text.contains("RECORDING") || text.contains("recording")
}

#[tokio::test]
async fn a_flight_killed_in_the_air_goes_on_in_the_same_log() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("goes_on").await;
    let dir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("a.flight");
    let jam = jam_as(&db, "deploy", 3).await;
    let fly = |more: &[&str]| {
        attach(
            &db,
            &log,
            &[&["--target", "app=deploy", "--arm=shadow", "--interval", "50ms"][..], more].concat(),
        )
    };
    let mut first = fly(&[]);
    first
        .line("its third second", LONG, |line| {
            line["type"] == "sample" && line["at_ms"].as_u64() > Some(3_000)
        })
        .await;

    let mut meanwhile = fly(&["--resume", "--for", "1s"]);
    assert_eq!(meanwhile.exit(LONG).await, 2, "{}", meanwhile.stderr());
    assert!(meanwhile.stderr().contains("locked by another process"), "{}", meanwhile.stderr());

    first.signal(Signal::KILL);
    assert_eq!(first.exit(LONG).await, 128 + 9);
    let cut = verify(&log, None).expect("a log");
    assert!(matches!(cut.verdict, Verdict::Torn(_)), "{:?}", cut.verdict);

    let mut second = fly(&["--resume", "--for", "3s"]);
    assert_eq!(second.exit(LONG).await, 0, "{}", second.stderr());
    let found = verify(&log, None).expect("a log");
    assert_eq!(found.verdict, Verdict::Complete);
    jam.dissolve().await;

    let (exit, replayed, stderr) = replay(&log, &[]).await;
    assert_eq!((exit, stderr.as_str()), (0, ""));
    let lines = parse(&replayed);
    assert!(!lines.iter().any(|line| line["type"] == "drift"), "{replayed}");
    let gaps: Vec<usize> = (0..lines.len()).filter(|n| lines[*n]["type"] == "gap").collect();
    let [gap] = gaps[..] else { panic!("one gap is told: {replayed}") };
    assert!(lines[gap].to_string().contains("stopped without an end"), "{}", lines[gap]);
    let times: Vec<u64> = lines.iter().filter_map(|line| line["at_ms"].as_u64()).collect();
    assert!(times.is_sorted(), "time goes on: {replayed}");

    let (notes, told): (Vec<Value>, Vec<Value>) = parse(&second.stdout())
        .into_iter()
        .partition(|line| line["text"].as_str().is_some_and(is_of_recording));
    let [note] = &notes[..] else { panic!("one word on the recording: {notes:?}") };
    assert!(note["text"].as_str().is_some_and(|text| text.contains("goes on in")), "{note}");
    assert!(told.iter().filter(|line| line["type"] == "sample").count() > 1, "it flies on: {told:?}");
    assert_eq!(lines[gap + 1..], told, "the second part is what was said in the air");
    let before = first.lines();
    let both = before.len().min(gap);
    assert!(both > 10, "{} and {gap} lines", before.len());
    assert_eq!(lines[..both], before[..both], "and so is the first");

    let closed = std::fs::read(&log).expect("the log");
    let mut third = fly(&["--resume", "--for", "1s"]);
    assert_eq!(third.exit(LONG).await, 2, "{}", third.stderr());
    assert!(third.stderr().contains("closed by its flight"), "{}", third.stderr());
    assert!(std::fs::read(&log).expect("the log") == closed, "not a byte has changed");
}

#[tokio::test]
async fn a_recorder_that_is_always_on_begins_with_its_first_part() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("keep").await;
    let dir = tempfile::tempdir().expect("a folder");
    let mut recorder = attach(&db, dir.path(), &["--keep", "10m"]);
    recorder.line("the first sample", LONG, |line| line["type"] == "sample").await;
    let part = wait_until("its first part", LONG, async || {
        let names = std::fs::read_dir(dir.path()).expect("a folder");
        let names: Vec<_> = names.map(|entry| entry.expect("an entry").path()).collect();
        match &names[..] {
            [one] => Ok(one.clone()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(part.to_string_lossy().ends_with(".part0001.flight"), "{}", part.display());
    let meta = Head::read(&part).expect("a log").meta.expect("it is there").part.expect("a part");
    assert_eq!((meta.number, meta.keep_ms, meta.after), (1, 600_000, None));
    recorder.signal(Signal::INT);
    assert_eq!(recorder.exit(LONG).await, 0, "{}", recorder.stderr());
    assert_eq!(verify(&part, None).expect("a log").verdict, Verdict::Complete);
}

#[tokio::test]
async fn a_recorder_that_could_act_or_has_no_folder_is_a_usage_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().to_str().expect("a path of this test");
    let file = dir.path().join("a.flight");
    std::fs::write(&file, "of somebody").expect("written");
    let file = file.to_str().expect("a path of this test");
    // A usage error is said before anybody is asked: nothing listens there.
    let nowhere = "host=127.0.0.1 port=1 connect_timeout=1";
    for (args, wanted) in [
        (&["--headless", "--record", folder, "--keep", "10m", "--arm"][..], "--arm"),
        (&["--record", folder, "--keep", "10m"][..], "--headless"),
        (&["--headless", "--record", file, "--keep", "10m"][..], "name a folder"),
        (&["--headless", "--record", folder, "--keep", "9m"][..], "10 minutes"),
        (&["--headless", "--record", file, "--keep", "10m", "--resume"][..], "--resume"),
    ] {
        let mut refused = Program::lockpit([&["attach", nowhere][..], args].concat());
        assert_eq!(refused.exit(LONG).await, 2, "{args:?}: {}", refused.stderr());
        assert!(refused.stderr().contains(wanted), "{args:?}: {}", refused.stderr());
    }
    assert_eq!(std::fs::read(file).expect("there"), b"of somebody");
}
