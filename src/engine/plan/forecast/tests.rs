use super::super::facts::{Relation, Tie};
use super::super::form::{Act, Deed, Detaching, Form};
use super::*;
use crate::engine::ids::Oid;
use crate::engine::locks::LockMode::{
    AccessExclusiveLock, ShareLock, ShareRowExclusiveLock, ShareUpdateExclusiveLock,
};

const USERS: Oid = Oid(30);
const ORDERS: Oid = Oid(20);
const EVENTS: Oid = Oid(10);
const EVENTS_1: Oid = Oid(11);

fn relation(oid: Oid, name: &str, kind: char, tie: Tie) -> Relation {
    Relation {
        written: (tie == Tie::Named).then(|| name.to_owned()),
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        kind,
        tie,
        pages: 10,
        rows: None,
        dead_rows: None,
        may_alter: true,
    }
}

fn survey(relations: &[Relation]) -> Survey {
    Survey {
        version_num: 180_000,
        deadlock_timeout_ms: 1_000,
        relations: relations.to_vec(),
        absent: Vec::new(),
        found: Vec::new(),
        leftovers: Vec::new(),
        advisory: Vec::new(),
    }
}

/// `orders` references `users`; `events` has one partition.
fn shop() -> Survey {
    survey(&[
        relation(ORDERS, "orders", 'r', Tie::Named),
        relation(USERS, "users", 'r', Tie::Named),
        relation(USERS, "users", 'r', Tie::ReferencedBy(ORDERS)),
        relation(ORDERS, "orders", 'r', Tie::References(USERS)),
        relation(EVENTS, "events", 'p', Tie::Named),
        relation(EVENTS_1, "events_1", 'r', Tie::PartitionOf(EVENTS)),
    ])
}

fn statement(kind: &str, acts: &[(Deed, &str)]) -> Statement {
    let acts = acts.iter().map(|(deed, relation)| Act::new(*deed, *relation)).collect();
    Statement { said: String::new(), form: Form { kind: kind.to_owned(), acts, alone: None }, line: 1 }
}

fn forecast(survey: &Survey, statements: &[Statement]) -> Forecast {
    Forecast::of(&Part { transaction: true, statements: statements.to_vec() }, survey)
}

fn alter(acts: &[(Deed, &str)]) -> Statement {
    statement("ALTER TABLE", acts)
}

fn told(forecast: &Forecast) -> Vec<(&str, LockMode, bool)> {
    forecast.locks.iter().map(|need| (need.name.as_str(), need.mode, need.sure)).collect()
}

fn first(forecast: &Forecast) -> Vec<(&str, LockMode)> {
    forecast.first.iter().map(|first| (first.name.as_str(), first.mode)).collect()
}

#[test]
fn locks_are_taken_first_in_an_order_that_is_the_same_for_everybody() {
    let foreign = [(Deed::AddForeignKey { not_valid: true }, "orders"), (Deed::BeReferenced, "users")];
    let strong = [(Deed::SetNotNull, "users")];
    let one = forecast(&shop(), &[alter(&foreign), alter(&strong)]);
    let other = forecast(&shop(), &[alter(&strong), alter(&foreign)]);
    let expected =
        [("ONLY public.orders", ShareRowExclusiveLock), ("ONLY public.users", AccessExclusiveLock)];
    assert_eq!(first(&one), expected);
    assert_eq!(first(&other), expected);
    assert_eq!(told(&one), [("users", AccessExclusiveLock, true), ("orders", ShareRowExclusiveLock, true)]);
}

#[test]
fn each_partition_is_locked_by_itself_and_sizes_are_summed() {
    let index = Deed::CreateIndex { concurrently: false };
    let forecast = forecast(&shop(), &[statement("CREATE INDEX", &[(index, "events")])]);
    assert_eq!(first(&forecast), [("ONLY public.events", ShareLock), ("ONLY public.events_1", ShareLock)]);
    assert_eq!(forecast.locks[1].why.as_deref(), Some("partition of events"));
    assert_eq!(
        forecast.data,
        [DataWork { name: "events".to_owned(), kind: DataKind::Build, bytes: 20 * 8_192, under: ShareLock }]
    );
    assert_eq!(
        (forecast.stop_loses.as_str(), forecast.stop_leaves.as_str()),
        ("the build", "nothing; run it again")
    );
}

