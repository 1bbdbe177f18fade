//! Plans are read as their authors meant them.

use lockpit::engine::plan::order::{Ask, Unit, Way};
use lockpit::engine::plan::window::Opening;
use lockpit::engine::plan::{CheckKind, Phase, Work};
use lockpit::plan::outlook::Outlook;
use lockpit::plan::reference;

use crate::small::{NOW_US, read, read_lines, read_text};

const HOUR_US: i64 = 3_600_000_000;

#[test]
fn a_full_plan_says_everything() {
    let compiled = read("users-email-verified.toml", &[("old_app", "it's v1")]).expect("a good plan");
    let (plan, script) = (&compiled.plan, &compiled.script);
    assert_eq!(
        (plan.name.as_str(), plan.version.as_deref()),
        ("users-email-verified", Some("2026.11.20.01"))
    );
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["add-column", "index", "fill", "app-v2", "flag", "events-index", "drop-old"]);
    assert_eq!(plan.steps[0].phase, Some(Phase::Expand));
    assert_eq!(plan.steps[3].after, [2]);
    let Work::Sql { parts, for_each: None } = &plan.steps[0].work else { panic!("statements") };
    assert_eq!((parts.len(), parts[0].transaction, parts[0].statements.len()), (1, true, 3));
    assert_eq!(parts[0].statements[2].said, "comment on column users.email_verified is $1");
    assert_eq!(parts[0].statements.iter().map(|it| it.line).collect::<Vec<_>>(), [48, 49, 50]);
    assert_eq!(script.steps[0].parts[0][0], "set local work_mem = '64MB'");
    assert_eq!(script.steps[0].parts[0][2], "comment on column users.email_verified is 'proved; by mail'");
    let Work::Sql { parts, .. } = &plan.steps[1].work else { panic!("statements") };
    assert!(!parts[0].transaction && parts[0].statements[0].form.alone.is_some(), "{parts:?}");
    assert_eq!(plan.steps[1].checks[0].kind, CheckKind::UsesIndex("users_unverified".to_owned()));
    assert!(script.steps[1].checks[0].starts_with("explain select id from users"), "{script:?}");
    let gate = script.query(Ask::Gate { step: 3 }).expect("a query");
    assert!(gate.ends_with("application_name = 'it''s v1'"), "{gate}");
    assert_eq!(script.steps[4].program, ["flip-flag", "email-verified", "on"]);
    let unit = |part| Unit { step: 5, item: 0, part, way: Way::Do };
    let Work::Sql { parts, for_each } = &plan.steps[5].work else { panic!("statements") };
    assert_eq!((parts.len(), for_each.as_deref()), (2, Some("partitions of events")));
    assert_eq!(parts[1].statements[0].said, "analyze ${item}");
    let sql = script.statements(unit(0), Some("app.\"E 1\"")).expect("statements");
    assert_eq!(sql, ["create index concurrently on app.\"E 1\" (user_id)"]);
    assert_eq!(plan.steps[6].acquire.rungs_ms, [50, 100, 250]);
    assert_eq!(compiled.limits.queue_depth.limit, Some(5));
    assert_eq!(compiled.plan.steps[6].limits.as_ref().and_then(|limits| limits.queue_depth.limit), Some(2));
    assert_eq!(
        compiled.wishes[2].backfill.as_ref().map(|it| it.set.as_str()),
        Some("email_verified = false")
    );
    assert_eq!((plan.hooks.len(), script.hooks[0].command.len(), compiled.probes.len()), (1, 3, 1));
}

#[test]
fn nothing_the_engine_gets_has_a_literal() {
    let compiled = read("users-email-verified.toml", &[("old_app", "s3cret")]).expect("a good plan");
    let engine = serde_json::to_string(&compiled.plan).expect("it is data");
    for literal in ["s3cret", "proved", "--channel", "email-verified\", \"on", "'flags'"] {
        assert!(!engine.contains(literal), "{literal} in {engine}");
    }
}

