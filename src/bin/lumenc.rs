//! The `lumenc` command.

fn main() {}