#[test]
fn what_only_may_be_locked_is_told_and_not_locked_first() {
    let forecast = forecast(&shop(), &[alter(&[(Deed::DropConstraint, "orders")])]);
    assert_eq!(
        told(&forecast),
        [("orders", AccessExclusiveLock, true), ("users", AccessExclusiveLock, false)]
    );
    assert_eq!(forecast.locks[1].why.as_deref(), Some("referenced by orders"));
    assert_eq!(first(&forecast), [("ONLY public.orders", AccessExclusiveLock)]);
}

#[test]
fn what_this_login_may_not_lock_is_left_to_the_statement() {
    let mut survey = shop();
    for relation in survey.relations.iter_mut().filter(|relation| relation.oid == USERS) {
        relation.may_alter = false;
    }
    let acts = [(Deed::AddForeignKey { not_valid: true }, "orders"), (Deed::BeReferenced, "users")];
    let forecast = forecast(&survey, &[alter(&acts)]);
    assert_eq!(first(&forecast), [("ONLY public.orders", ShareRowExclusiveLock)]);
    assert_eq!(forecast.locks.len(), 2);
}

#[test]
fn weak_work_takes_nothing_first() {
    let validate = statement("ALTER TABLE VALIDATE CONSTRAINT", &[(Deed::Validate, "orders")]);
    let forecast = forecast(&shop(), &[validate]);
    assert!(!forecast.strong && forecast.first.is_empty() && forecast.unknown.is_empty(), "{forecast:?}");
    assert_eq!(forecast.data[0].kind, DataKind::Scan);
    assert_eq!(forecast.data[0].under, ShareUpdateExclusiveLock);
    assert_eq!(forecast.stop_loses, "the scan");

    let how = Detaching::Concurrently;
    let kind = "ALTER TABLE DETACH PARTITION CONCURRENTLY";
    let detach = statement(kind, &[(Deed::Detach(how), "events"), (Deed::BeDetached(how), "orders")]);
    let forecast = Forecast::of(&Part { transaction: false, statements: vec![detach] }, &shop());
    assert!(!forecast.strong, "{forecast:?}");
    assert_eq!(forecast.locks[0].mode, AccessExclusiveLock);
    assert!(forecast.stop_leaves.contains("not seen"), "{}", forecast.stop_leaves);
}

#[test]
fn what_is_not_known_is_said_and_counts_as_strong() {
    let nothing = Statement { form: Form::unknown("FROBNICATE"), ..alter(&[]) };
    let of = forecast(&shop(), &[nothing]);
    assert!(of.strong && of.unknown.len() == 1, "{of:?}");
    assert_eq!((of.stop_loses.as_str(), of.stop_leaves.as_str()), ("not known", "not known"));

    let opaque = forecast(&shop(), &[statement("DO", &[(Deed::Unknown, "")])]);
    assert!(opaque.strong, "{opaque:?}");
    assert_eq!(opaque.unknown, ["DO: what it locks and does is not known"]);

    let absent = forecast(&shop(), &[alter(&[(Deed::SetNotNull, "nowhere")])]);
    assert!(absent.strong, "{absent:?}");
    assert_eq!(absent.unknown, ["there is no relation nowhere now: what it locks is not known"]);

    let made =
        [statement("CREATE TABLE", &[(Deed::CreateTable, "new")]), alter(&[(Deed::SetNotNull, "new")])];
    let made = forecast(&shop(), &made);
    assert!(!made.strong && made.unknown.is_empty() && made.locks.is_empty(), "{made:?}");

    let renamed = Act { renamed: Some("old".to_owned()), ..Act::new(Deed::Rename, "orders") };
    let mut swap = alter(&[]);
    swap.form.acts = vec![renamed, Act::new(Deed::SetNotNull, "old")];
    assert_eq!(forecast(&shop(), &[swap]).unknown, Vec::<String>::new());
}

#[test]
fn a_transaction_is_undone_as_a_whole() {
    let statements = [alter(&[(Deed::SetDefault, "orders")]), statement("UPDATE", &[(Deed::Write, "users")])];
    let forecast = forecast(&shop(), &statements);
    assert_eq!(forecast.stop_loses, "all it did, rolled back");
    assert!(forecast.stop_leaves.starts_with("dead rows"), "{}", forecast.stop_leaves);
}
