//! Many sets of small numbers, one for each block of a function.
//!
//! They stand side by side in memory, all words of each, while that is little. A function with
//! many thousands of blocks has as many registers, and most are live in a few blocks: there, a set
//! is a list of its words that are not empty.

use super::bitset::members_of;
use smallvec::SmallVec;

/// From how many words in all on the sets are lists.
const MANY_WORDS: usize = 1 << 16;

/// Words of a set that are not empty (or once were not), by their numbers, ascending.
type Words = SmallVec<[(u32, u64); 1]>;

/// Sets of the same capacity.
#[derive(Clone, Debug)]
pub struct BitRows(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Dense { words: Vec<u64>, stride: usize },
    Sparse(Vec<Words>),
}

impl BitRows {
    /// `rows` empty sets for numbers below `len`.
    #[must_use]
    pub fn new(rows: usize, len: usize) -> Self {
        let stride = len.div_ceil(64);
        if rows * stride < MANY_WORDS {
            Self::dense(rows, stride)
        } else {
            Self::sparse(rows)
        }
    }

    fn dense(rows: usize, stride: usize) -> Self {
        let words = vec![0; rows * stride];
        Self(Repr::Dense { words, stride })
    }

    fn sparse(rows: usize) -> Self {
        Self(Repr::Sparse(vec![Words::new(); rows]))
    }

    /// The words of a set, if those of all stand side by side.
    pub(super) fn row_mut(&mut self, row: usize) -> Option<&mut [u64]> {
        match &mut self.0 {
            Repr::Dense { words, stride } => Some(&mut words[row * *stride..][..*stride]),
            Repr::Sparse(_) => None,
        }
    }

    /// Adds `i` to a set.
    #[inline]
    pub fn insert(&mut self, row: usize, i: u32) {
        let (word, bit) = (i / 64, 1u64 << (i % 64));
        match &mut self.0 {
            Repr::Dense { words, stride } => words[row * *stride + word as usize] |= bit,
            Repr::Sparse(rows) => match find(&rows[row], word) {
                Ok(at) => rows[row][at].1 |= bit,
                Err(at) => rows[row].insert(at, (word, bit)),
            },
        }
    }

    /// Removes `i` from a set.
    #[inline]
    pub fn remove(&mut self, row: usize, i: u32) {
        let (word, bit) = (i / 64, 1u64 << (i % 64));
        match &mut self.0 {
            Repr::Dense { words, stride } => words[row * *stride + word as usize] &= !bit,
            Repr::Sparse(rows) => {
                if let Ok(at) = find(&rows[row], word) {
                    rows[row][at].1 &= !bit;
                }
            }
        }
    }

    /// Is `i` in the set?
    #[must_use]
    #[inline]
    pub fn contains(&self, row: usize, i: u32) -> bool {
        let (word, bit) = (i / 64, 1u64 << (i % 64));
        let word = match &self.0 {
            Repr::Dense { words, stride } => words[row * stride + word as usize],
            Repr::Sparse(rows) => word_of(&rows[row], word),
        };
        word & bit != 0
    }

    /// Adds all of set `from` of `other`, which has the same shape.
    #[inline]
    pub fn union_from(&mut self, row: usize, other: &Self, from: usize) {
        match (&mut self.0, &other.0) {
            (Repr::Dense { words, stride }, Repr::Dense { words: others, .. }) => {
                let words = &mut words[row * *stride..][..*stride];
                let others = &others[from * *stride..][..*stride];
                for (a, b) in words.iter_mut().zip(others) {
                    *a |= b;
                }
            }
            (Repr::Sparse(rows), Repr::Sparse(others)) => {
                add(&mut rows[row], others[from].iter().copied());
            }
            _ => debug_assert!(false, "sets of different shapes"),
        }
    }

    /// Adds all of set `other` of these; tells whether anything was new.
    #[inline]
    pub fn union_with_row(&mut self, row: usize, other: usize) -> bool {
        match &mut self.0 {
            Repr::Dense { words, stride } => {
                let mut new = 0;
                for word in 0..*stride {
                    let b = words[other * *stride + word];
                    let a = &mut words[row * *stride + word];
                    new |= b & !*a;
                    *a |= b;
                }
                new != 0
            }
            Repr::Sparse(_) if row == other => false,
            Repr::Sparse(rows) => {
                let mut words = std::mem::take(&mut rows[row]);
                let new = add(&mut words, rows[other].iter().copied());
                rows[row] = words;
                new
            }
        }
    }

