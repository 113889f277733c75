//! Types during checking: as [`crate::hir::TyKind`], with variables, type parameters and poison.
//!
//! The checker numbers its types with the same [`Ty`] as the typed tree; the fixed ones agree
//! (`Ty::INT` …). All others are translated when a body is finished (`finish.rs`).

use crate::hir::Ty;
use crate::syntax::Symbol;
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};
use std::rc::Rc;

/// A record or enum declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AdtId(pub(crate) u32);

impl AdtId {
    /// `result[T, E]`
    pub(crate) const RESULT: AdtId = AdtId(0);
    /// `FutureState[T]`
    pub(crate) const FUTURE_STATE: AdtId = AdtId(1);
}

/// What a type is made of, during checking.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Int,
    Float,
    Bool,
    String,
    Bytes,
    Null,
    Never,
    Any,
    Json,
    Error,
    /// Of what is wrong and has been reported: fits everywhere.
    Poison,
    /// To be found out; the number indexes [`TypeTable::vars`].
    Var(u32),
    /// A type parameter of the declaration it belongs to: by position, with its name.
    Param(u32, Symbol),
    List(Ty),
    Map(Ty, Ty),
    Set(Ty),
    Tuple(Rc<[Ty]>),
    /// A record or enum with its type arguments.
    Adt(AdtId, Rc<[Ty]>),
    /// Flat, without duplicates, sorted.
    Union(Rc<[Ty]>),
    Func(Rc<[Ty]>, Ty),
    Future(Ty),
    Channel(Ty),
    Handle(Symbol, Rc<[Ty]>),
    Generator(Ty),
}

/// A few types: mostly so few that they are kept in place.
pub(crate) type Few = SmallVec<[Ty; 4]>;

/// Why a variable was made; says what becomes of it when nothing determines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The elements of an empty literal: anything will do, unless something asks for them.
    Literal,
    /// The other side of `ok` or `err`: anything will do.
    Free,
    /// `null` without context: what it meets becomes nullable.
    Null,
    /// `{}`: a map, unless it is used as a set.
    Braces,
    /// Anything else: undetermined is an error.
    Open,
}

/// A variable.
#[derive(Clone, Copy, Debug)]
struct Var {
    binding: Option<Ty>,
    origin: Origin,
}

const HAS_VAR: u8 = 1;
const HAS_PARAM: u8 = 2;
const HAS_POISON: u8 = 4;

/// The interner of the checker's types, and the variables' bindings.
pub(crate) struct TypeTable {
    kinds: Vec<Kind>,
    flags: Vec<u8>,
    /// How deep each type nests.
    depths: Vec<u16>,
    index: FxHashMap<Kind, Ty>,
    vars: Vec<Var>,
    /// Variables bound since a trial began, to be taken back when it fails.
    trail: Option<Vec<u32>>,
}

/// Beside the fixed numbers of the typed tree.
impl Ty {
    /// See [`Kind::Poison`].
    pub(crate) const POISON: Ty = Ty(18);
}

impl TypeTable {
    pub(crate) fn new() -> TypeTable {
        let mut table = TypeTable {
            kinds: Vec::new(),
            flags: Vec::new(),
            depths: Vec::new(),
            index: FxHashMap::default(),
            vars: Vec::new(),
            trail: None,
        };
        let fixed = [
            Kind::Int,
            Kind::Float,
            Kind::Bool,
            Kind::Null,
            Kind::String,
            Kind::Bytes,
            Kind::Any,
            Kind::Json,
            Kind::Error,
            Kind::List(Ty::STRING),
            Kind::List(Ty::INT),
            Kind::List(Ty::FLOAT),
            Kind::List(Ty::ANY),
            Kind::List(Ty::JSON),
            Kind::Map(Ty::STRING, Ty::JSON),
            Kind::Never,
            Kind::List(Ty::BOOL),
            Kind::List(Ty::ERROR),
            Kind::Poison,
        ];
        for (number, kind) in fixed.into_iter().enumerate() {
            let ty = table.intern(kind);
            debug_assert_eq!(ty.0 as usize, number);
        }
        table
    }

