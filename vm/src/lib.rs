//! Load, link, verify and run bytecode.
