//! What the tests share: real servers of every supported version, client sessions that may block, waiting with
//! a deadline, a staged lock queue, and the built program with its JSON lines.
//!
//! A test binary takes it in with `#[path = "../support/mod.rs"] mod support;`.
#![allow(dead_code, reason = "each test binary uses its own part")]

mod actor;
mod cluster;
mod jam;
mod long;
pub(crate) mod made;
mod program;
pub(crate) mod traffic;
mod versions;
mod wait;

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub(crate) use self::{
    actor::{Actor, Running},
    cluster::{Cluster, Database, cluster},
    jam::{Jam, jam, jam_as},
    long::{Times, drifting_flight, long_flight},
    program::Program,
    versions::{Version, versions},
    wait::{LONG, wait_until},
};
