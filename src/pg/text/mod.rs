//! Digesting query texts.
