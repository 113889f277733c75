//! Types as text, for messages.

use super::Checker;
use super::ty::{Kind, Origin};
use crate::hir::Ty;

/// A type's text goes on at most this long.
const TEXT_MAX: usize = 120;

impl Checker<'_> {
    /// `ty` as a user would write it.
    pub(crate) fn show(&mut self, ty: Ty) -> String {
        let ty = self.types.resolve(ty);
        let mut text = String::new();
        self.show_into(ty, false, &mut text);
        text
    }

    fn show_into(&self, ty: Ty, inner: bool, out: &mut String) {
        if out.len() > TEXT_MAX {
            if !out.ends_with('…') {
                out.push('…');
            }
            return;
        }
        let simple = match self.types.kind(ty) {
            Kind::Int => "Int",
            Kind::Float => "Float",
            Kind::Bool => "Bool",
            Kind::String => "String",
            Kind::Bytes => "Bytes",
            Kind::Null => "Null",
            Kind::Never => "Never",
            Kind::Any => "Any",
            Kind::Json => "Json",
            Kind::Error => "Error",
            Kind::Var(var) if self.types.origin(*var) == Origin::Null => "Null",
            Kind::Poison | Kind::Var(_) => "_",
            Kind::Param(_, name) => self.names.resolve(*name),
            Kind::List(t) => return self.show_args("list", &[*t], out),
            Kind::Set(t) => return self.show_args("set", &[*t], out),
            Kind::Map(k, v) => return self.show_args("map", &[*k, *v], out),
            Kind::Future(t) => return self.show_args("Future", &[*t], out),
            Kind::Channel(t) => return self.show_args("Channel", &[*t], out),
            Kind::Generator(t) => return self.show_args("Generator", &[*t], out),
            Kind::Adt(id, args) => {
                let name = self.names.resolve(self.items.adt(*id).name);
                return self.show_args(name, args, out);
            }
            Kind::Handle(name, args) => {
                return self.show_args(self.names.resolve(*name), args, out);
            }
            Kind::Tuple(parts) => {
                out.push('(');
                self.show_list(parts, out);
                if parts.len() == 1 {
                    out.push(',');
                }
                out.push(')');
                return;
            }
            Kind::Func(params, result) => {
                let brackets = inner && *result != Ty::NULL;
                if brackets {
                    out.push('(');
                }
                out.push_str("fn(");
                self.show_list(params, out);
                out.push(')');
                if *result != Ty::NULL {
                    out.push_str(" -> ");
                    self.show_into(*result, false, out);
                }
                if brackets {
                    out.push(')');
                }
                return;
            }
            Kind::Union(members) => return self.show_union(members, out),
        };
        out.push_str(simple);
    }

    fn show_union(&self, members: &[Ty], out: &mut String) {
        let nullable = members.contains(&Ty::NULL);
        let rest: Vec<Ty> = members.iter().copied().filter(|&m| m != Ty::NULL).collect();
        let short = nullable && rest.len() == 1;
        for (number, &member) in rest.iter().enumerate() {
            if number > 0 {
                out.push_str(" | ");
            }
            self.show_into(member, true, out);
        }
        if short {
            out.push('?');
        } else if nullable {
            out.push_str(" | Null");
        }
    }

    fn show_args(&self, name: &str, args: &[Ty], out: &mut String) {
        out.push_str(name);
        if !args.is_empty() {
            out.push('[');
            self.show_list(args, out);
            out.push(']');
        }
    }

    fn show_list(&self, parts: &[Ty], out: &mut String) {
        for (number, &part) in parts.iter().enumerate() {
            if number > 0 {
                out.push_str(", ");
            }
            self.show_into(part, false, out);
        }
    }
}
