//! Random modules for tests, drawn from a string of bytes so that failures shrink.

use crate::code::{Insn, OPS};
use crate::module::*;

/// A source of choices; zeros when the bytes have run out.
pub(crate) struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((&b, rest)) => {
                self.bytes = rest;
                b
            }
            None => 0,
        }
    }

    /// Small numbers mostly, any number at times.
    fn number(&mut self) -> u32 {
        match self.byte() {
            b @ 0..=239 => u32::from(b % 40),
            b => u32::from_le_bytes([self.byte(), self.byte(), self.byte(), b << 4]),
        }
    }

    fn wide(&mut self) -> u64 {
        u64::from(self.number()) << 32 | u64::from(self.number())
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn some<T>(&mut self, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(one(self)) } else { None }
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let n = self.byte() % 4;
        (0..n).map(|_| one(self)).collect()
    }

    fn text(&mut self) -> String {
        const TEXTS: &[&str] = &[
            "x",
            "main",
            "a.b",
            "",
            "12",
            "012",
            "a b",
            "\"",
            "\\",
            "\n",
            "; no",
            "é",
            "\u{1b}",
            "list[Int]",
            "|",
            "r1",
            "end",
            "\r\n",
            "a.",
            "x -> y",
            "\u{2028}",
            "1e5",
        ];
        TEXTS[usize::from(self.byte()) % TEXTS.len()].to_owned()
    }

    fn field(&mut self) -> FieldDesc {
        FieldDesc {
            name: self.text(),
            ty: self.number(),
        }
    }

    fn type_desc(&mut self) -> TypeDesc {
        let t = self.number();
        match self.byte() % 24 {
            0 => TypeDesc::Int,
            1 => TypeDesc::Float,
            2 => TypeDesc::Bool,
            3 => TypeDesc::Null,
            4 => TypeDesc::String,
            5 => TypeDesc::Bytes,
            6 => TypeDesc::Any,
            7 => TypeDesc::Json,
            8 => TypeDesc::Error,
            9 => TypeDesc::Never,
            10 => TypeDesc::Unused,
            11 => TypeDesc::List(t),
            12 => TypeDesc::Map(t, self.number()),
            13 => TypeDesc::Set(t),
            14 => TypeDesc::Tuple(self.list(Self::number)),
            15 => TypeDesc::Record {
                name: self.text(),
                fields: self.list(Self::field),
            },
            16 => TypeDesc::Enum {
                name: self.text(),
                first_variant: t,
                variants: self.number(),
            },
            17 => TypeDesc::Variant {
                of: t,
                name: self.text(),
                fields: self.list(Self::field),
            },
            18 => TypeDesc::Union(self.list(Self::number)),
            19 => TypeDesc::Func {
                params: self.list(Self::number),
                result: t,
            },
            20 => TypeDesc::Closure {
                func: self.number(),
                as_func: t,
                captures: self.list(Self::number),
            },
            21 => TypeDesc::Future(t),
            22 => TypeDesc::Channel(t),
            _ => TypeDesc::Handle {
                name: self.text(),
                args: self.list(Self::number),
            },
        }
    }

    fn constant(&mut self) -> Constant {
        match self.byte() % 9 {
            0 => Constant::Int(self.wide() as i64),
            1 => Constant::Float(self.wide()),
            2 => Constant::Float(f64::from(self.number() as i32).to_bits()),
            3 => Constant::Str(self.text()),
            4 => Constant::Bytes(self.list(Self::byte)),
            5 => Constant::Null,
            6 => Constant::BoolWord(self.flag()),
            7 => Constant::Variant(self.number()),
            _ => Constant::Closure(self.number()),
        }
    }

    fn step(&mut self) -> PathStep {
        let container = self.number();
        if self.flag() {
            PathStep::Index { container }
        } else {
            PathStep::Field {
                container,
                field: self.number() as u16,
            }
        }
    }

    fn code(&mut self) -> Vec<u64> {
        let mut code = Vec::new();
        for _ in 0..self.byte() % 12 {
            if self.byte() > 230 {
                code.push(self.wide());
            } else {
                let op = OPS[usize::from(self.byte()) % OPS.len()].op;
                let operands = op.def().operands.len();
                let raws: Vec<u32> = (0..operands).map(|_| self.number()).collect();
                code.extend_from_slice(Insn::encode(op, &raws).words());
            }
        }
        code
    }

    fn state(&mut self) -> RegState {
        let hold = match self.byte() % 3 {
            0 => Hold::Plain,
            1 => Hold::Owned,
            _ => Hold::Borrowed(self.some(|c| c.number() as u16)),
        };
        RegState {
            reg: self.number() as u16,
            ty: self.number(),
            hold,
        }
    }

    fn landing(&mut self) -> Landing {
        let handler = match self.byte() % 3 {
            0 => Handler::None,
            1 => Handler::Catch {
                pc: self.number(),
                cancel: self.some(Self::number),
            },
            _ => Handler::Cleanup(self.number()),
        };
        Landing {
            start: self.number(),
            end: self.number(),
            drops: self.list(|c| c.number() as u16),
            handler,
            cancel_drops: self.list(|c| c.number() as u16),
        }
    }

    fn function(&mut self) -> Function {
        let params = self.list(Self::number);
        Function {
            name: self.text(),
            owned: params.iter().map(|_| self.flag()).collect(),
            params,
            result: self.number(),
            closure: self.some(Self::number),
            frame: self.number() as u16,
            code: self.code(),
            tables: self.list(|c| c.list(Self::number)),
            maps: self.list(|c| FrameMap {
                pc: c.number(),
                live: c.list(Self::state),
            }),
            landings: self.list(Self::landing),
            lines: self.list(|c| Line {
                pc: c.number(),
                file: c.number(),
                line: c.number(),
                column: c.number(),
                scope: c.number(),
            }),
            inlined: self.list(|c| Inlined {
                name: c.text(),
                file: c.number(),
                line: c.number(),
                column: c.number(),
                scope: c.number(),
            }),
        }
    }

    /// A module in which everything may be wrong.
    pub(crate) fn module(&mut self) -> Module {
        let mut types = if self.flag() {
            well_known::standard_types()
        } else {
            Vec::new()
        };
        types.extend(self.list(Self::type_desc));
        Module {
            types,
            constants: self.list(Self::constant),
            natives: self.list(|c| NativeImport {
                key: c.text(),
                params: c.list(Self::number),
                result: c.number(),
                mutator: c.flag(),
                type_args: c.list(Self::number),
            }),
            paths: self.list(|c| c.list(Self::step)),
            functions: self.list(Self::function),
            globals: self.list(|c| GlobalDesc {
                name: c.text(),
                ty: c.number(),
                init: c.some(Self::number),
            }),
            main: self.some(Self::number),
            tests: self.list(|c| TestDesc {
                name: c.text(),
                func: c.number(),
                file: c.number(),
                line: c.number(),
            }),
            tools: self.list(|c| ToolDesc {
                path: c.text(),
                name: c.text(),
                grants: c.list(|c| (c.text(), c.text())),
            }),
            files: self.list(Self::text),
            sources: self.list(Self::text),
            deterministic: self.flag(),
            virtual_clock: self.some(Self::flag),
        }
    }
}

/// A module that uses every kind of item, in assembler text.
pub(crate) const SAMPLE: &str = include_str!("testing/sample.lbt");
