//! Natives that wait, called from fibers of a runtime as the virtual machine calls them: again and
//! again until they have an answer. Every run ends with an empty heap.

mod channels;
mod locks;
mod tasks_and_time;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use lumen_runtime::heap::types::{Field, TypeKind, well_known as wk};
use lumen_runtime::heap::{
    Heap, HeapShared, Repr, TypeIx, Types, count, error, format, list, string, word,
};
use lumen_runtime::native::{Machine, NativeCx, NativeStop};
use lumen_runtime::sched::policy::random::RandomWalk;
use lumen_runtime::task::future::FutureRef;
use lumen_runtime::{Body, Config, FiberCx, Mode, Outcome, PayloadVTable, Runtime, Step};

use super::natives::{Nowhere, Typed};

const OWN: TypeIx = 32; // the first after the well-known ones
const CHANNEL: TypeIx = OWN; // Channel[Int]
const TEXTS: TypeIx = OWN + 1; // Channel[String]
const SENDER: TypeIx = OWN + 2;
const RECEIVER: TypeIx = OWN + 3;
const BROADCAST: TypeIx = OWN + 4;
const HANDLE: TypeIx = OWN + 5; // any of the others
const OPTIONAL_INT: TypeIx = OWN + 6;
const OPTIONAL_TEXT: TypeIx = OWN + 7;
const STATUS: TypeIx = OWN + 8; // (Int, Bool)
const FUTURE: TypeIx = OWN + 9; // Future[Int]
const STATE: TypeIx = OWN + 10; // FutureState[Int]: Pending, Completed, Error

fn types() -> Arc<Types> {
    let handle = |name: &str| TypeKind::Handle { name: name.into() };
    let variant = |name: &str, payload: Option<TypeIx>| TypeKind::Variant {
        owner: STATE,
        name: name.into(),
        fields: payload
            .map(|ty| Field {
                name: "".into(),
                ty,
            })
            .into_iter()
            .collect(),
    };
    let mut kinds = Types::well_known_kinds();
    kinds.extend([
        TypeKind::Channel(wk::INT),
        TypeKind::Channel(wk::STRING),
        handle("Sender[Int]"),
        handle("Receiver[Int]"),
        handle("Broadcast[Int]"),
        handle("Handle"),
        TypeKind::Union(vec![wk::INT, wk::NULL]),
        TypeKind::Union(vec![wk::STRING, wk::NULL]),
        TypeKind::Tuple(vec![wk::INT, wk::BOOL]),
        TypeKind::Future(wk::INT),
        TypeKind::Enum {
            name: "FutureState[Int]".into(),
            first_variant: STATE + 1,
            variants: 3,
        },
        variant("Pending", None),
        variant("Completed", Some(wk::INT)),
        variant("Error", Some(wk::STRING)),
    ]);
    Arc::new(Types::new(kinds))
}

thread_local! {
    static HEAP: RefCell<Option<Box<Heap>>> = const { RefCell::new(None) };
}

/// This thread's heap. A fiber may go on in another thread, so it is looked up for every call.
#[inline(never)]
fn heap() -> *mut Heap {
    HEAP.with_borrow_mut(|h| &raw mut **h.as_mut().expect("a heap"))
}

fn enter_thread(shared: &Arc<HeapShared>) {
    HEAP.with_borrow_mut(|slot| match slot {
        Some(h) if Arc::ptr_eq(h.shared(), shared) => {}
        _ => {
            if let Some(mut old) = slot.replace(Box::new(Heap::new(shared))) {
                old.publish();
            }
        }
    });
}

fn leave_thread() {
    if let Some(mut heap) = HEAP.with_borrow_mut(Option::take) {
        heap.publish();
    }
}

static PAYLOAD: PayloadVTable = PayloadVTable {
    immediate: 0b11,
    // SAFETY: an owned word; this thread's heap.
    drop: |w| unsafe { count::drop(&mut *heap(), w) },
    share: |w| {
        // SAFETY: a live word.
        unsafe { count::dup(w) };
        w
    },
    equal: |a, b| a == b,
};

/// A fiber, as natives and tests see it.
struct Lumen<'a> {
    cx: &'a FiberCx,
    shared: Arc<HeapShared>,
    kept: Cell<u64>,
}

