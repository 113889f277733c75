//! Prepared code: the module's instruction words with operands resolved.
//!
//! Words keep their places, so that positions and landings need no translation. What changes:
//!
//! | op | change |
//! | --- | --- |
//! | `call` | function number -> distance to its code |
//! | `global.get` | a form of its own for words, which may be absent |
//! | `switch.*` | type, low, table -> distance to a prepared table behind the function |
//! | `new` | forms by number of slots; closures; a closure without captures is a constant |
//! | `map.has`, `jump.ifnot`, `map.get` | one look-up, if of one key |
//! | `map.get` or `map.getor`, `int.addi`, `map.set` | one look-up, if of one key |
//! | `call.native` of what walks over a map | a form of its own |
//! | type tests | of unions, enums, function types …: type -> number of a set of types |
//!
//! Before each function stands a word with its frame size in bytes and its number.

use lumen_bytecode::code::{Op, get_raw, set_raw};
use lumen_bytecode::module::{Function, Module, NativeImport, TypeDesc, TypeIx};
use lumen_runtime::heap::dynamic::type_matches;
use lumen_runtime::heap::{Heap, Repr, TypeKind, Types};

use super::constants::bare_closure;
use super::image::{FuncInfo, LinkedNative, prelude};
use super::{LoadError, slots_of};
use crate::helpers::maps::walking;
use crate::interp::dispatch::Code;

/// What preparation makes.
pub(super) struct Prepared {
    pub(super) code: Box<[u64]>,
    pub(super) funcs: Vec<FuncInfo>,
    pub(super) members: Vec<u64>,
    pub(super) member_words: usize,
    pub(super) member_types: Vec<TypeIx>,
}

struct Preparer<'a> {
    module: &'a Module,
    types: &'a Types,
    constants: &'a mut Vec<u64>,
    heap: &'a mut Heap,
    code: Vec<u64>,
    starts: Vec<usize>,
    member_types: Vec<TypeIx>,
    /// By native: what its calls become, if it walks over a map or set.
    walks: Vec<Option<Code>>,
}

/// Prepares all functions.
pub(super) fn prepare(
    module: &Module,
    natives: &[LinkedNative],
    types: &Types,
    constants: &mut Vec<u64>,
    heap: &mut Heap,
) -> Result<Prepared, LoadError> {
    let mut at = prelude().len();
    let starts = module.functions.iter().map(|f| {
        let start = at + 1;
        at = start + f.code.len() + table_words(f);
        start
    });
    let starts = starts.collect();
    let code = Vec::with_capacity(at);
    let mut p = Preparer {
        module,
        types,
        constants,
        heap,
        code,
        starts,
        member_types: Vec::new(),
        walks: module.natives.iter().zip(natives).map(walk).collect(),
    };
    p.code.extend(prelude());
    for (i, function) in module.functions.iter().enumerate() {
        p.function(i, function)?;
    }
    let funcs = module
        .functions
        .iter()
        .zip(&p.starts)
        .map(|(f, start)| info(f, *start, types));
    let member_words = types.len().div_ceil(64);
    Ok(Prepared {
        funcs: funcs.collect(),
        members: p
            .member_types
            .iter()
            .flat_map(|t| set_of(types, *t, member_words))
            .collect(),
        member_words,
        member_types: p.member_types,
        code: p.code.into_boxed_slice(),
    })
}

/// Words that the prepared tables of a function take: one table per switch, as distances are
/// relative to it.
fn table_words(f: &Function) -> usize {
    let (mut at, mut words) = (0, 0);
    while let Some(op) = f.code.get(at).and_then(|w| Op::from_word(*w)) {
        if matches!(op, Op::SwitchTag | Op::SwitchInt) {
            let table = get_raw(&f.code[at..], 2, 1) as usize;
            words += 1 + f.tables.get(table).map_or(0, |t| t.len().div_ceil(2));
        }
        at += op.word_count();
    }
    words
}

fn info(f: &Function, start: usize, types: &Types) -> FuncInfo {
    let owned_words = f.params.iter().zip(&f.owned).enumerate();
    let owned_words = owned_words
        .filter(|(_, (ty, owned))| **owned && types.repr(**ty) == Repr::Word)
        .map(|(i, _)| i as u16 + 1);
    FuncInfo {
        name: f.name.clone(),
        start,
        frame: usize::from(f.frame),
        params: f.params.len(),
        owned_words: owned_words.collect(),
        result: f.result,
        landings: f.landings.clone(),
        lines: f.lines.clone(),
        inlined: f.inlined.clone(),
    }
}

/// What calls of a native become, if it walks over a map or set and is the machine's own.
fn walk((import, linked): (&NativeImport, &LinkedNative)) -> Option<Code> {
    let own = !linked.replaced;
    walking(&import.key).filter(|_| own).map(|found| found.0)
}

