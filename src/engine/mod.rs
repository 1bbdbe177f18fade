//! The pure engine.
pub mod effect;
pub mod ids;
pub mod input;
pub mod locks;
pub mod sample;
pub mod settings;
pub mod text;
