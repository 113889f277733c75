//! The listing of one function.

use super::{ListOptions, constant_name, function_name, line, path_name};
use crate::code::{Insn, Op, get_raw};
use crate::module::{FAILURE_KINDS, Function, Handler, Hold, Landing, Line, Module, RegState};
use crate::operand::{OperandKind, Role};
use crate::text::{name, quote, type_name, type_ref};
use std::fmt::Write;

/// What stands at each word.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// An instruction begins here.
    Start(Op),
    /// Its second word.
    Inside,
    /// No instruction that would be written back as it is.
    Raw,
}

struct Lister<'a> {
    module: &'a Module,
    function: &'a Function,
    places: Vec<Place>,
    /// Which words need a label.
    labels: Vec<bool>,
}

pub(super) fn list(
    module: &Module,
    index: usize,
    function: &Function,
    options: ListOptions,
    out: &mut String,
) {
    head(index, function, out);
    let mut lister = Lister {
        module,
        function,
        places: places(&function.code),
        labels: vec![false; function.code.len() + 1],
    };
    lister.mark_labels();
    lister.body(options, out);
    out.push_str("end\n");
}

fn head(index: usize, function: &Function, out: &mut String) {
    let params: Vec<String> = function
        .params
        .iter()
        .enumerate()
        .map(|(i, &t)| {
            let own = function.owned.get(i).copied().unwrap_or(false);
            format!("{}{}", if own { "own " } else { "" }, type_ref(t))
        })
        .collect();
    let _ = write!(
        out,
        "func f{index} {}({}) -> {}",
        name(&function.name),
        params.join(", "),
        type_ref(function.result)
    );
    if let Some(t) = function.closure {
        let _ = write!(out, " closure {}", type_ref(t));
    }
    let _ = writeln!(out, " frame {}", function.frame);
}

/// `0:12:5`, and in which inlined call.
fn position(line: &Line) -> String {
    let within = within(line.scope);
    format!("{}:{}:{}{within}", line.file, line.line, line.column)
}

fn within(scope: u32) -> String {
    match scope {
        0 => String::new(),
        scope => format!(" in {scope}"),
    }
}

fn places(code: &[u64]) -> Vec<Place> {
    let mut places = Vec::with_capacity(code.len());
    while places.len() < code.len() {
        let pc = places.len();
        match Op::from_word(code[pc]) {
            Some(op) if canonical(op, &code[pc..]) => {
                places.push(Place::Start(op));
                if op.word_count() == 2 {
                    places.push(Place::Inside);
                }
            }
            _ => places.push(Place::Raw),
        }
    }
    places
}

/// The instruction is complete and its unused bits are 0.
fn canonical(op: Op, words: &[u64]) -> bool {
    let raws = raws(op, words);
    words.len() >= op.word_count() && Insn::encode(op, &raws).words() == &words[..op.word_count()]
}

fn raws(op: Op, words: &[u64]) -> Vec<u32> {
    let operands = op.def().operands.iter();
    operands
        .map(|o| get_raw(words, o.lane, o.kind.lanes()))
        .collect()
}

fn distance(kind: OperandKind, raw: u32) -> i64 {
    match kind {
        OperandKind::Label16 => i64::from(raw as u16 as i16),
        _ => i64::from(raw as i32),
    }
}

