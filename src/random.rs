//! The system's randomness, for identities and seeds.
//!
//! Owns the only source of chance. The engine never sees it but as a recorded seed.

use rustix::rand::{GetRandomFlags, getrandom};

/// `N` random bytes. Where the system has none they are zero: identities then differ by time alone.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = getrandom(&mut bytes[..], GetRandomFlags::empty());
    bytes
}
