//! Statements of a function.

use super::Diagnostic;
use super::items::in_order;
use super::lex::{Cursor, Token, is_index};
use crate::code::{Insn, Op, set_raw};
use crate::module::*;
use crate::operand::OperandKind;
use std::collections::HashMap;

/// Where a reference to a label stands.
#[derive(Clone)]
struct Target {
    to: To,
    line: u32,
    column: u32,
}

#[derive(Clone)]
enum To {
    Label(String),
    /// `@12`
    Pc(u32),
}

enum HandlerText {
    None,
    Catch(Target, Option<Target>),
    Cleanup(Target),
}

struct LandingText {
    start: Target,
    end: Target,
    drops: Vec<u16>,
    handler: HandlerText,
    cancel_drops: Vec<u16>,
}

struct Branch {
    pc: u32,
    op: Op,
    target: Target,
}

/// A function between `func` and `end`.
pub(super) struct FunctionText {
    /// Line of its head.
    pub(super) line: u32,
    function: Function,
    frame_given: bool,
    labels: HashMap<String, u32>,
    branches: Vec<Branch>,
    tables: Vec<Vec<Target>>,
    landings: Vec<LandingText>,
}

const TARGET: &str = "a label (or `@` and a word index)";

impl FunctionText {
    /// `func f0 name(Int, own String) -> Int closure t40 frame 5`
    pub(super) fn head(c: &mut Cursor, next: usize) -> Result<Self, Diagnostic> {
        let line = c.line();
        c.advance();
        in_order(c, 'f', "a function", next)?;
        let name = c.name()?;
        c.sign("(")?;
        let params = c.list(")", |c| {
            let owned = c.take_word("own");
            Ok((owned, c.type_ref()?))
        })?;
        c.sign("->")?;
        let result = c.type_ref()?;
        let mut function = Function {
            name,
            owned: params.iter().map(|p| p.0).collect(),
            params: params.iter().map(|p| p.1).collect(),
            result,
            frame: u16::try_from(params.len() + 1).unwrap_or(u16::MAX),
            ..Function::default()
        };
        if c.take_word("closure") {
            function.closure = Some(c.type_ref()?);
        }
        let frame_given = c.take_word("frame");
        if frame_given {
            function.frame = c.integer(0, i64::from(u16::MAX))? as u16;
        }
        Ok(Self {
            line,
            function,
            frame_given,
            labels: HashMap::new(),
            branches: Vec::new(),
            tables: Vec::new(),
            landings: Vec::new(),
        })
    }

    fn pc(&self) -> u32 {
        self.function.code.len() as u32
    }

    /// One line.
    pub(super) fn line(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        if matches!(c.peek(), Some(Token::Number(n)) if is_index(n)) {
            c.advance();
        }
        if matches!(c.peek_second(), Some(Token::Sign(":"))) {
            self.label(c)?;
            return c.finish();
        }
        let wrong = c.expected("an instruction, a label, `line`, `table`, `landing` or `end`");
        let Some(Token::Word(word)) = c.peek().cloned() else {
            return Err(wrong);
        };
        match word.as_str() {
            "line" => self.position(c)?,
            "inlined" => self.inlined(c)?,
            "map" => self.map(c)?,
            "table" => self.table(c)?,
            "landing" if !matches!(c.peek_second(), Some(Token::Word(w)) if is_register(w)) => {
                self.landing(c)?;
            }
            "word" => {
                c.advance();
                let bits = c.bits()?;
                self.function.code.push(bits);
            }
            _ => match Op::from_text(&word) {
                Some(op) => {
                    c.advance();
                    self.instruction(op, c)?;
                }
                None => return Err(unknown_op(c, &word)),
            },
        }
        c.finish()
    }

    /// `L3:`, `L3: {r1: Int}`
    fn label(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        let again = c.error("this label is defined twice");
        let name = c.word("a label")?;
        let pc = self.pc();
        if self.labels.insert(name, pc).is_some() {
            return Err(again);
        }
        c.sign(":")?;
        if !c.at_end() {
            let live = self.live(c)?;
            self.function.maps.push(FrameMap { pc, live });
        }
        Ok(())
    }

    fn live(&mut self, c: &mut Cursor) -> Result<Vec<RegState>, Diagnostic> {
        c.sign("{")?;
        let live = c.list("}", |c| {
            let reg = c.register()?;
            c.sign(":")?;
            let hold = if c.take_word("own") {
                Hold::Owned
            } else if c.take_word("lent") {
                let source = matches!(c.peek(), Some(Token::Word(w)) if is_register(w));
                Hold::Borrowed(source.then(|| c.register()).transpose()?)
            } else {
                Hold::Plain
            };
            let ty = c.type_ref()?;
            Ok(RegState { reg, ty, hold })
        })?;
        for state in &live {
            self.mention(state.reg);
        }
        Ok(live)
    }

