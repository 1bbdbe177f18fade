//! The cells of one table, and how they change.
//!
//! Owns the coding of values by the kinds of their columns, and the caps on what a payload may ask for. Both ends
//! hold the same cells after each payload. Knows columns by their places only.

use std::collections::BTreeMap;

use super::CodecError;
use super::plan::{Op, Plan};
use super::schema::{Cell, Kind, Table};
use super::varint::{Bytes, put, put_cell, unzigzag, zigzag};
use super::words::Words;

/// Most cells of a table.
pub(super) const MAX_CELLS: usize = 8 << 20;
/// Longest sum of the strings that the rows of a table hold, in bytes.
const MAX_WORD_BYTES: u64 = 256 << 20;
/// Longest list of the values a column has had.
const MAX_KNOWN: usize = 1 << 16;

/// A row that is told: changed or new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) row: usize,
    pub(super) is_new: bool,
    /// The columns that are told, one bit each.
    pub(super) mask: u64,
}

/// One table.
#[derive(Debug)]
pub(super) struct Grid {
    columns: Vec<Column>,
    cells: Vec<Cell>,
    masks: Known,
    /// Sum of the strings of all rows, in bytes; counted where cells are read.
    word_bytes: u64,
    /// The cells of the told rows before and after; kept for their space.
    bases: Vec<Cell>,
    fresh: Vec<Cell>,
}

#[derive(Debug)]
struct Column {
    kind: Kind,
    /// The last value coded.
    last: u64,
    known: Known,
}

/// Values in the order in which they were first met.
#[derive(Debug, Default)]
struct Known {
    values: Vec<u64>,
    /// Their places in `values`; used where cells are written.
    places: BTreeMap<u64, u64>,
}

impl Known {
    /// Appends `new` and the value, or what follows `new` by the place of the value.
    fn write(&mut self, value: u64, new: u64, out: &mut Vec<u8>) {
        if let Some(place) = self.places.get(&value) {
            return put(out, place + 1 + new);
        }
        put(out, new);
        put(out, value);
        if self.places.len() < MAX_KNOWN {
            self.places.insert(value, self.places.len() as u64);
        }
    }

    /// The value that `code` stands for: 0 for one that follows, else one more than its place.
    fn read(&mut self, code: u64, bytes: &mut Bytes<'_>) -> Result<u64, CodecError> {
        let Some(place) = code.checked_sub(1) else {
            let value = bytes.number()?;
            if self.values.len() < MAX_KNOWN {
                self.values.push(value);
            }
            return Ok(value);
        };
        let place = usize::try_from(place).ok();
        let value = place.and_then(|place| self.values.get(place));
        value.copied().ok_or(CodecError::Malformed("a value that was never told"))
    }
}

