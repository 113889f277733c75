//! Edges: where control goes, and what is known there.

use super::Check;
use super::code::Code;
use super::types::Ty;
use crate::code::Op;
use crate::module::{FrameMap, Hold, TypeDesc, TypeIx};

impl Code<'_> {
    /// The frame map of the branch target `distance` words away.
    fn target(&self, distance: i64) -> Check<&FrameMap> {
        let to = self.pc as i64 + distance;
        let pc = u32::try_from(to).map_err(|_| format!("it goes to {to}"))?;
        self.target_at(pc)
    }

    fn target_at(&self, pc: u32) -> Check<&FrameMap> {
        let f = self.function;
        let map = f.maps.binary_search_by_key(&pc, |m| m.pc);
        let map = map.map_err(|_| format!("its target {pc} has no frame map"))?;
        if Op::from_word(f.code[pc as usize]) == Some(Op::Landing) {
            return Err(format!("its target {pc} is a handler"));
        }
        Ok(&f.maps[map])
    }

    fn edge_to(&self, map: &FrameMap) -> Check {
        let to = map.pc;
        self.state
            .flows(Some(map), &[])
            .map_err(|e| format!("going to {to}: {e}"))
    }

    /// A branch: forward, unless the op polls.
    pub(super) fn branch(&self, distance: i64) -> Check {
        let polls = self.failure_checked;
        if distance <= 0 && !polls {
            return Err("only `loop` and `for` instructions go back".into());
        }
        self.edge_to(self.target(distance)?)
    }

    /// A branch on which `reg` is known to be of type `ty`.
    fn branch_as(&mut self, distance: i64, reg: u16, ty: Ty) -> Check {
        let saved = self.state.save(reg)?;
        self.state.retype(reg, ty);
        let checked = self.branch(distance);
        self.state.retype(reg, saved.ty);
        checked
    }

    /// A branch if `reg` is Null (`null`) or if it is not.
    pub(super) fn branch_null(&mut self, reg: u16, distance: i64, null: bool) -> Check {
        let (ty, _) = self.state.word(reg)?;
        let is_null = if self.types.admits_null(ty) {
            Ty::NULL
        } else {
            Ty::NEVER
        };
        let is_not = self.types.without_null(ty);
        let (there, here) = if null {
            (is_null, is_not)
        } else {
            (is_not, is_null)
        };
        self.branch_as(distance, reg, there)?;
        self.state.retype(reg, here);
        Ok(())
    }

    /// A branch if `reg` is of type `t` (`is`) or if it is not.
    pub(super) fn branch_type(&mut self, reg: u16, t: TypeIx, distance: i64, is: bool) -> Check {
        let (ty, _) = self.state.word(reg)?;
        self.types.known(t)?;
        let yes = self.types.narrowed(ty, t);
        let no = self.types.without(ty, t);
        let (there, here) = if is { (yes, no) } else { (no, yes) };
        self.branch_as(distance, reg, there)?;
        self.state.retype(reg, here);
        Ok(())
    }

    /// On the way to the target, `dst` holds an element borrowed from, or copied out of, `xs`.
    pub(super) fn branch_with(&mut self, dst: u16, ty: Ty, hold: Hold, distance: i64) -> Check {
        if self.state.save(dst)?.hold == Some(Hold::Owned) {
            self.state.vacate(dst)?;
        }
        let saved = self.state.save(dst)?;
        self.state.define(dst, ty, hold);
        let checked = self.branch(distance);
        self.state.restore(dst, saved);
        checked
    }

    fn jump_table(&self, table: u16) -> Check<&[u32]> {
        let found = self.function.tables.get(usize::from(table));
        let found = found.ok_or_else(|| format!("there is no jump table j{table}"))?;
        if found.iter().any(|&pc| pc as usize <= self.pc) {
            return Err("a jump table goes back".into());
        }
        Ok(found)
    }

    pub(super) fn switch_any(&self, table: u16) -> Check {
        for &pc in self.jump_table(table)? {
            self.edge_to(self.target_at(pc)?)?;
        }
        Ok(())
    }

    pub(super) fn switch_variants(&mut self, reg: u16, e: TypeIx, table: u16) -> Check {
        let TypeDesc::Enum {
            first_variant,
            variants,
            ..
        } = *self.types.get(e)
        else {
            return Err(format!("t{e} is no enum"));
        };
        self.state.expect(reg, e)?;
        let targets = self.jump_table(table)?.to_vec();
        if targets.len() != variants as usize {
            return Err(format!(
                "the table has {} entries for {variants} variants",
                targets.len()
            ));
        }
        let saved = self.state.save(reg)?;
        for (variant, pc) in (first_variant..).zip(targets) {
            self.state.retype(reg, Ty::word(variant));
            let checked = self.target_at(pc).and_then(|map| self.edge_to(map));
            self.state.retype(reg, saved.ty);
            checked?;
        }
        Ok(())
    }
}
