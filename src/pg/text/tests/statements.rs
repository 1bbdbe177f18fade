//! What texts from real life become.

use super::*;

/// A text, and what is to become of it.
struct Case {
    raw: &'static str,
    kind: &'static str,
    statements: u32,
    /// Separated by spaces.
    relations: &'static str,
    normalised: &'static str,
}

/// Asserts that each text becomes what it should, named by `named_by`.
fn check(cases: &[Case], named_by: NamedBy) {
    let mut digester = patient();
    for case in cases {
        let text = digester.digest(case.raw, false).1.expect(case.raw);
        let relations = text.relations.join(" ");
        assert_eq!(
            (
                text.kind.as_str(),
                text.statements,
                relations.as_str(),
                text.normalised.as_str(),
                text.named_by
            ),
            (case.kind, case.statements, case.relations, case.normalised, named_by),
            "{}",
            case.raw
        );
    }
}

/// `raw => kind, statements, [relations], normalised`; without the last where nothing changes.
macro_rules! cases {
    ($($raw:expr => $kind:expr, $statements:expr, [$relations:expr] $(, $normalised:expr)?;)*) => {
        &[$(cases!(@ $raw, $kind, $statements, $relations $(, $normalised)?)),*]
    };
    (@ $raw:expr, $kind:expr, $statements:expr, $relations:expr) => {
        cases!(@ $raw, $kind, $statements, $relations, $raw)
    };
    (@ $raw:expr, $kind:expr, $statements:expr, $relations:expr, $normalised:expr) => {
        Case { raw: $raw, kind: $kind, statements: $statements, relations: $relations, normalised: $normalised }
    };
}

