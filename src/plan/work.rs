//! What a step does besides statements, and what is asked after it.
//!
//! Owns gates, programs, backfills, checks and items as they are written.

use super::faults::Faults;
use super::keys;
use super::script::StepScript;
use super::section::{Section, Text};
use super::variables::literal;
use super::{Backfill, Context, Wishes, sql};
use crate::engine::plan::{Check, CheckKind, Gate, Work};
use crate::pg::text::script;

/// How often the query of a gate is asked unless it says otherwise, in milliseconds.
const EVERY_MS: u64 = 5_000;
/// How long a program may run unless it says otherwise, in milliseconds.
const PROGRAM_LIMIT_MS: u64 = 5 * 60 * 1_000;
/// What stands before a table whose partitions are items.
const PARTITIONS_OF: &str = "partitions of ";
/// What stands before a query that finds items.
const QUERY: &str = "query:";

/// A gate.
pub(super) fn gate(section: &Section<'_>, script: &mut StepScript, context: &Context<'_>) -> Option<Work> {
    let gate = section.section("gate", &keys::GATE)?;
    let check = gate.text("check").and_then(|text| sql::query("check", &text, context));
    let soak_ms = gate.duration("soak");
    let ask = gate.text("ask").map(|text| text.text);
    let has = |key| gate.place(key).is_some();
    if !has("ask") && !has("check") && !has("soak") {
        context
            .faults
            .at(gate.at, "the gate waits for nothing: it has `ask`, `check`, `soak`, or several of them");
    }
    if has("every") && !has("check") {
        context.faults.at(gate.at, "`every` says how often `check` is asked, and there is none");
    }
    let said = check.map(|(query, said)| {
        script.gate = Some(query);
        said
    });
    Some(Work::Gate(Gate {
        ask,
        check: said,
        every_ms: gate.duration("every").unwrap_or(EVERY_MS),
        limit_ms: gate.duration("limit"),
        soak_ms,
    }))
}

/// A program.
pub(super) fn command(section: &Section<'_>, script: &mut StepScript, context: &Context<'_>) -> Option<Work> {
    let command = section.section("command", &keys::COMMAND)?;
    let limit_ms = command.duration("timeout").unwrap_or(PROGRAM_LIMIT_MS);
    script.program = program(&command, "run", context.faults)?;
    Some(Work::Program { program: script.program.first()?.clone(), limit_ms })
}

/// A program with its arguments, from a list or, when that is asked for, by a shell.
pub(super) fn program(section: &Section<'_>, key: &str, faults: &Faults<'_>) -> Option<Vec<String>> {
    match (section.place(key), section.place("shell")) {
        (Some(_), Some(at)) => {
            faults.at(at, format!("there is either `{key}` or `shell`"));
            None
        }
        (None, None) => {
            faults
                .at(section.at, format!("no program is named: write `{key} = [\"program\", \"argument\"]`"));
            None
        }
        (None, Some(_)) => Some(vec!["sh".to_owned(), "-c".to_owned(), section.text("shell")?.text]),
        (Some(at), None) => {
            let words: Vec<String> = section.texts(key)?.into_iter().map(|word| word.text).collect();
            let program = words.first()?;
            if program.trim().is_empty() || words.iter().any(|word| word.contains('\0')) {
                faults.at(
                    at,
                    format!("`{key}` begins with the name of a program, and no word has a zero byte"),
                );
                return None;
            }
            if words.len() == 1 && program.contains(' ') {
                faults.at(
                    at,
                    format!("`{key}` is a list of words, one for each argument; a whole line is `shell`"),
                );
                return None;
            }
            Some(words)
        }
    }
}

/// A backfill. Its statements are made elsewhere; here they are made once, to be read.
pub(super) fn backfill(section: &Section<'_>, wishes: &mut Wishes, context: &Context<'_>) -> Option<Work> {
    let backfill = section.section("backfill", &keys::BACKFILL)?;
    let (table, key) = (name(&backfill, "table", 3, context), name(&backfill, "key", 1, context));
    let set =
        backfill.text("set").and_then(|text| clause(&text, &[("update x set ", " where true")], context));
    let filter = backfill.text("where").map(|text| clause(&text, &CONDITION, context));
    let read = Backfill {
        table: table?,
        key: key?,
        set: set?,
        filter: filter.map_or(Some(None), |it| it.map(Some))?,
    };
    let table = read.table.clone();
    wishes.backfill = Some(read);
    Some(Work::Backfill { table })
}

/// A condition is one with brackets around it and without.
const CONDITION: [(&str, &str); 2] = [("select 1 from x where (", ")"), ("select 1 from x where ", "")];

/// A piece of SQL that makes a statement between each `before` and `after`; its variables have their values.
fn clause(source: &Text, around: &[(&str, &str)], context: &Context<'_>) -> Option<String> {
    let expanded = context.variables.expand(source, context.faults);
    if expanded.names_item {
        context.faults.at(source.at, "${item} is the item of `for_each`, which a backfill has not");
        return None;
    }
    for (before, after) in around {
        // On a line of its own, because a comment may end the piece.
        let (pieces, faults) = script::split(&format!("{before}{}\n{after}", expanded.sql));
        if let Some(fault) = faults.first() {
            let at = fault.at.saturating_sub(before.len()).min(expanded.sql.len().saturating_sub(1));
            context.faults.at(expanded.byte(at), &fault.why);
            return None;
        }
        if pieces.len() != 1 {
            context.faults.at(source.at, "a semicolon has no place here");
            return None;
        }
    }
    Some(expanded.sql)
}

