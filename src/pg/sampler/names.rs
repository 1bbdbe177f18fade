//! Names for the numbers in samples.
//!
//! Owns what has been looked up and when that is due again. Reads system catalogs only, and only for numbers
//! that a sample has shown.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error, Statement};

use crate::engine::ids::{At, Oid};
use crate::engine::input::{FoundRelation, Names, RelationName};
use crate::engine::sample::Sample;

/// How long a name is believed before it is looked up again.
const KNOWN_MS: u64 = 60_000;
/// How soon a relation that was not found is looked for again: its transaction may have committed.
const NOT_FOUND_MS: u64 = 1_000;

/// What has been looked up on this connection.
#[derive(Debug)]
pub(super) struct NameCache {
    database: Oid,
    relations: BTreeMap<Oid, At>,
    roles: BTreeMap<Oid, At>,
    databases: BTreeMap<Oid, At>,
}

/// Numbers to look up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    relations: Vec<u32>,
    roles: Vec<u32>,
    databases: Vec<u32>,
}

impl Wanted {
    pub(super) fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.roles.is_empty() && self.databases.is_empty()
    }
}

impl NameCache {
    /// A cache for a connection to `database`.
    pub(super) fn new(database: Oid) -> NameCache {
        NameCache { database, relations: BTreeMap::new(), roles: BTreeMap::new(), databases: BTreeMap::new() }
    }

    /// The numbers in `sample` whose names are due.
    pub(super) fn wanted(&self, at: At, sample: &Sample) -> Wanted {
        let here = sample.locks.iter().filter_map(|lock| lock.object.relation());
        let relations = here.filter(|(database, _)| *database == self.database).map(|(_, relation)| relation);
        let progress = sample.slow.iter().flat_map(|slow| slow.progress.iter().filter_map(|p| p.relation));
        let roles = sample.backends.iter().filter_map(|backend| backend.role);
        let databases = sample.backends.iter().filter_map(|backend| backend.database);
        Wanted {
            relations: due(&self.relations, at, relations.chain(progress)),
            roles: due(&self.roles, at, roles.chain(sample.prepared.iter().map(|p| p.owner))),
            databases: due(&self.databases, at, databases),
        }
    }

    /// Looks up what is wanted.
    pub(super) async fn look_up(
        &mut self,
        at: At,
        client: &Client,
        statement: &Statement,
        wanted: Wanted,
    ) -> Result<Names, Error> {
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&wanted.relations, &wanted.roles, &wanted.databases];
        let rows = client.query(statement, &params).await?;
        let mut names = Names::default();
        for row in &rows {
            let oid = Oid(row.try_get("oid")?);
            let name: String = row.try_get("name")?;
            match row.try_get("what")? {
                "relation" => names.relations.push(RelationName {
                    relation: oid,
                    found: Some(FoundRelation {
                        schema: row.try_get("schema")?,
                        name,
                        kind: row.try_get::<_, &str>("kind")?.chars().next().unwrap_or('?'),
                        permanent: row.try_get("permanent")?,
                    }),
                }),
                "role" => names.roles.push((oid, name)),
                _ => names.databases.push((oid, name)),
            }
        }
        let found: BTreeSet<Oid> = names.relations.iter().map(|name| name.relation).collect();
        let missing: Vec<RelationName> = wanted
            .relations
            .iter()
            .map(|&oid| Oid(oid))
            .filter(|oid| !found.contains(oid))
            .map(|relation| RelationName { relation, found: None })
            .collect();
        names.relations.extend(missing);
        // Those of dropped tables would pile up.
        self.relations.retain(|_, until| at < *until);
        for name in &names.relations {
            let again_ms = if name.found.is_some() { KNOWN_MS } else { NOT_FOUND_MS };
            self.relations.insert(name.relation, at.plus_ms(again_ms));
        }
        // A role or database that is gone keeps its number for as long.
        self.roles.extend(wanted.roles.iter().map(|&oid| (Oid(oid), at.plus_ms(KNOWN_MS))));
        self.databases.extend(wanted.databases.iter().map(|&oid| (Oid(oid), at.plus_ms(KNOWN_MS))));
        Ok(names)
    }
}

fn due(known: &BTreeMap<Oid, At>, at: At, oids: impl Iterator<Item = Oid>) -> Vec<u32> {
    let mut due: Vec<u32> = oids
        .filter(|oid| oid.0 != 0 && known.get(oid).is_none_or(|&until| at >= until))
        .map(|oid| oid.0)
        .collect();
    due.sort_unstable();
    due.dedup();
    due
}
