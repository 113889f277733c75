//! Everything of a module but code: tables and the heads of functions.

use super::Check;
use super::types::{Ty, Types};
use crate::module::*;

/// Checks the tables; gives the type table.
pub(super) fn tables(module: &Module) -> Check<Types<'_>> {
    let types = Types::new(&module.types)?;
    for (i, desc) in module.types.iter().enumerate() {
        if let TypeDesc::Closure { .. } = desc {
            closure(module, i as TypeIx)
                .map_err(|e| format!("type t{i} ({}): {e}", types.name(i as TypeIx)))?;
        }
    }
    each("constant k", &module.constants, |c| constant(&types, c))?;
    each("native n", &module.natives, |n| native(&types, n))?;
    each("path p", &module.paths, |p| path(&types, p).map(|_| ()))?;
    each("global g", &module.globals, |g| global(module, &types, g))?;
    each("test ", &module.tests, |t| {
        without_params(module, t.func)?;
        file(module, t.file)
    })?;
    if !module.sources.is_empty() && module.sources.len() != module.files.len() {
        return Err("there are not as many sources as files".into());
    }
    if let Some(main) = module.main {
        entry(module, main).map_err(|e| format!("main: {e}"))?;
    }
    Ok(types)
}

fn each<T>(what: &str, items: &[T], check: impl Fn(&T) -> Check) -> Check {
    for (i, item) in items.iter().enumerate() {
        check(item).map_err(|e| format!("{what}{i}: {e}"))?;
    }
    Ok(())
}

/// A function by index.
pub(super) fn function(module: &Module, index: u32) -> Check<&Function> {
    let found = module.functions.get(index as usize);
    found.ok_or_else(|| format!("there is no function f{index}"))
}

fn without_params(module: &Module, index: u32) -> Check {
    let f = function(module, index)?;
    if !f.params.is_empty() || f.closure.is_some() {
        return Err(format!("f{index} has parameters or captures"));
    }
    Ok(())
}

fn entry(module: &Module, index: u32) -> Check {
    let f = function(module, index)?;
    let params = f.params.is_empty() || f.params == [well_known::LIST_STRING];
    if !params || f.closure.is_some() {
        return Err(format!("f{index} takes more than a `list[String]`"));
    }
    Ok(())
}

fn file(module: &Module, index: u32) -> Check {
    if index as usize >= module.files.len() {
        return Err(format!("there is no file {index}"));
    }
    Ok(())
}

/// A closure type fits its function.
fn closure(module: &Module, ix: TypeIx) -> Check {
    let TypeDesc::Closure {
        func,
        as_func,
        captures,
    } = &module.types[ix as usize]
    else {
        return Ok(());
    };
    let f = function(module, *func)?;
    match &module.types[*as_func as usize] {
        TypeDesc::Func { params, result } if *params == f.params && *result == f.result => {}
        _ => return Err(format!("f{func} has another signature")),
    }
    if f.owned.contains(&true) {
        return Err(format!("f{func} owns a parameter"));
    }
    let fits = match f.closure {
        Some(c) => c == ix,
        None => captures.is_empty(),
    };
    if !fits {
        return Err(format!("f{func} has other captures"));
    }
    Ok(())
}

fn constant(types: &Types<'_>, constant: &Constant) -> Check {
    match constant {
        Constant::Variant(t) => {
            types.known(*t)?;
            match types.get(*t) {
                TypeDesc::Variant { fields, .. } if fields.is_empty() => Ok(()),
                _ => Err(format!("{} is no variant without fields", types.name(*t))),
            }
        }
        Constant::Closure(t) => {
            types.known(*t)?;
            match types.get(*t) {
                TypeDesc::Closure { captures, .. } if captures.is_empty() => Ok(()),
                _ => Err(format!("{} is no closure without captures", types.name(*t))),
            }
        }
        _ => Ok(()),
    }
}

fn native(types: &Types<'_>, native: &NativeImport) -> Check {
    types.all_known(&native.params)?;
    types.known(native.result)?;
    types.all_known(&native.type_args)?;
    if native.mutator && native.params.is_empty() {
        return Err("it changes its first parameter and has none".into());
    }
    if native.params.len() > usize::from(u16::MAX) {
        return Err("it has too many parameters".into());
    }
    Ok(())
}

/// What a path goes through.
pub(super) struct PathShape {
    /// Type of the root.
    pub(super) root: TypeIx,
    /// Types of index operands, in order.
    pub(super) operands: Vec<TypeIx>,
    /// Type of the place at its end.
    pub(super) place: TypeIx,
}

