//! stub
#![allow(missing_docs)]
pub const MAJOR: u16 = 0;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub enum LogError {
    #[error("y")]
    X,
}
pub fn default_dir() -> Option<std::path::PathBuf> {
    None
}
