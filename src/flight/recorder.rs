//! stub
use super::Record;
use crate::engine::{Cockpit, effect::Effect, ids::At, input::*};
use crate::log::LogError;
#[derive(Debug)]
pub struct Recorder;
impl Recorder {
    pub fn open(_r: Option<Record>, _b: &Begin, _a: &Attached) -> Result<Recorder, LogError> {
        Ok(Recorder)
    }
    pub fn path(&self) -> Option<&std::path::Path> {
        None
    }
    pub fn before(&mut self, _at: At, _c: &Cockpit) {}
    pub fn turn(&mut self, _at: At, _i: Input, _e: &[Effect]) {}
    pub fn news(&mut self, _at: At) -> Option<String> {
        None
    }
    pub fn close(self) -> Vec<crate::headless::line::Line> {
        Vec::new()
    }
}
