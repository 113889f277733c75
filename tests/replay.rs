//! Recording, replaying and shrinking, as a user meets them.

#[path = "support/commands.rs"]
mod commands;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use commands::{code, lumen, scratch, stderr, stdout, write};

/// Tests that pass in most orders, the word for their failure, and how many choices it needs.
const RACES: &str = r#"
cell add(total)
  let seen = total.get()
  total.set(seen + 1)
end

test "increments are not lost"
  let total = Atomic(0)
  await parallel
    add(total)
    add(total)
  end
  assert total.get() == 2
end

test "locks in one order"
  let a = Mutex(0)
  let b = Mutex(0)
  let t = async
    a.lock()
    b.lock()
    b.unlock()
    a.unlock()
  end
  b.lock()
  a.lock()
  a.unlock()
  b.unlock()
  await t
end

test "nobody sends after the end"
  let ch = channel[Int](2)
  let t = async
    ch.send(1)
  end
  let other = async
    ch.close()
  end
  await other
  await t
end
"#;

fn traces(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("traces were saved");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Each failure that random orders and changing priorities find comes again a hundred times, with
/// the same digest, interpreted and as native code.
#[test]
fn failures_come_again() {
    let folder = scratch("replay_failures");
    let file = write(&folder, "races.lm", RACES);
    let mut found = 0;
    for strategy in ["random", "pos", "pct:3", "delay:2", "dfs:2"] {
        let saved = folder.join(strategy.replace(':', "_"));
        let saved_text = text(&saved);
        let options = ["--schedules", "400", "--strategy", strategy];
        let mut args = vec!["test", "--save-failures", saved_text, &file];
        args.extend(options);
        let output = lumen(&args);
        assert_eq!(code(&output), 1, "{output:?}");
        for trace in traces(&saved) {
            found += 1;
            let mut digests = Vec::new();
            for jit in ["off", "always"] {
                if jit == "always" && !cfg!(feature = "jit") {
                    continue;
                }
                let args = [
                    "replay",
                    "--jit",
                    jit,
                    "--times",
                    "100",
                    text(&trace),
                    &file,
                ];
                let output = lumen(&args);
                assert_eq!(code(&output), 1, "{output:?}");
                let lines = stdout(&output);
                let last = lines.lines().last().unwrap_or_default().to_owned();
                assert!(last.ends_with(", 100 times"), "{lines}");
                digests.push(last);
            }
            assert!(digests.iter().all(|d| *d == digests[0]), "{digests:?}");
        }
    }
    assert!(found >= 11, "only {found} failures were found");
}

/// A trace shrinks to choices none of which can be left out, in a file and in a line.
#[test]
fn traces_shrink() {
    let folder = scratch("replay_shrink");
    let file = write(&folder, "races.lm", RACES);
    let saved = folder.join("saved");
    let options = ["--schedules", "400", "--strategy", "random"];
    let mut args = vec!["test", "--save-failures", text(&saved), &file];
    args.extend(options);
    // By itself, if it is not told otherwise.
    let output = lumen(&args);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).contains(" choices, now 1, in "),
        "{output:?}"
    );
    let smallest = traces(&saved);
    for trace in &smallest {
        let output = lumen(&["shrink", text(trace), &file]);
        let said = stdout(&output);
        let no_fewer = (1..=2).any(|n| said.contains(&format!("{n} choices, now {n}, in ")));
        assert!(no_fewer, "{output:?}");
    }
    args.push("--no-shrink");
    assert_eq!(code(&lumen(&args)), 1);
    assert_eq!(traces(&saved), smallest);
    for trace in smallest {
        let small = folder.join("small.ltr");
        let output = lumen(&["shrink", text(&trace), &file, "-o", text(&small)]);
        assert_eq!(code(&output), 1, "{output:?}");
        let lines = stdout(&output);
        let failure = lines.lines().next().unwrap_or_default();
        let line = lines.lines().last().unwrap_or_default();
        assert!(line.starts_with("ltr1:") && line.len() <= 200, "{line}");
        for again in [text(&small), line] {
            let output = lumen(&["replay", again, &file]);
            assert_eq!(code(&output), 1, "{output:?}");
            assert!(stdout(&output).contains(failure), "{output:?}");
        }
        let choices: Vec<&str> = line.split(';').skip(1).collect();
        assert!((1..=2).contains(&choices.len()), "{line}");
        // Without any one of them there is another outcome, or none of the places.
        let head = line.split(';').next().unwrap_or_default();
        for at in 0..choices.len() {
            let mut rest = choices.clone();
            rest.remove(at);
            rest.insert(0, head);
            let fewer = rest.join(";");
            let output = lumen(&["replay", "--on-divergence", "resync", &fewer, &file]);
            assert_eq!(code(&output), 0, "{output:?}");
        }
    }
}

