//! What statements do that read and write rows.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::filling::calls_unknown;
use super::node::{child, holds, relation, relations, words};
use crate::engine::plan::form::{Act, Deed};
use crate::pg::text::written;

/// Reads and writes of a statement, and the functions it calls that may do anything.
pub(super) fn acts(node: &SyntaxNode) -> Vec<Act> {
    let expressions: Vec<String> = node
        .descendants()
        .filter(|inner| inner.kind() == SyntaxKind::CTE_NAME)
        .map(|inner| written(&inner))
        .collect();
    let written: Vec<String> = node.descendants().filter(is_write).map(|inner| target(&inner)).collect();
    let read = if holds(node, SyntaxKind::LOCKING_CLAUSE) { Deed::ReadForUpdate } else { Deed::Read };
    let mut acts: Vec<Act> = Vec::new();
    for relation in written.iter().cloned().chain(relations(node)) {
        if relation.is_empty() || acts.iter().any(|act| act.relation == relation) {
            continue;
        }
        let writes = written.contains(&relation);
        if writes || !expressions.contains(&relation) {
            acts.push(Act::new(if writes { Deed::Write } else { read }, relation));
        }
    }
    if calls_unknown(node) {
        acts.push(Act::new(Deed::Unknown, "").about(Some("a function it calls".to_owned())));
    }
    if acts.is_empty() {
        acts.push(Act::new(Deed::Nothing, ""));
    }
    acts
}

/// COPY of a table, or of a query.
pub(super) fn copy(node: &SyntaxNode) -> Vec<Act> {
    let Some(table) = child(node, SyntaxKind::COPY_TABLE) else { return acts(node) };
    let writes = words(node).contains(" from ");
    vec![Act::new(if writes { Deed::Write } else { Deed::Read }, relation(&table))]
}

fn is_write(node: &SyntaxNode) -> bool {
    matches!(node.kind(), SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::MERGE)
}

/// The table that a statement writes: the first one after its WITH.
fn target(node: &SyntaxNode) -> String {
    let parts = node.children().filter(|child| child.kind() != SyntaxKind::WITH_CLAUSE);
    parts.map(|part| relation(&part)).find(|name| !name.is_empty()).unwrap_or_default()
}
