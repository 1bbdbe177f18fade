//! The screens: what a tired DBA sees, and the keys that answer.
//!
//! A screen holds its own copy of the engine and feeds it the inputs of a flight: from a channel when the flight is
//! in this process, from the log when it is joined or replayed. It owns no connection, so it cannot act; what its
//! operator wants goes to the flight as a command, and comes back as an input like any other.
//!
//! ```text
//!  flight ──channel──▶ source ─▶ Picture (engine, history) ─▶ Shown ─▶ views::draw ─▶ terminal ─▶ writer thread
//!  log ──tail, cursor─▶   │                                     ▲
//!                      run (loop) ◀── keys ── input thread      Ui (selection, popups, filters; never logged)
//!                         └─ Order ─▶ pilot ─▶ the flight's commands, or its socket
//! ```
//!
//! | room | what happens there |
//! |---|---|
//! | [`run`] | the loop: events in, frames out, orders away |
//! | [`terminal`], `keys` | raw mode, frames, and the thread that writes them; the thread that reads keys |
//! | [`source`], [`playback`] | where inputs come from; a log played |
//! | [`survey`] | what lies ahead in a log that is played, read on a thread of its own |
//! | [`shown`], [`views`] | what a frame may read; what it shows: **to add a screen, start there** |
//! | [`pilot`] | where commands go |
//! | [`ui`], [`update`], [`typed`], [`confirm`] | the state of the display, what keys and typed lines do to it |
//! | [`action`], [`keymap`] | every action once, with words, keys and availability: **to add a key, start there** |
//! | [`theme`], [`glyphs`], [`text`] | styles by meaning, characters by terminal, text made safe |
//! | [`picture`] | a frame as text and SVG, for documentation |

pub mod action;
pub mod confirm;
pub mod glyphs;
pub mod keymap;
mod keys;
pub mod picture;
pub mod pilot;
pub mod playback;
pub mod run;
pub mod shown;
pub mod source;
pub mod survey;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod typed;
pub mod ui;
pub mod update;
pub mod views;
pub mod widgets;
