//! Statements: variables, assignments, branches and loops.

use crate::generate::Generator;
use crate::types::Ty;

impl Generator {
    /// Some statements, fewer when deeply nested.
    pub(crate) fn statements(&mut self, most: usize) {
        let most = if self.body.nesting > 3 { 1 } else { most };
        for _ in 0..self.random.between(1, most.max(1)) {
            self.statement();
        }
    }

    /// One statement; a simple one when the budget is spent or nesting is deep.
    pub(crate) fn statement(&mut self) {
        if !self.spend(1) || self.body.nesting > 5 {
            return self.show();
        }
        if self.free && self.random.one_in(8) {
            return self.concurrent();
        }
        match self.random.below(40) {
            0..8 => self.variable(),
            8..16 => self.assignment(),
            16..19 => self.branch(),
            19..22 => self.count_loop(),
            22 => self.while_loop(),
            23..25 => self.each_loop(),
            25..27 => self.match_statement(),
            27..30 => self.try_statement(),
            30 => self.defer_statement(),
            31 => self.leave(),
            32 => self.fail(),
            33 => self.hot_loop(),
            34 => self.generator_loop(),
            35 | 36 => self.concurrent(),
            37 => self.nested_function(),
            38 if self.random.one_in(4) => self.overflow(),
            _ => self.show(),
        }
    }

    /// Shows a variable, where output is allowed; else declares one.
    fn show(&mut self) {
        let variables = self.variables(Ty::is_data);
        if !self.body.loud || variables.is_empty() {
            return self.variable();
        }
        let name = self.random.pick(&variables).name.clone();
        self.line(&format!("print(\"{name}: {{{name}}}\")"));
    }

    /// Recursion without end, caught.
    fn overflow(&mut self) {
        let (value, error) = (self.expr(&Ty::Int, 1), self.fresh("e"));
        self.lines(&[
            "try",
            &format!("  dig({value}, [{value}])"),
            &format!("catch {error}"),
        ]);
        self.block(|g| g.show_error(&error));
        self.line("end");
    }

    fn variable(&mut self) {
        let ty = match self.random.one_in(10) {
            true => self.function_type(),
            false => self.data_type(2),
        };
        let name = self.fresh("v");
        match self.random.below(8) {
            0 if ty.is_data() => self.chosen_variable(&name, &ty),
            1 if ty.is_data() => self.guarded_variable(&name, &ty),
            _ => {
                let value = self.expr(&ty, 4);
                self.line(&format!("let mut {name}: {} = {value}", ty.text()));
            }
        }
        let assignable = ty.is_data();
        self.declare(&name, ty, assignable);
    }

    /// A variable whose value is that of an `if` with blocks.
    fn chosen_variable(&mut self, name: &str, ty: &Ty) {
        let condition = self.expr(&Ty::Bool, 2);
        self.line(&format!("let mut {name}: {} = if {condition}", ty.text()));
        for word in ["else", "end"] {
            self.block(|g| {
                g.statements(2);
                let value = g.expr(ty, 2);
                g.line(&value);
            });
            self.line(word);
        }
    }

    /// A variable whose value is that of a `try`.
    fn guarded_variable(&mut self, name: &str, ty: &Ty) {
        self.line(&format!("let mut {name}: {} = try", ty.text()));
        self.block(|g| {
            g.statements(2);
            let value = g.expr(ty, 4);
            g.line(&value);
        });
        let error = self.fresh("e");
        self.line(&format!("catch {error}"));
        self.block(|g| {
            g.show_error(&error);
            let value = g.expr(ty, 1);
            g.line(&value);
        });
        self.line("end");
    }

