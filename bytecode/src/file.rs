//! The `.lbc` file.
//!
//! ```text
//! 8 bytes   magic: 89 4C 42 43 0D 0A 1A 0A
//! u32       format version, little-endian (like all fixed numbers here)
//! u64       length of the whole file
//! u32       CRC-32C of everything but these four bytes
//! sections  id: varint, length: varint, payload; unknown ids are skipped
//! ```
//!
//! Numbers in payloads are shortest LEB128, signed ones zigzag; code words and Float bits are 8
//! bytes; a sequence is its count and its elements. Counts are checked against the bytes that are
//! left before anything is allocated. Decoding is strict, so a file has one reading and a module
//! one encoding; it says nothing about whether the module makes sense: see [`crate::verify`].

mod crc;
mod wire;

use crate::module::Module;
use std::fmt;
use wire::{Reader, Wire, Writer};

/// Format version. It changes with the op table and with the format.
pub const VERSION: u32 = 2;

/// First bytes of every file.
pub const MAGIC: [u8; 8] = *b"\x89LBC\r\n\x1a\n";

const HEADER: usize = 24;
const CHECKSUM: std::ops::Range<usize> = 20..24;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It does not begin as bytecode files do.
    Magic,
    /// It was written in another format version.
    Version {
        /// Its version.
        found: u32,
    },
    /// It is shorter or longer than it says.
    Length {
        /// What it says.
        expected: u64,
        /// What it has.
        found: u64,
    },
    /// It was changed after it was written.
    Checksum,
    /// Its content breaks the format.
    Malformed {
        /// Section.
        section: &'static str,
        /// Byte of the file.
        offset: usize,
        /// What is wrong.
        what: &'static str,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("this is not a Lumen bytecode file"),
            Self::Version { found } => write!(
                f,
                "this bytecode file has format version {found}, and this program reads version \
                 {VERSION}: compile the source again"
            ),
            Self::Length { expected, found } if expected > found => write!(
                f,
                "this bytecode file is cut off: {found} bytes of {expected} are there"
            ),
            Self::Length { expected, found } => write!(
                f,
                "this bytecode file is damaged: it says {expected} bytes and has {found}"
            ),
            Self::Checksum => {
                f.write_str("this bytecode file is damaged: its checksum does not match")
            }
            Self::Malformed {
                section,
                offset,
                what,
            } => write!(
                f,
                "this bytecode file is malformed at byte {offset} ({section}): {what}"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Whether `bytes` begin as a bytecode file does.
#[must_use]
pub fn is_bytecode(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

macro_rules! sections {
    ($($id:literal $name:literal $($field:ident),+;)*) => {
        /// A module's file.
        #[must_use]
        pub fn encode(module: &Module) -> Vec<u8> {
            let mut out = Writer::default();
            out.bytes(&MAGIC);
            out.bytes(&VERSION.to_le_bytes());
            out.bytes(&[0; 12]);
            $(
                let mut payload = Writer::default();
                $(module.$field.put(&mut payload);)+
                u32::put(&$id, &mut out);
                out.section(payload);
            )*
            seal(out.finish())
        }

        fn read_section(
            id: u64,
            reader: &mut Reader<'_>,
            module: &mut Module,
        ) -> Result<(), DecodeError> {
            match id {
                $($id => {
                    reader.name($name);
                    $(module.$field = Wire::get(reader)?;)+
                    reader.at_end()
                })*
                _ => Ok(()),
            }
        }

        const LAST_SECTION: u64 = [$($id as u64),*].len() as u64;
    };
}

sections! {
    1 "settings" main, deterministic, virtual_clock;
    2 "types" types;
    3 "constants" constants;
    4 "natives" natives;
    5 "paths" paths;
    6 "functions" functions;
    7 "globals" globals;
    8 "tests" tests;
    9 "tools" tools;
    10 "files" files;
    11 "sources" sources;
}

/// Fills in length and checksum.
fn seal(mut file: Vec<u8>) -> Vec<u8> {
    let len = file.len() as u64;
    file[12..20].copy_from_slice(&len.to_le_bytes());
    let crc = checksum(&file);
    file[CHECKSUM].copy_from_slice(&crc.to_le_bytes());
    file
}

/// Makes length and checksum right again after changes.
#[cfg(test)]
pub(crate) fn reseal(file: Vec<u8>) -> Vec<u8> {
    seal(file)
}

fn checksum(file: &[u8]) -> u32 {
    let before = crc::update(0, &file[..CHECKSUM.start]);
    crc::update(before, &file[CHECKSUM.end..])
}

/// The module of a file.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(file: &[u8]) -> Result<Module, DecodeError> {
    if !is_bytecode(file) {
        return Err(DecodeError::Magic);
    }
    let found = file.len() as u64;
    if file.len() < HEADER {
        return Err(DecodeError::Length {
            expected: HEADER as u64,
            found,
        });
    }
    let word = |at: usize| u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
    if word(8) != VERSION {
        return Err(DecodeError::Version { found: word(8) });
    }
    let expected = u64::from(word(12)) | u64::from(word(16)) << 32;
    if expected != found {
        return Err(DecodeError::Length { expected, found });
    }
    if checksum(file) != word(CHECKSUM.start) {
        return Err(DecodeError::Checksum);
    }
    let mut module = Module::default();
    let mut reader = Reader::new(file, HEADER);
    let mut last = 0;
    while !reader.is_empty() {
        let id = u64::from(u32::get(&mut reader)?);
        if id <= last && id <= LAST_SECTION {
            return Err(reader.malformed("sections are out of order"));
        }
        last = last.max(id);
        let mut section = reader.section()?;
        read_section(id, &mut section, &mut module)?;
    }
    Ok(module)
}

#[cfg(test)]
mod tests;
