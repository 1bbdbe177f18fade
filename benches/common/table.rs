//! Markdown tables and order statistics.

/// Prints a table whose columns line up also as plain text.
#[expect(clippy::print_stdout, reason = "a benchmark's result goes to whoever runs it")]
pub(crate) fn print(title: &str, head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let line = |cells: &[String]| {
        let cells: Vec<String> =
            cells.iter().enumerate().map(|(i, cell)| format!("{cell:<width$}", width = width(i))).collect();
        format!("| {} |", cells.join(" | "))
    };
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule: Vec<String> = (0..head.len()).map(|i| "-".repeat(width(i))).collect();
    println!("\n{title}\n\n{}\n| {} |", line(&head), rule.join(" | "));
    rows.iter().for_each(|row| println!("{}", line(row)));
}

/// The value below which `percent` of the values lie (nearest rank); 0 of nothing.
pub(crate) fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// Microseconds as milliseconds with one decimal place, exactly.
pub(crate) fn ms(us: u64) -> String {
    let tenths = (us + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Milliseconds as seconds with two decimal places.
pub(crate) fn seconds(ms: u64) -> String {
    let hundredths = (ms + 5) / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// `of` as a multiple of `one`, with one decimal place.
pub(crate) fn ratio(of: u64, one: u64) -> String {
    if one == 0 {
        return "-".to_owned();
    }
    let tenths = (of * 10 + one / 2) / one;
    format!("{}.{}x", tenths / 10, tenths % 10)
}
