//! What is known of each register at one point of a function.

use super::types::{Ty, Types};
use super::{Check, types::is_plain};
use crate::module::{FrameMap, Hold, TypeIx};

/// A register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) ty: Ty,
    /// `None`: uninitialised, moved out, or dead.
    pub(super) hold: Option<Hold>,
    /// Counts the times that this register's word left it or was changed.
    version: u32,
    /// For a borrowed word: its source's version when it was borrowed.
    lent_at: u32,
    /// Is in `State::touched`.
    touched: bool,
}

const EMPTY: Slot = Slot {
    ty: Ty::NULL,
    hold: None,
    version: 0,
    lent_at: 0,
    touched: false,
};

/// All registers of a frame.
pub(super) struct State<'a> {
    pub(super) types: &'a Types<'a>,
    slots: Vec<Slot>,
    /// Registers that were written since the last `clear`.
    touched: Vec<u16>,
    /// Registers that own a word, ascending.
    owned: Vec<u16>,
}

impl<'a> State<'a> {
    pub(super) fn new(types: &'a Types<'a>, frame: u16) -> Self {
        Self {
            types,
            slots: vec![EMPTY; usize::from(frame)],
            touched: Vec::new(),
            owned: Vec::new(),
        }
    }

    pub(super) fn frame(&self) -> usize {
        self.slots.len()
    }

    /// Nothing is initialised.
    pub(super) fn clear(&mut self) {
        for reg in self.touched.drain(..) {
            let slot = &mut self.slots[usize::from(reg)];
            slot.hold = None;
            slot.version = slot.version.wrapping_add(1);
            slot.touched = false;
        }
        self.owned.clear();
    }

    /// What the frame map says.
    pub(super) fn load(&mut self, map: &FrameMap) {
        self.clear();
        for entry in &map.live {
            let ty = match entry.hold {
                Hold::Plain => Ty::slot(entry.ty),
                _ => Ty::word(entry.ty),
            };
            self.define(entry.reg, ty, entry.hold);
        }
        // Only now has every source its version.
        for entry in &map.live {
            if let Hold::Borrowed(Some(from)) = entry.hold {
                let version = self.slots[usize::from(from)].version;
                self.slots[usize::from(entry.reg)].lent_at = version;
            }
        }
    }

    /// The register, if it is in the frame.
    fn slot(&self, reg: u16) -> Check<&Slot> {
        let slot = self.slots.get(usize::from(reg));
        slot.ok_or_else(|| format!("r{reg} is not in the frame of {} registers", self.frame()))
    }

    /// The register, which must be initialised, and if borrowed still alive.
    pub(super) fn read(&self, reg: u16) -> Check<(Ty, Hold)> {
        let slot = self.slot(reg)?;
        let Some(hold) = slot.hold else {
            return Err(format!("r{reg} is not initialised"));
        };
        if let Hold::Borrowed(Some(from)) = hold {
            let source = &self.slots[usize::from(from)];
            if source.hold != Some(Hold::Owned) || source.version != slot.lent_at {
                return Err(format!(
                    "r{reg} is borrowed from r{from}, which has changed since"
                ));
            }
        }
        Ok((slot.ty, hold))
    }

    /// The register, which must be a word.
    pub(super) fn word(&self, reg: u16) -> Check<(Ty, Hold)> {
        let (ty, hold) = self.read(reg)?;
        if hold == Hold::Plain {
            return Err(format!("r{reg} is {}, not a word", self.types.show(ty)));
        }
        Ok((ty, hold))
    }

    /// The register, which must have a value for a slot of type `want`.
    pub(super) fn expect(&self, reg: u16, want: TypeIx) -> Check {
        let (ty, _) = self.read(reg)?;
        if self.types.is_subtype(ty, want) {
            return Ok(());
        }
        let (found, want) = (self.types.show(ty), self.types.name(want));
        Err(format!("r{reg} is {found}, expected {want}"))
    }

    /// As `expect`, and the word moves out.
    pub(super) fn take(&mut self, reg: u16, want: TypeIx) -> Check {
        self.expect(reg, want)?;
        if !is_plain(want) {
            self.take_word(reg)?;
        }
        Ok(())
    }

    /// The word moves out.
    pub(super) fn take_word(&mut self, reg: u16) -> Check<Ty> {
        let (ty, hold) = self.word(reg)?;
        if hold != Hold::Owned {
            return Err(format!("r{reg} is borrowed and cannot be taken"));
        }
        self.kill(reg);
        Ok(ty)
    }

    /// The register, which must own a word for `want` that can be changed in place.
    pub(super) fn change(&self, reg: u16, want: TypeIx) -> Check {
        self.expect(reg, want)?;
        self.owns(reg)
    }

    pub(super) fn owns(&self, reg: u16) -> Check {
        let (_, hold) = self.read(reg)?;
        if let Hold::Borrowed(_) = hold {
            return Err(format!("r{reg} is borrowed and cannot be changed"));
        }
        Ok(())
    }

    /// What was borrowed from `reg` is no longer valid.
    pub(super) fn changed(&mut self, reg: u16) {
        let slot = &mut self.slots[usize::from(reg)];
        slot.version = slot.version.wrapping_add(1);
    }

    /// An operand beside the changed register `target` is neither it nor borrowed from it.
    pub(super) fn apart(&self, reg: u16, target: u16) -> Check {
        if reg == target {
            return Err(format!("r{reg} is changed and used by one instruction"));
        }
        match self.read(reg)?.1 {
            Hold::Borrowed(Some(from)) if from == target => Err(format!(
                "r{reg} is borrowed from r{target}, which the instruction changes"
            )),
            _ => Ok(()),
        }
    }

