//! Dense sets of small numbers.

/// A fixed-capacity set of `u32`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    /// An empty set for numbers below `len`.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(64)],
        }
    }

    /// Empties the set, and makes it one for numbers below `len`.
    pub fn reset(&mut self, len: usize) {
        self.words.clear();
        self.words.resize(len.div_ceil(64), 0);
    }

    /// Adds `i`; tells whether it was new.
    #[inline]
    pub fn insert(&mut self, i: u32) -> bool {
        let (word, bit) = (i as usize / 64, 1u64 << (i % 64));
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Removes `i`.
    #[inline]
    pub fn remove(&mut self, i: u32) {
        self.words[i as usize / 64] &= !(1u64 << (i % 64));
    }

    /// Is `i` in the set?
    #[must_use]
    #[inline]
    pub fn contains(&self, i: u32) -> bool {
        self.words
            .get(i as usize / 64)
            .is_some_and(|w| w & (1u64 << (i % 64)) != 0)
    }

    /// Adds all of `other` (of the same capacity); tells whether anything was new.
    pub fn union_with(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            changed |= *b & !*a != 0;
            *a |= *b;
        }
        changed
    }

    /// Keeps what `other` (of the same capacity) has too; tells whether anything went.
    pub fn intersect(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            changed |= *a & !*b != 0;
            *a &= *b;
        }
        changed
    }

    /// Empties the set.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Calls `f` with its members, ascending.
    #[inline]
    pub fn for_each(&self, mut f: impl FnMut(u32)) {
        for (i, &word) in (0..).zip(&self.words) {
            let mut rest = word;
            while rest != 0 {
                f(i * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    /// Calls `f` with what both sets have, ascending.
    #[inline]
    pub fn for_each_common(&self, other: &Self, mut f: impl FnMut(u32)) {
        for (i, (a, b)) in (0..).zip(self.words.iter().zip(&other.words)) {
            let mut rest = a & b;
            while rest != 0 {
                f(i * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    /// Its members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        members(&self.words)
    }
}

fn members(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    (0..).zip(words).flat_map(|(i, &word)| members_of(i, word))
}

/// The members that word number `i` of a set stands for, ascending.
pub(super) fn members_of(i: u32, word: u64) -> impl Iterator<Item = u32> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest == 0 {
            return None;
        }
        let bit = rest.trailing_zeros();
        rest &= rest - 1;
        Some(i * 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::BitSet;

    #[test]
    fn members_come_in_order_and_go_again() {
        let mut set = BitSet::new(200);
        for i in [199, 0, 64, 63] {
            assert!(set.insert(i));
            assert!(!set.insert(i));
        }
        set.remove(64);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 199]);
        assert!(set.contains(63) && !set.contains(64));
    }
}
