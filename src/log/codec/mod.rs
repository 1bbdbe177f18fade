use crate::engine::host::HostFacts;
use crate::engine::sample::{Sample, SlowFacts, Watch};
#[derive(Debug)]
pub(super) struct Encoder;
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct CodecError(String);
impl Encoder {
    pub(super) fn new() -> Encoder {
        Encoder
    }
    pub(super) fn schema() -> Vec<u8> {
        b"{}".to_vec()
    }
    pub(super) fn keyframe(&mut self, s: Option<&Sample>, w: Option<&SlowFacts>, out: &mut Vec<u8>) {
        out.extend(serde_json::to_vec(&(s, w)).unwrap())
    }
    pub(super) fn sample(&mut self, s: &Sample, out: &mut Vec<u8>) {
        out.extend(serde_json::to_vec(s).unwrap())
    }
    pub(super) fn watch(&mut self, s: &Watch, out: &mut Vec<u8>) {
        out.extend(serde_json::to_vec(s).unwrap())
    }
    pub(super) fn host(&mut self, s: &HostFacts, out: &mut Vec<u8>) {
        out.extend(serde_json::to_vec(s).unwrap())
    }
}
#[derive(Debug)]
pub(super) struct Decoder {
    s: Option<Sample>,
    w: Option<SlowFacts>,
}
impl Decoder {
    pub(super) fn new(_: &[u8]) -> Result<Decoder, CodecError> {
        Ok(Decoder { s: None, w: None })
    }
    pub(super) fn keyframe(&mut self, b: &[u8]) -> Result<(), CodecError> {
        let (s, w) = serde_json::from_slice(b).map_err(|e| CodecError(e.to_string()))?;
        self.s = s;
        self.w = w;
        Ok(())
    }
    pub(super) fn sample(&mut self, b: &[u8]) -> Result<(), CodecError> {
        let s: Sample = serde_json::from_slice(b).map_err(|e| CodecError(e.to_string()))?;
        if let Some(w) = &s.slow {
            self.w = Some((**w).clone());
        }
        self.s = Some(s);
        Ok(())
    }
    pub(super) fn watch(&mut self, b: &[u8]) -> Result<Watch, CodecError> {
        serde_json::from_slice(b).map_err(|e| CodecError(e.to_string()))
    }
    pub(super) fn host(&mut self, b: &[u8]) -> Result<HostFacts, CodecError> {
        serde_json::from_slice(b).map_err(|e| CodecError(e.to_string()))
    }
    pub(super) fn last_sample(&self) -> Option<&Sample> {
        self.s.as_ref()
    }
    pub(super) fn last_slow(&self) -> Option<&SlowFacts> {
        self.w.as_ref()
    }
}
