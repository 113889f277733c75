//! Text to module: what [`crate::list`] writes, and what a person writes with less.
//!
//! A text without `no prelude` gets the well-known types by itself. Instruction numbers at the
//! start of a line are ignored; labels may have any name; `frame` may be left out where no call
//! needs a window above the registers that are named.

mod function;
mod items;
mod lex;

use crate::module::{Module, well_known};
use function::FunctionText;
use lex::Cursor;

/// Something wrong in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// After so many the assembler stops.
const MAX_DIAGNOSTICS: usize = 50;

/// The module that a text describes.
///
/// # Errors
/// Everything that is wrong, by line, at most 50.
pub fn assemble(text: &str) -> Result<Module, Vec<Diagnostic>> {
    let mut assembler = Assembler {
        module: Module {
            types: well_known::standard_types(),
            ..Module::default()
        },
        function: None,
        source: None,
        seen_header: false,
    };
    let mut errors = Vec::new();
    let mut last = 0;
    for (number, line) in text.split('\n').enumerate() {
        last = number as u32 + 1;
        if let Err(error) = assembler.line(last, line) {
            errors.extend(error);
        }
        if errors.len() >= MAX_DIAGNOSTICS {
            errors.truncate(MAX_DIAGNOSTICS);
            return Err(errors);
        }
    }
    if let Some(open) = &assembler.function {
        let message = format!(
            "the function that begins at line {} has no `end`",
            open.line
        );
        errors.push(Diagnostic {
            line: last,
            column: 1,
            message,
        });
    }
    if errors.is_empty() {
        Ok(assembler.module)
    } else {
        Err(errors)
    }
}

struct Assembler {
    module: Module,
    /// The function between `func` and `end`.
    function: Option<FunctionText>,
    /// The source whose `|` lines follow; whether one came already.
    source: Option<(usize, bool)>,
    seen_header: bool,
}

impl Assembler {
    fn line(&mut self, number: u32, line: &str) -> Result<(), Vec<Diagnostic>> {
        if let Some(text) = line.strip_prefix('|') {
            return self.source_line(number, text).map_err(|d| vec![d]);
        }
        let mut cursor = Cursor::new(number, line).map_err(|d| vec![d])?;
        if cursor.at_end() {
            return Ok(());
        }
        self.source = None;
        if self.function.is_some() {
            return self.function_line(&mut cursor);
        }
        self.item(&mut cursor).map_err(|d| vec![d])
    }

    fn source_line(&mut self, number: u32, text: &str) -> Result<(), Diagnostic> {
        let Some((index, more)) = &mut self.source else {
            return Err(Diagnostic {
                line: number,
                column: 1,
                message: "`|` lines stand after `source N`".into(),
            });
        };
        let source = &mut self.module.sources[*index];
        if *more {
            source.push('\n');
        }
        source.push_str(text);
        *more = true;
        Ok(())
    }

    fn function_line(&mut self, cursor: &mut Cursor) -> Result<(), Vec<Diagnostic>> {
        let Some(function) = &mut self.function else {
            return Ok(());
        };
        if cursor.take_word("end") {
            let at_end = cursor.finish();
            if let Some(function) = self.function.take() {
                self.module.functions.push(function.finish()?);
            }
            return at_end.map_err(|d| vec![d]);
        }
        function.line(cursor).map_err(|d| vec![d])
    }
}

#[cfg(test)]
mod tests;
