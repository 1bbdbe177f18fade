//! The table of locks: what each deed takes, on which relations, and what it does to their data.
//!
//! Owns what was measured on servers of every supported version; `tests/plans/locks.rs` measures it again. Locks weaker
//! than those of writers are told for relations that are named only. Knows no catalog: [`super::forecast`] does.

use super::deed::{Deed, Detaching, Filling};
use super::forecast::DataKind;
use crate::engine::locks::LockMode::{
    self, AccessExclusiveLock, AccessShareLock, ExclusiveLock, RowExclusiveLock, RowShareLock, ShareLock,
    ShareRowExclusiveLock, ShareUpdateExclusiveLock,
};

/// Which relations, seen from the one that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// That one.
    Itself,
    /// Its partitions, at any depth.
    Partitions,
    /// Its default partition.
    DefaultPartition,
    /// The tables of which it is a partition.
    Parents,
    /// The default partitions of those.
    ParentsDefault,
    /// The table whose index it is.
    Table,
    /// The partitions of that table.
    TablePartitions,
    /// The tables that its foreign keys point to.
    Referenced,
    /// The tables whose foreign keys point to it.
    Referencing,
}

/// A lock that a deed takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    /// On which relations.
    pub reach: Reach,
    /// How strong.
    pub mode: LockMode,
    /// In any case; else it depends on what the statement does not say.
    pub sure: bool,
}

/// What a deed takes and does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rule {
    /// The locks.
    pub needs: Vec<Need>,
    /// What is done to the data of which relations.
    pub data: Vec<(Reach, DataKind)>,
}

impl Rule {
    fn on(mode: LockMode) -> Rule {
        Rule::default().and(Reach::Itself, mode)
    }

    /// It and its partitions.
    fn tree(mode: LockMode) -> Rule {
        Rule::on(mode).and(Reach::Partitions, mode)
    }

    fn and(mut self, reach: Reach, mode: LockMode) -> Rule {
        self.needs.push(Need { reach, mode, sure: true });
        self
    }

    fn perhaps(mut self, reach: Reach, mode: LockMode) -> Rule {
        self.needs.push(Need { reach, mode, sure: false });
        self
    }

    fn data(self, kind: DataKind) -> Rule {
        self.data_of(Reach::Itself, kind)
    }

    fn data_of(mut self, reach: Reach, kind: DataKind) -> Rule {
        self.data.push((reach, kind));
        self
    }

    fn scan_unless(self, not_valid: bool) -> Rule {
        if not_valid { self } else { self.data(DataKind::Scan) }
    }
}

/// What `deed` takes and does on a server of this version; nothing where it is unknown.
pub(super) fn rule(deed: Deed, version_num: u32) -> Rule {
    const FULL: LockMode = AccessExclusiveLock;
    match deed {
        Deed::Unknown
        | Deed::Nothing
        | Deed::CreateTable
        | Deed::CreateMaterializedView
        | Deed::CreateSequence
        | Deed::Grant => Rule::default(),
        Deed::CreatePartition { .. } => joined(Rule::on(FULL), version_num),
        Deed::BeReferenced => Rule::tree(ShareRowExclusiveLock),
        Deed::BeInherited => Rule::on(ShareUpdateExclusiveLock),
        Deed::Read => Rule::tree(AccessShareLock),
        Deed::ReadForUpdate => Rule::tree(RowShareLock),
        Deed::Write => Rule::tree(RowExclusiveLock),
        Deed::Lock(mode) => Rule::tree(mode),
        Deed::DropTable { cascade } => {
            let rule = Rule::tree(FULL)
                .and(Reach::Parents, FULL)
                .and(Reach::ParentsDefault, FULL)
                .and(Reach::Referenced, FULL);
            if cascade { rule.and(Reach::Referencing, FULL) } else { rule }
        }
        Deed::Truncate { cascade } => {
            let rule = Rule::tree(FULL);
            if cascade { rule.and(Reach::Referencing, FULL) } else { rule }
        }
        _ => rule_of_alter(deed, version_num),
    }
}

/// What a partitioned table takes with it when it gets a partition.
fn joined(rule: Rule, version_num: u32) -> Rule {
    let rule = rule
        .and(Reach::DefaultPartition, AccessExclusiveLock)
        .and(Reach::Referenced, ShareRowExclusiveLock)
        .data_of(Reach::DefaultPartition, DataKind::Scan);
    // Since 15 each partition has triggers of its own for the foreign keys that point to the whole.
    if version_num < 150_000 { rule } else { rule.and(Reach::Referencing, ShareRowExclusiveLock) }
}

