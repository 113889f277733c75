//! Small functions that lowering adds: functions as values, closures with a stored argument.

use super::Module;
use super::code::{Code, field_get, tidy};
use super::func::{Exit, closure_type, mutator_result};
use crate::hir::{FuncId, Repr, Ty};
use crate::ir::{Func, Term, VReg};
use crate::source::Span;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx, well_known};

/// A function made here.
fn finish(
    code: Code,
    name: &str,
    params: Vec<VReg>,
    closure: Option<(VReg, TypeIx)>,
    result: TypeIx,
    span: Span,
) -> Func {
    let (regs, blocks, order) = code.into_blocks();
    let mut func = Func {
        name: name.to_owned(),
        params,
        closure,
        result,
        regs,
        blocks,
        inline: true,
        owned: Vec::new(),
        inlined: Vec::new(),
        escapes: true,
        span,
    };
    tidy(&mut func, &order);
    func
}

/// The closure type of a function used as a value. A function whose parameters are all plain is
/// its own code; another one gets an adapter, since code used as a value owns no parameter and a
/// mutator's result differs.
pub(crate) fn function_value(m: &mut Module<'_>, id: FuncId) -> TypeIx {
    if let Some(&ty) = m.values.get(&id) {
        return ty;
    }
    let f = m.func(id);
    let tys: Vec<Ty> = f.params.iter().map(|p| f.locals[p.0 as usize].ty).collect();
    let plain = tys.iter().all(|t| m.hir.types.repr(*t) != Repr::Word);
    let ty = if plain && !f.mutator {
        closure_type(m, id)
    } else {
        adapter(m, id, &tys)
    };
    m.values.insert(id, ty);
    ty
}

fn adapter(m: &mut Module<'_>, id: FuncId, tys: &[Ty]) -> TypeIx {
    let f = m.func(id);
    let mut code = Code::new(f.span);
    let types = m.types.of_all(tys);
    let params: Vec<VReg> = types.iter().map(|t| code.reg(*t)).collect();
    let (given, exit) = if f.mutator {
        mutator_result(m, f)
    } else {
        (m.types.of(f.result), Exit::Value)
    };
    let mut result = given;
    let mut value = code.reg(given);
    let mut regs = vec![value];
    regs.extend(&params);
    code.op1(Op::Call, &regs, id.0);
    if let Exit::ChangedAnd(_) = exit {
        result = types[0];
        let first = code.reg(result);
        code.op1(field_get(m.types.repr(result)), &[first, value], 0);
        value = first;
    }
    match result {
        well_known::NEVER => code.end(Term::Unreachable),
        well_known::NULL => code.end(Term::ReturnNull),
        _ => code.end(Term::Return(value)),
    }
    let func = finish(code, &f.name, params, None, result, f.span);
    let ix = m.add(func);
    let as_func = m.types.intern(TypeDesc::Func {
        params: types,
        result,
    });
    m.types.intern(TypeDesc::Closure {
        func: ix,
        as_func,
        captures: Vec::new(),
    })
}

/// The type of closures that hold a closure of type `func` and its one argument, and call it.
pub(crate) fn partial(m: &mut Module<'_>, func: TypeIx, arg: TypeIx, span: Span) -> TypeIx {
    if let Some(&ty) = m.partials.get(&(func, arg, span)) {
        return ty;
    }
    let result = match &m.types.descs[func as usize] {
        TypeDesc::Func { result, .. } => *result,
        _ => well_known::ANY,
    };
    let as_func = m.types.intern(TypeDesc::Func {
        params: Vec::new(),
        result,
    });
    // The function's number is known before it is added: it is the next one.
    let ix = u32::try_from(m.funcs.len()).expect("fewer than 2^32 functions");
    let ty = m.types.intern(TypeDesc::Closure {
        func: ix,
        as_func,
        captures: vec![func, arg],
    });
    let mut code = Code::new(span);
    let object = code.reg(ty);
    let (callee, value) = (code.reg(func), code.reg(arg));
    code.op1(Op::FieldGetWord, &[callee, object], 0);
    code.op1(field_get(m.types.repr(arg)), &[value, object], 1);
    let dst = code.reg(result);
    code.op(Op::CallClosure, &[dst, callee, value]);
    match result {
        well_known::NEVER => code.end(Term::Unreachable),
        well_known::NULL => code.end(Term::ReturnNull),
        _ => code.end(Term::Return(dst)),
    }
    let func_made = finish(code, "branch", Vec::new(), Some((object, ty)), result, span);
    let added = m.add(func_made);
    debug_assert_eq!(added, ix);
    m.partials.insert((func, arg, span), ty);
    ty
}

/// A constant of type `ty` that stands for "not set yet".
pub(crate) fn placeholder(m: &mut Module<'_>, ty: TypeIx) -> Constant {
    match m.types.repr(ty) {
        Repr::Int => Constant::Int(0),
        Repr::Float => Constant::Float(0),
        Repr::Word => Constant::Null,
    }
}
