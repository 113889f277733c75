//! Statements outside functions.

use super::function::FunctionText;
use super::lex::{Cursor, Token, is_index};
use super::{Assembler, Diagnostic};
use crate::module::*;

/// Statements that begin an item, for "expected".
const ITEMS: &str = "a statement: `type`, `const`, `native`, `path`, `global`, `func`, `main`, \
                     `file`, `source`, `test`, `tool`, `deterministic` or `clock`";

impl Assembler {
    pub(super) fn item(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        let Some(Token::Word(word)) = c.peek().cloned() else {
            return Err(c.expected(ITEMS));
        };
        match word.as_str() {
            "lumen" => self.header(c)?,
            "no" => self.no_prelude(c)?,
            "deterministic" => {
                c.advance();
                self.module.deterministic = true;
            }
            "clock" => self.clock(c)?,
            "main" => {
                c.advance();
                self.module.main = Some(c.function()?);
            }
            "file" => self.file(c)?,
            "type" => self.type_item(c)?,
            "const" => self.constant(c)?,
            "native" => self.native(c)?,
            "path" => self.path(c)?,
            "global" => self.global(c)?,
            "func" => {
                let next = self.module.functions.len();
                self.function = Some(FunctionText::head(c, next)?);
            }
            "test" => self.test(c)?,
            "tool" => self.tool(c)?,
            "source" => self.open_source(c)?,
            _ => return Err(c.expected(ITEMS)),
        }
        c.finish()
    }

    fn header(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        if self.seen_header {
            return Err(c.error("the header stands once, at the top"));
        }
        c.advance();
        c.keyword("bytecode")?;
        if !matches!(c.peek(), Some(Token::Number(n)) if n == "1") {
            return Err(c.expected("`1`, the version of the text format"));
        }
        c.advance();
        self.seen_header = true;
        Ok(())
    }

    fn no_prelude(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        c.keyword("prelude")?;
        if self.module.types != well_known::standard_types() {
            return Err(c.error("`no prelude` stands before the types"));
        }
        self.module.types.clear();
        Ok(())
    }

    fn clock(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        self.module.virtual_clock = if c.take_word("virtual") {
            Some(true)
        } else if c.take_word("real") {
            Some(false)
        } else {
            return Err(c.expected("`virtual` or `real`"));
        };
        Ok(())
    }

    fn file(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let next = self.module.files.len() as i64;
        c.integer(next, next)?;
        self.module.files.push(c.text("a file name")?);
        Ok(())
    }

    fn open_source(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let next = self.module.sources.len();
        c.integer(next as i64, next as i64)?;
        self.module.sources.push(String::new());
        self.source = Some((next, false));
        Ok(())
    }

    fn type_item(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        in_order(c, 't', "a type", self.module.types.len())?;
        c.sign("=")?;
        let desc = type_desc(c)?;
        self.module.types.push(desc);
        Ok(())
    }

    fn constant(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        in_order(c, 'k', "a constant", self.module.constants.len())?;
        c.sign("=")?;
        let constant = constant(c)?;
        self.module.constants.push(constant);
        Ok(())
    }

    fn native(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        in_order(c, 'n', "a native", self.module.natives.len())?;
        c.sign("=")?;
        let key = c.text("the native's key, a string")?;
        c.sign("(")?;
        let params = c.list(")", Cursor::type_ref)?;
        c.sign("->")?;
        let result = c.type_ref()?;
        let mutator = c.take_word("mut");
        let type_args = if c.take_sign("[") {
            c.list("]", Cursor::type_ref)?
        } else {
            Vec::new()
        };
        self.module.natives.push(NativeImport {
            key,
            params,
            result,
            mutator,
            type_args,
        });
        Ok(())
    }

    fn path(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        in_order(c, 'p', "a path", self.module.paths.len())?;
        c.sign("=")?;
        let mut steps = Vec::new();
        while !c.at_end() {
            steps.push(step(c)?);
        }
        self.module.paths.push(steps);
        Ok(())
    }

