//! Who takes part: Lumen, and those peers that this machine has installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The names `--peers` takes.
pub(crate) const FAMILIES: &[&str] = &[
    "lua5.4", "luajit", "go", "c", "node", "python3", "wasmtime", "wasmi",
];

/// What Lumen is run as, by `--jit` mode, and the columns' titles.
pub(crate) const JIT_MODES: &[(&str, &str)] = &[
    ("off", "lumen"),
    ("auto", "lumen-jit"),
    ("always", "lumen-always"),
];

/// C for WebAssembly: the compiler's words.
const WASM_COMPILER: &[&str] = &["clang", "--target=wasm32-wasi", "-O2"];

/// One column of the tables.
pub(crate) struct Contestant {
    /// The column's title.
    pub(crate) name: String,
    kind: Kind,
}

enum Kind {
    /// A `lumen` binary, with extra arguments to `run`.
    Lumen(PathBuf, Vec<String>),
    /// Runs the source `peers/FOLDER/PROGRAM.EXTENSION`: the command's words up to the file.
    Script {
        words: Vec<String>,
        folder: &'static str,
        extension: &'static str,
    },
    /// Compiles the source first; the words come before `-o OUT FILE`, the others after. What
    /// comes of it is run by `runner`, or by itself.
    Compiled {
        words: Vec<String>,
        folder: &'static str,
        after: &'static [&'static str],
        runner: Vec<String>,
    },
}

/// The contestants there are, and the names of those that were asked for but are not installed.
pub(crate) fn find(
    peers: &[String],
    jit_modes: &[String],
    lumen: &Path,
) -> (Vec<Contestant>, Vec<String>) {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (mode, name) in JIT_MODES {
        if jit_modes.iter().any(|m| m == mode) {
            found.push(Contestant {
                name: name.to_string(),
                kind: Kind::Lumen(
                    lumen.to_owned(),
                    vec!["--jit".to_string(), mode.to_string()],
                ),
            });
        }
    }
    for family in peers.iter().filter(|p| !p.is_empty()) {
        let (programs, version): (&[&str], &str) = match family.as_str() {
            "lua5.4" => (&["lua5.4", "lua"], "-v"),
            "luajit" => (&["luajit"], "-v"),
            "go" => (&["go"], "version"),
            "c" => (&["gcc", "clang", "cc"], "--version"),
            "node" => (&["node"], "--version"),
            "wasmtime" => (&["wasmtime"], "--version"),
            "wasmi" => (&["wasmi_cli", "wasmi"], "--version"),
            _ => (&["python3"], "--version"),
        };
        let wasm = family.starts_with("wasm");
        let usable = |p: &&&str| answers(p, version) && (!wasm || compiles_to_wasm());
        match programs.iter().find(usable) {
            Some(program) => found.extend(columns(family, program)),
            None => missing.push(family.clone()),
        }
    }
    (found, missing)
}

fn answers(program: &str, version: &str) -> bool {
    let probe = Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success())
}

/// Whether C can be compiled to WebAssembly here: a linker and a C library are needed too.
fn compiles_to_wasm() -> bool {
    let out = std::env::temp_dir().join(format!("lumen-compare-{}.wasm", std::process::id()));
    let hello = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/c/hello.c");
    let words: Vec<String> = WASM_COMPILER.iter().map(|w| w.to_string()).collect();
    let good = build(&words, &hello, &[], &out).is_ok();
    let _ = std::fs::remove_file(&out);
    good
}

fn columns(family: &str, program: &str) -> Vec<Contestant> {
    let script = |name: &str, words: &[&str], folder, extension| Contestant {
        name: name.into(),
        kind: Kind::Script {
            words: words.iter().map(|w| w.to_string()).collect(),
            folder,
            extension,
        },
    };
    let compiled = |words: &[&str], folder, after, runner: &[&str]| Contestant {
        name: family.into(),
        kind: Kind::Compiled {
            words: words.iter().map(|w| w.to_string()).collect(),
            folder,
            after,
            runner: runner.iter().map(|w| w.to_string()).collect(),
        },
    };
    match family {
        "luajit" => vec![
            script("luajit", &[program], "lua", "lua"),
            script("luajit-joff", &[program, "-joff"], "lua", "lua"),
        ],
        "node" => vec![
            script("node", &[program], "js", "js"),
            script("node-jitless", &[program, "--jitless"], "js", "js"),
        ],
        "go" => vec![compiled(&[program, "build"], "go", &[], &[])],
        "c" => vec![compiled(&[program, "-O2"], "c", &["-lm"], &[])],
        "wasmtime" | "wasmi" => vec![compiled(WASM_COMPILER, "c", &["-lm"], &[program])],
        "python3" => vec![script("python3", &[program], "python", "py")],
        _ => vec![script("lua5.4", &[program], "lua", "lua")],
    }
}

impl Contestant {
    /// The command that runs `program`, its source compiled if it is of that kind.
    pub(crate) fn prepare(
        &self,
        program: &str,
        benches: &Path,
        built: &Path,
    ) -> Result<Vec<PathBuf>, String> {
        match &self.kind {
            Kind::Lumen(lumen, words) => {
                let mut command = vec![lumen.clone(), "run".into()];
                command.extend(words.iter().map(PathBuf::from));
                command.push(benches.join("programs").join(program).with_extension("lm"));
                Ok(command)
            }
            Kind::Script {
                words,
                folder,
                extension,
            } => {
                let mut command: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
                let source = benches.join("peers").join(folder).join(program);
                command.push(source.with_extension(extension));
                Ok(command)
            }
            Kind::Compiled {
                words,
                folder,
                after,
                runner,
            } => {
                let source = benches.join("peers").join(folder).join(program);
                let source = source.with_extension(folder);
                let ending = if runner.is_empty() { "" } else { ".wasm" };
                let out = built.join(format!("{folder}-{program}{ending}"));
                build(words, &source, after, &out)?;
                let mut command: Vec<PathBuf> = runner.iter().map(PathBuf::from).collect();
                command.push(out);
                Ok(command)
            }
        }
    }
}

/// Compiles `source` to `out` unless `out` is newer.
fn build(words: &[String], source: &Path, after: &[&str], out: &Path) -> Result<(), String> {
    let modified = |path: &Path| path.metadata().and_then(|m| m.modified());
    let from = modified(source).map_err(|e| format!("{}: {e}", source.display()))?;
    if modified(out).is_ok_and(|to| to > from) {
        return Ok(());
    }
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let output = Command::new(&words[0])
        .args(&words[1..])
        .arg("-o")
        .args([out, source])
        .args(after)
        .output()
        .map_err(|e| format!("{}: {e}", words[0]))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "does not compile: {}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    ))
}
