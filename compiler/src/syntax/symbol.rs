//! Interned names: equal names are equal numbers.

use rustc_hash::FxHasher;
use std::hash::Hasher;

/// An interned name; resolve it with [`Interner::resolve`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Symbol(pub u32);

/// The table of names of one compilation.
///
/// All texts stand one after the other in one string; `slots` is an open-addressing hash table of
/// symbol numbers plus one (0 is a free slot), never more than half full.
#[derive(Clone, Debug)]
pub struct Interner {
    text: String,
    ends: Vec<u32>,
    slots: Vec<u32>,
    /// Which of the language's own words have been met, a bit each.
    met: [u64; WORD_SETS],
}

/// Room for the language's own words.
const WORD_SETS: usize = super::token::WORDS.len().div_ceil(64);

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

impl Interner {
    /// A table that holds the words of the language, at their fixed numbers, and nothing else.
    pub fn new() -> Interner {
        let mut interner = Interner {
            text: String::new(),
            ends: Vec::new(),
            slots: vec![0; 1024],
            met: [0; WORD_SETS],
        };
        for word in super::token::WORDS {
            interner.intern(word);
        }
        interner.met = [0; WORD_SETS];
        interner
    }

    /// The symbol of `name`, made if there is none yet.
    pub fn intern(&mut self, name: &str) -> Symbol {
        match self.find(name) {
            Ok(symbol) => {
                if let Some(set) = self.met.get_mut(symbol.0 as usize / 64) {
                    *set |= 1 << (symbol.0 % 64);
                }
                symbol
            }
            Err(slot) => self.insert(name, slot),
        }
    }

    /// Has `name` been interned, by anything but [`Interner::new`]?
    pub fn has_met(&self, name: &str) -> bool {
        self.find(name).is_ok_and(|symbol| {
            let set = self.met.get(symbol.0 as usize / 64);
            symbol.0 as usize >= super::token::WORDS.len()
                || set.is_some_and(|set| set & 1 << (symbol.0 % 64) != 0)
        })
    }

    /// The symbol of `name`, if it has been interned.
    pub fn get(&self, name: &str) -> Option<Symbol> {
        self.find(name).ok()
    }

    /// The text of `symbol`.
    pub fn resolve(&self, symbol: Symbol) -> &str {
        let index = symbol.0 as usize;
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        &self.text[start..self.ends[index] as usize]
    }

    /// How many names there are; symbols are `0..len`.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no name; never true, since the words of the language are there.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The symbol of `name`, or the free slot where it belongs.
    fn find(&self, name: &str) -> Result<Symbol, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(name) & mask;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                number => {
                    let symbol = Symbol(number - 1);
                    if self.resolve(symbol) == name {
                        return Ok(symbol);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn insert(&mut self, name: &str, slot: usize) -> Symbol {
        self.text.push_str(name);
        let end = u32::try_from(self.text.len()).expect("names take less than 4 GiB");
        self.ends.push(end);
        let number = self.ends.len() as u32;
        self.slots[slot] = number;
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        Symbol(number - 1)
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        self.slots = vec![0; size];
        for index in 0..self.ends.len() {
            let symbol = Symbol(index as u32);
            let mut slot = hash(self.resolve(symbol)) & (size - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = symbol.0 + 1;
        }
    }
}

fn hash(name: &str) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_equal_symbols_also_after_growing() {
        let mut interner = Interner::new();
        let first: Vec<_> = (0..5000)
            .map(|i| interner.intern(&format!("name{i}")))
            .collect();
        for (i, symbol) in first.iter().enumerate() {
            assert_eq!(interner.intern(&format!("name{i}")), *symbol);
            assert_eq!(interner.resolve(*symbol), format!("name{i}"));
        }
        assert_eq!(interner.get("never seen"), None);
        assert_eq!(interner.get("cell"), Some(crate::syntax::token::sym::CELL));
    }
}
