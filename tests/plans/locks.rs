//! The table of locks against servers of every version: each statement is run in a transaction, and what it holds,
//! rewrites and scans is compared with its forecast.

use std::collections::BTreeMap;

use lockpit::engine::locks::LockMode::{self, AccessExclusiveLock, ShareLock, ShareUpdateExclusiveLock};
use lockpit::engine::plan::forecast::{DataKind, Forecast};
use lockpit::engine::plan::form::{Deed, Form};
use lockpit::engine::plan::{Part, Statement};
use lockpit::plan::forms;

use crate::schema::SCHEMA;
use crate::support::{Actor, LONG, cluster, versions, wait_until};
use crate::surveyed::survey;

/// A statement, and since which version it works.
const STATEMENTS: &[(u32, &str)] = &[
    (14, "create table made (a int primary key)"),
    (14, "create table made (a int references users (id))"),
    (14, "create table made (a int, foreign key (a) references users)"),
    (14, "create table made (like plain including all)"),
    (14, "create table made () inherits (parent)"),
    (14, "create table events_3 partition of events for values in (3)"),
    (14, "create table logs_3 partition of logs for values in (3)"),
    (14, "create table made as select * from plain"),
    (14, "drop table alone"),
    (14, "drop table items"),
    (14, "drop table orders cascade"),
    (14, "drop table events"),
    (14, "drop table events_1"),
    (14, "drop table events_default"),
    (14, "drop table logs_1"),
    (14, "drop table if exists nothing_there"),
    (14, "truncate plain"),
    (14, "truncate events"),
    (14, "truncate orders cascade"),
    (14, "alter table plain add column x int"),
    (14, "alter table plain add column x int default 5 not null"),
    (14, "alter table plain add column x timestamptz default now()"),
    (14, "alter table plain add column x uuid default gen_random_uuid()"),
    (14, "alter table plain add column x int generated always as (c * 2) stored"),
    (18, "alter table plain add column x int generated always as (c * 2) virtual"),
    (14, "alter table plain add column x serial"),
    (14, "alter table plain add column x int generated always as identity"),
    (14, "alter table plain add column x int unique"),
    (14, "alter table plain add column x int check (x > 0)"),
    (14, "alter table plain add column x int references users (id)"),
    (14, "alter table plain add column x int default 1 references users (id)"),
    (14, "alter table events add column x int"),
    (14, "alter table parent add column x int"),
    (14, "alter table plain drop column b cascade"),
    (14, "alter table orders drop column user_id"),
    (14, "alter table orders drop column note"),
    (14, "alter table events drop column t"),
    (14, "alter table plain alter a set not null"),
    (14, "alter table plain alter c drop not null"),
    (14, "alter table events alter v set not null"),
    (14, "alter table plain alter d set default 6"),
    (14, "alter table plain alter d drop default"),
    (14, "alter table events alter v set default 6"),
    (14, "alter table orders alter amount type bigint"),
    (14, "alter table orders alter user_id type bigint"),
    (14, "alter table users alter name type varchar(40)"),
    (14, "alter table events alter v type bigint"),
    (14, "alter table plain alter a set statistics 500"),
    (14, "alter table events alter v set statistics 500"),
    (14, "alter table plain alter a set (n_distinct = 5)"),
    (14, "alter table plain alter b set storage external"),
    (14, "alter table plain alter c add generated always as identity"),
    (14, "alter table plain alter n drop identity"),
    (14, "alter table plain alter g drop expression"),
    (17, "alter table plain alter g set expression as (c * 3)"),
    (14, "alter table plain add constraint k check (a > 0)"),
    (14, "alter table plain add constraint k check (a > 0) not valid"),
    (14, "alter table events add constraint k check (k > 0)"),
    (14, "alter table plain add constraint k foreign key (a) references users (id)"),
    (14, "alter table plain add constraint k foreign key (a) references users (id) not valid"),
    (14, "alter table events add constraint k foreign key (v) references users (id)"),
    (14, "alter table plain add constraint k unique (c, d)"),
    (14, "alter table plain add primary key (c)"),
    (14, "alter table plain add primary key (a)"),
    (14, "alter table events add constraint k unique (k, v)"),
    (14, "alter table events add primary key (k)"),
    (14, "alter table plain add constraint k unique using index plain_a_idx"),
    (14, "alter table plain add constraint k primary key using index plain_a_idx"),
    (14, "alter table plain add constraint k exclude (c with =)"),
    (18, "alter table plain add constraint k not null a"),
    (18, "alter table plain add constraint k not null a not valid"),
    (14, "alter table orders validate constraint orders_amount_nv"),
    (14, "alter table orders validate constraint orders_id_nv"),
    (14, "alter table events validate constraint events_check"),
    (14, "alter table plain drop constraint plain_check"),
    (14, "alter table orders drop constraint orders_user_fk"),
    (14, "alter table orders drop constraint orders_pkey cascade"),
    (14, "alter table events drop constraint events_check"),
    (14, "alter table orders alter constraint orders_user_fk deferrable"),
    (14, "alter table plain rename to renamed"),
    (14, "alter table events rename to renamed"),
    (14, "alter table plain rename column b to bb"),
    (14, "alter table events rename column v to vv"),
    (14, "alter table orders rename constraint orders_user_fk to k"),
    (14, "alter table events rename constraint events_check to k"),
    (14, "alter table plain set schema elsewhere"),
    (14, "alter table events set schema elsewhere"),
    (14, "alter table plain owner to somebody"),
    (14, "alter table events owner to somebody"),
    (14, "alter table plain set (fillfactor = 70)"),
    (14, "alter table plain set (autovacuum_enabled = off, toast.autovacuum_enabled = off)"),
    (14, "alter table plain set (user_catalog_table = true)"),
    (14, "alter table plain disable trigger plain_trigger"),
    (14, "alter table events disable trigger events_trigger"),
    (14, "alter table plain enable row level security"),
    (14, "alter table plain replica identity full"),
    (14, "alter table plain replica identity using index plain_c_idx"),
    (14, "alter table plain cluster on plain_a_idx"),
    (14, "alter table plain set without cluster"),
    (14, "alter table plain set unlogged"),
    (14, "alter table alone inherit parent"),
    (14, "alter table child no inherit parent"),
    (14, "alter table own_type of row_type"),
    (14, "alter table events attach partition events_9 for values in (9)"),
    (14, "alter table logs attach partition logs_9 default"),
    (14, "alter table events detach partition events_1"),
    (14, "alter table logs detach partition logs_1"),
    (14, "create index made on plain (b)"),
    (14, "create index made on events (t)"),
    (14, "create index made on only events (t)"),
    (14, "drop index plain_a_idx"),
    (14, "drop index events_v_idx"),
    (14, "reindex index plain_a_idx"),
    (14, "reindex table plain"),
    (14, "alter index plain_a_idx rename to made"),
    (14, "alter index plain_a_idx set (fillfactor = 70)"),
    (14, "alter index logs_only_idx attach partition logs_1_idx"),
    (14, "create trigger made before insert on plain for each row execute function a_function()"),
    (14, "create trigger made after insert on events for each row execute function a_function()"),
    (14, "drop trigger plain_trigger on plain"),
    (14, "drop trigger events_trigger on events"),
    (14, "alter trigger plain_trigger on plain rename to made"),
    (14, "alter trigger events_trigger on events rename to made"),
    (14, "create policy made on plain using (true)"),
    (14, "drop policy a_policy on plain"),
    (14, "create rule made as on delete to plain do instead nothing"),
    (14, "create statistics made on a, c from plain"),
    (14, "comment on table plain is 'x'"),
    (14, "comment on column plain.a is 'x'"),
    (14, "comment on constraint plain_check on plain is 'x'"),
    (14, "grant select on plain to somebody"),
    (14, "grant select on all tables in schema public to somebody"),
    (14, "create view made as select * from plain"),
    (14, "create or replace view a_view as select a, b from plain"),
    (14, "drop view a_view"),
    (14, "alter view a_view rename to made"),
    (14, "create materialized view made as select * from plain"),
    (14, "refresh materialized view a_matview"),
    (14, "refresh materialized view concurrently a_matview"),
    (14, "drop materialized view a_matview"),
    (14, "alter materialized view a_matview rename to made"),
    (14, "create sequence made owned by plain.a"),
    (14, "alter sequence a_seq restart with 5"),
    (14, "alter sequence a_seq owned by plain.a"),
    (14, "drop sequence a_seq"),
    (14, "alter table events alter t set storage external"),
    (14, "alter table events add column x int references users (id)"),
    (14, "alter table events add column x uuid default gen_random_uuid()"),
    (14, "alter table users drop column id cascade"),
    (14, "alter table users alter id type bigint"),
    (14, "alter table users drop constraint users_pkey cascade"),
    (14, "drop table users cascade"),
    (14, "truncate users cascade"),
    (14, "alter table only events add constraint k unique (k, v)"),
    (14, "drop table parent cascade"),
    (14, "alter table parent rename column a to aa"),
    (14, "alter table parent alter a set not null"),
    (14, "alter table logs add column x int"),
    (14, "comment on index plain_a_idx is 'x'"),
    (14, "comment on trigger plain_trigger on plain is 'x'"),
    (14, "alter view a_view alter a set default 5"),
    (14, "alter sequence a_seq rename to made"),
    (14, "alter index events_v_idx rename to made"),
    (14, "create table made (a int) partition by list (a)"),
    (14, "create table made partition of logs default"),
    (14, "create type made as enum ('a')"),
    (14, "create function made() returns int language sql as 'select 1'"),
    (14, "create schema made"),
    (14, "analyze plain"),
    (14, "analyze events"),
    (14, "cluster plain using plain_a_idx"),
    (14, "lock table plain in share mode"),
    (14, "lock table events in exclusive mode"),
    (14, "update plain set b = 'y' where a = 1"),
    (14, "delete from items where id = 1"),
    (14, "insert into alone select 1, 'x' from plain"),
    (14, "select * from plain for update"),
    (14, "select count(*) from events"),
];

