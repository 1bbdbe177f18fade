use super::{Part, Scene};
use crate::engine::catalog::Catalog;
use crate::engine::ids::{Oid, Pid};
use crate::engine::locks::LockMode::{
    AccessExclusiveLock, AccessShareLock, RowExclusiveLock, ShareLock, ShareUpdateExclusiveLock,
};
use crate::engine::sample::BackendKind;
use crate::engine::testing::{
    A, B, ELSEWHERE, Look, SCRATCH, SHOP, UNCOMMITTED, USERS, calm, client, forgotten_reader, jam, names,
    readers, waiting_alter,
};

const CIC: Pid = Pid(103);

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.attach(SHOP, "shop");
    catalog.learn(names());
    catalog
}

fn scene(look: &Look) -> Scene {
    Scene::of(&look.0, &catalog())
}

fn victims(look: &Look, pid: Pid) -> usize {
    scene(look).victims_of(pid).len()
}

#[test]
fn the_alter_of_a_jam_is_charged_and_the_reader_before_it_is_not() {
    let scene = scene(&jam(7));
    assert_eq!(scene.victims_of(B).len(), 7);
    assert_eq!(scene.victims_of(A), [], "A holds nothing that conflicts with reads");
    assert_eq!((scene.part(A), scene.part(B)), (Part::Client, Part::SchemaWork));
    assert!(scene.is_strong(B) && !scene.is_strong(A));
}

#[test]
fn a_weak_index_build_is_charged_with_nobody_behind_another_teams_alter() {
    // The index build waits for old snapshots; an ALTER of somebody else waits for it, ten readers behind.
    let cic = client(CIC).holds(ShareUpdateExclusiveLock, USERS).awaits_snapshot("4/17").behind(&[A]);
    let alter = client(B).awaits(AccessExclusiveLock, USERS).behind(&[CIC]);
    let look = calm().with(forgotten_reader()).with(cic).with(alter).with_all(readers(10, B));
    let scene = scene(&look);
    assert_eq!(scene.graph.downstream(CIC).len(), 11, "all of them wait because of it, in the end");
    assert_eq!(scene.victims_of(CIC), []);
    assert_eq!(scene.victims_of(B).len(), 10);
    assert_eq!(scene.schema_workers().collect::<Vec<_>>(), [B, CIC]);
}

#[test]
fn a_weak_backend_has_no_share_in_whom_it_blocks_beside_a_strong_one() {
    let weak = client(CIC).holds(ShareUpdateExclusiveLock, USERS);
    let writer = client(Pid(200)).awaits(RowExclusiveLock, USERS).behind(&[B, CIC]);
    let look = calm().with(forgotten_reader()).with(waiting_alter()).with(weak).with(writer);
    assert_eq!((victims(&look, B), victims(&look, CIC)), (1, 0));
}

#[test]
fn an_ordinary_index_build_is_charged_with_the_writers_it_blocks() {
    let build = client(B).holds(ShareLock, USERS);
    let writer = client(Pid(200)).awaits(RowExclusiveLock, USERS).behind(&[B]);
    assert_eq!(victims(&calm().with(build).with(writer), B), 1);
}

#[test]
fn maintenance_is_no_victim() {
    let vacuum = client(Pid(300)).kind(BackendKind::Autovacuum).database(SHOP);
    let vacuum = vacuum.awaits(ShareUpdateExclusiveLock, USERS).behind(&[B]);
    let replication =
        client(Pid(301)).kind(BackendKind::WalSender).awaits(AccessShareLock, USERS).behind(&[B]);
    let server = client(Pid(302)).kind(BackendKind::Other).awaits(AccessShareLock, USERS).behind(&[B]);
    let look = jam(0).with(vacuum).with(replication).with(server);
    assert_eq!(victims(&look, B), 0);
    assert_eq!(scene(&look).part(Pid(300)), Part::Autovacuum);
}

#[test]
fn a_vacuum_behind_an_index_build_is_nobodys_victim() {
    let cic = client(CIC).holds(ShareUpdateExclusiveLock, USERS);
    let wraparound = client(Pid(300)).kind(BackendKind::Autovacuum);
    let wraparound = wraparound.awaits(ShareUpdateExclusiveLock, USERS).behind(&[CIC]);
    let look = calm().with(cic).with(wraparound);
    assert_eq!(victims(&look, CIC), 0);
    assert_eq!(scene(&look).waiting_clients().count(), 0);
}

#[test]
fn other_schema_work_is_no_victim() {
    let second = client(CIC).awaits(ShareUpdateExclusiveLock, USERS).behind(&[B]);
    assert_eq!(victims(&jam(2).with(second), B), 2);
}

