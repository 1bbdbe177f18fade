use super::thousands;
use crate::engine::host::{HostBackend, HostFacts, IoBytes, Machine, Memory};
use crate::engine::ids::{At, BackendId, Pid};
use crate::engine::input::{Conn, Input, Link, LinkState};
use crate::engine::sample::{BackendKind, Fact, State};
use crate::engine::story::{Story, armed, session};
use crate::engine::testing::{A, B, Look, calm, client, forgotten_reader, jam};
use crate::screen::glyphs::GlyphSet;
use crate::screen::ui::{Row, Sort, View};
use crate::screen::views::stage::Stage;

const OLD: Pid = Pid(50);
const OWN: Pid = Pid(10);

fn crowd() -> Look {
    jam(3)
        .with(client(Pid(60)).app("Zebra").transaction_from(500))
        .with(client(OLD).app("abacus").transaction_from(-9_000).state(State::IdleInTransaction))
        .with(client(OWN).kind(BackendKind::Lockpit).app("lockpit/control").transaction_from(-90_000))
}

fn stage(look: Look) -> Stage {
    Stage::look(look, View::Activity)
}

fn pids(numbers: &[i32]) -> Vec<Pid> {
    numbers.iter().copied().map(Pid).collect()
}

/// The pids in the order of the lines of a screen.
fn drawn_pids(stage: &Stage, width: u16, height: u16) -> Vec<Pid> {
    let lines = stage.lines(width, height);
    let is_heading = |line: &String| line.contains("tree") && line.contains("statement");
    let first = lines.iter().position(is_heading).expect("a heading") + 1;
    let number = |line: &String| line.chars().skip(2).take(7).collect::<String>().trim().parse().ok();
    lines[first..].iter().map_while(number).map(Pid).collect()
}

#[test]
fn the_most_harmful_stand_first_and_lockpits_own_last() {
    let stage = stage(crowd());
    assert_eq!(stage.pids(), pids(&[A.0, B.0, 200, 201, 202, 50, 60, 10]));
    let text = stage.text(200, 40);
    for words in ["A ROOT", "B TARGET", "victim", "lockpit", "1 of lockpit's own last", "sorted by harm"] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }
}

#[test]
fn every_order_can_be_turned_round() {
    let mut stage = stage(crowd());
    stage.ui.sort = Sort::Pid;
    assert_eq!(stage.pids(), pids(&[10, 50, 60, 101, 102, 200, 201, 202]));
    stage.ui.reversed = true;
    assert_eq!(stage.pids(), pids(&[202, 201, 200, 102, 101, 60, 50, 10]));
    stage.ui.sort = Sort::Harm;
    assert_eq!(stage.pids(), pids(&[10, 60, 50, 202, 201, 200, B.0, A.0]));
    (stage.ui.sort, stage.ui.reversed) = (Sort::Xact, false);
    assert_eq!(stage.pids()[..3], pids(&[A.0, 10, 50]));
    stage.ui.sort = Sort::Application;
    assert_eq!(stage.pids()[..2], pids(&[60, 50]));
}

#[test]
fn what_is_hidden_stands_last_whichever_way_ages_are_sorted() {
    let mut stage = stage(crowd().with(client(Pid(70)).masked()));
    stage.ui.sort = Sort::Xact;
    for reversed in [false, true] {
        stage.ui.reversed = reversed;
        assert_eq!(stage.pids().last(), Some(&Pid(70)), "reversed {reversed}");
    }
}

#[test]
fn the_sorted_column_is_marked_and_never_left_out() {
    let mut stage = stage(crowd());
    for (sort, heading) in [
        (Sort::Harm, "tree▼"),
        (Sort::Xact, "trans.▼"),
        (Sort::Query, "stmt.▼"),
        (Sort::Wait, "waits▼"),
        (Sort::Pid, "pid▲"),
        (Sort::Application, "application▲"),
        (Sort::State, "state▲"),
    ] {
        stage.ui.sort = sort;
        for width in [70, 80, 120, 200] {
            let text = stage.text(width, 30);
            assert!(text.contains(heading), "{heading} at {width}:\n{text}");
        }
    }
    stage.ui.reversed = true;
    assert!(stage.text(120, 30).contains("state▼"));
}

#[test]
fn sorting_by_cpu_says_when_cpu_is_not_known() {
    let mut stage = stage(crowd());
    stage.ui.sort = Sort::Cpu;
    assert!(stage.text(120, 30).contains("sorted by harm: cpu is not known"));
    assert_eq!(stage.pids()[0], A);
}

