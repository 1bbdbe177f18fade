//! `lockpit report`: what it tells of recorded flights, and what its pages never contain.

mod hostile;
mod notes;
mod pages;
mod program;
mod support;
