//! Dense sets of small numbers.

/// A fixed-capacity set of `u32`.
#[derive(Clone, Debug, Default)]
pub struct BitSet {
    /// First a bit for each word behind, set if that may have members, so that walks over a large
    /// set of few members are short; then the words.
    words: Vec<u64>,
    /// Where the words begin.
    from: usize,
}

/// How many words a set for numbers below `len` has, and how many say which are in use.
fn shape(len: usize) -> (usize, usize) {
    let words = len.div_ceil(64);
    (words, words.div_ceil(64))
}

impl BitSet {
    /// An empty set for numbers below `len`.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let (words, from) = shape(len);
        Self {
            words: vec![0; from + words],
            from,
        }
    }

    /// Empties the set, and makes it one for numbers below `len`.
    pub fn reset(&mut self, len: usize) {
        let (words, from) = shape(len);
        if from == self.from {
            self.clear();
        } else {
            self.words.clear();
        }
        self.from = from;
        self.words.resize(from + words, 0);
    }

    /// Adds `i`; tells whether it was new.
    #[inline]
    pub fn insert(&mut self, i: u32) -> bool {
        let (word, bit) = (i as usize / 64, 1u64 << (i % 64));
        let at = &mut self.words[self.from + word];
        let new = *at & bit == 0;
        *at |= bit;
        self.words[word / 64] |= 1 << (word % 64);
        new
    }

    /// Removes `i`.
    #[inline]
    pub fn remove(&mut self, i: u32) {
        let word = i as usize / 64;
        let at = &mut self.words[self.from + word];
        *at &= !(1u64 << (i % 64));
        if *at == 0 {
            self.words[word / 64] &= !(1 << (word % 64));
        }
    }

    /// Is `i` in the set?
    #[must_use]
    #[inline]
    pub fn contains(&self, i: u32) -> bool {
        self.words
            .get(self.from + i as usize / 64)
            .is_some_and(|w| w & (1u64 << (i % 64)) != 0)
    }

    /// Keeps what `other` (of the same capacity) has too; tells whether anything went.
    pub fn intersect(&mut self, other: &Self) -> bool {
        let mut changed = false;
        let words = self.words.iter_mut().zip(&other.words);
        for (a, b) in words.skip(self.from) {
            changed |= *a & !*b != 0;
            *a &= *b;
        }
        changed
    }

    /// Empties the set.
    pub fn clear(&mut self) {
        let (used, words) = self.words.split_at_mut(self.from);
        for (i, used) in (0..).zip(used) {
            for word in members_of(i, std::mem::take(used)) {
                words[word as usize] = 0;
            }
        }
    }

    /// Calls `f` with its members, ascending.
    #[inline]
    pub fn for_each(&self, f: impl FnMut(u32)) {
        self.for_each_common(self, f);
    }

    /// Calls `f` with what both sets (of the same capacity) have, ascending.
    #[inline]
    pub fn for_each_common(&self, other: &Self, mut f: impl FnMut(u32)) {
        let (used, words) = self.words.split_at(self.from);
        let others = &other.words[other.from..];
        for (i, &used) in (0..).zip(used) {
            let mut rest = used;
            while rest != 0 {
                let word = i * 64 + rest.trailing_zeros();
                rest &= rest - 1;
                let mut bits = words[word as usize] & others[word as usize];
                while bits != 0 {
                    f(word * 64 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
        }
    }

    /// Its members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let words = (0..).zip(&self.words[self.from..]);
        words.flat_map(|(i, &word)| members_of(i, word))
    }
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
        let (mut members, mut common) = (Vec::new(), Vec::new());
        set.for_each(|i| members.push(i));
        assert_eq!(members, [0, 63, 199]);
        let mut other = BitSet::new(200);
        (50..200).for_each(|i| _ = other.insert(i));
        set.for_each_common(&other, |i| common.push(i));
        assert_eq!(common, [63, 199]);
        set.clear();
        assert_eq!(set.iter().count(), 0);
        set.reset(100_000);
        set.insert(70_000);
        set.reset(90_000);
        assert!(!set.contains(70_000));
    }
}