    fn mention(&mut self, reg: u16) {
        if !self.frame_given {
            self.function.frame = self.function.frame.max(reg.saturating_add(1));
        }
    }

    /// `@12`, or here.
    fn place(&self, c: &mut Cursor) -> Result<u32, Diagnostic> {
        if c.take_sign("@") {
            Ok(c.integer(0, i64::from(u32::MAX))? as u32)
        } else {
            Ok(self.pc())
        }
    }

    /// `line 0:12:5`
    fn position(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let pc = self.place(c)?;
        let [file, line, column, scope] = source_place(c)?;
        self.function.lines.push(Line {
            pc,
            file,
            line,
            column,
            scope,
        });
        Ok(())
    }

    /// `inlined "f" 0:12:5`
    fn inlined(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let name = c.text("the name of the callee")?;
        let [file, line, column, scope] = source_place(c)?;
        self.function.inlined.push(Inlined {
            name,
            file,
            line,
            column,
            scope,
        });
        Ok(())
    }

    fn map(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let pc = self.place(c)?;
        let live = self.live(c)?;
        self.function.maps.push(FrameMap { pc, live });
        Ok(())
    }

    /// `table j0 = L1, L2`
    fn table(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        in_order(c, 'j', "a jump table", self.tables.len())?;
        c.sign("=")?;
        let mut targets = Vec::new();
        while !c.at_end() {
            if !targets.is_empty() {
                c.sign(",")?;
            }
            targets.push(target(c)?);
        }
        self.tables.push(targets);
        Ok(())
    }

    /// `landing L1 .. L2 drop r1 -> catch L3 cancel L4 canceldrop r1, r2`
    fn landing(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let start = target(c)?;
        c.sign("..")?;
        let end = target(c)?;
        let drops = registers_after(c, "drop")?;
        c.sign("->")?;
        let handler = if c.take_word("out") {
            HandlerText::None
        } else if c.take_word("catch") {
            let handler = target(c)?;
            let cancel = c.take_word("cancel").then(|| target(c)).transpose()?;
            HandlerText::Catch(handler, cancel)
        } else if c.take_word("cleanup") {
            HandlerText::Cleanup(target(c)?)
        } else {
            return Err(c.expected("`out`, `catch` or `cleanup`"));
        };
        let cancel_drops = registers_after(c, "canceldrop")?;
        self.landings.push(LandingText {
            start,
            end,
            drops,
            handler,
            cancel_drops,
        });
        Ok(())
    }

    fn instruction(&mut self, op: Op, c: &mut Cursor) -> Result<(), Diagnostic> {
        let pc = self.pc();
        let mut raws = Vec::new();
        for (i, operand) in op.def().operands.iter().enumerate() {
            if i > 0 {
                c.sign(",")?;
            }
            let relative = matches!(c.peek(), Some(Token::Number(_)));
            let raw = match operand.kind {
                OperandKind::Label16 | OperandKind::Label32 if !relative => {
                    let target = target(c)?;
                    self.branches.push(Branch { pc, op, target });
                    0
                }
                kind => self.operand(kind, c)?,
            };
            raws.push(raw);
        }
        let insn = Insn::encode(op, &raws);
        self.function.code.extend_from_slice(insn.words());
        Ok(())
    }

    fn operand(&mut self, kind: OperandKind, c: &mut Cursor) -> Result<u32, Diagnostic> {
        const MAX16: u32 = u16::MAX as u32;
        Ok(match kind {
            OperandKind::Reg | OperandKind::Window => {
                let reg = c.register()?;
                self.mention(reg);
                u32::from(reg)
            }
            OperandKind::Const => c.index('k', "a constant", u32::MAX)?,
            OperandKind::Func => c.function()?,
            OperandKind::Native => c.index('n', "a native", MAX16)?,
            OperandKind::Global => c.index('g', "a global", MAX16)?,
            OperandKind::Table => c.index('j', "a jump table", MAX16)?,
            OperandKind::Path => c.index('p', "a path", MAX16)?,
            OperandKind::Type => {
                let wrong = c.error("as an operand, a type's largest index is 65535");
                let ty = c.type_ref()?;
                if ty > MAX16 {
                    return Err(wrong);
                }
                ty
            }
            OperandKind::Field | OperandKind::Count => c.integer(0, i64::from(MAX16))? as u32,
            OperandKind::Kind => failure_kind(c)?,
            OperandKind::Imm16 | OperandKind::Label16 => {
                let value = c.integer(i64::from(i16::MIN), i64::from(i16::MAX))?;
                u32::from(value as u16)
            }
            OperandKind::Imm32 | OperandKind::Label32 => {
                c.integer(i64::from(i32::MIN), i64::from(i32::MAX))? as u32
            }
        })
    }

