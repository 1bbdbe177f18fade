//! The demonstration's shop: it is open, it jams as staged, and it recovers.

use std::time::Duration;

use lockpit::demo::server::{ServerOptions, StopMode};
use lockpit::demo::shop::{OldReader, Shop, ShopError, Traffic, TrafficOptions};
use tokio_postgres::error::SqlState;

use crate::support::{Actor, Cluster, Database, LONG, cluster, versions, wait_until};

const TRAFFIC: TrafficOptions = TrafficOptions { clients: 20, pause: Duration::from_millis(20) };

async fn open(major: u32) -> (Database, Shop) {
    let db = cluster(major).database("shop").await;
    let shop = Shop::create(&db.config()).await.expect("a shop");
    (db, shop)
}

/// `application|blocked by application|count` of every lock wait in the shop's database.
async fn waits(observer: &Actor) -> Vec<String> {
    observer
        .rows(
            "select w.application_name, b.application_name, count(*) \
             from pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) as blocker join pg_stat_activity b on b.pid = blocker \
             where w.datname = current_database() and w.application_name in ('deploy', 'shop-web') \
             and b.application_name in ('deploy', 'report-job') group by 1, 2 order by 1, 2",
        )
        .await
}

async fn more_queries(traffic: &Traffic, than: u64) {
    wait_until("the traffic flows", LONG, async || match traffic.counters() {
        seen if seen.queries >= than => Ok(()),
        seen => Err(format!("{seen:?}, not {than} queries; last error: {:?}", traffic.last_error())),
    })
    .await;
}

#[tokio::test]
async fn the_shop_opens_on_every_version() {
    for version in versions() {
        let (db, shop) = open(version.major).await;
        let observer = db.actor("observer").await;
        let tables = "select relname, reltuples from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace \
                      order by 1";
        let expected = ["customers|3000", "order_items|24000", "orders|12000", "products|500"];
        assert_eq!(observer.rows(tables).await, expected, "PostgreSQL {}", version.major);

        let traffic = Traffic::start(&shop, TRAFFIC).await.expect("traffic");
        let names = "select distinct application_name from pg_stat_activity where application_name like 'shop-%' \
                     and datname = current_database() order by 1";
        assert_eq!(observer.rows(names).await, ["shop-api", "shop-web", "shop-worker"]);
        wait_until("orders are placed and shipped", LONG, async || {
            let placed: i64 = observer.value("select count(*) from orders where id > 12000").await;
            let seen = traffic.counters();
            if placed > 0 && seen.queries > 300 { Ok(()) } else { Err(format!("{placed} placed, {seen:?}")) }
        })
        .await;
        assert_eq!(traffic.last_error(), None);
        assert_eq!(traffic.stop().await.errors, 0);
        let error = Shop::create(&db.config()).await.expect_err("it is there already");
        assert_eq!(error.sqlstate(), Some(&SqlState::DUPLICATE_TABLE));
        assert!(error.to_string().contains("already exists"), "{error}");
    }
}

#[tokio::test]
async fn the_deploy_jams_the_shop_and_a_cancel_frees_it() {
    for version in versions() {
        let (db, shop) = open(version.major).await;
        let observer = db.actor("observer").await;
        let traffic = Traffic::start(&shop, TRAFFIC).await.expect("traffic");
        let reader = OldReader::open(&shop).await.expect("a reader");
        more_queries(&traffic, 100).await;

        let deploy = tokio::spawn(shop.deploy());
        wait_until("the deploy behind the report, the shop behind the deploy", LONG, async || {
            let seen = waits(&observer).await;
            let [first, second] = &seen[..] else { return Err(format!("{seen:?}")) };
            let jammed = first == "deploy|report-job|1" && second.starts_with("shop-web|deploy|");
            if jammed { Ok(()) } else { Err(format!("{seen:?}")) }
        })
        .await;
        let granted = "select l.mode, l.granted from pg_locks l join pg_stat_activity a using (pid) \
                       where l.relation = 'orders'::regclass and a.application_name in ('deploy', 'report-job') \
                       and a.datname = current_database() order by 1";
        assert_eq!(observer.rows(granted).await, ["AccessExclusiveLock|f", "AccessShareLock|t"]);
        wait_until("the customers feel it", LONG, async || match traffic.counters().oldest_running_ms {
            Some(ms) if ms >= 100 => Ok(()),
            seen => Err(format!("{seen:?}")),
        })
        .await;

        let cancel = "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'deploy' \
                      and datname = current_database()";
        assert_eq!(observer.rows(cancel).await, ["t"]);
        let error = deploy.await.expect("no panic").expect_err("cancelled");
        assert_eq!(error.sqlstate(), Some(&SqlState::QUERY_CANCELED), "{error}");
        wait_until("nobody waits any more", LONG, async || match waits(&observer).await {
            seen if seen.is_empty() => Ok(()),
            seen => Err(format!("{seen:?}")),
        })
        .await;
        more_queries(&traffic, traffic.counters().queries + 100).await;
        let felt = traffic.stop().await;
        assert!(felt.slowest_ms >= 100 && felt.errors == 0, "{felt:?}");

        // Without the report the same deploy goes through.
        reader.close().await.expect("committed");
        shop.deploy().await.expect("deployed");
        observer.exec("select gift_note from orders limit 1").await;
    }
}

#[tokio::test]
async fn traffic_that_stops_or_a_deploy_that_is_dropped_leaves_no_session() {
    let Some(version) = versions().last() else { return };
    let (db, shop) = open(version.major).await;
    let observer = db.actor("observer").await;
    let reader = OldReader::open(&shop).await.expect("a reader");
    let traffic = Traffic::start(&shop, TRAFFIC).await.expect("traffic");
    let deploy = tokio::spawn(shop.deploy());
    wait_until("the jam", LONG, async || match waits(&observer).await {
        seen if seen.len() == 2 => Ok(()),
        seen => Err(format!("{seen:?}")),
    })
    .await;
    traffic.stop().await;
    deploy.abort();
    wait_until("only the report is left", LONG, async || {
        let left = observer
            .rows(
                "select application_name from pg_stat_activity where datname = current_database() \
                 and backend_type = 'client backend' and pid <> pg_backend_pid()",
            )
            .await;
        if left == ["report-job"] { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    let pid: i64 = observer
        .value("select pid::bigint from pg_stat_activity where application_name = 'report-job'")
        .await;
    assert_eq!(pid, i64::from(reader.pid()));
}

#[tokio::test]
async fn customers_come_back_after_a_restart() {
    let Some(version) = versions().last() else { return };
    let mut cluster = Cluster::fresh(version.major, ServerOptions::default());
    let config = cluster.database_named("postgres").config();
    let shop = Shop::create(&config).await.expect("a shop");
    let traffic = Traffic::start(&shop, TRAFFIC).await.expect("traffic");
    more_queries(&traffic, 50).await;
    cluster.server_mut().stop(StopMode::Immediate).expect("stopped");
    let error = OldReader::open(&shop).await.expect_err("nobody there");
    assert!(matches!(error, ShopError::Connect { .. }), "{error:?}");
    assert!(error.to_string().starts_with("report-job cannot connect"), "{error}");
    cluster.server_mut().restart().expect("started");
    more_queries(&traffic, traffic.counters().queries + 200).await;
    assert!(traffic.stop().await.errors > 0, "the loss was counted");
}
