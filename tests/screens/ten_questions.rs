//! Ten questions of whoever looks at a jam at night: the cockpit alone answers them.
