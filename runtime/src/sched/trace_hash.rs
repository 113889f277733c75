//! A digest of everything a deterministic run did: equal digests, equal runs (law D1).

use crate::fiber::Fiber;
use std::collections::HashMap;

/// The digest that stands for the root of all paths.
pub(crate) const ROOT_PATH: u64 = 0x6D61_696E;

/// The digest of a path, one ordinal on.
pub(crate) fn mix(hash: u64, ordinal: u32) -> u64 {
    let x = (hash ^ u64::from(ordinal)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) ^ (x >> 32)
}

/// The operations that scheduling knows. Their numbers are part of the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
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

/// One operation of a deterministic run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// Digest of the fiber's path.
    pub fiber: u64,
    /// Number of the operation among the fiber's, from 1.
    pub ordinal: u32,
    /// What it did.
    pub op: Op,
    /// With which object, 0 if none.
    pub object: u64,
    /// With which result, in the operation's own numbers.
    pub outcome: u64,
}

/// What a deterministic run did, one operation after the other.
#[derive(Clone, Debug, Default)]
pub struct TraceLog {
    /// The operations; only so many of them are kept.
    pub events: Vec<TraceEvent>,
    /// Paths by their digests.
    pub paths: HashMap<u64, String>,
}

/// More events are not kept: two runs that differ do so early.
const MAX_EVENTS: usize = 1 << 20;

/// The running digest.
#[derive(Debug, Default)]
pub(crate) struct TraceHash {
    hash: u64,
    events: u64,
    log: Option<TraceLog>,
}

impl TraceHash {
    /// Keeps what is added from now on.
    pub(crate) fn keep_log(&mut self) {
        self.log = Some(TraceLog::default());
    }

    /// What has been kept.
    pub(crate) fn take_log(&mut self) -> Option<TraceLog> {
        self.log.take()
    }

    /// Adds one event of a fiber: (path, ordinal there, operation, object, outcome).
    pub(crate) fn add(&mut self, fiber: &Fiber, ordinal: u32, op: Op, object: u64, outcome: u64) {
        let path = fiber.path_hash();
        self.events += 1;
        let words = [path, u64::from(ordinal) << 8 | op as u64, object, outcome];
        for word in words {
            let x = (self.hash ^ word).wrapping_mul(0x9FB2_1C65_1E98_DF25);
            self.hash = (x ^ (x >> 32)).rotate_left(23);
        }
        if let Some(log) = &mut self.log
            && log.events.len() < MAX_EVENTS
        {
            log.paths.entry(path).or_insert_with(|| fiber.path());
            log.events.push(TraceEvent {
                fiber: path,
                ordinal,
                op,
                object,
                outcome,
            });
        }
    }

    pub(crate) fn value(&self) -> u64 {
        self.hash ^ self.events
    }
}
