//! Array columns, walked side by side.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

/// An array column; NULL is an empty one.
pub(super) struct Column<T>(pub(super) std::vec::IntoIter<Option<T>>);

impl<'a, T: FromSql<'a>> Column<T> {
    pub(super) fn of(row: &'a Row, name: &str) -> Result<Column<T>, tokio_postgres::Error> {
        Ok(Column(row.try_get::<_, Option<Vec<Option<T>>>>(name)?.unwrap_or_default().into_iter()))
    }

    pub(super) fn next(&mut self) -> Option<T> {
        self.0.next().flatten()
    }
}

/// An amount the server counts as `int8`.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
