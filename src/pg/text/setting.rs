//! Statements that change what later statements of their session mean.
//!
//! Owns telling a SET that lasts from one that ends with its transaction.

use super::lexer::tokens;

/// Whether `sql` changes settings of its session beyond its transaction.
pub(in crate::pg) fn outlasts_its_transaction(sql: &str) -> bool {
    let tokens = tokens(sql, false);
    let mut words = tokens.iter().filter(|token| !token.is_blank());
    let Some(first) = words.next() else { return false };
    let of_transaction = ["LOCAL", "TRANSACTION", "CONSTRAINTS"];
    match words.next() {
        Some(second) if first.is("SET") => !of_transaction.iter().any(|word| second.is(word)),
        Some(_) => first.is("RESET"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::outlasts_its_transaction;

    #[test]
    fn what_a_session_keeps_is_told_from_what_a_transaction_keeps() {
        let cases = [
            ("SET search_path = app", true),
            ("-- where\nset /* now */ role owner", true),
            ("set session characteristics as transaction read only", true),
            ("reset all", true),
            ("set local search_path = app", false),
            ("set transaction read only", false),
            ("set constraints all deferred", false),
            ("alter table t set (fillfactor = 50)", false),
            ("", false),
            ("set", false),
        ];
        for (sql, outlasts) in cases {
            assert_eq!(outlasts_its_transaction(sql), outlasts, "{sql}");
        }
    }
}