#[test]
fn windows_and_freezes_are_told_in_utc() {
    let compiled = read("users-email-verified.toml", &[("old_app", "v1")]).expect("a good plan");
    let plan = &compiled.plan;
    // Friday 22:00 in Berlin, for a night; then the weekend, at half the rate.
    assert_eq!(plan.opening(NOW_US), Opening::Closed { opens_utc_us: Some(NOW_US + 9 * HOUR_US) });
    let Opening::Open { rate, until_utc_us } = plan.opening(NOW_US + 10 * HOUR_US) else { panic!("open") };
    assert_eq!((rate, until_utc_us), (Some(10_000), Some(NOW_US + (11 + 48) * HOUR_US)));
    let Opening::Open { rate, .. } = plan.opening(NOW_US + 20 * HOUR_US) else { panic!("open") };
    assert_eq!(rate, Some(5_000));
    let christmas = NOW_US + 35 * 24 * HOUR_US;
    let Opening::Frozen { freeze, opens_utc_us } = plan.opening(christmas) else { panic!("frozen") };
    assert_eq!(freeze.name, "christmas");
    // Monday 2027-01-04 22:00 in Berlin.
    assert_eq!(opens_utc_us, Some(1_799_096_400_000_000));
}

#[test]
fn when_it_will_end_is_said() {
    let compiled = read("users-email-verified.toml", &[("old_app", "v1")]).expect("a good plan");
    let said = Outlook::of(&compiled, NOW_US).sentence();
    assert_eq!(
        said,
        "begins Fri 22:00 Europe/Berlin; 2.0 days, ends Sun 13:15 Europe/Berlin (without what takes a time that is \
         not told: add-column, flag, events-index, drop-old)"
    );
    let lines = "[[window]]\nhours = \"22:00-04:00\"\n[[step]]\nid = \"a\"\nexpect = \"21h\"\n\
                 backfill = { table = \"t\", key = \"id\", set = \"a = 1\" }\n";
    let compiled = read_lines(lines, &[]).expect("a good plan");
    let said = Outlook::of(&compiled, NOW_US).sentence();
    assert_eq!(said, "begins Fri 22:00 UTC; 3.5 days, ends Tue 01:00 UTC");
    let compiled = read_lines(&lines.replace("21h", "400h"), &[]).expect("a good plan");
    let said = Outlook::of(&compiled, NOW_US).sentence();
    assert_eq!(said, "begins Fri 22:00 UTC; its windows within 60 days have not enough time");
    let lines = "[[step]]\nid = \"a\"\nsql = \"select 1\"\n";
    let said = Outlook::of(&read_lines(lines, &[]).expect("a good plan"), NOW_US).sentence();
    assert_eq!(said, "how long it takes is not known: no step tells it by `expect`");
}

