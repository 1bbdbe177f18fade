//! How the fields of a row become cells and come back.
//!
//! Owns the binding of columns to fields by name: a column no field is called by is skipped, and a field without a
//! column keeps its default. Knows no table of its own.

use super::CodecError;
use super::grid::{Grid, Told};
use super::plan::{Match, Plan};
use super::schema::{Cell, Column, Frame, Kind, TableText};
use super::varint::put;
use super::words::{Intern, Words};
use crate::engine::ids::Word;

/// A row of one table.
pub(super) trait Row: Clone + PartialEq + 'static {
    /// What the table is called.
    const TABLE: &'static str;
    /// All fields, in the order in which their columns are written.
    const FIELDS: &'static [Field<Self>];

    /// Tells which row is which: only a hint, so two rows may share it.
    fn key(&self) -> u64;

    /// A row none of whose columns is there.
    fn blank() -> Self;
}

/// A field of a row, or a part of one.
pub(super) struct Field<R> {
    /// What its column is called.
    pub(super) name: &'static str,
    /// How its column is coded, in the words of the schema.
    pub(super) kind: &'static str,
    pub(super) get: fn(&R, &mut Intern) -> Cell,
    /// Sets it from the row's cells; the number is its own place among the fields.
    pub(super) set: fn(&mut R, &View<'_>, usize) -> Result<(), CodecError>,
}

/// A value that fits a cell.
pub(super) trait Value: Sized {
    fn cell(&self, intern: &mut Intern) -> Cell;
    fn from_cell(cell: Cell, words: &Words) -> Result<Self, CodecError>;

    /// Becomes what [`Value::from_cell`] makes, in place where that saves an allocation.
    fn set(&mut self, cell: Cell, words: &Words) -> Result<(), CodecError> {
        *self = Self::from_cell(cell, words)?;
        Ok(())
    }
}

/// A field that is a value: name and kind of its column, and where it is in the row.
macro_rules! field {
    ($name:literal, $kind:literal, $($path:ident).+) => {
        Field {
            name: $name,
            kind: $kind,
            get: |row, intern| Value::cell(&row.$($path).+, intern),
            set: |row, view, n| row.$($path).+.set(view.cell(n), view.words),
        }
    };
}
pub(super) use field;

/// The cells of a row, by field.
#[derive(Debug)]
pub(super) struct View<'a> {
    cells: &'a [Cell],
    columns: &'a [Option<usize>],
    pub(super) words: &'a Words,
}

impl View<'_> {
    /// The cell of the field at this place; nothing if it has no column.
    pub(super) fn cell(&self, field: usize) -> Cell {
        let column = self.columns.get(field).copied().flatten();
        column.and_then(|column| self.cells.get(column).copied().flatten())
    }

    /// The value of the field at this place.
    pub(super) fn value<V: Value>(&self, field: usize) -> Result<V, CodecError> {
        V::from_cell(self.cell(field), self.words)
    }

    /// The string of the field at this place.
    pub(super) fn word(&self, field: usize) -> Result<Option<&Word>, CodecError> {
        self.cell(field).map(|id| self.words.get(id)).transpose()
    }
}

/// Which column is which field.
#[derive(Debug)]
pub(super) struct Binding {
    /// The table's place in its frame; none if the schema has no such table.
    pub(super) table: Option<usize>,
    /// The field of each column.
    fields: Vec<Option<usize>>,
    /// The column of each field.
    columns: Vec<Option<usize>>,
}

impl Binding {
    pub(super) fn of<R: Row>(frame: &Frame) -> Binding {
        let table = frame.tables.iter().position(|table| table.name == R::TABLE);
        let columns = table.and_then(|table| frame.tables.get(table)).map_or(&[][..], |table| &table.columns);
        // A string's number is no number: a column that is the one here and the other there is not the same.
        let fits = |column: &Column, field: &Field<R>| {
            column.name == field.name && (column.kind == Kind::Symbol) == (field.kind == "symbol")
        };
        let field = |column: &Column| R::FIELDS.iter().position(|field| fits(column, field));
        let column = |field: &Field<R>| columns.iter().position(|column| fits(column, field));
        Binding {
            table,
            fields: columns.iter().map(field).collect(),
            columns: R::FIELDS.iter().map(column).collect(),
        }
    }

    /// The cell of a field in a row of the table.
    pub(super) fn cell_of(&self, grid: &Grid, row: usize, field: usize) -> Cell {
        let column = self.columns.get(field).copied().flatten()?;
        grid.row(row).get(column).copied().flatten()
    }

    /// Brings `rows` up to what `grid` holds now.
    pub(super) fn update<R: Row>(
        &self,
        rows: &mut Vec<R>,
        plan: Option<&Plan>,
        told: &[Told],
        grid: &Grid,
        words: &Words,
    ) -> Result<(), CodecError> {
        if let Some(plan) = plan {
            plan.rearrange(rows, R::blank);
        }
        for told in told {
            let Some(row) = rows.get_mut(told.row) else { continue };
            let view = View { cells: grid.row(told.row), columns: &self.columns, words };
            let mut mask = if told.is_new { u64::MAX >> (64 - grid.width()) } else { told.mask };
            while mask != 0 {
                let column = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                if let Some(n) = self.fields.get(column).copied().flatten()
                    && let Some(field) = R::FIELDS.get(n)
                {
                    (field.set)(row, &view, n)?;
                }
            }
        }
        Ok(())
    }
}

/// The table of `R`, as a schema has it.
pub(super) fn table_text<R: Row>() -> TableText {
    let column = |field: &Field<R>| (field.name.to_owned(), field.kind.to_owned());
    TableText { name: R::TABLE.to_owned(), columns: R::FIELDS.iter().map(column).collect() }
}

/// A table that is written: its rows as they were told last.
#[derive(Debug)]
pub(super) struct Written<R> {
    rows: Vec<R>,
    binding: Binding,
}

impl<R: Row> Written<R> {
    pub(super) fn new(frame: &Frame) -> Written<R> {
        Written { rows: Vec::new(), binding: Binding::of::<R>(frame) }
    }

    /// Appends how the table has become `new`; nothing if it is the same.
    pub(super) fn write(&mut self, new: &[R], grids: &mut [Grid], intern: &mut Intern, out: &mut Vec<u8>) {
        let Some(table) = self.binding.table else { return };
        let (earlier, rest) = grids.split_at_mut(table);
        let Some(grid) = rest.first_mut() else { return };
        let found = Match::of(&self.rows, new);
        let start = out.len();
        put(out, table as u64);
        let cell = |field: &Option<usize>, row: &R, intern: &mut Intern| {
            field.and_then(|n| R::FIELDS.get(n)).and_then(|field| (field.get)(row, intern))
        };
        let fresh = |row: usize, cells: &mut Vec<Cell>| {
            cells.extend(self.binding.fields.iter().map(|field| cell(field, &new[row], intern)));
        };
        if !grid.write(earlier, found.plan.as_ref(), &found.changed, fresh, out) {
            out.truncate(start);
        }
        if let Some(plan) = &found.plan {
            plan.rearrange(&mut self.rows, R::blank);
            for row in plan.new_rows() {
                self.rows[row].clone_from(&new[row]);
            }
        }
        for row in found.changed {
            self.rows[row].clone_from(&new[row]);
        }
    }
}
