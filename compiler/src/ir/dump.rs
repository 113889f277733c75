//! The text of IR, for `--emit ir` and tests.
//!
//! ```text
//! fn #0 sum(v0 n: Int) -> Int
//! b0:
//!   v1 total = int.const 0
//!   branch int v0 > 0 ? b1 : b2
//! ```

use super::{Block, Cmp, Cond, Func, Handler, Inst, Program, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, FAILURE_KINDS, FieldDesc, PathStep, TypeDesc, TypeIx};
use lumen_bytecode::operand::{OperandKind, Role};
use std::fmt::Write;

/// The whole program: functions, then module-level variables and entry points.
#[must_use]
pub fn program(program: &Program) -> String {
    let mut out = String::new();
    for (i, func) in program.funcs.iter().enumerate() {
        let _ = write!(out, "fn #{i} ");
        function_into(&mut out, program, func);
        out.push('\n');
    }
    for (i, global) in program.globals.iter().enumerate() {
        let ty = type_name(&program.types, global.ty);
        let _ = write!(out, "global {i} {}: {ty}", global.name);
        if let Some(init) = global.init {
            let _ = write!(out, " = #{init}()");
        }
        out.push('\n');
    }
    if let Some(main) = program.main {
        let _ = writeln!(out, "main #{main}");
    }
    for (name, func, _) in &program.tests {
        let _ = writeln!(out, "test {name:?} #{func}");
    }
    out
}

/// One function.
#[must_use]
pub fn function(program: &Program, func: &Func) -> String {
    let mut out = String::from("fn ");
    function_into(&mut out, program, func);
    out
}

fn function_into(out: &mut String, program: &Program, func: &Func) {
    let params: Vec<String> = func
        .params
        .iter()
        .map(|p| declared(program, func, *p))
        .collect();
    let result = type_name(&program.types, func.result);
    let _ = write!(out, "{}({}) -> {result}", func.name, params.join(", "));
    if let Some((reg, _)) = func.closure {
        let _ = write!(out, " closure v{}", reg.0);
    }
    out.push('\n');
    for (i, block) in func.blocks.iter().enumerate() {
        let _ = write!(out, "b{i}:");
        if let Some(handler) = block.handler {
            let _ = write!(out, "  !{}", handler_text(handler));
        }
        out.push('\n');
        block_into(out, program, func, block);
    }
}

fn declared(program: &Program, func: &Func, reg: VReg) -> String {
    let info = &func.regs[reg.0 as usize];
    let ty = type_name(&program.types, info.ty);
    match program.names.resolve(info.name) {
        "" => format!("v{}: {ty}", reg.0),
        name => format!("v{} {name}: {ty}", reg.0),
    }
}

fn handler_text(handler: Handler) -> String {
    match handler.catch {
        None => format!("cleanup b{}", handler.block.0),
        Some(None) => format!("catch b{}", handler.block.0),
        Some(Some(outer)) => format!("catch b{}, cancelled b{}", handler.block.0, outer.0),
    }
}

fn block_into(out: &mut String, program: &Program, func: &Func, block: &Block) {
    for inst in &block.insts {
        let _ = writeln!(out, "  {}", instruction(program, func, inst));
    }
    let _ = writeln!(out, "  {}", terminator(program, &block.term));
}

/// The registers of `inst` that are its results, and the others.
fn split_results(inst: &Inst) -> (Option<VReg>, &[VReg]) {
    let writes = matches!(inst.op, Op::Call | Op::CallClosure)
        || inst
            .op
            .def()
            .operands
            .iter()
            .find(|o| o.kind == OperandKind::Reg)
            .is_some_and(|o| matches!(o.role, Role::Out | Role::Lend));
    match inst.regs.split_first() {
        Some((dst, rest)) if writes => (Some(*dst), rest),
        _ => (None, &inst.regs),
    }
}

/// One instruction.
#[must_use]
pub fn instruction(program: &Program, func: &Func, inst: &Inst) -> String {
    let mut text = String::new();
    let (dst, rest) = split_results(inst);
    if let Some(dst) = dst {
        let info = func.regs.get(dst.0 as usize);
        let name = info.map_or("", |i| program.names.resolve(i.name));
        let space = if name.is_empty() { "" } else { " " };
        let _ = write!(text, "v{}{space}{name} = ", dst.0);
    }
    text.push_str(inst.op.def().text);
    for reg in rest {
        let _ = write!(text, " v{}", reg.0);
    }
    let windowed = |kind| kind == OperandKind::Window;
    let has_window = inst.op.def().operands.iter().any(|o| windowed(o.kind));
    let mut imms = inst.imms.iter();
    for operand in inst.op.def().operands {
        let counted = has_window && operand.kind == OperandKind::Count;
        if operand.role != Role::Imm || windowed(operand.kind) || counted {
            continue;
        }
        if let Some(&imm) = imms.next() {
            let _ = write!(text, " {}", immediate(program, operand.kind, imm));
        }
    }
    text
}

fn immediate(program: &Program, kind: OperandKind, imm: u32) -> String {
    let at = imm as usize;
    match kind {
        OperandKind::Const => match program.constants.get(at) {
            Some(constant) => constant_text(&program.types, constant),
            None => format!("K[{imm}]"),
        },
        OperandKind::Func => match program.funcs.get(at) {
            Some(func) => format!("#{imm} {}", func.name),
            None => format!("#{imm}"),
        },
        OperandKind::Native => match program.natives.get(at) {
            Some(native) => format!("`{}`", native.key),
            None => format!("native {imm}"),
        },
        OperandKind::Type => type_name(&program.types, imm),
        OperandKind::Path => match program.paths.get(at) {
            Some(path) => path.iter().map(step_text).collect(),
            None => format!("path {imm}"),
        },
        OperandKind::Field => format!(".{imm}"),
        OperandKind::Kind => FAILURE_KINDS
            .get(at)
            .map_or_else(|| imm.to_string(), |(_, name)| (*name).to_owned()),
        _ => (imm as i32).to_string(),
    }
}