    fn global(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        in_order(c, 'g', "a global", self.module.globals.len())?;
        c.sign("=")?;
        let name = c.name()?;
        c.sign(":")?;
        let ty = c.type_ref()?;
        let init = match c.at_end() {
            true => None,
            false => {
                c.keyword("init")?;
                Some(c.function()?)
            }
        };
        self.module.globals.push(GlobalDesc { name, ty, init });
        Ok(())
    }

    fn test(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let name = c.text("the test's name, a string")?;
        let func = c.function()?;
        let file = c.integer(0, i64::from(u32::MAX))? as u32;
        c.sign(":")?;
        let line = c.integer(0, i64::from(u32::MAX))? as u32;
        self.module.tests.push(TestDesc {
            name,
            func,
            file,
            line,
        });
        Ok(())
    }

    fn tool(&mut self, c: &mut Cursor) -> Result<(), Diagnostic> {
        c.advance();
        let path = c.name()?;
        c.keyword("as")?;
        let name = c.name()?;
        c.sign("{")?;
        let grants = c.list("}", |c| {
            let key = c.text("a setting, a string")?;
            c.sign("=")?;
            Ok((key, c.text("a string")?))
        })?;
        self.module.tools.push(ToolDesc { path, name, grants });
        Ok(())
    }
}

/// The index of an item is the next one.
pub(super) fn in_order(
    c: &mut Cursor,
    letter: char,
    what: &str,
    next: usize,
) -> Result<(), Diagnostic> {
    let wrong = c.error(format!(
        "items stand in order: the next is `{letter}{next}`"
    ));
    if c.index(letter, what, u32::MAX)? as usize == next {
        Ok(())
    } else {
        Err(wrong)
    }
}

/// `t40.1` or `t40[]`.
fn step(c: &mut Cursor) -> Result<PathStep, Diagnostic> {
    let wrong = c.expected("a step: `t40.1` (a field) or `t40[]` (an element)");
    let word = c.word("a step: `t40.1` (a field) or `t40[]` (an element)")?;
    let (container, field) = match word.split_once('.') {
        Some((container, field)) => (container, Some(field)),
        None => (word.as_str(), None),
    };
    let index = container.strip_prefix('t').filter(|d| is_index(d));
    let Some(container) = index.and_then(|d| d.parse().ok()) else {
        return Err(wrong);
    };
    match field {
        Some(field) => match field.parse() {
            Ok(field) => Ok(PathStep::Field { container, field }),
            Err(_) => Err(wrong),
        },
        None => {
            c.sign("[")?;
            c.sign("]")?;
            Ok(PathStep::Index { container })
        }
    }
}

const TYPE_KINDS: &str = "a type: `Int`, `list[…]`, `map[…]`, `set[…]`, `tuple[…]`, `record`, \
                          `enum`, `variant`, `union[…]`, `func(…) -> …`, `closure`, \
                          `future[…]`, `channel[…]`, `handle` or `unused`";

