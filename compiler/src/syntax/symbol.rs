//! Interned names: equal names are equal numbers.

use rustc_hash::FxHasher;
use std::hash::Hasher;

/// An interned name; resolve it with [`Interner::resolve`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Symbol(pub u32);

/// The table of names of one compilation.
///
/// All texts stand one after the other in one string; `slots` is an open-addressing hash table,
/// never more than half full.
#[derive(Clone, Debug)]
pub struct Interner {
    text: String,
    /// Where the text of each symbol begins, and last, where that of the last one ends.
    bounds: Vec<u32>,
    slots: Vec<Slot>,
    /// Which of the language's own words have been met, a bit each.
    met: [u64; WORD_SETS],
}

/// A place of the hash table.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The hash, cut short: most texts that differ are told apart without being looked at.
    hash: u32,
    /// The symbol's number plus one; 0 is a free slot.
    number: u32,
}

const FREE: Slot = Slot { hash: 0, number: 0 };

impl Symbol {
    /// The name of what has none: its text is empty.
    pub const NONE: Symbol = Symbol(u32::MAX);
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
            bounds: vec![0],
            slots: vec![FREE; 1024],
            met: [0; WORD_SETS],
        };
        for word in super::token::WORDS {
            interner.intern(word);
        }
        interner.met = [0; WORD_SETS];
        interner
    }

    /// A table without any name, not even those of the language: their symbols are not fixed in it.
    pub(crate) fn without_words() -> Interner {
        Interner {
            text: String::new(),
            bounds: vec![0],
            slots: vec![FREE],
            met: [0; WORD_SETS],
        }
    }

    /// The symbol of `name`, made if there is none yet.
    pub fn intern(&mut self, name: &str) -> Symbol {
        let hash = hash(name);
        match self.find(name, hash) {
            Ok(symbol) => {
                if let Some(set) = self.met.get_mut(symbol.0 as usize / 64) {
                    *set |= 1 << (symbol.0 % 64);
                }
                symbol
            }
            Err(slot) => self.insert(name, hash, slot),
        }
    }

    /// Has `name` been interned, by anything but [`Interner::new`]?
    pub fn has_met(&self, name: &str) -> bool {
        self.find(name, hash(name)).is_ok_and(|symbol| {
            let set = self.met.get(symbol.0 as usize / 64);
            symbol.0 as usize >= super::token::WORDS.len()
                || set.is_some_and(|set| set & 1 << (symbol.0 % 64) != 0)
        })
    }

    /// The symbol of `name`, if it has been interned.
    pub fn get(&self, name: &str) -> Option<Symbol> {
        self.find(name, hash(name)).ok()
    }

    /// The text of `symbol`; empty for one that is not of this table, as [`Symbol::NONE`].
    pub fn resolve(&self, symbol: Symbol) -> &str {
        let at = symbol.0 as usize;
        match self.bounds.get(at..) {
            Some([start, end, ..]) => &self.text[*start as usize..*end as usize],
            _ => "",
        }
    }

    /// How many names there are; symbols are `0..len`.
    pub fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Whether there is no name; never true, since the words of the language are there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The symbol of `name`, or the free slot where it belongs.
    fn find(&self, name: &str, hash: u32) -> Result<Symbol, usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == 0 {
                return Err(at);
            }
            if slot.hash == hash {
                let symbol = Symbol(slot.number - 1);
                if self.bytes_of(symbol) == name.as_bytes() {
                    return Ok(symbol);
                }
            }
            at = (at + 1) & mask;
        }
    }

    fn bytes_of(&self, symbol: Symbol) -> &[u8] {
        let at = symbol.0 as usize;
        &self.text.as_bytes()[self.bounds[at] as usize..self.bounds[at + 1] as usize]
    }

    fn insert(&mut self, name: &str, hash: u32, slot: usize) -> Symbol {
        self.text.push_str(name);
        let end = u32::try_from(self.text.len()).expect("names take less than 4 GiB");
        let number = self.bounds.len() as u32;
        self.bounds.push(end);
        self.slots[slot] = Slot { hash, number };
        if self.bounds.len() * 2 > self.slots.len() {
            self.grow();
        }
        Symbol(number - 1)
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let mut slots = vec![FREE; size];
        for slot in self.slots.iter().filter(|slot| slot.number != 0) {
            let mut at = slot.hash as usize & (size - 1);
            while slots[at].number != 0 {
                at = (at + 1) & (size - 1);
            }
            slots[at] = *slot;
        }
        self.slots = slots;
    }
}

fn hash(name: &str) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish() as u32
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
        assert_eq!(interner.resolve(Symbol::NONE), "");
        assert_eq!(interner.get("never seen"), None);
        assert_eq!(interner.get("cell"), Some(crate::syntax::token::sym::CELL));
    }
}