    /// The type of this kind. A union must be in normal form: use [`TypeTable::union`].
    pub(crate) fn intern(&mut self, kind: Kind) -> Ty {
        if let Some(&ty) = self.index.get(&kind) {
            return ty;
        }
        let ty = self.push(kind.clone());
        self.index.insert(kind, ty);
        ty
    }

    fn push(&mut self, kind: Kind) -> Ty {
        let flags = self.flags_of(&kind);
        let depth = self.depth_of(&kind);
        let ty = Ty(u32::try_from(self.kinds.len()).expect("fewer than 2^32 types"));
        self.kinds.push(kind);
        self.flags.push(flags);
        self.depths.push(depth);
        ty
    }

    fn depth_of(&self, kind: &Kind) -> u16 {
        let of = |ty: &Ty| self.depths[ty.0 as usize];
        let deepest = |tys: &[Ty]| tys.iter().map(of).max().unwrap_or(0);
        let inner = match kind {
            Kind::List(t)
            | Kind::Set(t)
            | Kind::Future(t)
            | Kind::Channel(t)
            | Kind::Generator(t) => of(t),
            Kind::Map(k, v) => of(k).max(of(v)),
            Kind::Tuple(ts) | Kind::Adt(_, ts) | Kind::Union(ts) | Kind::Handle(_, ts) => {
                deepest(ts)
            }
            Kind::Func(ts, r) => deepest(ts).max(of(r)),
            _ => return 0,
        };
        inner.saturating_add(1)
    }

    /// How deep `ty` nests; 0 for a simple type.
    pub(crate) fn depth(&self, ty: Ty) -> u16 {
        self.depths[ty.0 as usize]
    }

    fn flags_of(&self, kind: &Kind) -> u8 {
        let of = |ty: &Ty| self.flags[ty.0 as usize];
        let all = |tys: &[Ty]| tys.iter().fold(0, |flags, ty| flags | of(ty));
        match kind {
            Kind::Poison => HAS_POISON,
            Kind::Var(_) => HAS_VAR,
            Kind::Param(..) => HAS_PARAM,
            Kind::List(t)
            | Kind::Set(t)
            | Kind::Future(t)
            | Kind::Channel(t)
            | Kind::Generator(t) => of(t),
            Kind::Map(k, v) => of(k) | of(v),
            Kind::Tuple(ts) | Kind::Adt(_, ts) | Kind::Union(ts) | Kind::Handle(_, ts) => all(ts),
            Kind::Func(ts, r) => all(ts) | of(r),
            _ => 0,
        }
    }

    /// What `ty` is made of; a bound variable is not looked through.
    pub(crate) fn kind(&self, ty: Ty) -> &Kind {
        &self.kinds[ty.0 as usize]
    }

    pub(crate) fn has_var(&self, ty: Ty) -> bool {
        self.flags[ty.0 as usize] & HAS_VAR != 0
    }

    pub(crate) fn has_param(&self, ty: Ty) -> bool {
        self.flags[ty.0 as usize] & HAS_PARAM != 0
    }

    pub(crate) fn has_poison(&self, ty: Ty) -> bool {
        self.flags[ty.0 as usize] & HAS_POISON != 0
    }

    pub(crate) fn fresh(&mut self, origin: Origin) -> Ty {
        let number = u32::try_from(self.vars.len()).expect("fewer than 2^32 type variables");
        let ty = self.push(Kind::Var(number));
        self.vars.push(Var {
            binding: None,
            origin,
        });
        ty
    }

    pub(crate) fn origin(&self, var: u32) -> Origin {
        self.vars[var as usize].origin
    }

    /// Makes an undetermined variable as undemanding as `origin` says.
    pub(crate) fn set_origin(&mut self, var: u32, origin: Origin) {
        self.vars[var as usize].origin = origin;
    }

    pub(crate) fn bind(&mut self, var: u32, ty: Ty) {
        debug_assert!(self.vars[var as usize].binding.is_none());
        self.vars[var as usize].binding = Some(ty);
        if let Some(trail) = &mut self.trail {
            trail.push(var);
        }
    }

    /// `ty`, or what the variable is bound to, at the outermost level.
    pub(crate) fn head(&mut self, ty: Ty) -> Ty {
        let Kind::Var(number) = *self.kind(ty) else {
            return if self.has_var(ty) && matches!(self.kind(ty), Kind::Union(_)) {
                self.resolve(ty)
            } else {
                ty
            };
        };
        match self.vars[number as usize].binding {
            None => ty,
            Some(bound) => self.head(bound),
        }
    }

