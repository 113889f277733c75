//! Native code for hot functions and loops.

mod contract;

pub use contract::{Compilation, JitMode, JitStats};
