//! The keys of a plan: the one table from which files are read, wrong keys are told, and the reference is made.
//!
//! Owns which keys there are, what they take, their defaults, and what they mean. What is not in here does not exist.

/// A table of the file.
#[derive(Debug)]
pub(super) struct Table {
    /// How it is written: `[plan]`, `[[step]]`, `step.gate`.
    pub head: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: &'static str,
    /// What counts when it is not there; `required` where it must be.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// The default of a key that must be there.
pub(super) const REQUIRED: &str = "required";

const fn key(name: &'static str, takes: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, takes, default, meaning }
}

impl Table {
    /// The names of its keys.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

/// Every table, in the order of the reference.
pub(super) const ALL: [&Table; 16] = [
    &FILE, &PLAN, &WINDOW, &FREEZE, &INVARIANT, &HOOK, &PROBE, &STEP, &FOR_EACH, &GATE, &COMMAND, &BACKFILL,
    &CHECK, &ACQUIRE, &RATE, &REQUIRES,
];

pub(super) static FILE: Table = Table {
    head: "the file",
    about: "Tables may stand in any order; steps run in the order in which they stand, moved only as `after` asks.",
    keys: &[
        key("plan", "table", REQUIRED, "what the plan is called, and whose it is"),
        key(
            "vars",
            "table",
            "none",
            "variables that SQL may use: `name = \"default\"`, or `name = {}` for one that must be given by `--set name=value`",
        ),
        key("guardrails", "table", "the defaults", "limits, written as in a guardrails file"),
        key("window", "list of tables", "at any time", "when steps may start"),
        key("freeze", "list of tables", "none", "when no step may start, whatever the windows say"),
        key("invariant", "list of tables", "none", "what holds before, after, and on resume"),
        key("hook", "list of tables", "none", "programs that are told of events"),
        key("probe", "list of tables", "none", "reads that measure what an application would feel"),
        key("step", "list of tables", REQUIRED, "the steps"),
    ],
};

pub(super) static PLAN: Table = Table {
    head: "[plan]",
    about: "What the plan is called, and whose it is.",
    keys: &[
        key("name", "text", REQUIRED, "its name, in the log, the report and hooks"),
        key("version", "text", "none", "its version, as its author counts"),
        key("owner", "text", "none", "whose it is: free text"),
        key(
            "progress",
            "\"log\" or \"database\"",
            "\"log\"",
            "where the flight keeps what is done; only \"log\" is known to this release",
        ),
    ],
};

pub(super) static WINDOW: Table = Table {
    head: "[[window]]",
    about: "When steps may start, and how fast backfills go. Without any window, at any time.",
    keys: &[
        key("days", "text", "\"daily\"", "days on which it begins: `mon-fri`, `sat,sun`, `daily`"),
        key("hours", "text", "\"00:00-24:00\"", "from and to; `22:00-06:00` ends on the next day"),
        key("tz", "text", "\"UTC\"", "the time zone of days and hours: `Europe/Berlin`"),
        key("rate", "number", "none", "the most rows a second a backfill may write in it"),
    ],
};

pub(super) static FREEZE: Table = Table {
    head: "[[freeze]]",
    about: "When no step may start, whatever the windows say.",
    keys: &[
        key("name", "text", REQUIRED, "why, or what it is called"),
        key("from", "date or time", REQUIRED, "its begin: `2026-12-20` or `2026-12-20T18:00`"),
        key("to", "date or time", REQUIRED, "its end; a date counts whole"),
        key("tz", "text", "\"UTC\"", "the time zone of both"),
    ],
};

pub(super) static INVARIANT: Table = Table {
    head: "[[invariant]]",
    about: "What must hold before the first step, after the last, and on resume: the old and the new contract.",
    keys: &[
        key("name", "text", REQUIRED, "its name"),
        key("sql", "SQL", REQUIRED, "a query that reads; its first value must be true"),
    ],
};

pub(super) static HOOK: Table = Table {
    head: "[[hook]]",
    about: "A program that is told of events by JSON on its standard input. It never holds up a stop.",
    keys: &[
        key("on", "list of words", REQUIRED, "of which: `started`, `done`, `tripped`, `aborted`, `finished`"),
        key(
            "command",
            "list of words",
            "this or `shell`",
            "the program and its arguments, never through a shell",
        ),
        key("shell", "text", "this or `command`", "a line for `sh -c`"),
        key("timeout", "duration", "\"10s\"", "how long it may run"),
    ],
};

pub(super) static PROBE: Table = Table {
    head: "[[probe]]",
    about: "A read that measures what an application would feel.",
    keys: &[key("name", "text", REQUIRED, "its name"), key("sql", "SQL", REQUIRED, "a query that reads")],
};

pub(super) static STEP: Table = Table {
    head: "[[step]]",
    about: "One unit of the plan. It has exactly one of `sql`, `gate`, `command` and `backfill`.",
    keys: &[
        key("id", "text", REQUIRED, "its name: letters, digits, `-`, `_` and `.`"),
        key("phase", "word", "none", "what it promises: `expand`, `migrate`, `backfill`, `contract`"),
        key("sql", "SQL", "one of four", "statements, each ended by a semicolon; sent one by one"),
        key("gate", "table", "one of four", "waits for a person, for a query, for a time"),
        key("command", "table", "one of four", "runs a program"),
        key("backfill", "table", "one of four", "fills a table in batches"),
        key("undo", "SQL", "none", "statements that undo it"),
        key(
            "after",
            "list of ids",
            "none",
            "steps that must be done before, besides those that stand before",
        ),
        key(
            "for_each",
            "text or table",
            "once",
            "repeats its statements for each item: `\"partitions of events\"`, `\"query: select ..\"`",
        ),
        key(
            "transaction",
            "true or false",
            "true where every statement can",
            "whether its statements run in one transaction",
        ),
        key(
            "statement_timeout",
            "duration",
            "no limit",
            "how long each statement may run once it has its locks",
        ),
        key("acquire", "table", "see below", "how it takes its locks"),
        key("check", "list of tables", "none", "what is asked once it is through"),
        key("requires", "table", "none", "what must be so before it may run"),
        key("rate", "table", "none", "how fast its backfill may write"),
        key(
            "expect",
            "duration",
            "not known",
            "how long it will take, as its author thinks: for `lockpit check`",
        ),
        key("guardrails", "table", "the plan's", "limits while it runs"),
    ],
};

pub(super) static FOR_EACH: Table = Table {
    head: "for_each",
    about: "Where the items of a step come from. `${item}` stands for the item in its SQL as a name, `${item:literal}` as a string.",
    keys: &[key("query", "SQL", REQUIRED, "a query with one column of names, as they are to stand in SQL")],
};

pub(super) static GATE: Table = Table {
    head: "gate",
    about: "What a step waits for: all that is named, and at least one.",
    keys: &[
        key("ask", "text", "nobody", "a question; a person answers by typing the step's id"),
        key("check", "SQL", "none", "a query that reads; its first value must be true"),
        key("every", "duration", "\"5s\"", "how often the query is asked"),
        key("limit", "duration", "for ever", "how long the gate may stay closed"),
        key("soak", "duration", "none", "for how long nothing may trip"),
    ],
};

pub(super) static COMMAND: Table = Table {
    head: "command",
    about: "A program that a step runs. It must end with 0.",
    keys: &[
        key(
            "run",
            "list of words",
            "this or `shell`",
            "the program and its arguments, never through a shell",
        ),
        key("shell", "text", "this or `run`", "a line for `sh -c`"),
        key("timeout", "duration", "\"5m\"", "how long it may run"),
    ],
};

pub(super) static BACKFILL: Table = Table {
    head: "backfill",
    about: "Fills a table in batches, by key.",
    keys: &[
        key("table", "text", REQUIRED, "the table"),
        key(
            "key",
            "text",
            REQUIRED,
            "the column by which it goes through the table; it needs a unique index",
        ),
        key("set", "SQL", REQUIRED, "what is set, as after SET"),
        key("where", "SQL", "every row", "which rows, as after WHERE"),
    ],
};

pub(super) static CHECK: Table = Table {
    head: "check",
    about: "What is asked once a step is through: `sql`, or `uses_index` with `query`, or `filled`.",
    keys: &[
        key("name", "text", "made from the check", "its name"),
        key("sql", "SQL", "one of three", "a query that reads; its first value must be true"),
        key("uses_index", "text", "one of three", "an index that the plan of `query` must use"),
        key("query", "SQL", "with `uses_index`", "the query that is explained, not run"),
        key("filled", "text", "one of three", "a column without nulls: `table.column`"),
    ],
};

pub(super) static ACQUIRE: Table = Table {
    head: "acquire",
    about: "How a step takes strong locks: it looks first, and asks only when nothing old holds the table.",
    keys: &[
        key(
            "rungs",
            "list of durations",
            "[\"100ms\", \"250ms\", \"500ms\"]",
            "how long the attempts wait, shortest first",
        ),
        key(
            "hold",
            "duration, or never",
            "the server's deadlock_timeout and 0.5s",
            "after the last rung an attempt waits this long, while the guard is armed: autovacuum yields to nothing shorter",
        ),
        key("look_every", "duration", "\"100ms\"", "how often it looks"),
        key("duty", "percent", "10", "the most of its time it may spend waiting in the queue"),
        key("attempts", "number", "50", "the most attempts"),
        key("within", "duration", "\"30m\"", "the longest it is tried"),
    ],
};

pub(super) static RATE: Table = Table {
    head: "rate",
    about: "How fast a backfill may write, in rows a second.",
    keys: &[
        key("min", "number", "not set", "it never goes slower"),
        key("max", "number", "not set", "it never goes faster"),
        key("batch_target", "duration", "not set", "how long one batch should take"),
    ],
};

pub(super) static REQUIRES: Table = Table {
    head: "requires",
    about: "What must be so before a step may run.",
    keys: &[
        key("unused", "text", "none", "a relation, column or index that nobody uses: `users.legacy_flag`"),
        key("for", "duration", "with `unused`", "for how long it was not used"),
        key("backup_within", "duration", "none", "how old the last backup may be"),
    ],
};
