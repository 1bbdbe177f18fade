//! The making of a forecast: deeds, the table of locks and the catalog's facts, brought together.
//!
//! Owns which relations a lock reaches, and what is said of what is not known. Decides nothing about attempts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::super::facts::{Relation, Survey, Tie};
use super::super::form::{Act, Deed, Detaching, Filling};
use super::super::locks::{self, Reach};
use super::super::order::LockFirst;
use super::super::{Part, Statement};
use super::{DataKind, DataWork, Forecast, LockNeed};
use crate::engine::derive::words::quote_name;
use crate::engine::ids::Oid;
use crate::engine::locks::LockMode;

/// What is known of one relation's lock.
#[derive(Debug, Default)]
struct Needed {
    sure: Option<LockMode>,
    perhaps: Option<LockMode>,
    named: bool,
    why: Option<String>,
}

impl Needed {
    fn strongest(&self) -> Option<LockMode> {
        self.sure.max(self.perhaps)
    }
}

/// A forecast in the making.
pub(super) struct Draft<'s> {
    survey: &'s Survey,
    needs: BTreeMap<Oid, Needed>,
    data: Vec<(Oid, DataKind)>,
    unknown: Vec<String>,
    /// Something may lock anything.
    opaque: bool,
}

impl<'s> Draft<'s> {
    /// What the statements of `part` need together.
    pub(super) fn of(part: &'s Part, survey: &'s Survey) -> Draft<'s> {
        let (needs, data, unknown) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut draft = Draft { survey, needs, data, unknown, opaque: false };
        let mut made: Vec<&str> = Vec::new();
        for statement in &part.statements {
            draft.statement(statement, &mut made);
        }
        draft
    }

    /// Whether it is in the way of readers or writers, as far as is known.
    pub(super) fn is_strong(&self) -> bool {
        self.opaque || self.needs.values().any(|need| need.sure.is_some_and(LockMode::is_strong))
    }

    /// What is not known, for people.
    pub(super) fn unknown(self) -> Vec<String> {
        self.unknown
    }

    /// `made` are relations that statements before have made, or renamed others to.
    fn statement(&mut self, statement: &'s Statement, made: &mut Vec<&'s str>) {
        let form = &statement.form;
        if form.acts.is_empty() {
            self.opaque = true;
            self.tell(format!("{} is not understood: what it locks and does is not known", form.kind));
        }
        for act in &form.acts {
            self.act(&form.kind, act, made);
            match act.deed {
                Deed::CreateTable
                | Deed::CreateView
                | Deed::CreateMaterializedView
                | Deed::CreateSequence => {
                    made.push(&act.relation);
                }
                Deed::CreateIndex { .. } => made.extend(act.object.as_deref()),
                Deed::Rename | Deed::AlterIndex => made.extend(act.renamed.as_deref()),
                _ => {}
            }
        }
    }

    fn act(&mut self, kind: &str, act: &Act, made: &[&str]) {
        if let Some(why) = unsaid(kind, act) {
            self.opaque |= matches!(act.deed, Deed::Unknown);
            self.tell(why);
        }
        if act.relation.is_empty() {
            return;
        }
        let rule = locks::rule(act.deed, self.survey.version_num);
        let Some(named) = self.survey.named(&act.relation) else {
            let is_there_later =
                act.optional || made.contains(&act.relation.as_str()) || rule.needs.is_empty();
            if !is_there_later && !matches!(act.deed, Deed::CreateView) {
                self.opaque = true;
                self.tell(Forecast::not_there(&act.relation));
            }
            return;
        };
        // The foreign keys of a partition are those of its parent, as a rule: they need nothing of the other table.
        let inherits = self.tied(|tie| tie == Tie::ParentOf(named.oid)).next().is_some();
        let drops = matches!(act.deed, Deed::DropTable { .. });
        for need in rule.needs {
            if act.only && need.reach == Reach::Partitions {
                continue;
            }
            for (relation, why) in self.reach(named, need.reach) {
                let needed = self.needs.entry(relation.oid).or_default();
                // Before 15 a partitioned table had no triggers for the foreign keys that point to it.
                let whole = self.survey.version_num < 150_000 && relation.kind == 'p';
                let spares = drops && need.reach == Reach::Referenced && (inherits || whole);
                let mode = if need.sure && !spares { &mut needed.sure } else { &mut needed.perhaps };
                *mode = (*mode).max(Some(need.mode));
                needed.named |= why.is_none();
                needed.why = needed.why.take().or(why);
            }
        }
        // A partitioned table has no rows of its own.
        let is_empty = act.only && matches!(named.kind, 'p' | 'I');
        for (reach, kind) in rule.data.into_iter().filter(|_| !is_empty) {
            let of = self.reach(named, reach);
            let found = of.into_iter().map(|(relation, _)| (relation.oid, kind));
            for work in found.collect::<Vec<_>>() {
                if !self.data.contains(&work) {
                    self.data.push(work);
                }
            }
        }
    }

    fn tell(&mut self, why: String) {
        if !self.unknown.contains(&why) {
            self.unknown.push(why);
        }
    }

    /// The relations that `reach` means, seen from `named`, and why they are meant.
    fn reach(&self, named: &'s Relation, reach: Reach) -> Vec<(&'s Relation, Option<String>)> {
        if reach == Reach::Itself {
            return vec![(named, None)];
        }
        let oid = named.oid;
        let whole = name_of(named);
        let parents: Vec<Oid> = self.tied(|tie| tie == Tie::ParentOf(oid)).map(|parent| parent.oid).collect();
        let why = || match reach {
            Reach::Itself => String::new(),
            Reach::Partitions => format!("partition of {whole}"),
            Reach::DefaultPartition => format!("default partition of {whole}"),
            Reach::Parents => format!("{whole} is its partition"),
            Reach::ParentsDefault => format!("default partition beside {whole}"),
            Reach::Table => format!("table of {whole}"),
            Reach::TablePartitions => format!("partition of the table of {whole}"),
            Reach::Referenced => format!("referenced by {whole}"),
            Reach::Referencing => format!("references {whole}"),
        };
        let found: Vec<&Relation> = match reach {
            Reach::Itself => Vec::new(),
            Reach::Partitions => self.below(oid),
            Reach::DefaultPartition => self.tied(|tie| tie == Tie::DefaultPartitionOf(oid)).collect(),
            Reach::Parents => self.tied(|tie| tie == Tie::ParentOf(oid)).collect(),
            Reach::ParentsDefault => self
                .tied(|tie| matches!(tie, Tie::DefaultPartitionOf(parent) if parents.contains(&parent)))
                .filter(|relation| relation.oid != oid)
                .collect(),
            Reach::Table => self.tied(|tie| tie == Tie::TableOf(oid)).collect(),
            Reach::TablePartitions => {
                self.tied(|tie| tie == Tie::TableOf(oid)).flat_map(|table| self.below(table.oid)).collect()
            }
            Reach::Referenced => self.tied(|tie| tie == Tie::ReferencedBy(oid)).collect(),
            Reach::Referencing => self.tied(|tie| tie == Tie::References(oid)).collect(),
        };
        found.into_iter().map(|relation| (relation, Some(why()))).collect()
    }

    /// The partitions of a table, at any depth. A default partition is tied to the table right above it.
    fn below(&self, table: Oid) -> Vec<&'s Relation> {
        let mut tree = BTreeSet::from([table]);
        loop {
            let before = tree.len();
            let is_below = |tie| match tie {
                Tie::PartitionOf(top) => top == table,
                Tie::DefaultPartitionOf(parent) => tree.contains(&parent),
                _ => false,
            };
            let found: Vec<&Relation> = self.tied(is_below).collect();
            tree.extend(found.iter().map(|relation| relation.oid));
            if tree.len() == before {
                return found;
            }
        }
    }

    fn tied(&self, wanted: impl Fn(Tie) -> bool) -> impl Iterator<Item = &'s Relation> {
        self.survey.relations.iter().filter(move |relation| wanted(relation.tie))
    }

    fn relation(&self, oid: Oid) -> Option<&'s Relation> {
        self.survey.relations.iter().find(|relation| relation.oid == oid)
    }

    /// The locks, strongest first.
    pub(super) fn locks(&self) -> Vec<LockNeed> {
        let mut locks: Vec<LockNeed> = self
            .needs
            .iter()
            .filter_map(|(oid, needed)| {
                let relation = self.relation(*oid)?;
                let why = needed.why.clone().filter(|_| !needed.named);
                let mode = needed.strongest()?;
                Some(LockNeed {
                    relation: *oid,
                    name: name_of(relation),
                    mode,
                    why,
                    sure: needed.sure == Some(mode),
                })
            })
            .collect();
        locks.sort_by_key(|need| (std::cmp::Reverse(need.mode), need.why.is_some()));
        locks
    }

    /// The locks that can be taken ahead, in the order of the relations' numbers.
    pub(super) fn first(&self, part: &Part) -> Vec<LockFirst> {
        // It waits for old snapshots before it asks for the partition: who held that meanwhile could be in the way of one.
        let finalizes = |act: &Act| matches!(act.deed, Deed::BeDetached(Detaching::Finalize));
        if part.statements.iter().flat_map(|statement| &statement.form.acts).any(finalizes) {
            return Vec::new();
        }
        let lockable = self.needs.iter().filter_map(|(oid, needed)| {
            let relation = self.relation(*oid).filter(|it| matches!(it.kind, 'r' | 'p') && it.may_alter)?;
            let mode = needed.sure.filter(|mode| mode.is_schema_work())?;
            let name = quote_name([relation.schema.as_str(), relation.name.as_str()]);
            Some(LockFirst { name: format!("ONLY {name}"), mode })
        });
        lockable.collect()
    }

    /// The work on data.
    pub(super) fn data_works(&self) -> Vec<DataWork> {
        let works = self.data.iter().filter_map(|(oid, kind)| {
            let relation = self.relation(*oid)?;
            let partitions = self.reach(relation, Reach::Partitions);
            let mut sizes: BTreeMap<Oid, u64> = partitions.iter().map(|(it, _)| (it.oid, it.pages)).collect();
            sizes.insert(*oid, relation.pages);
            let pages = sizes.values().fold(0_u64, |sum, pages| sum.saturating_add(*pages));
            let under = self.needs.get(oid).and_then(|needed| needed.sure)?;
            Some(DataWork {
                name: name_of(relation),
                kind: *kind,
                bytes: pages.saturating_mul(PAGE_BYTES),
                under,
            })
        });
        works.collect()
    }
}

