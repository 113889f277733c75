//! Runs one program in several ways, and compares.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lumen::pipeline::check_text;
use lumen_bytecode::{Module, assemble, list, verify};
use lumen_compiler::diag::{RenderOptions, render_human};
use lumen_runtime::native::{Host, Stream};
use lumen_vm::{End, Ended, JitMode, Options, Program};

/// What came of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// All ways gave the same.
    Agree,
    /// The compiler refused it, which is well typed: the code and all diagnostics.
    Refused { code: String, text: String },
    /// The verifier refused what the compiler made.
    Unverified { text: String },
    /// Two ways gave different results.
    Differ { way: &'static str, text: String },
    /// Something panicked.
    Panicked { text: String },
}

impl Verdict {
    /// The kind of trouble; a reduced program must have the same.
    pub(crate) fn class(&self) -> String {
        match self {
            Verdict::Agree => "agree".into(),
            Verdict::Refused { code, .. } => format!("refused with {code}"),
            Verdict::Unverified { .. } => "refused by the verifier".into(),
            Verdict::Differ { way, .. } => format!("differs: {way}"),
            Verdict::Panicked { .. } => "panicked".into(),
        }
    }

    /// What was seen.
    pub(crate) fn text(&self) -> &str {
        match self {
            Verdict::Agree => "",
            Verdict::Refused { text, .. }
            | Verdict::Unverified { text }
            | Verdict::Differ { text, .. }
            | Verdict::Panicked { text } => text,
        }
    }
}

/// Takes what a program prints; numbers by chance are counted up.
#[derive(Debug, Default)]
struct Paper {
    out: Mutex<String>,
    err: Mutex<String>,
    ticks: AtomicU64,
}

impl Host for Paper {
    fn arguments(&self) -> &[String] {
        &[]
    }

    fn write(&self, stream: Stream, text: &str) -> Result<(), String> {
        let paper = match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.err,
        };
        paper.lock().map_err(|e| e.to_string())?.push_str(text);
        Ok(())
    }

    fn read_line(&self) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn read_rest(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }

    fn now_ns(&self) -> i64 {
        self.ticks.fetch_add(1000, Ordering::Relaxed) as i64
    }

    fn timestamp_ms(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }
}

/// What a run showed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Shown {
    out: String,
    end: String,
    code: i32,
    leaked: i64,
    /// What only runs of one schedule have in common: the other stream, and the trace hash.
    exact: (String, Option<u64>),
}

/// One way to run a program.
struct Way {
    name: &'static str,
    /// Another way of the same schedule, by its place in the list: everything must be the same.
    like: usize,
    options: Options,
    assembled: bool,
}

fn ways() -> Vec<Way> {
    let plain = Options {
        workers: 1,
        max_stack: 1 << 20,
        ..Options::default()
    };
    let deterministic = Options {
        deterministic: true,
        ..plain.clone()
    };
    let many = Options {
        workers: 4,
        ..plain.clone()
    };
    let native = |options: &Options| Options {
        jit: JitMode::Always,
        ..options.clone()
    };
    let soon = |options: &Options| Options {
        jit: JitMode::Auto,
        jit_threshold: 1,
        ..options.clone()
    };
    let way = |name, like, options: &Options, assembled| Way {
        name,
        like,
        options: options.clone(),
        assembled,
    };
    let mut ways = vec![
        way("interpreter", 0, &plain, false),
        way("interpreter, deterministic", 1, &deterministic, false),
        way("interpreter, four workers", 2, &many, false),
        way("assembled", 1, &deterministic, true),
        way("native", 0, &native(&plain), false),
        way("native, deterministic", 1, &native(&deterministic), false),
        way("native, four workers", 2, &native(&many), false),
        way("soon native", 0, &soon(&plain), false),
    ];
    if !cfg!(feature = "jit") {
        ways.retain(|way| way.options.jit == JitMode::Off);
    }
    ways
}

