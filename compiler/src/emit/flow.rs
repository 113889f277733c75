//! What the flow proves of a register's type beyond its declaration: tests narrow.

use crate::ir::{Block, BlockId, Cond, Func, Inst, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx, well_known};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Narrowed types of a few registers, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed(Vec<(VReg, TypeIx)>);

impl Narrowed {
    #[inline]
    fn find(&self, reg: VReg) -> Result<usize, usize> {
        self.0.binary_search_by_key(&reg, |&(r, _)| r)
    }

    /// What `reg` is narrowed to.
    #[must_use]
    #[inline]
    pub fn get(&self, reg: VReg) -> Option<TypeIx> {
        if self.0.is_empty() {
            return None;
        }
        self.find(reg).ok().map(|at| self.0[at].1)
    }

    fn insert(&mut self, reg: VReg, ty: TypeIx) {
        match self.find(reg) {
            Ok(at) => self.0[at].1 = ty,
            Err(at) => self.0.insert(at, (reg, ty)),
        }
    }

    #[inline]
    fn remove(&mut self, reg: VReg) {
        if self.0.is_empty() {
            return;
        }
        if let Ok(at) = self.find(reg) {
            self.0.remove(at);
        }
    }

    /// Adds what `other` has; it wins.
    pub fn extend(&mut self, other: &Self) {
        for &(reg, ty) in &other.0 {
            self.insert(reg, ty);
        }
    }
}

/// Is every value of type `a` one of type `b`?
#[must_use]
pub fn is_subtype(types: &[TypeDesc], a: TypeIx, b: TypeIx) -> bool {
    if a == b || a == well_known::NEVER {
        return true;
    }
    let boxed = !matches!(
        types[a as usize],
        TypeDesc::Int | TypeDesc::Bool | TypeDesc::Float
    );
    match (&types[a as usize], &types[b as usize]) {
        (TypeDesc::Union(members), _) => members.iter().all(|&m| member(types, m, b)),
        (_, TypeDesc::Any) => boxed,
        (_, TypeDesc::Union(_) | TypeDesc::Json) => boxed && member(types, a, b),
        (TypeDesc::Variant { of, .. }, TypeDesc::Enum { .. }) => *of == b,
        (TypeDesc::Closure { as_func, .. }, TypeDesc::Func { .. }) => *as_func == b,
        _ => false,
    }
}

/// As [`is_subtype`] where the value is a word already (a union's member).
fn member(types: &[TypeDesc], a: TypeIx, b: TypeIx) -> bool {
    a == b
        || match &types[b as usize] {
            TypeDesc::Any => true,
            TypeDesc::Union(members) => members.iter().any(|&m| member(types, a, m)),
            TypeDesc::Json => matches!(
                a,
                well_known::NULL
                    | well_known::BOOL
                    | well_known::INT
                    | well_known::FLOAT
                    | well_known::STRING
                    | well_known::LIST_JSON
                    | well_known::MAP_STRING_JSON
            ),
            TypeDesc::Enum { .. } => {
                matches!(types[a as usize], TypeDesc::Variant { of, .. } if of == b)
            }
            TypeDesc::Func { .. } => {
                matches!(types[a as usize], TypeDesc::Closure { as_func, .. } if as_func == b)
            }
            _ => false,
        }
}

/// The unions of a program by members, to name what a union without Null is.
pub type Unions<'a> = FxHashMap<&'a [TypeIx], TypeIx>;

/// Finds the unions among `types`.
#[must_use]
pub fn unions(types: &[TypeDesc]) -> Unions<'_> {
    let types = types.iter().zip(0..);
    let unions = types.filter_map(|(desc, ty)| match desc {
        TypeDesc::Union(members) => Some((&members[..], ty)),
        _ => None,
    });
    unions.collect()
}

/// Whether the block has anything that narrows a type.
fn tests(block: &Block) -> bool {
    let by_end = match &block.term {
        Term::Branch { cond, .. } => matches!(cond, Cond::Type(..) | Cond::Null(_)),
        Term::SwitchTag { .. } => true,
        _ => false,
    };
    by_end || block.insts.iter().any(|inst| inst.op == Op::Cast)
}

/// Narrowed types at the start of each block, and edges between.
pub struct Flow<'a> {
    func: &'a Func,
    types: &'a [TypeDesc],
    unions: &'a Unions<'a>,
    constants: &'a [Constant],
    /// Per block: nothing where there are no tests at all.
    preds: Vec<SmallVec<[BlockId; 4]>>,
    starts: Vec<Option<Narrowed>>,
    /// Blocks whose failures come here.
    failing: Vec<SmallVec<[BlockId; 4]>>,
}

