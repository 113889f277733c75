//! Declarations.

use super::{Block, Doc, EffectRow, Expr, Ident, Type};
use crate::source::Span;

/// A declaration at the top level of a module.
#[derive(Debug)]
pub struct Item {
    /// What is declared.
    pub kind: ItemKind,
    /// Where `pub` stands, if it does.
    pub public: Option<Span>,
    /// The doc comment above it.
    pub doc: Option<Doc>,
    /// From its first word (`pub` included) to its last.
    pub span: Span,
}

/// The kinds of declarations.
#[derive(Debug)]
pub enum ItemKind {
    /// `record Name … end`
    Record(RecordDecl),
    /// `enum Name … end`
    Enum(EnumDecl),
    /// `cell name(…) … end`, also `async` and `extern`
    Cell(CellDecl),
    /// `const name: T = e`
    Const(ConstDecl),
    /// `type Name = T`
    Type(TypeDecl),
    /// `trait Name … end`
    Trait(TraitDecl),
    /// `impl Trait for T … end`
    Impl(ImplDecl),
    /// `import a.b: x, y as z`
    Import(ImportDecl),
    /// `use tool a.b as Name`
    UseTool(UseTool),
    /// `grant Name key value …`
    Grant(Grant),
    /// `effect name … end`
    Effect(EffectDecl),
    /// `bind effect a.b to Tool`
    BindEffect(BindEffect),
    /// `test "name" … end`
    Test(TestDecl),
}

/// The parameters in `[T: Show + Order, U]`.
#[derive(Debug, Default)]
pub struct Generics {
    /// The parameters, in order; empty without brackets.
    pub params: Vec<GenericParam>,
}

/// One generic parameter.
#[derive(Debug)]
pub struct GenericParam {
    /// Its name.
    pub name: Ident,
    /// The traits after `:`.
    pub bounds: Vec<Type>,
}

/// `record Name[T] … end`
#[derive(Debug)]
pub struct RecordDecl {
    /// Its name.
    pub name: Ident,
    /// Its generic parameters.
    pub generics: Generics,
    /// Its fields.
    pub fields: Vec<FieldDecl>,
    /// Cells declared inside it.
    pub methods: Vec<Method>,
}

/// `name: T = default where constraint`
#[derive(Debug)]
pub struct FieldDecl {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
    /// The value it has when construction gives none.
    pub default: Option<Expr>,
    /// What must hold at construction and assignment.
    pub constraint: Option<Expr>,
    /// The doc comment above it.
    pub doc: Option<Doc>,
    /// All of it.
    pub span: Span,
}

/// `enum Name[T] … end`
#[derive(Debug)]
pub struct EnumDecl {
    /// Its name.
    pub name: Ident,
    /// Its generic parameters.
    pub generics: Generics,
    /// Its variants.
    pub variants: Vec<VariantDecl>,
    /// Cells declared inside it.
    pub methods: Vec<Method>,
}

/// `Name`, `Name(T, U)` or `Name(field: T)`
#[derive(Debug)]
pub struct VariantDecl {
    /// Its name.
    pub name: Ident,
    /// What it carries.
    pub payload: Vec<VariantField>,
    /// The doc comment above it.
    pub doc: Option<Doc>,
    /// All of it.
    pub span: Span,
}

/// One value that a variant carries.
#[derive(Debug)]
pub struct VariantField {
    /// Its name, if it has one.
    pub name: Option<Ident>,
    /// Its type.
    pub ty: Type,
}

/// A cell inside a record, enum, trait, impl or effect.
#[derive(Debug)]
pub struct Method {
    /// The cell.
    pub cell: CellDecl,
    /// The doc comment above it.
    pub doc: Option<Doc>,
}

/// `cell name[T](params) -> R / {effects} … end`
#[derive(Debug)]
pub struct CellDecl {
    /// Its name.
    pub name: Ident,
    /// Its generic parameters.
    pub generics: Generics,
    /// Its parameters, `self` among them.
    pub params: Vec<Param>,
    /// The declared result type; of a generator, the type of what it yields.
    pub result: Option<Type>,
    /// Whether the result is `-> yield T`.
    pub yields: bool,
    /// The declared effects.
    pub effects: Option<EffectRow>,
    /// What it does.
    pub body: CellBody,
    /// Where `async` stands, if it does.
    pub is_async: Option<Span>,
    /// From `cell` to the end of its header.
    pub header: Span,
    /// All of it.
    pub span: Span,
}

