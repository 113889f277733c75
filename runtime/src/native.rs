//! Natives: Rust functions that Lumen code calls, and what they are given.
//!
//! A [`Native`] is found by its key, the module and declared signature of its `extern cell`:
//! `math.sqrt(Float) -> Float`, `list.push[T](mut list[T], T) -> Null`. The linker joins keys, so a
//! native may rely on its slots being live values of the types its key names; on that rest the safe
//! accessors of this module ([`text`], [`ints`] …). Parameters are borrowed. A `mut` parameter is
//! *inout*: the native may replace the slot by the new owned value (the mutators of [`crate::heap`]
//! do), and whatever it does leaves a live value there. The result is owned.

pub mod tasks;

use std::borrow::Cow;
use std::fmt;

use crate::heap::{
    self, Heap, OutOfMemory, Repr, TypeIx, Types, bytes, count, list, record, string, well_known,
};

/// A native and the key it is found by.
#[derive(Clone, Copy)]
pub struct Native {
    /// Module and declared signature.
    pub key: &'static str,
    /// The function.
    pub func: NativeFn,
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What a native looks like.
pub type NativeFn = fn(&mut NativeCx<'_>, &mut [u64]) -> NativeResult;

/// The owned result slot, or why there is none. A native of result type Null gives
/// [`heap::word::NULL`].
pub type NativeResult = Result<u64, NativeStop>;

/// Why a native gives no result.
#[derive(Debug, PartialEq, Eq)]
pub enum NativeStop {
    /// It failed.
    Failed(Box<Failure>),
    /// It failed with this Error, an owned word: the failure of a task.
    Raised(u64),
    /// The fiber has been cancelled.
    Cancelled,
    /// It has registered a waiter: the fiber parks, and the same instruction runs again when it is
    /// resumed.
    Parked,
    /// The program ends at once with this exit code.
    Exit(i32),
}

/// A failure before it becomes an `Error`.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// One of the kinds of [`kind`], or the program's own.
    pub kind: Cow<'static, str>,
    /// The message.
    pub message: String,
}

/// The kinds of failures the language names.
#[expect(missing_docs, reason = "the names say it")]
pub mod kind {
    pub const THROW: &str = "Throw";
    pub const OVERFLOW: &str = "Overflow";
    pub const DIVISION: &str = "Division";
    pub const INDEX: &str = "Index";
    pub const KEY: &str = "Key";
    pub const NULL: &str = "Null";
    pub const CAST: &str = "Cast";
    pub const MATCH: &str = "Match";
    pub const CONSTRAINT: &str = "Constraint";
    pub const ASSERTION: &str = "Assertion";
    pub const CLOSED: &str = "Closed";
    pub const FULL: &str = "Full";
    pub const TIMEOUT: &str = "Timeout";
    pub const NO_CONSENSUS: &str = "NoConsensus";
    pub const CANCELLED: &str = "Cancelled";
    pub const DEADLOCK: &str = "Deadlock";
    /// A failure that a test has put at a scheduling point.
    pub const INJECTED: &str = "Injected";
    pub const STACK: &str = "Stack";
    pub const MEMORY: &str = "Memory";
    pub const IO: &str = "Io";
    pub const TOOL: &str = "Tool";
    pub const GRANT: &str = "Grant";
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Failure {
        Failure {
            kind: kind.into(),
            message: message.into(),
        }
    }

    /// The failure for lack of memory.
    pub fn out_of_memory() -> Failure {
        Failure::new(kind::MEMORY, "out of memory")
    }

