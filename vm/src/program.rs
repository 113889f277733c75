//! Running a loaded program.

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use lumen_bytecode::Module;
use lumen_runtime::heap::{Heap, HeapShared, Repr, count};
use lumen_runtime::native::{Host, Native};

use crate::backtrace::FailureReport;
use crate::interp::{Interp, Rest};
use crate::load::image::Image;
use crate::load::{self, LoadError};
use crate::tasks::Task;

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads; 0: one per core.
    pub workers: usize,
    /// One fiber at a time, in a fixed order.
    pub deterministic: bool,
    /// Seed of everything random.
    pub seed: u64,
    /// Virtual clock; None: as the program says.
    pub virtual_clock: Option<bool>,
    /// Limit of the heap in bytes.
    pub max_memory: Option<u64>,
    /// Limit of a fiber's frames in bytes.
    pub max_stack: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            workers: 0,
            deterministic: false,
            seed: 0,
            virtual_clock: None,
            max_memory: None,
            max_stack: 256 << 20,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The entry function returned; its value as `print` shows it, nothing if it is Null.
    Value(Option<String>),
    /// A failure nobody caught.
    Failed(Box<FailureReport>),
    /// `exit(code)`, or `halt`.
    Code(i32),
    /// The run left this many objects behind: an error in the machine or in the compiler. Only
    /// looked for in debug builds and tests.
    Leaked(i64),
}

/// A loaded program; it can be run any number of times.
#[derive(Clone, Debug)]
pub struct Program {
    image: Arc<Image>,
    options: Options,
}

/// One run of a program: what its fibers share.
pub(crate) struct Instance {
    image: Arc<Image>,
    heap: Arc<HeapShared>,
    globals: Box<[UnsafeCell<u64>]>,
    /// Values of globals that were replaced, which borrowers may still look at.
    retired: Mutex<Vec<u64>>,
    host: Arc<dyn Host + Send>,
}

// SAFETY: globals are written before the fibers that read them exist, except by `set_global`,
// which replaces one word and keeps the old value alive.
unsafe impl Sync for Instance {}
// SAFETY: as above; words in it are shared or dropped on one thread at the end.
unsafe impl Send for Instance {}

impl Instance {
    /// The loaded program.
    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// The first global's slot.
    pub(crate) fn globals(&self) -> *mut u64 {
        self.globals.as_ptr().cast_mut().cast()
    }

    /// The outside world.
    pub(crate) fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// Stores a global, taking `value` over.
    ///
    /// # Safety
    /// `value` is a live value of the global's type.
    pub(crate) unsafe fn set_global(&self, heap: &mut Heap, global: usize, value: u64) {
        // SAFETY: by contract; the verifier bounds the number.
        unsafe {
            let slot = self.globals[global].get();
            let old = *slot;
            if self.image.types.repr(self.image.globals[global].0) == Repr::Word {
                count::share(heap, value);
                if old != 0 {
                    self.retired
                        .lock()
                        .unwrap_or_else(|e| e.into_inner())
                        .push(old);
                }
            }
            *slot = value;
        }
    }

    /// Drops what the globals hold.
    unsafe fn clear(&self, heap: &mut Heap) {
        // SAFETY: no fiber is left.
        unsafe {
            for (slot, (ty, _)) in self.globals.iter().zip(&self.image.globals) {
                let value = std::mem::replace(&mut *slot.get(), 0);
                if self.image.types.repr(*ty) == Repr::Word {
                    count::drop(heap, value);
                }
            }
            for value in self
                .retired
                .lock()
                .unwrap_or_else(|e| e.into_inner())
                .drain(..)
            {
                count::drop(heap, value);
            }
        }
    }
}

impl Program {
    /// Loads a module, which has been verified or comes straight from the compiler.
    pub fn load(
        module: Module,
        natives: &[&[Native]],
        options: Options,
    ) -> Result<Program, LoadError> {
        let image = load::load(module, natives, options.seed)?;
        Ok(Program {
            image: Arc::new(image),
            options,
        })
    }

    /// Whether there is a `main` to run.
    pub fn has_main(&self) -> bool {
        self.image.main.is_some()
    }

    /// Runs `main`.
    pub fn run(&self, host: Arc<dyn Host + Send>) -> Exit {
        match self.image.main {
            Some(main) => self.run_function(main as usize, host),
            None => Exit::Value(None),
        }
    }

