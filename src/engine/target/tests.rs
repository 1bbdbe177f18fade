use super::{Change, Follow, Matcher, View, candidates};
use crate::engine::ages::Ages;
use crate::engine::catalog::Catalog;
use crate::engine::ids::{At, Oid, Pid};
use crate::engine::locks::LockMode::{
    AccessExclusiveLock, AccessShareLock, ShareRowExclusiveLock, ShareUpdateExclusiveLock,
};
use crate::engine::sample::{BackendKind, State};
use crate::engine::scene::Scene;
use crate::engine::settings::Selector;
use crate::engine::testing::{
    A, APP_ROLE, B, ELSEWHERE, Look, ORDERS, SHOP, USERS, Who, calm, client, forgotten_reader, jam,
    matched_text, names, readers, text, waiting_alter,
};

const C: Pid = Pid(103);

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.attach(SHOP, "shop");
    catalog.learn(names());
    catalog.learn_text(text(1, "ALTER TABLE"));
    catalog.learn_text(matched_text(5, "ALTER TABLE"));
    catalog.learn_text(text(6, "UPDATE"));
    catalog
}

/// What a selector makes of samples that arrive 250 ms apart.
struct Following {
    follow: Follow,
    matcher: Matcher,
    catalog: Catalog,
    ages: Ages,
    seen: Option<At>,
}

impl Following {
    fn by(selector: Selector) -> Following {
        let matcher = Matcher::new(selector).expect("a valid pattern");
        Following {
            follow: Follow::default(),
            matcher,
            catalog: catalog(),
            ages: Ages::default(),
            seen: None,
        }
    }

    fn sees(&mut self, look: &Look) -> Vec<Change> {
        let at = self.seen.map_or(At::from_ms(1_000), |seen| seen.plus_ms(250));
        let clock = i64::try_from(at.ms()).expect("a time in a test");
        let sample = look.clone().server_clock(clock).0;
        self.ages.observe(at, &sample);
        let scene = Scene::of(&sample, &self.catalog);
        let view = View { at, sample: &sample, scene: &scene, catalog: &self.catalog, ages: &self.ages };
        let since = self.seen.replace(at);
        self.follow.observe(&view, &self.matcher, since)
    }

    /// The pid under guard after these samples.
    fn target(mut self, looks: &[Look]) -> Option<Pid> {
        for look in looks {
            self.sees(look);
        }
        self.follow.target.map(|target| target.pid())
    }
}

fn selected(selector: Selector, look: &Look) -> Option<Pid> {
    Following::by(selector).target(std::slice::from_ref(look))
}

fn app(pattern: &str) -> Selector {
    Selector::Application(pattern.to_owned())
}

fn table(name: &str) -> Selector {
    Selector::Table(name.to_owned())
}

/// An ALTER that got its lock.
fn working(pid: Pid) -> Who {
    client(pid).app("deploy").runs(1).holds(AccessExclusiveLock, ORDERS)
}

#[test]
fn auto_takes_the_one_with_the_most_victims() {
    let idle_old = working(C).statement_from(-90_000);
    assert_eq!(selected(Selector::Auto, &jam(2).with(idle_old)), Some(B));
}

#[test]
fn auto_takes_the_oldest_where_nobody_suffers() {
    let (young, old) = (working(B).statement_from(-1_000), working(C).statement_from(-2_000));
    assert_eq!(selected(Selector::Auto, &calm().with(young.clone()).with(old)), Some(C));
    let hidden = working(C).masked();
    assert_eq!(selected(Selector::Auto, &calm().with(young).with(hidden)), Some(C), "an unknown age is old");
}

#[test]
fn auto_takes_the_lower_pid_of_twins() {
    assert_eq!(selected(Selector::Auto, &calm().with(working(C)).with(working(B))), Some(B));
}

#[test]
fn a_target_is_followed_until_it_ends_or_another_one_does_harm() {
    let alone = calm().with(working(C));
    let older = calm().with(working(C)).with(working(B));
    assert_eq!(Following::by(Selector::Auto).target(&[alone.clone(), older]), Some(C), "both are harmless");
    let worse = jam(9).with(working(C));
    assert_eq!(Following::by(Selector::Auto).target(&[alone.clone(), worse.clone()]), Some(B));
    assert_eq!(Following::by(app("deploy")).target(&[alone.clone(), worse]), Some(B), "for any selector");
    assert_eq!(Following::by(Selector::Auto).target(&[alone, jam(9)]), Some(B));
}

