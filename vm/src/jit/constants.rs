//! Registers that hold the same constant whichever way a segment is reached.
//!
//! The compiler puts constants into registers before loops. Where such a register is read, native
//! code has the number itself: a divisor becomes a multiplication, and no machine register is
//! taken up.

use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::module::{Function, Handler};
use lumen_bytecode::operand::{OperandKind, Role};
use rustc_hash::FxHashMap;

use super::plan::{Segment, branch_targets, instructions};

/// A constant in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// An Int or Bool.
    Int(i64),
    /// The constant with this number.
    Constant(u32),
}

type Numbers = FxHashMap<u16, Number>;

/// Functions with more segments are not analysed.
const LARGEST: usize = 600;

/// By segment: the registers that hold a number at its start.
pub(super) fn find(function: &Function, segments: &[Segment]) -> Vec<Numbers> {
    if segments.len() > LARGEST {
        return vec![Numbers::default(); segments.len()];
    }
    let mut found: Vec<Option<Numbers>> = vec![None; segments.len()];
    let at = |pc: usize| segments.binary_search_by_key(&pc, |s| s.start).ok();
    let mut todo = vec![0];
    let handlers = function.landings.iter().flat_map(|l| match l.handler {
        Handler::None => [None, None],
        Handler::Cleanup(pc) => [Some(pc), None],
        Handler::Catch { pc, cancel } => [Some(pc), cancel],
    });
    todo.extend(handlers.flatten().filter_map(|pc| at(pc as usize)));
    for start in &todo {
        found[*start] = Some(Numbers::default());
    }
    while let Some(segment) = todo.pop() {
        let Segment { start, end, .. } = segments[segment];
        let mut numbers = found[segment].clone().unwrap_or_default();
        let mut edge = |target: usize, numbers: &Numbers| {
            let Some(to) = at(target) else { return };
            let changed = match &mut found[to] {
                Some(known) => {
                    let before = known.len();
                    known.retain(|reg, number| numbers.get(reg) == Some(number));
                    known.len() != before
                }
                unknown => {
                    *unknown = Some(numbers.clone());
                    true
                }
            };
            if changed {
                todo.push(to);
            }
        };
        let mut closed = false;
        for (pc, op) in instructions(function, start, end) {
            step(function, pc, op, &mut numbers);
            for target in branch_targets(function, op, pc) {
                edge(target, &numbers);
            }
            closed = op.is_terminator();
        }
        if !closed {
            edge(end, &numbers);
        }
    }
    found.into_iter().map(Option::unwrap_or_default).collect()
}

/// What an instruction does to the registers.
fn step(function: &Function, pc: usize, op: Op, numbers: &mut Numbers) {
    let words = &function.code[pc..];
    let lane = |n| get_raw(words, n, 1) as u16;
    let wide = || get_raw(words, 1, op.def().operands[1].kind.lanes());
    let number = match op {
        Op::IntConst => Some(Number::Int(i64::from(wide() as i32))),
        Op::Const => Some(Number::Constant(wide())),
        Op::Move => numbers.get(&lane(1)).copied(),
        Op::Call | Op::CallClosure => {
            let base = lane(0);
            numbers.retain(|reg, _| *reg < base);
            return;
        }
        Op::CallNative | Op::CallNativeAt => {
            // A native may replace its first argument.
            numbers.clear();
            return;
        }
        _ => None,
    };
    for operand in op.def().operands {
        let writes = matches!(operand.role, Role::Out | Role::Lend | Role::Io);
        if operand.kind == OperandKind::Reg && writes {
            numbers.remove(&(get_raw(words, operand.lane, 1) as u16));
        }
    }
    if let Some(number) = number {
        numbers.insert(lane(0), number);
    }
}
