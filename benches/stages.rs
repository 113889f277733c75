//! The stages of the compiler, and the interpreter and native code on small programs, one by one;
//! and what making native code of the programs that `compare` runs costs.
//!
//! `cargo bench --bench stages`. For comparisons with other languages see `compare`.

#![allow(missing_docs, reason = "Criterion's macro makes a public function")]

mod generate;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lumen::bench::quiet::Quiet;
use lumen::host::Process;
use lumen::pipeline::check_text;
use lumen::settings::HAS_JIT;
use lumen_bytecode::{Module, file, verify};
use lumen_compiler::diag::Diagnostics;
use lumen_compiler::hir;
use lumen_compiler::source::{SourceKind, SourceMap};
use lumen_compiler::syntax::lexer::lex;
use lumen_compiler::syntax::{Interner, parse_file};
use lumen_vm::{JitMode, Options, Program};

fn check(text: &str) -> (SourceMap, hir::Program) {
    let (sources, _, program) = check_text("bench.lm", text);
    (sources, program.expect("a correct program"))
}

fn compile(text: &str) -> Module {
    let (sources, program) = check(text);
    lumen_compiler::generate(program, &sources, &mut Diagnostics::new())
}

fn compiler(c: &mut Criterion) {
    let text = generate::program(10_000);
    let mut sources = SourceMap::new();
    let file = sources.add_text("bench.lm", text.clone(), SourceKind::Plain);
    let mut group = c.benchmark_group("compiler, lines");
    group.throughput(Throughput::Elements(text.lines().count() as u64));
    group.bench_function("lex", |b| {
        b.iter(|| {
            lex(
                &sources,
                file,
                &mut Interner::new(),
                &mut Diagnostics::new(),
            )
        });
    });
    group.bench_function("parse", |b| {
        b.iter(|| {
            parse_file(
                &sources,
                file,
                &mut Interner::new(),
                &mut Diagnostics::new(),
            )
        });
    });
    group.bench_function("check", |b| b.iter(|| check(black_box(&text))));
    let (checked_sources, program) = check(&text);
    let checked = || program.clone();
    group.bench_function("lower", |b| {
        b.iter_batched(checked, lumen_compiler::lower, BatchSize::LargeInput);
    });
    group.bench_function("generate", |b| {
        let generate =
            |program| lumen_compiler::generate(program, &checked_sources, &mut Diagnostics::new());
        b.iter_batched(checked, generate, BatchSize::LargeInput);
    });
    group.bench_function("all", |b| b.iter(|| compile(black_box(&text))));
    let module = compile(&text);
    let bytes = file::encode(&module);
    group.bench_function("decode", |b| b.iter(|| file::decode(black_box(&bytes))));
    group.bench_function("verify", |b| b.iter(|| verify::verify(black_box(&module))));
    group.finish();
}

const PROGRAMS: &[(&str, &str)] = &[
    (
        "fib",
        "cell fib(n: Int) -> Int = if n < 2 then n else fib(n - 1) + fib(n - 2)\nfib(22)\n",
    ),
    (
        "loop",
        "let mut s = 0\nfor i in 0..100000\n  s = (s + (i ^ s)) & 0x3fffffff\nend\n",
    ),
    (
        "push",
        "let mut xs = []\nfor i in 0..50000\n  xs.append(i)\nend\n",
    ),
    (
        "spawn",
        "cell f(n: Int) -> Int = n + 1\nfor i in 0..10000\n  let r = await spawn(f(i))\nend\n",
    ),
];

fn load(module: Module, jit: JitMode) -> Program {
    let options = Options {
        workers: 1,
        jit,
        ..Options::default()
    };
    Program::load(module, &[], options).expect("loads")
}

fn interpreter(c: &mut Criterion) {
    runs(c, "interpreter", JitMode::Off);
}

/// Native code that is there already.
fn native(c: &mut Criterion) {
    if HAS_JIT {
        runs(c, "native", JitMode::Always);
    }
}

fn runs(c: &mut Criterion, name: &str, jit: JitMode) {
    let mut group = c.benchmark_group(name);
    for (name, text) in PROGRAMS {
        let program = load(compile(text), jit);
        group.bench_function(*name, |b| {
            b.iter(|| {
                let process = Process::new(Path::new("bench.lm"), Vec::new(), 1, Some(0));
                program.run(Arc::new(process))
            });
        });
    }
    group.finish();
}

/// A loop in a cell that is too large to become native: what it calls is entered from the
/// interpreter and returns to it, `CALLS` times.
fn crossing(body: &str) -> Module {
    let filler = "    s = s ^ (i * 7)\n".repeat(24_000);
    compile(&format!(
        "cell step(n: Int) -> Int = if n < 0 then step(n + 1) else n ^ 1\n\
         cell turns(count: Int) -> Int\n  let mut s = 0\n  for i in 0..count\n    {body}\n\
         \x20   if s == -1\n{filler}    end\n  end\n  s\nend\nturns({CALLS})\n"
    ))
}

const CALLS: u64 = 200_000;

/// From the interpreter into native code and back: the difference between `native callee` and
/// `no call`.
fn crossings(c: &mut Criterion) {
    let mut group = c.benchmark_group("crossing, calls");
    group.throughput(Throughput::Elements(CALLS));
    let call = "s = step(s & 1023)";
    let mut ways = vec![
        ("no call", "s = (s & 1023) ^ 1", JitMode::Off),
        ("interpreted callee", call, JitMode::Off),
    ];
    if HAS_JIT {
        ways.push(("native callee", call, JitMode::Always));
    }
    for (name, body, jit) in ways {
        let program = load(crossing(body), jit);
        group.bench_function(name, |b| {
            b.iter(|| {
                program.run(Arc::new(Process::new(
                    Path::new("b.lm"),
                    Vec::new(),
                    1,
                    Some(0),
                )))
            });
        });
    }
    group.finish();
}

/// Programs of `compare`, with sizes that let them do a little of everything.
const SUITE: &[(&str, &str)] = &[
    ("fib", "10"),
    ("nbody", "10"),
    ("fannkuch", "5"),
    ("binary_trees", "4"),
    ("quicksort", "100"),
    ("wordcount", "100"),
    ("json", "10"),
    ("closures", "10"),
    ("exprtree", "1"),
];

/// The time that compiling takes of a first run in which every cell and loop that is reached
/// becomes native; per instruction of Cranelift's input.
fn compiling(c: &mut Criterion) {
    if !HAS_JIT {
        return;
    }
    let mut group = c.benchmark_group("native code, instructions");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/programs");
    for (name, size) in SUITE {
        let file = folder.join(name).with_extension("lm");
        let module = compile(&std::fs::read_to_string(&file).expect("readable program"));
        let first_run = || {
            let program = load(module.clone(), JitMode::Always);
            program
                .run(Arc::new(Quiet::new(&file, &[(*size).into()], 1, 0)))
                .jit
        };
        group.throughput(Throughput::Elements(first_run().clif_instructions));
        group.bench_function(*name, |b| {
            b.iter_custom(|times| {
                let spent: u64 = (0..times).map(|_| first_run().compile_ns).sum();
                Duration::from_nanos(spent)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, compiler, interpreter, native, crossings, compiling);
criterion_main!(benches);
