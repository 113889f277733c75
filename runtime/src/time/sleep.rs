//! Waiting for the clock.

use crate::fiber::FiberCx;
use crate::fiber::cx::Enter;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::time::timeline::Class;
use std::task::Poll;
use std::time::Duration;

impl FiberCx {
    /// Sleeps for so many nanoseconds; 0 makes room.
    pub fn poll_sleep(&self, nanoseconds: u64) -> Poll<Result<(), WaitError>> {
        if nanoseconds == 0 {
            return self.poll_yield();
        }
        self.sleep_with(|| self.now().saturating_add(nanoseconds), Class::Sleep)
    }

    /// Sleeps until the clock of fibers shows this.
    pub fn poll_sleep_until(&self, deadline: u64) -> Poll<Result<(), WaitError>> {
        self.sleep_with(|| deadline, Class::Sleep)
    }

    /// As [`FiberCx::poll_sleep_until`]; in virtual time whatever else happens then comes first.
    pub fn poll_deadline(&self, deadline: u64) -> Poll<Result<(), WaitError>> {
        self.sleep_with(|| deadline, Class::Deadline)
    }

    fn sleep_with(
        &self,
        deadline: impl FnOnce() -> u64,
        class: Class,
    ) -> Poll<Result<(), WaitError>> {
        match self.enter() {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => {
                let wake = self.finish_wait();
                return Poll::Ready(if wake.arm == 0 {
                    self.event(Op::Sleep, 0, 0);
                    Ok(())
                } else {
                    Err(self.wake_error(wake.arm))
                });
            }
            Enter::Begin => {}
        }
        match self.begin_wait(WaitReason::Sleep, 0) {
            Ok(epoch) => {
                self.arm_timer(epoch, deadline(), 0, class);
                Poll::Pending
            }
            Err(why) => Poll::Ready(Err(why)),
        }
    }

    /// As [`FiberCx::poll_sleep`], for bodies with a stack.
    pub fn sleep(&self, time: Duration) -> Result<(), WaitError> {
        let nanoseconds = time.as_nanos().min(u128::from(u64::MAX)) as u64;
        self.block(|| self.poll_sleep(nanoseconds))
    }

    /// As [`FiberCx::poll_yield`], for bodies with a stack.
    pub fn yield_now(&self) -> Result<(), WaitError> {
        self.block(|| self.poll_yield())
    }
}
