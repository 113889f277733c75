//! Calls, natives and spawns.

use super::Fails::Yes;
use crate::module::{Hold, NativeImport, TypeDesc, TypeIx};
use crate::operand::{Native, Path, Reg};
use crate::verify::Check;
use crate::verify::code::Code;
use crate::verify::module::{self, PathShape};
use crate::verify::types::{Ty, is_plain};

impl Code<'_> {
    /// Registers `first ..` of a window, as many as `types`, hold values of these types.
    fn window(&self, first: u16, types: &[TypeIx]) -> Check {
        self.in_frame(first, types.len())?;
        for (reg, &t) in (first..).zip(types) {
            self.state.expect(reg, t)?;
        }
        Ok(())
    }

    /// The window's registers are in the frame.
    pub(super) fn in_frame(&self, first: u16, len: usize) -> Check {
        if usize::from(first) + len > self.state.frame() {
            return Err(format!(
                "the window of {len} from r{first} leaves the frame"
            ));
        }
        Ok(())
    }

    /// An argument in a window that the callee borrows outlives the call.
    fn lent(&self, reg: u16, base: u16, want: TypeIx) -> Check {
        self.state.expect(reg, want)?;
        match self.state.read(reg)?.1 {
            Hold::Borrowed(Some(from)) if from >= base => Err(format!(
                "r{reg} is borrowed from r{from}, which the call clobbers"
            )),
            Hold::Owned if !self.types.is_immediate(self.state.read(reg)?.0) => {
                Err(format!("r{reg} is owned, and the callee only borrows it"))
            }
            _ => Ok(()),
        }
    }

    /// After the arguments: everything from `base` up dies, and the result appears.
    fn called(&mut self, base: u16, result: TypeIx) -> Check {
        self.state.clobber(base)?;
        self.out(Reg(base), Ty::slot(result), Yes)
    }

    pub(super) fn call_op(&mut self, base: u16, func: u32) -> Check {
        let module = self.module;
        let callee = module::function(module, func)?;
        if callee.closure.is_some() {
            return Err(format!("f{func} needs its closure"));
        }
        self.in_frame(base, 1 + callee.params.len())?;
        let owned = |i: usize| callee.owned.get(i) == Some(&true);
        for (i, &t) in callee.params.iter().enumerate() {
            if is_plain(t) || !owned(i) {
                self.lent(base + 1 + i as u16, base, t)?;
            }
        }
        for (i, &t) in callee.params.iter().enumerate() {
            if owned(i) {
                self.state.take(base + 1 + i as u16, t)?;
            }
        }
        // A borrowed argument of a word that has just been handed over.
        for (i, _) in callee.params.iter().enumerate().filter(|(i, _)| !owned(*i)) {
            self.state.read(base + 1 + i as u16)?;
        }
        self.called(base, callee.result)
    }

    pub(super) fn call_closure_op(&mut self, base: u16, argc: u16) -> Check {
        let (params, result) = self.signature(base)?;
        if params.len() != usize::from(argc) {
            return Err(format!("{argc} arguments for {} parameters", params.len()));
        }
        self.in_frame(base, 1 + params.len())?;
        let (closure, _) = self.state.read(base)?;
        self.lent(base, base, closure.ix())?;
        for (i, &t) in params.iter().enumerate() {
            self.lent(base + 1 + i as u16, base, t)?;
        }
        self.called(base, result)
    }

    /// Parameters and result of the function value in `reg`.
    fn signature(&self, reg: u16) -> Check<(&[TypeIx], TypeIx)> {
        let (ty, _) = self.state.word(reg)?;
        let func = match self.types.get(ty.ix()) {
            TypeDesc::Closure { as_func, .. } => *as_func,
            _ => ty.ix(),
        };
        match self.types.get(func) {
            TypeDesc::Func { params, result } => Ok((params, *result)),
            _ => Err(format!("r{reg} is {}, no function", self.types.show(ty))),
        }
    }

    fn native(&self, native: Native) -> Check<&NativeImport> {
        let found = self.module.natives.get(usize::from(native.0));
        found.ok_or_else(|| format!("there is no native n{}", native.0))
    }

    pub(super) fn call_native_op(&mut self, dst: Reg, first: u16, native: Native) -> Check {
        let module = self.module;
        self.native(native)?;
        let import = &module.natives[usize::from(native.0)];
        self.window(first, &import.params)?;
        if import.mutator {
            let place = import.params[0];
            self.state.change(first, place)?;
            for i in 1..import.params.len() {
                self.state.apart(first + i as u16, first)?;
            }
            self.state.changed(first);
            self.state.retype(first, Ty::slot(place));
        }
        self.out(dst, Ty::slot(import.result), Yes)
    }

    fn shape(&self, path: Path) -> Check<PathShape> {
        let steps = self.module.paths.get(usize::from(path.0));
        let steps = steps.ok_or_else(|| format!("there is no path p{}", path.0))?;
        module::path(self.types, steps)
    }

    pub(super) fn call_native_at_op(
        &mut self,
        dst: Reg,
        root: Reg,
        first: u16,
        path: Path,
        native: Native,
    ) -> Check {
        let module = self.module;
        self.native(native)?;
        let import = &module.natives[usize::from(native.0)];
        let mut shape = self.shape(path)?;
        if module.paths[usize::from(path.0)].is_empty()
            && let Some(&changed) = import.params.first()
        {
            shape.root = changed;
            shape.place = changed;
        }
        if !import.mutator || import.params[0] != shape.place {
            let place = self.types.name(shape.place);
            return Err(format!("n{} changes no {place}", native.0));
        }
        let mut operands = shape.operands;
        operands.extend_from_slice(&import.params[1..]);
        self.change_at(root, shape.root, first, &operands)?;
        self.out(dst, Ty::slot(import.result), Yes)
    }

    /// `root` is changed; the operands of the window stand apart from it.
    fn change_at(&mut self, root: Reg, ty: TypeIx, first: u16, operands: &[TypeIx]) -> Check {
        self.state.change(root.0, ty)?;
        self.window(first, operands)?;
        for i in 0..operands.len() {
            self.state.apart(first + i as u16, root.0)?;
        }
        self.state.changed(root.0);
        self.state.retype(root.0, Ty::slot(ty));
        Ok(())
    }

    pub(super) fn place_set_op(&mut self, root: Reg, first: u16, path: Path, v: Reg) -> Check {
        let shape = self.shape(path)?;
        if self.module.paths[usize::from(path.0)].is_empty() {
            return Err(format!("p{} has no steps", path.0));
        }
        self.state.apart(v.0, root.0)?;
        self.change_at(root, shape.root, first, &shape.operands)?;
        self.state.take(v.0, shape.place)?;
        for i in 0..shape.operands.len() {
            self.state
                .read(first + i as u16)
                .map_err(|e| format!("{e}, by taking r{}", v.0))?;
        }
        self.fails()
    }

    pub(super) fn spawn_op(&mut self, dst: Reg, body: Reg, mode: u16) -> Check {
        if mode > 3 {
            return Err(format!("there is no spawn mode {mode}"));
        }
        let (params, result) = self.signature(body.0)?;
        if !params.is_empty() {
            return Err(format!("r{} needs arguments", body.0));
        }
        let future = self.types.future_of(result).ok_or_else(|| {
            format!(
                "the module has no type `Future[{}]`",
                self.types.name(result)
            )
        })?;
        self.state.take_word(body.0)?;
        self.out(dst, Ty::slot(future), Yes)
    }
}
