//! Child processes: they try the programs, and their death is a result like any other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::generate::program;
use crate::machine::{Verdict, check};
use crate::reduce::reduce;

/// Tells a child what to do: `seeds FROM TO FILE` or `file PROGRAM FILE`.
const TASK: &str = "LUMEN_DIFF_TASK";
/// The exit code of a child that found trouble and wrote it down.
const FOUND: i32 = 17;
/// A program that takes this long hangs.
const TIME_MAX: Duration = Duration::from_secs(600);
/// Programs that one child tries.
const BATCH: u64 = 20;
/// Compiling needs the stack that the commands have.
const STACK_BYTES: usize = 256 << 20;

/// A program and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    seed: u64,
    class: String,
    text: String,
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    fs::create_dir_all(&folder).expect("a folder for reports");
    folder
}

/// Does what the parent asked for.
pub(crate) fn work() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let found = thread.spawn(move || perform(&task)).map(|t| t.join());
    if let Ok(Ok(true)) = found {
        std::process::exit(FOUND);
    }
}

/// Tries programs until one is in trouble; says in the file where it is, and what it found.
fn perform(task: &str) -> bool {
    let words: Vec<&str> = task.split('\t').collect();
    let tell = |file: &str, text: String| fs::write(file, text).expect("writable report");
    match words[..] {
        ["seeds", from, to, file] => {
            let number = |text: &str| text.parse().unwrap_or(0);
            for seed in number(from)..number(to) {
                tell(file, format!("{seed}\ndied\n"));
                let verdict = check(&program(seed));
                if verdict != Verdict::Agree {
                    tell(
                        file,
                        format!("{seed}\n{}\n{}", verdict.class(), verdict.text()),
                    );
                    return true;
                }
            }
        }
        ["file", path, file] => {
            tell(file, "0\ndied\n".into());
            let text = fs::read_to_string(path).unwrap_or_default();
            let verdict = check(&text);
            if verdict != Verdict::Agree {
                tell(file, format!("0\n{}\n{}", verdict.class(), verdict.text()));
                return true;
            }
        }
        _ => {}
    }
    false
}

/// Runs a child; `None` when all went well.
fn child(task: &str, notes: &Path) -> Option<Trouble> {
    let _ = fs::remove_file(notes);
    let executable = std::env::current_exe().expect("the test's own executable");
    let mut child = Command::new(executable)
        .args(["--exact", "child", "--test-threads", "1", "-q"])
        .env(TASK, format!("{task}\t{}", notes.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the test starts itself");
    let status = wait(&mut child, notes);
    let text = fs::read_to_string(notes).unwrap_or_default();
    let mut lines = text.splitn(3, '\n');
    let seed = lines.next().and_then(|l| l.parse().ok()).unwrap_or(0);
    let class = lines.next().unwrap_or_default().to_owned();
    let rest = lines.next().unwrap_or_default().to_owned();
    match status {
        Some(status) if status.success() => None,
        Some(status) if status.code() == Some(FOUND) => Some(Trouble {
            seed,
            class,
            text: rest,
        }),
        Some(status) => Some(Trouble {
            seed,
            class: format!("died: {status}"),
            text: String::new(),
        }),
        None => Some(Trouble {
            seed,
            class: "hangs".into(),
            text: String::new(),
        }),
    }
}

/// Waits for as long as the child makes progress; `None`: it hangs.
fn wait(child: &mut Child, notes: &Path) -> Option<ExitStatus> {
    let mut seen = String::new();
    let mut since = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        let now = fs::read_to_string(notes).unwrap_or_default();
        if now != seen {
            seen = now;
            since = Instant::now();
        }
        if since.elapsed() > TIME_MAX {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Tries `count` programs from seed `first` on, two at a time; gives the first `most` in trouble.
pub(crate) fn search(first: u64, count: u64, most: usize) -> Vec<Trouble> {
    let next = Mutex::new(first);
    let troubles: Mutex<Vec<Trouble>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (next, troubles) = (&next, &troubles);
            scope.spawn(move || {
                let notes = folder().join(format!("worker-{}-{worker}", std::process::id()));
                loop {
                    let mut from = {
                        let mut next = next.lock().expect("no worker panics");
                        let from = *next;
                        *next += BATCH;
                        from
                    };
                    let to = (from + BATCH).min(first + count);
                    while from < to {
                        let task = format!("seeds\t{from}\t{to}");
                        let Some(trouble) = child(&task, &notes) else {
                            break;
                        };
                        from = trouble.seed.max(from) + 1;
                        let mut troubles = troubles.lock().expect("no worker panics");
                        troubles.push(trouble);
                        if troubles.len() >= most {
                            *next.lock().expect("no worker panics") = first + count;
                            break;
                        }
                    }
                    if to >= first + count {
                        break;
                    }
                }
                let _ = fs::remove_file(&notes);
            });
        }
    });
    let mut troubles = troubles.into_inner().expect("no worker panics");
    troubles.sort_by_key(|trouble| trouble.seed);
    troubles
}

/// Makes the program of a trouble small, writes both down, and says where.
pub(crate) fn report(trouble: &Trouble) -> String {
    let seed = trouble.seed;
    let small = folder().join(format!("{seed}.lm"));
    let full = folder().join(format!("{seed}-full.lm"));
    let candidate = folder().join(format!("{seed}-try.lm"));
    let notes = folder().join(format!("{seed}-try.txt"));
    let text = program(seed);
    fs::write(&full, &text).expect("writable report");
    let task = format!("file\t{}", candidate.display());
    let mut last = trouble.text.clone();
    let reduced = reduce(&text, |text| {
        fs::write(&candidate, text).expect("writable candidate");
        let Some(found) = child(&task, &notes) else {
            return false;
        };
        let same = found.class == trouble.class;
        if same {
            last = found.text;
        }
        same
    });
    let _ = fs::remove_file(&candidate);
    let _ = fs::remove_file(&notes);
    fs::write(&small, &reduced).expect("writable report");
    let told = format!(
        "seed {seed}: {}\n{last}\nLUMEN_DIFF_SEED={seed} LUMEN_DIFF_PROGRAMS=1 \
         cargo test --test differential\n",
        trouble.class
    );
    fs::write(small.with_extension("txt"), &told).expect("writable report");
    format!("== {}\n{told}{reduced}", small.display())
}