impl<'a> Flow<'a> {
    /// For a function laid out in `order`.
    #[must_use]
    pub fn new(
        func: &'a Func,
        types: &'a [TypeDesc],
        unions: &'a Unions<'a>,
        constants: &'a [Constant],
        order: &[BlockId],
    ) -> Self {
        let mut this = Self {
            func,
            types,
            unions,
            constants,
            preds: Vec::new(),
            starts: Vec::new(),
            failing: Vec::new(),
        };
        if !func.blocks.iter().any(tests) {
            return this;
        }
        let n = func.blocks.len();
        this.preds.resize_with(n, SmallVec::new);
        this.failing.resize_with(n, SmallVec::new);
        this.starts.resize_with(n, || None);
        for &b in order {
            let block = &func.blocks[b.0 as usize];
            (block.term).for_each_target(|t| this.preds[t.0 as usize].push(b));
            if let Some(h) = block.handler {
                for h in [Some(h.block), h.catch.flatten()].into_iter().flatten() {
                    this.failing[h.0 as usize].push(b);
                }
            }
        }
        this
    }

    /// Finds what is proved at the start of each block; `written` tells what an instruction
    /// writes. Starts with everything that holds on the edges known so far, and takes back what
    /// another edge, such as one that closes a loop, does not bring, until nothing changes.
    pub fn solve(&mut self, order: &[BlockId], written: impl Fn(&Inst) -> Option<VReg>) {
        if self.starts.is_empty() {
            return;
        }
        let mut ends: Vec<Option<Narrowed>> = vec![None; self.func.blocks.len()];
        loop {
            let mut changed = false;
            for &b in order {
                let i = b.0 as usize;
                let mut start = self.on_edges(b, &ends, &written);
                if let Some(before) = &self.starts[i] {
                    start.0.retain(|&(reg, _)| before.find(reg).is_ok());
                    if ends[i].is_some() && start == *before {
                        continue;
                    }
                }
                changed = true;
                let mut narrowed = start.clone();
                for inst in &self.func.blocks[i].insts {
                    self.step(inst, written(inst), &mut narrowed);
                }
                self.starts[i] = Some(start);
                ends[i] = Some(narrowed);
            }
            if !changed {
                break;
            }
        }
    }

    /// What is proved at the start of `b`, once solved.
    #[must_use]
    pub fn at_start(&self, b: BlockId) -> Narrowed {
        let start = self.starts.get(b.0 as usize);
        start.cloned().flatten().unwrap_or_default()
    }

    /// What all edges to `b` prove whose beginnings are known.
    fn on_edges(
        &self,
        b: BlockId,
        ends: &[Option<Narrowed>],
        written: &impl Fn(&Inst) -> Option<VReg>,
    ) -> Narrowed {
        if b.0 == 0 {
            return Narrowed::default();
        }
        let mut known: Option<Narrowed> = None;
        let mut meet = |edge: Narrowed| match &mut known {
            None => known = Some(edge),
            Some(k) => k.0.retain_mut(|(reg, ty)| match edge.get(*reg) {
                Some(other) if is_subtype(self.types, *ty, other) => {
                    *ty = other;
                    true
                }
                Some(other) => is_subtype(self.types, other, *ty),
                None => false,
            }),
        };
        for &p in &self.preds[b.0 as usize] {
            if let Some(at_end) = &ends[p.0 as usize] {
                meet(self.on_edge(p, b, at_end));
            }
        }
        for &p in &self.failing[b.0 as usize] {
            if let Some(start) = &self.starts[p.0 as usize] {
                meet(self.throughout(p, start, written));
            }
        }
        known.unwrap_or_default()
    }

    /// What is proved at the start of `b` and holds wherever in it something fails.
    fn throughout(
        &self,
        b: BlockId,
        start: &Narrowed,
        written: &impl Fn(&Inst) -> Option<VReg>,
    ) -> Narrowed {
        let mut held = start.clone();
        for inst in &self.func.blocks[b.0 as usize].insts {
            if matches!(inst.op, Op::Cast | Op::Widen) {
                held.remove(inst.regs[0]);
            }
            if let Some(reg) = written(inst) {
                held.remove(reg);
            }
        }
        held
    }

