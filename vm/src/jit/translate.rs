//! From a function's bytecode to CLIF.
//!
//! A register is an SSA value while native code runs. Blocks that begin at a frame map take the
//! registers live there as parameters (Cranelift drops those that do not vary); everything between
//! is straight. What the ops become is in `ops`.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AliasRegion, AliasRegionData, Block, FuncRef, Function, InstBuilder, MemFlagsData, Opcode,
    Signature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use lumen_bytecode::code::{Op, get_raw, visit};
use lumen_bytecode::module::{self, Constant, TypeIx, well_known as wk};
use lumen_bytecode::verify::RegType;
use rustc_hash::FxHashMap;

use super::constants::Number;
use super::env::{Env, Unit};
use super::exits::{Exits, Stored, is_repeatable};
use super::facts::Facts;
use super::guards::Loops;
use super::inline::Inlining;
use super::plan::{Plan, RegSet};
use super::reach::Part;
use crate::interp::context::Context;

/// How memory is accessed, by what it holds. Accesses of different kinds never meet.
#[derive(Clone, Copy)]
pub(super) struct Flags {
    /// Registers and frame records.
    pub(super) frame: MemFlagsData,
    /// The context and the heap's own structure.
    pub(super) context: MemFlagsData,
    /// What does not change while native code runs.
    pub(super) fixed: MemFlagsData,
    /// Headers of objects.
    pub(super) header: MemFlagsData,
    /// Lengths and room of lists.
    pub(super) lengths: MemFlagsData,
    /// Elements and fields, by class.
    pub(super) ints: MemFlagsData,
    pub(super) floats: MemFlagsData,
    pub(super) words: MemFlagsData,
    pub(super) bytes: MemFlagsData,
    /// Captures of closures, constant data.
    pub(super) constant: MemFlagsData,
    /// Module-level variables.
    pub(super) globals: MemFlagsData,
}

impl Flags {
    fn new(func: &mut Function) -> Flags {
        let names = [
            "frame", "context", "header", "ints", "floats", "words", "bytes", "globals", "lengths",
        ];
        let regions: Vec<AliasRegion> = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                func.dfg.alias_regions.insert(AliasRegionData {
                    user_id: i as u32,
                    description: (*name).into(),
                })
            })
            .collect();
        let region = |i: usize| MemFlagsData::trusted().with_alias_region(Some(regions[i]));
        let constant = MemFlagsData::trusted().with_readonly();
        Flags {
            frame: region(0),
            context: region(1),
            fixed: constant.with_can_move(),
            header: region(2),
            lengths: region(8),
            ints: region(3),
            floats: region(4),
            words: region(5),
            bytes: region(6),
            constant,
            globals: region(7),
        }
    }
}

/// One function being translated.
pub(super) struct Translator<'a, 'b> {
    pub(super) b: FunctionBuilder<'b>,
    pub(super) env: &'a Env<'a>,
    pub(super) plan: &'a Plan<'a>,
    pub(super) unit: Unit,
    pub(super) flags: Flags,
    /// Address of `R[0]`.
    pub(super) r: Value,
    /// Address of the frame's record.
    pub(super) fp: Value,
    /// Address of the worker's heap.
    pub(super) heap: Value,
    /// Address of the poll word.
    pub(super) poll: Value,
    /// Address of the module-level variables.
    pub(super) globals: Value,
    pub(super) regs: Vec<Option<Value>>,
    pub(super) live: RegSet,
    /// The instruction's word, and the next one's.
    pub(super) pc: usize,
    pub(super) next: usize,
    pub(super) op: Op,
    pub(super) blocks: FxHashMap<usize, Block>,
    /// What becomes of each segment.
    pub(super) parts: Vec<Part>,
    pub(super) exits: Exits,
    pub(super) stored: Stored,
    /// The code may run many times.
    pub(super) in_loop: bool,
    pub(super) facts: Facts,
    pub(super) functions: FxHashMap<(u32, u32), FuncRef>,
    /// The block is closed: nothing can follow in it.
    pub(super) closed: bool,
    /// Loops that are translated with what holds throughout them.
    pub(super) loops: Loops,
    pub(super) inlining: Inlining,
}

