//! When the watch starts a sample out of turn: while a verdict is open, and once everybody has gone.

use lockpit::engine::effect::Effect;
use lockpit::engine::ids::{At, Oid, Pid, ServerTime};
use lockpit::engine::input::Input;
use lockpit::engine::sample::{Sample, Watch};
use lockpit::engine::settings::{Arming, Settings};
use lockpit::engine::{Cockpit, ENGINE_VERSION};

use crate::Eye;
use crate::support::{cluster, jam, versions};

/// Whether a watch that counts `waiting` starts a sample.
fn hurries(cockpit: &mut Cockpit, at: u64, waiting: u32) -> bool {
    let watch = Watch {
        server_now: ServerTime(0),
        cost_us: 700,
        waiting,
        oldest_wait_start: None,
        oldest: Vec::new(),
    };
    cockpit.handle(At::from_ms(at), Input::Watch(watch)).contains(&Effect::SampleNow)
}

fn look(cockpit: &mut Cockpit, at: u64, sample: &Sample) -> Vec<Effect> {
    cockpit.handle(At::from_ms(at), Input::Sample(Box::new(sample.clone())))
}

#[tokio::test]
async fn only_an_open_verdict_is_worth_a_look_out_of_turn() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("pace").await;
    let eye = Eye::open(&db).await;
    let jam = jam(&db, 6).await;
    let jammed = eye.sample().await;
    let is_here =
        |pid: Pid| jam.victims.iter().any(|(victim, _)| victim.pid() == pid.0) || pid.0 == jam.ddl.pid();
    let waiting: Vec<Pid> = jammed.edges.iter().map(|edge| edge.waiter).filter(|&pid| is_here(pid)).collect();
    assert_eq!(waiting.len(), 7);
    let waiting = u32::try_from(jammed.edges.len()).expect("few");

    let ddl = jammed.backend(Pid(jam.ddl.pid())).expect("it waits");
    let here = ddl.database.expect("it is connected");
    let mut watching = cockpit(here, Arming::Watching);
    let effects = look(&mut watching, 0, &jammed);
    assert!(watching.target().is_some());
    let watches = |effects: &[Effect]| {
        effects.iter().any(|effect| matches!(effect, Effect::Pace { watch_every_ms: Some(_), .. }))
    };
    assert!(!watches(&effects), "nobody decides, so there is nothing to watch for: {effects:?}");
    assert!(!hurries(&mut watching, 50, waiting), "samples at the pace that was asked for");
    assert!(!hurries(&mut watching, 100, waiting + 3));

    let mut shadow = cockpit(here, Arming::Shadow);
    let effects = look(&mut shadow, 0, &jammed);
    assert!(watches(&effects), "{effects:?}");
    assert!(hurries(&mut shadow, 50, waiting), "victims, and the hold time runs");
    look(&mut shadow, 60, &jammed);
    look(&mut shadow, 200, &jammed);
    assert!(shadow.target().is_some_and(|target| target.tripped));
    assert!(!hurries(&mut shadow, 250, waiting), "it has tripped: nothing is left to decide");
    assert!(hurries(&mut shadow, 300, 0), "the queue is gone: that is seen at once");
    jam.dissolve().await;
}

/// An engine attached to this database, which follows the application `migration`.
fn cockpit(database: Oid, arming: Arming) -> Cockpit {
    use lockpit::engine::input::{Attached, Begin, Rights};
    use lockpit::engine::sample::Fact;

    let mut cockpit = Cockpit::default();
    let target = lockpit::engine::settings::Selector::Application("migration".to_owned());
    let settings = Settings { arming, target, ..Settings::default() };
    let begin = Begin {
        lockpit: String::new(),
        engine: ENGINE_VERSION,
        utc_us: 0,
        seed: 1,
        server: String::new(),
        operator: None,
        label: None,
        settings,
        mission: None,
    };
    let attached = Attached {
        version_num: 180_000,
        version: String::new(),
        system_identifier: Fact::Missing("made up".to_owned()),
        timeline: Fact::Missing("made up".to_owned()),
        in_recovery: false,
        postmaster_start: ServerTime(0),
        database,
        database_name: String::new(),
        max_connections: 100,
        rights: Rights {
            role: Oid(10),
            role_name: String::new(),
            superuser: true,
            sees_all: true,
            signals: true,
        },
    };
    cockpit.handle(At(0), Input::Begin(Box::new(begin)));
    cockpit.handle(At(0), Input::Attached(Box::new(attached)));
    cockpit
}
