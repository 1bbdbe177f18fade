//! The forms in which a literal can be part of a statement.
//!
//! Each is sent in a transaction of its own. The server refuses some; it shows their texts all the same.

/// With what every canary begins: of one that was cut, this much is left.
pub(crate) const MARKS: [&str; 2] = ["Zq7", "7731042"];
/// The name of a prepared transaction: no canary, because it is kept.
pub(crate) const GID: &str = "kept-gid-1";
/// Longer than the server's `track_activity_query_size`, and not longer than what is sampled.
const LONG_BYTES: usize = 1_500;

/// What becomes of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Found with `--keep-literals`.
    Kept,
    /// Never found: a comment, data, a list that is collapsed.
    Never,
}

/// A statement with a canary.
#[derive(Debug)]
pub(crate) struct Form {
    /// What is looked for.
    pub(crate) canary: String,
    /// The text.
    pub(crate) sql: String,
    /// Sent before, in the same session.
    pub(crate) setup: &'static str,
    pub(crate) fate: Fate,
}

/// Every form. In a template `@` stands for a word and `#` for digits; `~` for what makes the text too long.
pub(crate) fn forms() -> Vec<Form> {
    let plain = |fate| move |template: &&'static str| (*template, "", fate);
    let off = "set standard_conforming_strings = off; set backslash_quote = on";
    let all = KEPT.iter().map(plain(Fate::Kept)).chain(NEVER.iter().map(plain(Fate::Never)));
    let all = all.chain(ESCAPED.iter().map(|(template, fate)| (*template, off, *fate)));
    all.enumerate().map(|(number, (template, setup, fate))| form(number, template, setup, fate)).collect()
}

fn form(number: usize, template: &str, setup: &'static str, fate: Fate) -> Form {
    let (word, digits) = (format!("Zq7x{number:03}"), format!("7731042{number:05}"));
    let canary = if template.contains('@') { word.clone() } else { digits.clone() };
    let sql = template.replace('@', &word).replace('#', &digits).replace('~', &"ö x ".repeat(LONG_BYTES / 5));
    Form { canary, sql, setup, fate }
}

const KEPT: &[&str] = &[
    "select '@'",
    "select 'it''s @'",
    "select E'it\\'s @'",
    "select e'\\\\', e'@'",
    "select U&'@\\0061'",
    "select U&'!0061@' uescape '!'",
    "select N'@'",
    "select B'01@'",
    "select X'ff@'",
    "select 'one'\n  '@'",
    "select 'C:\\', E'a' -- x\n  'b\\'@' /* ' */",
    "select $$@$$",
    "select $tag$ $$ @ $$ $tag$",
    "select $größe$@$größe$",
    "select a$b, $$@$$ from t",
    "do $$ begin execute 'alter role x password ''@'''; end $$",
    "create function f() returns text language sql as $f$ select '@' /* x */ $f$",
    "select #",
    "select -#, +#",
    "select #.5, 5.#",
    "select .#",
    "select #.",
    "select #e5, 1e-#",
    "select 0x#",
    "select 0o#",
    "select 0b#",
    "select 1_#",
    "select 12@",
    "select 1$z$@$z$",
    "select date '@', interval '1 day'",
    "select interval '@' day to second",
    "select '@'::text, cast('@' as varchar(10))",
    "select '{@}'::text[]",
    "select array_position('{1}'::int[], #)",
    "select * from t where a = '@' limit #",
    "select \"a\"'@'",
    "select fooE'@'",
    "insert into t values (f('@'))",
    "copy t from '/@'",
    "copy t to program 'echo @'",
    "alter role postgres password '@'",
    "alter role postgres password @",
    "create user u encrypted password '@' valid until 'infinity'",
    "create user u identified by @",
    "set app.token = @",
    "set local app.token to \"@\"",
    "set app.token = '@'",
    "set lock_timeout = #",
    "select set_config('app.token', '@', false)",
    "alter system set archive_command = '@'",
    "alter system set archive_command = @",
    "alter role postgres set app.token to @",
    "alter database postgres set app.token = '@'",
    "comment on table t is '@'",
    "security label on table t is '@'",
    "create subscription s connection 'host=h password=@' publication p with (connect = false)",
    "create server s foreign data wrapper w options (host 'h', password '@')",
    "create user mapping for postgres server s options (user 'u', password '@')",
    "select dblink('host=h password=@', 'select 1')",
    "execute p ('@')",
    "prepare p as select '@'",
    "declare c cursor for select '@'",
    "notify c, '@'",
    "load '@'",
    "rollback prepared '@'",
    "explain select '@'",
    "call p('@')",
    "alter table t alter a set default '@'",
    "create index on t (a) where a = '@'",
    "alter type m add value '@' before 'x'",
    "select 1; select '@'; select 2",
    "select xmlparse(content '<a>@</a>'), '{\"a\": \"@\"}'::jsonb -> 'x'",
    // The server cuts these.
    "select '@ ~'",
    "select E'@ \\' ~'",
    "select U&'@ ~'",
    "select $$@ ~$$",
    "select $a$@ $b$ ~$a$",
    "select \"@ ~\"",
    "select a, 'it''s @'' ~'",
];

const NEVER: &[&str] = &[
    "select 1 /* @ */",
    "select 1 -- @",
    "/* @ /* @ */ @ */ select 1",
    "-- @\nselect 1",
    "select 'a' -- @\n  'b'",
    "select 1 /* @",
    "select 1 /* @ ~ */",
    "select 1 -- @ ~",
    "select a in ('@', '@') from t",
    "select array['@', '@']",
    "insert into t values ('@'), ('@')",
    "copy t from stdin;\n@\tx\n\\.\n",
    "copy t (a) from stdin with (format csv);\nit's,@\n",
];

/// Where a backslash escapes in plain strings.
const ESCAPED: &[(&str, Fate)] = &[
    ("select 'it\\'s @'", Fate::Kept),
    ("select '\\\\', '@'", Fate::Kept),
    ("select 'a\\' @ ', /* ' */ 1", Fate::Never),
    ("select 'a\\' @', $$'$$", Fate::Kept),
    // Cut by the server, both readings are possible.
    ("select 'a\\' @ ', '~'", Fate::Never),
    ("select 'a\\' @ ', \"~\", 'x'", Fate::Never),
];