    fn assignment(&mut self) {
        let captured = self.body.captured;
        let variables = self
            .scope
            .iter()
            .skip(captured)
            .filter(|var| var.assignable);
        let variables: Vec<_> = variables.cloned().collect();
        if variables.is_empty() {
            return self.variable();
        }
        let var = self.random.pick(&variables).clone();
        let mut place = var.name;
        let mut ty = var.ty;
        loop {
            let stay = self.random.one_in(3);
            match ty.clone() {
                Ty::Record(n) if !stay => {
                    let fields = self.records[n].fields.clone();
                    let (name, field) = self.random.pick(&fields).clone();
                    place = format!("{place}.{name}");
                    ty = field;
                }
                Ty::List(element) if !stay => {
                    let index = self.expr(&Ty::Int, 1);
                    place = match self.random.one_in(3) {
                        true => format!("{place}[{}]", self.random.below(4)),
                        false => format!("{place}[({index} & 7) % len({place})]"),
                    };
                    ty = *element;
                }
                Ty::Map(key, value) if !stay => {
                    let key = self.expr(&key, 1);
                    let (key, value) = (format!("{place}[{key}]"), *value);
                    // A missing key can be assigned, but not looked into.
                    self.assign(&key, &value);
                    return;
                }
                _ => break,
            }
        }
        self.assign(&place, &ty);
    }

    fn assign(&mut self, place: &str, ty: &Ty) {
        match ty {
            Ty::Int if self.random.one_in(2) => {
                let operator = *self.random.pick(&["+=", "-=", "^=", "|=", "&="]);
                let value = self.expr(&Ty::Int, 2);
                self.line(&format!("{place} {operator} small({value})"));
            }
            Ty::Float if self.random.one_in(2) => {
                let operator = *self.random.pick(&["+=", "-=", "*=", "/="]);
                let value = self.expr(&Ty::Float, 2);
                self.line(&format!("{place} {operator} {value}"));
            }
            Ty::List(element) if self.random.one_in(2) => {
                let value = self.expr(element, 2);
                let append = format!("  {place}.append({value})");
                self.lines(&[&format!("if len({place}) < 12"), &append, "end"]);
            }
            Ty::List(_) if self.random.one_in(4) => {
                let pop = format!("  {place}.pop()");
                self.lines(&[&format!("if len({place}) > 1"), &pop, "end"]);
            }
            _ => {
                let value = self.expr(ty, 4);
                self.line(&format!("{place} = {value}"));
            }
        }
    }

    fn branch(&mut self) {
        let condition = self.expr(&Ty::Bool, 3);
        self.line(&format!("if {condition}"));
        self.block(|g| g.statements(3));
        if self.random.one_in(4) {
            let condition = self.expr(&Ty::Bool, 2);
            self.line(&format!("else if {condition}"));
            self.block(|g| g.statements(2));
        }
        if self.random.one_in(2) {
            self.line("else");
            self.block(|g| g.statements(3));
        }
        self.line("end");
    }

    /// How often a loop here may turn.
    fn turn_count(&mut self, most: usize) -> Option<u64> {
        let room = self.body.limit.saturating_sub(self.body.cost) / self.body.times / 4;
        let most = most.min(usize::try_from(room).unwrap_or(usize::MAX));
        (most >= 2).then(|| self.random.between(1, most) as u64)
    }

    fn label(&mut self) -> (String, String) {
        if self.random.one_in(3) {
            let label = self.fresh("l");
            return (format!("@{label} "), label);
        }
        (String::new(), String::new())
    }

    fn count_loop(&mut self) {
        let Some(turns) = self.turn_count(20) else {
            return self.show();
        };
        let name = self.fresh("i");
        let (mark, label) = self.label();
        let from = self.random.below(3) as u64;
        let range = match self.random.below(4) {
            0 => format!("{from}..={}", from + turns - 1),
            1 => format!("{from}..{} step 3", from + turns * 3),
            _ => format!("{from}..{}", from + turns),
        };
        self.line(&format!("for {mark}{name} in {range}"));
        self.turns(turns, label, |g| {
            g.declare(&name, Ty::Int, false);
            g.statements(4);
        });
        self.line("end");
    }