    /// `ty` with all bound variables replaced.
    pub(crate) fn resolve(&mut self, ty: Ty) -> Ty {
        if !self.has_var(ty) {
            return ty;
        }
        if let Kind::Var(number) = *self.kind(ty) {
            return match self.vars[number as usize].binding {
                None => ty,
                Some(bound) => self.resolve(bound),
            };
        }
        self.rebuild(ty, &mut |table, part| table.resolve(part))
    }

    /// Replaces the type parameters in `ty` by `args`.
    pub(crate) fn subst(&mut self, ty: Ty, args: &[Ty]) -> Ty {
        if !self.has_param(ty) {
            return ty;
        }
        if let Kind::Param(number, _) = *self.kind(ty) {
            return args.get(number as usize).copied().unwrap_or(Ty::POISON);
        }
        self.rebuild(ty, &mut |table, part| table.subst(part, args))
    }

    fn rebuild(&mut self, ty: Ty, map: &mut dyn FnMut(&mut TypeTable, Ty) -> Ty) -> Ty {
        let kind = self.kind(ty).clone();
        let mut all = |table: &mut TypeTable, ts: &[Ty]| -> Rc<[Ty]> {
            ts.iter().map(|&t| map(table, t)).collect()
        };
        let kind = match kind {
            Kind::List(t) => Kind::List(map(self, t)),
            Kind::Set(t) => Kind::Set(map(self, t)),
            Kind::Future(t) => Kind::Future(map(self, t)),
            Kind::Channel(t) => Kind::Channel(map(self, t)),
            Kind::Generator(t) => Kind::Generator(map(self, t)),
            Kind::Map(k, v) => {
                let k = map(self, k);
                Kind::Map(k, map(self, v))
            }
            Kind::Tuple(ts) => Kind::Tuple(all(self, &ts)),
            Kind::Adt(id, ts) => Kind::Adt(id, all(self, &ts)),
            Kind::Handle(name, ts) => Kind::Handle(name, all(self, &ts)),
            Kind::Func(ts, r) => {
                let ts = all(self, &ts);
                Kind::Func(ts, map(self, r))
            }
            Kind::Union(ts) => {
                let ts = all(self, &ts);
                return self.union(&ts);
            }
            other => other,
        };
        self.intern(kind)
    }

    /// The union of `members`: flat, without `Never`; one member alone is itself.
    pub(crate) fn union(&mut self, members: &[Ty]) -> Ty {
        let mut flat = Few::new();
        for &member in members {
            let member = self.head(member);
            match self.kind(member) {
                Kind::Union(inner) => flat.extend(inner.iter().copied()),
                Kind::Never => {}
                Kind::Any | Kind::Poison => return member,
                _ => flat.push(member),
            }
        }
        flat.sort_unstable();
        flat.dedup();
        match flat.len() {
            0 => Ty::NEVER,
            1 => flat[0],
            _ => self.intern(Kind::Union(flat.as_slice().into())),
        }
    }

    pub(crate) fn nullable(&mut self, ty: Ty) -> Ty {
        self.union(&[ty, Ty::NULL])
    }

    /// The members of a union; of any other type itself.
    pub(crate) fn members(&mut self, ty: Ty) -> Few {
        let ty = self.head(ty);
        match self.kind(ty) {
            Kind::Union(members) => Few::from_slice(members),
            _ => smallvec![ty],
        }
    }

    /// `ty` without the members that `drop` names.
    pub(crate) fn without(&mut self, ty: Ty, drop: impl Fn(&TypeTable, Ty) -> bool) -> Ty {
        let members = self.members(ty);
        let left: Few = members.into_iter().filter(|&m| !drop(self, m)).collect();
        self.union(&left)
    }

    pub(crate) fn list(&mut self, ty: Ty) -> Ty {
        self.intern(Kind::List(ty))
    }

    pub(crate) fn tuple(&mut self, tys: &[Ty]) -> Ty {
        self.intern(Kind::Tuple(tys.into()))
    }

