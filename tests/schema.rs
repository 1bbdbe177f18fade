//! The schema of the JSON lines is part of the contract with scripts: it changes on purpose, with its number.
//!
//! `LOCKPIT_BLESS=1 cargo test --test schema` writes it anew.

use std::path::Path;

#[test]
fn the_schema_in_assets_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/headless.schema.json");
    let now = lockpit::headless::line::schema();
    if std::env::var_os("LOCKPIT_BLESS").is_some() {
        std::fs::write(&path, &now).expect("assets can be written");
    }
    let pinned = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        pinned, now,
        "the JSON lines have changed: bless the schema, and number it anew if readers notice"
    );
}
