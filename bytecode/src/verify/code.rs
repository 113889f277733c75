//! One function: a single pass over its instructions.

use super::state::State;
use super::types::{Ty, Types};
use super::{Check, landing, module};
use crate::code::{Insn, Op, get_raw, visit};
use crate::module::{Function, Hold, Module};

/// The function being checked, and where.
pub(super) struct Code<'a> {
    pub(super) module: &'a Module,
    pub(super) types: &'a Types<'a>,
    pub(super) function: &'a Function,
    pub(super) state: State<'a>,
    /// The current instruction.
    pub(super) pc: usize,
    /// First landing that does not end before `pc`.
    pub(super) landing: usize,
    /// `fails` was called for the current instruction.
    pub(super) failure_checked: bool,
    /// The current instruction is entered by failure.
    pub(super) at_handler: bool,
    /// Register types, when they are wanted.
    pub(super) typed: Option<super::TypedCode>,
}

/// Checks a function; gives where and what is wrong.
pub(super) fn function(
    module: &Module,
    types: &Types<'_>,
    function: &Function,
) -> Result<(), (Option<u32>, String)> {
    let head = module::head(module, types, function).and_then(|()| landing::table(function));
    head.map_err(|e| (None, e))?;
    let mut code = Code {
        module,
        types,
        function,
        state: State::new(types, function.frame),
        pc: 0,
        landing: 0,
        failure_checked: false,
        at_handler: false,
        typed: None,
    };
    code.enter();
    code.pass().map_err(|e| (Some(code.pc as u32), e))
}

impl Code<'_> {
    pub(super) fn enter(&mut self) {
        let f = self.function;
        if let Some(t) = f.closure {
            self.state.define(0, Ty::slot(t), Hold::Borrowed(None));
        }
        for (i, (&t, &owned)) in f.params.iter().zip(&f.owned).enumerate() {
            let ty = Ty::slot(t);
            let hold = match (ty.is_plain(), owned) {
                (true, _) => Hold::Plain,
                (false, true) => Hold::Owned,
                (false, false) => Hold::Borrowed(None),
            };
            self.state.define(i as u16 + 1, ty, hold);
        }
    }

    pub(super) fn pass(&mut self) -> Check {
        let f = self.function;
        let mut maps = f.maps.iter().peekable();
        let mut reached = true;
        while self.pc < f.code.len() {
            let here = self.pc as u32;
            let op = self.decode()?;
            self.at_handler = false;
            if let Some(map) = maps.next_if(|m| m.pc <= here) {
                if map.pc < here {
                    return Err(format!(
                        "the frame map at {} is inside an instruction",
                        map.pc
                    ));
                }
                if reached && op == Op::Landing {
                    return Err("a handler is entered without a failure".into());
                }
                if reached {
                    self.state.flows(Some(map), &[])?;
                }
                self.state.load(map);
                self.at_handler = true;
            } else if !reached {
                return Err("nothing leads here".into());
            }
            self.failure_checked = false;
            self.note_reads(op)?;
            visit(op, &f.code[self.pc..], self).map_err(|e| format!("{}: {e}", op.def().text))?;
            debug_assert_eq!(self.failure_checked, op.can_fail(), "{}", op.def().text);
            self.note_writes(op)?;
            reached = !op.is_terminator();
            self.pc += op.word_count();
        }
        if maps.next().is_some() {
            return Err("a frame map is inside the last instruction".into());
        }
        if reached {
            return Err("control runs off the end".into());
        }
        Ok(())
    }

    /// The op at `pc`, of which all words are there and unused bits are 0.
    fn decode(&self) -> Check<Op> {
        let words = &self.function.code[self.pc..];
        let number = words[0] & 0xffff;
        let op = Op::from_word(words[0]).ok_or_else(|| format!("there is no op {number}"))?;
        let n = op.word_count();
        if words.len() < n {
            return Err(format!("{}: its second word is missing", op.def().text));
        }
        let mut raws = [0; 8];
        let operands = op.def().operands;
        for (raw, o) in raws.iter_mut().zip(operands) {
            *raw = get_raw(words, o.lane, o.kind.lanes());
        }
        if Insn::encode(op, &raws[..operands.len()]).words() != &words[..n] {
            return Err(format!("{}: unused bits are not 0", op.def().text));
        }
        Ok(op)
    }
}
