//! Texts that mean harm: they leak, they exhaust, they deceive.

use super::*;

/// Stands where a secret is. It is no part of any keyword.
const CANARY: &str = "Zq7";

/// Everything of a digest in which a secret could hide.
fn everything(text: &Text) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn no_literal_and_no_comment_survives() {
    let texts = [
        "alter role a password 'Zq7'",
        "alter table t add c text default 'Zq7'",
        "alter table t add c text default E'\\'Zq7\\\\\\'Zq7'",
        "alter table t add c text default U&'Zq7\\0061'",
        "create table t (a text default $$Zq7$$, b text default $tag$ $$Zq7$ Zq7 $tag$)",
        "comment on table t is 'a''Zq7'\n\n'Zq7'",
        "create index i on t (a) /* Zq7 /* Zq7 */ Zq7 */ -- Zq7",
        "-- Zq7\nalter table t add a int; -- Zq7\r\n",
        "create user mapping for u server s options (user 'Zq7', password 'Zq7')",
        "create subscription s connection 'host=h password=Zq7' publication p",
        "create function f() returns text language sql as $f$ select 'Zq7' /* Zq7 */ $f$",
        "do $$ begin execute 'alter role x password ''Zq7'''; end $$",
        "select b'Zq7', x'Zq7', n'Zq7', e'Zq7'",
        "select 'Zq7', 'Zq7' 'Zq7' from t where a in ('Zq7', 'Zq7')",
        "insert into t values ('Zq7', f('Zq7')), ('Zq7', g('Zq7'))",
        "copy t from '/Zq7' with (delimiter 'Zq7')",
        "select 'C:\\' || 'Zq7'",
        "select a like 'x' escape '\\' and b = 'Zq7'",
        "select 'it\\'s Zq7', 'Zq7'",
        "select 12Zq7, 1e5Zq7, 0xZq7, $1, 7.Zq7",
        "select 'Zq7",
        "select e'\\'Zq7",
        "select $a$ Zq7 $b$ Zq7",
        "alter table t add c int /* Zq7 /* */ Zq7",
        "alter table \"Zq7",
        "select u&\"Zq7",
        "\0'Zq7'\u{1b}[31m$$Zq7$$",
        "fooE'a\\'Zq7'",
        // A string goes on behind a comment, with the escapes it began with.
        "select 'C:\\', E'a' -- Zq7\n'b\\'Zq7' /* ' */",
        "select 'a' -- Zq7\n -- Zq7\n'Zq7'",
        "set a.b = Zq7",
        "set local a.b to \"Zq7\", Zq7; select 1",
        "set role.b to Zq7",
        "begin; set session a = Zq7 Zq7",
        "set password for a = Zq7",
        "alter system set a = Zq7",
        "alter role a in database b set c.d to Zq7, Zq7",
        "create or replace function f() returns int language sql set a.b = Zq7 as 'Zq7'",
        "alter user a with encrypted password Zq7",
        "create user a identified by Zq7",
        "create server s foreign data wrapper w options (password Zq7)",
        "copy t (a, b) from stdin with (format csv);\n1,Zq7\n\\.\nselect Zq7",
        "copy t from stdin; Zq7 'it\\'s Zq7'",
        "select date 'Zq7', interval 'Zq7' day, '{Zq7}'::text[], array['Zq7'], -7.5Zq7, +.5e-3Zq7, 1_0Zq7, 0b1Zq7",
        "execute p ('Zq7', -1Zq7)",
        "notify c, 'Zq7'",
        "load 'Zq7'",
        "security label on table t is 'Zq7'",
        "select 1$z$Zq7$z$, $1$z$Zq7$z$, $größe$Zq7$größe$",
        "prepare transaction 'Zq7'",
        "BASE_BACKUP (LABEL 'Zq7')",
        "select U&'Zq7' uescape 'Z', N'Zq7' 'Zq7'",
    ];
    for raw in texts {
        assert!(raw.contains(CANARY));
        for truncated in [false, true] {
            let (_, text) = patient().digest(raw, truncated);
            let text = everything(&text.unwrap());
            assert!(!text.contains(CANARY), "{raw}\n{text}");
        }
        for cut in (0..raw.len()).filter(|cut| raw.is_char_boundary(*cut)) {
            let text = everything(&digest_cut_shared(&raw[..cut]));
            assert!(!text.contains("Zq"), "cut at {cut}: {raw}\n{text}");
        }
    }
}

/// As `digest_cut`, without a new thread for each.
fn digest_cut_shared(raw: &str) -> Text {
    thread_local!(static PARSER: std::cell::RefCell<Parser> = std::cell::RefCell::new(Parser::start().unwrap()));
    PARSER.with_borrow_mut(|parser| describe(parser, raw, true).0)
}

