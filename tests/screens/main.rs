//! Screens as they look on recordings of real incidents, and the pictures made from them.
//!
//! - `INSTA_UPDATE=always cargo test --test screens` takes the present look of the screens for the right one.
//! - `LOCKPIT_BLESS=1 cargo test --test screens pictures` draws the pictures in `assets/` anew.
//! - `LOCKPIT_RECORD=1 cargo test --test screens -- --ignored record` makes the recordings anew, on a real server;
//!   `LOCKPIT_RECORD=jam,cic` only some of them. The two commands above follow.

#[path = "../support/mod.rs"]
mod support;

mod long;
mod pictures;
mod recordings;
mod render;
mod snapshots;
mod stage;
mod steps;
mod styles;
mod ten_questions;
