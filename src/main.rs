//! The program `lockpit`.

fn main() {}