/// A name of SQL with at most so many parts.
fn name(section: &Section<'_>, key: &str, most_parts: usize, context: &Context<'_>) -> Option<String> {
    let text = section.text(key)?;
    match parts_of_name(&text.text) {
        Some(parts) if parts.len() <= most_parts => Some(text.text),
        _ => {
            let wanted =
                if most_parts == 1 { "a name, quoted where SQL needs it" } else { "a table: `t`, `s.t`" };
            context.faults.at(text.at, format!("`{key}` is {wanted}"));
            None
        }
    }
}

/// The parts of a name as SQL writes it, each as written; `None` when it is none.
pub(super) fn parts_of_name(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let len = match rest.strip_prefix('"') {
            Some(inside) => {
                let mut end = 0;
                loop {
                    end += inside[end..].find('"')? + 1;
                    if !inside[end..].starts_with('"') {
                        break;
                    }
                    end += 1;
                }
                if end == 1 { 0 } else { end + 1 }
            }
            None => {
                let is_good = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
                rest.find(|c| !is_good(c)).unwrap_or(rest.len())
            }
        };
        let (part, after) = rest.split_at(len);
        if part.is_empty() || part.starts_with(|c: char| c.is_ascii_digit() || c == '$') {
            return None;
        }
        parts.push(part.to_owned());
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

/// What is asked once a step is through, and the statements that ask it.
pub(super) fn checks(section: &Section<'_>, context: &Context<'_>) -> (Vec<Check>, Vec<String>) {
    let sections = section.sections("check", &keys::CHECK);
    sections.iter().filter_map(|section| check(section, context)).unzip()
}

fn check(section: &Section<'_>, context: &Context<'_>) -> Option<(Check, String)> {
    let name = section.text("name").map(|name| name.text);
    let kinds: Vec<&str> =
        ["sql", "uses_index", "filled"].into_iter().filter(|key| section.place(key).is_some()).collect();
    let [kind] = kinds[..] else {
        context.faults.at(section.at, "a check has one of `sql`, `uses_index` with `query`, and `filled`");
        return None;
    };
    if (kind == "uses_index") != section.place("query").is_some() {
        context
            .faults
            .at(section.at, "`uses_index` and `query` belong together: the index, and who must use it");
        return None;
    }
    match kind {
        "sql" => {
            let (query, said) = sql::query("sql", &section.text("sql")?, context)?;
            Some((Check { name: name.unwrap_or(said), kind: CheckKind::Holds }, query))
        }
        "uses_index" => {
            let index = section.text("uses_index");
            let (query, _) = sql::query("query", &section.text("query")?, context)?;
            let index = index?.text;
            let name = name.unwrap_or_else(|| format!("uses {index}"));
            Some((Check { name, kind: CheckKind::UsesIndex(index) }, format!("explain {query}")))
        }
        _ => {
            let text = section.text("filled")?;
            let parts = parts_of_name(&text.text).filter(|parts| parts.len() >= 2);
            let Some((column, table)) = parts.as_deref().and_then(<[String]>::split_last) else {
                context.faults.at(text.at, "`filled` is a column with its table: `users.email`");
                return None;
            };
            let table = table.join(".");
            let query = format!("select not exists (select from {table} where {column} is null)");
            let kind = CheckKind::Filled { table, column: column.clone() };
            Some((Check { name: name.unwrap_or_else(|| format!("{} is filled", text.text)), kind }, query))
        }
    }
}

/// Where the items of a step come from, for people, and the query that finds them.
pub(super) fn items(section: &Section<'_>, context: &Context<'_>) -> Option<(String, String)> {
    section.place("for_each")?;
    if section.is_table("for_each") {
        let table = section.section("for_each", &keys::FOR_EACH)?;
        let (query, said) = sql::query("query", &table.text("query")?, context)?;
        return Some((format!("rows of {said}"), query));
    }
    let text = section.text("for_each")?;
    if let Some(table) = text.text.strip_prefix(PARTITIONS_OF) {
        let table = table.trim();
        if parts_of_name(table).is_none_or(|parts| parts.len() > 2) {
            context.faults.at(text.at, "`partitions of` is followed by a table: `partitions of events`");
            return None;
        }
        return Some((format!("partitions of {table}"), partitions(table)));
    }
    if let Some(query) = text.text.strip_prefix(QUERY) {
        let (query, said) = sql::query("for_each", &text.from(text.text.len() - query.len()), context)?;
        return Some((format!("rows of {said}"), query));
    }
    context.faults.at(text.at, "`for_each` is \"partitions of TABLE\", or \"query: select ..\"");
    None
}

/// The query that finds the partitions of a table that hold rows, at any depth, and not those pending detach.
fn partitions(table: &str) -> String {
    format!(
        "with recursive tree(relation) as (\
         select {}::pg_catalog.regclass::pg_catalog.oid \
         union all \
         select i.inhrelid from pg_catalog.pg_inherits i join tree on i.inhparent = tree.relation \
         where not i.inhdetachpending\
         ) \
         select pg_catalog.format('%I.%I', n.nspname, c.relname) \
         from tree join pg_catalog.pg_class c on c.oid = tree.relation \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where c.relkind = 'r' order by n.nspname, c.relname",
        literal(table)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_sql_writes_them() {
        let parts = |text| parts_of_name(text).map(|parts| parts.join("|"));
        assert_eq!(parts("users").as_deref(), Some("users"));
        assert_eq!(parts("app.\"Odd.\"\"Name\".c$1").as_deref(), Some("app|\"Odd.\"\"Name\"|c$1"));
        for wrong in ["", ".", "a.", ".a", "a b", "a;b", "\"a", "\"\"", "1a", "a\"b\"", "a--"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
