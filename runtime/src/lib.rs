//! Fibers, M:N scheduler, channels, select, timers, clocks, the decision oracle, and the counted
//! heap. A Rust library of its own: it runs *bodies*, not instructions, and knows no opcode.
//!
//! # Model
//!
//! A [`Runtime`] runs a main task and everything it starts. A task's code is a [`Body`]; its end
//! is an [`Outcome`], exactly one per task. Values are opaque 64-bit slots described by a
//! [`PayloadVTable`].
//!
//! Every operation that may wait is a *poll* on the running fiber's [`FiberCx`]:
//!
//! - `Poll::Ready(result)`: done.
//! - `Poll::Pending`: a waiter is registered. The body parks: a body whose frames live in the heap
//!   by **returning** [`Step::Parked`], a body with a stack ([`Body::needs_stack`]) by
//!   [`FiberCx::suspend`] (or [`FiberCx::block`], which loops). Once resumed it calls **the same
//!   operation with the same arguments again**, which then gives the result.
//!
//! A value passed to a send belongs to the caller until the send answers `Ok`. Errors of waits
//! are [`WaitError`]s; `Cancelled` and `ScopeFailed` mean: unwind (with
//! [`FiberCx::set_masked`] while cleaning up) and end as [`Outcome::Cancelled`], or at the end of
//! the failed scope.
//!
//! Running code polls [`FiberCx::poll_word`] at back-edges and calls and goes to
//! [`FiberCx::safepoint`] when it is not zero: preemption, cancellation, interruption.
//!
//! # Laws
//!
//! D1: same program, inputs and decisions give the same trace hash. D2: every operation that can
//! affect another fiber is a scheduling point before it acts. D3: woken waiters of a mutex compete
//! with newcomers; channels hand over. See [`sched::decide`].

pub(crate) mod blocks;
pub mod config;
pub(crate) mod counted;
pub mod fiber;
pub mod heap;
mod huge;
pub mod image;
pub mod native;
pub mod payload;
pub mod pools;
pub(crate) mod prim;
pub mod random;
pub mod sched;
pub mod signal;
pub mod sync;
pub mod task;
pub mod time;

pub use config::{ClockKind, Config, Hooks, Mode, NoHooks, TaskInfo};
pub use fiber::cx::{Safepoint, SpawnError, SpawnOptions};
pub use fiber::{Body, FiberCx, SpawnInfo, Step};
pub use payload::{Outcome, PayloadVTable};
pub use sched::deadlock::{BlockedFiber, DeadlockReport};
pub use sched::pool::Pool;
pub use sched::runtime::{Interrupt, RunReport, Runtime};
pub use sched::stats::Stats;
pub use sched::wait_reason::{WaitError, WaitReason};
pub use task::future::{FutureRef, Promise, promise};
