//! A digest of everything a deterministic run did: equal digests, equal runs (law D1).

/// The operations that scheduling knows. Their numbers are part of the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Op {
    /// A task was started.
    Spawn = 1,
    /// The result of a task was waited for.
    Await,
    /// A task was looked at.
    Look,
    /// A task was asked to end.
    Cancel,
    /// A join block was waited for.
    Join,
    /// The end of a scope was waited for.
    Scope,
    /// A message was received.
    Receive,
    /// A message was sent.
    Send,
    /// A channel was closed.
    Close,
    /// One of several operations took effect.
    Select,
    /// A lock was taken.
    Lock,
    /// A lock was given back.
    Unlock,
    /// A condition was waited for.
    CondWait,
    /// A condition was announced.
    Notify,
    /// An atomic was touched.
    Atomic,
    /// A permit was taken.
    Acquire,
    /// A permit was given back.
    Release,
    /// The others of a barrier were waited for.
    Barrier,
    /// A `Once` was run or waited for.
    Once,
    /// A wait group was changed.
    GroupAdd,
    /// A wait group was waited for.
    GroupWait,
    /// A cancel token was used.
    Token,
    /// The clock was waited for.
    Sleep,
    /// A fiber made room.
    Yield,
    /// An executor was waited for.
    Executor,
    /// A task ended.
    End,
}

/// The running digest.
#[derive(Debug, Default)]
pub(crate) struct TraceHash {
    hash: u64,
    events: u64,
}

impl TraceHash {
    /// Adds one event: (fiber path, its ordinal there, operation, object, outcome).
    pub(crate) fn add(&mut self, fiber: u64, ordinal: u32, op: Op, object: u64, outcome: u64) {
        self.events += 1;
        let words = [fiber, u64::from(ordinal) << 8 | op as u64, object, outcome];
        for word in words {
            let x = (self.hash ^ word).wrapping_mul(0x9FB2_1C65_1E98_DF25);
            self.hash = (x ^ (x >> 32)).rotate_left(23);
        }
    }

    pub(crate) fn value(&self) -> u64 {
        self.hash ^ self.events
    }
}
