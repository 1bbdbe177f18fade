//! A stage of sessions on one server: random statements until everybody has done his part or waits.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use lockpit::engine::ids::{Oid, Pid};
use lockpit::engine::sample::Sample;
use lockpit::pg::sampler::rows;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Connection, Error, NoTls, Socket, Statement, tls::NoTlsStream};

use crate::random::Random;
use crate::support::{Actor, Database, LONG, Running, wait_until};
use crate::truth::Truth;

const SESSIONS: usize = 48;
const TEAMS: usize = 8;
const TABLES: usize = 3;
const ROWS: usize = 3;
const KEYS: usize = 2;
const MOST_ROUNDS: usize = 3;
const MOST_STATEMENTS: usize = 2;
const MODES: [&str; 8] = [
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
    "exclusive",
    "access exclusive",
];
const ROW_LOCKS: [&str; 4] = ["update", "no key update", "share", "key share"];

/// The sessions that play, and two that look: one with lockpit's statement, one for the truth.
pub(crate) struct Stage {
    players: Vec<Actor>,
    running: Vec<Running>,
    lockpit: Observer,
    other: Observer,
    sample: Statement,
    truth: Statement,
}

/// A scene in which nobody moves any more.
#[derive(Debug)]
pub(crate) struct Frozen {
    teams: Vec<BTreeSet<Pid>>,
    parts: Vec<(Pid, String)>,
}

struct Observer {
    client: Client,
    connection: JoinHandle<Result<(), Error>>,
}

impl Stage {
    /// Opens the sessions and makes the teams' tables.
    pub(crate) async fn set(db: &Database) -> Stage {
        let (lockpit, other) = (Observer::open(db).await, Observer::open(db).await);
        for table in 0..TEAMS * TABLES {
            let sql = format!(
                "create table stage{table} (id int primary key, n int) with (autovacuum_enabled = off); \
                 insert into stage{table} select i, 0 from generate_series(1, {ROWS}) i"
            );
            other.client.batch_execute(&sql).await.expect("a table");
        }
        let mut players = Vec::new();
        for _ in 0..SESSIONS {
            let player = db.actor("app").await;
            // A deadlock is frozen like any other wait.
            player.exec("set deadlock_timeout = '1h'; set lock_timeout = 0; set statement_timeout = 0").await;
            players.push(player);
        }
        let prepare = async |client: &Client, sql| client.prepare(sql).await.expect("a statement");
        let sample = prepare(&lockpit.client, include_str!("../../src/pg/sql/sample.sql")).await;
        let truth = prepare(&other.client, Truth::SQL).await;
        Stage { players, running: Vec::new(), lockpit, other, sample, truth }
    }

    /// The number of the database.
    pub(crate) async fn database(&self) -> Oid {
        let sql = "select oid from pg_database where datname = current_database()";
        Oid(self.other.client.query_one(sql, &[]).await.expect("a row").get(0))
    }

    /// Puts everybody into a random team and lets all play random parts, in random order, until each has
    /// finished or waits. There are rounds, so that sessions that hold something come to wait for each other.
    pub(crate) async fn freeze(&mut self, random: &mut Random) -> Frozen {
        let mut order: Vec<usize> = (0..self.players.len()).collect();
        let team_of: Vec<usize> = order.iter().map(|_| random.below(TEAMS)).collect();
        let mut frozen = Frozen { teams: vec![BTreeSet::new(); TEAMS], parts: Vec::new() };
        for (player, &team) in self.players.iter().zip(&team_of) {
            frozen.teams[team].insert(Pid(player.pid()));
        }
        for round in 0..=random.below(MOST_ROUNDS) {
            random.shuffle(&mut order);
            self.running.retain(|running| !running.is_finished());
            let waiting: Vec<i32> = self.running.iter().map(Running::pid).collect();
            for &player in &order {
                // Drawn for those who wait as well: a part does not depend on who happened to come first.
                let part = part(team_of[player], random);
                let pid = self.players[player].pid();
                if !waiting.contains(&pid) {
                    let sql = if round == 0 { format!("begin; {part}") } else { part };
                    self.running.push(self.players[player].spawn(&sql));
                    frozen.parts.push((Pid(pid), sql));
                }
            }
            self.wait_until_frozen().await;
        }
        frozen
    }

