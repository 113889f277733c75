//! Compares Lumen with other languages on `benches/programs/`.
//!
//! `cargo bench --bench compare [-- PROGRAM… --runs N --peers lua5.4,luajit,go,c,node,python3,
//! wasmtime,wasmi --jit off,auto,always --small --lumen PATH]`: every program is run by Lumen,
//! interpreted (`lumen`) and with native code (`lumen-jit`), and by each peer that is installed,
//! the runs interleaved so that a slow minute of the machine hits all of them alike; outputs must
//! be equal. Printed are medians of user CPU and wall time, peak memory, and the ratios.
//!
//! `cargo bench --bench compare -- --auto-rule [PROGRAM… --runs N]` instead holds `--jit auto`
//! against `off` and `always`, and fails when a program breaks the rule.

mod auto_rule;
mod contestants;
mod measure;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use contestants::Contestant;
use measure::Sample;

/// Every program with the size that `--small` passes to it; `hello` takes none.
const PROGRAMS: &[(&str, Option<&str>)] = &[
    ("fib", Some("24")),
    ("loop_sum", Some("1000000")),
    ("nbody", Some("10000")),
    ("spectral_norm", Some("100")),
    ("mandelbrot", Some("100")),
    ("fannkuch", Some("7")),
    ("binary_trees", Some("10")),
    ("sieve", Some("100000")),
    ("matmul", Some("60")),
    ("quicksort", Some("20000")),
    ("strings", Some("20000")),
    ("wordcount", Some("20000")),
    ("json", Some("1000")),
    ("closures", Some("20000")),
    ("exprtree", Some("4")),
    ("hello", None),
];

/// What the command line asks for.
struct Options {
    programs: Vec<(&'static str, Option<&'static str>)>,
    peers: Vec<String>,
    jit_modes: Vec<String>,
    runs: usize,
    small: bool,
    auto_rule: bool,
    lumen: PathBuf,
}

/// The samples of one program, by contestant name.
type Row = BTreeMap<String, Vec<Sample>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|a| a == "--bench") {
        println!("compare: a benchmark, not a test; run it with `cargo bench --bench compare`");
        return ExitCode::SUCCESS;
    }
    match parse(&args).and_then(|options| compare(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::from(2)
        }
    }
}

fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options {
        programs: Vec::new(),
        peers: contestants::FAMILIES
            .iter()
            .map(|f| f.to_string())
            .collect(),
        jit_modes: vec!["off".into(), "auto".into()],
        runs: 3,
        small: false,
        auto_rule: false,
        lumen: env!("CARGO_BIN_EXE_lumen").into(),
    };
    let mut rest = args.iter().filter(|a| *a != "--bench");
    while let Some(arg) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--small" => options.small = true,
            "--auto-rule" => options.auto_rule = true,
            "--runs" => {
                let text = value()?;
                options.runs = text.parse().map_err(|_| format!("`{text}` is no number"))?;
            }
            "--peers" => options.peers = value()?.split(',').map(str::to_string).collect(),
            "--lumen" => options.lumen = value()?.into(),
            "--jit" => options.jit_modes = value()?.split(',').map(str::to_string).collect(),
            name => match PROGRAMS.iter().find(|(program, _)| *program == name) {
                Some(program) => options.programs.push(*program),
                None => return Err(format!("unknown program or option `{name}`")),
            },
        }
    }
    for peer in &options.peers {
        if !peer.is_empty() && !contestants::FAMILIES.contains(&peer.as_str()) {
            return Err(format!(
                "unknown peer `{peer}`: {}",
                contestants::FAMILIES.join(", ")
            ));
        }
    }
    for mode in &options.jit_modes {
        if !contestants::JIT_MODES.iter().any(|(name, _)| name == mode) {
            return Err(format!("unknown mode `{mode}`: off, auto, always"));
        }
    }
    if options.programs.is_empty() {
        options.programs = PROGRAMS.to_vec();
    }
    if options.auto_rule {
        options.peers.clear();
        options.jit_modes = ["off", "always", "auto"].map(str::to_string).to_vec();
    }
    options.runs = options.runs.max(1);
    Ok(options)
}

/// Runs everything and prints the tables; false when some output differed or Lumen failed.
fn compare(options: &Options) -> Result<bool, String> {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers");
    let (contestants, missing) =
        contestants::find(&options.peers, &options.jit_modes, &options.lumen);
    for name in &missing {
        println!("not installed, therefore missing below: {name}");
    }
    let mut rows: Vec<(&str, Row)> = Vec::new();
    let mut complaints: Vec<String> = Vec::new();
    for &(program, small) in &options.programs {
        eprintln!("{program}");
        let size = small.filter(|_| options.small);
        let row = run_program(program, size, options.runs, &contestants, &benches, &built);
        rows.push((
            program,
            row.unwrap_or_else(|(row, more)| {
                complaints.extend(more);
                row
            }),
        ));
    }
    if options.auto_rule {
        complaints.extend(auto_rule::check(&rows, options.runs));
    } else {
        table::print(&contestants, &rows, options.runs);
    }
    for complaint in &complaints {
        println!("WRONG: {complaint}");
    }
    Ok(complaints.is_empty())
}

/// All runs of one program. On trouble, what was measured nevertheless and what went wrong.
fn run_program(
    program: &str,
    size: Option<&str>,
    runs: usize,
    contestants: &[Contestant],
    benches: &Path,
    built: &Path,
) -> Result<Row, (Row, Vec<String>)> {
    let mut complaints = Vec::new();
    let mut row = Row::new();
    let mut ready: Vec<(&Contestant, Vec<PathBuf>)> = Vec::new();
    for contestant in contestants {
        match contestant.prepare(program, benches, built) {
            Ok(command) => ready.push((contestant, command)),
            Err(why) => complaints.push(format!("{program}, {}: {why}", contestant.name)),
        }
    }
    for _ in 0..runs {
        ready.retain(|(contestant, command)| match measure::run(command, size) {
            Ok(sample) => {
                row.entry(contestant.name.clone()).or_default().push(sample);
                true
            }
            Err(why) => {
                complaints.push(format!("{program}, {}: {why}", contestant.name));
                false
            }
        });
    }
    complaints.extend(drop_wrong(program, &mut row));
    if complaints.is_empty() {
        Ok(row)
    } else {
        Err((row, complaints))
    }
}

/// Removes those whose output is not what most contestants print, and says so.
fn drop_wrong(program: &str, row: &mut Row) -> Vec<String> {
    let mut votes: BTreeMap<String, usize> = BTreeMap::new();
    for samples in row.values() {
        *votes.entry(samples[0].output.clone()).or_default() += 1;
    }
    let Some((right, _)) = votes.into_iter().max_by_key(|(_, count)| *count) else {
        return Vec::new();
    };
    let mut complaints = Vec::new();
    row.retain(|name, samples| {
        let wrong = samples.iter().find(|s| s.output != right);
        if let Some(sample) = wrong {
            let (printed, most) = (sample.output.trim_end(), right.trim_end());
            complaints.push(format!(
                "{program}: {name} prints {printed:?}, most others {most:?}"
            ));
        }
        wrong.is_none()
    });
    complaints
}
