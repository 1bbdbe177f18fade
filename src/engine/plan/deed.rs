//! What a statement can do to a relation.
//!
//! Owns the vocabulary: one word for each thing that takes locks, or works on data, in a way of its own. Names no object:
//! those are in the [`Act`](super::form::Act). Which locks follow says `super::locks`.

use serde::{Deserialize, Serialize};

use crate::engine::locks::LockMode;

/// What is done to a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Something that is not understood, or that can do anything.
    Unknown,
    /// Nothing is done to any relation.
    Nothing,

    /// A table is made.
    CreateTable,
    /// A partition is made of it; the object is the partition.
    CreatePartition {
        /// It is the default partition.
        default: bool,
    },
    /// A foreign key comes to point to it.
    BeReferenced,
    /// A table comes to inherit from it.
    BeInherited,
    /// It is read.
    Read,
    /// It is read, and rows of it are locked.
    ReadForUpdate,
    /// Rows of it are written.
    Write,
    /// It is locked.
    Lock(LockMode),
    /// The table is dropped.
    DropTable {
        /// With what depends on it.
        cascade: bool,
    },
    /// All its rows are removed.
    Truncate {
        /// With those of tables that reference it.
        cascade: bool,
    },

    /// A column is added; the object is the column.
    AddColumn {
        /// What its rows hold in it.
        filling: Filling,
        /// It is NOT NULL.
        not_null: bool,
    },
    /// A column is dropped.
    DropColumn {
        /// With what depends on it.
        cascade: bool,
    },
    /// A column becomes NOT NULL.
    SetNotNull,
    /// A column may be null.
    DropNotNull,
    /// The default of a column is set or dropped.
    SetDefault,
    /// The type of a column is changed.
    SetType,
    /// How much is learnt about a column is changed: SET STATISTICS, and the column's own options.
    SetStatistics,
    /// How a column is stored or numbered is changed: SET STORAGE, SET COMPRESSION, identity, DROP EXPRESSION.
    SetColumn,
    /// The expression of a generated column is changed.
    SetExpression,

    /// A check is added.
    AddCheck {
        /// NOT VALID: rows that are there are not looked at.
        not_valid: bool,
    },
    /// A foreign key is added.
    AddForeignKey {
        /// NOT VALID, or no row can break it.
        not_valid: bool,
    },
    /// A NOT NULL constraint with a name is added.
    AddNotNull {
        /// NOT VALID.
        not_valid: bool,
    },
    /// A unique constraint is added with an index that is built for it.
    AddUnique,
    /// A primary key is added with an index that is built for it.
    AddPrimaryKey,
    /// An exclusion constraint is added.
    AddExclude,
    /// A constraint takes over an index that is there.
    UseIndex {
        /// As the primary key: its columns must not be null.
        primary: bool,
    },
    /// A constraint is validated.
    Validate,
    /// A constraint is dropped.
    DropConstraint,
    /// A constraint is made deferrable, enforced, or not.
    AlterConstraint,

    /// The relation is renamed.
    Rename,
    /// A column is renamed.
    RenameColumn,
    /// A constraint is renamed.
    RenameConstraint,
    /// It moves to another schema.
    SetSchema,
    /// It gets another owner.
    SetOwner,
    /// Storage parameters are set.
    SetOptions {
        /// Some of them only nobody may read meanwhile.
        exclusive: bool,
    },
    /// Triggers are enabled or disabled.
    EnableTrigger,
    /// Rules are made, dropped, enabled or disabled.
    Rule,
    /// Row security is switched, or a policy made, changed or dropped.
    RowSecurity,
    /// It is told by what its rows are known to subscribers.
    ReplicaIdentity,
    /// It is told by which index to cluster.
    ClusterOn,
    /// It moves to another tablespace.
    SetTablespace,
    /// It becomes logged or unlogged.
    SetLogged,
    /// Its rows move to another access method.
    SetAccessMethod,
    /// It begins or ceases to inherit from another table.
    Inherit,
    /// It becomes a table of a type, or ceases to be one.
    OfType,

    /// It gets a partition; the object is the partition.
    Attach,
    /// It becomes a partition.
    BeAttached {
        /// The default one.
        default: bool,
    },
    /// It loses a partition; the object is the partition.
    Detach(Detaching),
    /// It ceases to be a partition.
    BeDetached(Detaching),

    /// An index is built; the object is the index, where it is named.
    CreateIndex {
        /// CONCURRENTLY.
        concurrently: bool,
    },
    /// The index is dropped.
    DropIndex {
        /// CONCURRENTLY.
        concurrently: bool,
    },
    /// The index is built again.
    ReindexIndex {
        /// CONCURRENTLY.
        concurrently: bool,
    },
    /// All indexes of the table are built again.
    ReindexTable {
        /// CONCURRENTLY.
        concurrently: bool,
    },
    /// The index is renamed, or its options or statistics are set.
    AlterIndex,
    /// The index gets a partition; the object is the index of the partition.
    AttachIndex,
    /// The index becomes a partition of another index.
    BeAttachedIndex,

    /// A trigger is made; the object is the trigger.
    CreateTrigger,
    /// A trigger is dropped.
    DropTrigger,
    /// A trigger is renamed.
    AlterTrigger,
    /// Statistics over several columns are defined.
    CreateStatistics,
    /// It, or a column of it, is commented on.
    Comment,
    /// Rights on it are granted or revoked.
    Grant,

    /// A view is made, or replaced.
    CreateView,
    /// The view is dropped.
    DropView,
    /// The view is changed, renamed or moved.
    AlterView,
    /// A materialized view is made.
    CreateMaterializedView,
    /// The materialized view is dropped.
    DropMaterializedView,
    /// The materialized view is filled anew.
    Refresh {
        /// CONCURRENTLY.
        concurrently: bool,
    },
    /// A sequence is made.
    CreateSequence,
    /// The sequence is dropped.
    DropSequence,
    /// The sequence is changed.
    AlterSequence,
    /// A sequence comes to be owned by a column of it.
    OwnSequence,

    /// Dead rows are removed.
    Vacuum,
    /// It is written anew: VACUUM FULL, CLUSTER.
    VacuumFull,
    /// It is sampled.
    Analyze,
}

/// What the rows that are there hold in a column that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Filling {
    /// Null: nothing is written.
    Null,
    /// One value for all of them, kept in the catalog.
    Constant,
    /// A value for each: the table is written anew.
    Each,
    /// What it is cannot be told from the statement.
    Unknown,
}

/// How a partition is detached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detaching {
    /// In one transaction.
    Plain,
    /// In two, with a wait between them.
    Concurrently,
    /// The rest of one that was interrupted.
    Finalize,
}