    /// Adds to a set what is in `after`'s and not in `without`'s, and all of `with`'s (sets of the
    /// same number); tells whether anything was new.
    #[inline]
    pub fn flow(&mut self, row: usize, after: &Self, without: &Self, with: &Self) -> bool {
        match (&mut self.0, &after.0, &without.0, &with.0) {
            (
                Repr::Dense { words, stride },
                Repr::Dense { words: after, .. },
                Repr::Dense { words: without, .. },
                Repr::Dense { words: with, .. },
            ) => {
                let all = row * *stride..(row + 1) * *stride;
                let rest = after[all.clone()].iter().zip(&without[all.clone()]);
                let rest = rest.zip(&with[all.clone()]);
                let mut new = 0;
                for (word, ((after, without), with)) in words[all].iter_mut().zip(rest) {
                    let flows = after & !without | with;
                    new |= flows & !*word;
                    *word |= flows;
                }
                new != 0
            }
            (
                Repr::Sparse(rows),
                Repr::Sparse(after),
                Repr::Sparse(without),
                Repr::Sparse(with),
            ) => {
                let without = &without[row];
                let after = after[row].iter();
                let flows = after.map(|&(w, bits)| (w, bits & !word_of(without, w)));
                let new = add(&mut rows[row], flows);
                add(&mut rows[row], with[row].iter().copied()) || new
            }
            _ => {
                debug_assert!(false, "sets of different shapes");
                false
            }
        }
    }

    /// The members of a set, ascending.
    pub fn iter(&self, row: usize) -> impl Iterator<Item = u32> + '_ {
        let (dense, sparse) = match &self.0 {
            Repr::Dense { words, stride } => (&words[row * stride..][..*stride], &[][..]),
            Repr::Sparse(rows) => (&[][..], &rows[row][..]),
        };
        // One of the two is empty.
        (0..dense.len() + sparse.len()).flat_map(move |at| match dense.get(at) {
            Some(&word) => members_of(at as u32, word),
            None => members_of(sparse[at].0, sparse[at].1),
        })
    }
}

/// Where word number `word` is, or belongs.
fn find(words: &Words, word: u32) -> Result<usize, usize> {
    words.binary_search_by_key(&word, |&(w, _)| w)
}

fn word_of(words: &Words, word: u32) -> u64 {
    find(words, word).map_or(0, |at| words[at].1)
}

/// Adds words, which come by ascending number; tells whether anything was new.
fn add(words: &mut Words, from: impl Iterator<Item = (u32, u64)>) -> bool {
    let (mut at, mut new) = (0, 0);
    let old = words.len();
    for (w, bits) in from.filter(|&(_, bits)| bits != 0) {
        while at < old && words[at].0 < w {
            at += 1;
        }
        if at < old && words[at].0 == w {
            new |= bits & !words[at].1;
            words[at].1 |= bits;
        } else {
            words.push((w, bits));
            new |= bits;
        }
    }
    if words.len() > old {
        // Two ascending runs: a stable sort merges them.
        words.sort_by_key(|&(w, _)| w);
    }
    new != 0
}

#[cfg(test)]
mod tests {
    use super::BitRows;

    /// Both representations hold the same after the same steps.
    #[test]
    fn lists_hold_what_words_do() {
        const ROWS: usize = 4;
        const LEN: u32 = 700;
        let stride = LEN.div_ceil(64) as usize;
        let mut dense: [BitRows; 4] = std::array::from_fn(|_| BitRows::dense(ROWS, stride));
        let mut sparse: [BitRows; 4] = std::array::from_fn(|_| BitRows::sparse(ROWS));
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % n
        };
        for _ in 0..20_000 {
            let (step, which) = (below(16), below(4));
            let (row, other, i) = (below(ROWS), below(ROWS), below(LEN as usize) as u32);
            let told = [&mut dense, &mut sparse].map(|sets| {
                let [a, b, c, d] = sets;
                match step {
                    0 => a.flow(row, b, c, d),
                    1 => a.union_with_row(row, other),
                    2 => {
                        a.union_from(row, b, other);
                        true
                    }
                    3..9 => {
                        sets[which].insert(row, i);
                        true
                    }
                    _ => {
                        let had = sets[which].contains(row, i);
                        for near in i.saturating_sub(20)..i {
                            sets[which].remove(row, near);
                        }
                        had
                    }
                }
            });
            assert_eq!(told[0], told[1]);
            let members = |sets: &[BitRows; 4]| sets[which].iter(row).collect::<Vec<_>>();
            assert_eq!(members(&dense), members(&sparse));
        }
    }
}
