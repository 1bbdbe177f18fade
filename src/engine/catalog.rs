//! Names for numbers: relations, roles, databases, texts.
//!
//! Owns what is known of the objects that samples refer to. Never invents a name: what is in another
//! database stays `database.oid`, what is not committed says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::checkpoint::Texts;
use super::ids::{Oid, TextId};
use super::input::{FoundRelation, Names};
use super::text::Text;

/// What stands for a text that was told and is lost from the log.
pub const TEXT_LOST: &str = "<text lost>";

/// Everything with a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Catalog {
    database: Option<Oid>,
    relations: BTreeMap<Oid, Option<FoundRelation>>,
    roles: BTreeMap<Oid, String>,
    databases: BTreeMap<Oid, String>,
    /// A checkpoint leaves them to the log.
    #[serde(skip)]
    texts: Texts,
}

impl Catalog {
    /// From now on relations are those of `database`, called `name`.
    pub fn attach(&mut self, database: Oid, name: &str) {
        if self.database != Some(database) {
            self.relations.clear();
            self.database = Some(database);
        }
        self.databases.insert(database, name.to_owned());
    }

    /// Forgets every name but those of texts: from now on the numbers are those of another cluster.
    pub fn forget_names(&mut self) {
        self.relations.clear();
        self.roles.clear();
        self.databases.clear();
    }

    /// Takes in new names; later ones replace earlier ones.
    pub fn learn(&mut self, names: Names) {
        self.relations.extend(names.relations.into_iter().map(|name| (name.relation, name.found)));
        self.roles.extend(names.roles);
        self.databases.extend(names.databases);
    }

    /// Takes in a text.
    pub fn learn_text(&mut self, text: Text) {
        self.texts.insert(text.id, Arc::new(text));
    }

    /// Every text so far.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Takes in the texts of a checkpoint.
    pub(super) fn recall(&mut self, texts: Texts) {
        self.texts = texts;
    }

    /// A text by its number.
    pub fn text(&self, id: Option<TextId>) -> Option<&Text> {
        self.texts.get(&id?).map(Arc::as_ref)
    }

    /// Whether a text has a number and is not here: it was told, and lost from the log.
    pub fn is_lost(&self, id: Option<TextId>) -> bool {
        id.is_some() && self.text(id).is_none()
    }

    /// What a statement is, for people: `ALTER TABLE`; `unknown statement` where that is not known, and
    /// [`TEXT_LOST`] where the log has lost it.
    pub fn kind(&self, id: Option<TextId>) -> &str {
        match self.text(id) {
            Some(text) => text.kind.as_str(),
            None if self.is_lost(id) => TEXT_LOST,
            None => "unknown statement",
        }
    }

    /// A role's name, or its number.
    pub fn role(&self, role: Option<Oid>) -> String {
        match role {
            Some(oid) => self.roles.get(&oid).cloned().unwrap_or_else(|| format!("role {oid}")),
            None => "no role".to_owned(),
        }
    }

    /// A database's name, or its number.
    pub fn database(&self, database: Oid) -> String {
        self.databases.get(&database).cloned().unwrap_or_else(|| format!("database {database}"))
    }

    /// The connected database.
    pub fn connected(&self) -> Option<Oid> {
        self.database
    }

    /// `schema.name` of a relation; without the schema when that is `public`. A relation of another database
    /// is `database.oid`.
    pub fn relation(&self, database: Oid, relation: Oid) -> String {
        if !self.is_here(database) {
            return format!("{}.{relation}", self.database(database));
        }
        match self.relations.get(&relation) {
            Some(Some(found)) if found.schema == "public" => found.name.clone(),
            Some(Some(found)) => format!("{}.{}", found.schema, found.name),
            Some(None) => format!("{relation} (not committed)"),
            None => relation.to_string(),
        }
    }

    /// Schema-qualified name of a relation of the connected database, if it has been found.
    pub fn qualified(&self, database: Oid, relation: Oid) -> Option<String> {
        let found = self.found(database, relation)?;
        Some(format!("{}.{}", found.schema, found.name))
    }

    /// Schema and name of a relation of the connected database, if it has been found.
    pub fn parts(&self, database: Oid, relation: Oid) -> Option<(&str, &str)> {
        self.found(database, relation).map(|found| (found.schema.as_str(), found.name.as_str()))
    }

    /// Whether work on the relation is work on a permanent user relation. What could not be looked up counts
    /// as one; a temporary relation and one that nobody else can see yet do not.
    pub fn is_permanent_user_relation(&self, database: Oid, relation: Oid) -> bool {
        relation.is_user()
            && match self.relations.get(&relation) {
                Some(Some(found)) if self.is_here(database) => found.permanent,
                Some(None) if self.is_here(database) => false,
                _ => true,
            }
    }

    /// Whether a relation number with this database belongs to the connected one.
    pub fn is_here(&self, database: Oid) -> bool {
        self.database == Some(database)
    }

    fn found(&self, database: Oid, relation: Oid) -> Option<&FoundRelation> {
        if !self.is_here(database) {
            return None;
        }
        self.relations.get(&relation)?.as_ref()
    }
}
