//! When code becomes native, and how the interpreter gets there.
//!
//! The op number of each function's first instruction, and of each loop's, is replaced by `Hot`,
//! which counts, and in the end by `Native`, which enters native code. What stood there before is
//! kept in a table beside the code; so are the counters.

use std::mem::{offset_of, size_of};
use std::sync::atomic::{
    AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use lumen_bytecode::Module;
use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::module::{Function, TypeDesc};
use lumen_bytecode::operand::OperandKind;

use super::background::Background;
use super::compile::Compiler;
use super::entry::EnterFn;
use super::env::Unit;
use super::{Compilation, JitMode, JitStats};
use crate::interp::dispatch::{Code, Cx, Regs};
use crate::load::image::Image;
use crate::program::Options;

/// How native code came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Status {
    /// The function has returned; the result is in its `R[0]`.
    Returned,
    /// The interpreter goes on where the context says, with the instruction itself.
    Exit,
    /// The instruction there has failed: the failure is pending.
    Failed,
    /// The instruction there waits.
    Parked,
    /// The fiber makes room: the instruction is done, its result is Null.
    Yielded,
    /// The program ends.
    Stopped,
    /// The pending failure ends the program.
    Halted,
}

/// Machine stack that native code may use below the place where it was entered.
const STACK: usize = 256 << 10;

/// What native code must know of a function that it calls.
#[repr(C)]
pub(super) struct NativeFunction {
    /// Its native code, or null.
    entry: AtomicPtr<u8>,
    /// Its frame's size in bytes.
    frame: u64,
}

/// Offset of the code's address.
pub(super) const NATIVE_ENTRY: i32 = offset_of!(NativeFunction, entry) as i32;
/// Offset of the frame's size.
pub(super) const NATIVE_FRAME: i32 = offset_of!(NativeFunction, frame) as i32;
/// Distance from one function to the next.
pub(super) const NATIVE_SIZE: i64 = size_of::<NativeFunction>() as i64;

/// A place in the code where native code is entered.
pub(super) struct Entry {
    pub(super) enter: EnterFn,
    pub(super) code: *const u8,
    pub(super) unit: Unit,
    pub(super) entered: AtomicU64,
    pub(super) left: AtomicU64,
}

/// What makes native code of a program, and what it has made.
pub(crate) struct Jit {
    pub(super) module: Module,
    /// Functions whose native code takes the closure.
    pub(super) takes_closure: Vec<bool>,
    natives: Box<[NativeFunction]>,
    /// By word of the code: the op number that was replaced.
    originals: Box<[u16]>,
    /// By word of the code: rounds left before it is hot.
    counts: Box<[AtomicU32]>,
    /// By word of the code: how native code is entered.
    entries: Box<[AtomicPtr<Entry>]>,
    compiler: Mutex<Compiler>,
    background: Option<Background>,
    /// Runs under way.
    runs: AtomicUsize,
    /// Rounds that make a loop hot.
    rounds: u32,
}

// SAFETY: what it points to is code, which does not change, and counters, which are atomic.
unsafe impl Sync for Jit {}
// SAFETY: as above.
unsafe impl Send for Jit {}

/// Rounds of a loop that count as one call.
const ROUNDS: u32 = 16;

/// Turns of a loop around a hot one that make it the one to be entered. It comes round again before
/// the one inside has made half as many rounds as it took to get hot, and a loop that is entered in
/// its middle has no guard (a matrix product was three times slower for it).
const TURNS: u32 = 2;

impl Jit {
    /// Marks the places in `image` that may become hot. `module` is what the image was made from.
    pub(crate) fn install(image: &mut Image, mut module: Module, options: &Options) {
        for function in &mut module.functions {
            function.lines = Vec::new();
            function.inlined = Vec::new();
        }
        let mut takes_closure: Vec<bool> = module
            .functions
            .iter()
            .map(|f| f.closure.is_some())
            .collect();
        for ty in &module.types {
            if let TypeDesc::Closure { func, .. } = ty
                && let Some(takes) = takes_closure.get_mut(*func as usize)
            {
                *takes = true;
            }
        }
        let words = image.code.len();
        let mut originals = vec![0; words].into_boxed_slice();
        let counts: Box<[AtomicU32]> = (0..words).map(|_| AtomicU32::new(0)).collect();
        let threshold = match options.jit {
            JitMode::Always => 1,
            _ => options.jit_threshold.max(1),
        };
        for (info, function) in image.funcs.iter().zip(&module.functions) {
            let mut mark = |at: usize, rounds: u32| {
                let op = image.code.op(info.start + at);
                originals[info.start + at] = op.load(Relaxed);
                counts[info.start + at].store(rounds, Relaxed);
                op.store(Code::Hot as u16, Relaxed);
            };
            for header in loop_headers(function) {
                let rounds = match threshold {
                    1 => 1,
                    calls => calls.saturating_mul(ROUNDS),
                };
                mark(header, rounds);
            }
            if image.code.op(info.start).load(Relaxed) != Code::Hot as u16 {
                mark(0, threshold);
            }
        }
        let natives = module.functions.iter().map(|f| NativeFunction {
            entry: AtomicPtr::default(),
            frame: u64::from(f.frame) * 8,
        });
        image.jit = Some(Box::new(Jit {
            natives: natives.collect(),
            takes_closure,
            originals,
            counts,
            entries: (0..words).map(|_| AtomicPtr::default()).collect(),
            compiler: Mutex::new(Compiler::new(options.perf_map)),
            background: (options.jit == JitMode::Auto).then(Background::default),
            runs: AtomicUsize::new(0),
            rounds: threshold.saturating_mul(ROUNDS),
            module,
        }));
    }