impl Grid {
    pub(super) fn new(table: &Table) -> Grid {
        let column = |kind| Column { kind, last: 0, known: Known::default() };
        Grid {
            columns: table.columns.iter().map(|of| column(of.kind)).collect(),
            cells: Vec::new(),
            masks: Known::default(),
            word_bytes: 0,
            bases: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// Cells of a row.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The cells of a row; none if there is no such row.
    pub(super) fn row(&self, row: usize) -> &[Cell] {
        let from = row.saturating_mul(self.width());
        self.cells.get(from..from.saturating_add(self.width())).unwrap_or_default()
    }

    /// Appends what has changed: how the rows are put together, which of them are told, and their values.
    /// `fresh` appends the cells of a row as it is now. Appends nothing when nothing has changed.
    pub(super) fn write(
        &mut self,
        earlier: &[Grid],
        plan: Option<&Plan>,
        changed: &[usize],
        mut fresh: impl FnMut(usize, &mut Vec<Cell>),
        out: &mut Vec<u8>,
    ) -> bool {
        if let Some(plan) = plan {
            self.rearrange(plan);
        }
        let width = self.width();
        let mut told: Vec<Told> = rows_told(changed, plan);
        self.bases.clear();
        self.fresh.clear();
        told.retain_mut(|told| {
            let base = if told.is_new { told.row.checked_sub(1) } else { Some(told.row) };
            match base.map(|base| base * width) {
                Some(from) => self.bases.extend_from_slice(&self.cells[from..from + width]),
                None => self.bases.resize(self.bases.len() + width, None),
            }
            fresh(told.row, &mut self.fresh);
            let start = self.bases.len() - width;
            let (old, new) = (&self.bases[start..], &self.fresh[start..]);
            told.mask = (0..width).fold(0, |mask, n| mask | u64::from(old[n] != new[n]) << n);
            if told.mask == 0 && !told.is_new {
                self.bases.truncate(start);
                self.fresh.truncate(start);
                return false;
            }
            self.cells[told.row * width..][..width].copy_from_slice(new);
            true
        });
        if plan.is_none() && told.is_empty() {
            return false;
        }
        Plan::write(plan, out);
        let mut next = 0;
        put(out, told.iter().filter(|told| !told.is_new).count() as u64);
        for told in told.iter().filter(|told| !told.is_new) {
            put(out, (told.row - next) as u64);
            next = told.row + 1;
        }
        for told in &told {
            self.masks.write(told.mask, 0, out);
        }
        for (n, column) in self.columns.iter_mut().enumerate() {
            for (place, _) in told.iter().enumerate().filter(|(_, told)| told.mask >> n & 1 == 1) {
                let (base, row) = (self.bases[place * width + n], &self.fresh[place * width..][..width]);
                let near = column.reference(base, row, earlier);
                column.write(row[n], near, out);
            }
        }
        true
    }

    /// Takes in what [`Grid::write`] appended. `told` becomes the rows it told.
    pub(super) fn read(
        &mut self,
        earlier: &[Grid],
        bytes: &mut Bytes<'_>,
        words: &Words,
        told: &mut Vec<Told>,
    ) -> Result<Option<Plan>, CodecError> {
        let width = self.width();
        let n_old = self.cells.len() / width;
        let plan = Plan::read(bytes, n_old)?;
        let len = plan.as_ref().map_or(n_old, |plan| plan.len);
        if len.saturating_mul(width) > MAX_CELLS {
            return Err(CodecError::TooMuch("cells"));
        }
        if let Some(plan) = &plan {
            self.rearrange(plan);
        }
        self.read_told(bytes, plan.as_ref(), len, told)?;
        for n in 0..width {
            for told in told.iter() {
                let at = told.row * width;
                if told.mask >> n & 1 == 0 {
                    if told.is_new && at > 0 {
                        self.cells[at + n] = self.cells[at - width + n];
                    }
                    continue;
                }
                let base = match (told.is_new, at) {
                    (false, _) => self.cells[at + n],
                    (true, 0) => None,
                    (true, _) => self.cells[at - width + n],
                };
                let column = &mut self.columns[n];
                let near = column.reference(base, &self.cells[at..at + width], earlier);
                let cell = column.read(near, bytes)?;
                if column.kind == Kind::Symbol {
                    let len =
                        |cell: Cell| cell.map_or(Ok(0), |id| words.get(id).map(|word| word.len() as u64));
                    let gone = if told.is_new { 0 } else { len(base)? };
                    self.word_bytes = self.word_bytes.saturating_add(len(cell)?).saturating_sub(gone);
                }
                self.cells[at + n] = cell;
            }
        }
        if plan.is_some() {
            self.word_bytes = self.count_word_bytes(words)?;
        }
        match self.word_bytes > MAX_WORD_BYTES {
            true => Err(CodecError::TooMuch("bytes of strings")),
            false => Ok(plan),
        }
    }

    fn read_told(
        &mut self,
        bytes: &mut Bytes<'_>,
        plan: Option<&Plan>,
        len: usize,
        told: &mut Vec<Told>,
    ) -> Result<(), CodecError> {
        let n_changed = bytes.count()?;
        let mut changed = Vec::with_capacity(n_changed);
        let mut next = 0_usize;
        for _ in 0..n_changed {
            let row = usize::try_from(bytes.number()?).ok().and_then(|gap| next.checked_add(gap));
            let row = row.filter(|row| *row < len).ok_or(CodecError::Malformed("a change of no row"))?;
            changed.push(row);
            next = row + 1;
        }
        *told = rows_told(&changed, plan);
        if told.len() > bytes.0.len() {
            return Err(CodecError::Truncated);
        }
        let columns = u64::MAX >> (64 - self.width());
        let mut before = None;
        for told in told {
            let code = bytes.number()?;
            told.mask = self.masks.read(code, bytes)?;
            if told.mask & !columns != 0 || before.replace(told.row) == Some(told.row) {
                return Err(CodecError::Malformed("a change that its table cannot have"));
            }
        }
        Ok(())
    }

    fn rearrange(&mut self, plan: &Plan) {
        let width = self.width();
        let mut cells = Vec::with_capacity(plan.len * width);
        for op in &plan.ops {
            match *op {
                Op::Copy { from, len } => {
                    let run = self.cells.get(from * width..(from + len) * width);
                    cells.extend_from_slice(run.unwrap_or_default());
                }
                Op::New { len } => cells.resize(cells.len() + len * width, None),
            }
        }
        self.cells = cells;
    }

    fn count_word_bytes(&self, words: &Words) -> Result<u64, CodecError> {
        let mut sum = 0_u64;
        for (n, _) in self.columns.iter().enumerate().filter(|(_, column)| column.kind == Kind::Symbol) {
            for id in self.cells.iter().skip(n).step_by(self.width()).flatten() {
                sum = sum.saturating_add(words.get(*id)?.len() as u64);
            }
        }
        Ok(sum)
    }
}

/// The changed and the new rows, ascending.
fn rows_told(changed: &[usize], plan: Option<&Plan>) -> Vec<Told> {
    let told = |row: usize, is_new: bool| Told { row, is_new, mask: 0 };
    let mut rows: Vec<Told> = changed.iter().map(|row| told(*row, false)).collect();
    if let Some(plan) = plan {
        rows.extend(plan.new_rows().map(|row| told(row, true)));
        rows.sort_unstable_by_key(|told| told.row);
    }
    rows
}

impl Column {
    /// What a value is coded as a difference to. `row` is complete up to this column.
    fn reference(&self, base: Cell, row: &[Cell], earlier: &[Grid]) -> u64 {
        let near = match self.kind {
            Kind::Plain | Kind::Known | Kind::Symbol | Kind::Drift => None,
            Kind::Counter => base,
            Kind::Near(column) => row.get(column).copied().flatten(),
            Kind::NearFirst { table, column } => {
                earlier.get(table).and_then(|grid| grid.row(0).get(column).copied().flatten())
            }
        };
        near.unwrap_or(self.last)
    }

    fn write(&mut self, cell: Cell, near: u64, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Plain | Kind::Symbol => put_cell(out, cell),
            Kind::Known => match cell {
                None => out.push(0),
                Some(value) => self.known.write(value, 1, out),
            },
            Kind::Counter | Kind::Drift | Kind::Near(_) | Kind::NearFirst { .. } => {
                put_cell(out, cell.map(|value| zigzag(value.wrapping_sub(near).cast_signed())));
            }
        }
        self.last = cell.unwrap_or(self.last);
    }

    fn read(&mut self, near: u64, bytes: &mut Bytes<'_>) -> Result<Cell, CodecError> {
        let cell = match self.kind {
            Kind::Plain | Kind::Symbol => bytes.cell()?,
            Kind::Known => match bytes.cell()? {
                None => None,
                Some(code) => Some(self.known.read(code, bytes)?),
            },
            Kind::Counter | Kind::Drift | Kind::Near(_) | Kind::NearFirst { .. } => {
                bytes.cell()?.map(|difference| near.wrapping_add(unzigzag(difference).cast_unsigned()))
            }
        };
        self.last = cell.unwrap_or(self.last);
        Ok(cell)
    }
}
