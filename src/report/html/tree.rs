//! The lock tree, drawn as nested lists: it wraps on a telephone and can be read aloud.

use maud::{Markup, html};

use crate::report::story::Node;
use crate::report::words;

/// Deeper rows stand no further to the right.
const MOST_DEPTH: u32 = 12;

/// The rows of a tree, from top to bottom.
pub(super) fn tree(rows: &[Node]) -> Markup {
    html! { ul.tree { (children(rows, 0)) } }
}

/// The rows of one depth, each with what stands below it.
fn children(rows: &[Node], depth: u32) -> Markup {
    let mut items = Vec::new();
    let mut rest = rows;
    while let Some((first, after)) = rest.split_first() {
        let below = after.iter().take_while(|node| node.depth > depth).count();
        items.push((first, &after[..below]));
        rest = &after[below..];
    }
    html! {
        @for (node, below) in items {
            li {
                (row(node))
                @if !below.is_empty() {
                    @if depth < MOST_DEPTH { ul { (children(below, depth + 1)) } } @else { ul { (flat(below)) } }
                }
            }
        }
    }
}

fn flat(rows: &[Node]) -> Markup {
    html! { @for node in rows { li { (row(node)) } } }
}

fn row(node: &Node) -> Markup {
    let is_root = node.depth == 0 && node.behind > 0;
    let class = match (node.is_target, is_root) {
        (true, _) => "who target",
        (false, true) => "who root",
        (false, false) => "who",
    };
    html! {
        div class=(class) {
            @if let Some(letter) = &node.letter { span.tag { (letter) } }
            @if node.is_target { span.tag style="color:var(--blue)" { "work under guard" } }
            @if is_root { span.tag.bad { "root blocker" } }
            strong { (words::who(node)) }
            @for part in words::does(node) { ", " (part) }
            @match (&node.text, node.kind.as_str()) {
                (Some(text), _) => { br; code { (text) } },
                (None, "") => {},
                (None, kind) => { br; span.dim { (kind) ", its text is not known" } },
            }
            @for sql in &node.rollback { pre { (sql) } }
        }
    }
}
