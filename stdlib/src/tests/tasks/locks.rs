//! Mutexes, locks, atomics, semaphores and the like.

use super::*;

const MUTEX: &str = "sync.Mutex[T](T) -> Mutex[T]";
const GET: &str = "sync.get[T](Mutex[T]) -> T";
const SET: &str = "sync.set[T](Mutex[T], T) -> Null";
const LOCK: &str = "sync.lock[T](Mutex[T]) -> Null";
const UNLOCK: &str = "sync.unlock[T](Mutex[T]) -> Null";

#[test]
fn a_mutex_guards_its_value() {
    everywhere(|l| {
        let m = l.make(MUTEX, &[int(0)], HANDLE);
        let tasks = [0; 4].map(|_| {
            l.spawn(m, |l, m| {
                for _ in 0..10 {
                    l.call(LOCK, &[m], wk::NULL)?;
                    let value = l.call(GET, &[m], wk::INT)?;
                    l.sleep(0);
                    l.call(SET, &[m, int(value as i64 + 1)], wk::NULL)?;
                    l.call(UNLOCK, &[m], wk::NULL)?;
                }
                Ok(0)
            })
        });
        for t in &tasks {
            assert_eq!(l.join(t), Ok(0));
        }
        assert_eq!(l.show(GET, &[m], wk::INT), "40");
        l.drop(m);
    });
}

#[test]
fn a_mutex_is_unlocked_by_its_holder() {
    everywhere(|l| {
        let text = l.text("value");
        let m = l.make(MUTEX, &[text], HANDLE);
        l.drop(text);
        assert!(l.show(UNLOCK, &[m], wk::NULL).ends_with("it is not locked"));
        l.show(LOCK, &[m], wk::NULL);
        let again = l.show(LOCK, &[m], wk::NULL);
        assert!(again.contains("holds the mutex already"), "{again}");
        let other = l.spawn(m, |l, m| {
            let failed = l.show(UNLOCK, &[m], wk::NULL);
            assert!(
                failed.ends_with("it is locked by another fiber"),
                "{failed}"
            );
            assert_eq!(
                l.show("sync.try_lock[T](Mutex[T]) -> Bool", &[m], wk::BOOL),
                "false"
            );
            Ok(0)
        });
        assert_eq!(l.join(&other), Ok(0));
        let waiter = l.spawn(m, |l, m| l.call(LOCK, &[m], wk::NULL).map(|_| 1));
        l.sleep(1);
        waiter.cancel(l.cx);
        assert_eq!(l.join(&waiter), Err("cancelled".to_owned()));
        // Who looks at the value waits for the holder.
        let reader = l.spawn(m, |l, m| {
            assert_eq!(l.show(GET, &[m], wk::STRING), "changed");
            Ok(0)
        });
        l.sleep(1);
        let text = l.text("changed");
        l.show(SET, &[m, text], wk::NULL);
        l.drop(text);
        assert_eq!(l.show(UNLOCK, &[m], wk::NULL), "null");
        assert_eq!(l.join(&reader), Ok(0));
        l.drop(m);
    });
}

#[test]
fn readers_share_and_writers_do_not() {
    everywhere(|l| {
        let rw = l.make("sync.RwLock[T](T) -> RwLock[T]", &[int(1)], HANDLE);
        let (read, unread) = (
            "sync.read_lock[T](RwLock[T]) -> Null",
            "sync.read_unlock[T](RwLock[T]) -> Null",
        );
        let (write, unwrite) = (
            "sync.write_lock[T](RwLock[T]) -> Null",
            "sync.write_unlock[T](RwLock[T]) -> Null",
        );
        let value = "sync._value[T](RwLock[T]) -> T";
        l.show(read, &[rw], wk::NULL);
        let reader = l.spawn(rw, move |l, rw| {
            l.call(read, &[rw], wk::NULL)?;
            l.call(unread, &[rw], wk::NULL)?;
            Ok(0)
        });
        assert_eq!(l.join(&reader), Ok(0));
        let writer = l.spawn(rw, move |l, rw| {
            l.call(write, &[rw], wk::NULL)?;
            l.call(
                "sync._replace[T](RwLock[T], T) -> Null",
                &[rw, int(2)],
                wk::NULL,
            )?;
            l.call(unwrite, &[rw], wk::NULL)?;
            Ok(0)
        });
        l.sleep(1);
        assert_eq!(l.show(value, &[rw], wk::INT), "1");
        l.show(unread, &[rw], wk::NULL);
        assert_eq!(l.join(&writer), Ok(0));
        assert_eq!(l.show(value, &[rw], wk::INT), "2");
        for unlock in [unread, unwrite] {
            assert!(
                l.show(unlock, &[rw], wk::NULL)
                    .ends_with("it is not locked")
            );
        }
        l.drop(rw);
    });
}

