//! Programs of a plan, and programs that are told.

use lockpit::clock::FlightClock;
use lockpit::engine::input::{Input, Outcome};
use lockpit::engine::plan::HookEvent;
use lockpit::engine::plan::order::{News, Order};
use lockpit::engine::sample::Fact;
use lockpit::flight::programs::{About, Programs};
use lockpit::plan::Script;
use lockpit::plan::script::{HookScript, StepScript};
use tokio::sync::mpsc;

use crate::support::{LONG, wait_until};

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

fn programs(steps: &[&str], hooks: Vec<HookScript>) -> (Programs, mpsc::Receiver<Input>) {
    let (inputs, news) = mpsc::channel(64);
    let steps: Vec<StepScript> =
        steps.iter().map(|it| StepScript { program: shell(it), ..StepScript::default() }).collect();
    let about = About {
        flight: "shop-1".to_owned(),
        plan: "a plan".to_owned(),
        version: None,
        steps: (0..steps.len()).map(|n| format!("step-{n}")).collect(),
    };
    let script = Script { steps, hooks, ..Script::default() };
    (Programs::new(about, script, FlightClock::start(), inputs), news)
}

async fn next(news: &mut mpsc::Receiver<Input>) -> News {
    match tokio::time::timeout(LONG, news.recv()).await.expect("news in time").expect("news") {
        Input::Outcome(Outcome::Run(news)) => *news,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_is_run_with_its_words_and_its_end_is_told() {
    let (programs, mut news) = programs(
        &["echo out $LOCKPIT_FLIGHT; echo err $LOCKPIT_STEP >&2; exit 3", "yes | head -c 100000"],
        Vec::new(),
    );
    assert_eq!(programs.order(Order::Items { step: 0 }), Some(Order::Items { step: 0 }));
    assert_eq!(programs.order(Order::Program { step: 0 }), None);
    let News::Program { step: 0, end: Fact::Known(3), output } = next(&mut news).await else { panic!() };
    let mut lines: Vec<&str> = output.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err step-0", "out shop-1"]);
    programs.order(Order::Program { step: 1 });
    let News::Program { end: Fact::Known(0), output, .. } = next(&mut news).await else { panic!() };
    assert!(output.len() <= 4_096 && output.len() > 4_000 && output.starts_with("y\n"), "{}", output.len());
    programs.order(Order::Program { step: 7 });
    let News::Program { end: Fact::Missing(why), .. } = next(&mut news).await else { panic!() };
    assert!(why.contains("no program"), "{why}");
    programs.over().await;
}

#[tokio::test]
async fn a_program_is_ended_with_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("began");
    let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", mark.display());
    for by_order in [true, false] {
        let (programs, mut news) = programs(&[&script], Vec::new());
        programs.order(Order::Program { step: 0 });
        let child = wait_until("its child", LONG, async || {
            std::fs::read_to_string(&mark).map_err(|error| error.to_string())
        })
        .await;
        std::fs::remove_file(&mark).expect("the mark");
        if by_order {
            programs.order(Order::EndProgram { step: 0 });
            let News::Program { end: Fact::Missing(why), .. } = next(&mut news).await else { panic!() };
            assert!(why.contains("ended"), "{why}");
        } else {
            programs.over().await;
        }
        let pid: i32 = child.trim().parse().expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        wait_until("its child is gone", LONG, async || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            match stat {
                Ok(stat) if !stat.contains(") Z ") => Err(stat),
                _ => Ok(()),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn who_is_told_reads_json_and_what_fails_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("told");
    let hook =
        |on: HookEvent, script: &str, limit_ms| HookScript { on: vec![on], command: shell(script), limit_ms };
    let hooks = vec![
        hook(HookEvent::Done, &format!("cat > {}", file.display()), 20_000),
        hook(HookEvent::Tripped, "echo no such channel >&2; exit 9", 20_000),
        hook(HookEvent::Aborted, "sleep 600", 50),
        HookScript { on: vec![HookEvent::Started], command: vec!["/no/such".to_owned()], limit_ms: 50 },
    ];
    let (programs, mut news) = programs(&["true"], hooks);
    let tell = |event| Order::Hook { event, step: Some(0), reason: "it \"is\" so".to_owned() };
    for (event, expected) in [
        (HookEvent::Tripped, "exit code 9: no such channel"),
        (HookEvent::Aborted, "longer than 50 ms"),
        (HookEvent::Started, "could not be started"),
    ] {
        programs.order(tell(event));
        let News::HookFailed { event: told, why, .. } = next(&mut news).await else { panic!() };
        assert_eq!(told, event);
        assert!(why.contains(expected), "{why}");
    }
    programs.order(tell(HookEvent::Done));
    // The flight waits for who is told of its end.
    programs.over().await;
    let told: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("what it was told")).expect("JSON");
    assert_eq!(
        (&told["event"], &told["step"], &told["plan"]),
        (&"done".into(), &"step-0".into(), &"a plan".into())
    );
    assert_eq!((&told["reason"], &told["flight"]), (&"it \"is\" so".into(), &"shop-1".into()));
    assert!(news.recv().await.is_none());
}
