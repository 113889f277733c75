//! What compiling a large program costs, stage by stage: CPU time, lines a second, allocations a
//! line, memory. Two programs: one that is generated, and is dense, and one of programs that people
//! wrote, with their comments.
//!
//! `cargo bench --bench compile [-- LINES]`; `-- LINES --write FILE` writes the program instead.

#![allow(
    unsafe_code,
    reason = "an allocator that counts, and the process's CPU clock"
)]

mod generate;
#[path = "generate/real.rs"]
mod real;

use std::alloc::{GlobalAlloc, Layout};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use lumen::disk::Disk;
use lumen::pipeline::check_with_library;
use lumen_bytecode::file;
use lumen_compiler::diag::Diagnostics;
use lumen_compiler::source::{Loader, SourceKind, SourceMap};
use lumen_compiler::syntax::{Interner, parse_file};
use lumen_runtime::pools::Pools;
use real::Real;

/// The commands' allocator, counted.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// One more block of so many bytes. Plain loads and stores: there is one thread.
fn taken(bytes: usize) {
    CALLS.store(CALLS.load(Relaxed) + 1, Relaxed);
    let live = LIVE.load(Relaxed).wrapping_add(bytes);
    LIVE.store(live, Relaxed);
    if live > PEAK.load(Relaxed) {
        PEAK.store(live, Relaxed);
    }
}

/// A block less.
fn given(bytes: usize) {
    LIVE.store(LIVE.load(Relaxed).wrapping_sub(bytes), Relaxed);
}

// SAFETY: every call is handed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: as the caller promises.
        unsafe { Pools.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        given(layout.size());
        // SAFETY: as the caller promises.
        unsafe { Pools.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        given(layout.size());
        taken(size);
        // SAFETY: as the caller promises.
        unsafe { Pools.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// CPU seconds of this process so far.
fn cpu() -> f64 {
    lumen_runtime::time::system::process_cpu().as_secs_f64()
}

struct Report {
    lines: usize,
    total: f64,
}

impl Report {
    /// Runs a stage and says what it cost.
    fn stage<T>(&mut self, name: &str, stage: impl FnOnce() -> T) -> T {
        let (calls, begin) = (CALLS.load(Relaxed), cpu());
        PEAK.store(LIVE.load(Relaxed), Relaxed);
        let made = stage();
        let took = cpu() - begin;
        self.total += took;
        let calls = CALLS.load(Relaxed) - calls;
        println!(
            "{name:<10} {:>8.1} ms {:>10.0} lines/s {:>6.1} allocations/line {:>6.1} MB peak \
             {:>6.1} MB left",
            took * 1e3,
            self.lines as f64 / took,
            calls as f64 / self.lines as f64,
            PEAK.load(Relaxed) as f64 / 1e6,
            LIVE.load(Relaxed) as f64 / 1e6,
        );
        made
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let lines = arguments.next().and_then(|n| n.parse().ok());
    let lines = lines.unwrap_or(100_000);
    let text = generate::program(lines);
    if arguments.next().as_deref() == Some("--write") {
        let path = arguments.next().expect("--write FILE");
        std::fs::write(path, text).expect("can be written");
        return;
    }
    println!(
        "generated: {} lines, {} bytes",
        text.lines().count(),
        text.len()
    );
    let disk = Disk::of_program(Path::new("bench.lm"));
    measure(&[&text], &text, &disk);
    drop(text);
    let real = Real::of_repository(lines, |real, root| {
        let mut sources = SourceMap::new();
        let root = sources.add_text("bench.lm", root, SourceKind::Plain);
        let mut diagnostics = Diagnostics::new();
        check_with_library(root, real, &mut sources, &mut diagnostics).is_some()
    });
    let texts: Vec<&str> = real.texts().collect();
    let lines: usize = texts.iter().map(|text| text.lines().count()).sum();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    println!(
        "\nas written: {lines} lines, {bytes} bytes, {} modules",
        texts.len()
    );
    measure(&texts, &real.root(), &real);
}

/// Compiles the program `root`, which consists of `texts` but for what is small.
fn measure(texts: &[&str], root: &str, loader: &dyn Loader) {
    let lines = texts.iter().map(|text| text.lines().count()).sum();
    let mut report = Report { lines, total: 0.0 };
    let mut diagnostics = Diagnostics::new();
    parse_alone(texts, &mut report);
    report.total = 0.0;
    let mut sources = SourceMap::new();
    let root = sources.add_text("bench.lm", root.to_owned(), SourceKind::Plain);
    let program = report.stage("check", || {
        check_with_library(root, loader, &mut sources, &mut diagnostics)
    });
    let program = program.expect("a correct program");
    let mut lowered = report.stage("lower", || lumen_compiler::ir::build::lower(program));
    report.stage("passes", || {
        lumen_compiler::ir::passes::prepare(&mut lowered)
    });
    let module = report.stage("emit", || {
        lumen_compiler::emit::own_and_emit(lowered, &sources, &mut diagnostics)
    });
    let bytes = report.stage("encode", || file::encode(&module));
    drop(bytes);
    println!(
        "in all     {:>8.1} ms {:>10.0} lines/s",
        report.total * 1e3,
        lines as f64 / report.total
    );
}

/// What parsing alone costs; checking parses too.
fn parse_alone(texts: &[&str], report: &mut Report) {
    let mut sources = SourceMap::new();
    let files: Vec<_> = texts
        .iter()
        .map(|text| sources.add_text("bench.lm", (*text).to_owned(), SourceKind::Plain))
        .collect();
    let (mut names, mut diagnostics) = (Interner::new(), Diagnostics::new());
    report.stage("parse", || {
        for file in files {
            parse_file(&sources, file, &mut names, &mut diagnostics);
        }
    });
}
