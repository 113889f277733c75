//! Lumen source to bytecode; pure: no I/O, no clock, no threads.
