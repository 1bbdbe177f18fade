//! What a string is, by the place where it stands.
//!
//! Owns the policy of masking. A place that is not listed holds words for people: names are looked for in them, so a
//! field that is added later hides what is known to be a name.

use super::names::Kind;

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Words of PostgreSQL's or lockpit's own.
    Fixed,
    /// Words for people.
    Text,
    /// One name.
    Name(Kind),
    /// The name of a database, schema or table.
    Object,
    /// The same, with its schema.
    Qualified,
    /// `user@host:port/database`.
    Server,
    /// A regular expression on names.
    Pattern(Kind),
    /// A regular expression on raw texts: what it matched is in the log, and it may hold literals.
    RawPattern,
    /// How a transaction ended, or why that is not known.
    Fate,
    /// The number of a text.
    TextId,
    /// Whether literals are kept.
    KeepsLiterals,
}

/// What stands in `field` of a struct, or of the variant `variant` of an enum; the content of a variant without
/// fields has no `field`.
pub(super) fn of(name: &str, variant: &str, field: &str) -> Place {
    match (name, variant, field) {
        ("Target" | "TargetStory" | "Incident", "", "application") => Place::Name(Kind::Application),
        ("Target", "", "text") => Place::TextId,
        ("Target", "", "wait_event") => Place::Fixed,
        ("TargetStory", "", "role") | ("Rights", "", "role_name") => Place::Name(Kind::Role),
        ("Names" | "Catalog", "", "roles") => Place::Name(Kind::Role),
        ("Names" | "Catalog", "", "databases") | ("Attached", "", "database_name") => Place::Object,
        ("FoundRelation", "", "schema" | "name") => Place::Object,
        ("LockStory", "", "relation") | ("Text", "", "relations") => Place::Qualified,
        ("LockStory", "", "mode") | ("TargetStory" | "Text", "", "kind") => Place::Fixed,
        ("Text", "", "matched_by") => Place::Fixed,
        ("Begin", "", "server") => Place::Server,
        ("Begin", "", "operator") | ("Request", "", "by") | ("Cockpit", "", "stick") => {
            Place::Name(Kind::Operator)
        }
        ("Command", "Stick", "holder" | "taken_from") | ("Event", "Commanded", "by") => {
            Place::Name(Kind::Operator)
        }
        ("Begin", "", "lockpit" | "label") | ("Attached", "", "version") => Place::Fixed,
        ("Settings", "", "keep_literals") => Place::KeepsLiterals,
        ("Selector", "Application", "") => Place::Pattern(Kind::Application),
        ("Selector", "User", "") => Place::Pattern(Kind::Role),
        ("Selector", "Table", "") => Place::Qualified,
        ("Selector", "Query", "") => Place::RawPattern,
        // Names of guardrails.
        ("Guardrails", "", "readings") | ("Override", "", "guardrail") => Place::Fixed,
        ("Event", "Guardrail" | "Trip", "name") | ("Command", "Limit", "guardrail") => Place::Fixed,
        ("Outcome", "Ended", "xact") => Place::Fate,
        _ => Place::Text,
    }
}