/// A page of a server that was built as usual.
const PAGE_BYTES: u64 = 8_192;

pub(super) fn name_of(relation: &Relation) -> String {
    match relation.schema.as_str() {
        "public" => quote_name([relation.name.as_str()]),
        schema => quote_name([schema, relation.name.as_str()]),
    }
}

/// What the statement leaves open, for people.
fn unsaid(kind: &str, act: &Act) -> Option<String> {
    let object = act.object.as_deref().unwrap_or("a column");
    match act.deed {
        Deed::Unknown => Some(match (&act.object, act.relation.as_str()) {
            (Some(what), _) => format!("{kind}: what {what} does is not known"),
            (None, "") => format!("{kind}: what it locks and does is not known"),
            (None, relation) => format!("{kind}: what it does to {relation} is not known"),
        }),
        Deed::AddColumn { filling: Filling::Unknown, .. } => Some(format!(
            "whether {object} makes {} be written anew: its type or its default is not one of PostgreSQL's own",
            act.relation
        )),
        Deed::SetType => Some(format!(
            "whether {} is written anew: that depends on the type that {object} has now",
            act.relation
        )),
        Deed::Truncate { cascade: true } => Some(format!(
            "what references the tables that reference {} is locked and emptied too",
            act.relation
        )),
        Deed::DropTable { cascade: true } | Deed::DropColumn { cascade: true } => Some(format!(
            "what depends on {} is locked and dropped with it",
            act.object.as_ref().map_or(act.relation.as_str(), |_| object)
        )),
        _ => None,
    }
}
