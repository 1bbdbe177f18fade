//! Plans against real servers: what is known of statements before they run, and what becomes of them.

#[path = "../support/mod.rs"]
mod support;

mod leftovers;
mod locks;
mod schema;
mod statements;
mod surveyed;
