//! From a request to published code: a function, with the functions it calls.

use lumen_runtime::time::system::thread_cpu;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self, ExternalName, UserFuncName};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::module::Function;
use lumen_bytecode::verify::{TypedCode, Typing};
use rustc_hash::{FxHashMap, FxHashSet};

use super::arena::Arena;
use super::entry::{self, EnterFn, Shape};
use super::env::{Env, Unit, space};
use super::perf_map::PerfMap;
use super::plan::Plan;
use super::stubs;
use super::tier::Entry;
use super::translate::translate;
use super::{Compilation, Jit, JitStats};
use crate::load::image::Image;

/// Functions compiled together at most.
const BATCH: usize = 48;
/// Functions with more words stay interpreted: compile time grows faster than size.
const LARGEST: usize = 20_000;

/// Pieces begin where a line of the instruction cache does: a function then runs equally fast
/// whatever it was compiled with (starting within a line can cost or save 15 %).
const LINE: usize = 64;

/// Makes native code.
pub(super) struct Compiler {
    tools: Option<Tools>,
    stats: JitStats,
    #[expect(clippy::vec_box, reason = "code refers to entries by address")]
    entries: Vec<Box<Entry>>,
    failed: FxHashSet<Unit>,
    /// Loops that were hot while code that holds them was being made.
    covered: FxHashSet<Unit>,
    compilations: Vec<(Instant, Compilation)>,
    perf_map: Option<PerfMap>,
}

/// What compiling needs: made when it is first needed.
struct Tools {
    isa: OwnedTargetIsa,
    context: Context,
    builder: FunctionBuilderContext,
    arena: Arena,
    ways_in: FxHashMap<Shape, EnterFn>,
    stubs: FxHashMap<u32, usize>,
}

/// Machine code that has no place yet.
struct Piece {
    name: Name,
    code: Vec<u8>,
    align: usize,
    calls: Vec<Call>,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Unit(Unit),
    Stub(u32),
    WayIn(Shape),
}

/// A place in a piece that refers to other code.
struct Call {
    at: usize,
    kind: Reloc,
    addend: i64,
    space: u32,
    index: u32,
}

impl Compiler {
    /// One that has done nothing.
    pub(super) fn new(perf_map: bool) -> Compiler {
        Compiler {
            tools: None,
            stats: JitStats::default(),
            entries: Vec::new(),
            failed: FxHashSet::default(),
            covered: FxHashSet::default(),
            compilations: Vec::new(),
            // It only helps a profiler: without it code has no names.
            perf_map: perf_map.then(|| PerfMap::open().ok()).flatten(),
        }
    }

    /// What has been done so far.
    pub(super) fn stats(&self) -> JitStats {
        let mut stats = self.stats;
        for entry in &self.entries {
            let entered = entry.entered.load(Relaxed);
            match entry.unit.at {
                Some(_) => stats.osr_entries += entered,
                None => stats.call_entries += entered,
            }
            stats.exits += entry.left.load(Relaxed);
        }
        stats
    }

    /// Whether a loop is part of other loop code of its function; true once for each.
    pub(super) fn is_covered(&mut self, jit: &Jit, unit: Unit) -> bool {
        let function = &jit.module.functions[unit.func as usize];
        let plan = Plan::new(&jit.module, function, TypedCode::default());
        let at = unit.at.unwrap_or(0) as usize;
        let covered = self.entries.iter().any(|entry| {
            let from = entry.unit.at.filter(|_| entry.unit.func == unit.func);
            from.is_some_and(|from| plan.holds(from as usize, at))
        });
        covered && self.covered.insert(unit)
    }

    /// A loop is part of code that is being made for a loop around it.
    pub(super) fn cover(&mut self, unit: Unit) {
        self.covered.insert(unit);
    }

    /// Makes native code of `unit` and of what it calls, as far as it can be done.
    pub(super) fn compile(&mut self, image: &Image, jit: &Jit, unit: Unit) {
        let begin = thread_cpu();
        if self.tools.is_none() {
            self.tools = Tools::new();
        }
        while let Some(failed) = self.try_batch(image, jit, unit) {
            if !self.failed.insert(failed) || failed == unit {
                break;
            }
        }
        self.stats.compile_ns += thread_cpu().saturating_sub(begin).as_nanos() as u64;
    }

