//! The decision oracle: every choice of a deterministic run goes through one interface.
//!
//! Options are listed in a canonical order, oldest first, never from a hash map; option 0 is what
//! FIFO does. A policy sees neither the clock nor the operating system. In parallel mode nothing
//! here is called.

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Decision {
    /// `S`: which fiber runs next. At a scheduling point option 0 is the running fiber itself.
    Next = b'S',
    /// `A`: which ready arm of a select takes effect; in source order.
    Arm = b'A',
    /// `W`: which waiter is woken; in queue order.
    Waiter = b'W',
    /// `T`: which due timer fires; in (deadline, creation) order.
    Timer = b'T',
    /// `C`: deliver a pending cancellation here, or later.
    Cancel = b'C',
    /// `F`: inject a fault at this site.
    Fault = b'F',
    /// `R`: seed of a random stream.
    Random = b'R',
    /// `I`: which outside completion comes first.
    Io = b'I',
}

impl Decision {
    /// All kinds.
    pub const ALL: [Decision; 8] = [
        Decision::Next,
        Decision::Arm,
        Decision::Waiter,
        Decision::Timer,
        Decision::Cancel,
        Decision::Fault,
        Decision::Random,
        Decision::Io,
    ];

    /// The letter that stands for it in files.
    #[must_use]
    pub fn letter(self) -> char {
        char::from(self as u8)
    }

    /// The kind with this letter.
    #[must_use]
    pub fn from_letter(letter: char) -> Option<Decision> {
        Decision::ALL.into_iter().find(|d| d.letter() == letter)
    }
}

/// One thing that may be chosen, named independently of addresses and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Digest of the path of the fiber concerned.
    pub fiber: u64,
    /// Number of the object or arm concerned, 0 if none.
    pub object: u64,
}

/// What may be put into a run at a point, to see whether the program bears it. As options of
/// [`Decision::Fault`] they are named by these numbers; option 0 is always `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Fault {
    /// Nothing.
    None,
    /// The fiber is cancelled here.
    Cancel,
    /// The operation fails with [`WaitError::Injected`].
    ///
    /// [`WaitError::Injected`]: crate::WaitError::Injected
    Fail,
    /// The fiber waits until no other can run.
    Delay,
}

/// At which points a policy is asked about faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoints {
    /// Nowhere.
    Nowhere,
    /// Before each operation, when a fiber has parked, and when it resumes.
    Operations,
    /// There, and at the first poll of running code (a back-edge or call) after each of them.
    Polls,
}

/// Makes the choices of a deterministic run.
pub trait Policy: Send {
    /// Picks one of `options`; out of range counts as 0.
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize;

    /// Does this policy always pick option 0? Then options are not even listed.
    fn is_default(&self) -> bool {
        false
    }

    /// Does it ever pick another option than 0 in decisions of this kind? Else their options are
    /// not listed.
    fn chooses(&self, decision: Decision) -> bool {
        let _ = decision;
        !self.is_default()
    }

    /// Where it is asked about faults.
    fn fault_points(&self) -> FaultPoints {
        FaultPoints::Nowhere
    }

    /// A fiber has made room of its own accord: it waits for something others do.
    fn yielded(&mut self, fiber: u64) {
        let _ = fiber;
    }

    /// The fiber is at a scheduling point, about which the next decision is: it goes on, or another
    /// does. Its next operation is one with this object; 0: with several, or none.
    fn pending(&mut self, fiber: u64, object: u64) {
        let _ = (fiber, object);
    }

    /// The choices that follow are made while this fiber runs, or after it has: at its operation
    /// of this number, or, without one, where it was.
    fn running(&mut self, fiber: u64, ordinal: Option<u32>) {
        let _ = (fiber, ordinal);
    }
}