    fn on_edge(&self, from: BlockId, to: BlockId, at_end: &Narrowed) -> Narrowed {
        let mut edge = at_end.clone();
        let block = &self.func.blocks[from.0 as usize];
        match &block.term {
            Term::Branch {
                cond,
                then,
                otherwise,
            } if then != otherwise => match *cond {
                Cond::Type(reg, ty) if *then == to => {
                    edge.insert(reg, ty);
                }
                Cond::Null(reg) if *then == to => {
                    edge.insert(reg, well_known::NULL);
                }
                Cond::Null(reg) => {
                    if let Some(ty) = self.without_null(self.ty(at_end, reg)) {
                        edge.insert(reg, ty);
                    }
                }
                _ => {}
            },
            Term::SwitchTag { value, ty, targets } => {
                let mut hits = targets.iter().enumerate().filter(|(_, t)| **t == to);
                if let (Some((k, _)), None) = (hits.next(), hits.next())
                    && let TypeDesc::Enum { first_variant, .. } = &self.types[*ty as usize]
                {
                    edge.insert(*value, first_variant + k as TypeIx);
                }
            }
            Term::ForList { dst, .. } => {
                edge.remove(*dst);
            }
            _ => {}
        }
        edge
    }

    /// Where a test goes whose outcome is known at the end of its block: what the way not taken
    /// proves of the register would contradict what is known of it.
    pub fn decided(&self, term: &Term, at_end: &Narrowed) -> Option<BlockId> {
        match term {
            Term::SwitchTag { value, ty, targets } => {
                let TypeDesc::Enum { first_variant, .. } = &self.types[*ty as usize] else {
                    return None;
                };
                let tag = self.ty(at_end, *value).checked_sub(*first_variant)?;
                targets.get(tag as usize).copied()
            }
            Term::Branch {
                cond: Cond::Null(reg),
                then,
                ..
            } if self.ty(at_end, *reg) == well_known::NULL => Some(*then),
            _ => None,
        }
    }

    fn without_null(&self, ty: TypeIx) -> Option<TypeIx> {
        let TypeDesc::Union(members) = &self.types[ty as usize] else {
            return None;
        };
        let rest: Vec<TypeIx> = members
            .iter()
            .copied()
            .filter(|&m| m != well_known::NULL)
            .collect();
        match rest[..] {
            [one] => Some(one),
            _ => self.unions.get(&rest[..]).copied(),
        }
    }

    /// The type that `reg` is known to have.
    #[must_use]
    pub fn ty(&self, narrowed: &Narrowed, reg: VReg) -> TypeIx {
        let declared = self.func.regs[reg.0 as usize].ty;
        narrowed.get(reg).unwrap_or(declared)
    }

    /// Updates `narrowed` across an instruction; `cast_needed` tells whether a `cast` must stay.
    pub fn step(&self, inst: &Inst, written: Option<VReg>, narrowed: &mut Narrowed) -> bool {
        if inst.op == Op::Cast {
            let (reg, ty) = (inst.regs[0], inst.imms[0]);
            let proved = is_subtype(self.types, self.ty(narrowed, reg), ty);
            if !proved {
                narrowed.insert(reg, ty);
            }
            return !proved;
        }
        if let Some(reg) = written {
            let made = self.made(inst, narrowed, self.func.regs[reg.0 as usize].ty);
            narrowed.remove(reg);
            if let Some(ty) = made {
                narrowed.insert(reg, ty);
            }
        }
        true
    }

    /// The type of the word that `inst` writes, where it says more than its register's.
    fn made(&self, inst: &Inst, narrowed: &Narrowed, declared: TypeIx) -> Option<TypeIx> {
        let ty = match inst.op {
            Op::Move | Op::Dup | Op::Lend => match narrowed.get(inst.regs[1]) {
                // An Int in it is a word.
                Some(ty) => return Some(ty),
                None => self.ty(narrowed, inst.regs[1]),
            },
            Op::New => inst.imms[0],
            Op::BoxInt => return Some(well_known::INT),
            Op::BoxFloat => return Some(well_known::FLOAT),
            Op::BoxBool => return Some(well_known::BOOL),
            Op::Const => match self.constants[inst.imms[0] as usize] {
                Constant::Null => well_known::NULL,
                Constant::Variant(ty) => ty,
                _ => return None,
            },
            _ => return None,
        };
        let plain = matches!(
            self.types[ty as usize],
            TypeDesc::Int | TypeDesc::Bool | TypeDesc::Float
        );
        (!plain && ty != declared && is_subtype(self.types, ty, declared)).then_some(ty)
    }
}
