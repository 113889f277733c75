//! Building a function: labels, frame maps, landings and lines, laid out when it is finished.
//!
//! ```
//! use lumen_bytecode::builder::FunctionBuilder;
//! use lumen_bytecode::code::Insn;
//! use lumen_bytecode::module::{RegState, well_known::INT};
//! use lumen_bytecode::operand::{Imm16, Label16, Reg};
//!
//! let mut f = FunctionBuilder::new("down", vec![INT], vec![false], INT);
//! let top = f.new_label();
//! f.bind(top, vec![RegState::plain(1, INT)]);
//! f.emit(Insn::int_add_i(Reg(1), Reg(1), Imm16(-1)));
//! f.branch(Insn::loop_int_gt_i(Reg(1), Imm16(0), Label16(0)), top);
//! f.emit(Insn::return_(Reg(1)));
//! assert!(f.finish().is_ok());
//! ```
//!
//! A branch whose 16-bit distance does not reach becomes a longer sequence (see [`far`]).

mod far;

use crate::code::{Insn, Op, set_raw};
use crate::module::{FrameMap, Function, Handler, Landing, Line, RegState, TypeIx};
use crate::operand::{OperandKind, Table};

/// A place in the code, named before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(u32);

/// As [`Handler`], with labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerLabel {
    /// To the caller.
    None,
    /// Failures to `label`; cancellation to `cancel`, or to the caller.
    Catch {
        /// Handler.
        label: Label,
        /// Cleanup handler for cancellation.
        cancel: Option<Label>,
    },
    /// Failures and cancellation.
    Cleanup(Label),
}

/// What to do when an instruction fails: see [`Landing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandingSpec {
    /// Owned registers that the handler does not keep.
    pub drops: Vec<u16>,
    /// Where to.
    pub handler: HandlerLabel,
    /// For `Catch`: owned registers to drop when it is a cancellation.
    pub cancel_drops: Vec<u16>,
}

/// Why a function cannot be finished. All but the last two are mistakes of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// A label is used but nowhere bound.
    Unbound(Label),
    /// Labels at one place came with different frame maps.
    Maps {
        /// The place.
        pc: u32,
    },
    /// `branch` was given an instruction without a label operand, or `emit` one with.
    Branch {
        /// The place.
        pc: u32,
    },
    /// The function needs more than 65 535 registers.
    Frame,
    /// The function has more than 2^30 words of code.
    Size,
}

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unbound(l) => write!(f, "label {} is not bound", l.0),
            Self::Maps { pc } => write!(f, "two frame maps at {pc}"),
            Self::Branch { pc } => write!(f, "instruction {pc}: label operand expected or not"),
            Self::Frame => f.write_str("the function needs more than 65535 registers"),
            Self::Size => f.write_str("the function has too much code"),
        }
    }
}

impl std::error::Error for BuildError {}

struct Branch {
    pc: u32,
    label: Label,
}

struct OpenLanding {
    start: u32,
    end: u32,
    spec: LandingSpec,
}

/// Buffers that a builder grew, for the next one. What is finished takes no more room than it
/// needs.
#[derive(Debug, Default)]
pub struct Room {
    code: Vec<u64>,
    lines: Vec<Line>,
}

/// A function being built. Places are word indices until `finish` moves them.
pub struct FunctionBuilder {
    function: Function,
    labels: Vec<Option<u32>>,
    branches: Vec<Branch>,
    tables: Vec<Vec<Label>>,
    landings: Vec<OpenLanding>,
    current: Option<(u32, LandingSpec)>,
    error: Option<BuildError>,
}