    /// The op number that stood at a marked word.
    #[inline(always)]
    pub(crate) fn original(&self, word: usize) -> u16 {
        self.originals[word]
    }

    /// Counts a round; true when it was the last before the place is hot.
    #[inline(always)]
    pub(crate) fn count_down(&self, word: usize) -> bool {
        let left = self.counts[word].load(Relaxed);
        self.counts[word].store(left.saturating_sub(1), Relaxed);
        left <= 1
    }

    /// The place at `word` is hot. True if it is native now.
    #[cold]
    pub(crate) fn request(&self, image: &Image, word: usize) -> bool {
        let (func, at) = image.place(image.code.at(word));
        let unit = Unit {
            func: func as u32,
            at: (at != 0).then_some(at),
        };
        if let Some(background) = &self.background {
            // The interpreter goes on at full speed until there is native code.
            if self.give_up(image, word) {
                background.request(unit);
            }
            return false;
        }
        self.compile(image, unit);
        !self.give_up(image, word) && self.is_entered(image, word)
    }

    /// Puts the original instruction back at a place that was counting; false if it was not.
    fn give_up(&self, image: &Image, word: usize) -> bool {
        let op = image.code.op(word);
        let (hot, original) = (Code::Hot as u16, self.original(word));
        op.compare_exchange(hot, original, Relaxed, Relaxed).is_ok()
    }

    fn is_entered(&self, image: &Image, word: usize) -> bool {
        image.code.op(word).load(Relaxed) == Code::Native as u16
    }

    /// Makes native code of `unit` now, unless there is some.
    fn compile(&self, image: &Image, unit: Unit) {
        let mut compiler = self.compiler();
        if !self.is_entered(image, self.word(image, unit)) {
            compiler.compile(image, self, unit);
        }
    }

    /// A request from the queue.
    pub(super) fn compile_later(&self, image: &Image, unit: Unit) {
        if self.runs.load(Relaxed) == 0 {
            return;
        }
        if let Some(outer) = self.outer_loop(image, unit) {
            self.compiler().cover(unit);
            self.count_again(image, unit);
            self.give_up(image, self.word(image, outer));
            return self.compile(image, outer);
        }
        // A loop that belongs to code which has just been made will most likely be reached there:
        // only if it gets hot a second time it has code of its own.
        if unit.at.is_some() && self.compiler().is_covered(self, unit) {
            return self.count_again(image, unit);
        }
        self.compile(image, unit);
    }

    /// The outermost loop around a loop, if it turns often too: code that is entered there has the
    /// loops inside as they are, with one way in each.
    fn outer_loop(&self, image: &Image, unit: Unit) -> Option<Unit> {
        let at = unit.at? as usize;
        let start = image.funcs[unit.func as usize].start;
        let turns = |header: usize| {
            let counting = image.code.op(start + header).load(Relaxed) == Code::Hot as u16;
            let left = self.counts[start + header].load(Relaxed);
            if counting {
                self.rounds.saturating_sub(left)
            } else {
                0
            }
        };
        let loops = loops(&self.module.functions[unit.func as usize]);
        let around = loops
            .into_iter()
            .filter(|(from, to)| *from < at && at <= *to);
        let headers = around.map(|(from, _)| from).filter(|h| *h != 0);
        let outer = headers.filter(|h| turns(*h) >= TURNS).min()?;
        Some(Unit {
            func: unit.func,
            at: Some(outer as u32),
        })
    }

    fn word(&self, image: &Image, unit: Unit) -> usize {
        image.funcs[unit.func as usize].start + unit.at.unwrap_or(0) as usize
    }

    /// The loop is as it was at first, unless it is native.
    fn count_again(&self, image: &Image, unit: Unit) {
        let word = self.word(image, unit);
        let (original, hot) = (self.original(word), Code::Hot as u16);
        self.counts[word].store(self.rounds, Relaxed);
        let op = image.code.op(word);
        let _ = op.compare_exchange(original, hot, Relaxed, Relaxed);
    }