    pub(crate) fn adt(&mut self, id: AdtId, args: &[Ty]) -> Ty {
        self.intern(Kind::Adt(id, args.into()))
    }

    pub(crate) fn func(&mut self, params: &[Ty], result: Ty) -> Ty {
        self.intern(Kind::Func(params.into(), result))
    }

    /// Runs `trial`; when it gives false, the bindings it made are taken back.
    pub(crate) fn attempt(&mut self, trial: impl FnOnce(&mut TypeTable) -> bool) -> bool {
        let outer = self.trail.take();
        self.trail = Some(Vec::new());
        let done = trial(self);
        let bound = self.trail.take().expect("set above");
        if done {
            self.trail = outer.map(|mut trail| {
                trail.extend(bound);
                trail
            });
        } else {
            for var in bound {
                self.vars[var as usize].binding = None;
            }
            self.trail = outer;
        }
        done
    }

    /// Begins a trial that [`TypeTable::end_trial`] takes back.
    pub(crate) fn begin_trial(&mut self) -> Option<Vec<u32>> {
        self.trail.replace(Vec::new())
    }

    /// Takes back all bindings made since `begin_trial`, which gave `outer`.
    pub(crate) fn end_trial(&mut self, outer: Option<Vec<u32>>) {
        for var in self.trail.take().unwrap_or_default() {
            self.vars[var as usize].binding = None;
        }
        self.trail = outer;
    }

    /// Whether `var` stands in `ty`.
    fn occurs(&mut self, var: Ty, ty: Ty) -> bool {
        if !self.has_var(ty) {
            return false;
        }
        let head = self.head(ty);
        if head == var {
            return true;
        }
        let mut parts: Vec<Ty> = Vec::new();
        match self.kind(head) {
            Kind::List(t)
            | Kind::Set(t)
            | Kind::Future(t)
            | Kind::Channel(t)
            | Kind::Generator(t) => parts.push(*t),
            Kind::Map(k, v) => parts.extend([*k, *v]),
            Kind::Tuple(ts) | Kind::Adt(_, ts) | Kind::Union(ts) | Kind::Handle(_, ts) => {
                parts.extend(ts.iter());
            }
            Kind::Func(ts, r) => {
                parts.extend(ts.iter());
                parts.push(*r);
            }
            _ => {}
        }
        parts.into_iter().any(|part| self.occurs(var, part))
    }

    /// Makes `a` and `b` one type, binding variables; false when they cannot be.
    pub(crate) fn unify(&mut self, a: Ty, b: Ty) -> bool {
        let (a, b) = (self.head(a), self.head(b));
        if a == b {
            return true;
        }
        match (self.kind(a).clone(), self.kind(b).clone()) {
            (Kind::Var(x), Kind::Poison) => {
                self.bind(x, b);
                true
            }
            (Kind::Poison, Kind::Var(y)) => {
                self.bind(y, a);
                true
            }
            (Kind::Poison, _) | (_, Kind::Poison) => true,
            (Kind::Var(x), Kind::Var(y)) => {
                let open = self.origin(x) == Origin::Open || self.origin(y) == Origin::Free;
                let (from, to, to_var) = if open { (x, b, y) } else { (y, a, x) };
                match (self.origin(to_var), self.origin(from)) {
                    (Origin::Literal, stricter) if stricter != Origin::Free => {
                        self.set_origin(to_var, stricter);
                    }
                    (Origin::Free, stricter @ (Origin::Null | Origin::Braces)) => {
                        self.set_origin(to_var, stricter);
                    }
                    _ => {}
                }
                self.bind(from, to);
                true
            }
            (Kind::Var(x), _) => self.bind_checked(x, a, b),
            (_, Kind::Var(y)) => self.bind_checked(y, b, a),
            (Kind::List(x), Kind::List(y))
            | (Kind::Set(x), Kind::Set(y))
            | (Kind::Future(x), Kind::Future(y))
            | (Kind::Channel(x), Kind::Channel(y))
            | (Kind::Generator(x), Kind::Generator(y)) => self.unify(x, y),
            (Kind::Map(k, v), Kind::Map(l, w)) => self.unify(k, l) && self.unify(v, w),
            (Kind::Tuple(xs), Kind::Tuple(ys)) => self.unify_all(&xs, &ys),
            (Kind::Adt(x, xs), Kind::Adt(y, ys)) => x == y && self.unify_all(&xs, &ys),
            (Kind::Handle(x, xs), Kind::Handle(y, ys)) => x == y && self.unify_all(&xs, &ys),
            (Kind::Func(xs, x), Kind::Func(ys, y)) => self.unify_all(&xs, &ys) && self.unify(x, y),
            (Kind::Union(xs), Kind::Union(ys)) => self.unify_unions(&xs, &ys),
            (Kind::Union(xs), _) => self.unify_unions(&xs, &[b]),
            (_, Kind::Union(ys)) => self.unify_unions(&[a], &ys),
            _ => false,
        }
    }

