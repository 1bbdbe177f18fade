//! What the catalog says about work at hand.
//!
//! Owns the statements and the reading of their rows. Names mean what they mean to the plan; everything else is read
//! with the server's own names, in one transaction that takes no lock on user relations.

mod advisory;
mod expects;

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use super::line::{Line, OWN};
use crate::engine::ids::Oid;
use crate::engine::plan::facts::{Leftover, LeftoverKind, Relation, Survey, Tie};
use crate::engine::plan::form::Expect;

const NAMES: &str = include_str!("../sql/names_of_plan.sql");
const SURVEY: &str = include_str!("../sql/survey.sql");
const LEFTOVERS: &str = include_str!("../sql/leftovers.sql");
const LIMIT_MS: u32 = 5_000;

/// What a name means in the session.
#[derive(Debug, Clone, Default)]
struct Meant {
    /// The relation, if there is one.
    oid: Option<u32>,
    /// Its last part as the catalog has it.
    last: String,
    /// It names a schema.
    qualified: bool,
}

/// Surveys relations and expected objects; names are as written.
pub(super) async fn survey(line: &Line, relations: &[String], expects: &[Expect]) -> Result<Survey, Error> {
    line.begin_reading(LIMIT_MS, false).await?;
    let client = line.client();
    let mut names: Vec<&str> = relations.iter().map(String::as_str).collect();
    names.extend(expects.iter().flat_map(expects::names));
    names.sort_unstable();
    names.dedup();
    let (role, meant) = meaning(client, &names).await?;
    client.batch_execute(OWN).await?;
    let (relations, absent) = related(client, &role, relations, &meant).await?;
    let survey = Survey {
        version_num: line.session.server_version_num(),
        deadlock_timeout_ms: deadlock_timeout_ms(client).await?,
        relations,
        absent,
        found: expects::found(client, expects, &meant).await?,
        leftovers: leftovers(client).await?,
        advisory: advisory::held(client).await?,
    };
    line.end_reading().await?;
    Ok(survey)
}

/// The role that the plan runs as, and what its names mean.
async fn meaning(client: &Client, names: &[&str]) -> Result<(String, BTreeMap<String, Meant>), Error> {
    let role: String = client.query_one("select (current_user)::pg_catalog.text", &[]).await?.try_get(0)?;
    let mut meant = BTreeMap::new();
    for row in client.query(NAMES, &[&names]).await? {
        let meaning = Meant {
            oid: row.try_get("oid")?,
            last: row.try_get("last")?,
            qualified: row.try_get::<_, i32>("parts")? > 1,
        };
        meant.insert(row.try_get("name")?, meaning);
    }
    Ok((role, meant))
}

async fn deadlock_timeout_ms(client: &Client) -> Result<u64, Error> {
    let sql = "select setting::int8 from pg_show_all_settings() where name = 'deadlock_timeout'";
    let ms: i64 = client.query_one(sql, &[]).await?.try_get(0)?;
    Ok(u64::try_from(ms).unwrap_or(0))
}

/// The relations with all that is touched with them, and the names for which there is none.
async fn related(
    client: &Client,
    role: &str,
    written: &[String],
    meant: &BTreeMap<String, Meant>,
) -> Result<(Vec<Relation>, Vec<String>), Error> {
    let mut absent = Vec::new();
    let mut named: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for name in written {
        match meant.get(name).and_then(|meant| meant.oid) {
            Some(oid) => named.entry(oid).or_default().push(name),
            None => absent.push(name.clone()),
        }
    }
    let oids: Vec<u32> = named.keys().copied().collect();
    let mut relations = Vec::new();
    for row in client.query(SURVEY, &[&oids, &role]).await? {
        let oid: u32 = row.try_get("oid")?;
        let tied = Oid(row.try_get::<_, Option<u32>>("tied")?.unwrap_or(0));
        let tie = match row.try_get("tie")? {
            "table_of" => Tie::TableOf(tied),
            "default_partition_of" => Tie::DefaultPartitionOf(tied),
            "partition_of" => Tie::PartitionOf(tied),
            "parent_of" => Tie::ParentOf(tied),
            "references" => Tie::References(tied),
            "referenced_by" => Tie::ReferencedBy(tied),
            "index_of" => Tie::IndexOf(tied),
            _ => Tie::Named,
        };
        let amount = |n: i64| u64::try_from(n).ok();
        let relation = Relation {
            written: None,
            oid: Oid(oid),
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            kind: row.try_get::<_, &str>("kind")?.chars().next().unwrap_or('?'),
            tie,
            pages: amount(row.try_get("pages")?).unwrap_or(0),
            rows: row.try_get::<_, Option<i64>>("rows")?.and_then(amount),
            dead_rows: row.try_get::<_, Option<i64>>("dead")?.and_then(amount),
            may_alter: row.try_get("may_alter")?,
        };
        match named.get(&oid).filter(|_| tie == Tie::Named) {
            // One relation may be written in two ways.
            Some(names) => relations.extend(
                names.iter().map(|name| Relation { written: Some((*name).to_owned()), ..relation.clone() }),
            ),
            None => relations.push(relation),
        }
    }
    Ok((relations, absent))
}

async fn leftovers(client: &Client) -> Result<Vec<Leftover>, Error> {
    let mut leftovers = Vec::new();
    for row in client.query(LEFTOVERS, &[]).await? {
        leftovers.push(Leftover {
            kind: match row.try_get("kind")? {
                "new" => LeftoverKind::NewIndex,
                "old" => LeftoverKind::OldIndex,
                "detach" => LeftoverKind::PendingDetach,
                "constraint" => LeftoverKind::UnvalidatedConstraint,
                _ => LeftoverKind::InvalidIndex,
            },
            schema: row.try_get("schema")?,
            table: row.try_get("table_name")?,
            name: row.try_get("name")?,
            object_schema: row.try_get("object_schema")?,
        });
    }
    Ok(leftovers)
}