    /// Compiles a batch. Gives the unit that cannot be compiled, if there is one.
    fn try_batch(&mut self, image: &Image, jit: &Jit, unit: Unit) -> Option<Unit> {
        let units = self.batch(image, jit, unit);
        let tools = self.tools.as_mut()?;
        let Ok(typing) = Typing::new(&jit.module) else {
            return Some(unit);
        };
        let new = units.iter().filter(|u| u.at.is_none()).map(|u| u.func);
        let direct = (0..jit.module.functions.len() as u32)
            .filter(|f| jit.is_native(*f))
            .chain(new)
            .collect();
        let env = tools.env(image, jit, &direct);
        let mut pieces = Vec::new();
        let (mut instructions, mut translated) = (0, 0);
        let mut times = Vec::new();
        for unit in &units {
            let begin = Instant::now();
            let function = &jit.module.functions[unit.func as usize];
            let typed = typing.function(function).ok();
            let Some(typed) = typed.filter(|_| function.code.len() <= LARGEST) else {
                return Some(*unit);
            };
            let plan = Plan::new(&jit.module, function, typed);
            tools.context.clear();
            let func = &mut tools.context.func;
            func.name = UserFuncName::user(space::FUNCTION, unit.func);
            translate(&env, &plan, *unit, func, &mut tools.builder);
            instructions += func.dfg.num_insts() as u64;
            translated += plan.translated(unit.at.unwrap_or(0) as usize).len() as u64;
            match tools.finish(Name::Unit(*unit)) {
                Some(piece) => pieces.push(piece),
                None => return Some(*unit),
            }
            times.push((begin, begin.elapsed()));
        }
        if !tools.complete(&env, &mut pieces) {
            return Some(unit);
        }
        let sizes: Vec<usize> = pieces.iter().map(|p| p.code.len()).collect();
        let Some((entries, bytes)) = tools.place(jit, pieces) else {
            return Some(unit);
        };
        self.stats.clif_instructions += instructions;
        self.stats.instructions += translated;
        self.stats.code_bytes += bytes;
        for (i, entry) in entries.into_iter().enumerate() {
            match entry.unit.at {
                Some(_) => self.stats.loops += 1,
                None => self.stats.functions += 1,
            }
            self.record(jit, &entry, times[i], sizes[i]);
            let entry = Box::new(entry);
            jit.publish(image, &entry);
            self.entries.push(entry);
        }
        None
    }

    /// Remembers a compilation.
    fn record(&mut self, jit: &Jit, entry: &Entry, time: (Instant, Duration), size: usize) {
        let name = jit.module.functions[entry.unit.func as usize].name.clone();
        if let Some(map) = &mut self.perf_map {
            let at = entry
                .unit
                .at
                .map_or(String::new(), |at| format!(" loop@{at}"));
            if map
                .add(entry.code as usize, size, &format!("{name}{at}"))
                .is_err()
            {
                self.perf_map = None;
            }
        }
        let compilation = Compilation {
            name,
            at: entry.unit.at,
            start_ns: 0,
            duration_ns: time.1.as_nanos() as u64,
            code_bytes: size as u64,
        };
        self.compilations.push((time.0, compilation));
    }

    /// Each compilation, with times since `begin`.
    pub(super) fn compilations(&self, begin: Instant) -> Vec<Compilation> {
        let since = |(at, compilation): &(Instant, Compilation)| Compilation {
            start_ns: at.saturating_duration_since(begin).as_nanos() as u64,
            ..compilation.clone()
        };
        self.compilations.iter().map(since).collect()
    }

    /// The CLIF or machine code of a function, as text.
    pub(super) fn text(
        &mut self,
        image: &Image,
        jit: &Jit,
        unit: Unit,
        asm: bool,
    ) -> Option<String> {
        if self.tools.is_none() {
            self.tools = Tools::new();
        }
        let direct = self
            .batch(image, jit, unit)
            .iter()
            .map(|u| u.func)
            .collect();
        let tools = self.tools.as_mut()?;
        let typing = Typing::new(&jit.module).ok()?;
        let function = &jit.module.functions[unit.func as usize];
        let plan = Plan::new(&jit.module, function, typing.function(function).ok()?);
        let env = tools.env(image, jit, &direct);
        tools.context.clear();
        translate(
            &env,
            &plan,
            unit,
            &mut tools.context.func,
            &mut tools.builder,
        );
        if !asm {
            return Some(tools.context.func.display().to_string());
        }
        tools.context.set_disasm(true);
        let compiled = tools
            .context
            .compile(&*tools.isa, &mut ControlPlane::default());
        compiled.ok()?.vcode.clone()
    }