#[test]
fn schema_work_is_named_by_the_grammar() {
    let cases: &[Case] = cases! {
        "ALTER TABLE public.users ADD COLUMN email_verified boolean NOT NULL DEFAULT false"
            => "ALTER TABLE", 1, ["public.users"];
        "alter table only t add constraint fk foreign key (a) references s.u(id) not valid;"
            => "ALTER TABLE", 1, ["t s.u"];
        "ALTER TABLE t ALTER COLUMN a TYPE numeric(12,2) USING a::numeric / 100"
            => "ALTER TABLE", 1, ["t"],
            "ALTER TABLE t ALTER COLUMN a TYPE numeric($1,$2) USING a::numeric / $3";
        "ALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk" => "ALTER TABLE VALIDATE CONSTRAINT", 1, ["orders"];
        "ALTER TABLE t VALIDATE CONSTRAINT c, DROP COLUMN d" => "ALTER TABLE", 1, ["t"];
        "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
            => "ALTER TABLE ATTACH PARTITION", 1, ["events events_2026"],
            "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ($1) TO ($2)";
        "ALTER TABLE events DETACH PARTITION events_2019" => "ALTER TABLE DETACH PARTITION", 1, ["events events_2019"];
        "ALTER TABLE events DETACH PARTITION events_2019 CONCURRENTLY"
            => "ALTER TABLE DETACH PARTITION CONCURRENTLY", 1, ["events events_2019"];
        "ALTER TABLE events DETACH PARTITION events_2019 FINALIZE"
            => "ALTER TABLE DETACH PARTITION FINALIZE", 1, ["events events_2019"];
        "CREATE INDEX ON t (a)" => "CREATE INDEX", 1, ["t"];
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_email ON public.users (lower(email)) WHERE deleted = 0"
            => "CREATE INDEX CONCURRENTLY", 1, ["users_email public.users"],
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_email ON public.users (lower(email)) WHERE deleted = $1";
        "DROP INDEX CONCURRENTLY IF EXISTS a, s.b" => "DROP INDEX CONCURRENTLY", 1, ["a s.b"];
        "DROP INDEX a" => "DROP INDEX", 1, ["a"];
        "REINDEX TABLE CONCURRENTLY t" => "REINDEX CONCURRENTLY", 1, ["t"];
        "REINDEX (CONCURRENTLY, TABLESPACE x) INDEX i" => "REINDEX CONCURRENTLY", 1, ["i"];
        "REINDEX (CONCURRENTLY off) INDEX i" => "REINDEX", 1, ["i"];
        "VACUUM FULL t" => "VACUUM FULL", 1, ["t"];
        "VACUUM (VERBOSE, FULL) t, s.u" => "VACUUM FULL", 1, ["t s.u"];
        "VACUUM (FULL 'off', ANALYZE) t" => "VACUUM", 1, ["t"], "VACUUM (FULL $1, ANALYZE) t";
        "vacuum analyze t" => "VACUUM", 1, ["t"];
        "ANALYZE t (a, b)" => "ANALYZE", 1, ["t"];
        "CLUSTER t USING i" => "CLUSTER", 1, ["t i"];
        "LOCK TABLE t, u IN ACCESS EXCLUSIVE MODE NOWAIT" => "LOCK TABLE", 1, ["t u"];
        "lock t" => "LOCK TABLE", 1, ["t"];
        "TRUNCATE TABLE t, u RESTART IDENTITY CASCADE" => "TRUNCATE", 1, ["t u"];
        "REFRESH MATERIALIZED VIEW CONCURRENTLY s.mv" => "REFRESH MATERIALIZED VIEW CONCURRENTLY", 1, ["s.mv"];
        "REFRESH MATERIALIZED VIEW mv" => "REFRESH MATERIALIZED VIEW", 1, ["mv"];
        "CREATE TABLE IF NOT EXISTS t (id bigint GENERATED ALWAYS AS IDENTITY, a int[])" => "CREATE TABLE", 1, ["t"];
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1, 2)"
            => "CREATE TABLE PARTITION OF", 1, ["p1 p"], "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (...)";
        "CREATE TEMP TABLE x ON COMMIT DROP AS SELECT * FROM t"
            => "CREATE TABLE AS", 1, ["x t"];
        "CREATE OR REPLACE VIEW v AS WITH c AS (SELECT 1) SELECT * FROM c JOIN t ON true"
            => "CREATE VIEW", 1, ["v t"],
            "CREATE OR REPLACE VIEW v AS WITH c AS (SELECT $1) SELECT * FROM c JOIN t ON true";
        "CREATE MATERIALIZED VIEW mv AS SELECT 1 WITH NO DATA"
            => "CREATE MATERIALIZED VIEW", 1, ["mv"], "CREATE MATERIALIZED VIEW mv AS SELECT $1 WITH NO DATA";
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f('a')"
            => "CREATE TRIGGER", 1, ["t"],
            "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f($1)";
        "CREATE EXTENSION IF NOT EXISTS pgcrypto" => "CREATE EXTENSION", 1, [""];
        "ALTER TYPE mood ADD VALUE 'ok' AFTER 'sad'"
            => "ALTER TYPE", 1, [""], "ALTER TYPE mood ADD VALUE $1 AFTER $2";
        "ALTER ROLE app PASSWORD 'hunter2' VALID UNTIL 'infinity'"
            => "ALTER ROLE", 1, [""], "ALTER ROLE app PASSWORD $1 VALID UNTIL $2";
        "COMMENT ON TABLE t IS 'nobody''s business'" => "COMMENT", 1, ["t"], "COMMENT ON TABLE t IS $1";
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ro" => "GRANT", 1, [""];
        "DROP TABLE IF EXISTS \"Order Lines\", \"a\"\"b\" CASCADE" => "DROP TABLE", 1, ["\"Order Lines\" \"a\"\"b\""];
        "DO $body$ BEGIN PERFORM pg_sleep(1); END $body$ LANGUAGE plpgsql" => "DO", 1, [""], "DO $1 LANGUAGE plpgsql";
        "COPY public.t (a, b) FROM STDIN WITH (FORMAT csv, DELIMITER ';')"
            => "COPY", 1, ["public.t"], "COPY public.t (a, b) FROM STDIN WITH (FORMAT csv, DELIMITER $1)";
        "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t" => "EXPLAIN ANALYZE", 1, ["t"];
        "explain select 1 from t" => "EXPLAIN", 1, ["t"], "explain select $1 from t";
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT a + 1; $$"
            => "CREATE FUNCTION", 1, [""], "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $1";
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"
            => "CREATE FUNCTION", 1, [""], "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT $1; SELECT $2; END";
        "CREATE TABLE 🐘 (\"größe 📏\" int)" => "CREATE TABLE", 1, ["🐘"];
    };
    check(cases, NamedBy::Parser);
}

