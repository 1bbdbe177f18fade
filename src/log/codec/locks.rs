//! What a lock is on, as columns.
//!
//! Owns how the kinds of lockable objects share columns, and what becomes of a kind not known here.

use super::CodecError;
use super::fields::View;
use super::schema::Cell;
use super::words::Intern;
use crate::engine::ids::{Oid, Word};
use crate::engine::locks::LockObject;
use crate::engine::sample::Lock;

/// The first of the object's columns among the lock's; the others follow in the order below.
const FIRST: usize = 2;
const DATABASE: usize = FIRST + 1;
const RELATION: usize = FIRST + 2;
const XID: usize = FIRST + 3;
const WORD: usize = FIRST + 4;
const VXID_PROC: usize = FIRST + 5;
const VXID_LOCAL: usize = FIRST + 6;

/// The fields of a lock. The object's are one part of it only when all are read, so each of them sets it whole.
macro_rules! lock_fields {
    () => {{
        use $crate::log::codec::locks;
        macro_rules! object {
            ($name:literal, $kind:literal, $get:path) => {
                Field {
                    name: $name,
                    kind: $kind,
                    get: |lock: &Lock, intern: &mut Intern| $get(&lock.object, intern),
                    set: |lock, view, _| locks::set(lock, view),
                }
            };
        }
        &[
            field!("pid", "known", pid),
            field!("prepared_xid", "drift", prepared_xid),
            object!("object", "symbol", locks::tag),
            object!("database", "known", locks::database),
            object!("relation", "known", locks::relation),
            object!("xid", "drift", locks::xid),
            object!("word", "symbol", locks::word),
            object!("vxid_proc", "known", locks::vxid_proc),
            object!("vxid_local", "drift", locks::vxid_local),
            field!("mode", "symbol", mode),
            field!("granted", "plain", granted),
            field!("wait_start", "near sample.server_now", wait_start),
        ]
    }};
}
pub(super) use lock_fields;

pub(super) fn tag(object: &LockObject, intern: &mut Intern) -> Cell {
    Some(intern.id(match object {
        LockObject::Relation { .. } => "relation",
        LockObject::Part { .. } => "part",
        LockObject::Transaction { .. } => "transaction",
        LockObject::VirtualTransaction { .. } => "virtual transaction",
        LockObject::Other { .. } => "other",
    }))
}

pub(super) fn database(object: &LockObject, _: &mut Intern) -> Cell {
    match object {
        LockObject::Relation { database, .. }
        | LockObject::Part { database, .. }
        | LockObject::Other { database, .. } => Some(database.0.into()),
        LockObject::Transaction { .. } | LockObject::VirtualTransaction { .. } => None,
    }
}

pub(super) fn relation(object: &LockObject, _: &mut Intern) -> Cell {
    match object {
        LockObject::Relation { relation, .. } | LockObject::Part { relation, .. } => Some(relation.0.into()),
        _ => None,
    }
}

pub(super) fn xid(object: &LockObject, _: &mut Intern) -> Cell {
    match object {
        LockObject::Transaction { xid } => Some((*xid).into()),
        _ => None,
    }
}

pub(super) fn word(object: &LockObject, intern: &mut Intern) -> Cell {
    match object {
        LockObject::Part { what, .. } => Some(intern.id(what)),
        LockObject::Other { locktype, .. } => Some(intern.id(locktype)),
        LockObject::VirtualTransaction { id } if vxid(id).is_none() => Some(intern.id(id)),
        _ => None,
    }
}

pub(super) fn vxid_proc(object: &LockObject, _: &mut Intern) -> Cell {
    vxid_of(object).map(|(proc, _)| proc)
}

pub(super) fn vxid_local(object: &LockObject, _: &mut Intern) -> Cell {
    vxid_of(object).map(|(_, local)| local)
}

fn vxid_of(object: &LockObject) -> Option<(u64, u64)> {
    match object {
        LockObject::VirtualTransaction { id } => vxid(id),
        _ => None,
    }
}

/// The two numbers of `a/b`, if that is exactly how they are printed.
fn vxid(id: &str) -> Option<(u64, u64)> {
    let number = |text: &str| {
        let plain = text == "0" || !text.starts_with(['0', '+']);
        plain.then(|| text.parse().ok()).flatten()
    };
    let (proc, local) = id.split_once('/')?;
    Some((number(proc)?, number(local)?))
}

/// Sets the object from all of its columns.
pub(super) fn set(lock: &mut Lock, view: &View<'_>) -> Result<(), CodecError> {
    let word = || Ok(view.word(WORD)?.cloned().unwrap_or_default());
    let (database, relation): (Oid, Oid) = (view.value(DATABASE)?, view.value(RELATION)?);
    lock.object = match view.word(FIRST)?.map(Word::as_str).unwrap_or_default() {
        "relation" => LockObject::Relation { database, relation },
        "part" => LockObject::Part { database, relation, what: word()? },
        "transaction" => LockObject::Transaction { xid: view.value(XID)? },
        "virtual transaction" => LockObject::VirtualTransaction {
            id: match view.cell(VXID_PROC).zip(view.cell(VXID_LOCAL)) {
                Some((proc, local)) => Word::from(format!("{proc}/{local}")),
                None => word()?,
            },
        },
        "other" => LockObject::Other { locktype: word()?, database },
        // A later release knows more kinds: shown by its own word for it.
        unknown => LockObject::Other { locktype: Word::from(unknown), database },
    };
    Ok(())
}