/// Translates `unit` into `func`.
pub(super) fn translate<'a>(
    env: &'a Env<'a>,
    plan: &'a Plan<'a>,
    unit: Unit,
    func: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    func.signature = env.signature(unit);
    let flags = Flags::new(func);
    let mut b = FunctionBuilder::new(func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let params = b.block_params(entry).to_vec();
    let cx = b.ins().get_pinned_reg(types::I64);
    let mut field = |offset: usize| {
        b.ins().load(
            types::I64,
            flags.fixed,
            cx,
            i32::try_from(offset).unwrap_or(0),
        )
    };
    let heap = field(std::mem::offset_of!(Context, heap));
    let globals = field(std::mem::offset_of!(Context, globals));
    // Not to be loaded anew in each iteration.
    let offset = std::mem::offset_of!(Context, poll) as i32;
    let poll = match plan.has_loops() {
        true => b.ins().load(types::I64, flags.context, cx, offset),
        false => b.ins().load(types::I64, flags.fixed, cx, offset),
    };
    let frame = usize::from(plan.function.frame);
    let mut t = Translator {
        env,
        plan,
        unit,
        flags,
        r: params[0],
        fp: params[1],
        heap,
        poll,
        globals,
        regs: vec![None; frame],
        live: RegSet::new(frame),
        pc: 0,
        next: 0,
        op: Op::Jump,
        blocks: FxHashMap::default(),
        parts: plan.parts(unit.at.unwrap_or(0) as usize),
        exits: Exits::default(),
        stored: Stored::default(),
        in_loop: false,
        facts: Facts::default(),
        functions: FxHashMap::default(),
        closed: false,
        loops: Loops::default(),
        inlining: match unit.at {
            None if !env.takes_closure(unit.func) => Inlining::of(plan, unit.func),
            _ => Inlining::default(),
        },
        b,
    };
    t.enter(&params[2..]);
    t.body();
    t.emit_exits();
    t.b.seal_all_blocks();
    t.b.finalize(env.frontend);
}

impl Translator<'_, '_> {
    /// Fills the registers, and goes to where the unit begins.
    fn enter(&mut self, params: &[Value]) {
        let plan = self.plan;
        let function = plan.function;
        self.find_loops();
        self.make_blocks();
        let Some(at) = self.unit.at else {
            let mut params = params.iter().copied();
            if self.env.takes_closure(self.unit.func) {
                let closure = params.next();
                if let (Some(closure), Some(_)) = (closure, function.closure) {
                    self.def(0, closure);
                }
            }
            let params: Vec<Value> = params.collect();
            return self.begin_body(&params);
        };
        for entry in plan.params(at as usize) {
            let ty = class(entry.ty, entry.hold == module::Hold::Plain);
            let value = self.load_reg(entry.reg, ty);
            self.def(entry.reg, value);
        }
        self.go(at as usize);
    }

    /// Makes the blocks of the first translation.
    pub(super) fn make_blocks(&mut self) {
        let plan = self.plan;
        for (i, segment) in plan.segments.iter().enumerate() {
            let reached = self.parts[i] == Part::In;
            if reached && plan.map(segment.start).is_some() && !self.loops.replaced(i) {
                let block = self.segment_block(segment.start);
                self.blocks.insert(segment.start, block);
            }
        }
    }

    /// Gives parameters their registers, and goes to the function's first block if it has one.
    pub(super) fn begin_body(&mut self, params: &[Value]) {
        for (i, value) in params.iter().enumerate() {
            self.def(i as u16 + 1, *value);
        }
        if self.plan.map(0).is_some() {
            self.go(0);
        }
    }

    /// A block that takes the registers live where a segment starts.
    pub(super) fn segment_block(&mut self, start: usize) -> Block {
        let plan = self.plan;
        let block = self.b.create_block();
        for entry in plan.params(start) {
            let ty = class(entry.ty, entry.hold == module::Hold::Plain);
            self.b.append_block_param(block, ty);
        }
        block
    }

