//! What the columns of a segment are called, and how each is coded.
//!
//! Owns the SCHEMA payload: JSON that says all that is needed to take the cells apart. Knows no row of the engine.
//!
//! ```json
//! {"frames": [{"name": "sample", "tables": [
//!     {"name": "sample", "columns": [["server_now", "counter"]]},
//!     {"name": "backends", "columns": [["pid", "known"], ["query_start", "near sample.server_now"],
//!                                      ["state_change", "near query_start"]]}]}]}
//! ```

use serde::{Deserialize, Serialize};

use super::CodecError;

/// One value. Signed numbers are stored with their sign extended; false is 0 and true is 1.
pub(super) type Cell = Option<u64>;

/// Most columns of a table: one bit of a mask each.
const MAX_COLUMNS: usize = 64;
/// Most tables of a frame and most frames: far more than any release has.
const MAX_TABLES: usize = 64;

/// How the values of a column are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is.
    Plain,
    /// By its place in a list of the values this column has had.
    Known,
    /// The number of a string.
    Symbol,
    /// Its difference to what the same row had before.
    Counter,
    /// Its difference to the last value coded in this column.
    Drift,
    /// Its difference to an earlier column of the same row.
    Near(usize),
    /// Its difference to a column of the first row of an earlier table.
    NearFirst {
        /// That table, by its place in the frame.
        table: usize,
        /// That column, by its place in the table.
        column: usize,
    },
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// The tables of one kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) tables: Vec<Table>,
}

/// All frames of a segment, as the SCHEMA payload has them: kinds are words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schema {
    pub(super) frames: Vec<FrameText>,
}

/// A frame in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FrameText {
    pub(super) name: String,
    pub(super) tables: Vec<TableText>,
}

/// A table in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableText {
    pub(super) name: String,
    /// Name and kind of each column.
    pub(super) columns: Vec<(String, String)>,
}

impl Schema {
    /// Reads a SCHEMA payload.
    pub(super) fn parse(payload: &[u8]) -> Result<Schema, CodecError> {
        let schema: Schema =
            serde_json::from_slice(payload).map_err(|error| CodecError::Schema(error.to_string()))?;
        match schema.frames.len() <= MAX_TABLES {
            true => Ok(schema),
            false => Err(CodecError::Schema(format!("{} frames are too many", schema.frames.len()))),
        }
    }

    /// The frame called `name`; one without tables if there is none.
    pub(super) fn frame(&self, name: &str) -> Result<Frame, CodecError> {
        let mut frame = Frame { name: name.to_owned(), tables: Vec::new() };
        let Some(text) = self.frames.iter().find(|frame| frame.name == name) else { return Ok(frame) };
        if text.tables.len() > MAX_TABLES {
            return Err(CodecError::Schema(format!("the frame {name} has too many tables")));
        }
        for text in &text.tables {
            if text.columns.is_empty() || text.columns.len() > MAX_COLUMNS {
                return Err(CodecError::Schema(format!("the table {} must have 1 to 64 columns", text.name)));
            }
            let mut table =
                Table { name: text.name.clone(), columns: Vec::with_capacity(text.columns.len()) };
            for (name, kind) in &text.columns {
                let kind = Kind::parse(kind, &frame.tables, &table.columns).ok_or_else(|| {
                    let at = &text.name;
                    CodecError::Schema(format!(
                        "the column {at}.{name} is coded as `{kind}`, which is not known here"
                    ))
                })?;
                table.columns.push(Column { name: name.clone(), kind });
            }
            frame.tables.push(table);
        }
        Ok(frame)
    }
}

impl Kind {
    /// The kind called `text`, behind these tables of its frame and these columns of its table.
    fn parse(text: &str, tables: &[Table], columns: &[Column]) -> Option<Kind> {
        let place = |columns: &[Column], name: &str| columns.iter().position(|column| column.name == name);
        match text {
            "plain" => Some(Kind::Plain),
            "known" => Some(Kind::Known),
            "symbol" => Some(Kind::Symbol),
            "counter" => Some(Kind::Counter),
            "drift" => Some(Kind::Drift),
            _ => {
                let to = text.strip_prefix("near ")?;
                let Some((table, column)) = to.split_once('.') else {
                    return place(columns, to).map(Kind::Near);
                };
                let table = tables.iter().position(|earlier| earlier.name == table)?;
                Some(Kind::NearFirst { table, column: place(&tables.get(table)?.columns, column)? })
            }
        }
    }
}
