//! Numbers of any size in as few bytes as they need.
//!
//! Owns LEB128, the zigzag of signed differences and the bounds of what is read. Knows no tables.

use super::CodecError;
use super::schema::Cell;

/// Appends `value`, seven bits a byte, lowest first.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends nothing as 0 and `value` as one more than it is.
pub(super) fn put_cell(out: &mut Vec<u8>, cell: Cell) {
    match cell.map(|value| value.checked_add(1)) {
        None => out.push(0),
        Some(Some(value)) => put(out, value),
        // 2^64, the one number that no u64 holds.
        Some(None) => out.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]),
    }
}

/// A difference as a number that is small when the difference is, whatever its sign.
pub(super) fn zigzag(difference: i64) -> u64 {
    (difference.cast_unsigned() << 1) ^ (difference >> 63).cast_unsigned()
}

/// What [`zigzag`] was made of.
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// The rest of a payload.
#[derive(Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Result<u64, CodecError> {
        match self.wide()? {
            (value, 0) => Ok(value),
            _ => Err(CodecError::Malformed("a number above 64 bits")),
        }
    }

    /// The next cell.
    pub(super) fn cell(&mut self) -> Result<Cell, CodecError> {
        match self.wide()? {
            (value, 0) => Ok(value.checked_sub(1)),
            (0, 1) => Ok(Some(u64::MAX)),
            _ => Err(CodecError::Malformed("a number above 64 bits")),
        }
    }

    /// A number of things that take at least one byte each.
    pub(super) fn count(&mut self) -> Result<usize, CodecError> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|count| *count <= self.0.len()).ok_or(CodecError::Truncated)
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The lowest 64 bits of the next number, and the bits above them.
    fn wide(&mut self) -> Result<(u64, u8), CodecError> {
        let mut value = 0;
        for n in 0..10 {
            let (&byte, rest) = self.0.split_first().ok_or(CodecError::Truncated)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << (7 * n);
            if byte < 0x80 {
                return Ok((value, if n == 9 { byte >> 1 } else { 0 }));
            }
        }
        Err(CodecError::Malformed("a number above 64 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_every_edge_are_read_back() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit]).chain([u64::MAX - 1, u64::MAX]);
        for value in edges {
            let mut out = Vec::new();
            put(&mut out, value);
            put_cell(&mut out, Some(value));
            put_cell(&mut out, None);
            let mut bytes = Bytes(&out);
            assert_eq!(bytes.number(), Ok(value));
            assert_eq!(bytes.cell(), Ok(Some(value)));
            assert_eq!(bytes.cell(), Ok(None));
            assert_eq!(bytes.number(), Err(CodecError::Truncated));
            assert_eq!(unzigzag(zigzag(value.cast_signed())), value.cast_signed());
        }
    }

    #[test]
    fn a_number_above_64_bits_is_refused() {
        let above = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert!(Bytes(&above).number().is_err());
        assert!(Bytes(&above).cell().is_err());
        assert!(Bytes(&[0xff; 11]).number().is_err());
    }
}
