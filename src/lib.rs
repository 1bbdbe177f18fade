//! lockpit: the terminal cockpit in which a DBA flies a PostgreSQL migration by hand.
//!
//! **A flight is a list of inputs, and everything that is shown is a replay of it.** Adapters at the edge turn
//! the world into inputs; the pure engine turns inputs into effects; the executor carries effects out, and what
//! became of them comes back as inputs. The log keeps inputs and effects in order, so that the same engine,
//! fed from the log, decides the same.
//!
//! ```text
//!  pg::sampler · pg::control · pg::watchdog · host · clock · operator
//!        │ Input                                      ▲ Effect
//!        ▼                                            │
//!  flight ──▶ log ──▶ engine::Cockpit::handle ──▶ log ─┘        live: the flight's loop
//!    │         │                 │
//!    │ feed    │ tail, cursor    ▼
//!    ▼         ▼              headless                           JSON lines
//!  screen ──▶ engine::Cockpit (its own) ──▶ views                the same inputs, drawn
//!           replay ──▶ engine::Cockpit ──▶ headless, screen      the same decisions, drift compared
//! ```
//!
//! | room | what happens there | what never does |
//! |---|---|---|
//! | [`engine`] | understanding, guarding, deciding | clocks, files, network, chance |
//! | [`pg`] | connecting, sampling, stopping, digesting texts | decisions |
//! | [`plan`] | a migration as people write it: read, checked, translated | connecting, running |
//! | [`flight`] | the loop: stamp, log, handle, log, act, tell | waiting for disk, reader or server |
//! | [`host`] | the server's processes, when it is on this machine | other processes, waiting |
//! | [`literals`] | literals kept by choice, beside the samples | deciding |
//! | [`log`] | the file: written unbreakably, read sceptically | meaning |
//! | [`replay`] | a flight again, compared with what it decided | acting |
//! | [`judge`] | what other limits would have done in a recorded flight | acting |
//! | [`report`] | the post-mortem: a page, a ticket's text, every fact as JSON, a film of the screen | acting |
//! | [`export`] | a part of a flight as a log of its own, without names if asked | changing a log, overwriting |
//! | [`shelf`] | logs in a folder: listed, removed when asked | removing what is no log, or is being written |
//! | [`remote`] | finding a flight, talking to it, reading along | commanding past the flight's own rules |
//! | [`screen`] | the screens, the keys, a log played | connecting, deciding, slowing a flight down |
//! | [`headless`] | JSON lines, derived from the engine | deciding |
//! | [`demo`] | a throw-away server, a shop, a staged jam | touching other servers |
//! | [`config`] | the user's settings, read from a file | writing it |
//! | [`cli`] | words, exit codes, printing | everything else |
//!
//! The words: a **flight** is one run of the cockpit; a **sample** is the raw facts of one poll; the **target**
//! is the work under guard, an **attempt** one try of it; a **root blocker** blocks others and does not wait;
//! the **queue head** is the waiting backend others queue behind; a **victim** is a client at ordinary work
//! that waits because of the target; a **guardrail** reads one **signal** and may **trip**.
//!
//! To add a guardrail, start at [`engine::guard`]; a signal from the server, at [`pg::sampler`] and
//! [`engine::sample`]; a screen, at [`screen::views`]; a key, at [`screen::action`]; a theme, in the folder
//! `themes`; something an operator can order, at [`engine::command`]; a JSON line, at [`headless::line`]; a version
//! of the log, at [`log`]; a command of the program, at [`cli`].

pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod engine;
pub mod export;
pub mod flight;
pub mod headless;
pub mod host;
pub mod judge;
pub mod literals;
pub mod log;
pub mod pg;
pub mod plan;
mod random;
pub mod remote;
pub mod replay;
pub mod report;
pub mod screen;
pub mod shelf;
