//! Statements that run tasks. In programs that are not deterministic by themselves tasks print
//! nothing, all of them are awaited, and of several that fail the first in source order is raised:
//! their results do not depend on the schedule.

use crate::generate::{Body, Cell, Generator};
use crate::types::Ty;

impl Generator {
    /// Some statement about tasks.
    pub(crate) fn concurrent(&mut self) {
        match self.random.below(if self.free { 10 } else { 4 }) {
            0 => self.tasks(),
            1 => self.channel(),
            2 => self.counter(),
            3 => self.mutex(),
            4 => self.parallel_for(),
            5 => self.sleeping(),
            6 => self.timeout(),
            7 => self.race(),
            8 => self.cancelled(),
            _ => self.select(),
        }
    }

    /// A cell to run as a task.
    fn task_cell(&mut self, ty: &Ty) -> Option<Cell> {
        let quiet = !self.free;
        self.callable(ty, quiet)
    }

    /// The call of a cell to run as a task, if there is one within the budget.
    fn task_call(&mut self, ty: &Ty) -> Option<String> {
        let cell = self.task_cell(ty)?;
        if !self.spend(cell.cost + 3) {
            return None;
        }
        Some(format!("{}({})", cell.name, self.arguments(&cell, 1)))
    }

    /// A type that some cell gives.
    fn result_type(&mut self) -> Ty {
        let results: Vec<Ty> = self.cells.iter().map(|cell| cell.result.clone()).collect();
        match results.is_empty() {
            true => Ty::Int,
            false => self.random.pick(&results).clone(),
        }
    }

    /// Tasks that are all awaited.
    pub(crate) fn tasks(&mut self) {
        let ty = self.result_type();
        let Some(cell) = self.task_cell(&ty) else {
            return self.match_statement();
        };
        let count = self.random.between(1, 4);
        if !self.spend((cell.cost + 2) * count as u64) {
            return self.match_statement();
        }
        let arguments: Vec<String> = (0..count)
            .map(|_| format!("{}({})", cell.name, self.arguments(&cell, 1)))
            .collect();
        let name = self.fresh("v");
        let all = arguments.join(", ");
        match !self.free || self.random.one_in(2) {
            true => self.line(&format!("let mut {name} = await spawn([{all}])")),
            false => {
                self.line(&format!(
                    "let mut {name}: list[{}] = await parallel",
                    ty.text()
                ));
                for branch in &arguments {
                    self.line(&format!("  {branch}"));
                }
                self.line("end");
            }
        }
        self.declare(&name, Ty::list(ty), true);
    }

    /// A task that sends, and a loop that receives.
    pub(crate) fn channel(&mut self) {
        if self.body.closure || !self.spend(60) {
            return self.branch_on_number();
        }
        let ty = self.scalar();
        let (channel, task) = (self.fresh("ch"), self.fresh("t"));
        let (index, message) = (self.fresh("i"), self.fresh("x"));
        let (capacity, turns) = (self.random.below(4), self.random.between(1, 8));
        self.line(&format!(
            "let {channel} = channel[{}]({capacity})",
            ty.text()
        ));
        self.line(&format!("let {task} = async"));
        let outside = self.body.clone();
        let known = self.scope.len();
        self.body.loud &= self.free;
        self.body.captured = known;
        self.body.result = None;
        self.closed(|g| {
            g.lines(&["defer", &format!("  {channel}.close()"), "end"]);
            g.line(&format!("for {index} in 0..{turns}"));
            g.turns(turns as u64, String::new(), |g| {
                g.declare(&index, Ty::Int, false);
                if g.random.one_in(3) {
                    g.statement();
                }
                let value = g.expr(&ty, 2);
                g.line(&format!("{channel}.send({value})"));
            });
            g.line("end");
        });
        self.line("end");
        self.body = Body {
            cost: self.body.cost,
            myself: self.body.myself.take(),
            ..outside
        };
        self.line(&format!("for {message} in {channel}"));
        self.turns(turns as u64, String::new(), |g| {
            g.declare(&message, ty, false);
            g.statements(2);
        });
        self.line("end");
        self.line(&format!("await {task}"));
    }