#[test]
fn atomics_count() {
    everywhere(|l| {
        let a = l.make("sync.Atomic(Int) -> Atomic", &[int(0)], HANDLE);
        let tasks = [0; 3].map(|_| {
            l.spawn(a, |l, a| {
                for _ in 0..20 {
                    l.call("sync.add(Atomic, Int) -> Int", &[a, int(2)], wk::INT)?;
                }
                Ok(0)
            })
        });
        for t in &tasks {
            assert_eq!(l.join(t), Ok(0));
        }
        assert_eq!(l.show("sync.get(Atomic) -> Int", &[a], wk::INT), "120");
        let swap = "sync.swap(Atomic, Int) -> Int";
        assert_eq!(l.show(swap, &[a, int(i64::MAX)], wk::INT), "120");
        let failed = l.show("sync.add(Atomic, Int) -> Int", &[a, int(1)], wk::INT);
        assert_eq!(failed, "Overflow: integer overflow");
        let exchange = "sync.compare_exchange(Atomic, Int, Int) -> Bool";
        assert_eq!(l.show(exchange, &[a, int(1), int(2)], wk::BOOL), "false");
        assert_eq!(
            l.show(exchange, &[a, int(i64::MAX), int(2)], wk::BOOL),
            "true"
        );
        l.show("sync.set(Atomic, Int) -> Null", &[a, int(-1)], wk::NULL);
        assert_eq!(l.show("sync.get(Atomic) -> Int", &[a], wk::INT), "-1");
        l.drop(a);
    });
}

#[test]
fn a_semaphore_hands_out_permits() {
    everywhere(|l| {
        let failed = l.show("sync.Semaphore(Int) -> Semaphore", &[int(-1)], HANDLE);
        assert!(failed.contains("must not be negative"), "{failed}");
        let s = l.make("sync.Semaphore(Int) -> Semaphore", &[int(1)], HANDLE);
        let (acquire, release) = (
            "sync.acquire(Semaphore) -> Null",
            "sync.release(Semaphore) -> Null",
        );
        let try_acquire = "sync.try_acquire(Semaphore) -> Bool";
        assert_eq!(l.show(try_acquire, &[s], wk::BOOL), "true");
        assert_eq!(l.show(try_acquire, &[s], wk::BOOL), "false");
        let waiters = [0, 1].map(|_| l.spawn(s, |l, s| l.call(acquire, &[s], wk::NULL).map(|_| 1)));
        l.sleep(1);
        waiters[0].cancel(l.cx);
        assert_eq!(l.join(&waiters[0]), Err("cancelled".to_owned()));
        l.show(release, &[s], wk::NULL);
        assert_eq!(l.join(&waiters[1]), Ok(1));
        assert_eq!(l.show(try_acquire, &[s], wk::BOOL), "false");
        l.drop(s);
    });
}

#[test]
fn a_barrier_lets_all_go_together() {
    everywhere(|l| {
        let failed = l.show("sync.Barrier(Int) -> Barrier", &[int(0)], HANDLE);
        assert!(failed.contains("at least one"), "{failed}");
        let b = l.make("sync.Barrier(Int) -> Barrier", &[int(3)], HANDLE);
        let wait = "sync.wait(Barrier) -> Bool";
        for _ in 0..2 {
            let tasks =
                [0; 3].map(|_| l.spawn(b, move |l, b| Ok(l.call(wait, &[b], wk::BOOL)? as i64)));
            let last: Result<Vec<i64>, String> = tasks.iter().map(|t| l.join(t)).collect();
            assert_eq!(last.map(|l| l.iter().sum::<i64>()), Ok(1));
        }
        l.drop(b);
    });
}

