//! The flight log.