#[test]
fn only_a_pid_reaches_into_another_database() {
    let look = calm().with(working(B).database(ELSEWHERE));
    assert_eq!(selected(Selector::Auto, &look), None);
    assert_eq!(selected(app("deploy"), &look), None);
    assert_eq!(selected(Selector::Pid(B), &look), Some(B));
}

#[test]
fn patterns_match_whole_names() {
    let look = calm().with(working(B));
    for (pattern, expected) in [
        ("deploy", Some(B)),
        ("dep.*", Some(B)),
        ("dep", None),
        ("eploy", None),
        ("x|deploy", Some(B)),
        ("", None),
    ] {
        assert_eq!(selected(app(pattern), &look), expected, "{pattern:?}");
    }
    for (pattern, expected) in [("shop", Some(B)), ("sho", None), ("role 16390", None)] {
        assert_eq!(selected(Selector::User(pattern.to_owned()), &look), expected, "{pattern:?}");
    }
    assert!(Matcher::new(app("(")).is_err());
}

#[test]
fn a_role_without_a_name_goes_by_its_number() {
    let look = calm().with(working(B).role(Oid(99)));
    assert_eq!(selected(Selector::User("role 99".to_owned()), &look), Some(B));
    assert_ne!(APP_ROLE, Oid(99));
}

#[test]
fn tables_are_named_with_or_without_their_schema() {
    let look = calm().with(working(B));
    for (name, expected) in [
        ("orders", Some(B)),
        ("sales.orders", Some(B)),
        ("public.orders", None),
        ("users", None),
        ("order", None),
        ("sales.order", None),
    ] {
        assert_eq!(selected(table(name), &look), expected, "{name}");
    }
    assert_eq!(selected(table("users"), &jam(0)), Some(B), "an awaited lock counts");
}

#[test]
fn a_table_of_another_database_has_no_name_here() {
    // The number is that of `sales.orders` in the connected database only.
    assert_eq!(selected(table("orders"), &calm().with(working(B).database(ELSEWHERE))), None);
}

#[test]
fn a_text_was_matched_where_it_was_raw() {
    let pattern = || Selector::Query("add column".to_owned());
    assert_eq!(selected(pattern(), &calm().with(working(B).runs(5))), Some(B));
    assert_eq!(selected(pattern(), &calm().with(working(B).runs(1))), None);
}

#[test]
fn a_pid_is_a_target_only_at_schema_work() {
    assert_eq!(selected(Selector::Pid(B), &jam(3)), Some(B));
    assert_eq!(selected(Selector::Pid(A), &jam(3)), None, "a reader is not");
}

#[test]
fn nobody_is_selected_by_a_pattern_that_does_not_compile() {
    let mut following = Following::by(Selector::Auto);
    following.matcher = Matcher::nobody();
    assert_eq!(following.target(&[jam(3).with(working(C).app(""))]), None);
}

#[test]
fn only_clients_are_targets() {
    let vacuum = client(C).kind(BackendKind::Autovacuum).holds(ShareUpdateExclusiveLock, USERS);
    let own = client(B).kind(BackendKind::Lockpit).holds(AccessExclusiveLock, USERS);
    assert_eq!(selected(Selector::Auto, &calm().with(vacuum).with(own)), None);
}

#[test]
fn a_transaction_is_followed_across_its_statements() {
    let mut following = Following::by(app("deploy"));
    let first = || working(B).transaction_from(-500);
    assert_eq!(following.sees(&calm().with(first())), [Change::Found]);
    let next = first().runs(6).holds(ShareRowExclusiveLock, USERS);
    let mut next_statement = next.clone();
    next_statement.backend.query_start = client(B).statement_from(200).backend.query_start;
    assert_eq!(following.sees(&calm().with(next_statement.clone())), []);
    let idle = next_statement.state(State::IdleInTransaction);
    assert_eq!(following.sees(&calm().with(idle.clone())), []);
    let target = following.follow.target.expect("the same target");
    assert_eq!(target.state, State::IdleInTransaction);
    assert_eq!(target.attempt, idle.attempt(), "the attempt as it is now");
}

#[test]
fn the_next_transaction_of_a_session_is_another_attempt() {
    let mut following = Following::by(app("deploy"));
    following.sees(&calm().with(working(B)));
    let changes = following.sees(&calm().with(working(B).statement_from(1_200)));
    assert!(matches!(changes.as_slice(), [Change::Ended(_), Change::Found]), "{changes:?}");
}