#[test]
fn scripts_are_named_by_their_first_statement() {
    let cases: &[Case] = cases! {
        "BEGIN; ALTER TABLE a ADD b int; DROP TABLE c;; COMMIT;" => "BEGIN", 4, ["a c"];
        "-- V12__users.sql\nALTER TABLE a ADD b int;\n\nCREATE INDEX i ON a (b);\n"
            => "ALTER TABLE", 2, ["a i"], "ALTER TABLE a ADD b int; CREATE INDEX i ON a (b);";
        "; /* nothing */ ; SET lock_timeout = '2s'; LOCK t" => "SET", 2, ["t"], "; ; SET lock_timeout = $1; LOCK t";
    };
    check(cases, NamedBy::Parser);
}

#[test]
fn statements_of_applications_are_named_by_their_words() {
    let cases: &[Case] = cases! {
        "SELECT \"users\".* FROM \"users\" WHERE \"users\".\"id\" = $1 LIMIT $2 /*application:Shop,controller:x*/"
            => "SELECT", 1, [""], "SELECT \"users\".* FROM \"users\" WHERE \"users\".\"id\" = $1 LIMIT $2";
        "select u1_0.id,u1_0.name from users u1_0 where u1_0.mail='a@b.c' and u1_0.id in (7,-8,'9'::int)"
            => "SELECT", 1, [""],
            "select u1_0.id,u1_0.name from users u1_0 where u1_0.mail=$1 and u1_0.id in (...)";
        "UPDATE pgbench_accounts SET abalance = abalance + -1234 WHERE aid = 87654;"
            => "UPDATE", 1, [""], "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2;";
        "INSERT INTO pgbench_history (tid, bid, mtime) VALUES (5, 1, CURRENT_TIMESTAMP), (6, 1, CURRENT_TIMESTAMP)"
            => "INSERT", 1, [""],
            "INSERT INTO pgbench_history (tid, bid, mtime) VALUES ($1, $2, CURRENT_TIMESTAMP)";
        "INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL), (DEFAULT, E'\\'y') ON CONFLICT DO NOTHING RETURNING id"
            => "INSERT", 1, [""], "INSERT INTO t (a, b) VALUES (...) ON CONFLICT DO NOTHING RETURNING id";
        "WITH x AS (SELECT 1), y AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT * FROM y"
            => "INSERT", 1, [""],
            "WITH x AS (SELECT $1), y AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT * FROM y";
        "with recursive insert as (select 1) select * from insert"
            => "SELECT", 1, [""], "with recursive insert as (select $1) select * from insert";
        "(SELECT 1) UNION ALL (SELECT 2)" => "SELECT", 1, [""], "(SELECT $1) UNION ALL (SELECT $2)";
        "VALUES (1), (2)" => "SELECT", 1, [""], "VALUES (...)";
        "SELECT * INTO copy_of_t FROM t" => "SELECT INTO", 1, [""];
        "START TRANSACTION ISOLATION LEVEL SERIALIZABLE" => "BEGIN", 1, [""];
        "END" => "COMMIT", 1, [""];
        "ROLLBACK TO SAVEPOINT s1" => "ROLLBACK TO SAVEPOINT", 1, [""];
        "COMMIT PREPARED 'gid-1'" => "COMMIT PREPARED", 1, [""], "COMMIT PREPARED $1";
        "CALL refill('secret', 10)" => "CALL", 1, [""], "CALL refill($1, $2)";
        "EXECUTE p (1, 2)" => "EXECUTE", 1, [""], "EXECUTE p ($1, $2)";
        "FETCH FORWARD 100 FROM c" => "FETCH", 1, [""], "FETCH FORWARD $1 FROM c";
        "SET application_name TO 'x'" => "SET", 1, [""], "SET application_name TO $1";
        "select 1; select 2" => "SELECT", 2, [""], "select $1; select $2";
        "SELECT t.a[1:2], ARRAY[1,2,3], x = ANY('{1,2}'::int[]), .5e-3, 0x1F, 1_000, 10.::int, B'01', X'ff', N'x'"
            => "SELECT", 1, [""],
            "SELECT t.a[$1:$2], ARRAY[...], x = ANY($3::int[]), $4, $5, $6, $7::int, $8, $9, $10";
        "select U&'d\\0061t' uescape '!', U&\"d\\0061ta\", 'one'\n  'string', $q$it's$q$, a-- b\n, 'c'"
            => "SELECT", 1, [""], "select $1 uescape $2, U&\"d\\0061ta\", $3, $4, a , $5";
    };
    check(cases, NamedBy::Keywords);
}