impl Machine for Lumen<'_> {
    fn task(&self, _: &mut Heap, _: u64) -> Box<dyn Body> {
        unreachable!("these natives start no tasks")
    }
    fn site(&self) -> u64 {
        0
    }
    fn turn(&self) -> u64 {
        0
    }
    fn future_type(&self, _: TypeIx) -> TypeIx {
        FUTURE
    }
    fn cancelled(&self) -> u64 {
        word::ABSENT
    }
    fn cancel_scope(&self, _: &FiberCx, _: u64) {}
    fn kept(&self) -> &Cell<u64> {
        &self.kept
    }
}

/// What a fiber of a test does: its value is an Int.
type Program = Box<dyn FnOnce(&Lumen<'_>) -> Result<i64, NativeStop> + Send>;

struct Task {
    program: Option<Program>,
    shared: Arc<HeapShared>,
}

impl Body for Task {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        enter_thread(&self.shared);
        let lumen = Lumen {
            cx,
            shared: Arc::clone(&self.shared),
            kept: Cell::new(0),
        };
        let program = self.program.take().expect("resumed once");
        let end = program(&lumen);
        assert_eq!(lumen.kept.get(), 0, "nothing is kept between operations");
        enter_thread(&self.shared);
        Step::Done(match end {
            Ok(value) => Outcome::Ok(word::small_int(value).expect("a small Int")),
            Err(NativeStop::Failed(failure)) => {
                // SAFETY: this thread's heap.
                let made = unsafe { failure.to_error(&mut *heap(), "") };
                Outcome::Failed(made.expect("room"))
            }
            Err(NativeStop::Cancelled) => Outcome::Cancelled,
            Err(other) => panic!("{other:?}"),
        })
    }

    fn needs_stack(&self) -> bool {
        true
    }
}

/// A value that a task was given: released when it has ended, or was cancelled before it began.
struct Held {
    value: Typed,
    shared: Arc<HeapShared>,
}

impl Drop for Held {
    fn drop(&mut self) {
        enter_thread(&self.shared);
        let (slot, ty) = self.value;
        if self.shared.types().repr(ty) == Repr::Word {
            // SAFETY: the task's own value; this thread's heap.
            unsafe { count::drop(&mut *heap(), slot) }
        }
    }
}