    /// `unit` and the functions without native code that it calls, directly or not.
    fn batch(&self, image: &Image, jit: &Jit, unit: Unit) -> Vec<Unit> {
        let mut units = vec![unit];
        let mut next = 0;
        while let Some(caller) = units.get(next).copied() {
            next += 1;
            for func in callees(&jit.module.functions[caller.func as usize]) {
                let callee = Unit { func, at: None };
                let known = jit.is_native(func) || units.contains(&callee);
                let known = known || !jit.is_used(image, func);
                if !known && !self.failed.contains(&callee) && units.len() < BATCH {
                    units.push(callee);
                }
            }
        }
        units
    }
}

/// The functions that a function calls by number.
fn callees(function: &Function) -> Vec<u32> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(op) = function.code.get(at).and_then(|w| Op::from_word(*w)) {
        if op == Op::Call {
            found.push(get_raw(&function.code[at..], 1, 2));
        }
        at += op.word_count();
    }
    found
}

impl Tools {
    fn new() -> Option<Tools> {
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "speed"),
            ("enable_pinned_reg", "true"),
            ("enable_probestack", "false"),
            ("unwind_info", "false"),
            ("enable_table_access_spectre_mitigation", "false"),
            ("enable_heap_access_spectre_mitigation", "false"),
            (
                "enable_verifier",
                if cfg!(debug_assertions) {
                    "true"
                } else {
                    "false"
                },
            ),
        ] {
            flags.set(name, value).ok()?;
        }
        let isa = cranelift_native::builder().ok()?;
        Some(Tools {
            isa: isa.finish(settings::Flags::new(flags)).ok()?,
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
            arena: Arena::new(),
            ways_in: FxHashMap::default(),
            stubs: FxHashMap::default(),
        })
    }

    fn env<'a>(&self, image: &'a Image, jit: &'a Jit, direct: &'a FxHashSet<u32>) -> Env<'a> {
        Env {
            image,
            module: &jit.module,
            jit,
            frontend: self.isa.frontend_config(),
            c: self.isa.default_call_conv(),
            direct,
        }
    }

    /// Compiles the function in the context.
    fn finish(&mut self, name: Name) -> Option<Piece> {
        let compiled = self
            .context
            .compile(&*self.isa, &mut ControlPlane::default());
        let buffer = match compiled {
            Ok(compiled) => &compiled.buffer,
            Err(why) => {
                debug_assert!(false, "{why:?}\n{}", why.func.display());
                return None;
            }
        };
        let mut calls = Vec::new();
        for reloc in buffer.relocs() {
            let FinalizedRelocTarget::ExternalName(ExternalName::User(user)) = reloc.target else {
                debug_assert!(false, "{reloc:?}");
                return None;
            };
            calls.push(Call {
                at: reloc.offset as usize,
                kind: reloc.kind,
                addend: reloc.addend,
                space: 0,
                index: user.as_u32(),
            });
        }
        let (code, align) = (buffer.data().to_vec(), buffer.alignment as usize);
        for call in &mut calls {
            let name = ir::UserExternalNameRef::from_u32(call.index);
            let name = &self.context.func.params.user_named_funcs()[name];
            (call.space, call.index) = (name.namespace, name.index);
        }
        Some(Piece {
            name,
            code,
            align,
            calls,
        })
    }

    /// Adds the stubs and ways in that the pieces need and that are not there yet.
    fn complete(&mut self, env: &Env<'_>, pieces: &mut Vec<Piece>) -> bool {
        let mut stubs: Vec<u32> = pieces
            .iter()
            .flat_map(|p| &p.calls)
            .filter(|c| c.space == space::STUB && !self.stubs.contains_key(&c.index))
            .map(|c| c.index)
            .collect();
        stubs.sort_unstable();
        stubs.dedup();
        for number in stubs {
            self.context.clear();
            self.context.func.signature = stubs::signature_of(number);
            let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
            stubs::build(&mut b, number, env.c);
            b.finalize(env.frontend);
            let Some(piece) = self.finish(Name::Stub(number)) else {
                return false;
            };
            pieces.push(piece);
        }
        for i in 0..pieces.len() {
            let Name::Unit(unit) = pieces[i].name else {
                continue;
            };
            let (shape, closure, params, result) = way_in(env.jit, unit);
            let name = Name::WayIn(shape.clone());
            if self.ways_in.contains_key(&shape) || pieces.iter().any(|p| p.name == name) {
                continue;
            }
            self.context.clear();
            self.context.func.signature = entry::enter_signature(env.c);
            let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
            entry::build(&mut b, closure, params, result);
            b.finalize(env.frontend);
            let Some(piece) = self.finish(name) else {
                return false;
            };
            pieces.push(piece);
        }
        true
    }

    /// Gives the pieces their places and makes them executable.
    fn place(&mut self, jit: &Jit, pieces: Vec<Piece>) -> Option<(Vec<Entry>, u64)> {
        let base = self.arena.next().ok()?;
        let mut all = Vec::new();
        let mut starts = Vec::new();
        for piece in &pieces {
            all.resize(all.len().next_multiple_of(piece.align.max(LINE)), 0);
            starts.push(all.len());
            all.extend_from_slice(&piece.code);
        }
        let mut places: FxHashMap<(u32, u32), usize> = FxHashMap::default();
        for (piece, start) in pieces.iter().zip(&starts) {
            match &piece.name {
                Name::Unit(Unit { func, at: None }) => {
                    places.insert((space::FUNCTION, *func), base + start);
                }
                Name::Stub(number) => {
                    self.stubs.insert(*number, base + start);
                }
                _ => {}
            }
        }
        for (piece, start) in pieces.iter().zip(&starts) {
            for call in &piece.calls {
                let target = match call.space {
                    space::STUB => *self.stubs.get(&call.index)?,
                    _ => match places.get(&(call.space, call.index)) {
                        Some(place) => *place,
                        None => jit.native_code(call.index),
                    },
                };
                relocate(&mut all, base, start + call.at, call, target)?;
            }
        }
        self.arena.place(&all).ok()?;
        let mut entries = Vec::new();
        for (piece, start) in pieces.iter().zip(&starts) {
            if let Name::WayIn(shape) = &piece.name {
                // SAFETY: code of this signature, which is executable now.
                let enter = unsafe { std::mem::transmute::<usize, EnterFn>(base + start) };
                self.ways_in.insert(shape.clone(), enter);
            }
        }
        for (piece, start) in pieces.iter().zip(&starts) {
            if let Name::Unit(unit) = piece.name {
                entries.push(Entry {
                    enter: *self.ways_in.get(&way_in(jit, unit).0)?,
                    code: (base + start) as *const u8,
                    unit,
                    entered: AtomicU64::new(0),
                    left: AtomicU64::new(0),
                });
            }
        }
        Some((entries, all.len() as u64))
    }
}

