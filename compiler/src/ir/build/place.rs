//! Places: assignment, compound assignment and mutators, in place.
//!
//! One and two steps have ops of their own; deeper places go through a path. Where a record on the
//! way has constraints, the change is made to a copy, checked, and only then stored.

use super::code::{field_get, field_set, list_push, list_set};
use super::core_natives::CoreOp;
use super::func::{Exit, FuncBuilder, Operands, mutator_result};
use super::runtime_natives as rt;
use crate::hir::{
    BinOp, Callee, Element, Expr, ExprKind, FuncId, Place, PlaceStep, Repr, Ty, TyKind,
};
use crate::ir::VReg;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{PathStep, TypeIx, well_known};

/// A step of a place whose index has been evaluated.
#[derive(Clone, Copy)]
enum Step {
    Field { container: Ty, index: u32 },
    Index { container: Ty, at: VReg },
}

impl Step {
    fn container(&self) -> Ty {
        match self {
            Step::Field { container, .. } | Step::Index { container, .. } => *container,
        }
    }
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// Evaluates the index expressions of a place, then `rest`.
    fn place_operands(&mut self, place: &'a Place, rest: &[&'a Expr]) -> (Vec<Step>, Operands) {
        let mut exprs: Vec<&'a Expr> = Vec::new();
        for step in &place.path {
            if let PlaceStep::Index { index, .. } = step {
                exprs.push(index);
            }
        }
        let indices = exprs.len();
        exprs.extend(rest);
        let regs = self.operands(&exprs);
        let rest = Operands::from_slice(&regs[indices..]);
        let mut regs = regs.into_iter();
        let mut steps = Vec::with_capacity(place.path.len());
        for step in &place.path {
            match step {
                PlaceStep::Field { container, index } => steps.push(Step::Field {
                    container: *container,
                    index: *index,
                }),
                PlaceStep::Index { container, .. } => {
                    if let Some(at) = regs.next() {
                        steps.push(Step::Index {
                            container: *container,
                            at,
                        });
                    }
                }
            }
        }
        (steps, rest)
    }

    /// `place = value`.
    pub(crate) fn assign(&mut self, place: &'a Place, value: &'a Expr) {
        let root = self.local(place.root);
        if place.path.is_empty() {
            if self.append_to_itself(place.root, value) {
                return;
            }
            if self.repr(root) == Repr::Word {
                // The old value must last until the new one is there.
                let new = self.value(value);
                self.copy(root, new);
            } else {
                self.into(value, root);
            }
            return;
        }
        let (steps, values) = self.place_operands(place, &[value]);
        let mut value = values[0];
        if value == root {
            value = self.snapshot(value);
        }
        self.change(root, &steps, |b, root| b.store(root, &steps, value));
    }

    /// Changes something inside the variable `root`: directly, or where a constraint may forbid
    /// it, on a copy.
    fn change(&mut self, root: VReg, steps: &[Step], make: impl FnOnce(&mut Self, VReg)) {
        let checked = |s: &Step| self.check_of(s.container()).is_some();
        if !steps.iter().any(checked) {
            return make(self, root);
        }
        let copy = self.snapshot(root);
        make(self, copy);
        let mut at = copy;
        for (n, step) in steps.iter().enumerate() {
            self.check(step.container(), at);
            if n + 1 < steps.len() {
                at = self.load_step(at, *step, None);
            }
        }
        self.copy(root, copy);
    }

    /// The value one step into `base`.
    fn load_step(&mut self, base: VReg, step: Step, dst: Option<VReg>) -> VReg {
        match step {
            Step::Field { container, index } => {
                let ty = self.field_ty(container, index);
                let dst = self.target(dst, ty);
                let op = field_get(self.repr_of(ty));
                self.c.op1(op, &[dst, base], index);
                dst
            }
            Step::Index { container, at } => self.get(base, container, at, dst),
        }
    }

    /// The value of a place.
    fn load_place(&mut self, root: VReg, steps: &[Step]) -> VReg {
        if let [Step::Index { container, at: i }, last] = *steps
            && self.is_list(container)
        {
            let ty = self.step_ty(&last);
            let plain = self.repr_of(ty) != Repr::Word;
            let dst = self.temp(ty);
            match last {
                Step::Index { container, at: j }
                    if self.is_list(container) && self.is_plain8(&last) =>
                {
                    self.c.op(Op::ListGet2, &[dst, root, i, j]);
                    return dst;
                }
                Step::Field { index, .. } if plain => {
                    self.c.op1(Op::ListGetField, &[dst, root, i], index);
                    return dst;
                }
                _ => {}
            }
        }
        steps
            .iter()
            .fold(root, |base, step| self.load_step(base, *step, None))
    }

    /// The type one step in.
    fn step_ty(&self, step: &Step) -> Ty {
        match step {
            Step::Field { container, index } => self.field_ty(*container, *index),
            Step::Index { container, .. } => match self.m.hir.types.kind(*container) {
                TyKind::List(t) | TyKind::Map(_, t) => *t,
                _ => Ty::ANY,
            },
        }
    }

    /// Stores into a place of at least one step.
    fn store(&mut self, root: VReg, steps: &[Step], value: VReg) {
        match *steps {
            [Step::Field { index, container }] => {
                let ty = self.field_ty(container, index);
                let op = field_set(self.repr_of(ty));
                self.c.op1(op, &[root, value], index);
            }
            [Step::Index { container, at }] if self.is_list(container) => {
                let ty = self.step_ty(&steps[0]);
                let op = list_set(self.repr_of(ty), ty == Ty::BOOL);
                self.c.op(op, &[root, at, value]);
            }
            [Step::Index { at, .. }] => self.c.op(Op::MapSet, &[root, at, value]),
            [
                Step::Index {
                    container: a,
                    at: i,
                },
                Step::Index {
                    container: b,
                    at: j,
                },
            ] if self.is_list(a) && self.is_list(b) && self.is_plain8(&steps[1]) => {
                self.c.op(Op::ListSet2, &[root, i, j, value]);
            }
            [
                Step::Index {
                    container: a,
                    at: i,
                },
                Step::Field { index, .. },
            ] if self.is_list(a) && self.repr_of(self.step_ty(&steps[1])) != Repr::Word => {
                self.c.op1(Op::ListSetField, &[root, i, value], index);
            }
            _ => {
                let (path, indices) = self.path(steps);
                let mut regs = vec![root, value];
                regs.extend(indices);
                self.c.op1(Op::PlaceSet, &regs, path);
            }
        }
    }

    fn is_plain8(&self, step: &Step) -> bool {
        let ty = self.step_ty(step);
        self.repr_of(ty) != Repr::Word && ty != Ty::BOOL
    }

    /// The path of a place, and its index operands.
    fn path(&mut self, steps: &[Step]) -> (u32, Vec<VReg>) {
        let mut indices = Vec::new();
        let mut path = Vec::with_capacity(steps.len());
        for step in steps {
            let container = self.m.types.of(step.container());
            path.push(match step {
                Step::Field { index, .. } => PathStep::Field {
                    container,
                    field: u16::try_from(*index).expect("fewer than 2^16 fields"),
                },
                Step::Index { at, .. } => {
                    indices.push(*at);
                    PathStep::Index { container }
                }
            });
        }
        (self.m.path(path), indices)
    }

    /// `place op= value`.
    pub(crate) fn assign_op(&mut self, place: &'a Place, op: BinOp, value: &'a Expr) {
        let root = self.local(place.root);
        let joins = self.repr_of(place.ty) == Repr::Word;
        if place.path.is_empty() {
            match joins {
                false => self.arithmetic_with(op, place.ty, root, root, value),
                true if place.ty == Ty::STRING => self.append_text(root, value),
                true => self.append_list(root, place.ty, value),
            }
            return;
        }
        let span = self.c.span;
        if joins {
            let (steps, values) = self.place_operands(place, &[value]);
            self.c.span = span;
            let ty = self.m.types.of(place.ty);
            let (native, type_args) = match *self.m.hir.types.kind(place.ty) {
                TyKind::List(t) => (rt::LIST_EXTEND, vec![self.m.types.of(t)]),
                TyKind::Bytes => (rt::BYTES_APPEND, Vec::new()),
                _ => (rt::STR_APPEND, Vec::new()),
            };
            let import = self
                .m
                .runtime(native, &type_args, &[ty, ty], well_known::NULL);
            let value = if values[0] == root {
                self.snapshot(root)
            } else {
                values[0]
            };
            self.change(root, &steps, |b, root| {
                let dst = b.c.reg(well_known::NULL);
                b.call_native_at(dst, root, &steps, import, &[value]);
            });
            return;
        }
        let (steps, _) = self.place_operands(place, &[]);
        let old = self.load_place(root, &steps);
        let new = self.temp(place.ty);
        self.arithmetic_with(op, place.ty, new, old, value);
        self.c.span = span;
        self.change(root, &steps, |b, root| b.store(root, &steps, new));
    }

    /// `xs ++= value`: the elements of a literal are pushed one by one.
    pub(crate) fn append_list(&mut self, root: VReg, ty: Ty, value: &'a Expr) {
        if let (ExprKind::List(elements), TyKind::List(item)) =
            (&value.kind, self.m.hir.types.kind(ty))
            && let [Element::One(e)] = &elements[..]
        {
            let item = *item;
            let mut element = self.value(e);
            if element == root {
                element = self.snapshot(element);
            }
            let op = list_push(self.repr_of(item), item == Ty::BOOL);
            self.c.op(op, &[root, element]);
            return;
        }
        let mut more = self.value(value);
        if more == root {
            more = self.snapshot(root);
        }
        self.extend(root, ty, more);
    }

    fn call_native_at(
        &mut self,
        dst: VReg,
        root: VReg,
        steps: &[Step],
        native: u32,
        args: &[VReg],
    ) {
        let (path, indices) = self.path(steps);
        let mut regs = vec![dst, root];
        regs.extend(indices);
        regs.extend(args);
        self.c.op2(Op::CallNativeAt, &regs, [path, native]);
    }

    /// `place.method(args)` for a mutator.
    pub(crate) fn call_mut(
        &mut self,
        callee: Callee,
        place: &'a Place,
        args: &'a [Expr],
        ty: Ty,
        dst: Option<VReg>,
    ) -> VReg {
        let span = self.c.span;
        let root = self.local(place.root);
        let args: Vec<&'a Expr> = args.iter().collect();
        let (steps, mut regs) = self.place_operands(place, &args);
        self.c.span = span;
        for reg in &mut regs {
            if *reg == root {
                *reg = self.snapshot(root);
            }
        }
        let dst = self.target(dst, ty);
        match callee {
            Callee::Native(id) => {
                let import = self.m.native(id);
                let core = self.m.core_op(id);
                self.change(root, &steps, |b, root| match core {
                    Some(core) if steps.is_empty() => b.core_mutator(core, dst, root, &regs),
                    _ if steps.is_empty() => {
                        let mut all = vec![dst, root];
                        all.extend(&regs);
                        b.c.op1(Op::CallNative, &all, import);
                    }
                    _ => b.call_native_at(dst, root, &steps, import, &regs),
                });
            }
            Callee::Func(id) => {
                let old = self.load_place(root, &steps);
                let old = self.take_out(old, root, &steps, place.ty);
                let (new, own) = self.call_mutator(id, old, &regs);
                match own {
                    Some(own) => self.copy(dst, own),
                    None if ty == Ty::NULL => self.null_into(dst),
                    None => {}
                }
                if steps.is_empty() {
                    self.copy(root, new);
                } else {
                    self.change(root, &steps, |b, root| b.store(root, &steps, new));
                }
            }
        }
        dst
    }

    /// The value of a place, with something empty put in its stead so that it can be changed
    /// without a copy; where nobody could look at the place before the new value is stored, even
    /// if the call fails, and where there is something empty of its type.
    fn take_out(&mut self, old: VReg, root: VReg, steps: &[Step], ty: Ty) -> VReg {
        let checked = |s: &Step| self.check_of(s.container()).is_some();
        if steps.is_empty() || self.c.is_guarded() || steps.iter().any(checked) {
            return old;
        }
        if !self.has_empty(ty) {
            return old;
        }
        let empty = self.empty(ty);
        let taken = self.temp(ty);
        self.copy(taken, old);
        self.change(root, steps, |b, root| b.store(root, steps, empty));
        taken
    }

    /// Calls a mutator written in Lumen: the new first argument, and its own result if any.
    pub(crate) fn call_mutator(
        &mut self,
        id: FuncId,
        first: VReg,
        rest: &[VReg],
    ) -> (VReg, Option<VReg>) {
        let (result, exit) = mutator_result(self.m, self.m.func(id));
        let given = self.c.reg(result);
        let mut regs = vec![given, first];
        regs.extend(rest);
        self.c.op1(Op::Call, &regs, id.0);
        if !matches!(exit, Exit::ChangedAnd(_)) {
            return (given, None);
        }
        let (new, own) = self.pair_parts(given, id);
        (new, Some(own))
    }

    fn pair_parts(&mut self, pair: VReg, id: FuncId) -> (VReg, VReg) {
        let f = self.m.func(id);
        let first = f
            .params
            .first()
            .map_or(Ty::NULL, |p| f.locals[p.0 as usize].ty);
        let parts: Vec<VReg> = [first, f.result]
            .into_iter()
            .zip(0..)
            .map(|(ty, n)| {
                let dst = self.temp(ty);
                self.c.op1(field_get(self.repr_of(ty)), &[dst, pair], n);
                dst
            })
            .collect();
        (parts[0], parts[1])
    }

    /// A native mutator that is an op, on a whole variable.
    fn core_mutator(&mut self, core: CoreOp, dst: VReg, root: VReg, args: &[VReg]) {
        let mut regs = vec![root];
        regs.extend(args);
        self.c.op(core.op, &regs);
        if self.c.type_of(dst) == well_known::NULL as TypeIx {
            self.null_into(dst);
        }
    }
}
