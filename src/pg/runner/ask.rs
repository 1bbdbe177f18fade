//! Queries of the plan: gates, checks, invariants, and the items of a step.
//!
//! Owns what counts as yes. They run in a transaction that only reads, under a limit, with the names the plan means.

use tokio_postgres::{Error, SimpleQueryMessage, SimpleQueryRow};

use super::line::Line;
use crate::engine::plan::order::Answer;

/// How long a query of the plan may take.
const LIMIT_MS: u32 = 10_000;
/// The most that is kept of one value, in characters, and of all rows, in bytes.
const VALUE_CHARS: usize = 200;
const ROWS_BYTES: usize = 4_096;

/// What a query says. Its first value counts: true, `t`, or a number other than zero is yes; null and no row are no.
pub(super) async fn ask(line: &Line, query: &str) -> Result<Answer, Error> {
    let rows = read(line, query).await?;
    let first = rows.first().and_then(|row| row.try_get(0).ok().flatten());
    let said = match rows.as_slice() {
        [row] if row.len() == 1 => cut(first.unwrap_or("null"), VALUE_CHARS),
        rows => {
            let mut said = String::new();
            for row in rows {
                let line = words(row);
                if said.len() + line.len() >= ROWS_BYTES {
                    said.push_str("...");
                    break;
                }
                said += &line;
                said.push('\n');
            }
            said.truncate(said.trim_end().len());
            said
        }
    };
    Ok(Answer { holds: first.is_some_and(is_yes), said })
}

/// The items a query finds: its first column, without nulls.
pub(super) async fn items(line: &Line, query: &str) -> Result<Vec<String>, Error> {
    let rows = read(line, query).await?;
    let names = rows.iter().filter_map(|row| row.try_get(0).ok().flatten());
    Ok(names.map(str::to_owned).collect())
}

async fn read(line: &Line, query: &str) -> Result<Vec<SimpleQueryRow>, Error> {
    line.begin_reading(LIMIT_MS, false).await?;
    let answer = line.client().simple_query(query).await?;
    line.end_reading().await?;
    let rows = answer.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows.collect())
}

fn is_yes(value: &str) -> bool {
    match value.parse::<f64>() {
        Ok(number) => number != 0.0 && !number.is_nan(),
        Err(_) => matches!(value, "t" | "true"),
    }
}

fn words(row: &SimpleQueryRow) -> String {
    let values = (0..row.len()).map(|i| row.try_get(i).ok().flatten().unwrap_or("null"));
    cut(&values.collect::<Vec<_>>().join(" | "), ROWS_BYTES / 4)
}

fn cut(text: &str, most_chars: usize) -> String {
    match text.char_indices().nth(most_chars) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, is_yes};

    #[test]
    fn what_counts_as_yes() {
        for yes in ["t", "true", "1", "-3", "0.5", "Infinity"] {
            assert!(is_yes(yes), "{yes}");
        }
        for no in ["f", "false", "0", "0.0", "-0", "NaN", "", "yes", "on"] {
            assert!(!is_yes(no), "{no}");
        }
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü", 2), "äö...");
    }
}
