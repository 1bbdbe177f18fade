//! Names and texts come from servers and people, who may be hostile.

use lockpit::report::story::{CleanUp, Cost};
use lockpit::report::{self, Page, Story, notes};

use crate::support::story;

const CANARY: &str = "x\"'><script>alert(1)</script><img src=x onerror=y>|`@all #1 http://evil.example \u{1b}[31m\u{202e}\r\n# h";

/// A flight in which everything that comes from elsewhere is hostile.
fn poisoned() -> Story {
    let mut story = story("tripped");
    let evil = || CANARY.to_owned();
    story.log = evil();
    story.flight.operator = Some(evil());
    story.flight.label = Some(evil());
    story.flight.server = evil();
    story.flight.role = Some(evil());
    story.flight.server_version = Some(evil());
    story.flight.reason = Some(evil());
    for target in &mut story.targets {
        (target.application, target.role, target.text, target.lock) =
            (evil(), evil(), Some(evil()), Some(evil()));
    }
    for trip in &mut story.trips {
        trip.sentence = evil();
    }
    for stop in &mut story.stops {
        stop.sentence = Some(evil());
        stop.by = Some(evil());
        let clean_up = vec![CleanUp { text: evil(), is_sql: true }];
        stop.cost = Some(Cost { lost: evil(), leaves: evil(), clean_up });
    }
    for node in story.worst.iter_mut().flat_map(|worst| &mut worst.tree) {
        (node.application, node.role, node.text, node.awaits) = (evil(), evil(), Some(evil()), Some(evil()));
    }
    for hit in &mut story.blast.applications {
        hit.application = evil();
    }
    story.blast.relations = vec![evil()];
    let notes = notes::parse(&format!("+1s {}", CANARY.replace(['\r', '\n'], " "))).expect("a remark");
    notes::add(&mut story, notes).expect("it has a place");
    story
}

#[test]
fn nothing_hostile_comes_alive_in_a_page() {
    let page = report::write(&poisoned(), Page::Html).expect("a page");
    for part in ["<script", "<img", "x\"'>", "\u{1b}", "\u{202e}", "\r"] {
        assert!(!page.contains(part), "{part:?}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("\\u{1b}[31m\\u{202e}"), "what cannot be seen is shown");
}

#[test]
fn nothing_hostile_comes_alive_in_a_ticket() {
    let page = report::write(&poisoned(), Page::Markdown).expect("a ticket");
    for part in ["\u{1b}", "\u{202e}", "\r"] {
        assert!(!page.contains(part), "{part:?}");
    }
    assert!(page.lines().all(|line| !line.starts_with("# h")), "a name made a heading");
    for line in page.lines().filter(|line| line.contains("<script>")) {
        assert!(
            outside_code(line).is_empty()
                || !outside_code(line).contains(['<', '@', '#'])
                || line.starts_with("# Flight"),
            "{line}"
        );
        assert!(!outside_code(line).contains("script"), "{line}");
        assert!(!outside_code(line).contains("http"), "{line}");
    }
}

/// What is left of a line without its spans of code.
fn outside_code(line: &str) -> String {
    let (mut outside, mut rest) = (String::new(), line);
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        rest = &rest[start..];
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let fence = &rest[..ticks];
        let after = &rest[ticks..];
        let mut from = 0;
        let end = loop {
            let Some(found) = after[from..].find(fence) else { return outside + after };
            let at = from + found;
            let run = after[at..].len() - after[at..].trim_start_matches('`').len();
            if run == ticks {
                break at + ticks;
            }
            from = at + run;
        };
        rest = &after[end..];
    }
    outside + rest
}
