//! Expressions of a wanted type.

use crate::generate::{Cell, Generator};
use crate::types::Ty;

const INTS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "10",
    "(-1)",
    "(-2)",
    "(-9)",
    "255",
    "65536",
    "2147483647",
    "4294967295",
    "(-2147483648)",
    "4611686018427387903",
    "4611686018427387904",
    "(-4611686018427387905)",
    "9223372036854775807",
    "(-9223372036854775807)",
];
const FLOATS: &[&str] = &[
    "0.0",
    "1.0",
    "0.5",
    "(-1.5)",
    "2.25",
    "3.141592653589793",
    "1e300",
    "1e-300",
    "(-0.0)",
    "100.0",
];
const TEXTS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"key\"",
    "\"Zoë\"",
    "\"two words\"",
    "\"ünïcödé\"",
    "\"0\"",
];

impl Generator {
    /// An expression of type `ty`, at most about `depth` deep.
    pub(crate) fn expr(&mut self, ty: &Ty, depth: u32) -> String {
        if depth == 0 || self.random.one_in(6) {
            return self.leaf(ty);
        }
        if self.random.one_in(3)
            && let Some(text) = self.got_elsewhere(ty, depth - 1)
        {
            return text;
        }
        match ty {
            Ty::Int => self.int(depth - 1),
            Ty::Float => self.float(depth - 1),
            Ty::Bool => self.bool(depth - 1),
            Ty::Str => self.text(depth - 1),
            Ty::List(element) => self.list(element, depth - 1),
            _ => self.literal(ty, depth - 1),
        }
    }

    /// A variable or part of one, or a literal.
    pub(crate) fn leaf(&mut self, ty: &Ty) -> String {
        let places = self.places(ty);
        if !places.is_empty() && !self.random.one_in(4) {
            return self.random.pick(&places).clone();
        }
        self.literal(ty, 0)
    }

    /// Variables, and fields of variables, of type `ty`.
    fn places(&self, ty: &Ty) -> Vec<String> {
        let mut found = Vec::new();
        for var in &self.scope {
            if var.ty == *ty {
                found.push(var.name.clone());
            }
            if let Ty::Record(n) = &var.ty {
                let fields = self.records[*n].fields.iter().filter(|f| f.1 == *ty);
                found.extend(fields.map(|f| format!("{}.{}", var.name, f.0)));
            }
        }
        found
    }

