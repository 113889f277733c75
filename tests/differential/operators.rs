//! Expressions of the built-in types by their operators and library cells.

use crate::generate::Generator;
use crate::types::Ty;

impl Generator {
    pub(crate) fn int(&mut self, depth: u32) -> String {
        let a = self.expr(&Ty::Int, depth);
        match self.random.below(20) {
            0..8 => {
                let operator = *self.random.pick(&["+", "-", "*", "+", "-", "&", "|", "^"]);
                let b = self.expr(&Ty::Int, depth);
                match self.random.one_in(3) {
                    true => format!("({a} {operator} {b})"),
                    false => format!("small(small({a}) {operator} small({b}))"),
                }
            }
            8 | 9 => {
                let operator = *self.random.pick(&["/", "//", "%"]);
                let b = self.expr(&Ty::Int, depth);
                match self.random.one_in(4) {
                    true => format!("({a} {operator} {b})"),
                    false => format!("({a} {operator} (({b} & 15) + 1))"),
                }
            }
            10 => {
                let operator = *self.random.pick(&["<<", ">>"]);
                let b = self.expr(&Ty::Int, depth);
                match self.random.one_in(6) {
                    true => format!("({a} {operator} {b})"),
                    false => format!("({a} {operator} ({b} & 31))"),
                }
            }
            11 => format!("(-{a})"),
            12 => format!("(~{a})"),
            13 => format!("(small({a}) ** {})", self.random.below(5)),
            14 => {
                let b = self.expr(&Ty::Int, depth);
                let cell = *self
                    .random
                    .pick(&["min", "max", "wrapping_add", "wrapping_mul"]);
                format!("{cell}({a}, {b})")
            }
            15 => {
                let kinds = [
                    Ty::Str,
                    Ty::list(Ty::Int),
                    Ty::list(Ty::Bool),
                    Ty::list(Ty::Str),
                ];
                let ty = self.random.pick(&kinds).clone();
                format!("len({})", self.expr(&ty, depth))
            }
            16 => {
                let f = self.expr(&Ty::Float, depth);
                format!("clamp({f})")
            }
            17 => {
                let xs = self.expr(&Ty::list(Ty::Int), depth);
                let (s, x) = (self.fresh("x"), self.fresh("x"));
                format!("{xs}.reduce({a}, fn({s}, {x}) => small({s} ^ {x}))")
            }
            18 => format!("abs({a})"),
            _ => {
                let c = self.expr(&Ty::Bool, depth);
                let b = self.expr(&Ty::Int, depth);
                format!("(if {c} then {a} else {b})")
            }
        }
    }

    pub(crate) fn float(&mut self, depth: u32) -> String {
        let a = self.expr(&Ty::Float, depth);
        match self.random.below(10) {
            0..6 => {
                let operator = *self.random.pick(&["+", "-", "*", "/"]);
                format!("({a} {operator} {})", self.expr(&Ty::Float, depth))
            }
            6 => format!("sqrt(abs({a}))"),
            7 => {
                let cell = *self
                    .random
                    .pick(&["clamp", "clamp", "floor", "ceil", "round"]);
                format!("to_float({cell}({a}))")
            }
            8 => format!("to_float(small({}))", self.expr(&Ty::Int, depth)),
            _ => {
                let operator = *self.random.pick(&["+", "*", "-"]);
                format!("({a} {operator} {})", self.leaf(&Ty::Int))
            }
        }
    }

    pub(crate) fn bool(&mut self, depth: u32) -> String {
        match self.random.below(12) {
            0..5 => {
                let ty = self
                    .random
                    .pick(&[Ty::Int, Ty::Int, Ty::Float, Ty::Str])
                    .clone();
                let operator = *self.random.pick(&["<", "<=", ">", ">=", "==", "!="]);
                let (a, b) = (self.expr(&ty, depth), self.expr(&ty, depth));
                format!("({a} {operator} {b})")
            }
            5 => {
                let variables = self.variables(Ty::is_data);
                if variables.is_empty() {
                    return self.literal(&Ty::Bool, 0);
                }
                let var = self.random.pick(&variables).clone();
                format!("({} == {})", var.name, self.expr(&var.ty, depth))
            }
            6..9 => {
                let operator = *self.random.pick(&["and", "or"]);
                let (a, b) = (self.expr(&Ty::Bool, depth), self.expr(&Ty::Bool, depth));
                format!("({a} {operator} {b})")
            }
            9 => format!("(not {})", self.expr(&Ty::Bool, depth)),
            10 => {
                let xs = self.expr(&Ty::list(Ty::Int), depth);
                format!("({} in {xs})", self.expr(&Ty::Int, depth))
            }
            _ => {
                let (a, b) = (self.expr(&Ty::Str, depth), self.expr(&Ty::Str, depth));
                let cell = *self.random.pick(&["starts_with", "contains", "ends_with"]);
                format!("{cell}({a}, {b})")
            }
        }
    }

