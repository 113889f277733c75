//! The process: environment variables, platform.

use lumen_runtime::heap::word::NULL;
use lumen_runtime::native::{NativeCx, NativeResult, text};

use super::io::io_failure;

natives! {
    "env._variables() -> list[String]" => variables,
    "env.platform() -> String" => |cx, _| cx.string(std::env::consts::OS),
    "env.architecture() -> String" => |cx, _| cx.string(std::env::consts::ARCH),
    "env.process_id() -> Int" => |cx, _| {
        let id = cx.host.effect("env.process_id", &mut || {
            Ok(std::process::id().to_string().into_bytes())
        });
        let id = id.or_else(io_failure)?;
        Ok(String::from_utf8_lossy(&id).parse::<u32>().unwrap_or(0).into())
    },
}

/// `env(name)`: the value of an environment variable, null if it is not set.
pub(super) fn env(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let name = text(&args[0]);
    let value = cx.host.effect(&format!("env {name}"), &mut || {
        // One byte in front tells "empty" from "not set".
        Ok(
            match valid(name).then(|| std::env::var_os(name)).flatten() {
                Some(v) => [b"=", v.to_string_lossy().as_bytes()].concat(),
                None => Vec::new(),
            },
        )
    });
    match value.or_else(io_failure)?.split_first() {
        Some((_, value)) => cx.string(&String::from_utf8_lossy(value)),
        None => Ok(NULL),
    }
}

/// Whether the system can have a variable of this name.
fn valid(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// All variables as `NAME=value`, by name.
fn variables(cx: &mut NativeCx<'_>, _: &mut [u64]) -> NativeResult {
    let all = cx.host.effect("env.variables", &mut || {
        let mut all: Vec<String> = std::env::vars_os()
            .map(|(k, v)| format!("{}={}", k.to_string_lossy(), v.to_string_lossy()))
            .collect();
        all.sort();
        Ok(all.join("\0").into_bytes())
    });
    let all = all.or_else(io_failure)?;
    let all = String::from_utf8_lossy(&all);
    cx.strings(all.split('\0').filter(|v| !v.is_empty()))
}
