//! WAL senders and slots beside `pg_stat_replication` and `pg_replication_slots`.

use lockpit::demo::server::ServerOptions;
use lockpit::engine::sample::{Sender, Slot};
use tokio_postgres::Row;

use crate::Eye;
use crate::support::{Cluster, LONG, versions, wait_until};

const SENDERS: &str = "
    select pid, application_name, state, sync_state,
           array[sent_lsn - '0/0', write_lsn - '0/0', flush_lsn - '0/0', replay_lsn - '0/0',
                 extract(epoch from write_lag) * 1000000, extract(epoch from flush_lag) * 1000000,
                 extract(epoch from replay_lag) * 1000000]::int8[] as amounts
    from pg_stat_replication order by pid";
const SLOTS: &str = "
    select slot_name::text, slot_type = 'logical', active, (restart_lsn - '0/0')::int8, wal_status
    from pg_replication_slots order by slot_name";

type SenderRow = (i32, String, Option<String>, Option<String>, Vec<Option<i64>>);
type SlotRow = (String, bool, bool, Option<i64>, Option<String>);

fn senders(rows: &[Row]) -> Vec<SenderRow> {
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
}

fn slots(rows: &[Row]) -> Vec<SlotRow> {
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
}

fn signed(value: Option<u64>) -> Option<i64> {
    value.map(|value| i64::try_from(value).expect("a small WAL"))
}

fn sender(sender: &Sender) -> SenderRow {
    let amounts = [
        sender.sent_lsn,
        sender.write_lsn,
        sender.flush_lsn,
        sender.replay_lsn,
        sender.write_lag_us,
        sender.flush_lag_us,
        sender.replay_lag_us,
    ];
    (
        sender.pid.0,
        sender.application.clone(),
        sender.state.clone(),
        sender.sync_state.clone(),
        amounts.map(signed).to_vec(),
    )
}

fn slot(slot: &Slot) -> SlotRow {
    (slot.name.clone(), slot.logical, slot.active, signed(slot.restart_lsn), slot.wal_status.clone())
}

#[tokio::test]
async fn senders_and_slots_are_the_servers() {
    for version in versions() {
        let primary = Cluster::fresh(version.major, ServerOptions::default());
        let db = primary.database("replication").await;
        let eye = Eye::open(&db).await;
        eye.client
            .batch_execute(
                "select pg_create_physical_replication_slot('kept', true); \
                 select pg_create_physical_replication_slot('empty', false); \
                 select pg_create_logical_replication_slot('decoded', 'pgoutput')",
            )
            .await
            .expect("slots");
        let _standby = primary.standby("copy").await;
        eye.client.batch_execute("create table streamed as select 1 as id").await.expect("some WAL");

        let (sample, truth) = wait_until("a standby that streams", LONG, async || {
            let (sample, truth) = eye.still(SENDERS, senders).await;
            let streams = truth.iter().any(|row| row.2.as_deref() == Some("streaming"));
            if streams { Ok((sample, truth)) } else { Err(format!("{truth:?}")) }
        })
        .await;
        let slow = sample.slow.expect("it was asked for");
        assert_eq!(slow.senders.iter().map(sender).collect::<Vec<_>>(), truth, "on {}", version.major);
        assert_eq!(truth[0].1, "copy");
        assert!(!slow.in_recovery && slow.wal_lsn > Some(0));

        let (sample, truth) = eye.still(SLOTS, slots).await;
        let slow = sample.slow.expect("it was asked for");
        let mut ours: Vec<SlotRow> = slow.slots.iter().map(slot).collect();
        ours.sort();
        assert_eq!(ours, truth, "on {}", version.major);
        assert_eq!(truth.len(), 3);
        assert!(truth.iter().all(|(_, _, active, _, _)| !active), "nobody streams from a slot");
    }
}