#[test]
fn words_are_values_only_where_values_stand() {
    for raw in [
        "set search_path to a, \"b\"",
        "set role a",
        "set session authorization a",
        "set transaction isolation level serializable",
        "set constraints all deferred",
        "set session characteristics as transaction read only",
        "set a.b to default",
        "set local synchronous_commit = off; update t set a = b, c = d",
        "alter table t set schema s, alter a set default b",
        "alter table t set (autovacuum_enabled = off)",
        "alter table users add column password text",
        "alter database d set tablespace t",
        "alter role a set search_path = b, c",
        "create function f() returns int begin atomic update t set a = b; select c; end",
        "create rule r as on insert to t do also update u set a = b",
        "copy t from stdin",
        "copy t from stdin; ",
        "copy t to stdout; select a",
    ] {
        assert_eq!(digest(raw).normalised, raw.trim_end(), "{raw}");
    }
    for (raw, normalised) in [
        ("set a.b = c; select d", "set a.b = $1; select d"),
        ("alter role a set b = c valid until 'x'", "alter role a set b = $1 valid until $2"),
        ("alter role a password b nologin", "alter role a password $1 nologin"),
        ("alter role a password null", "alter role a password null"),
        ("copy t from stdin; select a", "copy t from stdin; $1"),
    ] {
        assert_eq!(digest(raw).normalised, normalised, "{raw}");
    }
}

#[test]
fn both_readings_of_a_backslash_are_safe() {
    for (raw, normalised) in [
        // Makes sense only if the backslash is a plain character.
        ("select a like 'x' escape '\\' and b = 'c'", "select a like $1 escape $2 and b = $3"),
        ("select 'C:\\', f(a)", "select $1, f(a)"),
        // Makes sense only if it escapes the quote.
        ("select 'it\\'s', f(a)", "select $1, f(a)"),
        // Makes sense either way.
        ("select a, '\\' /* ' */, c", "select a, $1"),
    ] {
        assert_eq!(digest(raw).normalised, normalised, "{raw}");
    }
    assert_eq!(digest_cut("select a, '\\', b = 'c', d").normalised, "select a, $1");
}

#[test]
fn nothing_invisible_reaches_a_screen() {
    let text = digest("alter table \"a\u{1b}[31m\u{202e}b\nc\" add \u{200b}x\u{7f}\u{2028} int");
    assert_eq!(
        text.normalised,
        "alter table \"a\\u{1b}[31m\\u{202e}b\\u{a}c\" add \\u{200b}x\\u{7f}\\u{2028} int"
    );
    let text = digest("drop table \"a\u{1b}\u{202e}\"");
    assert_eq!((text.named_by, text.relations), (NamedBy::Parser, vec!["\"a\\u{1b}\\u{202e}\"".to_owned()]));
}

#[test]
fn a_long_text_is_cut_between_two_tokens() {
    let columns: Vec<_> = (0..1_000).map(|n| format!("größe{n}")).collect();
    let text = digest(&format!("select {}", columns.join(", ")));
    assert!(text.normalised.ends_with(" …"));
    let chars = text.normalised.chars().count();
    assert!((Text::MAX_CHARS - 12..=Text::MAX_CHARS).contains(&chars), "{chars}");
    let just_fits = format!("select {}", "a".repeat(Text::MAX_CHARS - 7));
    assert_eq!(digest(&just_fits).normalised, just_fits);
    assert_eq!(digest(&format!("{just_fits}b")).normalised, "select …");
}

#[test]
fn many_relations_are_cut_and_it_is_said() {
    let names: Vec<_> = (0..500).map(|n| format!("t{n}")).collect();
    let text = digest(&format!("drop table {}", names.join(",")));
    assert_eq!(text.relations.len(), 101);
    assert_eq!(text.relations.last().map(String::as_str), Some("…"));
}