/// What a statement was seen to do.
#[derive(Debug, Default)]
struct Seen {
    locks: BTreeMap<String, LockMode>,
    rewritten: Vec<String>,
    scanned: Vec<String>,
}

const SCANS: &str =
    "select name, pg_stat_get_xact_numscans(oid) from noted where kind in ('r', 'm') order by 1";

/// Locks of the session, held or awaited, on relations that were there before, by the numbers noted then.
fn locked(pid: i32) -> String {
    format!(
        "select b.name, l.mode from pg_locks l join noted b on b.oid = l.relation
         where l.locktype = 'relation' and l.pid = {pid} and l.database = (select oid from pg_database
           where datname = current_database())"
    )
}

const NOTE: &str = "create table if not exists noted as
  select c.oid, c.oid::regclass::text as name, c.relkind as kind, c.relfilenode as file from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'i', 'I')";

fn part(sql: &str) -> Part {
    let form = forms::read(sql);
    let transaction = form.alone.is_none();
    Part { transaction, statements: vec![Statement { said: sql.to_owned(), form, line: 1 }] }
}

fn pairs(rows: &[String], locks: &mut BTreeMap<String, LockMode>) {
    for row in rows {
        let (name, mode) = row.split_once('|').expect("two columns");
        let mode = LockMode::from_name(mode).expect("a mode");
        let known = locks.entry(name.to_owned()).or_insert(mode);
        *known = (*known).max(mode);
    }
}

