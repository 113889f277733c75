//! A loaded program: what all its fibers share and nobody changes.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use lumen_bytecode::module::{FAILURE_KINDS, FailureKind, Inlined, Landing, Line, PathStep};
use lumen_runtime::heap::{Heap, TypeIx, Types, count, string};
use lumen_runtime::native::NativeFn;
use rustc_hash::FxHashMap;

use crate::helpers::waits::Short;
use crate::interp::dispatch::{Code, Pc};
use crate::interp::operand::lane;

/// A function besides its code.
#[derive(Debug, Default)]
pub(crate) struct FuncInfo {
    /// As in stack traces.
    pub(crate) name: String,
    /// First word of its code.
    pub(crate) start: usize,
    /// Registers of a frame.
    pub(crate) frame: usize,
    /// Number of parameters.
    pub(crate) params: usize,
    /// Parameter registers whose words the function takes over.
    pub(crate) owned_words: Vec<u16>,
    /// Result type.
    pub(crate) result: TypeIx,
    /// Where failures go, by ascending pc.
    pub(crate) landings: Vec<Landing>,
    /// Source positions, by ascending pc.
    pub(crate) lines: Vec<Line>,
    /// Calls whose callee's code stands in the function.
    pub(crate) inlined: Vec<Inlined>,
}

/// A native as calls need it.
#[derive(Debug)]
pub(crate) struct LinkedNative {
    /// The function.
    pub(crate) func: NativeFn,
    /// Parameter types at this import.
    pub(crate) params: Box<[TypeIx]>,
    /// Result type.
    pub(crate) result: TypeIx,
    /// Is there a short way?
    pub(crate) short: Short,
    /// It was given by who loads the program: what is known of the usual one says nothing of it.
    pub(crate) replaced: bool,
}

/// A source position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position<'a> {
    /// File name.
    pub(crate) file: &'a str,
    /// Index of the file.
    pub(crate) file_index: usize,
    /// 1-based line.
    pub(crate) line: u32,
    /// 1-based column.
    pub(crate) column: u32,
}

/// Prepared code. Instructions are plain memory, but for their op numbers, which are read and
/// written one by one, without tearing: the JIT replaces some while the program runs.
#[derive(Debug)]
pub(crate) struct CodeWords(Box<[UnsafeCell<u64>]>);

// SAFETY: what changes is accessed through atomics.
unsafe impl Sync for CodeWords {}

impl CodeWords {
    /// Code from its words.
    pub(crate) fn new(words: Box<[u64]>) -> CodeWords {
        CodeWords(words.into_iter().map(UnsafeCell::new).collect())
    }

    /// The address of word `i`.
    #[inline(always)]
    pub(crate) fn at(&self, i: usize) -> Pc {
        self.0[i].get()
    }

    /// The number of the word at `pc`.
    #[inline(always)]
    pub(crate) fn index(&self, pc: Pc) -> usize {
        (pc as usize - self.0.as_ptr() as usize) / 8
    }

    /// How many words there are.
    #[cfg(feature = "jit")]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The op number of the instruction at word `i`.
    pub(crate) fn op(&self, i: usize) -> &AtomicU16 {
        // SAFETY: the low half of a word's first half, in little-endian order.
        unsafe { AtomicU16::from_ptr(self.0[i].get().cast()) }
    }
}

/// Persistent texts made on demand: the lines of stack traces.
pub(crate) struct Texts {
    heap: Heap,
    traces: FxHashMap<usize, Arc<[u64]>>,
}