    /// All segments that are reached, in order.
    pub(super) fn body(&mut self) {
        let plan = self.plan;
        // Without a frame map, the first goes on where the parameters were taken.
        let first = plan.segments.first().filter(|_| self.unit.at.is_none());
        if let Some(first) = first.filter(|s| plan.map(s.start).is_none()) {
            self.stretch(first.start, first.end);
        }
        self.write_guards();
        for (i, segment) in plan.segments.iter().enumerate() {
            let inside = self.parts[i] == Part::In;
            if let Some(block) = self.blocks.get(&segment.start).filter(|_| inside).copied() {
                self.begin(segment.start, block);
                self.stretch(segment.start, segment.end);
            }
            for copy in 0..self.loops.copies(i) {
                if let Some(block) = self.loops.enter_segment(i, copy) {
                    self.begin(segment.start, block);
                    self.stretch(segment.start, segment.end);
                    self.loops.leave_segment();
                }
            }
        }
        self.ways_out();
    }

    /// The code between two words, and on to what follows.
    pub(super) fn stretch(&mut self, start: usize, end: usize) {
        self.closed = false;
        self.pc = start;
        while self.pc < end && !self.closed {
            self.instruction();
            self.pc = self.next;
        }
        if !self.closed {
            self.go(end);
        }
    }

    /// Goes on in a block, with the registers that it takes.
    pub(super) fn begin(&mut self, start: usize, block: Block) {
        self.b.switch_to_block(block);
        self.regs.fill(None);
        self.live.clear();
        self.facts.clear();
        self.exits.settle();
        self.in_loop = self.plan.in_loop(start);
        let mut params = self.b.block_params(block).to_vec().into_iter();
        let plan = self.plan;
        for entry in plan.map(start).map_or(&[][..], |m| &m.live) {
            let value = match plan.number(start, entry.reg) {
                Some(Number::Int(i)) => Some(self.iconst(i)),
                Some(Number::Constant(k)) => Some(self.constant_number(k)),
                None => params.next(),
            };
            if let Some(value) = value {
                self.def(entry.reg, value);
            }
        }
        self.loops.carry(params.as_slice());
    }

    fn instruction(&mut self) {
        let plan = self.plan;
        let words = &plan.function.code[self.pc..];
        let Some(op) = Op::from_word(words[0]) else {
            self.exit();
            return;
        };
        self.op = op;
        self.next = self.pc + op.word_count();
        self.exits.begin_instruction();
        let pc = self.pc;
        visit(op, words, self);
        // Whatever has moved on has decided what to execute by other means than jumps.
        if self.pc != pc || !is_repeatable(op) {
            self.exits.settle();
        }
        for &(_, reg) in plan.dying(self.pc) {
            self.kill(reg);
        }
    }

    /// The type of the instruction's register operand number `i`.
    pub(super) fn reg_type(&self, i: usize) -> Option<RegType> {
        self.plan.typed.at(self.pc).get(i).copied()
    }

    /// The class of the instruction's register operand number `i`.
    pub(super) fn reg_class(&self, i: usize) -> Type {
        match self.reg_type(i) {
            Some(ty) if ty.is_float() => types::F64,
            _ => types::I64,
        }
    }

    /// A register's value, as it is.
    pub(super) fn get(&mut self, reg: u16) -> Value {
        match self.regs[usize::from(reg)] {
            Some(value) => value,
            // Not initialised: the verifier refuses it.
            None => self.b.ins().iconst(types::I64, 0),
        }
    }

    /// The value of a register that has one.
    pub(super) fn value_of(&self, reg: u16) -> Option<Value> {
        self.regs[usize::from(reg)]
    }

    /// Whether some register has a value, or it is a number.
    pub(super) fn holds(&self, value: Value) -> bool {
        let mut live = self.live.iter();
        live.any(|reg| self.regs[usize::from(reg)] == Some(value)) || self.is_number(value)
    }

    fn is_number(&self, value: Value) -> bool {
        let dfg = &self.b.func.dfg;
        let made = dfg
            .value_def(value)
            .inst()
            .map(|inst| dfg.insts[inst].opcode());
        matches!(made, Some(Opcode::Iconst | Opcode::F64const))
    }

    /// The constant that the instruction at word `pc` gives.
    pub(super) fn constant_at(&mut self, pc: usize) -> Value {
        let words = &self.plan.function.code[pc..];
        if Op::from_word(words[0]) == Some(Op::IntConst) {
            return self.iconst(i64::from(get_raw(words, 1, 2) as i32));
        }
        self.constant_number(get_raw(words, 1, 2))
    }

