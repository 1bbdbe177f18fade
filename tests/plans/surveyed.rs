//! The facts of a survey, by the statement that flights use.

use std::collections::BTreeMap;

use lockpit::engine::ids::Oid;
use lockpit::engine::plan::facts::{Relation, Survey, Tie};

use crate::support::Actor;

/// The statement with which surveys are made.
const SURVEY: &str = include_str!("../../src/pg/sql/survey.sql");

/// What the catalog says of these relations.
pub(crate) async fn survey(actor: &Actor, major: u32, names: &[String]) -> Survey {
    let mut written: BTreeMap<u32, String> = BTreeMap::new();
    let mut absent = Vec::new();
    for name in names {
        let quoted = name.replace('\'', "''");
        match actor.value::<Option<u32>>(&format!("select to_regclass('{quoted}')::oid")).await {
            Some(oid) => drop(written.insert(oid, name.clone())),
            None => absent.push(name.clone()),
        }
    }
    let oids: Vec<String> = written.keys().map(ToString::to_string).collect();
    let sql = SURVEY.replace("$1", &format!("'{{{}}}'", oids.join(","))).replace("$2", "'postgres'");
    let rows = actor.rows(&format!("select tie, tied, oid, schema, name, kind, pages from ({sql}) s")).await;
    Survey {
        version_num: major * 10_000,
        deadlock_timeout_ms: 1_000,
        relations: rows.iter().map(|row| relation(&written, row)).collect(),
        absent,
        found: Vec::new(),
        leftovers: Vec::new(),
        advisory: Vec::new(),
    }
}

fn relation(written: &BTreeMap<u32, String>, row: &str) -> Relation {
    let columns: Vec<&str> = row.split('|').collect();
    let number = |at: usize| columns[at].parse().unwrap_or(0);
    let (of, oid) = (Oid(number(1)), number(2));
    let tie = match columns[0] {
        "named" => Tie::Named,
        "table_of" => Tie::TableOf(of),
        "partition_of" => Tie::PartitionOf(of),
        "default_partition_of" => Tie::DefaultPartitionOf(of),
        "parent_of" => Tie::ParentOf(of),
        "references" => Tie::References(of),
        "referenced_by" => Tie::ReferencedBy(of),
        "index_of" => Tie::IndexOf(of),
        other => panic!("{other}"),
    };
    Relation {
        written: written.get(&oid).filter(|_| tie == Tie::Named).cloned(),
        oid: Oid(oid),
        schema: columns[3].to_owned(),
        name: columns[4].to_owned(),
        kind: columns[5].chars().next().expect("a kind"),
        tie,
        pages: u64::from(number(6)),
        rows: None,
        dead_rows: None,
        may_alter: true,
    }
}