    /// The `Error` object for this failure.
    pub fn to_error(&self, heap: &mut Heap, location: &str) -> Result<u64, OutOfMemory> {
        heap::error::new(heap, &self.kind, &self.message, location)
    }
}

impl From<Failure> for NativeStop {
    fn from(failure: Failure) -> NativeStop {
        NativeStop::Failed(Box::new(failure))
    }
}

impl From<OutOfMemory> for NativeStop {
    fn from(_: OutOfMemory) -> NativeStop {
        Failure::out_of_memory().into()
    }
}

/// A failed native result.
pub fn fail<T>(kind: &'static str, message: impl Into<String>) -> Result<T, NativeStop> {
    Err(Failure::new(kind, message).into())
}

/// Where output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What lies outside the program. All workers share one; everything a program can observe from
/// outside goes through it, so that it can be recorded and replayed.
pub trait Host: Sync {
    /// The program is about to run. `interrupt` stops it as Ctrl-C does, and answers whether that
    /// had been asked for before.
    fn started(&self, interrupt: Box<dyn Fn() -> bool + Send>) {
        drop(interrupt);
    }
    /// The command-line arguments after the program's name.
    fn arguments(&self) -> &[String];
    /// Writes text; whole calls are not mixed with those of other fibers.
    fn write(&self, stream: Stream, text: &str) -> Result<(), String>;
    /// One line of standard input without its line end; `None` at the end of the input.
    fn read_line(&self) -> Result<Option<String>, String>;
    /// The rest of standard input.
    fn read_rest(&self) -> Result<Vec<u8>, String>;
    /// Nanoseconds since the start of the program, never going back.
    fn now_ns(&self) -> i64;
    /// Milliseconds since 1970.
    fn timestamp_ms(&self) -> i64;
    /// The next 64 random bits.
    fn random(&self) -> u64;
    /// How many worker threads run fibers.
    fn workers(&self) -> usize {
        1
    }
    /// Calls an external tool; its answer is a JSON text. It may take its time: it is called on a
    /// thread for such calls.
    fn call_tool(&self, call: &ToolCall<'_>) -> Result<String, Failure> {
        let message = format!("there is no tool `{}` here", call.tool.path);
        Err(Failure::new(kind::TOOL, message))
    }
    /// Performs an effect that reaches outside (a file, a process, the environment). `name` says
    /// which, for a record; a replaying host gives the recorded outcome without calling `run`.
    fn effect(
        &self,
        name: &str,
        run: &mut dyn FnMut() -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, String> {
        let _ = name;
        run()
    }
}

/// A tool that a program names, and what it grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// `llm.chat`.
    pub path: String,
    /// What the program calls it.
    pub name: String,
    /// What is granted: settings as texts.
    pub grants: Vec<(String, String)>,
}

/// One call of a tool.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'a> {
    /// The tool.
    pub tool: &'a Tool,
    /// The arguments: the text of a JSON object.
    pub arguments: &'a str,
    /// The messages: roles and texts.
    pub messages: &'a [(String, String)],
    /// Becomes true when nobody waits for the answer any more.
    pub abandoned: &'a std::sync::atomic::AtomicBool,
}

/// What natives that start tasks need of the machine that calls them.
pub trait Machine {
    /// The body of a task that calls `closure`, an owned closure without parameters.
    fn task(&self, heap: &mut Heap, closure: u64) -> Box<dyn crate::Body>;
    /// Where the native was called, as the site of a spawn.
    fn site(&self) -> u64;
    /// A number that counts up, for taking turns.
    fn turn(&self) -> u64;
    /// The type `Future[T]` for a value type.
    fn future_type(&self, value: TypeIx) -> TypeIx;
    /// The Error that stands for cancellation on its way up.
    fn cancelled(&self) -> u64;
    /// Cancels everything in the scope behind a handle.
    fn cancel_scope(&self, fiber: &crate::FiberCx, scope: u64);
    /// Tool number `number` of the program.
    fn tool(&self, number: usize) -> Option<std::sync::Arc<Tool>> {
        let _ = number;
        None
    }
    /// The outside world, for another thread.
    fn shared_host(&self) -> Option<std::sync::Arc<dyn Host + Send>> {
        None
    }
    /// A place for a word that a native keeps while it waits; 0 in between. One per fiber.
    fn kept(&self) -> &std::cell::Cell<u64>;
}

/// What a native is given besides its arguments.
pub struct NativeCx<'a> {
    /// The heap of this worker.
    pub heap: &'a mut Heap,
    /// The program's types.
    pub types: &'a Types,
    /// The types of the parameters at this call (concrete, where the declaration is generic).
    pub params: &'a [TypeIx],
    /// The type of the result at this call.
    pub result: TypeIx,
    /// The outside world.
    pub host: &'a dyn Host,
    /// The running fiber, on which natives that wait poll their operations. `None` where natives
    /// run without a scheduler.
    pub fiber: Option<&'a crate::FiberCx>,
    /// The machine that runs the fiber.
    pub machine: Option<&'a dyn Machine>,
}