/// Checks a path. One without steps is the root itself, of whatever type the op changes.
pub(super) fn path(types: &Types<'_>, steps: &[PathStep]) -> Check<PathShape> {
    let mut at = None;
    let mut shape = PathShape {
        root: well_known::NULL,
        operands: Vec::new(),
        place: well_known::NULL,
    };
    for step in steps {
        let (PathStep::Field { container, .. } | PathStep::Index { container }) = *step;
        types.known(container)?;
        match at {
            None => shape.root = container,
            Some(t) if t == container => {}
            Some(t) => {
                let (a, b) = (types.name(t), types.name(container));
                return Err(format!("a step from {b} stands at a place of type {a}"));
            }
        }
        let place = match *step {
            PathStep::Field { container, field } => field_type(types, container, field)?,
            PathStep::Index { container } => match types.get(container) {
                TypeDesc::List(t) => {
                    shape.operands.push(well_known::INT);
                    *t
                }
                TypeDesc::Map(k, v) => {
                    shape.operands.push(*k);
                    *v
                }
                _ => return Err(format!("{} has no elements", types.name(container))),
            },
        };
        at = Some(place);
        shape.place = place;
    }
    Ok(shape)
}

/// What an Error consists of: kind, message, location, trace, causes.
pub(super) const ERROR_FIELDS: [TypeIx; 5] = [
    well_known::STRING,
    well_known::STRING,
    well_known::STRING,
    well_known::LIST_STRING,
    well_known::LIST_ERROR,
];

/// Type of a field of a record, tuple or Error.
pub(super) fn field_type(types: &Types<'_>, container: TypeIx, field: u16) -> Check<TypeIx> {
    let f = usize::from(field);
    let found = match types.get(container) {
        TypeDesc::Record { fields, .. } => fields.get(f).map(|f| f.ty),
        TypeDesc::Tuple(items) => items.get(f).copied(),
        TypeDesc::Error => ERROR_FIELDS.get(f).copied(),
        _ => return Err(format!("{} is no record or tuple", types.name(container))),
    };
    found.ok_or_else(|| format!("{} has no field {field}", types.name(container)))
}

fn global(module: &Module, types: &Types<'_>, global: &GlobalDesc) -> Check {
    types.known(global.ty)?;
    let Some(init) = global.init else {
        return Ok(());
    };
    without_params(module, init)?;
    let result = function(module, init)?.result;
    types.known(result)?;
    if !types.is_subtype(Ty::slot(result), global.ty) {
        let (a, b) = (types.name(result), types.name(global.ty));
        return Err(format!("f{init} gives {a} for a {b}"));
    }
    Ok(())
}

/// The parts of a function that are not code; word indices of maps are checked with the code.
pub(super) fn head(module: &Module, types: &Types<'_>, f: &Function) -> Check {
    types.all_known(&f.params)?;
    types.known(f.result)?;
    if f.owned.len() != f.params.len() {
        return Err("there are not as many ownership flags as parameters".into());
    }
    if usize::from(f.frame) <= f.params.len() {
        return Err("its frame is smaller than its parameters".into());
    }
    if let Some(t) = f.closure {
        match types.get(t) {
            TypeDesc::Closure { func, .. }
                if module
                    .functions
                    .get(*func as usize)
                    .is_some_and(|g| std::ptr::eq(g, f)) => {}
            _ => return Err(format!("t{t} is not its closure type")),
        }
    }
    let len = f.code.len();
    if len == 0 || len > 1 << 30 {
        return Err("it has no code, or too much".into());
    }
    if !ascending(f.maps.iter().map(|m| m.pc), len) {
        return Err("frame maps are out of order or out of the code".into());
    }
    if !ascending(f.lines.iter().map(|l| l.pc), len) {
        return Err("lines are out of order or out of the code".into());
    }
    for line in &f.lines {
        file(module, line.file)?;
        if line.scope as usize > f.inlined.len() {
            return Err(format!(
                "a line is in inlined call {}, which there is not",
                line.scope
            ));
        }
    }
    for (index, call) in f.inlined.iter().enumerate() {
        file(module, call.file)?;
        if call.scope as usize > index {
            return Err(format!("inlined call {} is within a later one", index + 1));
        }
    }
    for map in &f.maps {
        frame_map(types, f, map).map_err(|e| format!("frame map at {}: {e}", map.pc))?;
    }
    for table in &f.tables {
        if table.is_empty() {
            return Err("a jump table is empty".into());
        }
    }
    Ok(())
}

/// Word indices below `len`, each larger than the one before.
fn ascending(pcs: impl Iterator<Item = u32>, len: usize) -> bool {
    let mut next = 0;
    for pc in pcs {
        if pc < next || pc as usize >= len {
            return false;
        }
        next = pc + 1;
    }
    true
}

fn frame_map(types: &Types<'_>, f: &Function, map: &FrameMap) -> Check {
    let mut last = None;
    for state in &map.live {
        let reg = state.reg;
        if reg >= f.frame {
            return Err(format!("r{reg} is not in the frame"));
        }
        if last.is_some_and(|l| l >= reg) {
            return Err("registers are out of order".into());
        }
        last = Some(reg);
        types.known(state.ty)?;
        match state.hold {
            Hold::Plain if !Ty::slot(state.ty).is_plain() => {
                return Err(format!("r{reg} is a word, neither owned nor lent"));
            }
            Hold::Borrowed(Some(from)) => {
                let owner = map.live.binary_search_by_key(&from, |s| s.reg);
                if !owner.is_ok_and(|i| map.live[i].hold == Hold::Owned) {
                    return Err(format!(
                        "r{reg} is lent by r{from}, which is not owned there"
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