impl Lister<'_> {
    /// A label can stand there.
    fn is_start(&self, pc: u32) -> bool {
        let place = self.places.get(pc as usize);
        pc as usize == self.places.len() || !matches!(place, None | Some(Place::Inside))
    }

    fn mark_labels(&mut self) {
        let f = self.function;
        let mut targets: Vec<i64> = Vec::new();
        for (pc, place) in self.places.iter().enumerate() {
            if let Place::Start(op) = place
                && let Some(o) = op.label()
            {
                let raw = get_raw(&f.code[pc..], o.lane, o.kind.lanes());
                targets.push(pc as i64 + distance(o.kind, raw));
            }
        }
        targets.extend(f.tables.iter().flatten().map(|&t| i64::from(t)));
        targets.extend(f.maps.iter().map(|m| i64::from(m.pc)));
        for landing in &f.landings {
            targets.extend([i64::from(landing.start), i64::from(landing.end)]);
            match landing.handler {
                Handler::None => {}
                Handler::Catch { pc, cancel } => {
                    targets.push(i64::from(pc));
                    targets.extend(cancel.map(i64::from));
                }
                Handler::Cleanup(pc) => targets.push(i64::from(pc)),
            }
        }
        for target in targets {
            if let Ok(target) = u32::try_from(target)
                && self.is_start(target)
            {
                self.labels[target as usize] = true;
            }
        }
    }

    /// `L12`, or `@12` where no label can stand.
    fn target(&self, pc: u32) -> String {
        if self.labels.get(pc as usize) == Some(&true) {
            format!("L{pc}")
        } else {
            format!("@{pc}")
        }
    }

    fn body(&self, options: ListOptions, out: &mut String) {
        let f = self.function;
        let ascending = |pcs: &[u32]| pcs.windows(2).all(|w| w[0] < w[1]);
        let inline = |pcs: &[u32]| ascending(pcs) && pcs.iter().all(|&pc| self.is_start(pc));
        let map_pcs: Vec<u32> = f.maps.iter().map(|m| m.pc).collect();
        let line_pcs: Vec<u32> = f.lines.iter().map(|l| l.pc).collect();
        let (maps_inline, lines_inline) = (inline(&map_pcs), inline(&line_pcs));
        let mut maps = f.maps.iter().filter(|_| maps_inline).peekable();
        let mut lines = f.lines.iter().filter(|_| lines_inline).peekable();
        for pc in 0..=f.code.len() {
            let here = |p: u32| p as usize == pc;
            if self.labels[pc] {
                match maps.next_if(|m| here(m.pc)) {
                    Some(m) => {
                        let _ = writeln!(out, "L{pc}: {}", self.map(&m.live));
                    }
                    None => {
                        let _ = writeln!(out, "L{pc}:");
                    }
                }
            }
            if let Some(l) = lines.next_if(|l| here(l.pc)) {
                let text = format!("  line {}", position(l));
                let snippet = options.snippets.then(|| self.snippet(l.file, l.line));
                line(out, &text, &snippet.unwrap_or_default());
            }
            if pc < f.code.len() {
                self.instruction(pc, out);
            }
        }
        if !maps_inline {
            for m in &f.maps {
                let _ = writeln!(out, "  map @{} {}", m.pc, self.map(&m.live));
            }
        }
        if !lines_inline {
            for l in &f.lines {
                let _ = writeln!(out, "  line @{} {}", l.pc, position(l));
            }
        }
        for call in &f.inlined {
            let place = format!("{}:{}:{}", call.file, call.line, call.column);
            let within = within(call.scope);
            let _ = writeln!(out, "  inlined {} {place}{within}", quote(&call.name));
        }
        for (i, table) in f.tables.iter().enumerate() {
            let targets: Vec<String> = table.iter().map(|&t| self.target(t)).collect();
            let _ = writeln!(out, "  table j{i} = {}", targets.join(", "));
        }
        for landing in &f.landings {
            self.landing(landing, out);
        }
    }

    fn snippet(&self, file: u32, number: u32) -> String {
        let source = self.module.sources.get(file as usize);
        let text = source.and_then(|s| s.lines().nth((number as usize).wrapping_sub(1)));
        text.unwrap_or("").trim().chars().take(60).collect()
    }

    fn map(&self, live: &[RegState]) -> String {
        let entry = |s: &RegState| {
            let hold = match s.hold {
                Hold::Plain => String::new(),
                Hold::Owned => "own ".into(),
                Hold::Borrowed(None) => "lent ".into(),
                Hold::Borrowed(Some(from)) => format!("lent r{from} "),
            };
            format!("r{}: {hold}{}", s.reg, type_ref(s.ty))
        };
        let all: Vec<String> = live.iter().map(entry).collect();
        format!("{{{}}}", all.join(", "))
    }

    fn landing(&self, landing: &Landing, out: &mut String) {
        let (start, end) = (self.target(landing.start), self.target(landing.end));
        let _ = write!(out, "  landing {start} .. {end}");
        let drops = |keyword: &str, regs: &[u16], out: &mut String| {
            if !regs.is_empty() {
                let regs: Vec<String> = regs.iter().map(|r| format!("r{r}")).collect();
                let _ = write!(out, " {keyword} {}", regs.join(", "));
            }
        };
        drops("drop", &landing.drops, out);
        let _ = match landing.handler {
            Handler::None => write!(out, " -> out"),
            Handler::Catch { pc, cancel } => {
                let cancel = cancel.map(|c| format!(" cancel {}", self.target(c)));
                let catch = self.target(pc);
                write!(out, " -> catch {catch}{}", cancel.unwrap_or_default())
            }
            Handler::Cleanup(pc) => write!(out, " -> cleanup {}", self.target(pc)),
        };
        drops("canceldrop", &landing.cancel_drops, out);
        out.push('\n');
    }

    fn instruction(&self, pc: usize, out: &mut String) {
        let words = &self.function.code[pc..];
        match self.places[pc] {
            Place::Inside => {}
            Place::Raw => {
                let _ = writeln!(out, "{pc:6}  word {:#018x}", words[0]);
            }
            Place::Start(op) => {
                let mut text = format!("{pc:6}  {:<14}", op.def().text);
                let mut notes: Vec<String> = Vec::new();
                for (i, operand) in op.def().operands.iter().enumerate() {
                    let raw = get_raw(words, operand.lane, operand.kind.lanes());
                    text.push_str(if i == 0 { " " } else { ", " });
                    text.push_str(&self.operand(pc, operand.kind, raw));
                    if operand.role == Role::Imm {
                        notes.extend(self.note(operand.kind, raw));
                    }
                }
                line(out, text.trim_end(), &notes.join(", "));
            }
        }
    }

    fn operand(&self, pc: usize, kind: OperandKind, raw: u32) -> String {
        match kind {
            OperandKind::Reg | OperandKind::Window => format!("r{raw}"),
            OperandKind::Const => format!("k{raw}"),
            OperandKind::Func => format!("f{raw}"),
            OperandKind::Native => format!("n{raw}"),
            OperandKind::Type => type_ref(raw),
            OperandKind::Global => format!("g{raw}"),
            OperandKind::Field | OperandKind::Count => raw.to_string(),
            OperandKind::Kind => match FAILURE_KINDS.get(raw as usize) {
                Some((_, name)) => (*name).to_owned(),
                None => raw.to_string(),
            },
            OperandKind::Table => format!("j{raw}"),
            OperandKind::Path => format!("p{raw}"),
            OperandKind::Imm16 => (raw as u16 as i16).to_string(),
            OperandKind::Imm32 => (raw as i32).to_string(),
            OperandKind::Label16 | OperandKind::Label32 => {
                let distance = distance(kind, raw);
                match usize::try_from(pc as i64 + distance) {
                    Ok(to) if self.labels.get(to) == Some(&true) => format!("L{to}"),
                    _ => format!("{distance:+}"),
                }
            }
        }
    }

    /// What the operand refers to.
    fn note(&self, kind: OperandKind, raw: u32) -> Option<String> {
        let m = self.module;
        match kind {
            OperandKind::Const => Some(constant_name(m, raw)),
            OperandKind::Func => Some(function_name(m, raw)),
            OperandKind::Native => match m.natives.get(raw as usize) {
                Some(n) => Some(n.key.clone()),
                None => Some("no such native".into()),
            },
            OperandKind::Type => {
                let text = type_name(&m.types, raw);
                (text != type_ref(raw)).then_some(text)
            }
            OperandKind::Global => match m.globals.get(raw as usize) {
                Some(g) => Some(g.name.clone()),
                None => Some("no such global".into()),
            },
            OperandKind::Path => m.paths.get(raw as usize).map(|p| path_name(m, p)),
            _ => None,
        }
    }
}