/// How a unit is entered: its shape, whether it takes its closure, parameters, result.
fn way_in(jit: &Jit, unit: Unit) -> (Shape, bool, &[u32], u32) {
    let function = &jit.module.functions[unit.func as usize];
    let (closure, params) = match unit.at {
        None => (jit.takes_closure[unit.func as usize], &function.params[..]),
        Some(_) => (false, &[][..]),
    };
    let shape = Shape::new(closure, params, function.result);
    (shape, closure, params, function.result)
}

/// Writes the distance or address of `target` into the code at offset `at`.
fn relocate(all: &mut [u8], base: usize, at: usize, call: &Call, target: usize) -> Option<()> {
    let target = (target as i64).wrapping_add(call.addend);
    let distance = target.wrapping_sub((base + at) as i64);
    match call.kind {
        Reloc::X86CallPCRel4 | Reloc::X86PCRel4 => {
            let distance = i32::try_from(distance).ok()?;
            all[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        Reloc::Abs8 => all[at..at + 8].copy_from_slice(&target.to_le_bytes()),
        Reloc::Arm64Call => {
            let mut insn = u32::from_le_bytes(all[at..at + 4].try_into().ok()?);
            insn |= (distance >> 2) as u32 & 0x03ff_ffff;
            all[at..at + 4].copy_from_slice(&insn.to_le_bytes());
        }
        _ => return None,
    }
    Some(())
}