/// A search that comes to its end says so: no order with so many preemptions fails.
#[test]
fn a_search_may_see_all_orders() {
    let folder = scratch("replay_search");
    let source = "cell both(a: Mutex[Int], b: Mutex[Int])\n  a.lock()\n  b.lock()\n  \
                  a.set(a.get() + 1)\n  b.unlock()\n  a.unlock()\nend\n\
                  test \"one order of locks\"\n  let (a, b) = (Mutex(0), Mutex(0))\n  \
                  await parallel\n    both(a, b)\n    both(a, b)\n  end\n  \
                  assert a.get() == 2\nend\n";
    let file = write(&folder, "locks.lm", source);
    let runs = |strategy: &str| -> u64 {
        let args = ["test", "--schedules", "1000", "--strategy", strategy, &file];
        let output = lumen(&args);
        assert_eq!(code(&output), 0, "{output:?}");
        let said = stdout(&output);
        let all = said
            .split_once("all ")
            .and_then(|(_, rest)| rest.split_once(" schedules with"));
        all.and_then(|(n, _)| n.parse().ok())
            .unwrap_or_else(|| panic!("{said}"))
    };
    let (none, few, more) = (runs("dfs:0"), runs("dfs:1"), runs("dfs"));
    assert!(none == 2 && few > none && more > few, "{none} {few} {more}");
    let output = lumen(&["test", "--schedules", "3", "--strategy", "dfs", &file]);
    assert!(stdout(&output).contains(", 3 schedules\n"), "{output:?}");
    let output = lumen(&["test", "--schedules", "3", "--strategy", "dfs:x", &file]);
    assert_eq!(code(&output), 2, "{output:?}");
}

/// A run with fewer choices that has no end is given up.
#[test]
fn endless_runs_are_given_up() {
    let folder = scratch("replay_endless");
    let source = "let turn = Atomic(0)\ncell flash()\n  turn.set(1)\n  turn.set(0)\nend\n\
                  cell look()\n  while turn.get() != 1\n    null\n  end\n  throw \"seen\"\nend\n\
                  await parallel\n  flash()\n  look()\nend\n";
    let file = write(&folder, "endless.lm", source);
    let output = lumen(&["shrink", "ltr1:00000000;main.1@2>S:main.2", &file]);
    let said = stdout(&output);
    assert!(said.contains("1 choices, now 1, in 2 runs\n"), "{output:?}");
    assert!(said.contains("1 of the runs had no end"), "{output:?}");
    assert_eq!(code(&output), 1, "{output:?}");
}

/// What came from outside comes from the trace.
#[test]
fn inputs_are_in_the_trace() {
    let folder = scratch("replay_inputs");
    let source = "cell main(args: list[String])\n  print(args)\n  print(read_line())\n  \
                  print(timestamp() - timestamp() <= 0)\n  print(random())\n  \
                  write_file(\"out.txt\", \"hello\")\n  print(read_file(\"data.txt\"))\nend\n";
    write(&folder, "inputs.lm", source);
    write(&folder, "data.txt", "content");
    let run = |args: &[&str], input: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lumen"))
            .args(args)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lumen starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    };
    let recording = ["run", "--deterministic=random", "--record", "r.ltr"];
    let mut args = recording.to_vec();
    args.extend(["inputs.lm", "x", "y"]);
    let recorded = run(&args, "first\n");
    assert_eq!(code(&recorded), 0, "{recorded:?}");
    for gone in ["data.txt", "out.txt"] {
        fs::remove_file(folder.join(gone)).expect("it was there");
    }
    let replayed = run(&["replay", "r.ltr"], "");
    assert_eq!(code(&replayed), 0, "{replayed:?}");
    let printed = stdout(&recorded);
    assert!(printed.contains("first") && printed.contains("content"));
    assert!(stdout(&replayed).starts_with(&printed), "{replayed:?}");
    assert!(!folder.join("out.txt").exists(), "a replay writes nothing");

    // An edited program asks for what was not recorded.
    let edited = source.replace("data.txt", "other.txt");
    write(&folder, "inputs.lm", edited);
    let replayed = run(&["replay", "r.ltr"], "");
    assert_eq!(code(&replayed), 5, "{replayed:?}");
    let text = stdout(&replayed);
    assert!(text.contains("DIVERGENCE"), "{text}");
    assert!(text.contains("fs.read other.txt"), "{text}");
}

