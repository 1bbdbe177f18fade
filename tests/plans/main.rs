//! Plans as people write them.

#[path = "../support/mod.rs"]
mod support;

mod check;
mod files;
mod items;
mod small;
mod wrong;