async fn run(actor: &Actor, sql: &str) -> Result<Seen, String> {
    actor.exec("begin").await;
    let before = actor.rows(SCANS).await;
    if let Err(error) = actor.try_exec(sql).await {
        actor.exec("rollback").await;
        return Err(format!("{:?}", error.as_db_error().map(|error| error.message().to_owned())));
    }
    let mut seen = Seen::default();
    pairs(&actor.rows(&locked(actor.pid())).await, &mut seen.locks);
    seen.rewritten = actor
        .rows(
            "select n.name from noted n join pg_class c on c.oid = n.oid
               where c.relfilenode <> n.file and n.kind in ('r', 'm')",
        )
        .await;
    // They count since the session last told its statistics.
    seen.scanned = actor.rows(SCANS).await.into_iter().filter(|row| !before.contains(row)).collect();
    actor.exec("rollback").await;
    Ok(seen)
}

/// Indexes, and sequences of columns, follow their table.
fn follows(name: &str) -> bool {
    ["_idx", "_pkey", "_key", "_idx1", "_seq"].iter().any(|end| name.ends_with(end))
}

/// Where what was seen differs from the forecast.
fn differences(forecast: &Forecast, seen: &Seen, form: &Form) -> Vec<String> {
    let names = form.relations();
    // How much of a table a query reads or writes is its own, and TRUNCATE only makes empty files.
    let is_told = !form.acts.iter().any(|act| {
        matches!(act.deed, Deed::Read | Deed::ReadForUpdate | Deed::Write | Deed::Truncate { .. })
    });
    let matters = |mode: LockMode| mode >= LockMode::RowExclusiveLock;
    let mut found = Vec::new();
    for need in forecast.locks.iter().filter(|need| matters(need.mode)) {
        match seen.locks.get(&need.name) {
            Some(mode) if *mode == need.mode => {}
            Some(mode) if !need.sure && *mode < need.mode => {}
            None if !need.sure => {}
            other => found.push(format!("{} on {} is {other:?}", need.mode, need.name)),
        }
    }
    for (name, mode) in seen.locks.iter().filter(|(_, mode)| matters(**mode)) {
        let told = forecast.locks.iter().any(|need| need.name == *name);
        if !told && forecast.unknown.is_empty() && (!follows(name) || names.contains(name)) {
            found.push(format!("untold: {mode} on {name}"));
        }
    }
    let told = |wanted: &[DataKind]| forecast.data.iter().any(|work| wanted.contains(&work.kind));
    let is_read = told(&[DataKind::Scan, DataKind::Build, DataKind::Rewrite]);
    if told(&[DataKind::Unknown]) || !is_told {
        return found;
    }
    if told(&[DataKind::Rewrite]) != !seen.rewritten.is_empty() {
        found.push(format!("rewritten: {:?}, told {:?}", seen.rewritten, forecast.data));
    }
    if is_read != !seen.scanned.is_empty() {
        found.push(format!("scanned: {:?}, told {:?}", seen.scanned, forecast.data));
    }
    found
}

