//! Small questions to a syntax tree.

use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use crate::pg::text::written;

/// Kinds of nodes that are the name of a relation.
const RELATIONS: [SyntaxKind; 9] = [
    SyntaxKind::TABLE_NAME,
    SyntaxKind::TABLE_NAME_REF,
    SyntaxKind::RELATION_NAME_REF,
    SyntaxKind::INDEX,
    SyntaxKind::INDEX_REF,
    SyntaxKind::VIEW,
    SyntaxKind::VIEW_REF,
    SyntaxKind::SEQUENCE,
    SyntaxKind::SEQUENCE_REF,
];

/// The first child of this kind.
pub(super) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

/// Whether there is a child of this kind.
pub(super) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    child(node, kind).is_some()
}

/// Whether there is a node of this kind in it, at any depth.
pub(super) fn holds(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.descendants().any(|inner| inner.kind() == kind)
}

/// Whether this keyword stands in it, outside of its parts.
pub(super) fn token(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().filter_map(SyntaxElement::into_token).any(|token| token.kind() == kind)
}

/// The name of the first node of this kind in it, at any depth, as written.
pub(super) fn name(node: &SyntaxNode, kind: SyntaxKind) -> Option<String> {
    node.descendants().find(|inner| inner.kind() == kind).map(|inner| written(&inner))
}

/// The relations named in it, in their order, as often as they are named.
pub(super) fn relations(node: &SyntaxNode) -> Vec<String> {
    let named = node.descendants().filter(|inner| RELATIONS.contains(&inner.kind()));
    named.map(|inner| written(&inner)).filter(|name| !name.is_empty()).collect()
}

/// Whether ONLY stands before the relation it names first.
pub(super) fn is_only(node: &SyntaxNode) -> bool {
    let named = relation_nodes(node).next();
    named.is_some_and(|named| {
        named.ancestors().skip(1).take(2).any(|outer| token(&outer, SyntaxKind::ONLY_KW))
    })
}

/// The nodes in it that name relations.
pub(super) fn relation_nodes(node: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    node.descendants().filter(|inner| RELATIONS.contains(&inner.kind()))
}

/// The relation it names first; empty where it names none.
pub(super) fn relation(node: &SyntaxNode) -> String {
    relations(node).into_iter().next().unwrap_or_default()
}

/// The relations that its children of this kind name.
pub(super) fn relations_in(node: &SyntaxNode, kind: SyntaxKind) -> Vec<String> {
    node.children().filter(|child| child.kind() == kind).flat_map(|child| relations(&child)).collect()
}

/// Words in it, in lower case, as they follow each other.
pub(super) fn words(node: &SyntaxNode) -> String {
    let tokens = node.descendants_with_tokens().filter_map(SyntaxElement::into_token);
    let words = tokens.filter(|token| !token.text().trim_ascii().is_empty());
    words.map(|token| token.text().to_ascii_lowercase()).collect::<Vec<_>>().join(" ")
}
