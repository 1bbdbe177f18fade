//! The reference of the plan file, in Markdown.
//!
//! Owns its layout; what it says stands in the table of keys.

use super::keys;

const HEADING: &str = "\
# The plan file

Made by `lockpit generate plan`. A plan is a TOML file, or plain SQL in a file that ends in `.sql`: there, what stands \
between BEGIN and COMMIT is one step, and every other statement is a step of its own.

Durations are texts such as `\"500ms\"`, `\"3s\"`, `\"2h\"`. SQL is split by a parser and sent statement by statement; \
commands of psql (`\\i`, `\\copy`, `:name`) and COPY FROM STDIN are refused. `${name}` in SQL is the value of a \
variable: as it is where it is a number or a plain word, `${name:ident}` as a quoted name, `${name:literal}` as a \
string. What is not in this reference is refused.
";

/// The reference.
pub fn text() -> String {
    let mut text = HEADING.to_owned();
    for table in keys::ALL {
        text += &format!(
            "\n## {}\n\n{}\n\n| key | takes | default | meaning |\n|---|---|---|---|\n",
            table.head, table.about
        );
        for key in table.keys {
            text += &format!(
                "| `{}` | {} | {} | {} |\n",
                key.name,
                cell(key.takes),
                cell(key.default),
                cell(key.meaning)
            );
        }
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
