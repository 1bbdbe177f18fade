//! Plans without a server: what the runner says comes from the test.