#[test]
fn once_is_done_once_even_after_a_failure() {
    everywhere(|l| {
        let o = l.make("sync.Once() -> Once", &[], HANDLE);
        let (begin, finish) = (
            "sync._begin(Once) -> Bool",
            "sync._finish(Once, Bool) -> Null",
        );
        let tasks = [0, 1, 2].map(|i| {
            l.spawn(o, move |l, o| {
                if l.call(begin, &[o], wk::BOOL)? == 0 {
                    return Ok(0);
                }
                l.sleep(1);
                l.call(finish, &[o, (u64::from(i > 0), wk::BOOL)], wk::NULL)?;
                Ok(i64::from(i > 0))
            })
        });
        let ran: Result<Vec<i64>, String> = tasks.iter().map(|t| l.join(t)).collect();
        assert_eq!(ran.map(|r| r.iter().sum::<i64>()), Ok(1));
        l.drop(o);
    });
}

#[test]
fn a_wait_group_waits_for_zero() {
    everywhere(|l| {
        let w = l.make("sync.WaitGroup() -> WaitGroup", &[], HANDLE);
        let (add, done) = (
            "sync.add(WaitGroup, Int) -> Null",
            "sync.done(WaitGroup) -> Null",
        );
        assert!(
            l.show(done, &[w], wk::NULL)
                .contains("must not become negative")
        );
        l.show(add, &[w, int(2)], wk::NULL);
        let tasks = [0, 1].map(|_| {
            l.spawn(w, move |l, w| {
                l.sleep(1);
                l.call(done, &[w], wk::NULL).map(|_| 0)
            })
        });
        assert_eq!(
            l.show("sync.wait(WaitGroup) -> Null", &[w], wk::NULL),
            "null"
        );
        for t in &tasks {
            assert_eq!(l.join(t), Ok(0));
        }
        l.drop(w);
    });
}

#[test]
fn conditions_are_waited_for_under_a_mutex() {
    everywhere(|l| {
        let m = l.make(MUTEX, &[int(0)], HANDLE);
        let c = l.make("sync.Condvar() -> Condvar", &[], HANDLE);
        let wait = "sync.wait[T](Condvar, Mutex[T]) -> Null";
        assert!(
            l.show(wait, &[c, m], wk::NULL)
                .ends_with("it is not locked")
        );
        // SAFETY: a live handle that the other task is given too; this thread's heap.
        unsafe {
            count::share(&mut *heap(), c.0);
            count::dup(c.0);
        }
        let waiter = l.spawn(m, move |l, m| {
            l.call(LOCK, &[m], wk::NULL)?;
            while l.call(GET, &[m], wk::INT)? == 0 {
                l.call(wait, &[c, m], wk::NULL)?;
            }
            l.call(UNLOCK, &[m], wk::NULL)?;
            l.drop(c);
            Ok(7)
        });
        l.sleep(1);
        l.show(SET, &[m, int(1)], wk::NULL);
        l.show("sync.notify_all(Condvar) -> Null", &[c], wk::NULL);
        assert_eq!(l.join(&waiter), Ok(7));
        l.show("sync.notify_one(Condvar) -> Null", &[c], wk::NULL);
        l.drop(c);
        l.drop(m);
    });
}

#[test]
fn a_token_tells() {
    everywhere(|l| {
        let t = l.make("sync.CancelToken() -> CancelToken", &[], HANDLE);
        let (check, told) = (
            "sync.check(CancelToken) -> Null",
            "sync.is_cancelled(CancelToken) -> Bool",
        );
        assert_eq!(l.show(check, &[t], wk::NULL), "null");
        assert_eq!(l.show(told, &[t], wk::BOOL), "false");
        let waiter = l.spawn(t, |l, t| {
            l.call("sync.wait(CancelToken) -> Null", &[t], wk::NULL)
                .map(|_| 1)
        });
        l.sleep(1);
        l.show("sync.cancel(CancelToken) -> Null", &[t], wk::NULL);
        assert_eq!(l.join(&waiter), Ok(1));
        assert_eq!(l.show(told, &[t], wk::BOOL), "true");
        assert_eq!(l.show(check, &[t], wk::NULL), "Cancelled: cancelled");
        l.drop(t);
    });
}
