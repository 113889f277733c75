//! Numbers and texts as bytes.

/// Why bytes are no trace.
pub type Wrong = String;

/// Appends a number, 7 bits a byte, lowest first.
pub fn put_uint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a number of eight bytes.
pub fn put_fixed(out: &mut Vec<u8>, n: u64) {
    out.extend(n.to_le_bytes());
}

/// Appends bytes with their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Appends a text.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// Appends a list with its length.
pub fn put_list<T>(out: &mut Vec<u8>, list: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    put_uint(out, list.len() as u64);
    for item in list {
        put(out, item);
    }
}

/// Takes apart what the functions above put together.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `n` bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, n: u64) -> Result<&'a [u8], Wrong> {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        match self.0.split_at_checked(n) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => Err("it ends too early".to_owned()),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// When it is cut off or too large.
    pub fn uint(&mut self) -> Result<u64, Wrong> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            n |= bits << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err("a number is too large".to_owned())
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// As [`Reader::uint`].
    pub fn small(&mut self) -> Result<u32, Wrong> {
        let n = self.uint()?;
        u32::try_from(n).map_err(|_| "a number is too large".to_owned())
    }

    /// A number of eight bytes.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn fixed(&mut self) -> Result<u64, Wrong> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// Bytes with their length.
    ///
    /// # Errors
    /// When they are cut off.
    pub fn bytes(&mut self) -> Result<&'a [u8], Wrong> {
        let n = self.uint()?;
        self.take(n)
    }

    /// A text.
    ///
    /// # Errors
    /// When it is cut off, or no UTF-8.
    pub fn text(&mut self) -> Result<String, Wrong> {
        let bytes = self.bytes()?.to_vec();
        String::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned())
    }

    /// A list; each item takes at least a byte.
    ///
    /// # Errors
    /// Those of `item`, and when it must be cut off.
    pub fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, Wrong> {
        let n = self.uint()?;
        if n > self.0.len() as u64 {
            return Err("it ends too early".to_owned());
        }
        (0..n).map(|_| item(self)).collect()
    }
}