/// Statements that run outside a transaction, what holds them up, and the lock that they then hold or wait for.
const ALONE: &[(&str, &str, &str, LockMode)] = &[
    (
        "create index concurrently made on plain (b)",
        "update plain set b = 'y'",
        "plain",
        ShareUpdateExclusiveLock,
    ),
    ("drop index concurrently plain_a_idx", "update plain set b = 'y'", "plain", ShareUpdateExclusiveLock),
    ("reindex index concurrently plain_c_idx", "update plain set b = 'y'", "plain", ShareUpdateExclusiveLock),
    ("reindex table concurrently plain", "update plain set b = 'y'", "plain", ShareUpdateExclusiveLock),
    ("vacuum plain", "lock table plain in share mode", "plain", ShareUpdateExclusiveLock),
    ("vacuum full plain", "select * from plain", "plain", AccessExclusiveLock),
    ("vacuum events", "lock table only events_1 in share mode", "events_1", ShareUpdateExclusiveLock),
    ("reindex table events", "update events_2 set v = 1", "events_2", ShareLock),
    ("reindex index events_v_idx", "update events_2 set v = 1", "events_2", ShareLock),
    (
        "alter table events detach partition events_2 concurrently",
        "select * from events",
        "events",
        ShareUpdateExclusiveLock,
    ),
    (
        "alter table logs detach partition logs_1 concurrently",
        "select * from logs_1",
        "logs_1",
        AccessExclusiveLock,
    ),
];

#[tokio::test]
async fn statements_that_run_alone_take_what_is_forecast() {
    let mut found = Vec::new();
    for version in versions() {
        let db = cluster(version.major).database("alone").await;
        let (setup, other) = (db.actor("test/setup").await, db.actor("test/other").await);
        setup.exec(SCHEMA).await;
        // A default partition and a concurrent detach do not go together.
        setup.exec("drop table events_default").await;
        setup.exec(NOTE).await;
        for (sql, hold, on, mode) in ALONE {
            let part = part(sql);
            let survey = survey(&setup, version.major, &part.statements[0].form.relations()).await;
            let forecast = Forecast::of(&part, &survey);
            other.exec("begin").await;
            other.exec(hold).await;
            let ddl = db.actor("test/ddl").await;
            let running = ddl.spawn(sql);
            let wanted =
                format!("select exists (select from pg_locks where pid = {} and not granted)", ddl.pid());
            wait_until(&format!("{sql} waits"), LONG, async || {
                let waits: bool = setup.value(&wanted).await;
                if waits { Ok(()) } else { Err(format!("it does not; finished: {}", running.is_finished())) }
            })
            .await;
            let mut seen = BTreeMap::new();
            pairs(&setup.rows(&locked(ddl.pid())).await, &mut seen);
            other.exec("rollback").await;
            running.finish(LONG).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            let told =
                |name: &str| forecast.locks.iter().find(|need| need.name == name).map(|need| need.mode);
            let strongest = seen.get(*on);
            if strongest != Some(mode) || told(on) != Some(*mode) {
                found.push(format!("{} {sql}: {on} is {strongest:?}, told {:?}", version.major, told(on)));
            }
            let matters = seen.iter().filter(|(_, mode)| **mode >= LockMode::RowExclusiveLock);
            let untold = matters.filter(|(name, mode)| told(name) < Some(**mode) && !follows(name));
            found.extend(
                untold.map(|(name, mode)| format!("{} {sql}: untold {mode} on {name}", version.major)),
            );
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[tokio::test]
async fn forecasts_are_what_servers_do() {
    let mut found = Vec::new();
    for version in versions() {
        let db = cluster(version.major).database("locks").await;
        let (setup, actor) = (db.actor("test/setup").await, db.actor("test/ddl").await);
        setup.exec(SCHEMA).await;
        setup
            .exec("do $$ begin create role somebody; exception when duplicate_object then null; end $$")
            .await;
        setup.exec(NOTE).await;
        for (since, sql) in STATEMENTS.iter().filter(|(since, _)| *since <= version.major) {
            let part = part(sql);
            let form = &part.statements[0].form;
            let survey = survey(&setup, version.major, &form.relations()).await;
            let forecast = Forecast::of(&part, &survey);
            let wrong = match run(&actor, sql).await {
                Ok(seen) => differences(&forecast, &seen, form),
                Err(error) => vec![error],
            };
            found.extend(
                wrong.into_iter().map(|wrong| format!("{} ({since}+) {sql}: {wrong}", version.major)),
            );
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
