//! Schedulers of deterministic runs, one a file.

pub mod fifo;
pub mod random;