#[test]
fn a_file_of_sql_is_a_plan() {
    let compiled = read("plain.sql", &[]).expect("a good plan");
    let steps: Vec<(&str, bool, usize)> = compiled
        .plan
        .steps
        .iter()
        .map(|step| match &step.work {
            Work::Sql { parts, .. } => (step.id.as_str(), parts[0].transaction, parts[0].statements.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("1-create-index-concurrently-users_email", false, 1),
        ("2-alter-table-app.users", true, 3),
        ("3-alter-table-validate-constraint-orders", true, 1),
        ("4-vacuum-app.users", false, 1),
    ];
    assert_eq!(steps, expected);
    assert_eq!(compiled.plan.name, "plain");
    assert_eq!(
        compiled.script.steps[1].parts[0][2],
        "update app.users set note = 'gone; at last' where note is null"
    );
}

#[test]
fn the_order_is_that_of_the_file_and_moved_only_as_asked() {
    let step =
        |id: &str, after: &str| format!("[[step]]\nid = \"{id}\"\nsql = \"select 1\"\nafter = [{after}]\n");
    let lines = [step("a", "\"d\""), step("b", ""), step("c", ""), step("d", "\"c\"")].concat();
    let lines = lines.replace("after = []\n", "");
    let plan = read_lines(&lines, &[]).expect("a good plan").plan;
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["b", "c", "d", "a"]);
    assert_eq!(
        plan.steps.iter().map(|step| step.after.clone()).collect::<Vec<_>>(),
        [vec![], vec![], vec![1], vec![2]]
    );
}

#[test]
fn a_step_that_cannot_be_one_transaction_is_run_statement_by_statement() {
    let sql =
        |more: &str| format!("[[step]]\nid = \"a\"\nsql = \"drop index concurrently i; analyze t\"\n{more}");
    let compiled = read_lines(&sql(""), &[]).expect("a good plan");
    assert_eq!(compiled.script.steps[0].parts, [["drop index concurrently i"], ["analyze t"]]);
    let why = read_lines(&sql("transaction = true\n"), &[]).expect_err("it cannot");
    assert_eq!(
        why,
        "p.toml:4:8: DROP INDEX CONCURRENTLY cannot run inside a transaction: take `transaction = true` out, or make \
         it a step of its own"
    );
    let apart =
        "[[step]]\nid = \"a\"\nsql = \"update t set a = 1; update t set b = 1\"\ntransaction = false\n";
    assert_eq!(read_lines(apart, &[]).expect("a good plan").script.steps[0].parts.len(), 2);
}

#[test]
fn variables_become_words_names_and_strings_and_nothing_more() {
    let lines = "vars = { t = \"users\", n = 7, s = {} }\n[[step]]\nid = \"a\"\n\
                 sql = '''update ${t} set \"c_${n}\" = ${s:literal}, d = 'of ${t}' where n = ${n} -- ${nobody}\n\
                 ;do $$begin execute ${s:literal}; end$$'''\n";
    let good = |value: &str| {
        read_lines(lines, &[("s", value)]).map(|compiled| compiled.script.steps[0].parts.concat())
    };
    let update = |value: &str| format!("update users set \"c_7\" = {value}, d = 'of users' where n = 7");
    assert_eq!(
        good("x; drop"),
        Ok(vec![update("'x; drop'"), "do $$begin execute 'x; drop'; end$$".to_owned()])
    );
    assert_eq!(good("it's \\").expect("good")[0], update("E'it''s \\\\'"));
    assert_eq!(
        good("a$$b"),
        Err("p.toml:6:21: ${s:literal}: its value has a dollar sign, which can end the quotes around it"
            .to_owned())
    );
    let digest = |value: &str| read_lines(lines, &[("s", value)]).expect("good").plan.digest;
    assert_eq!(digest("a"), digest("a"));
    assert_ne!(digest("a"), digest("b"));
    for bad in ["x y", "1; drop table t", "-1", "1.", "\"a\"", "", "a--"] {
        let why = read_lines(&lines.replace("\"users\"", "{}"), &[("s", "a"), ("t", bad)]).expect_err(bad);
        assert!(
            why.starts_with("p.toml:5:17: ${t}: its value is neither a number nor a plain word"),
            "{why}"
        );
        assert!(bad.is_empty() || !why.contains(bad), "{bad}: {why}");
    }
    let sql = read_text("a.sql", "drop table ${t:ident};", &[("t", "a\"b")]).expect("good").script;
    assert_eq!(sql.steps[0].parts, [["drop table \"a\"\"b\""]]);
}

#[test]
fn the_reference_is_what_the_program_reads() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/plan.md");
    if std::env::var_os("LOCKPIT_BLESS").is_some() {
        std::fs::write(path, reference::text()).expect("written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(kept, reference::text(), "write it anew: LOCKPIT_BLESS=1 cargo test --test plans reference");
}

#[test]
fn a_step_may_never_hold_its_place_in_the_queue() {
    let held = |acquire: &str| {
        let lines = format!("[[step]]\nid = \"a\"\nsql = \"alter table t add column x int\"\n{acquire}");
        read_lines(&lines, &[]).map(|compiled| compiled.plan.steps[0].acquire.hold_ms)
    };
    assert_eq!(held(""), Ok(None));
    assert_eq!(held("acquire = { hold = \"never\" }"), Ok(Some(0)));
    assert_eq!(held("acquire = { hold = \"2s\" }"), Ok(Some(2_000)));
    assert!(held("acquire = { hold = \"100ms\" }").is_err_and(|why| why.contains("longer than the last")));
}
