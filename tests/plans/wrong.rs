//! Whoever wrote a wrong plan is told all that is wrong with it, each with its place and what to do.

use crate::small::{example, read, read_lines, read_text};

fn snapshot(name: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("../snapshots/plans");
    let said = read(name, &[]).expect_err("it is wrong");
    settings.bind(|| insta::assert_snapshot!(name, said));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    snapshot("wrong.toml");
    snapshot("psql.sql");
}

#[test]
fn steps_that_wait_for_each_other_are_named_in_order() {
    let why = read("circle.toml", &[]).expect_err("a circle");
    assert_eq!(why, "circle.toml:9:6: these steps wait for each other: `b` after `d` after `c` after `b`");
    let itself = "[[step]]\nid = \"a\"\nsql = \"select 1\"\nafter = [\"a\"]\n";
    let why = read_lines(itself, &[]).expect_err("a circle");
    assert_eq!(why, "p.toml:3:6: these steps wait for each other: `a` after `a`");
}

#[test]
fn one_wrong_thing_is_one_sentence() {
    let step = |more: &str| format!("[[step]]\nid = \"a\"\n{more}\n");
    let cases = [
        ("", "p.toml:1:1: the file has no `step`: the steps"),
        ("step = []", "p.toml:2:8: `step` is an empty list"),
        (
            "step = [{ id = 'a', sql = 'select 1' }]\nstpe = 1",
            "p.toml:3:1: unknown key `stpe` in the file: there are plan, vars, guardrails, window, freeze, \
                       invariant, hook, probe, step; did you mean `step`?",
        ),
        (
            "step = 5",
            "p.toml:2:8: `step` is a list of tables: write [[step]], or step = [{ .. }]; here it is of type \
                      integer",
        ),
        (&step("sql = \"\""), "p.toml:4:7: `sql` is empty"),
        (&step("sql = 'sel'"), "p.toml:4:8: this is no SQL that can be read: expected command, found a name"),
        (
            &step("sql = 'select 1'\ntransaction = 'yes'"),
            "p.toml:5:15: `transaction` is true or false, without \
                                                        quotes; here it is of type string",
        ),
        (
            &step("sql = 'drop table ${item}'\nfor_each = 'partitions of a.b.c'"),
            "p.toml:5:12: `partitions of` is \
                                                                           followed by a table",
        ),
        (
            &step("sql = 'select 1'\nstatement_timeout = '0s'"),
            "p.toml:5:21: `statement_timeout` is no time at all",
        ),
        (&step("command = { run = ['a'], shell = 'b' }"), "p.toml:4:34: there is either `run` or `shell`"),
        (&step("command = { run = [] }"), "p.toml:4:19: `run` is a list of texts"),
        (
            &step("sql = \"select \\\"a\\\", 'x\""),
            "p.toml:4:7: the string or quoted name that begins here has no end",
        ),
        (&step("sql = 'copy t to stdout'"), "p.toml:4:8: COPY .. TO STDOUT has nobody to read it"),
        (&step("sql = 'vacuum t'\nundo = 'rollback'"), "p.toml:5:9: ROLLBACK has no place in a step"),
        (
            &step("sql = 'set local search_path to app; drop table t'"),
            "p.toml:4:8: what a step locks is looked up by its names before it runs",
        ),
        (&step("sql = 'set local role owner; drop table t'\nafter = []"), "p.toml:5:9: `after` is a list"),
        ("step = [", "p.toml:2:9: this is no TOML"),
    ];
    for (lines, said) in cases {
        let why = read_lines(lines, &[]).expect_err(lines);
        assert!(why.starts_with(said), "{lines}\nsays {why}\nnot  {said}");
        assert_eq!(why.lines().count(), 1, "{lines}: {why}");
    }
}

#[test]
fn variables_that_do_not_fit_are_told() {
    let lines = "vars = { shop = 'a', name = {} }\n[[step]]\nid = 'a'\nsql = 'drop table ${shop}, ${nam}'\n";
    let said = [
        "p.toml: --set shpo: the plan has no such variable; it has name, shop; did you mean `shop`?",
        "p.toml:2:22: the variable `name` has no value: give it by --set name=..",
        "p.toml:2:22: the variable `name` is used nowhere: take it out",
        "p.toml:5:28: ${nam}: no such variable; declare it under [vars]; did you mean `name`?",
    ];
    assert_eq!(read_lines(lines, &[("shpo", "x")]).expect_err("wrong"), said.join("\n"));
    let why = read_text("a.sql", "select 1;", &[("a", "b")]).expect_err("wrong");
    assert_eq!(why, "a.sql: --set a: no ${a} is in the file");
}

#[test]
fn files_that_are_no_plans_are_told() {
    let why = read("no-such-plan.toml", &[]).expect_err("it is not there");
    assert!(why.starts_with("no-such-plan.toml cannot be read: "), "{why}");
    assert!(example("").is_dir());
    let why = read_text("a.sql", "\n-- nothing\n", &[]).expect_err("empty");
    assert_eq!(why, "a.sql:1:1: there is no statement in this SQL");
    let why = read_text("a.sql", "begin;\ncommit;\nselect 1; begin; select 2", &[]).expect_err("wrong");
    let said = [
        "a.sql:1:1: there is nothing in this transaction",
        "a.sql:3:11: the transaction that begins here has no COMMIT",
    ];
    assert_eq!(why, said.join("\n"));
    let why =
        read_text("a.sql", "set search_path to app;\nalter table t add c int;", &[]).expect_err("wrong");
    assert!(why.starts_with("a.sql:1:1: what a step locks is looked up by its names"), "{why}");
}
