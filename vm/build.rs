//! Chooses how the interpreter goes from one instruction to the next.
//!
//! `threaded`: each handler ends by calling the next one, which the optimiser turns into a jump.
//! That holds only in optimised builds and for a calling convention with enough registers, so
//! elsewhere a `match` loop is used. `LUMEN_DISPATCH=match` (or `threaded`) overrides at build
//! time.

use std::env;

fn main() {
    println!("cargo:rustc-check-cfg=cfg(threaded)");
    println!("cargo:rerun-if-env-changed=LUMEN_DISPATCH");
    println!("cargo:rerun-if-changed=build.rs");
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let level = env::var("OPT_LEVEL").unwrap_or_default();
    let able = arch == "x86_64" && matches!(level.as_str(), "2" | "3");
    let threaded = match env::var("LUMEN_DISPATCH").as_deref() {
        Ok("match") => false,
        _ => able,
    };
    if threaded {
        println!("cargo:rustc-cfg=threaded");
    }
}