    /// A number that several tasks add to.
    fn counter(&mut self) {
        let name = self.fresh("a");
        let value = self.expr(&Ty::Int, 2);
        self.line(&format!("let {name} = Atomic(small({value}))"));
        let all = self.fresh("v");
        let modifier = if self.free { "" } else { "(settled)" };
        self.line(&format!("let {all} = await parallel{modifier}"));
        for _ in 0..self.random.between(2, 4) {
            let value = self.expr(&Ty::Int, 2);
            self.line(&format!("  {name}.add(small({value}))"));
        }
        self.line("end");
        let sum = self.fresh("v");
        self.line(&format!("let mut {sum} = {name}.get() + len({all})"));
        self.declare(&sum, Ty::Int, true);
    }

    /// A value that is changed behind a lock.
    fn mutex(&mut self) {
        let ty = self.data_type(1);
        let (name, held) = (self.fresh("m"), self.fresh("x"));
        let value = self.expr(&ty, 2);
        self.line(&format!("let {name} = Mutex[{}]({value})", ty.text()));
        for _ in 0..self.random.between(1, 3) {
            let known = self.scope.len();
            let closure = std::mem::replace(&mut self.body.closure, true);
            self.declare(&held, ty.clone(), false);
            let value = self.expr(&ty, 3);
            self.body.closure = closure;
            self.scope.truncate(known);
            self.line(&format!("{name}.with(fn({held}) => {value})"));
        }
        let got = self.fresh("v");
        self.line(&format!("let mut {got}: {} = {name}.get()", ty.text()));
        self.declare(&got, ty, true);
    }

    /// A task per element of a list.
    fn parallel_for(&mut self) {
        let (from, to) = (self.scalar(), self.data_type(1));
        let (name, element) = (self.fresh("v"), self.fresh("x"));
        let list = self.expr(&Ty::list(from.clone()), 2);
        if !self.spend(20) {
            return self.mutex();
        }
        self.line(&format!(
            "let mut {name}: list[{}] = await parallel for {element} in {list}",
            to.text()
        ));
        let known = self.scope.len();
        let closure = std::mem::replace(&mut self.body.closure, true);
        self.declare(&element, from, false);
        let value = self.expr(&to, 3);
        self.body.closure = closure;
        self.scope.truncate(known);
        self.line(&format!("  {value}"));
        self.line("end");
        self.declare(&name, Ty::list(to), true);
    }

    fn sleeping(&mut self) {
        let time = self.random.below(20);
        self.line(&format!("sleep({time})"));
    }

    /// A call that may not take longer than some time.
    fn timeout(&mut self) {
        let ty = self.result_type();
        let Some(call) = self
            .task_call(&ty)
            .filter(|_| !matches!(ty, Ty::Nullable(_)))
        else {
            return self.sleeping();
        };
        let (name, time) = (self.fresh("v"), self.random.below(15));
        let text = ty.text();
        self.line(&format!(
            "let mut {name}: {text}? = await timeout({time}, {call})"
        ));
        self.declare(&name, Ty::Nullable(Box::new(ty)), true);
    }

    /// The first of several calls that ends.
    fn race(&mut self) {
        let ty = self.result_type();
        let calls: Vec<String> = (0..self.random.between(2, 3))
            .filter_map(|_| self.task_call(&ty))
            .collect();
        if calls.is_empty() {
            return self.sleeping();
        }
        let name = self.fresh("v");
        self.line(&format!("let mut {name}: {} = await race", ty.text()));
        for call in calls {
            self.line(&format!("  {call}"));
        }
        self.line("end");
        self.declare(&name, ty, true);
    }

    /// A task that is cancelled after a while.
    fn cancelled(&mut self) {
        let ty = self.result_type();
        let Some(call) = self.task_call(&ty) else {
            return self.sleeping();
        };
        let (task, error) = (self.fresh("t"), self.fresh("e"));
        let time = self.random.below(8);
        self.lines(&[
            &format!("let {task} = spawn({call})"),
            &format!("sleep({time})"),
            &format!("cancel({task})"),
            "try",
            &format!("  print(await {task})"),
            &format!("catch {error}"),
            &format!("  print({error}.message)"),
            "end",
        ]);
    }

    /// What comes first: a call's result, or the end of some time.
    fn select(&mut self) {
        let ty = self.result_type();
        let Some(call) = self.task_call(&ty) else {
            return self.sleeping();
        };
        let (got, time) = (self.fresh("x"), self.random.below(10));
        self.lines(&[
            "select",
            &format!("  {got} = {call} -> print(\"got {{{got}}}\")"),
            &format!("  t = sleep({time}) -> print(\"late\")"),
            "end",
        ]);
    }
}
