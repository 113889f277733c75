//! Self recursion, translated into itself a few times over.
//!
//! An inlined call is to the interpreter a call like any other: it has a frame and a record of its
//! own, which an exit writes along with those of the frames around it. What a call asks of the
//! frame is asked here too. Machine stack and poll word are asked once for the calls of one native
//! frame: only functions are inlined in which nothing can set the poll word.

use cranelift_codegen::ir::{Block, InstBuilder, Value};
use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::module::Function;

use super::plan::{Plan, RegSet};
use super::ranges::is_quiet;
use super::translate::{Translator, class};

/// Levels, and instructions of a function with all that is inlined into it at most for so many.
const LEVELS: [(u32, usize); 3] = [(3, 160), (2, 90), (1, 90)];

/// A frame around that of inlined code.
pub(super) struct Outer {
    pub(super) r: Value,
    pub(super) fp: Value,
    /// What the record of the frame inside says: where to go on behind the call.
    pub(super) back: i64,
    /// What is live behind the call.
    pub(super) saved: Vec<(u16, Value)>,
}

/// Where the translator is among inlined calls.
#[derive(Default)]
pub(super) struct Inlining {
    /// How many calls of the function by itself may be inlined in one another.
    depth: usize,
    /// The frames around the present one.
    pub(super) outer: Vec<Outer>,
    /// Where a return goes, with the result.
    pub(super) after: Option<Block>,
}

impl Inlining {
    /// For a function that is translated from its start.
    pub(super) fn of(plan: &Plan<'_>, func: u32) -> Inlining {
        Inlining {
            depth: depth(plan, func).unwrap_or(0),
            ..Inlining::default()
        }
    }

    /// Whether nothing in the function but calls of itself looks around or takes long.
    pub(super) fn quiet(&self) -> bool {
        self.depth > 0
    }

    /// Whether the machine's stack has been looked at before the frame was entered.
    pub(super) fn checked(&self) -> bool {
        !self.outer.is_empty()
    }
}

/// How deep calls of a function by itself are inlined.
fn depth(plan: &Plan<'_>, func: u32) -> Option<usize> {
    let function: &Function = plan.function;
    let all: Vec<(usize, Op)> = plan.translated(0);
    let itself = |pc: usize| get_raw(&function.code[pc..], 1, 2) == func;
    let silent = |&(pc, op): &(usize, Op)| match op {
        Op::Call => itself(pc),
        Op::Dup | Op::Return | Op::ReturnNull | Op::Fail | Op::Throw | Op::Landing => true,
        op => is_quiet(op) && !op.is_back_edge(),
    };
    let plain = function.closure.is_none() && !plan.has_loops();
    if !plain || !all.iter().all(silent) {
        return None;
    }
    let calls = all.iter().filter(|(_, op)| *op == Op::Call).count();
    let total = |levels: u32| -> usize {
        let bodies = (0..=levels).map(|level| calls.saturating_pow(level));
        bodies.sum::<usize>().saturating_mul(all.len())
    };
    let (levels, _) = LEVELS.iter().find(|(n, most)| total(*n) <= *most)?;
    (calls > 0).then_some(*levels as usize)
}

impl Translator<'_, '_> {
    /// Whether a call of `func` is inlined.
    pub(super) fn inlines(&self, func: u32) -> bool {
        let Inlining { depth, outer, .. } = &self.inlining;
        func == self.unit.func && outer.len() < *depth
    }

    /// Translates the function's body for a call of itself with `args`, in the frame at `r` and
    /// `fp`; gives the result.
    pub(super) fn inline(&mut self, base: u16, (r, fp): (Value, Value), args: &[Value]) -> Value {
        let plan = self.plan;
        let frame = usize::from(plan.function.frame);
        let after = self.b.create_block();
        let result = class(plan.function.result, true);
        let result = self.b.append_block_param(after, result);
        let live: Vec<u16> = self.live.iter().take_while(|reg| *reg < base).collect();
        let saved = live.into_iter().map(|reg| (reg, self.get(reg))).collect();
        self.inlining.outer.push(Outer {
            r: self.r,
            fp: self.fp,
            back: self.code_address(self.pc + 1),
            saved,
        });
        let outside = (self.r, self.fp, self.pc, self.next, self.op);
        (self.r, self.fp) = (r, fp);
        let regs = std::mem::replace(&mut self.regs, vec![None; frame]);
        let live = std::mem::replace(&mut self.live, RegSet::new(frame));
        let blocks = std::mem::take(&mut self.blocks);
        let returns = self.inlining.after.replace(after);
        self.make_blocks();
        self.facts.clear();
        // It has exits and a frame of its own.
        self.exits.settle();
        self.forget_stored(0);
        self.begin_body(args);
        self.body();

        self.inlining.after = returns;
        self.inlining.outer.pop();
        (self.regs, self.live, self.blocks) = (regs, live, blocks);
        (self.r, self.fp, self.pc, self.next, self.op) = outside;
        self.closed = false;
        self.exits.settle();
        self.b.switch_to_block(after);
        self.facts.clear();
        self.facts.stack_checked = true;
        result
    }

    /// Returns from inlined code, if the translator is there.
    pub(super) fn give_inlined(&mut self, value: Value) -> bool {
        let Some(after) = self.inlining.after else {
            return false;
        };
        self.b.ins().jump(after, &[value.into()]);
        self.closed = true;
        true
    }
}
