//! From a module to a program that can run: types translated, natives linked, constants made,
//! code prepared.

mod code;
mod constants;
pub(crate) mod image;
mod natives;
mod types;

use std::fmt;
use std::sync::{Arc, Mutex};

use lumen_bytecode::Module;
use lumen_bytecode::module::{ToolDesc, TypeDesc, well_known};
use lumen_runtime::heap::Heap;
use lumen_runtime::heap::types::Shape;
use lumen_runtime::native::{Native, Tool};

#[cfg(feature = "jit")]
use crate::jit::JitMode;
use crate::program::Options;
use image::{CodeWords, Image, Texts};

/// Why a module cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    message: String,
}

impl LoadError {
    pub(crate) fn new(message: impl Into<String>) -> LoadError {
        LoadError {
            message: message.into(),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

/// Prepares a verified module.
pub(crate) fn load(
    mut module: Module,
    natives: &[&[Native]],
    options: &Options,
) -> Result<Image, LoadError> {
    if module.types.len() < well_known::LEN as usize {
        return Err(LoadError::new(
            "the module's type table lacks the well-known types",
        ));
    }
    let types = Arc::new(types::translate(&module.types).with_hash_seed(options.seed));
    let slots = module
        .types
        .iter()
        .enumerate()
        .map(|(i, _)| slots_of(types.shape(i as u32)));
    let slots = slots.collect();
    let closures = module.types.iter().map(function_of).collect();
    let futures = types::futures(&types);
    let natives = natives::link(&module, natives)?;
    let mut heap = Heap::alone(Arc::clone(&types));
    let mut constants = constants::make(&mut heap, &module)?;
    let errors = constants::errors(&mut heap)?;
    let prepared = code::prepare(&module, &natives, &types, &mut constants, &mut heap)?;
    let code = CodeWords::new(prepared.code);
    let entries = prepared.funcs.iter().map(|f| code.at(f.start)).collect();
    let image = Image {
        entries,
        code,
        #[cfg(feature = "jit")]
        jit: None,
        funcs: prepared.funcs,
        members: prepared.members,
        member_words: prepared.member_words,
        member_types: prepared.member_types,
        constants,
        slots,
        closures,
        types,
        natives,
        paths: module.paths.clone(),
        globals: module.globals.iter().map(|g| (g.ty, g.init)).collect(),
        main: module.main,
        tests: std::mem::take(&mut module.tests),
        tools: module.tools.drain(..).map(tool).collect(),
        files: std::mem::take(&mut module.files),
        sources: std::mem::take(&mut module.sources),
        deterministic: module.deterministic,
        virtual_clock: module.virtual_clock,
        futures,
        cancelled: errors.0,
        no_memory: errors.1,
        texts: Mutex::new(Texts::new(heap)),
    };
    Ok(with_jit(image, module, options))
}

/// The image, made ready for native code if that is wanted.
#[cfg(feature = "jit")]
fn with_jit(mut image: Image, module: Module, options: &Options) -> Image {
    if options.jit != JitMode::Off {
        crate::jit::Jit::install(&mut image, module, options);
    }
    image
}

/// The image as it is.
#[cfg(not(feature = "jit"))]
fn with_jit(image: Image, _module: Module, _options: &Options) -> Image {
    image
}

fn tool(desc: ToolDesc) -> Arc<Tool> {
    Arc::new(Tool {
        path: desc.path,
        name: desc.name,
        grants: desc.grants,
    })
}

fn slots_of(shape: &Shape) -> u16 {
    match shape {
        Shape::Fixed { slots, .. } => u16::try_from(*slots).unwrap_or(u16::MAX),
        _ => 0,
    }
}

fn function_of(ty: &TypeDesc) -> u32 {
    match ty {
        TypeDesc::Closure { func, .. } => *func,
        _ => 0,
    }
}
