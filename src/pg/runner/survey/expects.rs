//! Whether expected objects are there, and as they should be.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use super::Meant;
use crate::engine::plan::facts::Found;
use crate::engine::plan::form::Expect;

const FOUND: &str = include_str!("../../sql/found.sql");

/// One expected object, as the statement takes it: what it is, its table, its name, what else is wanted.
struct Wanted<'a> {
    kind: &'static str,
    table: Option<&'a str>,
    name: &'a str,
    /// The name is that of a relation.
    relation: bool,
    flag: Option<bool>,
}

fn wanted(expect: &Expect) -> Wanted<'_> {
    let relation = |kind, name, table| Wanted { kind, table, name, relation: true, flag: None };
    let part = |kind, table, name, flag| Wanted { kind, table: Some(table), name, relation: false, flag };
    match expect {
        Expect::Index { index, table } => relation("index", index, table.as_deref()),
        Expect::NoRelation { name, table } => relation("no relation", name, table.as_deref()),
        Expect::Relation { name } => relation("relation", name, None),
        Expect::Partition { parent, partition } => relation("partition", partition, Some(parent.as_str())),
        Expect::NoPartition { parent, partition } => {
            relation("no partition", partition, Some(parent.as_str()))
        }
        Expect::Column { table, column, not_null } => part("column", table, column, *not_null),
        Expect::NoColumn { table, column } => part("no column", table, column, None),
        Expect::Constraint { table, name, validated } => part("constraint", table, name, Some(*validated)),
        Expect::NoConstraint { table, name } => part("no constraint", table, name, None),
        Expect::Trigger { table, name } => part("trigger", table, name, None),
        Expect::NoTrigger { table, name } => part("no trigger", table, name, None),
    }
}

/// The names in an expectation, as written.
pub(super) fn names(expect: &Expect) -> impl Iterator<Item = &str> {
    let Wanted { table, name, .. } = wanted(expect);
    table.into_iter().chain([name])
}

/// What each of them is like.
pub(super) async fn found(
    client: &Client,
    expects: &[Expect],
    meant: &BTreeMap<String, Meant>,
) -> Result<Vec<(Expect, Found)>, Error> {
    let unknown = Meant::default();
    let meaning = |name: &str| meant.get(name).unwrap_or(&unknown);
    let oid = |name: &str| meaning(name).oid.unwrap_or(0);
    let wanted: Vec<Wanted<'_>> = expects.iter().map(wanted).collect();
    let kinds: Vec<&str> = wanted.iter().map(|wanted| wanted.kind).collect();
    let tables: Vec<u32> = wanted.iter().map(|wanted| wanted.table.map_or(0, oid)).collect();
    let objects: Vec<u32> = wanted
        .iter()
        .map(|wanted| match (wanted.relation, wanted.table, wanted.kind) {
            (false, ..) => 0,
            // It shares its table's schema, which need not be in the search path.
            (true, Some(_), "index" | "no relation") if !meaning(wanted.name).qualified => 0,
            (true, ..) => oid(wanted.name),
        })
        .collect();
    // A partition has no other name to be found by than its own.
    let names: Vec<&str> = wanted
        .iter()
        .map(|wanted| match wanted.kind {
            "partition" | "no partition" | "relation" => "",
            _ if wanted.relation && (wanted.table.is_none() || meaning(wanted.name).qualified) => "",
            _ => &meaning(wanted.name).last,
        })
        .collect();
    let flags: Vec<Option<bool>> = wanted.iter().map(|wanted| wanted.flag).collect();
    let rows = client.query(FOUND, &[&kinds, &tables, &objects, &names, &flags]).await?;
    let mut found = Vec::new();
    for (expect, row) in expects.iter().zip(&rows) {
        let found_so = match row.try_get("found")? {
            "good" => Found::Good,
            "absent" => Found::Absent,
            why => Found::Bad(str::to_owned(why)),
        };
        found.push((expect.clone(), found_so));
    }
    Ok(found)
}