/// What a cell does.
#[derive(Debug)]
pub enum CellBody {
    /// Statements up to `end`.
    Block(Block),
    /// `= e`
    Expr(Expr),
    /// A signature only: in a trait or an effect.
    None,
    /// `extern cell`: a native, under this key if one is given (`= "key"`).
    Extern(Option<Box<str>>),
}

/// `name: T = default`, `...name: T`, `self`
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type; without one the parameter is generic (or inferred, in a lambda).
    pub ty: Option<Type>,
    /// The value it has when a call gives none.
    pub default: Option<Box<Expr>>,
    /// Whether `...` stands before it.
    pub variadic: bool,
    /// Whether `mut` stands before it.
    pub mutable: bool,
    /// All of it.
    pub span: Span,
}

/// `const name: T = e`
#[derive(Debug)]
pub struct ConstDecl {
    /// Its name.
    pub name: Ident,
    /// Its type, if given.
    pub ty: Option<Type>,
    /// Its value.
    pub value: Expr,
}

/// `type Name[T] = U`
#[derive(Debug)]
pub struct TypeDecl {
    /// The alias.
    pub name: Ident,
    /// Its generic parameters.
    pub generics: Generics,
    /// What it stands for.
    pub ty: Type,
}

/// `trait Name[T]: Super … end`
#[derive(Debug)]
pub struct TraitDecl {
    /// Its name.
    pub name: Ident,
    /// Its generic parameters.
    pub generics: Generics,
    /// The traits after `:`.
    pub supers: Vec<Type>,
    /// Its cells: signatures, or with a default body.
    pub methods: Vec<Method>,
}

/// `impl[T] Trait for T … end`, or `impl T … end`
#[derive(Debug)]
pub struct ImplDecl {
    /// Its generic parameters.
    pub generics: Generics,
    /// The trait; `None` when the cells are the type's own.
    pub trait_: Option<Type>,
    /// The type.
    pub ty: Type,
    /// The cells.
    pub methods: Vec<Method>,
}

/// `import a.b: x, y as z` or `import a.b: *`
#[derive(Debug)]
pub struct ImportDecl {
    /// The segments of the module path.
    pub path: Vec<Ident>,
    /// What is taken from it.
    pub names: ImportNames,
}

/// What an import takes.
#[derive(Debug)]
pub enum ImportNames {
    /// Everything that can be imported.
    All(Span),
    /// The names listed.
    Some(Vec<ImportName>),
}

/// `x` or `x as y`
#[derive(Debug)]
pub struct ImportName {
    /// The name in the other module.
    pub name: Ident,
    /// The name here, if another.
    pub alias: Option<Ident>,
}

/// `use tool llm.chat as Chat`
#[derive(Debug)]
pub struct UseTool {
    /// The segments of the tool's name.
    pub path: Vec<Ident>,
    /// What it is called here; without `as`, its last segment.
    pub alias: Ident,
}

/// `grant Chat model "gpt-4o" max_tokens 1024`
#[derive(Debug)]
pub struct Grant {
    /// The alias of the tool.
    pub tool: Ident,
    /// The limits; each value is a literal.
    pub limits: Vec<GrantLimit>,
}

/// One `key value` of a grant.
#[derive(Debug)]
pub struct GrantLimit {
    /// What is limited.
    pub key: Ident,
    /// A literal.
    pub value: Expr,
}

/// `effect name … end`
#[derive(Debug)]
pub struct EffectDecl {
    /// Its name.
    pub name: Ident,
    /// The signatures in it.
    pub operations: Vec<Method>,
}

/// `bind effect db.query to DbQuery`
#[derive(Debug)]
pub struct BindEffect {
    /// The segments of the operation (or of the whole effect).
    pub path: Vec<Ident>,
    /// The alias of the tool.
    pub tool: Ident,
}

/// `test "name" … end`
#[derive(Debug)]
pub struct TestDecl {
    /// Its name.
    pub name: Box<str>,
    /// Where the name stands.
    pub name_span: Span,
    /// What it does.
    pub body: Block,
}
