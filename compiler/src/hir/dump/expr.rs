//! Expressions of the typed tree as text.

use super::super::{
    Arm, Callee, Element, Expr, ExprKind, Group, Iter, LocalId, Piece, Place, PlaceStep, Select,
    SelectOp,
};
use super::{Dumper, function_name};
use crate::outline::Node;

impl Dumper<'_> {
    pub(super) fn expr(&self, expr: &Expr) -> Node {
        if let Some(leaf) = self.leaf(&expr.kind) {
            return Node::leaf(leaf);
        }
        match &expr.kind {
            ExprKind::Coerce(how, inner) => {
                let name = format!("{how:?}").to_lowercase();
                Node::new(format!("{name}: {}", self.ty(expr.ty)), [self.expr(inner)])
            }
            ExprKind::Variant { variant, args } => {
                Node::new(self.variant(expr.ty, *variant), self.exprs(args))
            }
            ExprKind::Aggregate(args) => Node::new(self.ty(expr.ty), self.exprs(args)),
            ExprKind::Unary(op, value) => self.node(&lower(op), [&**value]),
            ExprKind::Binary(op, lhs, rhs) => self.node(&lower(op), [&**lhs, &**rhs]),
            ExprKind::Logic { and, lhs, rhs } => {
                self.node(if *and { "and" } else { "or" }, [&**lhs, &**rhs])
            }
            ExprKind::Is(value, ty) => self.node(&format!("is {}", self.ty(*ty)), [&**value]),
            ExprKind::In { value, container } => self.node("in", [&**value, &**container]),
            ExprKind::Field { base, index } => self.node(&self.field(base.ty, *index), [&**base]),
            ExprKind::Index { base, index, safe } => {
                self.node(if *safe { "index?" } else { "index" }, [&**base, &**index])
            }
            ExprKind::Slice {
                base,
                lo,
                hi,
                inclusive,
            } => {
                let name = if *inclusive { "slice=" } else { "slice" };
                self.node(
                    name,
                    [Some(base), lo.as_ref(), hi.as_ref()].into_iter().flatten(),
                )
            }
            ExprKind::List(elements) => self.elements("list", elements),
            ExprKind::Set(elements) => self.elements("set", elements),
            ExprKind::Map(entries) => {
                let entry = |(key, value): &(Expr, Expr)| self.node("entry", [key, value]);
                Node::new("map", entries.iter().map(entry))
            }
            ExprKind::Interpolate(pieces) => {
                Node::new("text", pieces.iter().map(|piece| self.piece(piece)))
            }
            _ => self.action(expr),
        }
    }

    /// What has no parts.
    fn leaf(&self, kind: &ExprKind) -> Option<String> {
        Some(match kind {
            ExprKind::Int(value) => value.to_string(),
            ExprKind::Float(value) => format!("{value:?}"),
            ExprKind::Bool(value) => value.to_string(),
            ExprKind::Str(value) => format!("{value:?}"),
            ExprKind::BytesLit(bytes) => format!("bytes {bytes:02x?}"),
            ExprKind::Null => "null".into(),
            ExprKind::Local(local) => self.local(*local),
            ExprKind::Global(id) => format!("global#{}", id.0),
            ExprKind::FuncRef(func) => format!("ref {}", function_name(self.program, *func)),
            ExprKind::Closure { func, captures } => {
                let captures: Vec<_> = captures.iter().map(|id| self.local(*id)).collect();
                let func = function_name(self.program, *func);
                format!("closure {func} [{}]", captures.join(", "))
            }
            ExprKind::Continue(id) => format!("continue @{}", id.0),
            _ => return None,
        })
    }

    /// Statements, calls and control flow.
    fn action(&self, expr: &Expr) -> Node {
        match &expr.kind {
            ExprKind::Block(items) => Node::new("block", self.exprs(items)),
            ExprKind::Let { pat, init } => Node::new("let", [self.pattern(pat), self.expr(init)]),
            ExprKind::Assign { place, value } => {
                Node::new("assign", [self.place(place), self.expr(value)])
            }
            ExprKind::AssignOp { place, op, value } => Node::new(
                format!("assign-{}", lower(op)),
                [self.place(place), self.expr(value)],
            ),
            ExprKind::Call { callee, args } => Node::new(self.callee(*callee), self.exprs(args)),
            ExprKind::CallValue { callee, args } => {
                let callee = [self.expr(callee)].into_iter();
                Node::new("call-value", callee.chain(self.exprs(args)))
            }
            ExprKind::CallMut {
                callee,
                place,
                args,
            } => {
                let place = [self.place(place)].into_iter();
                Node::new(
                    format!("mut {}", self.callee(*callee)),
                    place.chain(self.exprs(args)),
                )
            }
            ExprKind::CallTool {
                tool,
                args,
                messages,
            } => {
                let named =
                    |(name, value): &(String, Expr)| self.node(&format!("{name}:"), [value]);
                let parts = args.iter().chain(messages).map(named);
                Node::new(format!("tool #{tool}"), parts)
            }
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => self.node(
                "if",
                [Some(cond), Some(then), otherwise.as_ref()]
                    .into_iter()
                    .flatten(),
            ),
            ExprKind::Match { value, arms } => {
                let value = [self.expr(value)].into_iter();
                Node::new("match", value.chain(arms.iter().map(|arm| self.arm(arm))))
            }
            ExprKind::Try {
                body,
                catch,
                finally,
            } => {
                let body = [self.expr(body)].into_iter();
                let catch = catch.iter().map(|arm| self.arm(arm));
                let finally = finally.iter().map(|e| self.node("finally", [&**e]));
                Node::new("try", body.chain(catch).chain(finally))
            }
            _ => self.leaving(expr),
        }
    }

    /// What leaves, fails, or waits.
    fn leaving(&self, expr: &Expr) -> Node {
        let maybe = |name: &str, value: &Option<Box<Expr>>| self.node(name, value.iter());
        match &expr.kind {
            ExprKind::While { .. } | ExprKind::Loop { .. } | ExprKind::For { .. } => {
                self.looping(expr)
            }
            ExprKind::Break(id, value) => maybe(&format!("break @{}", id.0), value),
            ExprKind::Return(value) => maybe("return", value),
            ExprKind::Defer(body) => self.node("defer", [&**body]),
            ExprKind::SetGlobal(global, value) => {
                let name = format!("set global#{}", global.0);
                self.node(&name, [&**value])
            }
            ExprKind::Throw(value) => self.node("throw", [&**value]),
            ExprKind::Halt(value) => self.node("halt", [&**value]),
            ExprKind::Assert { cond, message, .. } => self.node(
                "assert",
                [Some(cond), message.as_ref()].into_iter().flatten(),
            ),
            ExprKind::Yield(value) => self.node("yield", [&**value]),
            ExprKind::Spawn { body, on, mode } => {
                let parts = [Some(body), on.as_ref()].into_iter().flatten();
                self.node(
                    &format!("spawn {}", format!("{mode:?}").to_lowercase()),
                    parts,
                )
            }
            ExprKind::Await(value) => self.node("await", [&**value]),
            ExprKind::AwaitCatch(value) => self.node("await-catch", [&**value]),
            ExprKind::AwaitSettle(value) => self.node("await-settle", [&**value]),
            ExprKind::Timeout { ms, body, owned } => self.node(
                if *owned { "timeout" } else { "timeout of" },
                [&**ms, &**body],
            ),
            ExprKind::Scope {
                timeout,
                on,
                handle,
                body,
            } => {
                let name = handle.map_or("scope".into(), |id| format!("scope {}", self.local(id)));
                let timeout = timeout.iter().map(|e| self.node("timeout:", [&**e]));
                let on = on.iter().map(|e| self.node("on:", [&**e]));
                Node::new(name, timeout.chain(on).chain([self.expr(body)]))
            }
            ExprKind::Group(group) => self.group(group),
            ExprKind::Select(select) => self.select(select),
            other => Node::leaf(format!("{other:?}")),
        }
    }

    fn looping(&self, expr: &Expr) -> Node {
        match &expr.kind {
            ExprKind::While { id, cond, body } => {
                self.node(&format!("while @{}", id.0), [&**cond, &**body])
            }
            ExprKind::Loop { id, body } => self.node(&format!("loop @{}", id.0), [&**body]),
            ExprKind::For {
                id,
                pat,
                iter,
                filter,
                body,
            } => {
                let filter = filter.iter().map(|e| self.node("filter", [&**e]));
                let head = [self.pattern(pat), self.iter(iter)].into_iter();
                Node::new(
                    format!("for @{}", id.0),
                    head.chain(filter).chain([self.expr(body)]),
                )
            }
            other => Node::leaf(format!("{other:?}")),
        }
    }

    fn group(&self, group: &Group) -> Node {
        let name = format!("group {} {}", lower(&group.strategy), lower(&group.policy));
        let modifiers = [
            ("count:", &group.count),
            ("max:", &group.max),
            ("timeout:", &group.timeout),
            ("on:", &group.on),
            ("quorum:", &group.quorum),
        ];
        let modifiers = modifiers
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| self.node(name, [value])));
        let over = group
            .over
            .iter()
            .map(|(pat, list)| Node::new("over", [self.pattern(pat), self.expr(list)]));
        let branches = group.branches.iter().map(|branch| {
            let name = branch
                .name
                .as_ref()
                .map_or("branch".into(), |(_, id)| self.local(*id));
            self.node(&format!("{name}:"), [&branch.body])
        });
        Node::new(name, modifiers.chain(over).chain(branches))
    }

    fn select(&self, select: &Select) -> Node {
        let arm = |arm: &super::super::SelectArm| {
            let op = match &arm.op {
                SelectOp::Receive(channel) => self.node("receive", [channel]),
                SelectOp::Next(channel) => self.node("next", [channel]),
                SelectOp::Send(channel, value) => self.node("send", [channel, value]),
                SelectOp::Await(future) => self.node("await", [future]),
                SelectOp::Sleep(ms) => self.node("sleep", [ms]),
                SelectOp::Run(body) => self.node("run", [body]),
                SelectOp::Handle(name, args) => Node::new(name.as_str(), self.exprs(args)),
            };
            let local = |id: &Option<LocalId>| id.map(|id| Node::leaf(self.local(id)));
            let names = [local(&arm.name), local(&arm.inner)].into_iter().flatten();
            let body = arm.body.iter().map(|body| self.expr(body));
            Node::new("arm", [op].into_iter().chain(names).chain(body))
        };
        let otherwise = select
            .otherwise
            .iter()
            .map(|body| self.node("else", [body]));
        let name = if select.fair { "select fair" } else { "select" };
        Node::new(name, select.arms.iter().map(arm).chain(otherwise))
    }

    fn iter(&self, iter: &Iter) -> Node {
        match iter {
            Iter::Range {
                lo,
                hi,
                inclusive,
                step,
            } => {
                let name = if *inclusive { "range=" } else { "range" };
                self.node(
                    name,
                    [Some(lo), Some(hi), step.as_ref()].into_iter().flatten(),
                )
            }
            Iter::List(e) => self.node("items", [&**e]),
            Iter::Chars(e) => self.node("chars", [&**e]),
            Iter::Bytes(e) => self.node("bytes", [&**e]),
            Iter::Keys(e) => self.node("keys", [&**e]),
            Iter::Entries(e) => self.node("entries", [&**e]),
            Iter::Set(e) => self.node("members", [&**e]),
            Iter::Generator(e) => self.node("values", [&**e]),
            Iter::Channel(e) => self.node("messages", [&**e]),
        }
    }

    fn arm(&self, arm: &Arm) -> Node {
        let guard = arm.guard.iter().map(|guard| self.node("if", [guard]));
        let pat = [self.pattern(&arm.pat)].into_iter();
        Node::new("arm", pat.chain(guard).chain([self.expr(&arm.body)]))
    }

    fn piece(&self, piece: &Piece) -> Node {
        match piece {
            Piece::Text(text) => Node::leaf(format!("{text:?}")),
            Piece::Value(value, None) => self.expr(value),
            Piece::Value(value, Some(_)) => self.node("format", [value]),
        }
    }

    fn elements(&self, name: &str, elements: &[Element]) -> Node {
        let element = |element: &Element| match element {
            Element::One(value) => self.expr(value),
            Element::Spread(value) => self.node("...", [value]),
        };
        Node::new(name, elements.iter().map(element))
    }

    fn place(&self, place: &Place) -> Node {
        let root = Node::leaf(self.local(place.root));
        let step = |step: &PlaceStep| match step {
            PlaceStep::Field { container, index } => Node::leaf(self.field(*container, *index)),
            PlaceStep::Index { index, .. } => self.node("at", [&**index]),
        };
        if place.path.is_empty() {
            return root;
        }
        Node::new(
            "place",
            [root].into_iter().chain(place.path.iter().map(step)),
        )
    }

    fn callee(&self, callee: Callee) -> String {
        match callee {
            Callee::Func(id) => format!("call {}", function_name(self.program, id)),
            Callee::Native(id) => format!("native {}", self.native(id)),
        }
    }

    fn exprs<'e>(&'e self, list: &'e [Expr]) -> impl Iterator<Item = Node> + 'e {
        list.iter().map(|expr| self.expr(expr))
    }

    fn node<E: AsExpr>(&self, name: &str, parts: impl IntoIterator<Item = E>) -> Node {
        Node::new(
            name,
            parts.into_iter().map(|part| self.expr(part.as_expr())),
        )
    }
}

/// What an operator is called in lower case.
fn lower(name: &impl std::fmt::Debug) -> String {
    format!("{name:?}").to_lowercase()
}

/// An expression, boxed or not.
trait AsExpr {
    fn as_expr(&self) -> &Expr;
}

impl AsExpr for &Expr {
    fn as_expr(&self) -> &Expr {
        self
    }
}

impl AsExpr for &Box<Expr> {
    fn as_expr(&self) -> &Expr {
        self
    }
}
