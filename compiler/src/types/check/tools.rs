//! Calls of external tools and of effect operations bound to them.

use super::call::{ArgIn, ArgValue, Slot};
use super::{Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Arm, Callee, Expr, ExprKind, Pat, PatKind, Ty};
use crate::names::closest;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::items::{CellId, EffectId, ToolIx};
use crate::types::ty::AdtId;

impl<'a> Checker<'a> {
    /// `Chat(prompt: q)`
    pub(crate) fn call_tool(
        &mut self,
        tool: ToolIx,
        args: Vec<ArgIn<'a>>,
        span: Span,
        want: Want,
    ) -> Expr {
        let mut named = Vec::with_capacity(args.len());
        for arg in args {
            let value = match arg.value {
                ArgValue::Ast(expr) => self.expr_as(expr, Ty::JSON),
                ArgValue::Done(value) => self.coerce(value, Ty::JSON),
            };
            match arg.name {
                Some(name) if !arg.spread => named.push((self.text(name.name), value)),
                _ => {
                    let tool = self.items.tools[tool.0 as usize].name;
                    let tool = self.text(tool);
                    let message = format!("the arguments of tool `{tool}` have names");
                    let error = Diagnostic::new(Code::BadToolCall, message, value.span)
                        .help(format!("write {tool}(prompt: …)"));
                    self.report(error);
                }
            }
        }
        let call = self.tool_node(tool, named, span);
        match want.ty() {
            Some(ty) => self.answer_as(call, ty),
            None => call,
        }
    }

    /// The call itself, with the messages of the `role` lines before it.
    fn tool_node(&mut self, tool: ToolIx, args: Vec<(String, Expr)>, span: Span) -> Expr {
        let roles = std::mem::take(&mut self.body.roles);
        let mut messages = Vec::with_capacity(roles.len());
        for role in roles {
            let local = self.capture(self.body.at, role.func, role.text);
            messages.push((role.name, self.read_local(local, role.span)));
        }
        let tool = tool.0;
        node(
            ExprKind::CallTool {
                tool,
                args: args.into(),
                messages: messages.into(),
            },
            Ty::JSON,
            span,
        )
    }

    /// An answer as a value of the type expected, as `from_json` makes it; it fails with kind
    /// `Tool`.
    fn answer_as(&mut self, call: Expr, ty: Ty) -> Expr {
        let span = call.span;
        let ty = self.types.resolve(ty);
        let whatever = self.types.has_var(ty) || self.types.has_poison(ty);
        if whatever || matches!(ty, Ty::JSON | Ty::ANY | Ty::NULL) {
            return call;
        }
        let Some(cell) = self.json_reader() else {
            return call;
        };
        let result = self.types.adt(AdtId::RESULT, &[ty, Ty::STRING]);
        let callee = self.site(cell, &[ty], span);
        let strict = node(ExprKind::Bool(false), Ty::BOOL, span);
        let args = vec![call, strict];
        let parsed = match callee {
            Callee::Native(_) | Callee::Func(_) => {
                node(ExprKind::Call { callee, args }, result, span)
            }
        };
        let (good, bad) = (self.temp(ty, span), self.temp(Ty::STRING, span));
        let payload = |variant, inner| Pat {
            kind: PatKind::Variant(variant, vec![(0, inner)]),
            ty: result,
            span: span.at_end(),
        };
        let value = self.read_local(good, span);
        let text = self.read_local(bad, span);
        let error = Box::new(self.new_error(text, Some("Tool"), span));
        let arms = vec![
            Arm {
                pat: payload(0, self.bind_pat(good, ty, span)),
                guard: None,
                body: value,
            },
            Arm {
                pat: payload(1, self.bind_pat(bad, Ty::STRING, span)),
                guard: None,
                body: node(ExprKind::Throw(error), Ty::NEVER, span),
            },
        ];
        let value = Box::new(parsed);
        node(ExprKind::Match { value, arms }, ty, span)
    }

    /// The library's `from_json[T](Json)`.
    fn json_reader(&mut self) -> Option<CellId> {
        let name = self.names.intern("from_json");
        let cells = self.candidates(name);
        cells.into_iter().find(|&cell| {
            let sig = self.sig(cell);
            sig.params.len() == 2 && sig.params[0].ty == Ty::JSON && sig.generics.len() == 1
        })
    }

    /// `db.query(sql)`
    pub(crate) fn call_effect(
        &mut self,
        effect: EffectId,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Expr {
        let args = ArgIn::list(&call.args);
        let name = call.name;
        let Some(&(cell, tool)) = self.items.effect(effect).operations.get(&name.name) else {
            self.check_args_anyhow(args);
            self.unknown_operation(effect, name);
            return self.poison(span);
        };
        let sig = self.sig(cell);
        let slots: Vec<Slot<'a>> = sig
            .params
            .iter()
            .map(|param| Slot {
                name: param.name,
                ty: param.ty,
                default: param.default,
                variadic: param.variadic,
            })
            .collect();
        let module = self.items.cell(cell).module;
        let mut scope = self.instance_scope(cell, &sig, &[]);
        scope.infer = false;
        let applied = self.apply(&slots, args, &(module, scope), name.name, span);
        let result = sig.result.unwrap_or(Ty::NULL);
        let Some(tool) = tool else {
            let effect = self.items.effect(effect).name;
            let path = format!("{}.{}", self.text(effect), self.text(name.name));
            let message = format!("`{path}` is not bound to a tool");
            let error = Diagnostic::new(Code::BadToolCall, message, span)
                .help(format!("bind effect {path} to Tool"));
            self.report(error);
            return node(ExprKind::Null, result, span);
        };
        let mut named = Vec::with_capacity(slots.len());
        for (slot, value) in slots.iter().zip(applied.values) {
            let value = self.coerce(value, Ty::JSON);
            named.push((self.text(slot.name), value));
        }
        let _ = want;
        let answer = self.tool_node(tool, named, span);
        let answer = match result {
            Ty::NULL => node(
                ExprKind::Block(vec![answer, super::null(span)]),
                Ty::NULL,
                span,
            ),
            _ => self.answer_as(answer, result),
        };
        super::call::with_lets(applied.lets, answer)
    }

    fn unknown_operation(&mut self, effect: EffectId, name: ast::Ident) {
        let text = self.text(name.name);
        let owner = self.text(self.items.effect(effect).name);
        let keys: Vec<_> = self
            .items
            .effect(effect)
            .operations
            .keys()
            .copied()
            .collect();
        let known: Vec<String> = keys.into_iter().map(|key| self.text(key)).collect();
        let message = format!("effect `{owner}` has no operation `{text}`");
        let mut error = Diagnostic::new(Code::BadToolCall, message, name.span);
        if let Some(near) = closest(&text, known.iter().map(String::as_str)) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
    }
}