#[test]
fn what_the_grammar_refuses_is_named_by_its_words() {
    let cases: &[Case] = cases! {
        "ALTER TABLE t ADD COLUMN" => "ALTER TABLE", 1, [""];
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (" => "CREATE INDEX CONCURRENTLY", 0, [""];
        "CREATE OR REPLACE TEMP VIEW :name AS SELECT" => "CREATE VIEW", 1, [""];
        "DROP INDEX CONCURRENTLY" => "DROP INDEX CONCURRENTLY", 1, [""];
        "START_REPLICATION SLOT \"s\" LOGICAL 0/1A (proto_version '4')"
            => "START_REPLICATION", 1, [""], "START_REPLICATION SLOT \"s\" LOGICAL $1/$2 (proto_version $3)";
        "autovacuum: VACUUM public.t (to prevent wraparound)" => "autovacuum: VACUUM", 1, [""];
        "autovacuum: VACUUM ANALYZE public.o'brien (to prevent wraparound)"
            => "autovacuum: VACUUM", 1, [""],
            "autovacuum: VACUUM ANALYZE public.o $1 (to prevent wraparound)";
        "autovacuum: ANALYZE pg_catalog.pg_class" => "autovacuum: ANALYZE", 1, [""];
        "autovacuum: BRIN summarize public.i 5" => "autovacuum: BRIN summarize", 1, [""],
            "autovacuum: BRIN summarize public.i $1";
    };
    check(cases, NamedBy::Keywords);
}

#[test]
fn what_is_no_statement_has_no_name() {
    let cases: &[Case] = cases! {
        "" => "unknown", 0, [""];
        "-- ping" => "unknown", 0, [""], "";
        "<insufficient privilege>" => "unknown", 0, [""];
        ";" => "unknown", 0, [""];
        "\\d t" => "unknown", 1, [""];
        "hunter 'two'" => "unknown", 1, [""], "hunter $1";
    };
    for case in cases {
        check(std::slice::from_ref(case), NamedBy::Nothing);
    }
}

#[test]
fn both_ways_of_naming_agree() {
    let mut compared = 0;
    for raw in [
        "alter table t validate constraint c",
        "alter table t detach partition p concurrently",
        "create table t as (select 1)",
        "create table t as with x as (select 1) table x",
        "create unlogged table t (a int)",
        "create or replace procedure p() language sql as ''",
        "create text search configuration c (copy = simple)",
        "drop text search configuration c",
        "drop text search dictionary c",
        "alter default privileges grant select on tables to u",
        "create default conversion c for 'a' to 'b' from f",
        "alter system set work_mem = 1",
        "reassign owned by a to b",
        "drop owned by a",
        "security label on table t is 'x'",
        "import foreign schema s from server x into y",
        "create user mapping for u server s options (password 'x')",
        "alter user u password 'x'",
        "create subscription s connection 'host=x' publication p",
        "explain analyze verbose select 1",
        "checkpoint",
        "prepare transaction 'x'",
        "revoke all on t from u",
        "load 'x'",
        "vacuum",
        "reindex database concurrently d",
        "copy (select 1) to stdout",
        "comment on column t.a is null",
        "set session authorization default; checkpoint",
        "set transaction read only; checkpoint",
        "release savepoint a; checkpoint",
        "rollback work; checkpoint",
        "rollback to a; checkpoint",
        "values (1); checkpoint",
        "((select 1)); checkpoint",
        "select 1 union select 2; checkpoint",
        "select 1 into x; checkpoint",
        "with x as (select 1) delete from t; checkpoint",
        "savepoint a; checkpoint",
        "start transaction; checkpoint",
        "abort; checkpoint",
        "reset role; checkpoint",
        "table t; checkpoint",
    ] {
        let tokens = lexer::tokens(raw, false);
        let bare: Vec<_> = tokens.iter().filter(|token| !token.is_blank()).copied().collect();
        let by_keywords = kind::by_keywords(kind::outline(&bare).first);
        let text = digest(raw);
        assert_eq!(text.named_by, NamedBy::Parser, "{raw}");
        assert_eq!(Some(text.kind), by_keywords, "{raw}");
        compared += 1;
    }
    assert!(compared > 40);
}

#[test]
fn a_cut_text_ends_where_the_secret_may_begin() {
    for (raw, normalised) in [
        ("UPDATE t SET a = 'half of a sec", "UPDATE t SET a = $1"),
        ("UPDATE t SET a = 'it''", "UPDATE t SET a = $1"),
        ("UPDATE t SET a = E'it\\'", "UPDATE t SET a = $1"),
        ("DO $x$ begin perform 'sec$x", "DO $1"),
        ("SELECT 1 /* user /* 42 */ token=abc", "SELECT $1"),
        ("SELECT 1 -- token=abc", "SELECT $1"),
        ("SELECT \"na", "SELECT $1"),
        ("SELECT * FROM t WHERE a IN (1, 2, 3", "SELECT * FROM t WHERE a IN (..."),
        ("SELECT * FROM t WHERE a IN (1, 2,", "SELECT * FROM t WHERE a IN (..."),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b", "INSERT INTO t VALUES (...)"),
        ("INSERT INTO t VALUES (1, now()), (2,", "INSERT INTO t VALUES ($1, now())"),
        ("INSERT INTO t VALUES (1, now()),", "INSERT INTO t VALUES ($1, now())"),
        ("ALTER TABLE t ADD COLUMN a te", "ALTER TABLE t ADD COLUMN a te"),
    ] {
        let text = digest_cut(raw);
        assert_eq!(text.normalised, normalised, "{raw}");
        assert_eq!((text.named_by, text.truncated, text.statements), (NamedBy::Keywords, true, 0), "{raw}");
    }
}

#[test]
fn texts_that_differ_in_literals_only_are_one() {
    for group in [
        &[
            "select * from t where a = 1",
            "select  *\nfrom t where a = 'x' -- y",
            "select * from t where a = $7",
        ][..],
        &["select f(1) in (1)", "select f(2) in (1, 2, 3)", "select f(3) in ($1,-2,'x'::text, null)"],
        &["select (a, b) in ((1, 2))", "select (a, b) in ((1, 2), (3, 4))"],
        &["select array[1]", "select array[1,2::numeric(10,2),pg_catalog.int4 '3']"][..1],
        &["insert into t values (1, f(2))", "insert into t values (1, f(2)), (3, f('x')), (null, f(1))"],
        &[
            "select -1, a-1, (-1), a = -1, a=-1",
            "select 2, a-2, (2), a = - 2, a=2",
            "select $1, a-$2, ($3), a = $4, a=$5",
        ],
        &["delete from t where a = 1;", "delete from t where a = E'\\'';"],
    ] {
        let mut digester = patient();
        let ids: Vec<_> = group.iter().map(|raw| digester.digest(raw, false).0).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{group:?} {ids:?}");
    }
}

#[test]
fn texts_that_differ_in_more_stay_apart() {
    let mut digester = patient();
    let raws = [
        "select a",
        "select b",
        "SELECT a",
        "select a, a",
        "select f(1)",
        "select f(1, 2)",
        "select a from b",
    ];
    let ids: std::collections::BTreeSet<_> = raws.iter().map(|raw| digester.digest(raw, false).0).collect();
    assert_eq!(ids.len(), raws.len());
}
