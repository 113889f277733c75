//! What stands in the parentheses after `parallel`, `race`, `vote`, `select`, `scope`.

use super::super::Want;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, JoinPolicy, JoinStrategy, Ty};
use crate::names::closest;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast, JoinKind, ModifierValue, UnaryOp};
use crate::types::Checker;
use crate::types::ty::Kind;

/// The modifiers of a joining block, checked.
pub(super) struct Modifiers {
    pub(super) strategy: JoinStrategy,
    pub(super) policy: JoinPolicy,
    pub(super) count: Option<Expr>,
    pub(super) max: Option<Expr>,
    pub(super) timeout: Option<Expr>,
    pub(super) on: Option<Expr>,
    pub(super) quorum: Option<Expr>,
}

/// The strategy that a word names.
fn strategy_of(word: &str) -> Option<JoinStrategy> {
    Some(match word {
        "all" => JoinStrategy::All,
        "first" => JoinStrategy::First,
        "any" => JoinStrategy::Any,
        "settled" | "regardless" => JoinStrategy::Settled,
        _ => return None,
    })
}

fn policy_of(word: &str) -> Option<JoinPolicy> {
    Some(match word {
        "fail_fast" => JoinPolicy::FailFast,
        "continue" => JoinPolicy::Continue,
        "ignore" => JoinPolicy::Ignore,
        _ => return None,
    })
}

/// The modifiers that have a value.
const VALUED: &[&str] = &["count", "max", "timeout", "on", "quorum", "on_fail"];

impl<'a> Checker<'a> {
    /// Checks the modifiers of a block with so many branches (`None`: as many as there are
    /// elements).
    pub(super) fn join_modifiers(
        &mut self,
        kind: JoinKind,
        modifiers: &'a [ast::Modifier],
        branches: Option<usize>,
    ) -> Modifiers {
        let mut all = Modifiers {
            strategy: match kind {
                JoinKind::Parallel => JoinStrategy::All,
                JoinKind::Race => JoinStrategy::First,
                JoinKind::Vote => JoinStrategy::Vote,
            },
            policy: JoinPolicy::Default,
            count: None,
            max: None,
            timeout: None,
            on: None,
            quorum: None,
        };
        self.report_repeated(modifiers);
        let mut chosen: Option<Span> = None;
        for one in modifiers {
            let word = self.text(one.name.name);
            match &one.value {
                ModifierValue::None => self.strategy(kind, &word, one, &mut all, &mut chosen),
                ModifierValue::Word(policy) => self.policy(kind, *policy, &mut all),
                ModifierValue::Expr(value) => self.valued(kind, &word, one, value, &mut all),
            }
        }
        self.check_count(modifiers, &all, branches);
        all
    }

    fn report_repeated(&mut self, modifiers: &[ast::Modifier]) {
        for (number, one) in modifiers.iter().enumerate() {
            let before = modifiers[..number]
                .iter()
                .find(|m| m.name.name == one.name.name);
            if let Some(before) = before {
                let text = self.text(one.name.name);
                let message = format!("`{text}` is given twice");
                let error = Diagnostic::new(Code::BadBlock, message, one.span)
                    .label(before.span, "first given here");
                self.report(error);
            }
        }
    }

    fn strategy(
        &mut self,
        kind: JoinKind,
        word: &str,
        one: &ast::Modifier,
        all: &mut Modifiers,
        chosen: &mut Option<Span>,
    ) {
        if VALUED.contains(&word) {
            let message = format!("`{word}` needs a value");
            let error =
                Diagnostic::new(Code::BadBlock, message, one.span).help(format!("write {word}: …"));
            self.report(error);
            return;
        }
        let Some(strategy) = strategy_of(word) else {
            let message =
                format!("unknown join strategy `{word}`; expected all, first, any or settled");
            let known = ["all", "first", "any", "settled", "regardless"];
            let mut error = Diagnostic::new(Code::BadBlock, message, one.span);
            if let Some(near) = closest(word, known.iter().chain(VALUED).copied()) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.report(error);
            return;
        };
        if kind != JoinKind::Parallel {
            let block = kind.text();
            let message = format!("`{block}` takes no join strategy");
            let error = Diagnostic::new(Code::BadBlock, message, one.span)
                .help(format!("write parallel({word}) for another way to join"));
            self.report(error);
            return;
        }
        if let Some(before) = chosen {
            let message = "a block has one join strategy";
            let error = Diagnostic::new(Code::BadBlock, message, one.span)
                .label(*before, "this is the first");
            self.report(error);
            return;
        }
        *chosen = Some(one.span);
        all.strategy = strategy;
    }

