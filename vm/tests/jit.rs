//! Native code: that it is made, counted, shown and given back.
#![cfg(feature = "jit")]

mod common;

use common::*;
use lumen_vm::{JitMode, Options};
use std::sync::Arc;

fn always() -> Options {
    Options {
        jit: JitMode::Always,
        workers: 1,
        ..Options::default()
    }
}

#[test]
fn calls_and_loops_enter_native_code_once() {
    let ended = load(fib(15), always()).run(Arc::new(Sink::default()));
    assert_eq!(ended.end, value("610"));
    assert!(ended.jit.functions >= 1 && ended.jit.code_bytes > 0);
    // Calls between native functions are not entries.
    assert!(ended.jit.call_entries <= 3, "{:?}", ended.jit);

    // A loop that is hot while it runs is entered in the middle.
    let options = Options {
        jit: JitMode::Auto,
        jit_threshold: 1,
        ..always()
    };
    let ended = load(loop_sum(30_000_000), options).run(Arc::new(Sink::default()));
    assert!(ended.jit.osr_entries >= 1, "{:?}", ended.jit);
}

#[test]
fn a_program_without_hot_code_makes_none() {
    let options = Options {
        jit: JitMode::Auto,
        ..always()
    };
    let ended = load(fib(5), options).run(Arc::new(Sink::default()));
    assert_eq!((ended.jit.functions, ended.jit.loops), (0, 0));
    let off = Options {
        jit: JitMode::Off,
        ..always()
    };
    let ended = load(fib(15), off).run(Arc::new(Sink::default()));
    assert_eq!(ended.jit.code_bytes, 0);
}

#[test]
fn code_can_be_seen() {
    let program = load(fib(5), always());
    let clif = program.clif(Some("fib")).expect("there is one");
    assert!(clif.contains("sadd_overflow"), "{clif}");
    assert!(program.asm(None).expect("there is some").contains("ret"));
    assert!(program.clif(Some("nothing")).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn programs_give_their_code_back() {
    let mappings = || {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("readable");
        maps.lines().filter(|l| l.contains(" r-xp ")).count()
    };
    let before = mappings();
    for _ in 0..300 {
        let ended = load(fib(6), always()).run(Arc::new(Sink::default()));
        assert!(ended.jit.code_bytes > 0);
    }
    // Other tests of this process may have a program each.
    assert!(mappings() <= before + 8, "{} from {before}", mappings());
}