    /// Runs test number `test`.
    pub fn run_test(&self, test: usize, host: Arc<dyn Host + Send>) -> Exit {
        self.run_function(self.image.tests[test].func as usize, host)
    }

    fn run_function(&self, func: usize, host: Arc<dyn Host + Send>) -> Exit {
        let heap_shared = HeapShared::new(Arc::clone(&self.image.types), self.options.max_memory);
        let instance = Instance {
            image: Arc::clone(&self.image),
            heap: heap_shared,
            globals: self
                .image
                .globals
                .iter()
                .map(|_| UnsafeCell::new(0))
                .collect(),
            retired: Mutex::new(Vec::new()),
            host,
        };
        let mut heap = Heap::new(&instance.heap);
        let exit = self.run_with(&instance, &mut heap, func);
        // SAFETY: everything has ended.
        unsafe { instance.clear(&mut heap) };
        match (heap.live_objects(), exit) {
            (_, exit @ Exit::Code(_)) | (0, exit) => exit,
            (n, _) if cfg!(debug_assertions) => Exit::Leaked(n),
            (_, exit) => exit,
        }
    }

    fn run_with(&self, instance: &Instance, heap: &mut Heap, func: usize) -> Exit {
        for (i, (_, init)) in self.image.globals.iter().enumerate() {
            match self.call(instance, heap, *init as usize, &[]) {
                // SAFETY: the initialiser's result has the global's type.
                Ok(value) => unsafe { instance.set_global(heap, i, value) },
                Err(exit) => return exit,
            }
        }
        let info = &self.image.funcs[func];
        let args = match info.params {
            0 => Vec::new(),
            _ => match arguments(heap, instance.host().arguments()) {
                Ok(args) => vec![args],
                Err(_) => return Exit::Code(1),
            },
        };
        let result = self.call(instance, heap, func, &args);
        for arg in args {
            // SAFETY: main borrows its parameters.
            unsafe { count::drop(heap, arg) };
        }
        match result {
            Ok(value) => self.value(heap, value, info.result),
            Err(exit) => exit,
        }
    }

    /// Shows and drops main's value.
    fn value(&self, heap: &mut Heap, value: u64, ty: u32) -> Exit {
        use lumen_runtime::heap::{format, well_known, word};
        let types = &self.image.types;
        if types.repr(ty) != Repr::Word {
            // SAFETY: a plain slot of this type.
            return Exit::Value(Some(unsafe { format::format(types, value, ty) }));
        }
        if value == word::NULL || ty == well_known::NULL {
            return Exit::Value(None);
        }
        // SAFETY: main's result, owned.
        let text = unsafe { format::format(types, value, ty) };
        // SAFETY: as above.
        unsafe { count::drop(heap, value) };
        Exit::Value(Some(text))
    }

    /// Calls a function and waits for its end.
    fn call(
        &self,
        instance: &Instance,
        heap: &mut Heap,
        func: usize,
        args: &[u64],
    ) -> Result<u64, Exit> {
        let poll = AtomicU32::new(0);
        let task = Task::new(instance);
        let mut interp = Interp::new(&self.image, func, 0, args, self.options.max_stack);
        loop {
            // SAFETY: this program, on this thread.
            match unsafe { interp.resume(instance, heap, &poll, &task) } {
                Rest::Done(value) => return Ok(value),
                Rest::Failed(error) => {
                    // SAFETY: an owned Error of this program.
                    let report = unsafe { FailureReport::of(&self.image, error) };
                    // SAFETY: as above.
                    unsafe { count::drop(heap, error) };
                    return Err(Exit::Failed(Box::new(report)));
                }
                Rest::Stopped => return Err(Exit::Code(task.exit_code())),
                Rest::Parked | Rest::Yielded => std::thread::yield_now(),
            }
        }
    }
}

fn arguments(heap: &mut Heap, args: &[String]) -> Result<u64, lumen_runtime::heap::OutOfMemory> {
    use lumen_runtime::heap::{list, string, well_known};
    let mut words = list::new(heap, well_known::LIST_STRING, args.len())?;
    for arg in args {
        let text = string::new(heap, arg)?;
        // SAFETY: the list just made, and a fresh String.
        unsafe { list::push(heap, &mut words, text)? };
    }
    Ok(words)
}
