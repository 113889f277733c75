//! Text to `Json` values, without a tree in between.

use std::fmt;

use lumen_runtime::heap::hash::hash_bytes;
use lumen_runtime::heap::word::{ABSENT, NULL, bool_word};
use lumen_runtime::heap::{Alloc, Heap, OutOfMemory, count, list, map, record, string, well_known};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::JsonError;

/// Recently used keys: objects in an array mostly have the same.
const KEYS: usize = 64;

struct Builder<'h> {
    heap: &'h mut Heap,
    keys: [u64; KEYS],
    out_of_memory: bool,
}

/// Parses a JSON text; the value is an owned word of type `Json`.
pub fn parse(heap: &mut Heap, text: &str) -> Result<u64, JsonError> {
    let mut builder = Builder {
        heap,
        keys: [ABSENT; KEYS],
        out_of_memory: false,
    };
    let mut de = serde_json::Deserializer::from_str(text);
    let mut parsed = Value(&mut builder).deserialize(&mut de);
    if let Ok(w) = parsed
        && let Err(e) = de.end()
    {
        builder.discard(w);
        parsed = Err(e);
    }
    for w in builder.keys {
        builder.discard(w);
    }
    match parsed {
        Ok(w) => Ok(w),
        Err(_) if builder.out_of_memory => Err(JsonError::Memory),
        Err(e) => Err(JsonError::Invalid(e.to_string())),
    }
}

impl Builder<'_> {
    fn discard(&mut self, w: u64) {
        // SAFETY: a word this builder owns, or absent.
        unsafe { count::drop(self.heap, w) }
    }

    /// A result of the heap as one of the parser.
    fn made<T, E: Error>(&mut self, result: Alloc<T>) -> Result<T, E> {
        result.map_err(|OutOfMemory| {
            self.out_of_memory = true;
            E::custom("out of memory")
        })
    }

    fn key(&mut self, text: &str) -> Alloc<u64> {
        let at = hash_bytes(text.as_bytes(), 0) as usize % KEYS;
        let kept = self.keys[at];
        // SAFETY: kept keys are live Strings of ours.
        unsafe {
            if kept != ABSENT && string::as_str(kept) == text {
                count::dup(kept);
                return Ok(kept);
            }
            let w = string::new(self.heap, text)?;
            count::dup(w);
            self.keys[at] = w;
            self.discard(kept);
            Ok(w)
        }
    }
}

struct Value<'b, 'h>(&'b mut Builder<'h>);

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<u64, D::Error> {
        de.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<u64, E> {
        Ok(bool_word(b))
    }

    fn visit_i64<E: Error>(self, i: i64) -> Result<u64, E> {
        let made = record::box_int(self.0.heap, i);
        self.0.made(made)
    }

    fn visit_u64<E: Error>(self, u: u64) -> Result<u64, E> {
        match i64::try_from(u) {
            Ok(i) => self.visit_i64(i),
            Err(_) => self.visit_f64(u as f64),
        }
    }

    fn visit_f64<E: Error>(self, f: f64) -> Result<u64, E> {
        let made = record::box_float(self.0.heap, f);
        self.0.made(made)
    }

    fn visit_str<E: Error>(self, s: &str) -> Result<u64, E> {
        let made = string::new(self.0.heap, s);
        self.0.made(made)
    }

    fn visit_unit<E: Error>(self) -> Result<u64, E> {
        Ok(NULL)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<u64, A::Error> {
        let b = self.0;
        let made = list::new(b.heap, well_known::LIST_JSON, 0);
        let mut out = b.made(made)?;
        loop {
            let next = match seq.next_element_seed(Value(b)) {
                Ok(Some(w)) => {
                    // SAFETY: an owned list[Json] and an owned Json.
                    let pushed = unsafe { list::push(b.heap, &mut out, w) };
                    b.made(pushed)
                }
                Ok(None) => return Ok(out),
                Err(e) => Err(e),
            };
            if let Err(e) = next {
                b.discard(out);
                return Err(e);
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<u64, A::Error> {
        let b = self.0;
        let made = map::new(b.heap, well_known::MAP_STRING_JSON, 0);
        let mut out = b.made(made)?;
        loop {
            let next = match access.next_key_seed(Key(b)) {
                Ok(Some(key)) => match access.next_value_seed(Value(b)) {
                    Ok(value) => {
                        // SAFETY: an owned map, key and value of its types.
                        let put = unsafe { map::insert(b.heap, &mut out, key, value) };
                        b.made(put).map(drop)
                    }
                    Err(e) => {
                        b.discard(key);
                        Err(e)
                    }
                },
                Ok(None) => return Ok(out),
                Err(e) => Err(e),
            };
            if let Err(e) = next {
                b.discard(out);
                return Err(e);
            }
        }
    }
}

struct Key<'b, 'h>(&'b mut Builder<'h>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<u64, D::Error> {
        de.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, s: &str) -> Result<u64, E> {
        let made = self.0.key(s);
        self.0.made(made)
    }
}
