//! The screens.

pub mod glyphs;

pub mod text;
