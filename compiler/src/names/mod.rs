//! Modules and names: which files make up a program, and what a name means in a module.

mod modules;
mod prelude;
mod scope;
mod suggest;

pub use modules::{Library, LibraryModule, Module, ModuleId, Modules, Prelude, load_modules};
pub(crate) use scope::{ModuleScope, TypeDef, ValueDef};
pub(crate) use suggest::closest;
