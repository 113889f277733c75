//! Futures, sleeping, executors.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

const STATE_OF: &str = "task.state[T](Future[T]) -> FutureState[T]";
const IS_READY: &str = "task.is_ready[T](Future[T]) -> Bool";
const CANCEL: &str = "task.cancel[T](Future[T]) -> Null";

/// A handle of a future.
fn handle_of(l: &Lumen<'_>, future: FutureRef) -> Typed {
    enter_thread(&l.shared);
    // SAFETY: this thread's heap.
    let made = unsafe { future.into_handle(&mut *heap(), FUTURE) };
    (made.expect("room"), FUTURE)
}

#[test]
fn futures_tell_their_state() {
    everywhere(|l| {
        let nothing = int(0);
        let go_on = Arc::new(AtomicBool::new(false));
        let told = go_on.clone();
        let future = l.spawn(nothing, move |l, _| {
            while !told.load(Ordering::SeqCst) {
                l.sleep(1);
            }
            Ok(3)
        });
        let f = handle_of(l, future.clone());
        assert_eq!(l.show(STATE_OF, &[f], STATE), "Pending");
        assert_eq!(l.show(IS_READY, &[f], wk::BOOL), "false");
        go_on.store(true, Ordering::SeqCst);
        assert_eq!(l.join(&future), Ok(3));
        assert_eq!(l.show(STATE_OF, &[f], STATE), "Completed(3)");
        assert_eq!(l.show(IS_READY, &[f], wk::BOOL), "true");
        l.drop(f);

        let future = l.spawn(nothing, |_, _| {
            Err(lumen_runtime::native::Failure::new("Mine", "no").into())
        });
        let f = handle_of(l, future.clone());
        assert_eq!(l.join(&future), Err("Mine: no".to_owned()));
        assert_eq!(l.show(STATE_OF, &[f], STATE), "Error(\"no\")");
        l.drop(f);

        let future = l.spawn(nothing, |l, _| {
            l.call("task.sleep(Int) -> Null", &[int(3_600_000)], wk::NULL)
                .map(|_| 1)
        });
        let f = handle_of(l, future.clone());
        l.sleep(1);
        assert_eq!(l.show(CANCEL, &[f], wk::NULL), "null");
        assert_eq!(l.join(&future), Err("cancelled".to_owned()));
        assert_eq!(l.show(STATE_OF, &[f], STATE), "Error(\"cancelled\")");
        let path = l.show("task.name[T](Future[T]) -> String", &[f], wk::STRING);
        assert_eq!(path, "main.3");
        let id = l.show("task.id[T](Future[T]) -> Int", &[f], wk::INT);
        assert_eq!(id, future.id().to_string());
        l.drop(f);
    });
}

#[test]
fn sleeping_moves_the_clock() {
    everywhere(|l| {
        let before = l.call("io.now() -> Int", &[], wk::INT).expect("now") as i64;
        l.sleep(20);
        l.sleep(0);
        l.sleep(-5);
        let after = l.call("io.now() -> Int", &[], wk::INT).expect("now") as i64;
        let slept = after - before;
        assert!(slept >= 20, "{slept}");
        if l.cx.is_virtual_time() {
            assert_eq!(slept, 20);
        }
    });
}

#[test]
fn executors_are_shut_down() {
    everywhere(|l| {
        let name = l.text("io");
        let key = "task.executor(Int, String) -> Executor";
        let failed = l.show(key, &[int(0), name], HANDLE);
        assert!(failed.contains("at least one thread"), "{failed}");
        let pool = l.make(key, &[int(2), name], HANDLE);
        l.drop(name);
        assert_eq!(l.text_of(pool), "Executor");
        let shutdown = "task.shutdown(Executor) -> Null";
        assert_eq!(l.show(shutdown, &[pool], wk::NULL), "null");
        assert_eq!(l.show(shutdown, &[pool], wk::NULL), "null");
        l.drop(pool);
    });
}
