//! What digesting costs. Prints, and asserts nothing about time:
//! `cargo test --release --lib text::tests::measure -- --ignored --nocapture`.

use super::*;
use crate::clock::FlightClock;

/// Memory of this process that is in RAM, in KiB.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Prints the mean cost of texts that all go the same way.
#[expect(clippy::print_stdout, reason = "it is what this test is for")]
fn cost(what: &str, texts: &[String]) {
    let mut digester = Digester::new(None).unwrap();
    let clock = FlightClock::start();
    let fresh = texts.iter().filter(|text| digester.digest(text, false).1.is_some()).count();
    let us = clock.now().0 as f64 / texts.len() as f64;
    println!("{what}: {us:.1} us a text, {fresh} of {} new", texts.len());
}

#[test]
#[ignore = "prints measurements"]
#[expect(clippy::print_stdout, reason = "it is what this test is for")]
fn costs() {
    let columns = (0..30).map(|n| format!("\"orders\".\"column_{n}\"")).collect::<Vec<_>>().join(", ");
    let orm = |n: u32| {
        format!("SELECT {columns} FROM \"orders\" WHERE \"orders\".\"id\" = {n} AND state IN ('a', 'b')")
    };
    let texts = |make: &dyn Fn(u32) -> String| (0..5_000).map(make).collect::<Vec<_>>();
    cost("ORM query, other literals", &texts(&orm));
    cost("ORM query, other form", &texts(&|n| orm(n).replace("state", &format!("state_{n}"))));
    cost("the same text again", &texts(&|_| orm(7)));
    cost(
        "pgbench update",
        &texts(&|n| format!("UPDATE pgbench_accounts SET abalance = abalance + {n} WHERE aid = {n};")),
    );
    cost(
        "DDL, parsed",
        &texts(&|n| format!("ALTER TABLE public.users ADD COLUMN c{n} boolean NOT NULL DEFAULT false")),
    );
    let table = |n: u32| {
        format!(
            "CREATE TABLE t{n} ({})",
            (0..30).map(|c| format!("c{c} numeric(10,2) DEFAULT 0")).collect::<Vec<_>>().join(", ")
        )
    };
    cost("DDL of 30 columns, parsed", &texts(&table));
    cost(
        "1 MB of IN list",
        &(0..5)
            .map(|n| format!("SELECT {n} FROM t{n} WHERE a IN ({})", "12345,".repeat(170_000)))
            .collect::<Vec<_>>(),
    );

    let before = resident_kib();
    let mut parser = Parser::start().unwrap().patient();
    println!("resident, KiB: {before:?}, with the idle parser {:?}", resident_kib());
    for (part, tokens) in [("(", 1), ("not ", 1), ("f(", 2), ("array(select ", 3), ("select * from (", 4)] {
        let raw = format!("create view v as select {}", part.repeat(4_000 / tokens));
        let clock = FlightClock::start();
        let parsed = parser.parse(&lexer::tokens(&raw, false));
        let us = clock.now().0;
        println!("{part:?} to the limit: {us} us, {:?}, resident {:?}", parsed.is_some(), resident_kib());
    }
}