impl NativeCx<'_> {
    /// A new String.
    pub fn string(&mut self, s: &str) -> NativeResult {
        Ok(string::new(self.heap, s)?)
    }

    /// A new Bytes.
    pub fn bytes(&mut self, b: &[u8]) -> NativeResult {
        Ok(bytes::new(self.heap, b)?)
    }

    /// A new `list[String]`.
    pub fn strings<S: AsRef<str>>(&mut self, items: impl IntoIterator<Item = S>) -> NativeResult {
        let mut w = list::new(self.heap, well_known::LIST_STRING, 0)?;
        for s in items {
            // SAFETY: `w` is the list just made; it is dropped if a String cannot be.
            unsafe {
                let pushed = string::new(self.heap, s.as_ref())
                    .and_then(|s| list::push(self.heap, &mut w, s));
                if let Err(e) = pushed {
                    count::drop(self.heap, w);
                    return Err(e.into());
                }
            }
        }
        Ok(w)
    }

    /// A new `list[Int]`.
    pub fn int_list(&mut self, items: &[i64]) -> NativeResult {
        let slots: Vec<u64> = items.iter().map(|i| *i as u64).collect();
        // SAFETY: Ints are not counted.
        Ok(unsafe { list::from_slots(self.heap, well_known::LIST_INT, &slots)? })
    }

    /// A new list of type `ty` of owned slots.
    ///
    /// The slots must be values of the element type; natives build them from their arguments.
    pub fn list(&mut self, ty: TypeIx, slots: &[u64]) -> NativeResult {
        // SAFETY: as the contract of natives says.
        Ok(unsafe { list::from_slots(self.heap, ty, slots)? })
    }

    /// A value of type `ty` as a word: boxed if need be. Consumes the slot.
    pub fn word(&mut self, slot: u64, ty: TypeIx) -> NativeResult {
        Ok(record::to_word(self.heap, slot, ty)?)
    }

    /// `ok(slot)` of the call's result type. Consumes the slot.
    pub fn ok(&mut self, slot: u64) -> NativeResult {
        self.variant("ok", slot)
    }

    /// `err(message)` of the call's result type.
    pub fn err(&mut self, message: &str) -> NativeResult {
        let w = self.string(message)?;
        self.variant("err", w)
    }

    /// A variant of the call's result type with one payload slot, which is consumed.
    pub fn variant(&mut self, name: &str, slot: u64) -> NativeResult {
        let Some(ty) = self.types.variant(self.result, name) else {
            debug_assert!(false, "result type has no variant {name}");
            return fail(
                kind::CAST,
                format!("the result type has no variant `{name}`"),
            );
        };
        // SAFETY: the payload is as the variant declares it, by the native's key.
        Ok(unsafe { record::new(self.heap, ty, &[slot])? })
    }

    /// Gives up a reference to a value of type `ty`.
    pub fn discard(&mut self, slot: u64, ty: TypeIx) {
        if self.types.repr(ty) == Repr::Word {
            // SAFETY: the native owns the slot.
            unsafe { count::drop(self.heap, slot) }
        }
    }

    /// A second reference to a borrowed value of type `ty`.
    pub fn copy(&mut self, slot: u64, ty: TypeIx) -> u64 {
        if self.types.repr(ty) == Repr::Word {
            // SAFETY: the slot is a live value.
            unsafe { count::dup(slot) }
        }
        slot
    }

    /// The element type of parameter `i`, which is a list, set or map (its keys).
    pub fn element(&self, i: usize) -> TypeIx {
        let ty = self.params.get(i).copied().unwrap_or(well_known::ANY);
        self.types.element_type(ty).unwrap_or(well_known::ANY)
    }

    /// The printed form of a value of type `ty`.
    pub fn format(&self, slot: u64, ty: TypeIx) -> String {
        // SAFETY: the slot is a live value of its type.
        unsafe { heap::format::format(self.types, slot, ty) }
    }

    /// The next 64 random bits: of the fiber's own stream in a deterministic run.
    pub fn random(&self) -> u64 {
        match self.fiber {
            Some(fiber) if fiber.is_deterministic() => fiber.next_random(),
            _ => self.host.random(),
        }
    }

    /// Nanoseconds since the start of the program, on the clock of fibers.
    pub fn now_ns(&self) -> i64 {
        match self.fiber {
            Some(fiber) => i64::try_from(fiber.now()).unwrap_or(i64::MAX),
            None => self.host.now_ns(),
        }
    }

    /// The failure of kind `Index` for an index out of range.
    pub fn out_of_range<T>(&self, index: i64, len: usize) -> Result<T, NativeStop> {
        fail(kind::INDEX, index_message(index, len))
    }
}