    fn resolve(&self, target: &Target) -> Result<u32, Diagnostic> {
        let name = match &target.to {
            To::Pc(pc) => return Ok(*pc),
            To::Label(name) => name,
        };
        self.labels.get(name).copied().ok_or_else(|| Diagnostic {
            line: target.line,
            column: target.column,
            message: format!("this function has no label `{name}`"),
        })
    }

    /// The function, labels resolved.
    pub(super) fn finish(mut self) -> Result<Function, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        for branch in std::mem::take(&mut self.branches) {
            if let Err(error) = self.patch(&branch) {
                errors.push(error);
            }
        }
        for table in std::mem::take(&mut self.tables) {
            let targets: Result<Vec<u32>, _> = table.iter().map(|t| self.resolve(t)).collect();
            match targets {
                Ok(targets) => self.function.tables.push(targets),
                Err(error) => errors.push(error),
            }
        }
        for landing in std::mem::take(&mut self.landings) {
            match self.resolve_landing(landing) {
                Ok(landing) => self.function.landings.push(landing),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(self.function)
        } else {
            Err(errors)
        }
    }

    fn patch(&mut self, branch: &Branch) -> Result<(), Diagnostic> {
        let to = self.resolve(&branch.target)?;
        let distance = i64::from(to) - i64::from(branch.pc);
        let Some(operand) = branch.op.label() else {
            return Ok(());
        };
        let reaches = match operand.kind {
            OperandKind::Label16 => i16::try_from(distance).is_ok(),
            _ => i32::try_from(distance).is_ok(),
        };
        if !reaches {
            return Err(Diagnostic {
                line: branch.target.line,
                column: branch.target.column,
                message: format!(
                    "{distance} words are too far for `{}`",
                    branch.op.def().text
                ),
            });
        }
        let words = &mut self.function.code[branch.pc as usize..];
        set_raw(words, operand.lane, operand.kind.lanes(), distance as u32);
        Ok(())
    }

    fn resolve_landing(&self, landing: LandingText) -> Result<Landing, Diagnostic> {
        let handler = match &landing.handler {
            HandlerText::None => Handler::None,
            HandlerText::Catch(pc, cancel) => Handler::Catch {
                pc: self.resolve(pc)?,
                cancel: cancel.as_ref().map(|c| self.resolve(c)).transpose()?,
            },
            HandlerText::Cleanup(pc) => Handler::Cleanup(self.resolve(pc)?),
        };
        Ok(Landing {
            start: self.resolve(&landing.start)?,
            end: self.resolve(&landing.end)?,
            drops: landing.drops,
            handler,
            cancel_drops: landing.cancel_drops,
        })
    }
}

/// `landing r3` is the instruction, `landing L1 .. L2` an entry of the table.
fn is_register(word: &str) -> bool {
    word.strip_prefix('r').is_some_and(is_index)
}

/// `0:12:5`, or `0:12:5 in 2` within an inlined call: file, line, column, scope.
fn source_place(c: &mut Cursor) -> Result<[u32; 4], Diagnostic> {
    let number = |c: &mut Cursor| Ok(c.integer(0, i64::from(u32::MAX))? as u32);
    let file = number(c)?;
    c.sign(":")?;
    let line = number(c)?;
    c.sign(":")?;
    let column = number(c)?;
    let scope = if c.take_word("in") { number(c)? } else { 0 };
    Ok([file, line, column, scope])
}

fn target(c: &mut Cursor) -> Result<Target, Diagnostic> {
    let (line, column) = (c.line(), c.column());
    let to = if c.take_sign("@") {
        To::Pc(c.integer(0, i64::from(u32::MAX))? as u32)
    } else {
        To::Label(c.word(TARGET)?)
    };
    Ok(Target { to, line, column })
}

fn registers_after(c: &mut Cursor, keyword: &str) -> Result<Vec<u16>, Diagnostic> {
    let mut regs = Vec::new();
    if c.take_word(keyword) {
        regs.push(c.register()?);
        while c.take_sign(",") {
            regs.push(c.register()?);
        }
    }
    Ok(regs)
}

fn failure_kind(c: &mut Cursor) -> Result<u32, Diagnostic> {
    if matches!(c.peek(), Some(Token::Number(_))) {
        return Ok(c.integer(0, i64::from(u16::MAX))? as u32);
    }
    let wrong = c.expected("a failure kind, as `Overflow` or `Assertion`");
    let word = c.word("a failure kind")?;
    let found = FAILURE_KINDS.iter().position(|(_, name)| *name == word);
    found.map(|i| i as u32).ok_or(wrong)
}

/// No such op: names one that is written nearly so.
fn unknown_op(c: &Cursor, word: &str) -> Diagnostic {
    let near = crate::code::OPS
        .iter()
        .map(|d| (edit_distance(word, d.text), d.text))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match near {
        Some((_, text)) => c.error(format!("no instruction is called `{word}`; `{text}`?")),
        None => c.error(format!(
            "expected an instruction, a label, `line`, `table`, `landing` or `end`, found `{word}`"
        )),
    }
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(40).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
