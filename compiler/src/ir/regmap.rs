//! A map from registers, for passes that ask it at every operand.

use super::VReg;

/// What is known of some registers; as dense as a function's registers are.
#[derive(Clone, Debug)]
pub struct RegMap<T> {
    slots: Vec<Option<T>>,
    /// Registers that may have an entry.
    filled: Vec<VReg>,
}

impl<T> Default for RegMap<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            filled: Vec::new(),
        }
    }
}

impl<T: Copy> RegMap<T> {
    /// An empty map for registers below `len`.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self {
            slots: vec![None; len],
            filled: Vec::new(),
        }
    }

    /// Makes it an empty map for registers below `len`.
    pub fn reset(&mut self, len: usize) {
        self.clear();
        if self.slots.len() < len {
            self.slots.resize(len, None);
        }
    }

    /// What is known of `reg`.
    #[must_use]
    #[inline]
    pub fn get(&self, reg: VReg) -> Option<T> {
        self.slots[reg.0 as usize]
    }

    /// Makes this known of `reg`.
    #[inline]
    pub fn insert(&mut self, reg: VReg, value: T) {
        if self.slots[reg.0 as usize].replace(value).is_none() {
            self.filled.push(reg);
        }
    }

    /// Forgets `reg`.
    #[inline]
    pub fn remove(&mut self, reg: VReg) {
        self.slots[reg.0 as usize] = None;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        for reg in self.filled.drain(..) {
            self.slots[reg.0 as usize] = None;
        }
    }

    /// Nothing has been put in since it was made or cleared.
    #[must_use]
    #[inline]
    pub fn is_untouched(&self) -> bool {
        self.filled.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{RegMap, VReg};

    #[test]
    fn entries_come_and_go() {
        let mut map = RegMap::new(3);
        assert!(map.is_untouched());
        map.insert(VReg(1), 'a');
        map.insert(VReg(1), 'b');
        map.insert(VReg(2), 'c');
        map.remove(VReg(2));
        assert_eq!([0, 1, 2].map(|r| map.get(VReg(r))), [None, Some('b'), None]);
        map.clear();
        assert!(map.is_untouched() && map.get(VReg(1)).is_none());
    }
}
