//! Declarations and statements.

use super::{Dumper, Node, some};
use crate::syntax::ast::*;

impl Dumper<'_> {
    pub(super) fn module(&self, module: &Module) -> Vec<Node> {
        let directives = module.directives.iter().map(|directive| {
            let value = directive.value.map(|value| Node::leaf(self.ident(value)));
            Node::new(format!("@{}", self.ident(directive.name)), value)
        });
        let items = module.items.iter().map(|item| self.item(item));
        let body = (!module.body.is_empty())
            .then(|| Node::new("body", module.body.iter().map(|stmt| self.stmt(stmt))));
        directives.chain(items).chain(body).collect()
    }

    fn item(&self, item: &Item) -> Node {
        let mut node = match &item.kind {
            ItemKind::Record(record) => self.record(record),
            ItemKind::Enum(decl) => self.enum_decl(decl),
            ItemKind::Cell(cell) => self.cell(cell),
            ItemKind::Const(decl) => Node::new(
                format!("const {}", self.ident(decl.name)),
                some([
                    decl.ty.as_ref().map(|ty| self.ty(ty)),
                    Some(self.expr(&decl.value)),
                ]),
            ),
            ItemKind::Type(decl) => {
                let label = format!("type {}", self.ident(decl.name));
                Node::new(
                    label,
                    self.generics(&decl.generics)
                        .into_iter()
                        .chain([self.ty(&decl.ty)]),
                )
            }
            ItemKind::Trait(decl) => {
                let label = format!("trait {}", self.ident(decl.name));
                let supers = decl
                    .supers
                    .iter()
                    .map(|ty| Node::new("super", [self.ty(ty)]));
                let parts = self.generics(&decl.generics).into_iter().chain(supers);
                Node::new(label, parts.chain(self.methods(&decl.methods)))
            }
            ItemKind::Impl(decl) => {
                let of = decl.trait_.as_ref().map(|ty| self.ty(ty));
                let head = self.generics(&decl.generics).into_iter().chain(of);
                let ty = Node::new("for", [self.ty(&decl.ty)]);
                Node::new("impl", head.chain([ty]).chain(self.methods(&decl.methods)))
            }
            ItemKind::Import(decl) => self.import(decl),
            ItemKind::UseTool(tool) => Node::leaf(format!(
                "use tool {} as {}",
                self.path(&tool.path),
                self.ident(tool.alias)
            )),
            ItemKind::Grant(grant) => Node::new(
                format!("grant {}", self.ident(grant.tool)),
                grant
                    .limits
                    .iter()
                    .map(|limit| Node::new(self.ident(limit.key), [self.expr(&limit.value)])),
            ),
            ItemKind::Effect(decl) => {
                let label = format!("effect {}", self.ident(decl.name));
                Node::new(label, self.methods(&decl.operations))
            }
            ItemKind::BindEffect(bind) => Node::leaf(format!(
                "bind effect {} to {}",
                self.path(&bind.path),
                self.ident(bind.tool)
            )),
            ItemKind::Test(test) => {
                Node::new(format!("test {:?}", test.name), self.stmts(&test.body))
            }
        };
        if item.public.is_some() {
            node.label.insert_str(0, "pub ");
        }
        self.with_doc(item.doc.as_ref(), node)
    }

    fn with_doc(&self, doc: Option<&Doc>, mut node: Node) -> Node {
        if let Some(doc) = doc {
            node.parts
                .insert(0, Node::leaf(format!("## {}", doc.text.escape_debug())));
        }
        node
    }

    fn import(&self, decl: &ImportDecl) -> Node {
        let label = format!("import {}", self.path(&decl.path));
        let names = match &decl.names {
            ImportNames::All(_) => vec![Node::leaf("*")],
            ImportNames::Some(names) => names
                .iter()
                .map(|name| match name.alias {
                    None => Node::leaf(self.ident(name.name)),
                    Some(alias) => Node::new(
                        "as",
                        [name.name, alias].map(|one| Node::leaf(self.ident(one))),
                    ),
                })
                .collect(),
        };
        Node::new(label, names)
    }

    fn record(&self, record: &RecordDecl) -> Node {
        let fields = record.fields.iter().map(|field| {
            let default = field
                .default
                .as_ref()
                .map(|e| Node::new("=", [self.expr(e)]));
            let holds = field
                .constraint
                .as_ref()
                .map(|e| Node::new("where", [self.expr(e)]));
            let parts = some([Some(self.ty(&field.ty)), default, holds]);
            let node = Node::new(format!("field {}", self.ident(field.name)), parts);
            self.with_doc(field.doc.as_ref(), node)
        });
        let parts = self.generics(&record.generics).into_iter().chain(fields);
        let label = format!("record {}", self.ident(record.name));
        Node::new(label, parts.chain(self.methods(&record.methods)))
    }

    fn enum_decl(&self, decl: &EnumDecl) -> Node {
        let variants = decl.variants.iter().map(|variant| {
            let payload = variant.payload.iter().map(|field| match field.name {
                None => self.ty(&field.ty),
                Some(name) => Node::new(format!("{}:", self.ident(name)), [self.ty(&field.ty)]),
            });
            let node = Node::new(format!("variant {}", self.ident(variant.name)), payload);
            self.with_doc(variant.doc.as_ref(), node)
        });
        let parts = self.generics(&decl.generics).into_iter().chain(variants);
        let label = format!("enum {}", self.ident(decl.name));
        Node::new(label, parts.chain(self.methods(&decl.methods)))
    }

    fn methods(&self, methods: &[Method]) -> Vec<Node> {
        let node = |method: &Method| self.with_doc(method.doc.as_ref(), self.cell(&method.cell));
        methods.iter().map(node).collect()
    }

    fn generics(&self, generics: &Generics) -> Option<Node> {
        let params = generics.params.iter().map(|param| {
            Node::new(
                self.ident(param.name),
                param.bounds.iter().map(|ty| self.ty(ty)),
            )
        });
        (!generics.params.is_empty()).then(|| Node::new("generics", params))
    }

    fn cell(&self, cell: &CellDecl) -> Node {
        let mut label = format!("cell {}", self.ident(cell.name));
        if matches!(cell.body, CellBody::Extern(_)) {
            label.insert_str(0, "extern ");
        }
        if cell.is_async.is_some() {
            label.insert_str(0, "async ");
        }
        let arrow = if cell.yields { "-> yield" } else { "->" };
        let result = cell
            .result
            .as_ref()
            .map(|ty| Node::new(arrow, [self.ty(ty)]));
        let effects = cell.effects.as_ref().map(|row| self.effects(row));
        let params = cell.params.iter().map(|param| self.param(param));
        let head = self.generics(&cell.generics).into_iter().chain(params);
        let head = head.chain(some([result, effects]));
        let body = match &cell.body {
            CellBody::Block(block) => vec![self.block("do", block)],
            CellBody::Expr(expr) => vec![Node::new("=", [self.expr(expr)])],
            CellBody::None => Vec::new(),
            CellBody::Extern(key) => key
                .iter()
                .map(|key| Node::leaf(format!("{key:?}")))
                .collect(),
        };
        Node::new(label, head.chain(body))
    }

    pub(super) fn param(&self, param: &Param) -> Node {
        let dots = if param.variadic { "..." } else { "" };
        let mutable = if param.mutable { "mut " } else { "" };
        let ty = param.ty.as_ref().map(|ty| self.ty(ty));
        let default = param
            .default
            .as_ref()
            .map(|e| Node::new("=", [self.expr(e)]));
        Node::new(
            format!("param {mutable}{dots}{}", self.ident(param.name)),
            some([ty, default]),
        )
    }

    pub(super) fn effects(&self, row: &EffectRow) -> Node {
        Node::new(
            "/",
            row.effects
                .iter()
                .map(|effect| Node::leaf(self.path(&effect.path))),
        )
    }

    pub(super) fn block(&self, label: &str, block: &Block) -> Node {
        Node::new(label, self.stmts(block))
    }

    pub(super) fn stmts(&self, block: &Block) -> Vec<Node> {
        block.stmts.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    pub(super) fn stmt(&self, stmt: &Stmt) -> Node {
        match &stmt.kind {
            StmtKind::Error => Node::leaf("error"),
            StmtKind::Let(decl) => {
                let label = if decl.mutable.is_some() {
                    "let mut"
                } else {
                    "let"
                };
                let ty = decl.ty.as_ref().map(|ty| Node::new(":", [self.ty(ty)]));
                let (pattern, value) = (self.pattern(&decl.pattern), self.expr(&decl.value));
                Node::new(label, some([Some(pattern), ty, Some(value)]))
            }
            StmtKind::Assign(assign) => {
                let op = assign.op.map_or("", BinaryOp::text);
                let parts = [self.expr(&assign.place), self.expr(&assign.value)];
                Node::new(format!("{op}="), parts)
            }
            StmtKind::Expr(expr) => self.expr(expr),
            StmtKind::Defer(block) => self.block("defer", block),
            StmtKind::Role(role) => Node::new(
                format!("role {}", self.ident(role.role)),
                self.str_parts(&role.text),
            ),
        }
    }
}
