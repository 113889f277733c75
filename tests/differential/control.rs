//! Statements that match, fail, clean up and leave.

use crate::generate::Generator;
use crate::types::Ty;

impl Generator {
    /// A `match` over a variable that has cases.
    pub(crate) fn match_statement(&mut self) {
        let with_cases =
            |ty: &Ty| matches!(ty, Ty::Enum(_) | Ty::Nullable(_) | Ty::Result(_) | Ty::Int);
        let variables = self.variables(with_cases);
        if variables.is_empty() {
            return self.branch_on_number();
        }
        let var = self.random.pick(&variables).clone();
        match var.ty {
            Ty::Enum(n) => self.match_enum(&var.name, n),
            Ty::Nullable(inner) => {
                let name = self.fresh("x");
                self.line(&format!("if let {name}: {} = {}", inner.text(), var.name));
                self.block(|g| {
                    g.declare(&name, *inner, false);
                    g.statements(2);
                });
                self.line("else");
                self.block(|g| g.statements(2));
                self.line("end");
            }
            Ty::Result(inner) => {
                let (good, bad) = (self.fresh("x"), self.fresh("x"));
                self.line(&format!("match {}", var.name));
                self.arm(&format!("ok({good})"), &[(good.clone(), *inner)]);
                self.arm(&format!("err({bad})"), &[(bad.clone(), Ty::Str)]);
                self.line("end");
            }
            _ => self.branch_on_number(),
        }
    }

    fn match_enum(&mut self, subject: &str, n: usize) {
        let variants = self.enums[n].clone();
        let rest = self.random.one_in(4);
        self.line(&format!("match {subject}"));
        for (at, variant) in variants.iter().enumerate() {
            if rest && at > 0 && at + 1 == variants.len() {
                self.arm("_", &[]);
                continue;
            }
            let mut names = Vec::new();
            let mut bound = Vec::new();
            for ty in &variant.payload {
                let name = self.fresh("x");
                bound.push((name.clone(), ty.clone().unwrap_or(Ty::Enum(n))));
                names.push(name);
            }
            let pattern = match names.is_empty() {
                true => variant.name.clone(),
                false => format!("{}({})", variant.name, names.join(", ")),
            };
            self.arm(&pattern, &bound);
        }
        self.line("end");
    }

    /// An arm of statements, which knows what its pattern binds.
    fn arm(&mut self, pattern: &str, bound: &[(String, Ty)]) {
        self.block(|g| {
            g.line(&format!("{pattern} ->"));
            g.block(|g| {
                for (name, ty) in bound {
                    g.declare(name, ty.clone(), false);
                }
                g.statements(2);
            });
        });
    }

    pub(crate) fn branch_on_number(&mut self) {
        let subject = self.expr(&Ty::Int, 3);
        self.line(&format!("match {subject}"));
        for pattern in ["0", "1 | 2 | 3", "4..100", "_"] {
            self.arm(pattern, &[]);
        }
        self.line("end");
    }

    /// Shows a caught failure, or uses it.
    pub(crate) fn show_error(&mut self, error: &str) {
        let name = self.fresh("m");
        let (what, ty) = match self.random.below(5) {
            0 => (format!("len({error}.trace)"), Ty::Int),
            1 => (format!("{error}.location"), Ty::Str),
            2 => (format!("len({error}.causes)"), Ty::Int),
            _ => (
                format!("\"{{{error}.kind}}: {{{error}.message}}\""),
                Ty::Str,
            ),
        };
        self.line(&format!("let {name} = {what}"));
        if self.body.loud {
            self.line(&format!("print({name})"));
        }
        self.declare(&name, ty, false);
    }

    pub(crate) fn try_statement(&mut self) {
        self.line("try");
        self.block(|g| g.statements(3));
        let finally = self.random.one_in(3);
        if !finally || self.random.one_in(2) {
            let error = self.fresh("e");
            let guard = match self.random.one_in(4) {
                true => format!(" if {error}.kind == \"Overflow\""),
                false => String::new(),
            };
            self.line(&format!("catch {error}{guard}"));
            self.block(|g| {
                g.show_error(&error);
                g.statements(2);
                if g.random.one_in(6) {
                    g.line(&format!("throw {error}"));
                }
            });
        }
        if finally {
            self.line("finally");
            self.closed(|g| g.statements(2));
        }
        self.line("end");
    }

    /// A block that cannot be left but by failing.
    pub(crate) fn closed(&mut self, inside: impl FnOnce(&mut Generator)) {
        let (closed, loops) = (self.body.closed, std::mem::take(&mut self.body.loops));
        self.body.closed = true;
        self.block(inside);
        self.body.closed = closed;
        self.body.loops = loops;
    }

    pub(crate) fn defer_statement(&mut self) {
        self.line("defer");
        self.closed(|g| g.statements(2));
        self.line("end");
    }

    /// `return`, `break` or `continue`, on a condition.
    pub(crate) fn leave(&mut self) {
        let condition = self.expr(&Ty::Bool, 2);
        self.line(&format!("if {condition}"));
        let way = match (self.body.loops.clone(), self.body.result.clone()) {
            (loops, _) if !loops.is_empty() && !self.random.one_in(4) => {
                let word = *self.random.pick(&["break", "continue"]);
                match self.random.pick(&loops).as_str() {
                    "" => word.to_owned(),
                    label => format!("{word} @{label}"),
                }
            }
            (_, Some(ty)) if !self.body.closed => {
                let value = self.expr(&ty, 2);
                format!("return {value}")
            }
            _ => self.failing(),
        };
        self.line(&format!("  {way}"));
        self.line("end");
    }

    /// A statement that fails.
    fn failing(&mut self) -> String {
        match self.random.below(4) {
            0 => format!("throw {}", self.expr(&Ty::Str, 1)),
            1 => "throw Error(\"mine\", kind: \"Mine\")".into(),
            2 => format!("assert ({})", self.expr(&Ty::Bool, 1)),
            _ => {
                let (value, expected) = (self.expr(&Ty::Int, 1), self.random.below(9));
                format!("assert ({value}) == {expected}, \"equal\"")
            }
        }
    }

    pub(crate) fn fail(&mut self) {
        let condition = self.expr(&Ty::Bool, 2);
        let failing = self.failing();
        self.line(&format!("if {condition}"));
        self.line(&format!("  {failing}"));
        self.line("end");
    }

    /// A closure in a variable, called at once.
    pub(crate) fn nested_function(&mut self) {
        let ty = self.function_type();
        let Ty::Fn(params, result) = ty.clone() else {
            return;
        };
        let (name, value) = (self.fresh("v"), self.fresh("v"));
        let closure = self.literal(&ty, 2);
        self.line(&format!("let {name} = {closure}"));
        self.declare(&name, ty, false);
        let arguments = self.several(&params, 2);
        self.line(&format!(
            "let mut {value}: {} = {name}({arguments})",
            result.text()
        ));
        self.declare(&value, *result, true);
    }
}
