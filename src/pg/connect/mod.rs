//! Connecting, the way psql does.