    pub(crate) fn text(&mut self, depth: u32) -> String {
        match self.random.below(8) {
            0..3 => {
                let (a, b) = (self.expr(&Ty::Str, depth), self.expr(&Ty::Str, depth));
                let operator = *self.random.pick(&["++", "+"]);
                format!("cut_text({a} {operator} {b})")
            }
            3 | 4 => {
                let variables = self.variables(Ty::is_data);
                if variables.is_empty() {
                    return self.literal(&Ty::Str, 0);
                }
                let a = self.random.pick(&variables).name.clone();
                let b = self.random.pick(&variables).name.clone();
                format!("cut_text(\"{{{a}}}-{{{b}}}\")")
            }
            5 => {
                let cell = *self.random.pick(&["upper", "lower", "trim"]);
                format!("{cell}({})", self.expr(&Ty::Str, depth))
            }
            6 => {
                let ty = self.random.pick(&[Ty::Int, Ty::Float, Ty::Bool]).clone();
                format!("to_string({})", self.expr(&ty, depth))
            }
            _ => {
                let a = self.expr(&Ty::Str, depth);
                format!("replace({a}, \"a\", \"oo\")[0..{}]", self.random.below(3))
            }
        }
    }

    pub(crate) fn list(&mut self, element: &Ty, depth: u32) -> String {
        let ty = Ty::list(element.clone());
        let data = element.is_data();
        match self.random.below(8) {
            0 | 1 => self.literal(&ty, depth),
            2 => {
                let (a, b) = (self.expr(&ty, depth), self.expr(&ty, depth));
                format!("cut_list({a} ++ {b})")
            }
            3 if data => self.comprehension(element, depth),
            4 => {
                let xs = self.expr(&ty, depth);
                let cell = *self.random.pick(&["reverse", "cut_list"]);
                format!("{cell}({xs})")
            }
            5 if *element == Ty::Int || *element == Ty::Str => {
                format!("sort({})", self.expr(&ty, depth))
            }
            6 => {
                let xs = self.expr(&ty, depth);
                format!("take({xs}, {})", self.random.between(1, 3))
            }
            _ if data => self.filtered(element, depth),
            _ => self.literal(&ty, depth),
        }
    }

    /// A list made by `map` or a comprehension.
    fn comprehension(&mut self, element: &Ty, depth: u32) -> String {
        let from = self.scalar();
        let source = match self.random.one_in(3) {
            true => format!("0..{}", self.random.between(1, 8)),
            false => self.expr(&Ty::list(from.clone()), depth.min(1)),
        };
        let from = if source.starts_with("0..") {
            Ty::Int
        } else {
            from
        };
        let name = self.fresh("x");
        let known = self.scope.len();
        let (times, closure) = (self.body.times, self.body.closure);
        self.body.times *= 10;
        self.body.closure = true;
        self.declare(&name, from, false);
        let value = self.expr(element, depth.min(2));
        self.scope.truncate(known);
        self.body.times = times;
        self.body.closure = closure;
        match self.random.one_in(2) && !source.starts_with("0..") {
            true => format!("{source}.map(fn({name}) => {value})"),
            false => format!("[{value} for {name} in {source}]"),
        }
    }

    fn filtered(&mut self, element: &Ty, depth: u32) -> String {
        let xs = self.expr(&Ty::list(element.clone()), depth);
        let name = self.fresh("x");
        let known = self.scope.len();
        let closure = self.body.closure;
        self.body.closure = true;
        self.declare(&name, element.clone(), false);
        let condition = self.expr(&Ty::Bool, depth.min(2));
        self.body.closure = closure;
        self.scope.truncate(known);
        format!("{xs}.filter(fn({name}: {}) => {condition})", element.text())
    }
}
