//! Plans: as people write them, what is known of their statements before they run, and what servers make of them.

#[path = "../support/mod.rs"]
mod support;

mod check;
mod files;
mod hostile;
mod items;
mod leftovers;
mod locks;
mod schema;
mod small;
mod statements;
mod surveyed;
mod wrong;