    /// Whether a function may have been called: what has not been is hardly worth code.
    pub(super) fn is_used(&self, image: &Image, func: u32) -> bool {
        let word = image.funcs[func as usize].start;
        let counting = image.code.op(word).load(Relaxed) == Code::Hot as u16;
        let left = self.counts[word].load(Relaxed);
        let fresh = counting && (left == self.rounds || left == self.rounds / ROUNDS);
        self.background.is_none() || !fresh
    }

    /// A run begins: requests are heeded until as many have ended.
    pub(crate) fn run_begins(&self, image: &Arc<Image>) {
        self.runs.fetch_add(1, Relaxed);
        if let Some(background) = &self.background {
            background.serve(image);
        }
    }

    /// A run has ended.
    pub(crate) fn run_ends(&self) {
        self.runs.fetch_sub(1, Relaxed);
    }

    /// The text of functions, as CLIF or as machine code; None: there is no such function.
    pub(crate) fn text(&self, image: &Image, name: Option<&str>, asm: bool) -> Option<String> {
        let functions = self.module.functions.iter().enumerate();
        let named = functions.filter(|(_, f)| name.is_none_or(|name| f.name == name));
        let texts: Vec<String> = named
            .map(|(i, f)| {
                let unit = Unit {
                    func: i as u32,
                    at: None,
                };
                let text = self.compiler().text(image, self, unit, asm);
                format!("; {}\n{}\n", f.name, text.unwrap_or_default())
            })
            .collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    fn compiler(&self) -> MutexGuard<'_, Compiler> {
        self.compiler.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Where native code finds what it must know of function `func`.
    pub(super) fn native(&self, func: u32) -> *const NativeFunction {
        &raw const self.natives[func as usize]
    }

    /// Whether a function has native code.
    pub(super) fn is_native(&self, func: u32) -> bool {
        !self.natives[func as usize].entry.load(Relaxed).is_null()
    }

    /// The address of a function's native code, or 0.
    pub(super) fn native_code(&self, func: u32) -> usize {
        self.natives[func as usize].entry.load(Acquire) as usize
    }

    /// From now on the interpreter enters `entry` at its place.
    pub(super) fn publish(&self, image: &Image, entry: &Entry) {
        let unit = entry.unit;
        let word = self.word(image, unit);
        if unit.at.is_none() {
            let native = &self.natives[unit.func as usize].entry;
            native.store(entry.code.cast_mut(), Release);
        }
        let entry = (&raw const *entry).cast_mut();
        self.entries[word].store(entry, Release);
        image.code.op(word).store(Code::Native as u16, Release);
    }

    /// Runs native code from the place at `word`.
    ///
    /// # Safety
    /// The op number there is `Native`; the rest is the running fiber's.
    // Never inlined: a handler with something that is pointed to cannot end in a jump.
    #[inline(never)]
    pub(crate) unsafe fn enter(&self, word: usize, r: Regs, cx: Cx) -> Status {
        std::sync::atomic::fence(Acquire);
        let here = 0_u8;
        // SAFETY: published before the op number; entries live as long as the code.
        unsafe {
            let entry = &*self.entries[word].load(Acquire);
            (*cx).stack_limit = (&raw const here as usize).saturating_sub(STACK);
            let entered = entry.entered.load(Relaxed);
            entry.entered.store(entered + 1, Relaxed);
            let status = (entry.enter)(cx, r, (*cx).fp, entry.code);
            if status != Status::Returned {
                let left = entry.left.load(Relaxed);
                entry.left.store(left + 1, Relaxed);
            }
            status
        }
    }

    /// What has been done so far.
    pub(crate) fn stats(&self) -> JitStats {
        self.compiler().stats()
    }

    /// Each compilation, with times since `begin`.
    pub(crate) fn compilations(&self, begin: Instant) -> Vec<Compilation> {
        self.compiler().compilations(begin)
    }
}

/// The words where loops begin: targets of back-edges.
fn loop_headers(function: &Function) -> Vec<usize> {
    let mut headers: Vec<usize> = loops(function).into_iter().map(|l| l.0).collect();
    headers.sort_unstable();
    headers.dedup();
    headers
}

/// Each back-edge: the word it goes to, and its own.
fn loops(function: &Function) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(op) = function.code.get(at).and_then(|w| Op::from_word(*w)) {
        if let (true, Some(label)) = (op.is_back_edge(), op.label()) {
            let raw = get_raw(&function.code[at..], label.lane, label.kind.lanes());
            let distance = match label.kind {
                OperandKind::Label16 => i64::from(raw as u16 as i16),
                _ => i64::from(raw as i32),
            };
            found.push(((at as i64 + distance) as usize, at));
        }
        at += op.word_count();
    }
    found
}