impl FunctionBuilder {
    /// A function with these parameters (`R[1..]`), of which it owns those that `owned` says.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        params: Vec<TypeIx>,
        owned: Vec<bool>,
        result: TypeIx,
    ) -> Self {
        let frame = u16::try_from(params.len() + 1).unwrap_or(u16::MAX);
        Self {
            function: Function {
                name: name.into(),
                params,
                owned,
                result,
                frame,
                ..Function::default()
            },
            labels: Vec::new(),
            branches: Vec::new(),
            tables: Vec::new(),
            landings: Vec::new(),
            current: None,
            error: None,
        }
    }

    /// Builds in the buffers of `room`; to be said before anything is emitted.
    pub fn build_in(&mut self, room: &mut Room) {
        (self.function.code, self.function.lines) = (
            std::mem::take(&mut room.code),
            std::mem::take(&mut room.lines),
        );
        self.function.code.clear();
        self.function.lines.clear();
    }

    /// `R[0]` is a closure of this type on entry.
    pub fn set_closure(&mut self, ty: TypeIx) {
        self.function.closure = Some(ty);
    }

    /// The frame has at least `registers` registers (parameters are counted already; windows of
    /// calls are not).
    pub fn reserve(&mut self, registers: usize) {
        match u16::try_from(registers) {
            Ok(n) => self.function.frame = self.function.frame.max(n),
            Err(_) => self.fail(BuildError::Frame),
        }
    }

    /// Where the next instruction goes, in words. Not final: `finish` may move code.
    #[must_use]
    pub fn pc(&self) -> u32 {
        self.function.code.len() as u32
    }

    /// Nothing is emitted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.function.code.is_empty()
    }

    /// A label that is bound later.
    pub fn new_label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Whether a label is bound here already, with other registers live.
    #[must_use]
    pub fn clashes(&self, live: &[RegState]) -> bool {
        let Some(here) = self.function.maps.last().filter(|m| m.pc == self.pc()) else {
            return false;
        };
        let mut live = live.to_vec();
        live.sort_unstable_by_key(|r| r.reg);
        here.live != live
    }

    /// The next instruction is `label`, and these registers are live there (any order).
    pub fn bind(&mut self, label: Label, mut live: Vec<RegState>) {
        let pc = self.pc();
        self.labels[label.0 as usize] = Some(pc);
        live.sort_unstable_by_key(|r| r.reg);
        match self.function.maps.last() {
            Some(last) if last.pc == pc => {
                if last.live != live {
                    self.fail(BuildError::Maps { pc });
                }
            }
            _ => self.function.maps.push(FrameMap { pc, live }),
        }
    }

    /// Appends an instruction without label operand.
    pub fn emit(&mut self, insn: Insn) {
        if insn.op().label().is_some() {
            self.fail(BuildError::Branch { pc: self.pc() });
        }
        self.function.code.extend_from_slice(insn.words());
    }

    /// Appends a branch to `label`; the distance in `insn` is ignored.
    pub fn branch(&mut self, insn: Insn, label: Label) {
        let pc = self.pc();
        if insn.op().label().is_none() {
            self.fail(BuildError::Branch { pc });
        }
        self.branches.push(Branch { pc, label });
        self.function.code.extend_from_slice(insn.words());
    }

    /// A jump table for `switch.tag` and `switch.int`.
    pub fn table(&mut self, targets: Vec<Label>) -> Table {
        self.tables.push(targets);
        if self.tables.len() > 65_536 {
            self.fail(BuildError::Size);
        }
        Table((self.tables.len() - 1) as u16)
    }

    /// Instructions from here on stand at this source position (file index, 1-based line and
    /// column).
    pub fn line(&mut self, file: u32, line: u32, column: u32) {
        self.line_in(0, file, line, column);
    }

    /// The same, in the code of an inlined call ([`Line::scope`]).
    pub fn line_in(&mut self, scope: u32, file: u32, line: u32, column: u32) {
        let pc = self.pc();
        let entry = Line {
            pc,
            file,
            line,
            column,
            scope,
        };
        let lines = &mut self.function.lines;
        if lines.last().is_some_and(|l| l.pc == pc) {
            lines.pop();
        }
        let same = |l: &Line| (l.file, l.line, l.column) == (file, line, column);
        if !lines.last().is_some_and(|l| same(l) && l.scope == scope) {
            lines.push(entry);
        }
    }

    /// What to do when an instruction from here on fails, until the next call; `None`: nothing is
    /// owned, and the failure goes to the caller.
    pub fn landing(&mut self, spec: Option<LandingSpec>) {
        if self.current.as_ref().map(|(_, s)| s) == spec.as_ref() {
            return;
        }
        let end = self.pc();
        if let Some((start, spec)) = self.current.take()
            && start < end
        {
            match self.landings.last_mut() {
                Some(last) if last.end == start && last.spec == spec => last.end = end,
                _ => self.landings.push(OpenLanding { start, end, spec }),
            }
        }
        self.current = spec.map(|s| (end, s));
    }

    /// The same with the parts of a specification: without drops and handler it is none.
    pub fn landing_at(&mut self, drops: &[u16], handler: HandlerLabel, cancel_drops: &[u16]) {
        let none = drops.is_empty() && handler == HandlerLabel::None;
        let same = match &self.current {
            None => none,
            Some((_, now)) => {
                !none
                    && now.handler == handler
                    && now.drops == drops
                    && now.cancel_drops == cancel_drops
            }
        };
        if !same {
            self.landing((!none).then(|| LandingSpec {
                drops: drops.to_vec(),
                handler,
                cancel_drops: cancel_drops.to_vec(),
            }));
        }
    }

    fn fail(&mut self, error: BuildError) {
        self.error.get_or_insert(error);
    }

    fn resolve(&self, label: Label) -> Result<u32, BuildError> {
        self.labels[label.0 as usize].ok_or(BuildError::Unbound(label))
    }

    /// The finished function.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn finish(self) -> Result<Function, BuildError> {
        self.finish_in(&mut Room::default())
    }

    /// The finished function; `room` gets the buffers back.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn finish_in(mut self, room: &mut Room) -> Result<Function, BuildError> {
        self.landing(None);
        if self.function.params.len() >= usize::from(u16::MAX) {
            self.fail(BuildError::Frame);
        }
        if self.function.code.len() > 1 << 30 {
            self.fail(BuildError::Size);
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.lengthen()?;
        for branch in &self.branches {
            let to = self.resolve(branch.label)?;
            let words = &mut self.function.code[branch.pc as usize..];
            let distance = i64::from(to) - i64::from(branch.pc);
            patch(words, distance as i32);
        }
        for table in &self.tables {
            let targets: Result<_, _> = table.iter().map(|&l| self.resolve(l)).collect();
            self.function.tables.push(targets?);
        }
        let landings = std::mem::take(&mut self.landings);
        for open in landings {
            let landing = self.place(open)?;
            self.function.landings.push(landing);
        }
        let Function { code, lines, .. } = &mut self.function;
        room.code = std::mem::replace(code, code.to_vec());
        room.lines = std::mem::replace(lines, lines.to_vec());
        Ok(self.function)
    }

    fn place(&self, open: OpenLanding) -> Result<Landing, BuildError> {
        let handler = match open.spec.handler {
            HandlerLabel::None => Handler::None,
            HandlerLabel::Catch { label, cancel } => Handler::Catch {
                pc: self.resolve(label)?,
                cancel: cancel.map(|l| self.resolve(l)).transpose()?,
            },
            HandlerLabel::Cleanup(label) => Handler::Cleanup(self.resolve(label)?),
        };
        Ok(Landing {
            start: open.start,
            end: open.end,
            drops: open.spec.drops,
            handler,
            cancel_drops: open.spec.cancel_drops,
        })
    }
}

/// The op of a first word that this builder wrote.
fn op_at(words: &[u64]) -> Op {
    Op::from_word(words[0]).unwrap_or(Op::Jump)
}

/// Writes the branch distance of the instruction at the start of `words`.
fn patch(words: &mut [u64], distance: i32) {
    if let Some(operand) = op_at(words).label() {
        let raw = match operand.kind {
            OperandKind::Label16 => u32::from(distance as u16),
            _ => distance as u32,
        };
        set_raw(words, operand.lane, operand.kind.lanes(), raw);
    }
}

#[cfg(test)]
mod tests;