#[test]
fn lockpits_own_sessions_are_no_victims() {
    let own = client(Pid(300)).kind(BackendKind::Lockpit).awaits(AccessShareLock, USERS).behind(&[B]);
    let look = jam(2).with(own);
    assert_eq!(victims(&look, B), 2);
    assert_eq!(scene(&look).waiting_clients().count(), 3, "two readers and the ALTER");
}

#[test]
fn a_masked_backend_counts_as_a_client() {
    let masked = client(Pid(300)).awaits(AccessShareLock, USERS).behind(&[B]).masked();
    assert_eq!(victims(&jam(2).with(masked), B), 3);
}

#[test]
fn a_waiter_that_the_activity_does_not_show_is_no_victim() {
    let mut look = jam(2);
    look.0.backends.retain(|backend| backend.pid != Pid(200));
    assert_eq!(victims(&look, B), 1, "what it is cannot be known");
    assert_eq!(scene(&look).part(Pid(200)), Part::Unknown);
}

#[test]
fn temporary_uncommitted_and_system_relations_are_no_schema_work() {
    for relation in [SCRATCH, UNCOMMITTED, Oid(1_259)] {
        let look = calm().with(client(B).holds(AccessExclusiveLock, relation));
        assert_eq!(scene(&look).schema_workers().count(), 0, "relation {relation}");
    }
}

#[test]
fn a_relation_that_was_never_looked_up_counts() {
    let look = calm().with(client(B).holds(AccessExclusiveLock, Oid(30_000)));
    assert_eq!(scene(&look).schema_workers().collect::<Vec<_>>(), [B]);
}

#[test]
fn work_in_another_database_counts_by_its_own_number() {
    // There the number of a temporary relation here may be that of any table.
    let look = calm().with(client(B).database(ELSEWHERE).holds(AccessExclusiveLock, SCRATCH));
    let scene = scene(&look);
    assert_eq!(scene.schema_workers().collect::<Vec<_>>(), [B]);
    assert_eq!(scene.schema_locks(B)[0].database, ELSEWHERE);
}

#[test]
fn weaker_modes_are_no_schema_work() {
    let look = calm().with(client(B).holds(RowExclusiveLock, USERS));
    assert_eq!(scene(&look).part(B), Part::Client);
}

#[test]
fn a_parallel_workers_lock_is_its_leaders() {
    let leader = client(B);
    let worker = client(Pid(110)).leader(B).holds(ShareLock, USERS);
    let writer = client(Pid(200)).awaits(RowExclusiveLock, USERS).behind(&[Pid(110)]);
    let scene = scene(&calm().with(leader).with(worker).with(writer));
    assert_eq!(scene.part(B), Part::SchemaWork);
    assert_eq!(scene.victims_of(B), [Pid(200)]);
}

#[test]
fn a_prepared_transaction_takes_the_blame_for_what_is_behind_it() {
    // Its lock is strong: the reader behind it is not the ALTER's fault.
    let alter = client(B).awaits(AccessExclusiveLock, USERS).behind(&[Pid::PREPARED]);
    let reader = client(Pid(200)).awaits(AccessShareLock, USERS).behind(&[Pid::PREPARED]);
    let look = calm().prepared(7_001, "tx1", AccessExclusiveLock, USERS).with(alter).with(reader);
    let scene = scene(&look);
    assert_eq!(scene.part(Pid::PREPARED), Part::Prepared);
    assert_eq!(scene.victims_of(B), []);
    assert_eq!(scene.victims_of(Pid::PREPARED), [Pid(200)]);
    assert_eq!(scene.schema_workers().collect::<Vec<_>>(), [B], "nothing runs it, so it is no candidate");
}

#[test]
fn harm_goes_to_the_nearest_of_two_alters() {
    let second = client(CIC).awaits(AccessExclusiveLock, USERS).behind(&[B]);
    let look = calm().with(forgotten_reader()).with(waiting_alter()).with(second).with_all(readers(4, CIC));
    assert_eq!((victims(&look, B), victims(&look, CIC)), (0, 4));
}

#[test]
fn readers_behind_two_alters_at_once_are_charged_to_both() {
    // The server names every earlier waiter whose request conflicts.
    let mut look = jam(3).with(client(CIC).awaits(AccessExclusiveLock, USERS).behind(&[A, B]));
    for edge in look.0.edges.iter_mut().filter(|edge| edge.waiter.0 >= 200) {
        edge.blockers.push(CIC);
    }
    assert_eq!((victims(&look, B), victims(&look, CIC)), (3, 3));
}
