//! Tests with real servers, PostgreSQL 14 to 18.

#[path = "../support/mod.rs"]
mod support;

mod rig;
mod server;
mod shop;
