//! What is known of values in straight code, so that it is not asked again.
//!
//! Facts are about SSA values. A list that a register holds keeps its length while the register
//! keeps its value: whatever changes a list (but for its elements) gives the register a new value.
//! Facts end with the block at a frame map; what a call can change ends with the call.

use cranelift_codegen::ir::Value;

/// Facts that hold here.
#[derive(Default)]
pub(super) struct Facts {
    /// Lists and their lengths.
    lengths: Vec<(Value, Value)>,
    /// Lists, indices, and what the index is as one from the start: it is in range.
    indices: Vec<(Value, Value, Value)>,
    /// Objects that only this frame refers to.
    unique: Vec<Value>,
    /// Lists, indices from the start, and the word there.
    elements: Vec<(Value, Value, Value)>,
    /// The machine's stack has room for a call.
    pub(super) stack_checked: bool,
}

impl Facts {
    /// Nothing is known.
    pub(super) fn clear(&mut self) {
        self.lengths.clear();
        self.indices.clear();
        self.stack_checked = false;
        self.call();
    }

    /// Other code has run: it may have kept or changed what it could reach.
    pub(super) fn call(&mut self) {
        self.unique.clear();
        self.elements.clear();
    }

    /// Something has one more reference.
    pub(super) fn shared(&mut self) {
        self.unique.clear();
    }

    /// A word in some list has been replaced.
    pub(super) fn element_set(&mut self) {
        self.elements.clear();
    }

    /// The known length of a list.
    pub(super) fn length(&self, list: Value) -> Option<Value> {
        let found = self.lengths.iter().find(|known| known.0 == list);
        found.map(|known| known.1)
    }

    /// `len` is the length of a list.
    pub(super) fn set_length(&mut self, list: Value, len: Value) {
        self.lengths.push((list, len));
    }

    /// The index from the start for `i`, which is known to be in range.
    pub(super) fn index(&self, list: Value, i: Value) -> Option<Value> {
        let same = |known: &&(Value, Value, Value)| known.0 == list && known.1 == i;
        self.indices.iter().find(same).map(|known| known.2)
    }

    /// `i` is in range, and is `index` from the start.
    pub(super) fn set_index(&mut self, list: Value, i: Value, index: Value) {
        self.indices.push((list, i, index));
    }

    /// Whether an object is known to be unique.
    pub(super) fn is_unique(&self, object: Value) -> bool {
        self.unique.contains(&object)
    }

    /// An object is unique.
    pub(super) fn set_unique(&mut self, object: Value) {
        self.unique.push(object);
    }

    /// The known word at an index.
    pub(super) fn element(&self, list: Value, index: Value) -> Option<Value> {
        let same = |known: &&(Value, Value, Value)| known.0 == list && known.1 == index;
        self.elements.iter().find(same).map(|known| known.2)
    }

    /// `word` is at an index.
    pub(super) fn set_element(&mut self, list: Value, index: Value, word: Value) {
        self.elements.push((list, index, word));
    }
}
