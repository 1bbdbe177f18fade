//! `timestamptz` to the microsecond, without a calendar.
//!
//! Owns the translation between the server's binary timestamps and [`ServerTime`]. Exact both ways: a stop
//! compares start times for equality.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::engine::ids::ServerTime;

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// A `timestamptz` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub ServerTime);

impl<'a> FromSql<'a> for Timestamp {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let since_2000_us = i64::from_be_bytes(raw.try_into()?);
        Ok(Timestamp(ServerTime(since_2000_us.saturating_add(POSTGRES_EPOCH_US))))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.0.saturating_sub(POSTGRES_EPOCH_US));
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

/// A start time as a parameter; unknown is NULL, which equals nothing.
pub fn parameter(time: Option<ServerTime>) -> Option<Timestamp> {
    time.map(Timestamp)
}
