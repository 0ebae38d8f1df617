//! Compiles `schema/` into the wire messages.
fn main() {}
