//! What the verifier knows of registers, for a compiler of native code.

use super::code::Code;
use super::state::State;
use super::types::{Ty, Types};
use super::{Check, module};
use crate::code::Op;
use crate::module::{Function, Module, TypeIx, well_known as wk};
use crate::operand::{OperandKind, Role};

/// The static type of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegType(Ty);

impl RegType {
    /// Index in the type table.
    #[must_use]
    pub fn ix(self) -> TypeIx {
        self.0.ix()
    }

    /// It holds an Int, Bool or Float as such.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.0.is_plain()
    }

    /// It holds a Float as such.
    #[must_use]
    pub fn is_float(self) -> bool {
        self.is_plain() && self.ix() == wk::FLOAT
    }
}

/// The types of the registers that a function's instructions use.
#[derive(Clone, Debug, Default)]
pub struct TypedCode {
    /// By word: where the instruction's types begin.
    starts: Vec<u32>,
    types: Vec<RegType>,
}

impl TypedCode {
    /// For the instruction at word `pc`: the type of each `Reg` operand in the table's order, as
    /// it is before the instruction, or after it where the instruction writes the register. For
    /// `call.closure` the closure's type and the result's.
    #[must_use]
    pub fn at(&self, pc: usize) -> &[RegType] {
        let start = self.starts.get(pc).map_or(0, |s| *s as usize);
        let next = self
            .starts
            .get(pc + 1)
            .map_or(self.types.len(), |s| *s as usize);
        &self.types[start..next]
    }
}

/// A verified module whose registers' types are wanted.
pub struct Typing<'a> {
    module: &'a Module,
    types: Types<'a>,
}

impl<'a> Typing<'a> {
    /// Prepares the type table.
    ///
    /// # Errors
    /// When the module is not well-formed.
    pub fn new(module: &'a Module) -> Result<Self, String> {
        let types = module::tables(module)?;
        Ok(Typing { module, types })
    }

    /// The register types of a function.
    ///
    /// # Errors
    /// When the function does not verify.
    pub fn function(&self, function: &Function) -> Result<TypedCode, String> {
        let mut code = Code {
            module: self.module,
            types: &self.types,
            function,
            state: State::new(&self.types, function.frame),
            pc: 0,
            landing: 0,
            failure_checked: false,
            at_handler: false,
            typed: Some(TypedCode::default()),
        };
        code.enter();
        code.pass()?;
        let mut typed = code.typed.unwrap_or_default();
        typed.starts.push(typed.types.len() as u32);
        Ok(typed)
    }
}

impl Code<'_> {
    /// Notes the types of the registers that the instruction reads.
    pub(super) fn note_reads(&mut self, op: Op) -> Check {
        let Some(mut typed) = self.typed.take() else {
            return Ok(());
        };
        let start = typed.types.len() as u32;
        typed.starts.resize(self.pc + 1, start);
        for (reg, writes) in self.noted(op) {
            let ty = if writes {
                Ty::NEVER
            } else {
                self.state.read(reg)?.0
            };
            typed.types.push(RegType(ty));
        }
        // The second word of an instruction has no types of its own.
        let end = typed.types.len() as u32;
        typed.starts.resize(self.pc + op.word_count(), end);
        self.typed = Some(typed);
        Ok(())
    }

    /// Notes the types of the registers that the instruction has written.
    pub(super) fn note_writes(&mut self, op: Op) -> Check {
        let Some(mut typed) = self.typed.take() else {
            return Ok(());
        };
        let start = typed.starts[self.pc] as usize;
        for (i, (reg, writes)) in self.noted(op).into_iter().enumerate() {
            if writes {
                typed.types[start + i] = RegType(self.state.save(reg)?.ty);
            }
        }
        self.typed = Some(typed);
        Ok(())
    }

    /// Registers whose types are noted, and whether the instruction writes them.
    fn noted(&self, op: Op) -> Vec<(u16, bool)> {
        let words = &self.function.code[self.pc..];
        let lane = |lane| crate::code::get_raw(words, lane, 1) as u16;
        if op == Op::CallClosure {
            return vec![(lane(0), false), (lane(0), true)];
        }
        let regs = op.def().operands.iter();
        regs.filter(|o| o.kind == OperandKind::Reg)
            .map(|o| (lane(o.lane), matches!(o.role, Role::Out | Role::Lend)))
            .collect()
    }
}
