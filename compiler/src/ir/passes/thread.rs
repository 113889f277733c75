//! Jump threading: a block that ends in a test, reached by a jump from where the outcome is known
//! already, is passed by. So a value that is made to be looked at (a nullable result, a Bool, a
//! variant) need not be made. A jump to a return returns.

use crate::emit::flow::is_subtype;
use crate::ir::census::Census;
use crate::ir::roles::Signatures;
use crate::ir::{Block, BlockId, Cmp, Cond, Func, Inst, Term, VReg};
use crate::source::Span;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx, well_known};
use lumen_bytecode::operand::Role;
use rustc_hash::FxHashMap;

/// Copies that a block may begin with and still be passed by.
const MOST_COPIES: usize = 2;
/// Steps back from copy to copy.
const MOST_STEPS: usize = 4;

/// What the pass asks about types.
#[derive(Debug)]
pub struct Tables<'a> {
    /// The program's types.
    pub types: &'a [TypeDesc],
    /// The program's constants.
    pub constants: &'a [Constant],
    /// Unions by their members.
    pub unions: &'a FxHashMap<Vec<TypeIx>, TypeIx>,
}

/// What is known of a register at the end of a block.
#[derive(Clone, Copy)]
enum Fact {
    Int(i64),
    /// A word of this type.
    Word(TypeIx),
}

/// Runs the pass on one function; tells whether it changed anything.
pub fn run(func: &mut Func, sigs: &Signatures, tables: &Tables<'_>, census: &mut Census) -> bool {
    let mut changed = false;
    for b in 0..func.blocks.len() {
        // A block passed by may lead to another one; a loop of them ends all the same.
        for _ in 0..MOST_STEPS {
            if !step(func, sigs, tables, b, census) {
                break;
            }
            changed = true;
        }
    }
    changed
}

/// Lets block `b` pass by the block that it jumps to, if it can.
fn step(
    func: &mut Func,
    sigs: &Signatures,
    tables: &Tables<'_>,
    b: usize,
    census: &mut Census,
) -> bool {
    let Term::Jump(to) = func.blocks[b].term else {
        return false;
    };
    if to.0 as usize == b {
        return false;
    }
    let next = &func.blocks[to.0 as usize];
    match next.term {
        Term::Return(_) | Term::ReturnNull if next.insts.is_empty() => {
            let (term, span) = (next.term.clone(), next.span);
            returns(&mut func.blocks[b], term, span, sigs, census);
            return true;
        }
        Term::Branch { .. } | Term::SwitchTag { .. } | Term::SwitchInt { .. } => {}
        _ => return false,
    }
    let copies = next.insts.len() <= MOST_COPIES
        && next
            .insts
            .iter()
            .all(|i| matches!(i.op, Op::Move | Op::Lend));
    if !copies {
        return false;
    }
    let Some((target, narrow)) = outcome(func, sigs, tables, b, to) else {
        return false;
    };
    let next = &func.blocks[to.0 as usize];
    let (mut insts, span) = (next.insts.clone(), next.span);
    if let Some((reg, ty)) = narrow
        && !is_subtype(tables.types, func.regs[reg.0 as usize].ty, ty)
    {
        insts.push(Inst::imm(Op::Cast, [reg], ty, span));
    }
    for inst in &insts {
        census.count(inst, sigs);
    }
    let block = &mut func.blocks[b];
    block.insts.append(&mut insts);
    block.term = Term::Jump(target);
    true
}

/// Ends a block with the return that it jumped to.
fn returns(block: &mut Block, mut term: Term, span: Span, sigs: &Signatures, census: &mut Census) {
    if let (Term::Return(reg), Some(last)) = (&mut term, block.insts.last())
        && last.op == Op::Move
        && last.regs[0] == *reg
    {
        *reg = last.regs[1];
        census.uncount(last, sigs);
        block.insts.pop();
    }
    census.count_term(&term);
    block.term = term;
    block.span = span;
}

/// Where the test at the end of `to` goes when block `b` comes there, and what the test would have
/// shown of its register.
fn outcome(
    func: &Func,
    sigs: &Signatures,
    tables: &Tables<'_>,
    b: usize,
    to: BlockId,
) -> Option<(BlockId, Option<(VReg, TypeIx)>)> {
    let next = &func.blocks[to.0 as usize];
    let tested = match next.term {
        Term::Branch {
            cond: Cond::Bool(r) | Cond::IntImm(_, r, _) | Cond::Null(r) | Cond::Type(r, _),
            ..
        } => r,
        Term::SwitchTag { value, .. } | Term::SwitchInt { value, .. } => value,
        _ => return None,
    };
    let fact = fact(func, sigs, tables, b, source(&next.insts, tested))?;
    match (&next.term, fact) {
        (
            Term::Branch {
                cond,
                then,
                otherwise,
            },
            fact,
        ) => {
            let (holds, narrowed) = decide(func, tables, *cond, fact)?;
            let target = if holds { *then } else { *otherwise };
            (then != otherwise).then_some((target, narrowed.map(|ty| (tested, ty))))
        }
        (Term::SwitchTag { ty, targets, .. }, Fact::Word(variant)) => {
            let TypeDesc::Enum { first_variant, .. } = tables.types[*ty as usize] else {
                return None;
            };
            if !matches!(tables.types[variant as usize], TypeDesc::Variant { .. }) {
                return None;
            }
            let target = variant.checked_sub(first_variant)?;
            let target = targets.get(target as usize)?;
            Some((*target, Some((tested, variant))))
        }
        (
            Term::SwitchInt {
                low,
                targets,
                default,
                ..
            },
            Fact::Int(value),
        ) => {
            let at = usize::try_from(value - i64::from(*low)).ok();
            Some((*at.and_then(|i| targets.get(i)).unwrap_or(default), None))
        }
        _ => None,
    }
}