    fn unify_all(&mut self, xs: &[Ty], ys: &[Ty]) -> bool {
        xs.len() == ys.len() && xs.iter().zip(ys).all(|(&x, &y)| self.unify(x, y))
    }

    fn bind_checked(&mut self, var: u32, var_ty: Ty, ty: Ty) -> bool {
        let fits = match self.origin(var) {
            Origin::Open | Origin::Literal | Origin::Free => true,
            Origin::Null => {
                self.members(ty).contains(&Ty::NULL) || matches!(ty, Ty::ANY | Ty::JSON)
            }
            Origin::Braces => match self.kind(ty) {
                Kind::Map(..) | Kind::Set(_) => true,
                _ => ty == Ty::ANY || ty == Ty::POISON,
            },
        };
        if !fits || self.occurs(var_ty, ty) {
            return false;
        }
        self.bind(var, ty);
        true
    }

    /// `A | x` with `A | B`: equal members go, one variable left over takes the rest.
    fn unify_unions(&mut self, xs: &[Ty], ys: &[Ty]) -> bool {
        let mut left: Vec<Ty> = xs.iter().copied().filter(|x| !ys.contains(x)).collect();
        let mut right: Vec<Ty> = ys.iter().copied().filter(|y| !xs.contains(y)).collect();
        let common = left.len() < xs.len();
        // Members with variables inside (`list[x]` with `list[Int]`).
        left.retain(|&x| {
            if matches!(self.kind(x), Kind::Var(_)) || !self.has_var(x) {
                return true;
            }
            match right
                .iter()
                .position(|&y| self.attempt(|table| table.unify(x, y)))
            {
                Some(at) => {
                    right.remove(at);
                    false
                }
                None => true,
            }
        });
        let is_var = |table: &TypeTable, ty: Ty| matches!(table.kind(ty), Kind::Var(_));
        match (left.as_slice(), right.as_slice()) {
            ([], []) => true,
            (&[x], rest) if is_var(self, x) && (!rest.is_empty() || common) => {
                let rest = if rest.is_empty() {
                    Ty::NEVER
                } else {
                    self.union(rest)
                };
                rest != Ty::NEVER && self.unify(x, rest)
            }
            (rest, &[y]) if is_var(self, y) && !rest.is_empty() => {
                let rest = self.union(rest);
                self.unify(y, rest)
            }
            (&[x], &[y]) => {
                let unions = [x, y]
                    .iter()
                    .any(|&t| matches!(self.kind(t), Kind::Union(_)));
                !unions && self.has_var_either(x, y) && self.unify(x, y)
            }
            _ => false,
        }
    }

    fn has_var_either(&self, x: Ty, y: Ty) -> bool {
        self.has_var(x) || self.has_var(y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nullable_with_a_variable_takes_the_rest() {
        let mut types = TypeTable::new();
        let x = types.fresh(Origin::Open);
        let pattern = types.nullable(x);
        let int = types.nullable(Ty::INT);
        assert!(types.unify(pattern, int));
        assert_eq!(types.resolve(x), Ty::INT);
    }

    #[test]
    fn a_failed_attempt_leaves_no_trace() {
        let mut types = TypeTable::new();
        let x = types.fresh(Origin::Open);
        let pair = types.tuple(&[x, x]);
        let other = types.tuple(&[Ty::INT, Ty::STRING]);
        assert!(!types.attempt(|types| types.unify(pair, other)));
        assert_eq!(types.resolve(x), x);
        let list = types.list(x);
        assert!(!types.unify(x, list));
    }
}
