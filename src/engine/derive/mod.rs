//! What screens and reports draw from: derived on demand, never stored.
//!
//! Everything here is a pure function of a [`Cockpit`](super::Cockpit), the time, and where a trend is needed a
//! [`History`](super::history::History). What cannot be told is `None` or says why; it is never zero.
//!
//! | file | what it answers |
//! |---|---|
//! | [`tree`] | who waits for whom, as rows |
//! | [`cost`], [`cancel`] | what stopping somebody loses and leaves, and whether a cancel can do it |
//! | [`whatif`] | who is freed by which act |
//! | [`progress`] | how far the work is |
//! | [`replication`] | how far the standbys and slots are behind |
//! | [`lookup`], [`reach`], [`words`] | what these share |

pub mod cancel;
pub mod cost;
pub mod lookup;
pub mod progress;
pub mod reach;
pub mod replication;
pub mod tree;
pub mod whatif;
pub mod words;