fn rule_of_alter(deed: Deed, version_num: u32) -> Rule {
    const FULL: LockMode = AccessExclusiveLock;
    match deed {
        Deed::AddColumn { filling: Filling::Each, .. } => Rule::tree(FULL).data(DataKind::Rewrite),
        Deed::AddColumn { filling: Filling::Unknown, .. } => Rule::tree(FULL).data(DataKind::Unknown),
        Deed::AddColumn { filling: Filling::Null, not_null: true } => Rule::tree(FULL).data(DataKind::Scan),
        Deed::AddColumn { .. } => Rule::tree(FULL),
        Deed::DropColumn { .. } | Deed::DropConstraint => {
            Rule::tree(FULL).perhaps(Reach::Referenced, FULL).perhaps(Reach::Referencing, FULL)
        }
        Deed::SetNotNull => Rule::tree(FULL).data(DataKind::Scan),
        Deed::DropNotNull | Deed::SetDefault | Deed::RenameColumn => Rule::tree(FULL),
        Deed::SetType => Rule::tree(FULL)
            .perhaps(Reach::Referenced, FULL)
            .perhaps(Reach::Referencing, FULL)
            .data(DataKind::Unknown),
        Deed::SetStatistics => {
            Rule::on(ShareUpdateExclusiveLock).perhaps(Reach::Partitions, ShareUpdateExclusiveLock)
        }
        Deed::SetColumn | Deed::RenameConstraint => Rule::on(FULL).perhaps(Reach::Partitions, FULL),
        Deed::SetExpression => Rule::tree(FULL).data(DataKind::Rewrite),
        Deed::AddCheck { not_valid } | Deed::AddNotNull { not_valid } => {
            Rule::tree(FULL).scan_unless(not_valid)
        }
        Deed::AddForeignKey { not_valid } => Rule::tree(ShareRowExclusiveLock).scan_unless(not_valid),
        // Before 18 the indexes of partitions are built like others; a column that becomes NOT NULL locks them more.
        Deed::AddUnique | Deed::AddPrimaryKey | Deed::AddExclude if version_num < 180_000 => {
            let rule = Rule::on(FULL).and(Reach::Partitions, ShareLock).data(DataKind::Build);
            if deed == Deed::AddPrimaryKey { rule.perhaps(Reach::Partitions, FULL) } else { rule }
        }
        Deed::AddUnique | Deed::AddPrimaryKey | Deed::AddExclude => Rule::tree(FULL).data(DataKind::Build),
        Deed::UseIndex { primary } => Rule::on(FULL).scan_unless(!primary),
        Deed::Validate => {
            Rule::tree(ShareUpdateExclusiveLock).perhaps(Reach::Referenced, RowShareLock).data(DataKind::Scan)
        }
        Deed::AlterConstraint => Rule::tree(FULL).perhaps(Reach::Referenced, FULL),
        Deed::Rename
        | Deed::SetSchema
        | Deed::SetOwner
        | Deed::Rule
        | Deed::RowSecurity
        | Deed::ReplicaIdentity
        | Deed::Inherit
        | Deed::OfType => Rule::on(FULL),
        Deed::SetOptions { exclusive: true } => Rule::on(FULL),
        Deed::SetOptions { exclusive: false } | Deed::ClusterOn => Rule::on(ShareUpdateExclusiveLock),
        Deed::EnableTrigger => {
            Rule::on(ShareRowExclusiveLock).perhaps(Reach::Partitions, ShareRowExclusiveLock)
        }
        Deed::SetTablespace | Deed::SetLogged | Deed::SetAccessMethod => {
            Rule::on(FULL).data(DataKind::Rewrite)
        }
        Deed::Attach => joined(Rule::on(ShareUpdateExclusiveLock), version_num),
        Deed::BeAttached { .. } => Rule::tree(FULL).data(DataKind::Scan),
        Deed::Detach(how) => {
            let rule = match how {
                Detaching::Plain => Rule::on(FULL).and(Reach::DefaultPartition, FULL),
                Detaching::Concurrently | Detaching::Finalize => Rule::on(ShareUpdateExclusiveLock),
            };
            // No row may reference one of the partition.
            rule.and(Reach::Referenced, ShareRowExclusiveLock)
                .and(Reach::Referencing, FULL)
                .data_of(Reach::Referencing, DataKind::Scan)
        }
        Deed::BeDetached(_) => Rule::tree(FULL),
        _ => rule_of_object(deed),
    }
}

fn rule_of_object(deed: Deed) -> Rule {
    const FULL: LockMode = AccessExclusiveLock;
    let build = |concurrently| if concurrently { ShareUpdateExclusiveLock } else { ShareLock };
    match deed {
        Deed::CreateIndex { concurrently } => Rule::tree(build(concurrently)).data(DataKind::Build),
        Deed::DropIndex { concurrently } => {
            let mode = if concurrently { ShareUpdateExclusiveLock } else { FULL };
            Rule::on(mode).and(Reach::Table, mode).and(Reach::TablePartitions, mode)
        }
        Deed::ReindexIndex { concurrently } => {
            let own = if concurrently { ShareUpdateExclusiveLock } else { FULL };
            Rule::on(own)
                .and(Reach::Table, build(concurrently))
                .and(Reach::TablePartitions, build(concurrently))
                .data_of(Reach::Table, DataKind::Build)
        }
        Deed::ReindexTable { concurrently } => Rule::tree(build(concurrently)).data(DataKind::Build),
        Deed::AlterIndex | Deed::CreateStatistics | Deed::Comment => Rule::on(ShareUpdateExclusiveLock),
        Deed::AttachIndex => Rule::on(ShareUpdateExclusiveLock),
        Deed::BeAttachedIndex => Rule::on(FULL),
        Deed::CreateTrigger => {
            Rule::on(ShareRowExclusiveLock).perhaps(Reach::Partitions, ShareRowExclusiveLock)
        }
        Deed::DropTrigger | Deed::AlterTrigger => Rule::on(FULL).perhaps(Reach::Partitions, FULL),
        Deed::CreateView
        | Deed::DropView
        | Deed::AlterView
        | Deed::DropMaterializedView
        | Deed::DropSequence => Rule::on(FULL),
        Deed::Refresh { concurrently: false } => Rule::on(FULL).data(DataKind::Rewrite),
        Deed::Refresh { concurrently: true } => Rule::on(ExclusiveLock).data(DataKind::Scan),
        Deed::AlterSequence => Rule::on(ShareRowExclusiveLock),
        Deed::OwnSequence => Rule::on(AccessShareLock),
        Deed::Vacuum => Rule::tree(ShareUpdateExclusiveLock).data(DataKind::Scan),
        Deed::VacuumFull => Rule::tree(FULL).data(DataKind::Rewrite),
        Deed::Analyze => Rule::tree(ShareUpdateExclusiveLock),
        _ => Rule::default(),
    }
}
