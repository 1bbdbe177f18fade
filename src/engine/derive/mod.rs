//! What screens and reports draw from: derived on demand, never stored.
//!
//! Everything here is a pure function of a [`Cockpit`](super::Cockpit), the time, and where a trend is needed a
//! [`History`](super::history::History). What cannot be told is `None` or says why; it is never zero.
//!
//! | file | what it answers |
//! |---|---|
//! | [`tree`] | who waits for whom, as rows |
//! | [`cost`], [`cancel`] | what stopping somebody loses and leaves, and whether a cancel can do it |
//! | [`whatif`], [`foresight`] | who is freed by which act; what happens by itself |
//! | [`progress`] | how far the work is |
//! | [`replication`] | how far the standbys and slots are behind |
//! | [`unseen`] | what cannot be seen |
//! | [`lookup`], [`reach`], [`words`] | what these share |

pub mod cancel;
pub mod cost;
pub mod foresight;
pub mod lookup;
pub mod progress;
pub mod reach;
pub mod replication;
pub mod tree;
pub mod unseen;
pub mod whatif;
pub mod words;
