//! Native code for hot functions and loops.
//!
//! Native code is a cache of the interpreter's frame: while it runs, registers are machine
//! registers; for whatever is unusual it writes what is live to the frame, returns a status
//! through all native frames, and the interpreter goes on. See `docs/jit.md`.

mod contract;

pub use contract::{Compilation, JitMode, JitStats};

#[cfg(feature = "jit")]
mod arena;
#[cfg(feature = "jit")]
mod background;
#[cfg(feature = "jit")]
mod calls;
#[cfg(feature = "jit")]
mod compile;
#[cfg(feature = "jit")]
mod constants;
#[cfg(feature = "jit")]
mod edges;
#[cfg(feature = "jit")]
mod entry;
#[cfg(feature = "jit")]
mod env;
#[cfg(feature = "jit")]
mod exits;
#[cfg(feature = "jit")]
mod facts;
#[cfg(feature = "jit")]
mod fills;
#[cfg(feature = "jit")]
mod guards;
#[cfg(feature = "jit")]
mod inline;
#[cfg(feature = "jit")]
mod loops;
#[cfg(feature = "jit")]
mod ops;
#[cfg(feature = "jit")]
mod perf_map;
#[cfg(feature = "jit")]
mod plan;
#[cfg(feature = "jit")]
mod ranges;
#[cfg(feature = "jit")]
mod reach;
#[cfg(feature = "jit")]
mod stubs;
#[cfg(feature = "jit")]
mod support;
#[cfg(feature = "jit")]
mod tier;
#[cfg(feature = "jit")]
mod translate;

#[cfg(feature = "jit")]
pub(crate) use tier::{Jit, Status};
#[cfg(feature = "jit")]
use tier::{NATIVE_ENTRY, NATIVE_FRAME, NATIVE_SIZE};
