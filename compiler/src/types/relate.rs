//! Comparing values that hold others with an `eq` or `compare` of their own.
//!
//! `==`, `<`, `sort` and the like compare by structure, in the machine. Where some part has an
//! `impl Eq` or `impl Order`, that is Lumen code, which natives cannot call; so for such types a
//! function is made that goes through the structure, and natives of the library give way to cells
//! that compare by it. Keys of maps and elements of sets are told apart by structure.

use super::Checker;
use super::check::{FnRole, let_node, node};
use super::items::{BuiltinTrait, CellId};
use super::json::choice;
use super::made::Made;
use super::ty::{AdtId, Kind};
use crate::hir::{Arm, BinOp, Callee, Coercion, Expr, ExprKind, FuncId, LocalId, Pat, PatKind, Ty};
use crate::source::Span;

/// What is asked of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Relation {
    /// Whether they are equal: a Bool.
    Equal,
    /// Which comes first: an Int, as of `compare`.
    Order,
}

/// The two values.
#[derive(Clone, Copy)]
struct Pair {
    a: LocalId,
    b: LocalId,
    relation: Relation,
    span: Span,
}

impl Relation {
    fn of(self) -> BuiltinTrait {
        match self {
            Relation::Equal => BuiltinTrait::Eq,
            Relation::Order => BuiltinTrait::Order,
        }
    }

    fn result(self) -> Ty {
        match self {
            Relation::Equal => Ty::BOOL,
            Relation::Order => Ty::INT,
        }
    }
}

/// The cell that takes the place of a native of `std/list.lm` (and what it compares by), where
/// elements have a comparison of their own.
fn replacement(native: &str) -> Option<(Relation, &'static str)> {
    Some(match native {
        "contains" => (Relation::Equal, "_contains"),
        "index_of" => (Relation::Equal, "_index_of"),
        "last_index_of" => (Relation::Equal, "_last_index_of"),
        "unique" => (Relation::Equal, "_unique"),
        "sort" => (Relation::Order, "_sort"),
        "sorted" => (Relation::Order, "_sorted"),
        "min" => (Relation::Order, "_min"),
        "max" => (Relation::Order, "_max"),
        _ => return None,
    })
}

impl<'a> Checker<'a> {
    /// What takes the place of a native that compares values, if they need it.
    pub(crate) fn compare_function(
        &mut self,
        cell: CellId,
        args: &[Ty],
        span: Span,
    ) -> Option<FuncId> {
        if self.impls.is_empty() {
            return None;
        }
        let one = self.items.cell(cell);
        let module = self.modules.get(one.module);
        if !module.library {
            return None;
        }
        let name = self.names.resolve(one.decl.name.name);
        let (module, &ty) = (&*module.name, args.first()?);
        let (relation, cell) = match (module, name) {
            ("core", "compare") => (Relation::Order, ""),
            ("list", name) => replacement(name)?,
            _ => return None,
        };
        if !self.needs_relation(relation, ty) {
            return None;
        }
        if cell.is_empty() {
            return Some(self.comparer(relation, ty, span));
        }
        let cell = self.library_cell("list", cell)?;
        let inst = self.instance(cell, args, Some(span));
        Some(self.insts[inst.0 as usize].func)
    }

    /// Whether comparing values of type `ty` has to call an `eq` or `compare`.
    pub(crate) fn needs_relation(&mut self, relation: Relation, ty: Ty) -> bool {
        self.has_own(relation.of(), ty)
    }

    /// `a == b` (or their order) where they hold what has a comparison of its own.
    pub(crate) fn inner_relation(
        &mut self,
        relation: Relation,
        a: &Expr,
        b: &Expr,
        span: Span,
    ) -> Option<Expr> {
        let ty = self.known(a.ty);
        if self.impls.is_empty() || self.body.ghost || self.types.has_poison(ty) {
            return None;
        }
        // What is not known yet is when the comparer is made.
        let open = !self.is_ground(ty);
        if (open && relation == Relation::Order) || self.builtin_impl(ty, relation.of()).is_some() {
            return None;
        }
        let needs = open || self.needs_relation(relation, ty);
        needs.then(|| self.compare_call(relation, vec![a.clone(), b.clone()], ty, span))
    }

    fn comparer(&mut self, relation: Relation, ty: Ty, span: Span) -> FuncId {
        let ty = self.types.resolve(ty);
        self.made(Made::Comparer(ty, relation), span)
    }

    fn compare_call(&mut self, relation: Relation, args: Vec<Expr>, ty: Ty, span: Span) -> Expr {
        let callee = Callee::Func(self.comparer(relation, ty, span));
        node(ExprKind::Call { callee, args }, relation.result(), span)
    }

    fn comparer_value(&mut self, relation: Relation, ty: Ty, span: Span) -> Expr {
        let func = self.comparer(relation, ty, span);
        let of = self.types.func(&[ty, ty], relation.result());
        node(ExprKind::FuncRef(func), of, span)
    }

