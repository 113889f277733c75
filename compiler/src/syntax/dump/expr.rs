//! Expressions.

use super::{Dumper, Node, some};
use crate::syntax::ast::*;
use std::fmt::Write;

impl Dumper<'_> {
    pub(super) fn expr(&self, expr: &Expr) -> Node {
        let one = |label: &str, inner: &Expr| Node::new(label, [self.expr(inner)]);
        let all = |label: &str, list: &[Expr]| Node::new(label, list.iter().map(|e| self.expr(e)));
        match &expr.kind {
            ExprKind::Error => Node::leaf("error"),
            ExprKind::Null => Node::leaf("null"),
            ExprKind::Bool(value) => Node::leaf(value.to_string()),
            ExprKind::Int(value) => Node::leaf(value.to_string()),
            ExprKind::Float(value) => Node::leaf(format!("{value:?}")),
            ExprKind::Str(value) => Node::leaf(format!("{value:?}")),
            ExprKind::Bytes(value) => Node::leaf(bytes_text(value)),
            ExprKind::Interpolation(parts) => Node::new("string", self.str_parts(parts)),
            ExprKind::Name(name) => Node::leaf(self.name(*name)),
            ExprKind::Tuple(elements) => all("tuple", elements),
            ExprKind::List(elements) => Node::new("list", self.elements(elements)),
            ExprKind::Set(elements) => Node::new("set", self.elements(elements)),
            ExprKind::Map(elements) => self.map(elements),
            ExprKind::EmptyBraces => Node::leaf("{}"),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension),
            ExprKind::Call(call) => {
                let types = self.type_args(&call.type_args);
                let head = [self.expr(&call.callee)].into_iter().chain(types);
                Node::new("call", head.chain(self.args(&call.args)))
            }
            ExprKind::MethodCall(call) => {
                let point = if call.safe { "?." } else { "." };
                let types = self.type_args(&call.type_args);
                let head = [self.expr(&call.receiver)].into_iter().chain(types);
                let label = format!("{point}{}()", self.ident(call.name));
                Node::new(label, head.chain(self.args(&call.args)))
            }
            ExprKind::Field { base, name, safe } => {
                let point = if *safe { "?." } else { "." };
                one(&format!("{point}{}", self.ident(*name)), base)
            }
            ExprKind::TupleField { base, index, safe } => {
                one(&format!("{}{index}", if *safe { "?." } else { "." }), base)
            }
            ExprKind::Index { base, index, safe } => {
                let label = if *safe { "?[]" } else { "[]" };
                Node::new(label, [self.expr(base), self.expr(index)])
            }
            ExprKind::Unary { op, operand } => one(op.text(), operand),
            ExprKind::Binary(binary) => Node::new(
                binary.op.text(),
                [self.expr(&binary.lhs), self.expr(&binary.rhs)],
            ),
            ExprKind::Is { value, ty } => Node::new("is", [self.expr(value), self.ty(ty)]),
            ExprKind::As { value, ty } => Node::new("as", [self.expr(value), self.ty(ty)]),
            ExprKind::Range(range) => self.range(range),
            ExprKind::Pipe { value, target } => {
                Node::new("|>", [self.expr(value), self.expr(target)])
            }
            ExprKind::Compose { first, second } => {
                Node::new("~>", [self.expr(first), self.expr(second)])
            }
            ExprKind::Propagate { value, prefix } => one(if *prefix { "try" } else { "?" }, value),
            ExprKind::Unwrap(value) => one("!", value),
            ExprKind::Await(value) => one("await", value),
            ExprKind::AwaitAll(values) => all("await", values),
            ExprKind::Ok(value) => one("ok", value),
            ExprKind::Err(value) => one("err", value),
            ExprKind::Return(value) => Node::new("return", value.iter().map(|e| self.expr(e))),
            ExprKind::Throw(value) => one("throw", value),
            ExprKind::Yield(value) => one("yield", value),
            _ => self.flow(expr),
        }
    }

    /// Control flow and concurrency.
    fn flow(&self, expr: &Expr) -> Node {
        match &expr.kind {
            ExprKind::Instance { base, types } => {
                let types = types.iter().map(|ty| self.ty(ty));
                Node::new("instance", std::iter::once(self.expr(base)).chain(types))
            }
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::Block(block) => self.block("do", block),
            ExprKind::If(inner) => {
                let branches = inner.branches.iter().map(|branch| {
                    let parts = [
                        self.condition(&branch.condition),
                        self.block("then", &branch.body),
                    ];
                    Node::new("case", parts)
                });
                let otherwise = inner
                    .otherwise
                    .as_ref()
                    .map(|block| self.block("else", block));
                Node::new("if", branches.chain(otherwise))
            }
            ExprKind::Match(inner) => self.match_expr(inner),
            ExprKind::When(inner) => {
                let arms = inner.arms.iter().map(|arm| {
                    Node::new(
                        "case",
                        [self.expr(&arm.condition), self.block("->", &arm.body)],
                    )
                });
                let otherwise = inner
                    .otherwise
                    .as_ref()
                    .map(|block| self.block("else", block));
                Node::new("when", arms.chain(otherwise))
            }
            ExprKind::While(inner) => {
                let parts = [
                    self.condition(&inner.condition),
                    self.block("do", &inner.body),
                ];
                Node::new(self.labelled("while", inner.label), parts)
            }
            ExprKind::Loop(inner) => {
                Node::new(self.labelled("loop", inner.label), self.stmts(&inner.body))
            }
            ExprKind::For(inner) => {
                let clause = self.clause(&inner.clause);
                let body = self.block("do", &inner.body);
                Node::new(
                    self.labelled("for", inner.label),
                    clause.into_iter().chain([body]),
                )
            }
            ExprKind::Try(inner) => self.try_expr(inner),
            ExprKind::Break { label, value } => {
                let value = value.as_ref().map(|value| self.expr(value));
                Node::new(self.labelled("break", *label), value)
            }
            ExprKind::Continue { label } => Node::leaf(self.labelled("continue", *label)),
            ExprKind::Assert(assert) => {
                let message = assert.message.as_ref().map(|message| self.expr(message));
                Node::new(
                    "assert",
                    some([Some(self.expr(&assert.condition)), message]),
                )
            }
            _ => self.concurrency(expr),
        }
    }

    fn concurrency(&self, expr: &Expr) -> Node {
        match &expr.kind {
            ExprKind::Spawn(args) => Node::new("spawn", self.args(args)),
            ExprKind::Async(block) => self.block("async", block),
            ExprKind::Scope(scope) => {
                let name = scope
                    .name
                    .map(|name| Node::new("as", [Node::leaf(self.ident(name))]));
                let head = self.modifiers(&scope.modifiers).into_iter().chain(name);
                Node::new("scope", head.chain([self.block("do", &scope.body)]))
            }
            ExprKind::Parallel(block) => {
                let branches = block.branches.iter().map(|branch| {
                    let name = branch.name.map(|name| Node::leaf(self.ident(name)));
                    Node::new("branch", some([name, Some(self.stmt(&branch.body))]))
                });
                let parts = self.modifiers(&block.modifiers).into_iter().chain(branches);
                Node::new(block.kind.text(), parts)
            }
            ExprKind::ParallelFor(block) => {
                let head = self.modifiers(&block.modifiers).into_iter();
                let head = head.chain(self.clause(&block.clause));
                let body = self.block("do", &block.body);
                Node::new(format!("{} for", block.kind.text()), head.chain([body]))
            }
            ExprKind::Select(select) => self.select(select),
            ExprKind::Timeout { limit, body } => {
                Node::new("timeout", [self.expr(limit), self.expr(body)])
            }
            _ => Node::leaf("unknown"),
        }
    }

    fn select(&self, select: &Select) -> Node {
        let body = |block: &Option<Block>| block.as_ref().map(|block| self.block("->", block));
        let branches = select.branches.iter().map(|branch| {
            let name = branch.name.map(|name| Node::leaf(self.ident(name)));
            let operation = Some(self.expr(&branch.operation));
            Node::new("branch", some([name, operation, body(&branch.body)]))
        });
        let otherwise = select
            .otherwise
            .iter()
            .map(|found| Node::new("else", body(&found.body)));
        let parts = self
            .modifiers(&select.modifiers)
            .into_iter()
            .chain(branches);
        Node::new("select", parts.chain(otherwise))
    }

    fn modifiers(&self, modifiers: &[Modifier]) -> Option<Node> {
        let nodes = modifiers.iter().map(|modifier| {
            let value = match &modifier.value {
                ModifierValue::None => None,
                ModifierValue::Word(word) => Some(Node::leaf(self.ident(*word))),
                ModifierValue::Expr(expr) => Some(self.expr(expr)),
            };
            Node::new(self.ident(modifier.name), value)
        });
        (!modifiers.is_empty()).then(|| Node::new("with", nodes))
    }

    fn labelled(&self, word: &str, label: Option<Ident>) -> String {
        label.map_or(word.to_owned(), |label| {
            format!("{word} @{}", self.ident(label))
        })
    }

    fn condition(&self, condition: &Condition) -> Node {
        match condition {
            Condition::Expr(expr) => self.expr(expr),
            Condition::Let(pattern, value) => {
                Node::new("let", [self.pattern(pattern), self.expr(value)])
            }
        }
    }

    fn match_expr(&self, inner: &Match) -> Node {
        let arms = inner.arms.iter().map(|arm| {
            let guard = arm
                .guard
                .as_ref()
                .map(|guard| Node::new("if", [self.expr(guard)]));
            let (pattern, body) = (self.pattern(&arm.pattern), self.block("->", &arm.body));
            Node::new("case", some([Some(pattern), guard, Some(body)]))
        });
        Node::new("match", [self.expr(&inner.subject)].into_iter().chain(arms))
    }

    fn try_expr(&self, inner: &Try) -> Node {
        let catches = inner.catches.iter().map(|catch| {
            let pattern = catch.pattern.as_ref().map(|pattern| self.pattern(pattern));
            let guard = catch
                .guard
                .as_ref()
                .map(|guard| Node::new("if", [self.expr(guard)]));
            Node::new(
                "catch",
                some([pattern, guard, Some(self.block("do", &catch.body))]),
            )
        });
        let finally = inner
            .finally
            .as_ref()
            .map(|block| self.block("finally", block));
        let body = [self.block("do", &inner.body)].into_iter();
        Node::new("try", body.chain(catches).chain(finally))
    }

    fn lambda(&self, lambda: &Lambda) -> Node {
        let params = lambda.params.iter().map(|param| self.param(param));
        let result = lambda
            .result
            .as_ref()
            .map(|ty| Node::new("->", [self.ty(ty)]));
        let effects = lambda.effects.as_ref().map(|row| self.effects(row));
        let body = match &lambda.body {
            LambdaBody::Expr(expr) => Node::new("=>", [self.expr(expr)]),
            LambdaBody::Block(block) => self.block("do", block),
        };
        Node::new("fn", params.chain(some([result, effects, Some(body)])))
    }

    fn range(&self, range: &Range) -> Node {
        let end = |end: &Option<Expr>| end.as_ref().map_or(Node::leaf("open"), |e| self.expr(e));
        let step = range
            .step
            .as_ref()
            .map(|step| Node::new("step", [self.expr(step)]));
        let label = if range.inclusive { "..=" } else { ".." };
        Node::new(
            label,
            some([Some(end(&range.start)), Some(end(&range.end)), step]),
        )
    }

    fn map(&self, elements: &[MapElement]) -> Node {
        let nodes = elements.iter().map(|element| match element {
            MapElement::Entry(key, value) => Node::new(":", [self.expr(key), self.expr(value)]),
            MapElement::Spread(value) => Node::new("...", [self.expr(value)]),
        });
        Node::new("map", nodes)
    }

    fn elements(&self, elements: &[Element]) -> Vec<Node> {
        let node = |element: &Element| match element.spread {
            true => Node::new("...", [self.expr(&element.value)]),
            false => self.expr(&element.value),
        };
        elements.iter().map(node).collect()
    }

    fn comprehension(&self, comprehension: &Comprehension) -> Node {
        let (label, output) = match &comprehension.output {
            ComprehensionOutput::List(e) => ("list of", vec![self.expr(e)]),
            ComprehensionOutput::Set(e) => ("set of", vec![self.expr(e)]),
            ComprehensionOutput::Map(k, v) => ("map of", vec![self.expr(k), self.expr(v)]),
        };
        let clauses = comprehension
            .clauses
            .iter()
            .map(|one| Node::new("for", self.clause(one)));
        Node::new(label, output.into_iter().chain(clauses))
    }

    fn clause(&self, clause: &ForClause) -> Vec<Node> {
        let guards = clause
            .guards
            .iter()
            .map(|guard| Node::new("if", [self.expr(guard)]));
        let head = [
            self.pattern(&clause.pattern),
            Node::new("in", [self.expr(&clause.iterable)]),
        ];
        head.into_iter().chain(guards).collect()
    }

    fn type_args(&self, types: &[Type]) -> Option<Node> {
        (!types.is_empty()).then(|| Node::new("types", types.iter().map(|ty| self.ty(ty))))
    }

    fn args(&self, args: &[Arg]) -> Vec<Node> {
        let node = |arg: &Arg| match &arg.name {
            Some(name) => Node::new(format!("{}:", self.ident(**name)), [self.expr(&arg.value)]),
            None if arg.spread => Node::new("...", [self.expr(&arg.value)]),
            None => self.expr(&arg.value),
        };
        args.iter().map(node).collect()
    }

    pub(super) fn str_parts(&self, parts: &[StrPart]) -> Vec<Node> {
        let node = |part: &StrPart| match part {
            StrPart::Text(text) => Node::leaf(format!("{text:?}")),
            StrPart::Hole(hole) => {
                let format = hole
                    .format
                    .as_ref()
                    .map(|format| Node::leaf(format_text(format)));
                Node::new("hole", some([Some(self.expr(&hole.expr)), format]))
            }
        };
        parts.iter().map(node).collect()
    }
}

pub(super) fn bytes_text(bytes: &[u8]) -> String {
    let mut text = "b\"".to_owned();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

fn format_text(format: &Format) -> String {
    let mut text = String::from("format");
    if let Some(align) = format.align {
        let _ = write!(text, " {align:?}({:?})", format.fill);
    }
    for (is, word) in [
        (format.plus, "+"),
        (format.alternate, "#"),
        (format.zero, "0"),
    ] {
        if is {
            let _ = write!(text, " {word}");
        }
    }
    if let Some(width) = format.width {
        let _ = write!(text, " width={width}");
    }
    if format.group {
        text.push_str(" ,");
    }
    if let Some(precision) = format.precision {
        let _ = write!(text, " precision={precision}");
    }
    if format.kind != FormatKind::Plain {
        let _ = write!(text, " {:?}", format.kind);
    }
    text
}
