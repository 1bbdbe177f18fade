//! One statement whose author is known: a plan's.
//!
//! Owns the way of a statement to the grammar and back, under the same bounds as the texts of others: no literal reaches
//! the parser, and its thread has the room that the deepest text needs. Decides nothing about what is read.

use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::{SourceFile, SyntaxNode};

use super::parser::Parser;
use super::{kind, lexer, tree};

/// A name as it is written, without the space between its parts, safe to show.
pub(crate) fn written(name: &SyntaxNode) -> String {
    tree::written(name)
}

/// The kind of a statement, and what `read` makes of its tree; `None` where the grammar refuses it, where it is not
/// one statement, and where it is too much for the parser. Strings in the tree are empty, numbers are 0 or 1.
pub(crate) fn statement<T: Send + 'static>(sql: &str, read: fn(&SyntaxNode) -> T) -> (String, Option<T>) {
    let tokens = lexer::tokens(sql, false);
    let bare: Vec<_> = tokens.iter().filter(|token| !token.is_blank()).copied().collect();
    let outline = kind::outline(&bare);
    let parser = Parser::with(move |text| one(text, read));
    let parsed = parser.ok().and_then(|parser| parser.patient().parse(&tokens));
    match parsed {
        Some((command, read)) => (kind::refine(&command, outline.first), Some(read)),
        None => (kind::by_keywords(outline.first).unwrap_or_else(|| kind::UNKNOWN.to_owned()), None),
    }
}

fn one<T>(text: &str, read: fn(&SyntaxNode) -> T) -> Option<(String, T)> {
    let parse = SourceFile::parse(text);
    if !parse.errors().is_empty() {
        return None;
    }
    let file = parse.tree();
    let mut statements = file.stmts().filter(|statement| !matches!(statement, Stmt::EmptyStmt(_)));
    let (first, more) = (statements.next()?, statements.next());
    more.is_none().then(|| (tree::command(first.syntax()), read(first.syntax())))
}