/// The first operation that differs is named.
#[test]
fn a_divergence_names_the_first_difference() {
    let folder = scratch("replay_divergence");
    let source = "let ch = channel[Int](4)\nch.send(1)\nch.send(2)\nprint(ch.receive())\n";
    let file = write(&folder, "program.lm", source);
    let trace = folder.join("t.ltr");
    let args = ["run", "--deterministic", "--record", text(&trace), &file];
    assert_eq!(code(&lumen(&args)), 0);
    write(&folder, "program.lm", source.replace("ch.send(2)\n", ""));
    let output = lumen(&["replay", text(&trace), &file]);
    assert_eq!(code(&output), 5, "{output:?}");
    let shown = stdout(&output);
    assert!(shown.contains("DIVERGENCE at operation 2 of"), "{shown}");
    assert!(
        shown.contains("recorded: fiber main, operation 2: Send"),
        "{shown}"
    );
    assert!(
        shown.contains("now:      fiber main, operation 2: Receive"),
        "{shown}"
    );
    assert!(shown.contains("cause: edited: "), "{shown}");
    let args = ["replay", "--on-divergence", "resync", text(&trace), &file];
    assert_eq!(code(&lumen(&args)), 0);
}

#[test]
fn what_is_no_trace_is_refused() {
    let folder = scratch("replay_refused");
    let file = write(&folder, "program.lm", "print(1)\n");
    let trace = folder.join("t.ltr");
    let args = ["run", "--deterministic", "--record", text(&trace), &file];
    assert_eq!(code(&lumen(&args)), 0);
    let mut bytes = fs::read(&trace).expect("a trace");
    let whole = bytes.len();
    bytes.truncate(whole / 2);
    let cut = write(&folder, "cut.ltr", &bytes);
    let junk = write(&folder, "junk.ltr", "junk");
    for (trace, message) in [
        (cut.as_str(), "it ends too early"),
        (&junk, "it is no trace"),
        ("ltr1:00/x=1", "means nothing"),
        ("ltr1:00;main@1>X:main", "is no choice"),
        ("nowhere.ltr", "cannot read"),
    ] {
        for command in ["replay", "shrink"] {
            let output = lumen(&[command, trace, &file]);
            assert_eq!(code(&output), 2, "{output:?}");
            assert!(stderr(&output).contains(message), "{output:?}");
        }
    }
    // A run on several workers is not recorded, and one that passed is not shrunk.
    let output = lumen(&["run", "--record", text(&trace), &file]);
    assert_eq!(code(&output), 2, "{output:?}");
    let output = lumen(&["shrink", text(&trace), &file]);
    assert_eq!(code(&output), 2, "{output:?}");
}

/// With `digest` in place of the eight or sixteen digits that follow `before`: they are others with
/// every change of the code that is generated.
fn with_digest(text: &str, before: &str, digest: &str) -> String {
    let Some(at) = text.find(before) else {
        return text.to_owned();
    };
    let (head, tail) = text.split_at(at + before.len());
    let rest = tail.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    format!("{head}{digest}{rest}")
}

fn without_digests(text: &str) -> String {
    let text = with_digest(text, "ltr1:", "");
    with_digest(&text, "trace hash ", "")
}

/// The commands of the manual print what it says.
#[test]
fn the_manual_is_right() {
    let folder = scratch("replay_manual");
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/determinism.md");
    let manual = fs::read_to_string(manual).expect("the manual");
    let (mut commands, mut digest) = (0, String::new());
    for fence in manual.split("\n```").skip(1).step_by(2) {
        let (tag, body) = fence.split_once('\n').unwrap_or_default();
        if tag == "lumen" {
            write(&folder, "counter.lm", format!("{body}\n"));
        }
        let Some(body) = body.strip_prefix("$ lumen ").filter(|_| tag == "console") else {
            continue;
        };
        let (command, expected) = body.split_once('\n').unwrap_or_default();
        let command = with_digest(command, "ltr1:", &digest);
        let words = command.split(' ').map(|word| word.trim_matches('\''));
        let output = Command::new(env!("CARGO_BIN_EXE_lumen"))
            .args(words)
            .current_dir(&folder)
            .output()
            .expect("lumen starts");
        let printed = stdout(&output);
        let shown = without_digests(&printed);
        let said = shown.starts_with(&without_digests(expected)) && !expected.is_empty();
        if let Some((_, line)) = printed.split_once("ltr1:") {
            digest = line.chars().take(8).collect();
        }
        assert!(said, "{command}\n{printed}instead of\n{expected}");
        assert_eq!(code(&output), 1, "{output:?}");
        commands += 1;
    }
    assert_eq!(commands, 4);
}