/// The program.
pub(crate) struct Image {
    /// What makes native code, when that is wanted. (First: it ends before the rest is dropped.)
    #[cfg(feature = "jit")]
    pub(crate) jit: Option<Box<crate::jit::Jit>>,
    /// Prepared code of all functions.
    pub(crate) code: CodeWords,
    /// Functions by number; their code stands in the same order.
    pub(crate) funcs: Vec<FuncInfo>,
    /// Code addresses by function number.
    pub(crate) entries: Vec<Pc>,
    /// Constants as slots.
    pub(crate) constants: Vec<u64>,
    /// Slots of objects by type.
    pub(crate) slots: Vec<u16>,
    /// Functions of closure types.
    pub(crate) closures: Vec<u32>,
    /// Sets of types, as bits, [`Image::member_words`] each.
    pub(crate) members: Vec<u64>,
    /// Words per set.
    pub(crate) member_words: usize,
    /// The type that each set stands for.
    pub(crate) member_types: Vec<TypeIx>,
    /// The types.
    pub(crate) types: Arc<Types>,
    /// Natives by import number.
    pub(crate) natives: Vec<LinkedNative>,
    /// Place paths.
    pub(crate) paths: Vec<Vec<PathStep>>,
    /// Module-level variables in initialisation order: name, type, function.
    pub(crate) globals: Vec<(TypeIx, Option<u32>)>,
    /// Future types by value type; the last entry of the type table where there is none.
    pub(crate) futures: Vec<TypeIx>,
    /// Entry.
    pub(crate) main: Option<u32>,
    /// Tests.
    pub(crate) tests: Vec<lumen_bytecode::module::TestDesc>,
    /// Tools.
    pub(crate) tools: Vec<Arc<lumen_runtime::native::Tool>>,
    /// Source file names.
    pub(crate) files: Vec<String>,
    /// Source texts.
    pub(crate) sources: Vec<String>,
    /// `@deterministic true`.
    pub(crate) deterministic: bool,
    /// `@clock`.
    pub(crate) virtual_clock: Option<bool>,
    /// The Error that stands for cancellation.
    pub(crate) cancelled: u64,
    /// The Error for lack of memory to make an Error.
    pub(crate) no_memory: u64,
    /// Persistent objects made after loading.
    pub(crate) texts: Mutex<Texts>,
}

// SAFETY: everything is read-only but `texts`, which is locked; the addresses in `entries` and the
// persistent objects in `constants` belong to the image itself.
unsafe impl Send for Image {}
// SAFETY: as above.
unsafe impl Sync for Image {}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image")
            .field("functions", &self.funcs.len())
            .finish_non_exhaustive()
    }
}

/// Index of the word where entry functions return to; word 0 stands for the call.
const EXIT: usize = 1;

/// Words of code before the first function.
pub(crate) fn prelude() -> Vec<u64> {
    vec![0, Code::ExitDone as u64]
}

impl Texts {
    /// On the heap that the constants are on.
    pub(crate) fn new(heap: Heap) -> Texts {
        Texts {
            heap,
            traces: FxHashMap::default(),
        }
    }

    fn make(&mut self, text: &str) -> Option<u64> {
        let word = string::new(&mut self.heap, text).ok()?;
        // SAFETY: a fresh String.
        unsafe { count::persist(&mut self.heap, word) };
        Some(word)
    }
}

impl Image {
    /// Where entry functions return to.
    #[inline(always)]
    pub(crate) fn exit_pc(&self) -> Pc {
        self.code.at(EXIT)
    }

    /// The function that `pc` lies in, and the word index there.
    pub(crate) fn place(&self, pc: Pc) -> (usize, u32) {
        let word = self.code.index(pc);
        let func = self
            .funcs
            .partition_point(|f| f.start <= word)
            .saturating_sub(1);
        (func, (word - self.funcs[func].start) as u32)
    }

    /// What a failure at word `at` of a function leads to.
    pub(crate) fn landing(&self, func: usize, at: u32) -> Option<&Landing> {
        let landings = &self.funcs[func].landings;
        let after = landings.partition_point(|l| l.start <= at);
        landings[..after].last().filter(|l| at < l.end)
    }

