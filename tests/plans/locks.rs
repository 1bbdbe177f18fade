//! The table of locks against servers of every version: each statement is run in a transaction, and what it holds,
//! rewrites and scans is compared with its forecast.

use std::collections::BTreeMap;

use lockpit::engine::locks::LockMode;
use lockpit::engine::plan::forecast::{DataKind, Forecast};
use lockpit::engine::plan::form::{Deed, Form};
use lockpit::engine::plan::{Part, Statement};
use lockpit::plan::forms;

use crate::schema::SCHEMA;
use crate::statements::{ALONE, STATEMENTS};
use crate::support::{Actor, LONG, cluster, versions, wait_until};
use crate::surveyed::survey;

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

/// Takes the locks that are to be taken first; returns what is locked then.
async fn take_first(actor: &Actor, forecast: &Forecast) -> BTreeMap<String, LockMode> {
    actor.exec("begin").await;
    for first in &forecast.first {
        let words = first.mode.name().trim_end_matches("Lock");
        let spaced =
            words.replace("Exclusive", " Exclusive").replace("Row", " Row").replace("Share", " Share");
        let mode = spaced.replace("Update", " Update");
        actor.exec(&format!("lock table {} in {mode} mode", first.name)).await;
    }
    let mut locks = BTreeMap::new();
    pairs(&actor.rows(&locked(actor.pid())).await, &mut locks);
    actor.exec("rollback").await;
    locks
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
    if told(&[DataKind::Rewrite]) == seen.rewritten.is_empty() {
        found.push(format!("rewritten: {:?}, told {:?}", seen.rewritten, forecast.data));
    }
    if is_read == seen.scanned.is_empty() {
        found.push(format!("scanned: {:?}, told {:?}", seen.scanned, forecast.data));
    }
    found
}

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
            for (name, mode) in take_first(&actor, &forecast).await {
                let needed = forecast.locks.iter().any(|need| need.name == name && need.mode >= mode);
                if !needed {
                    found.push(format!("{} {sql}: {mode} on {name} is taken first", version.major));
                }
            }
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
