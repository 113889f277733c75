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
    pub fn insert(&mut self, i: u32) -> bool {
        let (word, bit) = (i as usize / 64, 1u64 << (i % 64));
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Removes `i`.
    pub fn remove(&mut self, i: u32) {
        self.words[i as usize / 64] &= !(1u64 << (i % 64));
    }

    /// Is `i` in the set?
    #[must_use]
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

    /// Its members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        members(&self.words)
    }
}

fn members(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    words.iter().enumerate().flat_map(|(i, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let bit = rest.trailing_zeros();
            rest &= rest - 1;
            Some(i as u32 * 64 + bit)
        })
    })
}

/// Many sets of the same capacity, side by side in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitRows {
    words: Vec<u64>,
    stride: usize,
}

impl BitRows {
    /// `rows` empty sets for numbers below `len`.
    #[must_use]
    pub fn new(rows: usize, len: usize) -> Self {
        let stride = len.div_ceil(64);
        Self {
            words: vec![0; rows * stride],
            stride,
        }
    }

    /// The words of a set.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.stride..][..self.stride]
    }

    /// Adds `i` to a set.
    pub fn insert(&mut self, row: usize, i: u32) {
        self.words[row * self.stride + i as usize / 64] |= 1u64 << (i % 64);
    }

    /// Removes `i` from a set.
    pub fn remove(&mut self, row: usize, i: u32) {
        self.words[row * self.stride + i as usize / 64] &= !(1u64 << (i % 64));
    }

    /// Is `i` in the set?
    #[must_use]
    pub fn contains(&self, row: usize, i: u32) -> bool {
        self.words[row * self.stride + i as usize / 64] & (1u64 << (i % 64)) != 0
    }

    /// Adds all of `other`, the words of a set; tells whether anything was new.
    pub fn union_row(&mut self, row: usize, other: &[u64]) -> bool {
        let mut new = 0;
        let words = &mut self.words[row * self.stride..][..self.stride];
        for (a, b) in words.iter_mut().zip(other) {
            new |= *b & !*a;
            *a |= *b;
        }
        new != 0
    }

    /// Adds all of set `other` of these; tells whether anything was new.
    pub fn union_with_row(&mut self, row: usize, other: usize) -> bool {
        let mut new = 0;
        for word in 0..self.stride {
            let b = self.words[other * self.stride + word];
            let a = &mut self.words[row * self.stride + word];
            new |= b & !*a;
            *a |= b;
        }
        new != 0
    }

    /// Adds what is in `after` and not in `without`, and all of `with`; tells whether anything was
    /// new.
    pub fn flow(&mut self, row: usize, after: &[u64], without: &[u64], with: &[u64]) -> bool {
        let mut new = 0;
        let words = &mut self.words[row * self.stride..][..self.stride];
        for (((word, after), without), with) in words.iter_mut().zip(after).zip(without).zip(with) {
            let flows = after & !without | with;
            new |= flows & !*word;
            *word |= flows;
        }
        new != 0
    }

    /// The members of a set, ascending.
    pub fn iter(&self, row: usize) -> impl Iterator<Item = u32> + '_ {
        members(self.row(row))
    }
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
