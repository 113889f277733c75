//! Library natives that are instructions: called by name, lowered to an op.

use crate::hir::{Native, Repr, Ty, TyKind, Types};
use lumen_bytecode::code::Op;

/// An op that does what a native does: its operands are the result (unless it is a mutator), then
/// the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoreOp {
    /// The op.
    pub(crate) op: Op,
}

/// What a parameter must be for a row of the table to fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    /// A list; of elements of the representation that the op is for.
    List,
    PlainList,
    WordList,
    BoolList,
    Map,
    /// A map with plain values.
    PlainMap,
    Any,
}

fn fits(types: &Types, kind: Kind, ty: Ty) -> bool {
    match (kind, types.kind(ty)) {
        (Kind::Int, TyKind::Int)
        | (Kind::Float, TyKind::Float)
        | (Kind::List, TyKind::List(_))
        | (Kind::BoolList, TyKind::List(Ty::BOOL))
        | (Kind::Map, TyKind::Map(..))
        | (Kind::Any, _) => true,
        (Kind::PlainList, TyKind::List(t)) => *t != Ty::BOOL && types.repr(*t) != Repr::Word,
        (Kind::WordList, TyKind::List(t)) => types.repr(*t) == Repr::Word,
        (Kind::PlainMap, TyKind::Map(_, v)) => types.repr(*v) != Repr::Word,
        _ => false,
    }
}

/// Name, parameters, op. The name is the last part of the key.
const TABLE: &[(&str, &[Kind], Op)] = &[
    ("len", &[Kind::List], Op::ListLen),
    ("length", &[Kind::List], Op::ListLen),
    ("push", &[Kind::PlainList, Kind::Any], Op::ListPush),
    ("push", &[Kind::WordList, Kind::Any], Op::ListPushWord),
    ("push", &[Kind::BoolList, Kind::Any], Op::ListPushByte),
    ("append", &[Kind::PlainList, Kind::Any], Op::ListPush),
    ("append", &[Kind::WordList, Kind::Any], Op::ListPushWord),
    ("append", &[Kind::BoolList, Kind::Any], Op::ListPushByte),
    ("insert", &[Kind::Map, Kind::Any, Kind::Any], Op::MapSet),
    ("contains", &[Kind::Map, Kind::Any], Op::MapHas),
    ("contains_key", &[Kind::Map, Kind::Any], Op::MapHas),
    ("has_key", &[Kind::Map, Kind::Any], Op::MapHas),
    (
        "get_or",
        &[Kind::PlainMap, Kind::Any, Kind::Any],
        Op::MapGetOr,
    ),
    ("sqrt", &[Kind::Float], Op::FloatSqrt),
    ("abs", &[Kind::Float], Op::FloatAbs),
    ("to_float", &[Kind::Int], Op::IntToFloat),
    ("wrapping_add", &[Kind::Int, Kind::Int], Op::IntWrapAdd),
    ("wrapping_sub", &[Kind::Int, Kind::Int], Op::IntWrapSub),
    ("wrapping_mul", &[Kind::Int, Kind::Int], Op::IntWrapMul),
];

/// The name of a native: `push` of `list.push[T](mut list[T], T) -> Null`.
fn name(key: &str) -> &str {
    let path = key.split(['(', '[']).next().unwrap_or(key);
    path.rsplit('.').next().unwrap_or(path)
}

/// The op that is this native, if there is one.
pub(crate) fn core_op(types: &Types, native: &Native) -> Option<CoreOp> {
    let wanted = name(&native.key);
    let row = TABLE.iter().find(|(name, kinds, op)| {
        let changes = matches!(
            op,
            Op::ListPush | Op::ListPushWord | Op::ListPushByte | Op::MapSet
        );
        *name == wanted
            && kinds.len() == native.params.len()
            && changes == native.mutator
            && (kinds.iter().zip(&native.params)).all(|(kind, ty)| fits(types, *kind, *ty))
            && (!changes || native.result == Ty::NULL)
            && result_fits(types, *op, native)
    })?;
    Some(CoreOp { op: row.2 })
}

/// Natives of the same name may answer something else (`to_float` of an Int never fails, that of a
/// String does).
fn result_fits(types: &Types, op: Op, native: &Native) -> bool {
    match op {
        Op::ListPush | Op::ListPushWord | Op::ListPushByte | Op::MapSet => true,
        Op::MapHas => native.result == Ty::BOOL,
        Op::FloatSqrt | Op::FloatAbs | Op::IntToFloat => native.result == Ty::FLOAT,
        Op::MapGetOr => types.repr(native.result) != Repr::Word,
        _ => native.result == Ty::INT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(key: &str, params: &[Ty], result: Ty) -> Native {
        Native {
            key: key.to_owned(),
            params: params.to_vec(),
            result,
            mutator: key.contains("(mut"),
            type_args: Vec::new(),
        }
    }

    #[test]
    fn a_push_is_the_op_for_its_elements() {
        let types = Types::new();
        let op = |list| {
            let native = native(
                "list.push[T](mut list[T], T) -> Null",
                &[list, Ty::ANY],
                Ty::NULL,
            );
            core_op(&types, &native).map(|c| c.op)
        };
        assert_eq!(op(Ty::LIST_INT), Some(Op::ListPush));
        assert_eq!(op(Ty::LIST_STRING), Some(Op::ListPushWord));
        assert_eq!(op(Ty::LIST_BOOL), Some(Op::ListPushByte));
    }

    #[test]
    fn another_signature_is_a_call() {
        let types = Types::new();
        let on_text = native("string.len(String) -> Int", &[Ty::STRING], Ty::INT);
        assert_eq!(core_op(&types, &on_text), None);
        let fallible = native("math.to_float(Int) -> Float?", &[Ty::INT], Ty::ANY);
        assert_eq!(core_op(&types, &fallible), None);
    }
}
