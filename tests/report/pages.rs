//! Every format tells the same story.

use lockpit::report::story::Kind;
use lockpit::report::{self, Page};

use crate::support::{page, story};

const FLIGHTS: [&str; 5] = ["tripped", "jam", "blind", "prepared", "plan"];

/// The release is not part of what a report says of a flight.
fn settled(page: &str) -> String {
    page.replace(&format!("reported by lockpit {}", env!("CARGO_PKG_VERSION")), "reported by lockpit RELEASE")
        .replace(&format!("\"made_by\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"made_by\": \"RELEASE\"")
}

#[test]
fn tickets_are_as_they_were_approved() {
    insta::with_settings!({snapshot_path => "../snapshots/report", prepend_module_to_snapshot => false, omit_expression => true}, {
        for name in FLIGHTS {
            insta::assert_snapshot!(format!("{name}.md"), settled(&page(name, Page::Markdown)));
        }
    });
}

#[test]
fn facts_are_as_they_were_approved() {
    insta::with_settings!({snapshot_path => "../snapshots/report", prepend_module_to_snapshot => false, omit_expression => true}, {
        for name in FLIGHTS {
            let mut story = story(name);
            // Points are many, and checked where they are made.
            for window in [&mut story.course].into_iter().chain(story.trips.iter_mut().filter_map(|trip| trip.window.as_mut())).chain(story.worst.iter_mut().filter_map(|worst| worst.window.as_mut())) {
                window.series.iter_mut().for_each(|series| series.points.truncate(2));
            }
            let text = report::write(&story, Page::Json).expect("JSON");
            insta::assert_snapshot!(format!("{name}.json"), settled(&text));
        }
    });
}

#[test]
fn the_schema_in_assets_is_that_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/report.schema.json");
    let now = report::story::schema();
    if std::env::var_os("LOCKPIT_BLESS").is_some() {
        std::fs::write(&path, &now).expect("assets can be written");
    }
    let pinned = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        pinned, now,
        "reports in JSON have changed: bless the schema, and number it anew if readers notice"
    );
}

#[test]
fn a_page_needs_no_network_and_no_script_and_is_well_formed() {
    for name in FLIGHTS {
        let page = page(name, Page::Html);
        // Names of XML namespaces are no addresses that anybody fetches.
        let rest = page.replace("http://www.w3.org/2000/svg", "");
        for part in [
            "http:",
            "https:",
            "//",
            "<script",
            "javascript:",
            "onload",
            "src=",
            "@import",
            "url(h",
            "<link",
            "href=",
        ] {
            assert!(!rest.contains(part), "{name}: {part}");
        }
        well_formed(&page);
    }
}

#[test]
fn a_page_has_every_sentence() {
    for name in FLIGHTS {
        let (story, page) = (story(name), page(name, Page::Html));
        let escaped = |text: &str| {
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
        };
        let mut sentences: Vec<&str> =
            vec![&story.totals.sentence, &story.integrity.sentence, &story.drift.sentence];
        sentences.extend(story.trips.iter().map(|trip| trip.sentence.as_str()));
        sentences.extend(story.over.iter().map(|over| over.sentence.as_str()));
        sentences.extend(story.stops.iter().filter_map(|stop| stop.sentence.as_deref()));
        sentences.extend(story.gaps.iter().map(|gap| gap.why.as_str()));
        sentences.extend(story.not_seen.iter().map(String::as_str));
        sentences.extend(story.timeline.iter().map(|entry| entry.text.as_str()));
        for sentence in sentences {
            assert!(page.contains(&escaped(sentence)), "{name}: {sentence}");
        }
    }
}

#[test]
fn every_format_tells_what_became_of_the_plan() {
    let plan = story("plan").plan.expect("a plan was flown");
    let stages: Vec<(&str, &str)> =
        plan.steps.iter().map(|step| (step.id.as_str(), step.stage.as_str())).collect();
    let expected = [("note", "done"), ("by-status", "done"), ("release", "done"), ("one-each", "failed")];
    assert_eq!((stages.as_slice(), plan.ending.as_str()), (&expected[..], "failed"));
    let note = &plan.steps[0];
    assert!(note.waited_for.as_ref().is_some_and(|who| who.starts_with("report-job (pid ")), "{note:?}");
    assert!(note.waited_ms.is_some_and(|ms| ms >= 900) && note.attempts >= 1, "{note:?}");
    let ticket = page("plan", Page::Markdown);
    let html = page("plan", Page::Html);
    for part in [
        "orders-delivery",
        "logistics",
        "alter table orders add column delivery_note text",
        "the command line, in advance",
        "DROP INDEX CONCURRENTLY public.orders_one_each",
        "not done in this flight",
        &plan.digest[..12],
    ] {
        assert!(ticket.contains(part), "{part:?} is not in the ticket\n{ticket}");
        assert!(html.contains(part), "{part:?} is not on the page");
    }
    assert!(story("jam").plan.is_none() && !page("jam", Page::Html).contains("The plan"));
}

#[test]
fn what_was_not_measured_is_said_and_never_drawn() {
    let (story, page) = (story("tripped"), page("tripped", Page::Html));
    assert!(
        story
            .not_measured
            .iter()
            .any(|one| one.what == "probe latency" && one.why == "no probe in this flight")
    );
    assert!(page.contains("<strong>probe latency</strong>: not measured: no probe in this flight"));
    assert!(!page.contains("aria-label=\"Replication lag"), "a plot of nothing");
    assert!(page.contains("aria-label=\"Sessions that wait around trip 1\""));
}

#[test]
fn blindness_is_a_gap_and_is_hatched() {
    let (story, page) = (story("blind"), page("blind", Page::Html));
    assert!(story.timeline.iter().any(|entry| entry.kind == Kind::Gap));
    assert!(page.contains("fill=\"url(#hatch)\""));
    let waiting = story.course.series.iter().find(|series| series.signal == report::plan::Signal::Waiting);
    let points = &waiting.expect("every signal is there").points;
    assert!(points.iter().any(|(at, value)| value.is_none() && (4_700..9_500).contains(at)), "{points:?}");
    assert!(!page.contains("<script"));
}

/// Every element that is opened is closed, in order.
fn well_formed(page: &str) {
    const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix("!--") {
            rest = &after[after.find("-->").expect("a comment ends") + 3..];
            continue;
        }
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes in <{tag}>");
        assert!(!tag.contains('<'), "<{tag}>");
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed by </{name}>");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        rest = &rest[end + 1..];
        if name == "style" && !tag.starts_with('/') {
            rest = &rest[rest.find("</style>").expect("a style ends")..];
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}