/// Compiles as the commands do.
fn compile(text: &str) -> Result<Module, Verdict> {
    let (sources, mut diagnostics, program) = check_text("p.lm", text);
    let module = program.map(|p| lumen_compiler::generate(p, &sources, &mut diagnostics));
    match module {
        Some(module) if !diagnostics.has_errors() => match verify(&module) {
            Ok(()) => Ok(module),
            Err(errors) => Err(Verdict::Unverified {
                text: errors.iter().map(|e| format!("{e}\n")).collect(),
            }),
        },
        _ => {
            let errors = diagnostics.iter().map(|d| d.code.number());
            let code = errors
                .filter(|c| c.starts_with('E'))
                .min()
                .unwrap_or("?")
                .into();
            let text = render_human(&sources, &diagnostics, RenderOptions::default());
            Err(Verdict::Refused { code, text })
        }
    }
}

fn run(module: &Module, options: &Options) -> Result<Shown, String> {
    let program = Program::load(module.clone(), &[], options.clone());
    let program = program.map_err(|e| e.to_string())?;
    let paper = Arc::new(Paper::default());
    let ended: Ended = program.run(paper.clone());
    let take = |paper: &Mutex<String>| paper.lock().map(|text| text.clone()).unwrap_or_default();
    Ok(Shown {
        out: take(&paper.out),
        code: ended.exit_code(),
        leaked: ended.leaked,
        exact: (take(&paper.err), ended.trace_hash),
        end: match ended.end {
            End::Value(value) => format!("value {value:?}"),
            End::Failed(failure) => failure.render(),
            End::Exit(code) => format!("exit {code}"),
        },
    })
}

/// Compares two runs; `exact`: of one schedule.
fn compare(a: &Shown, b: &Shown, exact: bool) -> Option<String> {
    let differ = |what: &str, a: &str, b: &str| {
        let at = a.lines().zip(b.lines()).take_while(|(a, b)| a == b).count();
        let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
        (a != b).then(|| format!("{what}, line {}\n  {}\n  {}\n", at + 1, line(a), line(b)))
    };
    let numbers = |shown: &Shown| {
        let hash = exact.then_some(shown.exact.1);
        format!(
            "code {}, leaked {}, hash {hash:?}",
            shown.code, shown.leaked
        )
    };
    // Reports name times, which only the virtual clock repeats.
    let exact = exact && a.exact.1.is_some();
    let errors = |shown: &Shown| {
        if exact {
            shown.exact.0.clone()
        } else {
            String::new()
        }
    };
    differ("output", &a.out, &b.out)
        .or_else(|| differ("end", &a.end, &b.end))
        .or_else(|| differ("stderr", &errors(a), &errors(b)))
        .or_else(|| differ("numbers", &numbers(a), &numbers(b)))
}

/// Compiles and runs a program in all ways.
pub(crate) fn check(text: &str) -> Verdict {
    let outcome = catch_unwind(AssertUnwindSafe(|| match check_all(text) {
        Ok(()) => Verdict::Agree,
        Err(verdict) => verdict,
    }));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
        Verdict::Panicked {
            text: text.unwrap_or_default(),
        }
    })
}

fn check_all(text: &str) -> Result<(), Verdict> {
    let module = compile(text)?;
    let mut shown: Vec<Shown> = Vec::new();
    for way in ways() {
        let differ = |text: String| Verdict::Differ {
            way: way.name,
            text,
        };
        let assembled = match way.assembled {
            true => Some(assemble(&list(&module)).map_err(|e| differ(format!("{e:?}")))?),
            false => None,
        };
        let module = assembled.as_ref().unwrap_or(&module);
        let run = run(module, &way.options).map_err(differ)?;
        let like = shown.get(way.like).unwrap_or(&run);
        let first = shown.first().unwrap_or(&run);
        let difference = compare(like, &run, true).or_else(|| compare(first, &run, false));
        if let Some(text) = difference {
            return Err(differ(text));
        }
        if run.leaked != 0 {
            return Err(differ(format!("{} objects are left", run.leaked)));
        }
        shown.push(run);
    }
    Ok(())
}