    /// Makes the body of a comparer.
    pub(crate) fn make_comparer(&mut self, func: FuncId, ty: Ty, relation: Relation, span: Span) {
        let root = self.modules.root();
        let name = match relation {
            Relation::Equal => "==",
            Relation::Order => "compare",
        };
        self.own_body_as(func, root, FnRole::Cell, name, span, |this| {
            let pair = Pair {
                a: this.param_local("a", ty, span),
                b: this.param_local("b", ty, span),
                relation,
                span,
            };
            let body = this.relate(ty, pair);
            let cx = this.cx();
            cx.result = relation.result();
            cx.declared = true;
            cx.body = Some(body);
        });
    }

    /// How the values of a pair, both of type `ty`, relate.
    fn relate(&mut self, ty: Ty, pair: Pair) -> Expr {
        let Pair { relation, span, .. } = pair;
        let both = vec![self.read_local(pair.a, span), self.read_local(pair.b, span)];
        if let Some(own) = self.own_relation(relation, both.clone(), ty, span) {
            return own;
        }
        match self.types.kind(ty).clone() {
            _ if !self.needs_relation(relation, ty) => self.structural(relation, both, ty, span),
            Kind::List(part) => {
                let name = match relation {
                    Relation::Equal => "_equal_lists",
                    Relation::Order => "_compare_lists",
                };
                let mut args = both;
                args.push(self.comparer_value(relation, part, span));
                self.library_call("list", name, &[part], args, relation.result(), span)
            }
            Kind::Map(key, part) if relation == Relation::Equal => {
                let mut args = both;
                args.push(self.comparer_value(relation, part, span));
                self.library_call("map", "_equal_maps", &[key, part], args, Ty::BOOL, span)
            }
            Kind::Tuple(parts) => self.relate_fields(pair, parts.to_vec()),
            Kind::Union(members) => self.relate_members(&members, pair),
            Kind::Adt(id, args) if self.items.adt(id).is_enum => {
                self.relate_variants(ty, id, &args, pair)
            }
            Kind::Adt(id, args) => {
                let types = self.payload(id, 0, &args);
                self.relate_fields(pair, types)
            }
            _ => self.structural(relation, both, ty, span),
        }
    }

    /// By the `eq` or `compare` of `ty` itself.
    fn own_relation(
        &mut self,
        relation: Relation,
        both: Vec<Expr>,
        ty: Ty,
        span: Span,
    ) -> Option<Expr> {
        self.builtin_impl(ty, relation.of())?;
        let turned = vec![both[1].clone(), both[0].clone()];
        let first = self.call_builtin_impl(relation.of(), both, span)?;
        if relation == Relation::Equal || self.known(first.ty) == Ty::INT {
            return Some(first);
        }
        // `less(a, b)`
        let second = self.call_builtin_impl(relation.of(), turned, span)?;
        let after = choice(second, int(1, span), int(0, span));
        Some(choice(first, int(-1, span), after))
    }

    fn structural(&mut self, relation: Relation, mut both: Vec<Expr>, ty: Ty, span: Span) -> Expr {
        match (relation, both.pop(), both.pop()) {
            (Relation::Equal, Some(b), Some(a)) => {
                let kind = ExprKind::Binary(BinOp::Eq, Box::new(a), Box::new(b));
                node(kind, Ty::BOOL, span)
            }
            (_, Some(b), Some(a)) => {
                self.library_call("core", "_compare", &[ty], vec![a, b], Ty::INT, span)
            }
            _ => self.poison(span),
        }
    }

    /// The types of what a variant (or record) holds.
    fn payload(&mut self, id: AdtId, variant: usize, args: &[Ty]) -> Vec<Ty> {
        let variants = self.variants(id);
        let fields = variants[variant].fields.iter();
        fields.map(|one| self.types.subst(one.ty, args)).collect()
    }

    fn relate_fields(&mut self, pair: Pair, types: Vec<Ty>) -> Expr {
        let mut parts = Vec::with_capacity(types.len());
        for (number, ty) in types.into_iter().enumerate() {
            let field = |local| {
                let base = Box::new(self.read_local(local, pair.span));
                let index = number as u32;
                node(ExprKind::Field { base, index }, ty, pair.span)
            };
            let both = vec![field(pair.a), field(pair.b)];
            parts.push(self.compare_call(pair.relation, both, ty, pair.span));
        }
        self.chain(pair, parts)
    }

    /// Equal where all parts are; in the order of the first parts that differ.
    fn chain(&mut self, pair: Pair, parts: Vec<Expr>) -> Expr {
        let span = pair.span;
        let mut parts = parts.into_iter().rev();
        let last = parts.next();
        match pair.relation {
            Relation::Equal => {
                let last = last.unwrap_or_else(|| bool(true, span));
                parts.fold(last, |rest, part| choice(part, rest, bool(false, span)))
            }
            Relation::Order => {
                let last = last.unwrap_or_else(|| int(0, span));
                parts.fold(last, |rest, part| {
                    let order = self.temp(Ty::INT, span);
                    let read = self.read_local(order, span);
                    let zero = Box::new(int(0, span));
                    let kind = ExprKind::Binary(BinOp::Eq, Box::new(read.clone()), zero);
                    let same = node(kind, Ty::BOOL, span);
                    let block = vec![let_node(order, part, span), choice(same, rest, read)];
                    node(ExprKind::Block(block), Ty::INT, span)
                })
            }
        }
    }