    /// What a value borrowed through `reg` is borrowed from.
    pub(super) fn source(&self, reg: u16) -> Check<Hold> {
        Ok(match self.word(reg)?.1 {
            Hold::Owned => Hold::Borrowed(Some(reg)),
            hold => hold,
        })
    }

    /// Does the register hold an Int, Bool or Float?
    pub(super) fn is_plain(&self, reg: u16) -> bool {
        self.slots
            .get(usize::from(reg))
            .is_some_and(|s| s.hold == Some(Hold::Plain))
    }

    /// The register is about to be overwritten: it owns nothing, and is dead until then.
    pub(super) fn vacate(&mut self, reg: u16) -> Check {
        let slot = *self.slot(reg)?;
        if slot.hold == Some(Hold::Owned) && !self.types.is_immediate(slot.ty) {
            return Err(format!(
                "r{reg} owns a {} that would be lost",
                self.types.show(slot.ty)
            ));
        }
        self.kill(reg);
        Ok(())
    }

    fn kill(&mut self, reg: u16) {
        let slot = &mut self.slots[usize::from(reg)];
        if slot.hold.take() == Some(Hold::Owned) {
            slot.version = slot.version.wrapping_add(1);
            if let Ok(i) = self.owned.binary_search(&reg) {
                self.owned.remove(i);
            }
        }
    }

    /// The register, vacated, gets a value.
    pub(super) fn define(&mut self, reg: u16, ty: Ty, hold: Hold) {
        let lent_at = match hold {
            Hold::Borrowed(Some(from)) => self.slots[usize::from(from)].version,
            _ => 0,
        };
        self.kill(reg);
        let slot = &mut self.slots[usize::from(reg)];
        slot.ty = ty;
        slot.hold = Some(hold);
        slot.lent_at = lent_at;
        if !slot.touched {
            slot.touched = true;
            self.touched.push(reg);
        }
        if hold == Hold::Owned
            && let Err(i) = self.owned.binary_search(&reg)
        {
            self.owned.insert(i, reg);
        }
    }

    /// The register's value is known to be of another type.
    pub(super) fn retype(&mut self, reg: u16, ty: Ty) {
        self.slots[usize::from(reg)].ty = ty;
    }

    /// The register as it is, to be put back with `restore`.
    pub(super) fn save(&self, reg: u16) -> Check<Slot> {
        self.slot(reg).copied()
    }

    /// Undoes a `define` on a register that owned nothing.
    pub(super) fn restore(&mut self, reg: u16, saved: Slot) {
        let slot = &mut self.slots[usize::from(reg)];
        let touched = slot.touched;
        *slot = saved;
        slot.touched = touched;
    }

    /// Registers from `base` up are dead; none may own a word.
    pub(super) fn clobber(&mut self, base: u16) -> Check {
        let first = self.owned.partition_point(|&r| r < base);
        for &reg in &self.owned[first..] {
            self.may_lose(reg)
                .map_err(|e| format!("{e}: the call clobbers it"))?;
        }
        for reg in self.owned.split_off(first) {
            let slot = &mut self.slots[usize::from(reg)];
            slot.hold = None;
            slot.version = slot.version.wrapping_add(1);
        }
        for &reg in &self.touched {
            if reg >= base {
                self.slots[usize::from(reg)].hold = None;
            }
        }
        Ok(())
    }

    fn may_lose(&self, reg: u16) -> Check {
        let ty = self.slots[usize::from(reg)].ty;
        if self.types.is_immediate(ty) {
            return Ok(());
        }
        Err(format!("r{reg} still owns a {}", self.types.show(ty)))
    }

    /// Control leaves the function: nothing is owned any more.
    pub(super) fn nothing_owned(&self) -> Check {
        self.owned.iter().try_for_each(|&reg| self.may_lose(reg))
    }

    /// Control goes where `map` holds (or leaves the function), after `drops` (ascending) were
    /// dropped.
    pub(super) fn flows(&self, map: Option<&FrameMap>, drops: &[u16]) -> Check {
        let live = map.map_or(&[][..], |m| &m.live);
        for entry in live {
            self.fits(entry)?;
        }
        let kept = |reg: u16| {
            let found = live.binary_search_by_key(&reg, |s| s.reg);
            found.is_ok_and(|i| live[i].hold == Hold::Owned)
        };
        for &reg in drops {
            if self.slot(reg)?.hold != Some(Hold::Owned) {
                return Err(format!("r{reg} would be dropped and owns nothing"));
            }
            if kept(reg) {
                return Err(format!("r{reg} would be dropped and is live at the target"));
            }
        }
        for &reg in &self.owned {
            if drops.binary_search(&reg).is_err() && !kept(reg) {
                self.may_lose(reg)?;
            }
        }
        Ok(())
    }

    /// A register is as a frame map wants it.
    fn fits(&self, want: &crate::module::RegState) -> Check {
        let reg = want.reg;
        let (ty, hold) = self.read(reg)?;
        let same = match (want.hold, hold) {
            (Hold::Borrowed(Some(_)), Hold::Borrowed(None)) => true,
            (a, b) => a == b,
        };
        let fits = match want.hold {
            Hold::Plain => self.types.is_subtype(ty, want.ty),
            _ => self.types.is_word_subtype(ty, want.ty),
        };
        if same && fits {
            return Ok(());
        }
        let show = |ty: String, hold: Hold| match hold {
            Hold::Plain => ty,
            Hold::Owned => format!("an owned {ty}"),
            Hold::Borrowed(None) => format!("a lent {ty}"),
            Hold::Borrowed(Some(from)) => format!("a {ty} lent by r{from}"),
        };
        let (found, want) = (
            show(self.types.show(ty), hold),
            show(self.types.name(want.ty), want.hold),
        );
        Err(format!("r{reg} is {found}, and the target wants {want}"))
    }
}
