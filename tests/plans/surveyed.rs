//! The facts of a survey, by a query that is as plain as can be.

use lockpit::engine::ids::Oid;
use lockpit::engine::plan::facts::{Relation, Survey, Tie};

use crate::support::Actor;

/// What the catalog says of these relations.
pub(crate) async fn survey(actor: &Actor, major: u32, names: &[String]) -> Survey {
    let mut relations = Vec::new();
    let mut absent = Vec::new();
    for name in names {
        let quoted = name.replace('\'', "''");
        let rows = actor.rows(&SURVEY.replace("$name", &quoted)).await;
        if rows.is_empty() {
            absent.push(name.clone());
        }
        relations.extend(rows.iter().map(|row| relation(name, row)));
    }
    Survey {
        version_num: major * 10_000,
        deadlock_timeout_ms: 1_000,
        relations,
        absent,
        found: Vec::new(),
        leftovers: Vec::new(),
        advisory: Vec::new(),
    }
}

fn relation(written: &str, row: &str) -> Relation {
    let columns: Vec<&str> = row.split('|').collect();
    let number = |at: usize| columns[at].parse().expect("a number");
    let of = Oid(number(1));
    let tie = match columns[0] {
        "named" => Tie::Named,
        "table" => Tie::TableOf(of),
        "partition" => Tie::PartitionOf(of),
        "default" => Tie::DefaultPartitionOf(of),
        "parent" => Tie::ParentOf(of),
        "references" => Tie::References(of),
        "referenced" => Tie::ReferencedBy(of),
        other => panic!("{other}"),
    };
    Relation {
        written: (tie == Tie::Named).then(|| written.to_owned()),
        oid: Oid(number(2)),
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

const SURVEY: &str = "
with recursive named as (select to_regclass('$name')::oid as oid),
down as (
  select i.inhrelid as oid from pg_inherits i join named n on i.inhparent = n.oid
  union select i.inhrelid from pg_inherits i join down d on i.inhparent = d.oid),
up as (
  select i.inhparent as oid from pg_inherits i join named n on i.inhrelid = n.oid
  union select i.inhparent from pg_inherits i join up u on i.inhrelid = u.oid),
ties (tie, of, oid) as (
  select 'named', oid, oid from named
  union select 'table', n.oid, i.indrelid from named n join pg_index i on i.indexrelid = n.oid
  union select 'partition', n.oid, d.oid from named n, down d
  union select 'partition', i.indrelid, h.inhrelid from named n join pg_index i on i.indexrelid = n.oid
    join pg_inherits h on h.inhparent = i.indrelid
  union select 'parent', n.oid, u.oid from named n, up u
  union select 'default', p.partrelid, p.partdefid from pg_partitioned_table p
    where p.partdefid <> 0 and (p.partrelid in (select oid from named) or p.partrelid in (select oid from up))
  union select 'referenced', n.oid, c.confrelid from named n join pg_constraint c on c.conrelid = n.oid
    where c.contype = 'f' and c.confrelid <> n.oid
  union select 'references', n.oid, c.conrelid from named n join pg_constraint c on c.confrelid = n.oid
    where c.contype = 'f' and c.conrelid <> n.oid)
select t.tie, t.of, c.oid, s.nspname, c.relname, c.relkind, greatest(c.relpages, 0)
from ties t join pg_class c on c.oid = t.oid join pg_namespace s on s.oid = c.relnamespace order by 1, 2, 3";