    /// Of different variants (or members) the one with the smaller number comes first.
    fn by_rank(&self, pair: Pair, a: usize, b: LocalId) -> Expr {
        let span = pair.span;
        if pair.relation == Relation::Equal {
            return bool(false, span);
        }
        let (a, b) = (int(a as i64, span), self.read_local(b, span));
        let kind = ExprKind::Binary(BinOp::Lt, Box::new(a), Box::new(b));
        choice(node(kind, Ty::BOOL, span), int(-1, span), int(1, span))
    }

    fn relate_variants(&mut self, ty: Ty, id: AdtId, args: &[Ty], pair: Pair) -> Expr {
        let (span, count) = (pair.span, self.variants(id).len());
        let mut ranks = Vec::with_capacity(count);
        for number in 0..count {
            let kind = PatKind::Variant(number as u32, Vec::new());
            ranks.push(arm(Pat { kind, ty, span }, int(number as i64, span)));
        }
        let value = Box::new(self.read_local(pair.b, span));
        let rank = node(ExprKind::Match { value, arms: ranks }, Ty::INT, span);
        let rank_b = self.temp(Ty::INT, span);
        let mut outer = Vec::with_capacity(count);
        for number in 0..count {
            let types = self.payload(id, number, args);
            let (pat_a, held_a) = self.variant_pattern(ty, number, &types, span);
            let (pat_b, held_b) = self.variant_pattern(ty, number, &types, span);
            let mut parts = Vec::with_capacity(types.len());
            for (at, &part) in types.iter().enumerate() {
                let a = self.read_local(held_a[at], span);
                let both = vec![a, self.read_local(held_b[at], span)];
                parts.push(self.compare_call(pair.relation, both, part, span));
            }
            let same = self.chain(pair, parts);
            let mut arms = vec![arm(pat_b, same)];
            if count > 1 {
                arms.push(arm(self.wild(ty, span), self.by_rank(pair, number, rank_b)));
            }
            let value = Box::new(self.read_local(pair.b, span));
            let inner = node(
                ExprKind::Match { value, arms },
                pair.relation.result(),
                span,
            );
            outer.push(arm(pat_a, inner));
        }
        let value = Box::new(self.read_local(pair.a, span));
        let kind = ExprKind::Match { value, arms: outer };
        let matched = node(kind, pair.relation.result(), span);
        let block = vec![let_node(rank_b, rank, span), matched];
        node(ExprKind::Block(block), pair.relation.result(), span)
    }

    /// A pattern of a variant that binds all it holds.
    fn variant_pattern(
        &mut self,
        ty: Ty,
        number: usize,
        types: &[Ty],
        span: Span,
    ) -> (Pat, Vec<LocalId>) {
        let held: Vec<LocalId> = types.iter().map(|&ty| self.temp(ty, span)).collect();
        let parts = held.iter().zip(types).enumerate();
        let parts = parts.map(|(at, (&local, &ty))| (at as u32, self.bind_pat(local, ty, span)));
        let kind = PatKind::Variant(number as u32, parts.collect());
        (Pat { kind, ty, span }, held)
    }

    fn relate_members(&mut self, members: &[Ty], pair: Pair) -> Expr {
        let span = pair.span;
        let is = |this: &mut Self, local, member| {
            let value = Box::new(this.read_local(local, span));
            node(ExprKind::Is(value, member), Ty::BOOL, span)
        };
        let mut rank = int(0, span);
        for (number, &member) in members.iter().enumerate().skip(1) {
            rank = choice(is(self, pair.b, member), int(number as i64, span), rank);
        }
        let rank_b = self.temp(Ty::INT, span);
        let mut all = self.by_rank(pair, 0, rank_b);
        for (number, &member) in members.iter().enumerate() {
            let narrowed = |local| {
                let value = Box::new(self.read_local(local, span));
                node(ExprKind::Coerce(Coercion::Narrow, value), member, span)
            };
            let both = vec![narrowed(pair.a), narrowed(pair.b)];
            let same = self.compare_call(pair.relation, both, member, span);
            let other = self.by_rank(pair, number, rank_b);
            let inner = choice(is(self, pair.b, member), same, other);
            all = choice(is(self, pair.a, member), inner, all);
        }
        let result = pair.relation.result();
        let block = vec![let_node(rank_b, rank, span), all];
        node(ExprKind::Block(block), result, span)
    }
}

fn arm(pat: Pat, body: Expr) -> Arm {
    let guard = None;
    Arm { pat, guard, body }
}

fn int(value: i64, span: Span) -> Expr {
    node(ExprKind::Int(value), Ty::INT, span)
}

fn bool(value: bool, span: Span) -> Expr {
    node(ExprKind::Bool(value), Ty::BOOL, span)
}