    fn while_loop(&mut self) {
        let Some(turns) = self.turn_count(20) else {
            return self.show();
        };
        let name = self.fresh("w");
        let condition = match self.random.one_in(2) {
            true => format!(" and {}", self.expr(&Ty::Bool, 2)),
            false => String::new(),
        };
        self.line(&format!("let mut {name} = 0"));
        self.declare(&name, Ty::Int, false);
        let endless = self.random.one_in(3);
        match endless {
            true => self.line("loop"),
            false => self.line(&format!("while {name} < {turns}{condition}")),
        }
        self.turns(turns, String::new(), |g| {
            if endless {
                g.lines(&[&format!("if {name} >= {turns}"), "  break", "end"]);
            }
            g.line(&format!("{name} += 1"));
            g.statements(4);
        });
        self.line("end");
    }

    fn each_loop(&mut self) {
        let Some(_) = self.turn_count(12) else {
            return self.show();
        };
        let map = self.variables(|t| matches!(t, Ty::Map(..)));
        let (mark, label) = self.label();
        if !map.is_empty() && self.random.one_in(2) {
            let var = self.random.pick(&map).clone();
            let Ty::Map(key, value) = var.ty else { return };
            let (k, v) = (self.fresh("k"), self.fresh("x"));
            self.line(&format!("for {mark}({k}, {v}) in {}", var.name));
            self.turns(12, label, |g| {
                g.declare(&k, *key, false);
                g.declare(&v, *value, false);
                g.statements(3);
            });
            return self.line("end");
        }
        let element = self.part_type(1);
        let name = self.fresh("x");
        let source = self.expr(&Ty::list(element.clone()), 2);
        let filter = match self.random.one_in(4) {
            true => format!(" if {}", self.expr(&Ty::Bool, 1)),
            false => String::new(),
        };
        self.line(&format!("for {mark}{name} in {source}{filter}"));
        self.turns(12, label, |g| {
            g.declare(&name, element, false);
            g.statements(3);
        });
        self.line("end");
    }

    /// A loop that turns often over little: what becomes hot.
    fn hot_loop(&mut self) {
        let Some(turns) = self.turn_count(400) else {
            return self.show();
        };
        let (name, index) = (self.fresh("h"), self.fresh("i"));
        let float = self.random.one_in(3);
        let (ty, zero) = if float {
            (Ty::Float, "0.0")
        } else {
            (Ty::Int, "0")
        };
        self.line(&format!("let mut {name} = {zero}"));
        self.declare(&name, ty.clone(), false);
        self.line(&format!("for {index} in 0..{turns}"));
        self.turns(turns, String::new(), |g| {
            g.declare(&index, Ty::Int, false);
            let value = g.expr(&ty, 3);
            match float {
                true => g.line(&format!("{name} = {name} * 0.5 + {value}")),
                false => g.line(&format!("{name} = small({name} + small({value}))")),
            }
            if g.random.one_in(2) {
                g.assignment();
            }
        });
        self.line("end");
    }

    fn generator_loop(&mut self) {
        let fit: Vec<_> = self.cells.iter().filter(|c| c.generator).cloned().collect();
        if fit.is_empty() || self.body.closure {
            return self.count_loop();
        }
        let cell = self.random.pick(&fit).clone();
        if !self.spend(cell.cost) || self.turn_count(10).is_none() {
            return self.show();
        }
        let rest = self.several(&cell.params[1..], 2);
        let comma = if rest.is_empty() { "" } else { ", " };
        let (name, count) = (self.fresh("x"), self.random.below(8));
        self.line(&format!(
            "for {name} in {}({count}{comma}{rest})",
            cell.name
        ));
        self.turns(9, String::new(), |g| {
            g.declare(&name, cell.result.clone(), false);
            g.statements(3);
        });
        self.line("end");
    }
}
