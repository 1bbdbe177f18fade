//! What a syntax tree says: the command, the number of statements, the relations.
//!
//! Owns the reading of squawk's trees. Sees no literals.

use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::{SourceFile, SyntaxElement, SyntaxKind, SyntaxNode};

use super::normalise::push_visible;

/// Most relations that are kept of one text.
const MAX_RELATIONS: usize = 100;

/// Longest name of a relation that is kept, in characters: database, schema and relation, in quotes.
const MAX_NAME_CHARS: usize = 200;

/// What the grammar says about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The command of the first statement.
    pub command: String,
    /// Statements that are not empty.
    pub statements: u32,
    /// The relations all statements name, in the order in which they first occur; `…` at the end when there
    /// are more.
    pub relations: Vec<String>,
}

/// Parses a text; `None` when it has a syntax error or no statement.
pub(super) fn read(text: &str) -> Option<Parsed> {
    strict(text).ok().flatten()
}

/// Parses a text; `None` when it has no statement.
///
/// # Errors
/// The first byte that the grammar refuses, and why.
pub(super) fn strict(text: &str) -> Result<Option<Parsed>, (usize, String)> {
    let parse = SourceFile::parse(text);
    if let Some(error) = parse.errors().first() {
        return Err((error.range().start().into(), error.message().to_owned()));
    }
    let file = parse.tree();
    let mut statements = file.stmts().filter(|statement| !matches!(statement, Stmt::EmptyStmt(_)));
    let Some(first) = statements.next() else { return Ok(None) };
    let more = u32::try_from(statements.count()).unwrap_or(u32::MAX);
    let command = command(first.syntax());
    Ok(Some(Parsed { command, statements: more.saturating_add(1), relations: relations(file.syntax()) }))
}

/// The name of a statement: that of its node, in PostgreSQL's words.
pub(super) fn command(statement: &SyntaxNode) -> String {
    let name = match statement.kind() {
        SyntaxKind::COMMENT_ON => "COMMENT",
        SyntaxKind::COMMIT_TRANSACTION => "COMMIT",
        SyntaxKind::COMPOUND_SELECT | SyntaxKind::PAREN_SELECT | SyntaxKind::TABLE | SyntaxKind::VALUES => {
            "SELECT"
        }
        SyntaxKind::DROP_TEXT_SEARCH_CONFIG => "DROP TEXT SEARCH CONFIGURATION",
        SyntaxKind::DROP_TEXT_SEARCH_DICT => "DROP TEXT SEARCH DICTIONARY",
        SyntaxKind::LOCK => "LOCK TABLE",
        SyntaxKind::REASSIGN => "REASSIGN OWNED",
        SyntaxKind::REFRESH => "REFRESH MATERIALIZED VIEW",
        SyntaxKind::RESET_ROLE | SyntaxKind::RESET_SESSION_AUTH => "RESET",
        SyntaxKind::ROLLBACK_TRANSACTION => "ROLLBACK",
        SyntaxKind::SAVEPOINT_CREATE => "SAVEPOINT",
        SyntaxKind::SET_SESSION_AUTH => "SET SESSION AUTHORIZATION",
        kind => return format!("{kind:?}").replace('_', " "),
    };
    name.to_owned()
}

/// The relations named in a tree, each once, without what is a common table expression of the text.
fn relations(tree: &SyntaxNode) -> Vec<String> {
    let named = |wanted: fn(SyntaxKind) -> bool| {
        tree.descendants().filter(move |node| wanted(node.kind())).map(|node| written(&node))
    };
    let expressions: Vec<_> = named(|kind| kind == SyntaxKind::CTE_NAME).collect();
    let mut found = Vec::new();
    for name in named(is_relation) {
        if name.is_empty() || expressions.contains(&name) || found.contains(&name) {
            continue;
        }
        if found.len() == MAX_RELATIONS {
            found.push("…".to_owned());
            break;
        }
        found.push(name);
    }
    found
}

/// Whether such a node is the name of a relation.
fn is_relation(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::TABLE_NAME
            | SyntaxKind::TABLE_NAME_REF
            | SyntaxKind::RELATION_NAME_REF
            | SyntaxKind::INDEX
            | SyntaxKind::INDEX_REF
            | SyntaxKind::VIEW
            | SyntaxKind::VIEW_REF
            | SyntaxKind::SEQUENCE
            | SyntaxKind::SEQUENCE_REF
    )
}

/// A name as it is written, without the space between its parts, safe to show.
pub(super) fn written(name: &SyntaxNode) -> String {
    let tokens = name.descendants_with_tokens().filter_map(SyntaxElement::into_token);
    let mut out = String::new();
    for token in tokens.filter(|token| !token.text().trim_ascii().is_empty()) {
        push_visible(&mut out, token.text(), MAX_NAME_CHARS);
    }
    if let Some((cut, _)) = out.char_indices().nth(MAX_NAME_CHARS) {
        out.truncate(cut);
        out.push('…');
    }
    out
}
