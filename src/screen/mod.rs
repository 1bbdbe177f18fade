//! The screens.

pub mod glyphs;
pub mod picture;
pub mod text;
pub mod theme;
