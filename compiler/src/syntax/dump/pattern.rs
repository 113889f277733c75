//! Patterns and types.

use super::{Dumper, Node};
use crate::syntax::ast::*;

impl Dumper<'_> {
    pub(super) fn pattern(&self, pattern: &Pattern) -> Node {
        let all = |patterns: &[Pattern]| -> Vec<Node> {
            patterns.iter().map(|one| self.pattern(one)).collect()
        };
        match &pattern.kind {
            PatternKind::Error => Node::leaf("error"),
            PatternKind::Wildcard => Node::leaf("_"),
            PatternKind::Name(name) => Node::leaf(self.ident(*name)),
            PatternKind::Literal(literal) => literal_node(literal),
            PatternKind::Range(range) => {
                let part = |end: &Option<LiteralPattern>| {
                    end.as_ref().map_or(Node::leaf("open"), literal_node)
                };
                Node::new(
                    if range.inclusive { "..=" } else { ".." },
                    [part(&range.start), part(&range.end)],
                )
            }
            PatternKind::Tuple(elements) => Node::new("tuple", all(elements)),
            PatternKind::List(list) => {
                let mut parts = all(&list.before);
                if let Some(rest) = &list.rest {
                    let name = rest.name.map_or("", |name| self.ident(name));
                    parts.push(Node::leaf(format!("...{name}")));
                }
                parts.extend(all(&list.after));
                Node::new("list", parts)
            }
            PatternKind::Constructor(constructor) => self.constructor(constructor),
            PatternKind::Ok(inner) => Node::new("ok", [self.pattern(inner)]),
            PatternKind::Err(inner) => Node::new("err", [self.pattern(inner)]),
            PatternKind::Typed { pattern, ty } => {
                Node::new(":", [self.pattern(pattern), self.ty(ty)])
            }
            PatternKind::Or(alternatives) => Node::new("|", all(alternatives)),
        }
    }

    fn constructor(&self, constructor: &ConstructorPattern) -> Node {
        let fields = constructor
            .fields
            .iter()
            .flatten()
            .map(|field| match field.name {
                None => self.pattern(&field.pattern),
                Some(name) => Node::new(
                    format!("{}:", self.ident(name)),
                    [self.pattern(&field.pattern)],
                ),
            });
        let rest = constructor.rest.map(|_| Node::leaf(".."));
        Node::new(
            format!("is {}", self.path(&constructor.path)),
            fields.chain(rest),
        )
    }

    pub(super) fn ty(&self, ty: &Type) -> Node {
        let all = |types: &[Type]| -> Vec<Node> { types.iter().map(|one| self.ty(one)).collect() };
        match &ty.kind {
            TypeKind::Error => Node::leaf("error"),
            TypeKind::Named { name, args } => Node::new(self.ident(*name), all(args)),
            TypeKind::Null => Node::leaf("Null"),
            TypeKind::Infer => Node::leaf("_"),
            TypeKind::Tuple(elements) => Node::new("tuple", all(elements)),
            TypeKind::Union(members) => Node::new("|", all(members)),
            TypeKind::Nullable(inner) => Node::new("?", [self.ty(inner)]),
            TypeKind::Fn(function) => {
                let params = Node::new("params", all(&function.params));
                let result = function
                    .result
                    .as_ref()
                    .map(|ty| Node::new("->", [self.ty(ty)]));
                let effects = function.effects.as_ref().map(|row| self.effects(row));
                Node::new("fn", [params].into_iter().chain(result).chain(effects))
            }
        }
    }
}

fn literal_node(literal: &LiteralPattern) -> Node {
    Node::leaf(match literal {
        LiteralPattern::Null => "null".to_owned(),
        LiteralPattern::Bool(value) => value.to_string(),
        LiteralPattern::Int(value) => value.to_string(),
        LiteralPattern::Float(value) => format!("{value:?}"),
        LiteralPattern::Str(value) => format!("{value:?}"),
        LiteralPattern::Bytes(value) => super::expr::bytes_text(value),
    })
}