/// The message for an index out of range.
pub fn index_message(index: i64, len: usize) -> String {
    format!("index {index} is out of range (length {len})")
}

/// An index as the language counts it, negative ones from the end.
#[inline]
pub fn resolve_index(i: i64, len: usize) -> Option<usize> {
    let at = if i < 0 { i.checked_add(len as i64)? } else { i };
    usize::try_from(at).ok().filter(|at| *at < len)
}

/// The bounds of the slice `from..to`, negative ones counted from the end.
pub fn resolve_range(from: i64, to: i64, len: usize) -> Option<(usize, usize)> {
    let bound = |i: i64| {
        let at = if i < 0 { i.checked_add(len as i64)? } else { i };
        usize::try_from(at).ok().filter(|at| *at <= len)
    };
    let (from, to) = (bound(from)?, bound(to)?);
    (from <= to).then_some((from, to))
}

/// The Int in a slot.
#[inline(always)]
pub fn int(slot: u64) -> i64 {
    slot as i64
}

/// The Float in a slot.
#[inline(always)]
pub fn float(slot: u64) -> f64 {
    f64::from_bits(slot)
}

/// The slot of a Float.
#[inline(always)]
pub fn float_slot(f: f64) -> u64 {
    f.to_bits()
}

/// The text of a String argument.
#[inline(always)]
pub fn text(slot: &u64) -> &str {
    // SAFETY: the native's key says that the slot is a String; it is borrowed for the call.
    unsafe { string::as_str(*slot) }
}

/// The bytes of a Bytes argument.
#[inline(always)]
pub fn byte_slice(slot: &u64) -> &[u8] {
    // SAFETY: as in `text`.
    unsafe { bytes::as_slice(*slot) }
}

/// The elements of a `list[Int]` argument.
#[inline(always)]
pub fn ints(slot: &u64) -> &[i64] {
    // SAFETY: as in `text`; a slot of type Int is an i64.
    unsafe {
        let s = list::slots(*slot);
        std::slice::from_raw_parts(s.as_ptr().cast(), s.len())
    }
}

/// The elements of a `list[Float]` argument.
#[inline(always)]
pub fn floats(slot: &u64) -> &[f64] {
    // SAFETY: as in `text`; a slot of type Float has the bits of an f64.
    unsafe {
        let s = list::slots(*slot);
        std::slice::from_raw_parts(s.as_ptr().cast(), s.len())
    }
}

/// The elements of a list argument whose elements are words.
#[inline(always)]
pub fn words(slot: &u64) -> &[u64] {
    // SAFETY: as in `text`.
    unsafe { list::slots(*slot) }
}

/// The number of elements of a list argument.
#[inline(always)]
pub fn list_len(slot: &u64) -> usize {
    // SAFETY: as in `text`.
    unsafe { list::len(*slot) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_count_from_both_ends() {
        assert_eq!(resolve_index(0, 3), Some(0));
        assert_eq!(resolve_index(-1, 3), Some(2));
        assert_eq!(resolve_index(3, 3), None);
        assert_eq!(resolve_index(-4, 3), None);
        assert_eq!(resolve_index(i64::MIN, 3), None);
        assert_eq!(resolve_range(1, -1, 4), Some((1, 3)));
        assert_eq!(resolve_range(3, 2, 4), None);
        assert_eq!(resolve_range(0, 5, 4), None);
    }
}
