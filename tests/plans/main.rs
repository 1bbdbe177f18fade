//! Plans against real servers: what is known of statements before they run, and what becomes of them.
//! Plans as people write them.

#[path = "../support/mod.rs"]
mod support;

mod locks;
mod schema;
mod surveyed;
mod check;
mod files;
mod items;
mod small;
mod wrong;
