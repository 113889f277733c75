//! Time: clocks, the timer wheel of real time, the ordered queue of virtual time, and sleeping.

pub(crate) mod clock;
pub mod sleep;
pub mod system;
pub(crate) mod timeline;
pub(crate) mod wheel;