#[test]
fn the_same_pid_in_another_session_is_another_attempt() {
    let mut following = Following::by(app("deploy"));
    following.sees(&calm().with(working(B)));
    let changes = following.sees(&calm().with(working(B).session_from(900)));
    assert!(matches!(changes.as_slice(), [Change::Ended(_), Change::Found]), "{changes:?}");
}

#[test]
fn whoever_was_selected_is_followed_though_it_matches_no_more() {
    let transaction = || working(B).transaction_from(-500);
    let later = |who: Who| {
        let mut who = who;
        who.backend.query_start = client(B).statement_from(300).backend.query_start;
        who
    };
    for (selector, first, then) in [
        (Selector::Query("add".to_owned()), transaction().runs(5), later(transaction().runs(6))),
        (app("deploy"), transaction(), later(transaction().app("deploy: phase 2"))),
    ] {
        let mut following = Following::by(selector);
        assert_eq!(following.sees(&calm().with(first)), [Change::Found]);
        assert_eq!(following.sees(&calm().with(then)), [], "it still holds its lock");
    }
}

#[test]
fn a_target_ends_when_its_locks_are_gone() {
    let mut following = Following::by(app("deploy"));
    following.sees(&calm().with(working(B).xid(7_001)));
    let changes = following.sees(&calm().with(client(B).app("deploy").state(State::Idle)));
    let [Change::Ended(ended)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((ended.pid(), ended.xid), (B, Some(7_001)));
    assert_eq!(following.follow.target, None);
}

#[test]
fn a_transaction_id_once_seen_is_kept() {
    let mut following = Following::by(app("deploy"));
    following.sees(&calm().with(working(B).xid(7_001)));
    following.sees(&calm().with(working(B)));
    assert_eq!(following.follow.target.expect("a target").xid, Some(7_001));
}

#[test]
fn harm_is_counted_once_and_from_its_beginning() {
    let mut following = Following::by(app("deploy"));
    // At 1.0 s the readers have waited for a second, seen for the first time: 2 x 1.0 s.
    following.sees(&jam(2));
    assert_eq!(following.follow.target.as_ref().expect("a target").lost_us, 2_000_000);
    // 250 ms later the same two: 2 x 0.25 s more.
    following.sees(&jam(2));
    assert_eq!(following.follow.target.as_ref().expect("a target").lost_us, 2_500_000);
    // Then nobody: what they lost since the last look is not known, and not invented.
    following.sees(&jam(0));
    assert_eq!(following.follow.target.as_ref().expect("a target").lost_us, 2_500_000);
}

#[test]
fn the_story_names_the_lock_that_matters() {
    let mut following = Following::by(app("deploy"));
    // A held lock on one table, an awaited one on another, a weaker one besides.
    let who = waiting_alter().holds(AccessExclusiveLock, ORDERS).holds(ShareUpdateExclusiveLock, USERS);
    following.sees(&calm().with(forgotten_reader()).with(who).with_all(readers(1, B)));
    let target = following.follow.target.as_ref().expect("a target");
    let story = target.story(&following.catalog);
    let lock = story.lock.expect("a lock");
    assert_eq!(
        (lock.relation.as_str(), lock.mode.as_str(), lock.granted),
        ("users", "AccessExclusiveLock", false)
    );
    assert_eq!((story.kind.as_str(), story.role.as_str(), story.strong), ("ALTER TABLE", "shop", true));
}

#[test]
fn a_strong_lock_that_is_held_tells_more_than_a_weak_one_that_is_awaited() {
    let mut following = Following::by(app("deploy"));
    following.sees(&calm().with(working(B).awaits(ShareUpdateExclusiveLock, USERS).behind(&[C])));
    let lock = following.follow.target.expect("a target").lock;
    assert_eq!(lock, Some((SHOP, ORDERS, AccessExclusiveLock, true)));
}

#[test]
fn candidates_are_all_that_could_be_chosen() {
    let look = jam(1).with(working(C)).with(client(Pid(9)).holds(AccessShareLock, USERS)).0;
    let (catalog, ages) = (catalog(), Ages::default());
    let scene = Scene::of(&look, &catalog);
    let view = View { at: At(0), sample: &look, scene: &scene, catalog: &catalog, ages: &ages };
    let matcher = Matcher::new(Selector::Auto).expect("a selector");
    let pids: Vec<Pid> = candidates(&view, &matcher).iter().map(|backend| backend.pid).collect();
    assert_eq!(pids, [B, C]);
}
