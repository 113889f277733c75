//! The types of generated programs, and their declarations.

use crate::generate::Generator;

/// A type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ty {
    Int,
    Float,
    Bool,
    Str,
    List(Box<Ty>),
    Map(Box<Ty>, Box<Ty>),
    Tuple(Vec<Ty>),
    Record(usize),
    Enum(usize),
    Nullable(Box<Ty>),
    Result(Box<Ty>),
    Fn(Vec<Ty>, Box<Ty>),
}

/// A record: its fields.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) fields: Vec<(String, Ty)>,
}

/// A variant of an enum. A payload without a type is the enum itself.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) payload: Vec<Option<Ty>>,
}

impl Ty {
    pub(crate) fn list(element: Ty) -> Ty {
        Ty::List(Box::new(element))
    }

    /// Whether values can be compared and printed.
    pub(crate) fn is_data(&self) -> bool {
        match self {
            Ty::Fn(..) => false,
            Ty::List(t) | Ty::Nullable(t) | Ty::Result(t) => t.is_data(),
            Ty::Map(k, v) => k.is_data() && v.is_data(),
            Ty::Tuple(items) => items.iter().all(Ty::is_data),
            _ => true,
        }
    }

    /// As written in a program.
    pub(crate) fn text(&self) -> String {
        match self {
            Ty::Int => "Int".into(),
            Ty::Float => "Float".into(),
            Ty::Bool => "Bool".into(),
            Ty::Str => "String".into(),
            Ty::List(t) => format!("list[{}]", t.text()),
            Ty::Map(k, v) => format!("map[{}, {}]", k.text(), v.text()),
            Ty::Tuple(items) => format!("({})", texts(items)),
            Ty::Record(n) => format!("R{n}"),
            Ty::Enum(n) => format!("E{n}"),
            Ty::Nullable(t) => format!("{}?", t.text()),
            Ty::Result(t) => format!("result[{}, String]", t.text()),
            Ty::Fn(params, result) => format!("fn({}) -> {}", texts(params), result.text()),
        }
    }
}

fn texts(types: &[Ty]) -> String {
    let texts: Vec<String> = types.iter().map(Ty::text).collect();
    texts.join(", ")
}

impl Generator {
    /// A type without parts.
    pub(crate) fn scalar(&mut self) -> Ty {
        match self.random.below(10) {
            0..5 => Ty::Int,
            5 | 6 => Ty::Float,
            7 => Ty::Bool,
            _ => Ty::Str,
        }
    }

    /// A type of data, with parts at most `depth` deep.
    pub(crate) fn data_type(&mut self, depth: u32) -> Ty {
        if depth == 0 {
            return self.scalar();
        }
        match self.random.below(20) {
            0..8 => self.scalar(),
            8..11 => Ty::list(self.part_type(depth - 1)),
            11 => {
                let key = if self.random.one_in(2) {
                    Ty::Int
                } else {
                    Ty::Str
                };
                Ty::Map(Box::new(key), Box::new(self.part_type(depth - 1)))
            }
            12 => {
                let count = self.random.between(2, 3);
                Ty::Tuple((0..count).map(|_| self.part_type(depth - 1)).collect())
            }
            13..15 if !self.records.is_empty() => Ty::Record(self.random.below(self.records.len())),
            15..17 if !self.enums.is_empty() => Ty::Enum(self.random.below(self.enums.len())),
            17 => Ty::Nullable(Box::new(self.scalar())),
            18 => Ty::Result(Box::new(self.scalar())),
            _ => Ty::Int,
        }
    }

    /// The type of a part of a container: a literal of nullable parts would have another type when
    /// none of them is null.
    pub(crate) fn part_type(&mut self, depth: u32) -> Ty {
        match self.data_type(depth) {
            Ty::Nullable(inner) => *inner,
            ty => ty,
        }
    }

    /// The type of a function value.
    pub(crate) fn function_type(&mut self) -> Ty {
        let count = self.random.between(1, 2);
        let params = (0..count).map(|_| self.scalar()).collect();
        Ty::Fn(params, Box::new(self.scalar()))
    }

    /// Declares some records and enums.
    pub(crate) fn declare_types(&mut self) {
        for n in 0..self.random.below(4) {
            let count = self.random.between(1, 4);
            let fields: Vec<(String, Ty)> = (0..count)
                .map(|f| (format!("f{f}"), self.data_type(1)))
                .collect();
            self.line(&format!("record R{n}"));
            for (name, ty) in &fields {
                self.line(&format!("  {name}: {}", ty.text()));
            }
            self.line("end");
            self.records.push(Record { fields });
        }
        for n in 0..self.random.below(3) {
            let count = self.random.between(2, 5);
            let variants: Vec<Variant> = (0..count).map(|v| self.variant(n, v)).collect();
            self.line(&format!("enum E{n}"));
            for variant in &variants {
                let payload: Vec<String> = variant
                    .payload
                    .iter()
                    .map(|ty| ty.as_ref().map_or(format!("E{n}"), Ty::text))
                    .collect();
                let name = &variant.name;
                match payload.is_empty() {
                    true => self.line(&format!("  {name}")),
                    false => self.line(&format!("  {name}({})", payload.join(", "))),
                }
            }
            self.line("end");
            self.enums.push(variants);
        }
    }

    /// Variant `number` of enum `owner`. The first ends recursion.
    fn variant(&mut self, owner: usize, number: usize) -> Variant {
        let count = self.random.below(4);
        let payload = (0..count)
            .map(|_| match number > 0 && self.random.one_in(3) {
                true => None,
                false => Some(self.data_type(1)),
            })
            .collect();
        Variant {
            name: format!("V{owner}{number}"),
            payload,
        }
    }
}