    fn constant_number(&mut self, k: u32) -> Value {
        match self.env.module.constants.get(k as usize) {
            Some(Constant::Float(bits)) => self.b.ins().f64const(f64::from_bits(*bits)),
            _ => self.iconst(self.env.image.constants[k as usize] as i64),
        }
    }

    /// A register's value as an Int, a Bool or a word.
    pub(super) fn int(&mut self, reg: u16) -> Value {
        let value = self.get(reg);
        self.as_type(value, types::I64)
    }

    /// A register's value as a Float.
    pub(super) fn float(&mut self, reg: u16) -> Value {
        let value = self.get(reg);
        self.as_type(value, types::F64)
    }

    pub(super) fn as_type(&mut self, value: Value, ty: Type) -> Value {
        if self.b.func.dfg.value_type(value) == ty {
            return value;
        }
        self.b.ins().bitcast(ty, MemFlagsData::new(), value)
    }

    /// Gives a register a value.
    pub(super) fn def(&mut self, reg: u16, value: Value) {
        self.regs[usize::from(reg)] = Some(value);
        self.live.insert(reg);
    }

    /// The register is dead.
    pub(super) fn kill(&mut self, reg: u16) {
        self.regs[usize::from(reg)] = None;
        self.live.remove(reg);
    }

    /// What the frame has for a register.
    pub(super) fn load_reg(&mut self, reg: u16, ty: Type) -> Value {
        let (r, flags) = (self.r, self.flags.frame);
        let value = self.b.ins().load(ty, flags, r, i32::from(reg) * 8);
        self.set_stored(reg, value);
        value
    }

    /// Writes a register to the frame.
    pub(super) fn store_reg(&mut self, reg: u16) {
        let value = self.get(reg);
        self.store_slot(reg, value);
    }

    /// Writes a value to a register's place in the frame.
    pub(super) fn store_slot(&mut self, reg: u16, value: Value) {
        let (r, flags) = (self.r, self.flags.frame);
        self.b.ins().store(flags, value, r, i32::from(reg) * 8);
        // An exit from before may rely on what was there.
        self.exits.settle();
        self.set_stored(reg, value);
    }

    /// An integer constant.
    pub(super) fn iconst(&mut self, i: i64) -> Value {
        self.b.ins().iconst(types::I64, i)
    }

    /// The address of the instruction word `pc` in prepared code.
    pub(super) fn code_address(&self, pc: usize) -> i64 {
        let start = self.env.image.funcs[self.unit.func as usize].start;
        self.env.image.code.at(start + pc) as i64
    }

    /// A comparison of two values.
    pub(super) fn icmp(&mut self, cc: IntCC, a: Value, b: Value) -> Value {
        self.b.ins().icmp(cc, a, b)
    }

    /// A comparison with a constant.
    pub(super) fn icmp_imm(&mut self, cc: IntCC, a: Value, i: i64) -> Value {
        self.b.ins().icmp_imm_s(cc, a, i)
    }

    /// A field of the context, loaded anew.
    pub(super) fn context_field(&mut self, ty: Type, offset: usize) -> Value {
        let flags = self.flags.context;
        let cx = self.b.ins().get_pinned_reg(types::I64);
        self.b.ins().load(ty, flags, cx, offset as i32)
    }

    /// Writes a field of the context.
    pub(super) fn set_context_field(&mut self, offset: usize, value: Value) {
        let flags = self.flags.context;
        let cx = self.b.ins().get_pinned_reg(types::I64);
        self.b.ins().store(flags, value, cx, offset as i32);
    }

    /// The target of a branch of the instruction.
    pub(super) fn target(&self, distance: i64) -> usize {
        (self.pc as i64 + distance) as usize
    }
}

/// The class of a register of type `ty`.
pub(super) fn class(ty: TypeIx, plain: bool) -> Type {
    if plain && ty == wk::FLOAT {
        types::F64
    } else {
        types::I64
    }
}

/// A signature with these parameters and results.
pub(super) fn signature(conv: CallConv, params: &[Type], results: &[Type]) -> Signature {
    use cranelift_codegen::ir::AbiParam;
    let mut signature = Signature::new(conv);
    signature.params = params.iter().map(|t| AbiParam::new(*t)).collect();
    signature.returns = results.iter().map(|t| AbiParam::new(*t)).collect();
    signature
}
