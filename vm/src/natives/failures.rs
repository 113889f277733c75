//! Failures: raising one by number, causes.

use lumen_bytecode::module::FAILURE_KINDS;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{count, error, record};
use lumen_runtime::native::{NativeCx, NativeResult, fail, int, kind, text};

natives! {
    "rt.fail(Int, String) -> Never" => raise,
    "rt.add_cause(mut Error, Error) -> Null" => add_cause,
}

fn raise(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let number = usize::try_from(int(args[0])).ok();
    let kind = number
        .and_then(|n| FAILURE_KINDS.get(n))
        .map_or(kind::THROW, |(_, name)| name);
    fail(kind, text(&args[1]))
}

fn add_cause(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let cause = args[1];
    // SAFETY: both are live Errors, the first one owned by its register.
    unsafe {
        record::make_unique(cx.heap, &mut args[0])?;
        count::dup(cause);
        error::push_cause(cx.heap, args[0], cause)?;
    }
    Ok(NULL)
}