/// The types whose values belong to `ty`, as bits.
fn set_of(types: &Types, ty: TypeIx, words: usize) -> Vec<u64> {
    let mut set = vec![0; words];
    for dynamic in 0..types.len() {
        if type_matches(types, dynamic as TypeIx, ty) {
            set[dynamic / 64] |= 1 << (dynamic % 64);
        }
    }
    set
}

fn set_op(word: &mut u64, code: Code) {
    *word = *word & !0xffff | code as u64;
}

impl Preparer<'_> {
    fn function(&mut self, index: usize, function: &Function) -> Result<(), LoadError> {
        let start = self.starts[index];
        self.code
            .push((u64::from(function.frame) * 8) | ((index as u64) << 32));
        debug_assert_eq!(self.code.len(), start);
        self.code.extend_from_slice(&function.code);
        let mut at = 0;
        while at < function.code.len() {
            let words = &function.code[at..];
            let Some(op) = Op::from_word(words[0]) else {
                return Err(LoadError::new(format!(
                    "{}: unknown op at {at}",
                    function.name
                )));
            };
            self.instruction(function, start, at, op)?;
            at += op.word_count();
        }
        self.find_lookups(function, start);
        self.find_additions(function, start);
        #[cfg(threaded)]
        self.fuse(function, start);
        Ok(())
    }

    /// A look-up of a key, an addition of a constant to what was found, and an update of the same
    /// key with the sum become one instruction.
    fn find_additions(&mut self, function: &Function, start: usize) {
        let code = &function.code;
        let mut at = 0;
        while let Some(op) = code.get(at).and_then(|w| Op::from_word(*w)) {
            let next = at + op.word_count();
            let fused = match op {
                Op::MapGet => Some(Code::MapAdd),
                Op::MapGetOr => Some(Code::MapAddOr),
                _ => None,
            };
            if let (Some(fused), Some([add, set])) = (fused, code.get(next..next + 2))
                && Op::from_word(*add) == Some(Op::IntAddI)
                && Op::from_word(*set) == Some(Op::MapSet)
            {
                let lane = |word: u64, n| get_raw(&[word], n, 1);
                let (found, map, key) = (lane(code[at], 0), lane(code[at], 1), lane(code[at], 2));
                let sum = lane(*add, 0);
                let same = [0, 1, 2].map(|n| lane(*set, n)) == [map, key, sum];
                // Neither result may be the map or the key.
                let apart = [found, sum].iter().all(|reg| *reg != map && *reg != key);
                if same && apart && lane(*add, 1) == found {
                    set_op(&mut self.code[start + at], fused);
                }
            }
            at = next;
        }
    }

    /// A test for a key followed by a look-up of the same key becomes one look-up.
    fn find_lookups(&mut self, function: &Function, start: usize) {
        let mut at = 0;
        while let Some(op) = function.code.get(at).and_then(|w| Op::from_word(*w)) {
            if op == Op::MapHas
                && let [has, jump, get, ..] = function.code[at..]
                && Op::from_word(jump) == Some(Op::JumpIfNot)
                && matches!(Op::from_word(get), Some(Op::MapGet | Op::MapGetWord))
            {
                let lane = |word, n| get_raw(&[word], n, 1);
                let same_key = lane(has, 1) == lane(get, 1) && lane(has, 2) == lane(get, 2);
                // The test's result must not be the map or the key.
                let apart = lane(has, 0) != lane(has, 1) && lane(has, 0) != lane(has, 2);
                if same_key && apart && lane(jump, 0) == lane(has, 0) {
                    set_op(&mut self.code[start + at], Code::MapFind);
                }
            }
            at += op.word_count();
        }
    }

    /// Makes pairs of adjacent instructions where there is a handler for them.
    #[cfg(threaded)]
    fn fuse(&mut self, function: &Function, start: usize) {
        let words = |at: usize| {
            let op = Op::from_word(*function.code.get(at)?)?;
            Some(op.word_count())
        };
        let mut at = 0;
        while let Some(len) = words(at) {
            let here = start + at;
            let next = at + len;
            let pair = words(next).and_then(|second| {
                let (a, b) = (self.code[here] as u16, self.code[start + next] as u16);
                Some((crate::interp::fused::pair(a, b)?, second))
            });
            at = next;
            if let Some((op, second)) = pair {
                self.code[here] = self.code[here] & !0xffff | u64::from(op);
                at += second;
            }
        }
    }

    fn instruction(
        &mut self,
        function: &Function,
        start: usize,
        at: usize,
        op: Op,
    ) -> Result<(), LoadError> {
        let here = start + at;
        let lane = |n| get_raw(&function.code[at..], n, 1);
        match op {
            Op::Call => {
                let callee = get_raw(&function.code[at..], 1, 2) as usize;
                let target = self.starts.get(callee).copied();
                let target = target.ok_or_else(|| LoadError::new("call of a missing function"))?;
                self.distance(here, target)?;
            }
            Op::GlobalGet => {
                let global = self.module.globals.get(lane(1) as usize);
                if global.is_some_and(|g| self.types.repr(g.ty) == Repr::Word) {
                    set_op(&mut self.code[here], Code::GlobalGetWord);
                }
            }
            Op::CallNative => {
                if let Some(code) = self.walks[lane(2) as usize] {
                    set_op(&mut self.code[here], code);
                }
            }
            Op::SwitchTag => {
                let first = match self.module.types.get(lane(1) as usize) {
                    Some(TypeDesc::Enum { first_variant, .. }) => *first_variant,
                    _ => return Err(LoadError::new("switch.tag on a type that is no enum")),
                };
                self.table(function, start, here, first, lane(2) as usize)?;
            }
            Op::SwitchInt => {
                let low = i32::from(lane(1) as u16 as i16) as u32;
                self.table(function, start, here, low, lane(2) as usize)?;
            }
            Op::New => self.new_object(here, lane(2))?,
            Op::JumpIfType => self.test(here, 1, lane(1), Code::JumpIfMember),
            Op::JumpIfNotType => self.test(here, 1, lane(1), Code::JumpIfNotMember),
            Op::JumpIfTypeFar => self.test(here, 1, lane(1), Code::JumpIfMemberFar),
            Op::JumpIfNotTypeFar => self.test(here, 1, lane(1), Code::JumpIfNotMemberFar),
            Op::IsType => self.test(here, 2, lane(2), Code::IsMember),
            Op::Cast => self.test(here, 1, lane(1), Code::CastMember),
            _ => {}
        }
        Ok(())
    }

    /// Writes the distance from `here` to `target` into lanes 1 and 2.
    fn distance(&mut self, here: usize, target: usize) -> Result<(), LoadError> {
        let distance = i32::try_from(target as i64 - here as i64)
            .map_err(|_| LoadError::new("the program's code is too large"))?;
        set_raw(&mut self.code[here..=here], 1, 2, distance as u32);
        Ok(())
    }

    fn table(
        &mut self,
        function: &Function,
        start: usize,
        here: usize,
        first: u32,
        table: usize,
    ) -> Result<(), LoadError> {
        let targets = function.tables.get(table);
        let targets = targets.ok_or_else(|| LoadError::new("switch over a missing table"))?;
        let place = self.code.len();
        self.distance(here, place)?;
        self.code
            .push(u64::from(first) | (targets.len() as u64) << 32);
        let entry = |t: &u32| (i64::from(*t) - (here - start) as i64) as i32 as u32;
        for pair in targets.chunks(2) {
            let high = pair.get(1).map_or(0, entry);
            self.code
                .push(u64::from(entry(&pair[0])) | u64::from(high) << 32);
        }
        Ok(())
    }

    fn new_object(&mut self, here: usize, ty: TypeIx) -> Result<(), LoadError> {
        let code = match self.module.types.get(ty as usize) {
            Some(TypeDesc::Closure { captures, .. }) if captures.is_empty() => {
                let constant = self.constants.len() as u32;
                self.constants
                    .push(bare_closure(self.heap, self.module, ty)?);
                let word = &mut self.code[here..=here];
                set_raw(word, 1, 2, constant);
                set_op(&mut word[0], Code::Const);
                return Ok(());
            }
            Some(TypeDesc::Closure { .. }) => Code::NewClosure,
            _ => match slots_of(self.types.shape(ty)) {
                1 => Code::New1,
                2 => Code::New2,
                3 => Code::New3,
                4 => Code::New4,
                _ => return Ok(()),
            },
        };
        set_op(&mut self.code[here], code);
        Ok(())
    }

    /// A test of a type that has no objects of its own becomes one for a set of types.
    fn test(&mut self, here: usize, lane: usize, ty: TypeIx, code: Code) {
        let wide = matches!(
            self.types.kind(ty),
            TypeKind::Any
                | TypeKind::Json
                | TypeKind::Union(_)
                | TypeKind::Enum { .. }
                | TypeKind::Func { .. }
        );
        if !wide {
            return;
        }
        let known = self.member_types.iter().position(|t| *t == ty);
        let set = known.unwrap_or_else(|| {
            self.member_types.push(ty);
            self.member_types.len() - 1
        });
        let word = &mut self.code[here..=here];
        set_raw(word, lane, 1, set as u32);
        set_op(&mut word[0], code);
    }
}