fn type_desc(c: &mut Cursor) -> Result<TypeDesc, Diagnostic> {
    let wrong = c.expected(TYPE_KINDS);
    let word = c.word(TYPE_KINDS)?;
    Ok(match word.as_str() {
        "Int" => TypeDesc::Int,
        "Float" => TypeDesc::Float,
        "Bool" => TypeDesc::Bool,
        "Null" => TypeDesc::Null,
        "String" => TypeDesc::String,
        "Bytes" => TypeDesc::Bytes,
        "Any" => TypeDesc::Any,
        "Json" => TypeDesc::Json,
        "Error" => TypeDesc::Error,
        "Never" => TypeDesc::Never,
        "unused" => TypeDesc::Unused,
        "list" => TypeDesc::List(one_type(c)?),
        "set" => TypeDesc::Set(one_type(c)?),
        "future" => TypeDesc::Future(one_type(c)?),
        "channel" => TypeDesc::Channel(one_type(c)?),
        "map" => {
            c.sign("[")?;
            let key = c.type_ref()?;
            c.sign(",")?;
            let value = c.type_ref()?;
            c.sign("]")?;
            TypeDesc::Map(key, value)
        }
        "tuple" => TypeDesc::Tuple(types(c)?),
        "union" => TypeDesc::Union(types(c)?),
        "record" => TypeDesc::Record {
            name: c.name()?,
            fields: fields(c)?,
        },
        "enum" => enumeration(c)?,
        "variant" => {
            let name = c.name()?;
            c.keyword("of")?;
            TypeDesc::Variant {
                of: c.type_ref()?,
                name,
                fields: fields(c)?,
            }
        }
        "func" => {
            c.sign("(")?;
            let params = c.list(")", Cursor::type_ref)?;
            c.sign("->")?;
            TypeDesc::Func {
                params,
                result: c.type_ref()?,
            }
        }
        "closure" => {
            let func = c.function()?;
            c.keyword("as")?;
            TypeDesc::Closure {
                func,
                as_func: c.type_ref()?,
                captures: types(c)?,
            }
        }
        "handle" => TypeDesc::Handle {
            name: c.name()?,
            args: types(c)?,
        },
        _ => return Err(wrong),
    })
}

fn enumeration(c: &mut Cursor) -> Result<TypeDesc, Diagnostic> {
    let name = c.name()?;
    let first_variant = c.type_ref()?;
    c.sign("+")?;
    let variants = c.integer(0, i64::from(u32::MAX))? as u32;
    Ok(TypeDesc::Enum {
        name,
        first_variant,
        variants,
    })
}

fn one_type(c: &mut Cursor) -> Result<TypeIx, Diagnostic> {
    c.sign("[")?;
    let ty = c.type_ref()?;
    c.sign("]")?;
    Ok(ty)
}

fn types(c: &mut Cursor) -> Result<Vec<TypeIx>, Diagnostic> {
    c.sign("[")?;
    c.list("]", Cursor::type_ref)
}

fn fields(c: &mut Cursor) -> Result<Vec<FieldDesc>, Diagnostic> {
    c.sign("{")?;
    c.list("}", |c| {
        let name = c.name()?;
        c.sign(":")?;
        let ty = c.type_ref()?;
        Ok(FieldDesc { name, ty })
    })
}

fn constant(c: &mut Cursor) -> Result<Constant, Diagnostic> {
    const KINDS: &str = "`int`, `float`, `str`, `bytes`, `null`, `bool`, `variant` or `closure`";
    let wrong = c.expected(KINDS);
    let word = c.word(KINDS)?;
    Ok(match word.as_str() {
        "int" => Constant::Int(c.integer(i64::MIN, i64::MAX)?),
        "float" if c.take_word("bits") => Constant::Float(c.bits()?),
        "float" => {
            let wrong = c.expected("a number");
            let text = c.name()?;
            let value: f64 = text.parse().map_err(|_| wrong)?;
            Constant::Float(value.to_bits())
        }
        "str" => Constant::Str(c.text("a string")?),
        "bytes" => {
            let wrong = c.error("expected bytes: a string of hexadecimal digits, two a byte");
            Constant::Bytes(hex(&c.text("a string of hexadecimal digits")?).ok_or(wrong)?)
        }
        "null" => Constant::Null,
        "bool" if c.take_word("true") => Constant::BoolWord(true),
        "bool" => {
            c.keyword("false")?;
            Constant::BoolWord(false)
        }
        "variant" => Constant::Variant(c.type_ref()?),
        "closure" => Constant::Closure(c.type_ref()?),
        _ => return Err(wrong),
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let pair = |p: &[u8]| Some(digit(p[0])? << 4 | digit(p[1])?);
    bytes.chunks(2).map(pair).collect()
}