    /// A value written out.
    pub(crate) fn literal(&mut self, ty: &Ty, depth: u32) -> String {
        match ty {
            Ty::Int if self.random.one_in(2) => self.random.below(100).to_string(),
            Ty::Int => self.random.pick(INTS).to_string(),
            Ty::Float => self.random.pick(FLOATS).to_string(),
            Ty::Bool => self.random.pick(&["true", "false"]).to_string(),
            Ty::Str => self.random.pick(TEXTS).to_string(),
            Ty::List(element) => {
                let count = self.random.between(1, 4);
                format!(
                    "[{}]",
                    self.several(&vec![(**element).clone(); count], depth)
                )
            }
            Ty::Map(key, value) => {
                let count = self.random.between(1, 3);
                let pairs: Vec<String> = (0..count)
                    .map(|_| {
                        let key = self.expr(key, depth.saturating_sub(1));
                        format!("{key}: {}", self.expr(value, depth.saturating_sub(1)))
                    })
                    .collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Ty::Tuple(items) => format!("({})", self.several(items, depth)),
            Ty::Record(n) => {
                let fields = self.records[*n].fields.clone();
                let texts: Vec<String> = fields
                    .iter()
                    .map(|(name, ty)| format!("{name}: {}", self.expr(ty, depth.min(2))))
                    .collect();
                format!("R{n}({})", texts.join(", "))
            }
            Ty::Enum(n) => self.variant_value(*n, depth.max(1)),
            // Of a variable that was just given `null` the compiler knows that it is null.
            Ty::Nullable(inner) => {
                let value = self.expr(inner, depth);
                format!("maybe({value}, {})", self.expr(&Ty::Bool, depth.min(1)))
            }
            Ty::Result(_) if self.random.one_in(3) => {
                format!("err({})", self.expr(&Ty::Str, depth))
            }
            Ty::Result(inner) => format!("ok({})", self.expr(inner, depth)),
            Ty::Fn(params, result) => self.lambda(params, result, depth),
        }
    }

    /// Expressions of these types, with commas.
    pub(crate) fn several(&mut self, types: &[Ty], depth: u32) -> String {
        let texts: Vec<String> = types.iter().map(|ty| self.expr(ty, depth.min(2))).collect();
        texts.join(", ")
    }

    /// A value of an enum. It holds no variable of that enum, so that values do not grow.
    fn variant_value(&mut self, n: usize, depth: u32) -> String {
        let variants = self.enums[n].clone();
        let variant = match depth {
            0 => &variants[0],
            _ => self.random.pick(&variants),
        };
        if variant.payload.is_empty() {
            return variant.name.clone();
        }
        let depth = depth.saturating_sub(1).min(2);
        let payload: Vec<String> = variant
            .payload
            .iter()
            .map(|ty| match ty {
                None => self.variant_value(n, depth),
                Some(ty) => self.expr(ty, depth),
            })
            .collect();
        format!("{}({})", variant.name, payload.join(", "))
    }

    /// A closure. It calls no cells, whose cost nobody could foresee.
    fn lambda(&mut self, params: &[Ty], result: &Ty, depth: u32) -> String {
        let known = self.scope.len();
        let outside = self.body.clone();
        self.body.closure = true;
        let names: Vec<String> = params
            .iter()
            .map(|ty| {
                let name = self.fresh("x");
                self.declare(&name, ty.clone(), false);
                format!("{name}: {}", ty.text())
            })
            .collect();
        let value = self.expr(result, depth.clamp(1, 2));
        self.body = outside;
        self.scope.truncate(known);
        format!("fn({}) => {value}", names.join(", "))
    }

    /// A value of any type from a call, a choice or a container.
    fn got_elsewhere(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        match self.random.below(8) {
            0 => {
                let condition = self.expr(&Ty::Bool, depth);
                let (yes, no) = (self.expr(ty, depth), self.expr(ty, depth));
                let plain = !matches!(ty, Ty::Nullable(_) | Ty::Result(_) | Ty::Fn(..));
                plain.then(|| format!("(if {condition} then {yes} else {no})"))
            }
            1 | 2 => self.call(ty, depth),
            3 => self.call_value(ty, depth),
            4 => self.element(ty, depth),
            5 => self.map_value(ty, depth),
            6 => self.default_of_null(ty, depth),
            _ => self.task(ty, depth),
        }
    }

    /// Cells that give `ty` and that may be called here.
    pub(crate) fn callable(&mut self, ty: &Ty, quiet: bool) -> Option<Cell> {
        if self.body.closure {
            return None;
        }
        let loud = self.body.loud && !quiet;
        let fit = |cell: &&Cell| cell.result == *ty && !cell.generator && (loud || !cell.loud);
        let cells: Vec<Cell> = self.cells.iter().filter(fit).cloned().collect();
        (!cells.is_empty()).then(|| self.random.pick(&cells).clone())
    }

    /// The arguments of a call of `cell`.
    pub(crate) fn arguments(&mut self, cell: &Cell, depth: u32) -> String {
        let mut params = cell.params.as_slice();
        let mut text = String::new();
        if cell.recursive {
            params = &params[1..];
            text = self.random.between(0, 8).to_string();
            if !params.is_empty() {
                text.push_str(", ");
            }
        }
        text + &self.several(params, depth)
    }

    fn call(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        if let Some(cell) = self.body.myself.clone()
            && cell.result == *ty
            && self.body.times == 1
            && !self.body.closure
            && !self.body.closed
        {
            self.body.myself = None;
            let rest = self.several(&cell.params[1..], depth.min(1));
            let comma = if rest.is_empty() { "" } else { ", " };
            return Some(format!("{}(d - 1{comma}{rest})", cell.name));
        }
        let cell = self.callable(ty, false)?;
        if !self.spend(cell.cost) {
            return None;
        }
        Some(format!("{}({})", cell.name, self.arguments(&cell, depth)))
    }

    /// `await spawn(…)` of a cell.
    fn task(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        let cell = self.callable(ty, !self.free)?;
        if !self.random.one_in(3) || !self.spend(cell.cost + 2) {
            return None;
        }
        let arguments = self.arguments(&cell, depth);
        Some(format!("(await spawn({}({arguments})))", cell.name))
    }

    /// The call of a closure in a variable.
    fn call_value(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        if self.body.closure {
            return None;
        }
        let fits = |t: &Ty| matches!(t, Ty::Fn(_, result) if **result == *ty);
        let variables = self.variables(fits);
        if variables.is_empty() || !self.spend(2) {
            return None;
        }
        let var = self.random.pick(&variables).clone();
        let Ty::Fn(params, _) = &var.ty else {
            return None;
        };
        Some(format!("{}({})", var.name, self.several(params, depth)))
    }

    /// An element of a list in a variable.
    fn element(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        let wanted = Ty::list(ty.clone());
        let places = self.places(&wanted);
        if places.is_empty() {
            return None;
        }
        let list = self.random.pick(&places).clone();
        let index = self.expr(&Ty::Int, depth.min(1));
        let plain = !matches!(ty, Ty::Nullable(_));
        Some(match self.random.below(5) {
            0 => format!("{list}[{}]", self.random.below(5)),
            1 => format!("{list}[-{}]", self.random.between(1, 3)),
            2 if plain => format!("({list}?[{index}] ?? {})", self.expr(ty, depth.min(1))),
            _ => format!("{list}[({index} & 63) % len({list})]"),
        })
    }

    /// What a map in a variable has under some key.
    fn map_value(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        let maps = self.variables(|t| matches!(t, Ty::Map(_, value) if **value == *ty));
        if maps.is_empty() || matches!(ty, Ty::Nullable(_)) {
            return None;
        }
        let map = self.random.pick(&maps).clone();
        let Ty::Map(key, _) = &map.ty else {
            return None;
        };
        let key = self.expr(key, depth.min(1));
        let name = map.name;
        Some(match self.random.one_in(5) {
            true => format!("{name}[{key}]"),
            false => format!("({name}?[{key}] ?? {})", self.expr(ty, depth.min(1))),
        })
    }

    /// What a variable has that may be null.
    fn default_of_null(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        let places = self.places(&Ty::Nullable(Box::new(ty.clone())));
        if places.is_empty() {
            return None;
        }
        let place = self.random.pick(&places).clone();
        Some(match self.random.one_in(4) {
            true => format!("{place}!"),
            false => format!("({place} ?? {})", self.expr(ty, depth)),
        })
    }
}