fn step_text(step: &PathStep) -> String {
    match step {
        PathStep::Field { field, .. } => format!(".{field}"),
        PathStep::Index { .. } => "[]".to_owned(),
    }
}

fn constant_text(types: &[TypeDesc], constant: &Constant) -> String {
    match constant {
        Constant::Int(i) => i.to_string(),
        Constant::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        Constant::Str(s) => format!("{s:?}"),
        Constant::Bytes(b) => format!("bytes({})", b.len()),
        Constant::Null => "null".to_owned(),
        Constant::BoolWord(b) => b.to_string(),
        Constant::Variant(ty) => type_name(types, *ty),
        Constant::Closure(ty) => type_name(types, *ty),
    }
}

fn cmp_text(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Eq => "==",
        Cmp::Ne => "!=",
        Cmp::Lt => "<",
        Cmp::Le => "<=",
        Cmp::Gt => ">",
        Cmp::Ge => ">=",
    }
}

fn cond_text(program: &Program, cond: &Cond) -> String {
    match cond {
        Cond::Bool(r) => format!("v{}", r.0),
        Cond::Int(cmp, a, b) => format!("int v{} {} v{}", a.0, cmp_text(*cmp), b.0),
        Cond::IntImm(cmp, a, i) => format!("int v{} {} {i}", a.0, cmp_text(*cmp)),
        Cond::Float(cmp, a, b) => format!("float v{} {} v{}", a.0, cmp_text(*cmp), b.0),
        Cond::Null(r) => format!("v{} is null", r.0),
        Cond::Type(r, ty) => format!("v{} is {}", r.0, type_name(&program.types, *ty)),
    }
}

/// One terminator.
#[must_use]
pub fn terminator(program: &Program, term: &Term) -> String {
    let list = |targets: &[super::BlockId]| {
        let texts: Vec<String> = targets.iter().map(|b| format!("b{}", b.0)).collect();
        texts.join(" ")
    };
    match term {
        Term::Jump(b) => format!("jump b{}", b.0),
        Term::Branch {
            cond,
            then,
            otherwise,
        } => {
            let cond = cond_text(program, cond);
            format!("branch {cond} ? b{} : b{}", then.0, otherwise.0)
        }
        Term::SwitchTag { value, targets, .. } => {
            format!("switch.tag v{} [{}]", value.0, list(targets))
        }
        Term::SwitchInt {
            value,
            low,
            targets,
            default,
        } => {
            let targets = list(targets);
            format!(
                "switch.int v{} from {low} [{targets}] else b{}",
                value.0, default.0
            )
        }
        Term::ForInt {
            i,
            limit,
            inclusive,
            body,
            exit,
        } => {
            let dots = if *inclusive { "..=" } else { ".." };
            format!(
                "for.int v{} {dots} v{} ? b{} : b{}",
                i.0, limit.0, body.0, exit.0
            )
        }
        Term::ForList {
            i,
            xs,
            dst,
            body,
            exit,
            ..
        } => format!(
            "for.list v{} = v{}[v{}] ? b{} : b{}",
            dst.0, xs.0, i.0, body.0, exit.0
        ),
        Term::Return(r) => format!("return v{}", r.0),
        Term::ReturnNull => "return".to_owned(),
        Term::Throw(r) => format!("throw v{}", r.0),
        Term::Rethrow(r) => format!("rethrow v{}", r.0),
        Term::Fail(kind, k) => {
            let message = immediate(program, OperandKind::Const, *k);
            format!("fail {kind:?} {message}")
        }
        Term::Unreachable => "unreachable".to_owned(),
    }
}

/// A type as in source; nominal types and closures by name.
#[must_use]
pub fn type_name(types: &[TypeDesc], ix: TypeIx) -> String {
    let name = |ix: TypeIx| type_name(types, ix);
    let names = |ixs: &[TypeIx], between: &str| {
        let all: Vec<String> = ixs.iter().map(|ix| name(*ix)).collect();
        all.join(between)
    };
    let Some(desc) = types.get(ix as usize) else {
        return format!("type {ix}");
    };
    match desc {
        TypeDesc::List(t) => format!("list[{}]", name(*t)),
        TypeDesc::Map(k, v) => format!("map[{}, {}]", name(*k), name(*v)),
        TypeDesc::Set(t) => format!("set[{}]", name(*t)),
        TypeDesc::Tuple(parts) => format!("({})", names(parts, ", ")),
        TypeDesc::Record { name, .. } | TypeDesc::Enum { name, .. } => name.clone(),
        TypeDesc::Variant {
            of,
            name: own,
            fields,
        } => variant_name(&name(*of), own, fields),
        TypeDesc::Union(members) => names(members, " | "),
        TypeDesc::Func { params, result } => {
            format!("fn({}) -> {}", names(params, ", "), name(*result))
        }
        TypeDesc::Closure { func, .. } => format!("closure #{func}"),
        TypeDesc::Future(t) => format!("Future[{}]", name(*t)),
        TypeDesc::Channel(t) => format!("Channel[{}]", name(*t)),
        TypeDesc::Handle { name, args } if args.is_empty() => name.clone(),
        TypeDesc::Handle { name, args } => format!("{name}[{}]", names(args, ", ")),
        plain => format!("{plain:?}"),
    }
}

fn variant_name(of: &str, own: &str, _fields: &[FieldDesc]) -> String {
    format!("{of}.{own}")
}