/// The register that `reg` is a copy of after `copies`.
fn source(copies: &[Inst], mut reg: VReg) -> VReg {
    for copy in copies.iter().rev() {
        if copy.regs[0] == reg {
            reg = copy.regs[1];
        }
    }
    reg
}

/// What block `b` makes of `reg`, as far as it says so.
fn fact(
    func: &Func,
    sigs: &Signatures,
    tables: &Tables<'_>,
    b: usize,
    mut reg: VReg,
) -> Option<Fact> {
    let insts = &func.blocks[b].insts;
    let mut end = insts.len();
    let mut declared = None;
    for _ in 0..MOST_STEPS {
        let writes = |inst: &Inst| {
            let mut writes = sigs.out(inst) == Some(reg);
            if sigs.changes(inst) {
                sigs.for_each(inst, |i, r, role| {
                    let retypes = matches!(inst.op, Op::Cast | Op::Widen) && i == 0;
                    writes |= r == reg && role == Role::Io && !retypes;
                });
            }
            writes
        };
        let Some(at) = insts[..end].iter().rposition(writes) else {
            break;
        };
        let inst = &insts[at];
        if inst.regs[0] != reg {
            break;
        }
        return Some(match inst.op {
            Op::IntConst => Fact::Int(i64::from(inst.imms[0] as i32)),
            Op::Const => constant(&tables.constants[inst.imms[0] as usize])?,
            Op::BoxInt => Fact::Word(well_known::INT),
            Op::BoxFloat => Fact::Word(well_known::FLOAT),
            Op::BoxBool => Fact::Word(well_known::BOOL),
            Op::New => Fact::Word(inst.imms[0]),
            Op::Move | Op::Lend => {
                reg = inst.regs[1];
                end = at;
                let ty = func.regs[reg.0 as usize].ty;
                if is_definite(&tables.types[ty as usize]) {
                    declared = Some(Fact::Word(ty));
                }
                continue;
            }
            _ => break,
        });
    }
    declared
}

fn constant(constant: &Constant) -> Option<Fact> {
    Some(match constant {
        Constant::Int(i) => Fact::Int(*i),
        Constant::Str(_) => Fact::Word(well_known::STRING),
        Constant::Bytes(_) => Fact::Word(well_known::BYTES),
        Constant::Null => Fact::Word(well_known::NULL),
        Constant::BoolWord(_) => Fact::Word(well_known::BOOL),
        Constant::Variant(ty) | Constant::Closure(ty) => Fact::Word(*ty),
        Constant::Float(_) => return None,
    })
}

/// Whether the type is a word's and says whether it is null.
fn is_definite(ty: &TypeDesc) -> bool {
    !matches!(
        ty,
        TypeDesc::Int
            | TypeDesc::Bool
            | TypeDesc::Float
            | TypeDesc::Union(_)
            | TypeDesc::Any
            | TypeDesc::Json
            | TypeDesc::Never
    )
}

/// Whether all values of this type have it as their type at run time.
fn is_exact(ty: &TypeDesc) -> bool {
    is_definite(ty) && !matches!(ty, TypeDesc::Enum { .. } | TypeDesc::Func { .. })
        || matches!(ty, TypeDesc::Int | TypeDesc::Bool | TypeDesc::Float)
}

/// Whether `cond` holds, and the type that it then shows its register to have.
fn decide(
    func: &Func,
    tables: &Tables<'_>,
    cond: Cond,
    fact: Fact,
) -> Option<(bool, Option<TypeIx>)> {
    let types = tables.types;
    match (cond, fact) {
        (Cond::Bool(_), Fact::Int(i)) => Some((i != 0, None)),
        (Cond::IntImm(cmp, _, i), Fact::Int(value)) => {
            Some((compare(cmp, value, i64::from(i)), None))
        }
        (Cond::Null(_), Fact::Word(well_known::NULL)) => Some((true, Some(well_known::NULL))),
        (Cond::Null(reg), Fact::Word(_)) => {
            Some((false, without_null(tables, func.regs[reg.0 as usize].ty)))
        }
        (Cond::Type(_, tested), Fact::Word(ty)) => {
            if is_subtype(types, ty, tested) {
                Some((true, Some(tested)))
            } else {
                let exact = is_exact(&types[ty as usize]) && is_exact(&types[tested as usize]);
                exact.then_some((false, None))
            }
        }
        _ => None,
    }
}

/// What a union is without Null, if that has a name.
fn without_null(tables: &Tables<'_>, ty: TypeIx) -> Option<TypeIx> {
    let TypeDesc::Union(members) = &tables.types[ty as usize] else {
        return None;
    };
    let mut rest = members.clone();
    rest.retain(|&m| m != well_known::NULL);
    match rest[..] {
        [one] => Some(one),
        _ => tables.unions.get(&rest).copied(),
    }
}

/// Whether the comparison holds.
#[must_use]
pub fn compare(cmp: Cmp, a: i64, b: i64) -> bool {
    match cmp {
        Cmp::Eq => a == b,
        Cmp::Ne => a != b,
        Cmp::Lt => a < b,
        Cmp::Le => a <= b,
        Cmp::Gt => a > b,
        Cmp::Ge => a >= b,
    }
}