/// Texts that nest or repeat: a beginning, a part `n` times, a middle, a part `n` times, an end.
const SHAPES: &[[&str; 5]] = &[
    ["alter table t add a int default ", "(", "1", ")", ""],
    ["create view v as select ", "(", "", "", ""],
    ["create view v as select array", "[", "1", "]", ""],
    ["create view v as select ", "not ", "a", "", ""],
    ["create view v as select ", "- ", "a", "", ""],
    ["create view v as select ", "~ ", "a", "", ""],
    ["create view v as select a", "+a", "", "", ""],
    ["create view v as select a", "^a", "", "", ""],
    ["create view v as select a", "=a", "", "", ""],
    ["create view v as select a", " and a", "", "", ""],
    ["create view v as select a", " between a and a", "", "", ""],
    ["create view v as select a", "::int", "", "", ""],
    ["create view v as select a", ".a", "", "", ""],
    ["create view v as select a", "[1]", "", "", ""],
    ["create view v as select a", " is null", "", "", ""],
    ["create view v as select a", " at time zone b", "", "", ""],
    ["create view v as select ", "case when a then ", "1", " end", ""],
    ["create view v as select case", " when a then b", "", "", " end"],
    ["create view v as select ", "(select ", "1", ")", ""],
    ["create view v as ", "select * from (", "a", ")", ""],
    ["create view v as select * from ", "(", "a", ")", ""],
    ["create view v as select * from a", " join a", "", " on b", ""],
    ["create view v as select * from a", " join a on b", "", "", ""],
    ["create view v as select * from ", "lateral (select * from ", "a", ")", ""],
    ["create view v as select 1", " union select 1", "", "", ""],
    ["create view v as ", "with a as (", "select 1", ") select 1", ""],
    ["create view v as select ", "f(", "1", ")", ""],
    ["create view v as select ", "f() over (order by ", "1", ")", ""],
    ["create view v as select ", "array(select ", "1", ")", ""],
    ["create view v as select ", "a in (", "1", ")", ""],
    ["create view v as select ", "a = any(", "1", ")", ""],
    ["create view v as select ", "cast(", "1", " as int)", ""],
    ["create view v as select ", "xmlelement(name a, ", "1", ")", ""],
    ["", "explain ", "select 1", "", ""],
    ["", "prepare a as ", "select 1", "", ""],
    ["", "create rule r as on insert to t do (", "select 1", ")", ""],
    ["create function f() returns int ", "begin atomic ", "select 1;", "end;", ""],
    ["create table t (", "a int check (", "1", ")", ")"],
    ["alter table t add a int default ", "coalesce(", "1", ")", ""],
    ["alter table t ", "drop a, ", "drop a", "", ""],
    ["drop table a", ", b", "", "", ""],
    ["", "create ", "", "", ""],
    ["", "alter table t;", "", "", ""],
    ["", "/* ", "", "*/ ", "alter table t add a int"],
    ["create function f() returns int language sql as $$ select ", "(", "1", ")", "$$"],
    ["create view v as select ", "values (", "1", ")", ""],
    ["create view v as select a in (1,", " a in (1,", "", "", ""],
    ["create view v as select ", "$a$ $b$", "", "", ""],
    ["", "'", "", "", ""],
    ["", "\"", "", "", ""],
    ["", "$", "", "", ""],
    ["", "\\u{", "", "", ""],
    ["", "1e+", "", "", ""],
    ["", ";", "", "", ""],
    ["", "\0", "", "", ""],
    ["", "\u{fffd}", "", "", ""],
];

fn text_of(shape: &[&str; 5], n: usize) -> String {
    let [begin, down, middle, up, end] = shape;
    format!("{begin}{}{middle}{}{end}", down.repeat(n), up.repeat(n))
}

#[test]
fn the_deepest_texts_that_are_parsed_leave_the_process_alive() {
    let mut parser = Parser::start().unwrap().patient();
    let mut parsed = 0;
    for shape in SHAPES {
        let tokens_of = |n| {
            let raw = text_of(shape, n);
            lexer::tokens(&raw, false).iter().filter(|token| !token.is_blank()).count()
        };
        // The largest of its shape that is within the limit.
        let (fixed, each) = (tokens_of(100), (tokens_of(200) - tokens_of(100)) / 100);
        let deepest = 100 + (parser::MAX_TOKENS - fixed) / each.max(1);
        for n in [deepest, 100] {
            let raw = text_of(shape, n);
            parsed += usize::from(parser.parse(&lexer::tokens(&raw, false)).is_some());
        }
    }
    // The answers of most shapes are no errors: the deep ones went down all the way.
    assert!(parsed > SHAPES.len(), "{parsed}");
}

#[test]
fn the_largest_texts_are_answered() {
    let mut digester = Digester::new(None).unwrap();
    for shape in SHAPES {
        for n in [100_000, 1_000_000] {
            let part = shape[1].len() + shape[3].len();
            let raw = text_of(shape, n.min(2 * MAX_RAW_BYTES / part));
            let (_, text) = digester.digest(&raw, false);
            if let Some(text) = text {
                assert!(text.normalised.chars().count() <= Text::MAX_CHARS);
            }
        }
    }
    let (_, text) = digester.digest("alter table t add still_alive int", false);
    assert_eq!(text.unwrap().kind, "ALTER TABLE");
}

#[test]
fn what_is_beyond_the_limits_is_named_by_its_words() {
    for shape in
        [["alter table t add a int default ", "(", "1", ")", ""], ["alter table t add a ", "x", "", "", ""]]
    {
        let text = digest(&text_of(&shape, 400_000));
        assert_eq!((text.kind.as_str(), text.named_by), ("ALTER TABLE", NamedBy::Keywords));
    }
    let text = digest(&format!("alter table t add a int; {}", "select 1;".repeat(200_000)));
    assert_eq!((text.truncated, text.statements), (true, 0), "longer than any server's text");
}