    fn policy(&mut self, kind: JoinKind, word: ast::Ident, all: &mut Modifiers) {
        let text = self.text(word.name);
        let Some(policy) = policy_of(&text) else {
            let message =
                format!("unknown failure policy `{text}`; expected fail_fast, continue or ignore");
            let mut error = Diagnostic::new(Code::BadBlock, message, word.span);
            if let Some(near) = closest(&text, ["fail_fast", "continue", "ignore"]) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.report(error);
            return;
        };
        if kind == JoinKind::Vote {
            let message = "on_fail is not valid with vote: failed branches abstain";
            self.error(Code::BadBlock, word.span, message);
            return;
        }
        all.policy = policy;
    }

    fn valued(
        &mut self,
        kind: JoinKind,
        word: &str,
        one: &ast::Modifier,
        value: &'a ast::Expr,
        all: &mut Modifiers,
    ) {
        match word {
            "count" => all.count = Some(self.expr_as(value, Ty::INT)),
            "max" => all.max = Some(self.expr_as(value, Ty::INT)),
            "timeout" => all.timeout = Some(self.expr_as(value, Ty::INT)),
            "on" => all.on = Some(self.executor(value)),
            "quorum" => {
                let quorum = self.expr_as(value, Ty::INT);
                if kind != JoinKind::Vote {
                    let message = "quorum is only valid with vote";
                    self.error(Code::BadBlock, one.span, message);
                }
                all.quorum = Some(quorum);
            }
            "on_fail" => {
                let text = self.sources.text(value.span).to_owned();
                if matches!(value.kind, Ast::Error) {
                    return;
                }
                let message = format!(
                    "unknown failure policy `{text}`; expected fail_fast, continue or ignore"
                );
                self.error(Code::BadBlock, value.span, message);
            }
            _ => {
                self.expr(value, Want::Value);
                let known = VALUED.iter().copied();
                self.unknown_modifier(kind.text(), word, one.name.span, known);
            }
        }
    }

    /// Reports a modifier that a block does not have.
    pub(super) fn unknown_modifier<'s>(
        &mut self,
        block: &str,
        word: &str,
        span: Span,
        known: impl Iterator<Item = &'s str> + Clone,
    ) {
        let list: Vec<&str> = known.clone().collect();
        let message = format!("`{block}` has no modifier `{word}`");
        let mut error = Diagnostic::new(Code::BadBlock, message, span);
        error = match closest(word, known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("its modifiers are {}", list.join(", "))),
        };
        self.report(error);
    }

    /// The value of `on:`.
    pub(super) fn executor(&mut self, value: &'a ast::Expr) -> Expr {
        let value = self.value(value);
        let ty = self.known(value.ty);
        let fits = match self.types.kind(ty) {
            Kind::Handle(name, _) => self.names.resolve(*name) == "Executor",
            Kind::Poison => true,
            _ => false,
        };
        if !fits {
            let shown = self.show(ty);
            let message = format!("expected Executor, found {shown}");
            let error = Diagnostic::new(Code::Mismatch, message, value.span)
                .help("let pool = executor(threads: 2)");
            self.report(error);
        }
        value
    }

    fn check_count(
        &mut self,
        modifiers: &[ast::Modifier],
        all: &Modifiers,
        branches: Option<usize>,
    ) {
        for one in modifiers {
            let ModifierValue::Expr(value) = &one.value else {
                continue;
            };
            let word = self.text(one.name.name);
            let number = literal(value);
            match (word.as_str(), number) {
                ("count", _) if all.strategy != JoinStrategy::Any => {
                    self.error(Code::BadBlock, one.span, "count is only valid with any");
                }
                ("count", Some(n)) if n < 1 => {
                    self.error(Code::BadBlock, value.span, "count must be at least 1");
                }
                ("count", Some(n)) => {
                    if let Some(branches) = branches.filter(|&b| b > 0 && n > b as i64) {
                        let message =
                            format!("count ({n}) exceeds the number of branches ({branches})");
                        self.error(Code::BadBlock, value.span, message);
                    }
                }
                ("max" | "quorum", Some(n)) if n < 1 => {
                    self.error(
                        Code::BadBlock,
                        value.span,
                        format!("{word} must be at least 1"),
                    );
                }
                ("quorum", Some(n)) => {
                    if let Some(branches) = branches.filter(|&b| b > 0 && n > b as i64) {
                        let message =
                            format!("quorum ({n}) exceeds the number of branches ({branches})");
                        self.error(Code::BadBlock, value.span, message);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The number that is written.
fn literal(value: &ast::Expr) -> Option<i64> {
    match &value.kind {
        Ast::Int(n) => Some(*n),
        Ast::Unary {
            op: UnaryOp::Neg,
            operand,
        } => literal(operand)?.checked_neg(),
        _ => None,
    }
}