impl Lumen<'_> {
    /// Calls a native until it has an answer. The arguments stay the caller's.
    fn call(&self, key: &str, args: &[Typed], result: TypeIx) -> Result<u64, NativeStop> {
        let native = crate::native(key).unwrap_or_else(|| panic!("no native {key}"));
        let params: Vec<TypeIx> = args.iter().map(|a| a.1).collect();
        loop {
            enter_thread(&self.shared);
            let mut slots: Vec<u64> = args.iter().map(|a| a.0).collect();
            let mut cx = NativeCx {
                // SAFETY: this thread's heap, which nobody else uses during the call.
                heap: unsafe { &mut *heap() },
                types: self.shared.types(),
                params: &params,
                result,
                host: &Nowhere,
                fiber: Some(self.cx),
                machine: Some(self),
            };
            match (native.func)(&mut cx, &mut slots) {
                Err(NativeStop::Parked) => self.cx.suspend(),
                answer => return answer,
            }
        }
    }

    /// As [`Lumen::call`]: the printed result, or `Kind: message`.
    fn show(&self, key: &str, args: &[Typed], result: TypeIx) -> String {
        match self.call(key, args, result) {
            Ok(slot) => {
                let text = self.text_of((slot, result));
                self.drop((slot, result));
                text
            }
            Err(NativeStop::Failed(f)) => format!("{}: {}", f.kind, f.message),
            Err(other) => format!("{other:?}"),
        }
    }

    fn text_of(&self, (slot, ty): Typed) -> String {
        // SAFETY: a live value of its type.
        unsafe { format::format(self.shared.types(), slot, ty) }
    }

    /// A new handle.
    fn make(&self, key: &str, args: &[Typed], ty: TypeIx) -> Typed {
        (self.call(key, args, ty).expect("a handle"), ty)
    }

    fn channel(&self, capacity: Option<i64>, on_full: &str, ty: TypeIx) -> Typed {
        let capacity = capacity.map_or(word::NULL, |n| word::small_int(n).expect("small"));
        let on_full = self.text(on_full);
        let key = "channel.channel[T](Int?, String) -> Channel[T]";
        let made = self.make(key, &[(capacity, OPTIONAL_INT), on_full], ty);
        self.drop(on_full);
        made
    }

    fn text(&self, s: &str) -> Typed {
        enter_thread(&self.shared);
        // SAFETY: this thread's heap.
        let made = unsafe { string::new(&mut *heap(), s) };
        (made.expect("room"), wk::STRING)
    }

    fn ints(&self, xs: &[i64]) -> Typed {
        enter_thread(&self.shared);
        let slots: Vec<u64> = xs.iter().map(|x| *x as u64).collect();
        // SAFETY: this thread's heap; Ints are the elements of a list[Int].
        let made = unsafe { list::from_slots(&mut *heap(), wk::LIST_INT, &slots) };
        (made.expect("room"), wk::LIST_INT)
    }

    fn texts(&self, xs: &[&str]) -> Typed {
        let slots: Vec<u64> = xs.iter().map(|x| self.text(x).0).collect();
        // SAFETY: this thread's heap; the Strings are given to the list.
        let made = unsafe { list::from_slots(&mut *heap(), wk::LIST_STRING, &slots) };
        (made.expect("room"), wk::LIST_STRING)
    }

    fn drop(&self, (slot, ty): Typed) {
        enter_thread(&self.shared);
        if self.shared.types().repr(ty) == Repr::Word {
            // SAFETY: the caller owns the value; this thread's heap.
            unsafe { count::drop(&mut *heap(), slot) }
        }
    }

    /// Starts a task that uses `handle`, which stays the caller's too.
    fn spawn(
        &self,
        (handle, ty): Typed,
        program: impl FnOnce(&Lumen<'_>, Typed) -> Result<i64, NativeStop> + Send + 'static,
    ) -> FutureRef {
        enter_thread(&self.shared);
        if self.shared.types().repr(ty) == Repr::Word {
            // SAFETY: a live handle and this thread's heap.
            unsafe {
                count::share(&mut *heap(), handle);
                count::dup(handle);
            }
        }
        let held = Held {
            value: (handle, ty),
            shared: Arc::clone(&self.shared),
        };
        let program: Program = Box::new(move |lumen| program(lumen, held.value));
        let task = Task {
            program: Some(program),
            shared: Arc::clone(&self.shared),
        };
        self.cx
            .spawn(Box::new(task), Default::default())
            .expect("spawned")
    }

    /// The Int a task ends with; its failure as `Kind: message`.
    fn join(&self, future: &FutureRef) -> Result<i64, String> {
        let outcome = future.wait(self.cx).map_err(|why| why.to_string())?;
        enter_thread(&self.shared);
        match outcome {
            // SAFETY: a small Int is no pointer.
            Outcome::Ok(word) => Ok(word::small_int_value(word)),
            Outcome::Failed(w) => {
                // SAFETY: a live Error, the caller's own.
                let text = unsafe {
                    let kind = error::text(w, error::KIND);
                    format!("{kind}: {}", error::text(w, error::MESSAGE))
                };
                self.drop((w, wk::ERROR));
                Err(text)
            }
            Outcome::Cancelled => Err("cancelled".to_owned()),
        }
    }

    fn sleep(&self, ms: i64) {
        let slept = self.call("task.sleep(Int) -> Null", &[int(ms)], wk::NULL);
        assert!(slept.is_ok(), "{slept:?}");
    }
}

fn int(i: i64) -> Typed {
    (i as u64, wk::INT)
}

fn run_one(config: Config, program: Program) {
    let shared = HeapShared::new(types(), None);
    enter_thread(&shared);
    let config = Config {
        payload: &PAYLOAD,
        detect_deadlock: true,
        ..config
    };
    let runtime = Runtime::new(config).expect("starts");
    let task = Task {
        program: Some(program),
        shared: Arc::clone(&shared),
    };
    let report = runtime.run(Box::new(task), Default::default());
    assert!(report.deadlock.is_none(), "{:?}", report.deadlock);
    assert_eq!(report.outcome, Outcome::Ok(word::small_int(0).expect("0")));
    drop(runtime);
    leave_thread();
    assert_eq!(shared.live_objects(), 0, "objects left over");
}

/// Runs a program first in, first out, under random schedules, and on two workers.
fn everywhere(program: fn(&Lumen<'_>)) {
    let main = || -> Program {
        Box::new(move |lumen| {
            program(lumen);
            Ok(0)
        })
    };
    run_one(Config::fifo(0), main());
    for seed in 0..8 {
        let mode = Mode::Deterministic(Box::new(RandomWalk::new(seed)));
        run_one(
            Config {
                mode,
                ..Config::fifo(0)
            },
            main(),
        );
    }
    run_one(
        Config {
            workers: 2,
            ..Config::default()
        },
        main(),
    );
}
