//! How each part of a module is written as bytes.

use super::DecodeError;
use crate::module::*;

#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Length and content of a section.
    pub(super) fn section(&mut self, payload: Writer) {
        self.varint(payload.out.len() as u64);
        self.bytes(&payload.out);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}

/// Reads a file, or one section of it.
pub(super) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
    section: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a [u8], at: usize) -> Self {
        Self {
            file,
            at,
            end: file.len(),
            section: "sections",
        }
    }

    pub(super) fn name(&mut self, section: &'static str) {
        self.section = section;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    pub(super) fn at_end(&self) -> Result<(), DecodeError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.malformed("the section is longer than its content"))
        }
    }

    pub(super) fn malformed(&self, what: &'static str) -> DecodeError {
        DecodeError::Malformed {
            section: self.section,
            offset: self.at,
            what,
        }
    }

    /// The section that begins here, which is skipped.
    pub(super) fn section(&mut self) -> Result<Reader<'a>, DecodeError> {
        let len = self.varint()?;
        let at = self.at;
        self.take(len)?;
        Ok(Reader {
            at,
            end: self.at,
            ..*self
        })
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], DecodeError> {
        if len > (self.end - self.at) as u64 {
            return Err(self.malformed("it ends too early"));
        }
        let bytes = &self.file[self.at..self.at + len as usize];
        self.at += len as usize;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(self.malformed("a number has more than 64 bits"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.malformed("a number is written longer than needed"));
                }
                return Ok(value);
            }
        }
        Err(self.malformed("a number has more than 64 bits"))
    }

    /// A count of elements that take at least `min` bytes each.
    fn count(&mut self, min: usize) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        if count > ((self.end - self.at) / min) as u64 {
            return Err(self.malformed("a count is larger than what is left"));
        }
        Ok(count as usize)
    }
}

/// A part of a module that has a form in bytes.
pub(super) trait Wire: Sized {
    /// Fewest bytes that one takes.
    const MIN: usize = 1;
    fn put(&self, w: &mut Writer);
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

impl Wire for u8 {
    fn put(&self, w: &mut Writer) {
        w.out.push(*self);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.byte()
    }
}

impl Wire for u16 {
    fn put(&self, w: &mut Writer) {
        w.varint(u64::from(*self));
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let value = r.varint()?;
        u16::try_from(value).map_err(|_| r.malformed("a number has more than 16 bits"))
    }
}

impl Wire for u32 {
    fn put(&self, w: &mut Writer) {
        w.varint(u64::from(*self));
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let value = r.varint()?;
        u32::try_from(value).map_err(|_| r.malformed("a number has more than 32 bits"))
    }
}

impl Wire for u64 {
    const MIN: usize = 8;
    fn put(&self, w: &mut Writer) {
        w.bytes(&self.to_le_bytes());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(r.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }
}

impl Wire for i64 {
    fn put(&self, w: &mut Writer) {
        w.varint((self << 1 ^ self >> 63) as u64);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let value = r.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

impl Wire for bool {
    fn put(&self, w: &mut Writer) {
        w.out.push(u8::from(*self));
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(r.malformed("a flag is neither 0 nor 1")),
        }
    }
}

impl Wire for String {
    fn put(&self, w: &mut Writer) {
        w.varint(self.len() as u64);
        w.bytes(self.as_bytes());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = r.varint()?;
        let bytes = r.take(len)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(r.malformed("a text is not UTF-8")),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, w: &mut Writer) {
        w.varint(self.len() as u64);
        for item in self {
            item.put(w);
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = r.count(T::MIN)?;
        // Elements may be larger in memory than in the file, so only what is read is allocated.
        let mut items = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            items.push(T::get(r)?);
        }
        Ok(items)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, w: &mut Writer) {
        self.is_some().put(w);
        if let Some(item) = self {
            item.put(w);
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if bool::get(r)? {
            Ok(Some(T::get(r)?))
        } else {
            Ok(None)
        }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, w: &mut Writer) {
        self.0.put(w);
        self.1.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::get(r)?, B::get(r)?))
    }
}

macro_rules! structs {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Wire for $name {
            fn put(&self, w: &mut Writer) {
                let Self { $($field),* } = self;
                $($field.put(w);)*
            }
            fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self { $($field: Wire::get(r)?),* })
            }
        }
    )*};
}

macro_rules! enums {
    ($($name:ident {
        $($tag:literal $variant:ident $(($($x:ident),*))? $({ $($f:ident),* })?,)*
    })*) => {$(
        impl Wire for $name {
            fn put(&self, w: &mut Writer) {
                match self {
                    $(Self::$variant $(($($x),*))? $({ $($f),* })? => {
                        w.out.push($tag);
                        $($($x.put(w);)*)?
                        $($($f.put(w);)*)?
                    })*
                }
            }
            fn get(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match r.byte()? {
                    $($tag => {
                        $($(let $x = Wire::get(r)?;)*)?
                        $($(let $f = Wire::get(r)?;)*)?
                        Ok(Self::$variant $(($($x),*))? $({ $($f),* })?)
                    })*
                    _ => Err(r.malformed(concat!("no such ", stringify!($name)))),
                }
            }
        }
    )*};
}

structs! {
    FieldDesc { name, ty }
    NativeImport { key, params, result, mutator, type_args }
    Function {
        name, params, owned, result, closure, frame, code, tables, maps, landings, lines,
        inlined
    }
    RegState { reg, ty, hold }
    FrameMap { pc, live }
    Landing { start, end, drops, handler, cancel_drops }
    Line { pc, file, line, column, scope }
    Inlined { name, file, line, column, scope }
    GlobalDesc { name, ty, init }
    TestDesc { name, func, file, line }
    ToolDesc { path, name, grants }
}

enums! {
    TypeDesc {
        0 Int, 1 Float, 2 Bool, 3 Null, 4 String, 5 Bytes, 6 Any, 7 Json, 8 Error, 9 Never,
        10 Unused,
        11 List(t),
        12 Map(k, v),
        13 Set(t),
        14 Tuple(items),
        15 Record { name, fields },
        16 Enum { name, first_variant, variants },
        17 Variant { of, name, fields },
        18 Union(items),
        19 Func { params, result },
        20 Closure { func, as_func, captures },
        21 Future(t),
        22 Channel(t),
        23 Handle { name, args },
    }
    Constant {
        0 Int(v),
        1 Float(bits),
        2 Str(text),
        3 Bytes(bytes),
        4 Null,
        5 BoolWord(b),
        6 Variant(t),
        7 Closure(t),
    }
    PathStep {
        0 Field { container, field },
        1 Index { container },
    }
    Hold {
        0 Plain,
        1 Owned,
        2 Borrowed(source),
    }
    Handler {
        0 None,
        1 Catch { pc, cancel },
        2 Cleanup(pc),
    }
}