#[test]
fn a_filter_finds_any_cell_in_any_case_and_says_how_many() {
    let mut stage = stage(crowd());
    let mut found = |filter: &str| {
        stage.ui.filters.insert(View::Activity, filter.to_owned());
        let text = stage.text(160, 30);
        let title = text.lines().find(|line| line.contains("activity")).expect("a title").to_owned();
        (stage.pids(), title)
    };
    let (rows, title) = found("zEBRA");
    assert_eq!(rows, pids(&[60]));
    assert!(title.contains("1 of 8 have 'zEBRA'"), "{title}");
    assert_eq!(found("victim").0, pids(&[200, 201, 202]));
    assert_eq!(found("idle in transaction").0, pids(&[A.0, 50]));
    assert_eq!(found("alter").0, pids(&[B.0]));
    let (rows, title) = found("nothing like it");
    assert_eq!(rows, []);
    assert!(title.contains("0 of 8 have"), "{title}");
    assert!(stage.text(120, 30).contains("None of 8 sessions has 'nothing like it'."));
}

#[test]
fn what_a_login_may_not_see_is_hidden_and_neither_empty_nor_zero() {
    let stage = stage(calm().with(client(Pid(70)).masked()));
    let lines = stage.lines(200, 30);
    let row = lines.iter().find(|line| line.contains(" 70 ")).expect("a row");
    // State, wait event, transaction, statement's age, client, statement.
    assert_eq!(row.matches("hidden").count(), 6, "{row}");
    assert!(!row.contains(" 0 ") && !row.contains("0.0 s"), "{row}");
    assert!(row.contains("shop-web"), "{row}");
    assert!(lines.iter().any(|line| line.contains("1 session hidden from this login")));
    let summary = lines.iter().find(|line| line.contains("max_connections")).expect("a summary");
    assert!(summary.contains("0 or more active"), "{summary}");
}

#[test]
fn two_thousand_sessions_are_drawn_in_the_order_of_the_rows() {
    let mut stage = stage(jam(1_000).with_all((0..1_000).map(|n| {
        client(Pid(5_000 + n)).app(&format!("app{}", n % 7)).transaction_from(i64::from(-n * 13 % 997))
    })));
    let expected = 2_002;
    for sort in Sort::ALL {
        stage.ui.sort = sort;
        let rows = stage.pids();
        assert_eq!(rows.len(), expected);
        assert!(drawn_pids(&stage, 200, 2_020) == rows, "sorted by {}", sort.name());
    }
    assert!(stage.text(120, 30).contains("2,002 of 2,002 clients listed"));
    let last = stage.pids().last().copied().expect("a row");
    stage.ui.select(&[Row::Backend(session(last))], 0);
    assert!(stage.text(120, 30).contains("2,002 of 2,002 "), "the place of the selected row");
    assert!(drawn_pids(&stage, 120, 30).contains(&last), "the selected row is in sight");
}

#[test]
fn hostile_names_keep_the_columns_where_they_are() {
    let hostile =
        "\u{1b}[2J\u{202e}\r\n\t\u{7}宽宽宽宽宽宽宽宽e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{200b}";
    let mut who = client(Pid(70)).app(hostile);
    who.backend.wait_event = Some(hostile.into());
    who.backend.client = Some("宽".repeat(40).into());
    let stage = stage(calm().with(who).with(client(Pid(71))));
    for width in [60, 79, 80, 120, 200] {
        let buffer = stage.buffer(width, 30);
        let column = |y: u16| (0..width).filter(|x| buffer[(*x, y)].symbol() == "┃").collect::<Vec<_>>();
        let bordered: Vec<u16> = (4..26).collect();
        for y in bordered {
            assert_eq!(column(y), [0, width - 1], "line {y} of a screen of {width}");
        }
        let text = stage.text(width, 30);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
    let buffer = stage.buffer(80, 30);
    let at = |y: u16, words: &str| {
        (0..80 - 6).find(|x| (0..6).map(|n| buffer[(x + n, y)].symbol()).collect::<String>() == words)
    };
    let rows: Vec<Option<u16>> = (7..26).map(|y| at(y, "active")).filter(Option::is_some).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], rows[1], "the states stand below each other");
}

#[test]
fn the_statement_keeps_twelve_columns_at_eighty() {
    let stage = stage(crowd());
    for width in [80, 100, 120, 160, 200] {
        let lines = stage.lines(width, 24);
        let heading = lines.iter().find(|line| line.contains("statement")).expect("a heading");
        let from = heading.chars().collect::<String>().find("statement").expect("found");
        let before = heading[..from].chars().count();
        assert!(usize::from(width) - 1 - before >= 12, "{width}: {heading}");
    }
}

