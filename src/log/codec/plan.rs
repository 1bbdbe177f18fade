//! Which rows of a table are still there, and where.
//!
//! Owns the order of rows: every new table is put together from runs of the old one and from new rows. Never
//! looks at what a row says beyond its key and whether it has changed.

use super::CodecError;
use super::fields::Row;
use super::varint::{Bytes, put, unzigzag, zigzag};

/// Most rows of a table.
pub(super) const MAX_ROWS: usize = 4_000_000;

/// A run of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// Rows of the old table, from this one on.
    Copy { from: usize, len: usize },
    /// Rows that were not there.
    New { len: usize },
}

/// How the rows of a table are put together. Uses each old row at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) ops: Vec<Op>,
    /// Rows in all.
    pub(super) len: usize,
}

impl Plan {
    fn of(sources: &[Option<usize>]) -> Plan {
        let mut ops: Vec<Op> = Vec::new();
        for source in sources {
            match (ops.last_mut(), source) {
                (Some(Op::Copy { from, len }), Some(source)) if *from + *len == *source => *len += 1,
                (Some(Op::New { len }), None) => *len += 1,
                (_, Some(source)) => ops.push(Op::Copy { from: *source, len: 1 }),
                (_, None) => ops.push(Op::New { len: 1 }),
            }
        }
        Plan { ops, len: sources.len() }
    }

    /// Appends a plan; none means that every row stays where it is.
    pub(super) fn write(plan: Option<&Plan>, out: &mut Vec<u8>) {
        let Some(plan) = plan else { return put(out, 0) };
        if plan.ops.is_empty() {
            // No row is left: one run of no new rows.
            put(out, 1);
            return put(out, 1);
        }
        put(out, plan.ops.len() as u64);
        let mut expected = 0;
        for op in &plan.ops {
            match *op {
                Op::Copy { from, len } => {
                    put(out, (len as u64) << 1);
                    put(out, zigzag(from as i64 - expected as i64));
                    expected = from + len;
                }
                Op::New { len } => put(out, (len as u64) << 1 | 1),
            }
        }
    }

    /// Reads a plan for a table that has `n_old` rows.
    pub(super) fn read(bytes: &mut Bytes<'_>, n_old: usize) -> Result<Option<Plan>, CodecError> {
        const WRONG: CodecError = CodecError::Malformed("rows that are not there");
        let n_ops = bytes.count()?;
        if n_ops == 0 {
            return Ok(None);
        }
        let mut plan = Plan { ops: Vec::with_capacity(n_ops), len: 0 };
        let mut used = vec![false; n_old];
        let mut expected = 0_i64;
        for _ in 0..n_ops {
            let head = bytes.number()?;
            let len = usize::try_from(head >> 1).map_err(|_| WRONG)?;
            if head & 1 == 1 {
                // Each new row has at least the byte of its mask.
                if len > bytes.0.len() {
                    return Err(CodecError::Truncated);
                }
                plan.ops.push(Op::New { len });
            } else {
                let from = expected.checked_add(unzigzag(bytes.number()?)).ok_or(WRONG)?;
                let from = usize::try_from(from).map_err(|_| WRONG)?;
                let end = from.checked_add(len).ok_or(WRONG)?;
                let run = used.get_mut(from..end).ok_or(WRONG)?;
                if run.contains(&true) {
                    return Err(CodecError::Malformed("one row in two places"));
                }
                run.fill(true);
                expected = i64::try_from(end).map_err(|_| WRONG)?;
                plan.ops.push(Op::Copy { from, len });
            }
            plan.len = plan.len.saturating_add(len);
            if plan.len > MAX_ROWS {
                return Err(CodecError::TooMuch("rows"));
            }
        }
        Ok(Some(plan))
    }