    /// A scene is frozen when everyone who has not finished waits, in one consistent read of the lock table:
    /// then nobody is left who could let anybody go on.
    async fn wait_until_frozen(&self) {
        let sql = "select coalesce(array_agg(distinct pid), '{}') from pg_locks where not granted";
        wait_until("a frozen scene", LONG, async || {
            // Two quick looks before the first pause: most scenes freeze within a few milliseconds.
            for _ in 0..20 {
                let playing: Vec<i32> = self.playing().collect();
                let row = self.other.client.query_one(sql, &[]).await.expect("a row");
                let waiting: Vec<i32> = row.get(0);
                if playing.iter().all(|pid| waiting.contains(pid)) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(format!("{} still play", self.playing().count()))
        })
        .await;
    }

    /// Everyone whose part is not finished.
    fn playing(&self) -> impl Iterator<Item = i32> {
        self.running.iter().filter(|running| !running.is_finished()).map(Running::pid)
    }

    /// What lockpit's statement shows.
    pub(crate) async fn sample(&self) -> Sample {
        let extra: Vec<i32> = Vec::new();
        let row =
            self.lockpit.client.query_one(&self.sample, &[&false, &extra, &0_u32]).await.expect("a sample");
        rows::sample(&row, 0).expect("its shape").sample
    }

    /// What the server itself says, on the other session.
    pub(crate) async fn truth(&self) -> Truth {
        Truth::of(&self.other.client.query(&self.truth, &[]).await.expect("the server's view"))
    }

    /// Cancels whoever waits, again and again until nobody plays, and ends all transactions.
    pub(crate) async fn release(&mut self) {
        wait_until("everybody to stop", LONG, async || {
            for _ in 0..20 {
                let playing: Vec<i32> = self.playing().collect();
                if playing.is_empty() {
                    return Ok(());
                }
                let cancel = "select pg_cancel_backend(pid) from unnest($1::int[]) pid";
                self.other.client.query(cancel, &[&playing]).await.expect("cancels");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(format!("{} still play", self.playing().count()))
        })
        .await;
        self.running.clear();
        for player in &self.players {
            // A cancel that arrives late may hit this very statement.
            while player.try_exec("rollback").await.is_err() {}
        }
    }
}

impl Frozen {
    /// Everybody on stage.
    pub(crate) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.teams.iter().flatten().copied()
    }

    /// The teams, some of which may be empty.
    pub(crate) fn teams(&self) -> impl Iterator<Item = &BTreeSet<Pid>> {
        self.teams.iter()
    }
}

impl fmt::Display for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|(pid, sql)| writeln!(f, "{pid}: {sql}"))
    }
}

/// One or two random statements on what belongs to the team.
fn part(team: usize, random: &mut Random) -> String {
    let statements = (0..=random.below(MOST_STATEMENTS)).map(|_| {
        let table = team * TABLES + random.below(TABLES);
        let (row, key) = (random.below(ROWS) + 1, team * KEYS + random.below(KEYS));
        match random.below(10) {
            0..4 => format!("lock table stage{table} in {} mode", random.one(&MODES)),
            4 | 5 => format!("update stage{table} set n = n + 1 where id = {row}"),
            6 => format!("select n from stage{table} where id = {row} for {}", random.one(&ROW_LOCKS)),
            7 => format!("delete from stage{table} where id = {row}"),
            8 => format!("select pg_advisory_xact_lock({key})"),
            _ => format!("select pg_advisory_xact_lock_shared({key})"),
        }
    });
    statements.collect::<Vec<_>>().join("; ")
}

impl Observer {
    async fn open(db: &Database) -> Observer {
        let (client, connection): (Client, Connection<Socket, NoTlsStream>) =
            db.config().connect(NoTls).await.expect("a session");
        let connection = tokio::spawn(connection);
        client
            .batch_execute("set plan_cache_mode = force_generic_plan; set jit = off")
            .await
            .expect("settings");
        Observer { client, connection }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
