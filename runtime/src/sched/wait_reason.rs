//! Every reason for which a fiber parks, and its text in dumps and deadlock reports.

/// Why a fiber does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum WaitReason {
    /// It does not wait.
    #[default]
    None,
    /// For the result of a task.
    Await,
    /// For the end of a join block.
    Join,
    /// For everything started inside a scope.
    Scope,
    /// For a message.
    Receive,
    /// For room in a channel, or for a receiver.
    Send,
    /// For the first of several operations.
    Select,
    /// For a mutex.
    Mutex,
    /// To read under a read-write lock.
    ReadLock,
    /// To write under a read-write lock.
    WriteLock,
    /// For a notification of a condition variable.
    Condvar,
    /// For a permit of a semaphore.
    Semaphore,
    /// For the others of a barrier.
    Barrier,
    /// For another fiber's run of a `Once`.
    Once,
    /// For a wait group to reach zero.
    WaitGroup,
    /// For a cancel token.
    CancelToken,
    /// For the clock.
    Sleep,
    /// For an executor's tasks.
    Executor,
    /// For something outside: a blocking job, a reactor.
    Io,
}

impl WaitReason {
    /// The text, to stand after "blocked on".
    pub fn text(self) -> &'static str {
        match self {
            WaitReason::None => "nothing",
            WaitReason::Await => "await",
            WaitReason::Join => "join of a block",
            WaitReason::Scope => "end of scope",
            WaitReason::Receive => "receive from channel",
            WaitReason::Send => "send to channel",
            WaitReason::Select => "select",
            WaitReason::Mutex => "mutex",
            WaitReason::ReadLock => "read lock",
            WaitReason::WriteLock => "write lock",
            WaitReason::Condvar => "condition variable",
            WaitReason::Semaphore => "semaphore",
            WaitReason::Barrier => "barrier",
            WaitReason::Once => "once",
            WaitReason::WaitGroup => "wait group",
            WaitReason::CancelToken => "cancel token",
            WaitReason::Sleep => "sleep",
            WaitReason::Executor => "shutdown of executor",
            WaitReason::Io => "outside operation",
        }
    }
}

impl std::fmt::Display for WaitReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// How a wait ended other than by what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// The fiber has been cancelled: unwind and end as [`Outcome::Cancelled`].
    ///
    /// [`Outcome::Cancelled`]: crate::Outcome::Cancelled
    Cancelled,
    /// A scope whose body this fiber runs has failed: unwind to the end of that scope.
    ScopeFailed,
    /// The deadline of the wait has passed.
    Timeout,
    /// The channel is closed (and, for a receive, drained).
    Closed,
    /// The channel is full and reports that instead of waiting.
    Full,
    /// The batch can never fit into the channel.
    TooLarge,
    /// Nothing in the program can ever end this wait.
    Deadlock,
    /// A test has put a failure here.
    Injected,
}

impl std::fmt::Display for WaitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            WaitError::Cancelled => "cancelled",
            WaitError::ScopeFailed => "a scope around it failed",
            WaitError::Timeout => "timed out",
            WaitError::Closed => "channel is closed",
            WaitError::Full => "channel is full",
            WaitError::TooLarge => "batch exceeds the channel's capacity",
            WaitError::Deadlock => "deadlock",
            WaitError::Injected => "injected failure",
        })
    }
}

impl std::error::Error for WaitError {}