    /// The source position of word `at` of a function.
    pub(crate) fn position(&self, func: usize, at: u32) -> Option<Position<'_>> {
        let lines = &self.funcs[func].lines;
        let line = lines[..lines.partition_point(|l| l.pc <= at)].last()?;
        let file_index = line.file as usize;
        let file = self.files.get(file_index)?;
        Some(Position {
            file,
            file_index,
            line: line.line,
            column: line.column,
        })
    }

    /// The text of a String constant.
    pub(crate) fn text(&self, constant: usize) -> &str {
        // SAFETY: the verifier checked that it is a String; constants are persistent.
        unsafe { string::as_str(self.constants[constant]) }
    }

    /// A failure kind by number.
    pub(crate) fn kind(&self, number: usize) -> FailureKind {
        FAILURE_KINDS
            .get(number)
            .map_or(FailureKind::Throw, |k| k.0)
    }

    /// The op number of the instruction at `pc` as the loader chose it.
    pub(crate) fn original_op(&self, pc: Pc) -> u16 {
        let word = self.code.index(pc);
        let op = self.code.op(word).load(Relaxed);
        #[cfg(feature = "jit")]
        if let Some(jit) = &self.jit
            && (op == Code::Hot as u16 || op == Code::Native as u16)
        {
            return jit.original(word);
        }
        op
    }

    /// The type that the `cast` at `pc` asks for.
    pub(crate) fn cast_type(&self, pc: Pc) -> TypeIx {
        // SAFETY: an instruction of this image's code.
        unsafe {
            let operand = lane(pc, 1);
            if self.original_op(pc) == Code::CastMember as u16 {
                self.member_types[operand]
            } else {
                operand as TypeIx
            }
        }
    }

    /// The lines of a stack trace for a frame that stands at `pc`, as persistent Strings: its
    /// inlined calls, innermost first, and itself. Nothing when memory runs out.
    pub(crate) fn trace_words(&self, pc: Pc) -> Arc<[u64]> {
        let mut texts = self.texts.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(words) = texts.traces.get(&(pc as usize)) {
            return Arc::clone(words);
        }
        let lines = self.trace_lines(pc);
        let words: Option<Arc<[u64]>> = lines.iter().map(|line| texts.make(line)).collect();
        let Some(words) = words else {
            return Arc::new([]);
        };
        texts.traces.insert(pc as usize, Arc::clone(&words));
        words
    }

    /// The lines of [`Image::trace_words`].
    fn trace_lines(&self, pc: Pc) -> Vec<String> {
        let (func, at) = self.place(pc);
        let info = &self.funcs[func];
        let lines = &info.lines;
        let Some(line) = lines[..lines.partition_point(|l| l.pc <= at)].last() else {
            return vec![info.name.clone()];
        };
        let shown = |name: &str, file: u32, line: u32, column: u32| {
            let file = self.files.get(file as usize).map_or("?", |file| file);
            format!("{name} ({file}:{line}:{column})")
        };
        let mut out = Vec::new();
        let (mut file, mut number, mut column) = (line.file, line.line, line.column);
        let mut scope = line.scope;
        // Each call lies within an earlier one.
        while let Some(call) = (scope as usize)
            .checked_sub(1)
            .and_then(|at| info.inlined.get(at))
        {
            out.push(shown(&call.name, file, number, column));
            (file, number, column) = (call.file, call.line, call.column);
            scope = call.scope.min(scope - 1);
        }
        out.push(shown(&info.name, file, number, column));
        out
    }

    /// `name (file:line:column)`.
    pub(crate) fn trace_line(&self, pc: Pc) -> String {
        let (func, at) = self.place(pc);
        let name = &self.funcs[func].name;
        match self.position(func, at) {
            Some(p) => format!("{name} ({}:{}:{})", p.file, p.line, p.column),
            None => name.clone(),
        }
    }

    /// `file:line:column`, or nothing.
    pub(crate) fn location(&self, pc: Pc) -> String {
        let (func, at) = self.place(pc);
        self.position(func, at).map_or_else(String::new, |p| {
            format!("{}:{}:{}", p.file, p.line, p.column)
        })
    }
}