#[test]
fn a_machine_that_cannot_be_read_has_one_line_and_no_columns() {
    let stage = stage(crowd());
    let text = stage.text(200, 30);
    assert!(text.contains("host not known: the server's machine was not read"), "{text}");
    assert!(!text.contains("cpu %"), "{text}");
}

fn reading(ms: u64, cpu_us: u64, written_bytes: u64) -> Input {
    const GB: u64 = 1_024 * 1_024 * 1_024;
    let backend = session(A);
    let io = Some(IoBytes { read_bytes: 0, written_bytes });
    Input::Host(Box::new(Fact::Known(HostFacts {
        taken_at: At::from_ms(ms),
        sampler: BackendId { pid: Pid(900), backend_start: None },
        machine: Machine {
            cpus: 4,
            cpu: None,
            load_milli: Some([1_450, 0, 0]),
            memory: Some(Memory { total_bytes: 24 * GB, available_bytes: 3 * GB }),
        },
        backends: vec![HostBackend { backend, cpu_us, rss_bytes: 64 * 1_024 * 1_024, io }],
        unread: 1,
    })))
}

#[test]
fn a_machine_that_is_read_has_its_figures_and_what_was_not_read_is_unknown() {
    let mut story = Story::begin(armed());
    let up = Link { conn: Conn::Sampler, state: LinkState::Up { pid: Pid(900) } };
    story.input(1, Input::Link(up));
    story.look(1_000, calm().with(forgotten_reader()).with(client(Pid(60)).transaction_from(-1)));
    story.input(1_000, reading(1_000, 0, 0));
    story.input(2_000, reading(2_000, 255_000, 2_048));
    let mut stage = Stage::of(&story, View::Activity);
    let lines = stage.lines(200, 30);
    let line = |words: &str| lines.iter().find(|line| line.contains(words)).expect(words);
    assert!(line("host").contains("cpu not known yet, 4 · load 1.4 · memory 3.0/24 GB free"));
    assert!(line("host").contains("1 process not read"));
    let read = line("report-job");
    assert!(read.contains("25.5   64 MB     0 B  2.0 kB"), "{read}");
    let unread = line("shop-web");
    assert!(unread.contains("?       ?       ?       ?"), "{unread}");
    stage.ui.sort = Sort::Cpu;
    assert_eq!(stage.pids(), [A, Pid(60)]);
    stage.ui.reversed = true;
    assert_eq!(stage.pids(), [A, Pid(60)], "what is not known stays last");
    assert!(stage.text(120, 30).contains("cpu %▲"));
}

#[test]
fn a_shared_screen_shows_no_names_and_no_texts() {
    let mut stage = stage(crowd());
    stage.ui.presenter = true;
    let text = stage.text(200, 30);
    let body: Vec<&str> = text.lines().skip(3).collect();
    for name in ["report-job", "deploy", "shop-web", "Zebra", "local", "alter table …"] {
        assert!(!body.iter().any(|line| line.contains(name)), "{name} is shown:\n{text}");
    }
    assert!(text.contains("ALTER TABLE"));
}

#[test]
fn the_demonstration_is_drawn_at_every_size_in_the_order_of_its_rows() {
    for ms in [0, 1_000, 2_000, 4_300, 4_800, 6_000] {
        let mut stage = Stage::demo(ms, View::Activity);
        let rows = stage.pids();
        if stage.cockpit.sample().is_some() && !rows.is_empty() {
            assert_eq!(drawn_pids(&stage, 120, 100), rows, "at {ms}");
        }
        for set in GlyphSet::ALL {
            stage.glyphs = set.glyphs();
            for width in (1..130).step_by(9) {
                for height in (1..40).step_by(5) {
                    let _ = stage.lines(width, height);
                }
            }
        }
    }
}

#[test]
fn without_a_sample_nothing_is_said_to_be_calm() {
    let stage = Stage::of(&Story::begin(armed()), View::Activity);
    assert_eq!(stage.pids(), []);
    let text = stage.text(120, 30);
    assert!(text.contains("activity · not known yet") && text.contains("no sample yet"), "{text}");
}

#[test]
fn thousands_stand_apart() {
    let texts = [(0, "0"), (999, "999"), (1_000, "1,000"), (2_002, "2,002"), (1_234_567, "1,234,567")];
    for (number, text) in texts {
        assert_eq!(thousands(number), text);
    }
}
