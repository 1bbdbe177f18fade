//! PostgreSQL at the edge.
pub mod connect;
pub mod text;