    /// The numbers of the new rows, ascending.
    pub(super) fn new_rows(&self) -> impl Iterator<Item = usize> + '_ {
        let mut at = 0;
        self.ops.iter().flat_map(move |op| {
            let begin = at;
            let (Op::Copy { len, .. } | Op::New { len }) = *op;
            at += len;
            if matches!(op, Op::New { .. }) { begin..at } else { at..at }
        })
    }

    /// Puts `rows` together anew; new rows are `blank`.
    pub(super) fn rearrange<R>(&self, rows: &mut Vec<R>, blank: fn() -> R) {
        let mut old: Vec<Option<R>> = rows.drain(..).map(Some).collect();
        rows.reserve(self.len);
        for op in &self.ops {
            match *op {
                Op::Copy { from, len } => {
                    let run = old.iter_mut().skip(from).take(len);
                    rows.extend(run.map(|row| row.take().unwrap_or_else(blank)));
                }
                Op::New { len } => rows.extend((0..len).map(|_| blank())),
            }
        }
    }
}

/// How a new table follows from the old one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// How the rows are put together; none when every row stays where it is.
    pub(super) plan: Option<Plan>,
    /// Rows of the new table that differ from the old row they are made of, ascending.
    pub(super) changed: Vec<usize>,
}

impl Match {
    /// Finds each row of `new` in `old`: at the same place, by its key, or, when neither is known, as what took
    /// the place of a row that has gone.
    pub(super) fn of<R: Row>(old: &[R], new: &[R]) -> Match {
        let changed: Vec<usize> = differing(old.iter().zip(new).enumerate());
        let same_key = |place: usize| old[place].key() == new[place].key();
        if old.len() == new.len() && changed.iter().all(|place| same_key(*place)) {
            return Match { plan: None, changed };
        }
        let mut sources: Vec<Option<usize>> =
            (0..new.len()).map(|place| (place < old.len()).then_some(place)).collect();
        for place in changed.iter().filter(|place| !same_key(**place)) {
            sources[*place] = None;
        }
        let mut used = vec![false; old.len()];
        for source in sources.iter().flatten() {
            used[*source] = true;
        }
        find_by_key(old, new, &mut sources, &mut used);
        for place in 0..new.len() {
            let next = if place == 0 { Some(0) } else { sources[place - 1].map(|source| source + 1) };
            let Some(next) = next.filter(|next| sources[place].is_none() && used.get(*next) == Some(&false))
            else {
                continue;
            };
            used[next] = true;
            sources[place] = Some(next);
        }
        let stays = old.len() == new.len()
            && sources.iter().enumerate().all(|(place, source)| *source == Some(place));
        let pairs = new.iter().zip(&sources).enumerate();
        let changed =
            differing(pairs.filter_map(|(place, (row, source))| Some((place, (&old[(*source)?], row)))));
        Match { plan: (!stays).then(|| Plan::of(&sources)), changed }
    }
}

fn differing<'a, R: Row>(pairs: impl Iterator<Item = (usize, (&'a R, &'a R))>) -> Vec<usize> {
    pairs.filter(|(_, (old, new))| old != new).map(|(place, _)| place).collect()
}

/// Gives each row without a source the first unused old row with its key.
fn find_by_key<R: Row>(old: &[R], new: &[R], sources: &mut [Option<usize>], used: &mut [bool]) {
    let unused = old.iter().enumerate().filter(|(place, _)| !used[*place]);
    let mut by_key: Vec<(u64, usize)> = unused.map(|(place, row)| (row.key(), place)).collect();
    by_key.sort_unstable();
    // How many rows of a key were given away, at the first of them.
    let mut given = vec![0; by_key.len()];
    for (row, source) in new.iter().zip(sources).filter(|(_, source)| source.is_none()) {
        let key = row.key();
        let first = by_key.partition_point(|(other, _)| *other < key);
        let Some(given) = given.get_mut(first) else { continue };
        if let Some((found, place)) = by_key.get(first + *given)
            && *found == key
        {
            *given += 1;
            used[*place] = true;
            *source = Some(*place);
        }
    }
}
