//! Traces as one line, to paste into a report: `ltr1:9f2c…/s=7;main.1@3>S:main.2`.
//!
//! Such a line has the choices, the seed and the test's name; what came from outside is not in it.

use std::fmt;

use super::bytes::Wrong;
use super::{Named, Trace, digest};

const PREFIX: &str = "ltr1:";

/// `main.1@3>S:main.2`: at operation 3 of `main.1`, `main.2` ran next. A number of the choice,
/// when the operation met several, and the object follow as `#n` and `/n`.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.fiber, self.ordinal)?;
        if self.nth != 0 {
            write!(f, "#{}", self.nth)?;
        }
        write!(f, ">{}:{}", self.decision, self.chosen)?;
        match self.object {
            0 => Ok(()),
            object => write!(f, "/{object}"),
        }
    }
}

impl std::str::FromStr for Named {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Named, Wrong> {
        let parse = || {
            let (site, chosen) = text.split_once('>')?;
            let (fiber, place) = site.split_once('@')?;
            let (ordinal, nth) = place.split_once('#').unwrap_or((place, "0"));
            let (decision, chosen) = chosen.split_once(':')?;
            let (chosen, object) = chosen.split_once('/').unwrap_or((chosen, "0"));
            let mut letters = decision.chars();
            let named = Named {
                fiber: fiber.to_owned(),
                ordinal: ordinal.parse().ok()?,
                decision: letters.next().filter(|_| letters.next().is_none())?,
                nth: nth.parse().ok()?,
                chosen: chosen.to_owned(),
                object: object.parse().ok()?,
            };
            named.deviation().map(|_| named)
        };
        parse().ok_or_else(|| format!("`{text}` is no choice"))
    }
}

/// What cannot stand in a line as it is, as `%2F`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// What a line has of the program: half a digest of the digests of its functions.
#[must_use]
pub fn short_digest(functions: &[(String, u64)]) -> u32 {
    let words = functions.iter().map(|(_, hash)| *hash);
    let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    (digest(&bytes) >> 32) as u32
}

impl Trace {
    /// The trace as a line.
    #[must_use]
    pub fn line(&self) -> String {
        let settings = &self.settings;
        let program = short_digest(&self.program.functions);
        let mut out = format!("{PREFIX}{program:08x}");
        let mut part = |name: &str, value: String| out.push_str(&format!("/{name}={value}"));
        if settings.seed != 0 {
            part("s", settings.seed.to_string());
        }
        if settings.faults != 0 {
            part("f", settings.faults.to_string());
        }
        if !settings.virtual_clock {
            part("c", "real".to_owned());
        }
        if let Some(test) = &self.program.test {
            part("test", escaped(test));
        }
        for named in &self.deviations {
            out.push_str(&format!(";{named}"));
        }
        out
    }
}

/// A trace from a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The program's [`short_digest`].
    pub program: u32,
    /// What the line says; all else is empty.
    pub trace: Trace,
}

impl Line {
    /// Does the text look like a line?
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Line, Wrong> {
        let wrong = |part: &str| format!("`{part}` means nothing in a line `ltr1:…`");
        let body = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or_else(|| wrong(text))?;
        let mut parts = body.split(';');
        let mut head = parts.next().unwrap_or_default().split('/');
        let program = head.next().unwrap_or_default();
        let program = u32::from_str_radix(program, 16).map_err(|_| wrong(program))?;
        let mut trace = Trace::default();
        trace.settings.virtual_clock = true;
        for part in head {
            let number = |text: &str| text.parse::<u64>().map_err(|_| wrong(part));
            match part.split_once('=') {
                Some(("s", n)) => trace.settings.seed = number(n)?,
                Some(("f", n)) => trace.settings.faults = number(n)?,
                Some(("c", "real")) => trace.settings.virtual_clock = false,
                Some(("test", name)) => {
                    trace.program.test = Some(unescaped(name).ok_or_else(|| wrong(part))?);
                }
                _ => return Err(wrong(part)),
            }
        }
        trace.deviations = parts.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Line { program, trace })
    }
}
