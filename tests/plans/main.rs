//! Plans against real servers: what is known of statements before they run, and what becomes of them.
//! Plans as people write them.

#[path = "../support/mod.rs"]
mod support;

mod check;
mod files;
mod items;
mod locks;
mod schema;
mod small;
mod surveyed;
mod wrong;
