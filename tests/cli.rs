//! The two commands as a user meets them: options, messages, exit codes.

#[path = "support/commands.rs"]
mod commands;

use std::fs;
use std::process::Command;

use commands::{code, lumen, lumenc, scratch, stderr, stdout, write};

#[test]
fn without_a_command_there_is_help_and_exit_code_2() {
    for output in [lumen(&[]), lumenc(&[])] {
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains("Usage:"), "{output:?}");
        assert!(stdout(&output).is_empty());
    }
}

#[test]
fn help_goes_to_stdout_and_has_the_exit_codes() {
    for output in [lumen(&["--help"]), lumenc(&["--help"])] {
        assert_eq!(code(&output), 0);
        let text = stdout(&output);
        assert!(
            text.contains("Exit codes:") && text.contains("130"),
            "{text}"
        );
    }
}

#[test]
fn every_command_has_help() {
    for name in ["run", "check", "test", "bench", "version"] {
        let output = lumen(&[name, "--help"]);
        assert_eq!(code(&output), 0, "{name}");
        assert!(
            stdout(&output).contains("Usage: lumen"),
            "{name}: {}",
            stdout(&output)
        );
    }
    for name in ["compile", "check", "list", "assemble", "verify", "explain"] {
        let output = lumenc(&[name, "--help"]);
        assert_eq!(code(&output), 0, "{name}");
        assert!(
            stdout(&output).contains("Usage: lumenc"),
            "{name}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    assert_eq!(code(&lumen(&["dance"])), 2);
    assert_eq!(code(&lumen(&["run"])), 2);
    assert_eq!(code(&lumen(&["run", "--no-such-option", "x.lm"])), 2);
    assert_eq!(code(&lumenc(&["explain", "E9999"])), 2);
}

#[test]
fn a_mistyped_command_is_corrected() {
    let output = lumen(&["chekc"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("check"), "{}", stderr(&output));
}

#[test]
fn version_names_the_version() {
    let output = lumen(&["version"]);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_file_that_cannot_be_read_is_exit_code_2() {
    let folder = scratch("unreadable");
    let missing = folder.join("missing.lm").display().to_string();
    let folder = folder.display().to_string();
    for path in [&missing, &folder] {
        for output in [
            lumen(&["run", path]),
            lumenc(&["compile", path]),
            lumenc(&["verify", path]),
        ] {
            assert_eq!(code(&output), 2, "{path}: {output:?}");
            assert!(
                stderr(&output).contains(path.as_str()),
                "{}",
                stderr(&output)
            );
            assert!(stdout(&output).is_empty());
        }
    }
}

#[test]
fn a_program_gets_its_arguments() {
    let folder = scratch("arguments");
    let file = write(
        &folder,
        "a.lm",
        "cell main(args: list[String])\n  print(args)\nend\n",
    );
    let output = lumen(&["run", &file, "one", "--two", "-3"]);
    assert_eq!(
        stdout(&output),
        "[\"one\", \"--two\", \"-3\"]\n",
        "{}",
        stderr(&output)
    );
    assert_eq!(code(&output), 0);
}

#[test]
fn a_compile_error_is_exit_code_3_and_runs_nothing() {
    let folder = scratch("compile_error");
    let file = write(&folder, "a.lm", "print(\"first\")\nprint(missing)\n");
    for output in [
        lumen(&["run", &file]),
        lumen(&["check", &file]),
        lumen(&["test", &file]),
        lumenc(&["check", &file]),
        lumenc(&["compile", &file]),
    ] {
        assert_eq!(code(&output), 3, "{output:?}");
        assert!(stdout(&output).is_empty(), "{output:?}");
        let text = stderr(&output);
        assert!(text.starts_with("error[E"), "{text}");
        assert!(text.contains("a.lm:2:7"), "{text}");
        assert!(
            !text.contains('\x1b'),
            "no colours off the terminal: {text}"
        );
    }
    assert!(!folder.join("a.lbc").exists());
}

#[test]
fn diagnostics_as_json_are_one_object_a_line() {
    let folder = scratch("json");
    let file = write(&folder, "a.lm", "print(one)\nprint(two)\n");
    let output = lumenc(&["check", &file, "--error-format", "json"]);
    assert_eq!(code(&output), 3);
    let text = stderr(&output);
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
        assert!(line.contains("\"severity\":\"error\""), "{line}");
    }
}

#[test]
fn an_uncaught_failure_is_exit_code_1_with_place_and_trace() {
    let folder = scratch("failure");
    let source = "cell f(n: Int) -> Int\n  10 / n\nend\n\nprint(f(5))\nprint(f(0))\n";
    let file = write(&folder, "a.lm", source);
    let output = lumen(&["run", &file]);
    assert_eq!(code(&output), 1);
    assert_eq!(stdout(&output), "2\n");
    let text = stderr(&output);
    assert!(text.contains("Division"), "{text}");
    assert!(text.contains("a.lm:2"), "{text}");
    assert!(text.contains("10 / n"), "the source line is shown: {text}");
    assert!(text.contains("a.lm:6"), "the caller is named: {text}");
}

#[test]
fn a_program_may_come_from_standard_input() {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_lumen"))
        .args(["run", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("lumen starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"print(6 * 7)\n").expect("it is read");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(stdout(&output), "42\n");
}

#[test]
fn a_bad_number_of_workers_in_the_environment_is_refused() {
    let folder = scratch("workers");
    let file = write(&folder, "a.lm", "print(1)\n");
    let run = |workers: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumen"));
        let command = command.args(["run", &file]).env("LUMEN_WORKERS", workers);
        command.output().expect("lumen starts")
    };
    assert_eq!(code(&run("2")), 0);
    for workers in ["0", "two", "4096"] {
        let output = run(workers);
        assert_eq!(code(&output), 2, "{output:?}");
        assert!(stderr(&output).contains("LUMEN_WORKERS"), "{output:?}");
    }
}

#[test]
fn exit_gives_the_exit_code() {
    let folder = scratch("exit");
    let file = write(&folder, "a.lm", "print(1)\nexit(7)\nprint(2)\n");
    let output = lumen(&["run", &file]);
    assert_eq!((code(&output), stdout(&output).as_str()), (7, "1\n"));
}

#[test]
fn check_says_nothing_about_a_correct_program() {
    let folder = scratch("check");
    let file = write(&folder, "a.lm", "print(1)\n");
    for output in [lumen(&["check", &file]), lumenc(&["check", &file])] {
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(
            stdout(&output).is_empty() && stderr(&output).is_empty(),
            "{output:?}"
        );
    }
}

#[test]
fn compiled_programs_run_alike() {
    let folder = scratch("compiled");
    let file = write(
        &folder,
        "a.lm",
        "cell main(args: list[String]) -> Int\n  len(args) * 21\nend\n",
    );
    assert_eq!(code(&lumenc(&["compile", &file])), 0);
    let beside = folder.join("a.lbc").display().to_string();
    let output = lumen(&["run", &beside, "x", "y"]);
    assert_eq!(stdout(&output), "42\n", "{}", stderr(&output));
    let elsewhere = folder.join("b.lbc").display().to_string();
    assert_eq!(code(&lumenc(&["compile", &file, "-o", &elsewhere])), 0);
    assert_eq!(fs::read(&beside).unwrap(), fs::read(&elsewhere).unwrap());
    assert_eq!(code(&lumenc(&["verify", &elsewhere])), 0);
}

#[test]
fn listings_assemble_to_the_same_module() {
    let folder = scratch("listing");
    let file = write(
        &folder,
        "a.lm",
        "cell f(n: Int) -> Int = n * 2\n\nprint(f(21))\n",
    );
    assert_eq!(code(&lumenc(&["compile", &file])), 0);
    let module = folder.join("a.lbc").display().to_string();
    let listing = lumenc(&["list", &module]);
    assert_eq!(code(&listing), 0, "{}", stderr(&listing));
    let text = write(&folder, "a.list", &listing.stdout);
    let again = folder.join("again.lbc").display().to_string();
    let output = lumenc(&["assemble", &text, "-o", &again]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(fs::read(&module).unwrap(), fs::read(&again).unwrap());
    assert_eq!(stdout(&lumen(&["run", &again])), "42\n");
}

#[test]
fn broken_bytecode_is_exit_code_4() {
    let folder = scratch("broken");
    let file = write(&folder, "a.lm", "print(42)\n");
    assert_eq!(code(&lumenc(&["compile", &file])), 0);
    let good = fs::read(folder.join("a.lbc")).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    let cases: [(&str, &[u8]); 4] = [
        ("empty.lbc", &[]),
        ("cut.lbc", &good[..good.len() / 2]),
        ("flipped.lbc", &flipped),
        ("text.lbc", b"print(1)\n"),
    ];
    for (name, bytes) in cases {
        let file = write(&folder, name, bytes);
        for output in [lumen(&["run", &file]), lumenc(&["verify", &file])] {
            assert_eq!(code(&output), 4, "{name}: {output:?}");
            assert!(stderr(&output).contains(name), "{}", stderr(&output));
            assert!(stdout(&output).is_empty());
        }
    }
}

#[test]
fn every_stage_can_be_printed() {
    let folder = scratch("emit");
    let file = write(&folder, "a.lm", "let xs = [1, 2]\nprint(xs[0] + 1)\n");
    for stage in ["tokens", "ast", "hir", "ir", "bytecode"] {
        let output = lumenc(&["compile", &file, "--emit", stage]);
        assert_eq!(code(&output), 0, "{stage}: {}", stderr(&output));
        assert!(!stdout(&output).is_empty(), "{stage}");
    }
    assert!(
        !folder.join("a.lbc").exists(),
        "printing a stage writes no module"
    );
    assert_eq!(code(&lumenc(&["compile", &file, "--emit", "wasm"])), 2);
}

#[test]
fn native_code_can_be_printed() {
    let folder = scratch("emit_native");
    // What calls itself is not inlined everywhere, and stays.
    let text = "cell twice(n: Int) -> Int = if n < 1 then 0 else 2 + twice(n - 1)\n\
                cell main()\n  print(twice(21))\nend\n";
    let file = write(&folder, "a.lm", text);
    for stage in ["clif", "asm"] {
        let output = lumenc(&["compile", &file, "--emit", stage]);
        if !cfg!(feature = "jit") {
            assert_eq!(code(&output), 2, "{output:?}");
            assert!(
                stderr(&output).contains("no native code"),
                "{}",
                stderr(&output)
            );
            continue;
        }
        assert_eq!(code(&output), 0, "{stage}: {}", stderr(&output));
        let all = stdout(&output);
        assert!(all.contains("; main") && all.contains("; twice"), "{all}");
        let output = lumenc(&["compile", &format!("{file}:twice"), "--emit", stage]);
        assert_eq!(code(&output), 0, "{stage}: {}", stderr(&output));
        let one = stdout(&output);
        assert!(one.contains("; twice") && !one.contains("; main"), "{one}");
        let output = lumenc(&["compile", &format!("{file}:thrice"), "--emit", stage]);
        assert_eq!(code(&output), 2, "{output:?}");
        assert!(
            stderr(&output).contains("no cell `thrice`"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn explanations_wrap_and_lists_are_complete() {
    let output = lumenc(&["explain", "e0111"]);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).starts_with("E0111: "));
    assert!(
        stdout(&output)
            .lines()
            .all(|line| line.chars().count() <= 80)
    );
    assert!(stdout(&lumenc(&["explain"])).contains("E0101"));
}

#[test]
fn hostile_sources_get_an_error_and_nothing_else() {
    let folder = scratch("hostile");
    let depth = 100_000;
    let parentheses = format!("print({}1{})\n", "(".repeat(depth), ")".repeat(depth));
    let blocks = format!("{}{}", "if true\n".repeat(depth), "end\n".repeat(depth));
    let huge = vec![b'#'; 50 << 20];
    let cases: [(&str, &[u8]); 6] = [
        ("latin1.lm", b"print(\"\xe9\")\n"),
        ("parentheses.lm", parentheses.as_bytes()),
        ("blocks.lm", blocks.as_bytes()),
        ("huge.lm", &huge),
        ("open.lm", b"print(\"never closed\n"),
        ("empty.lm", b""),
    ];
    for (name, bytes) in cases {
        let file = write(&folder, name, bytes);
        let output = lumen(&["run", &file]);
        assert_eq!(code(&output), 3, "{name}: {}", stderr(&output));
        assert!(stdout(&output).is_empty());
        assert!(
            stderr(&output).starts_with("error[E"),
            "{name}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).len() < 20_000,
            "{name}: {} bytes",
            stderr(&output).len()
        );
    }
    let _ = fs::remove_file(folder.join("huge.lm"));
}

#[test]
fn a_cell_with_too_many_values_at_once_is_refused() {
    let folder = scratch("registers");
    let parts = "k, ".repeat(66_000);
    let file = write(
        &folder,
        "a.lm",
        format!("let k = len(args())\nprint(({parts}))\n"),
    );
    let output = lumenc(&["compile", &file]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(stderr(&output).starts_with("error[E0190]: cell `main` is too large"));
}

#[test]
fn memory_can_be_limited() {
    let folder = scratch("memory");
    let source = "let mut xs: list[Int] = []\nloop\n  xs.append(1)\nend\n";
    let file = write(&folder, "a.lm", source);
    let output = lumen(&["run", "--max-memory", "64", &file]);
    assert_eq!(code(&output), 1, "{output:?}");
    assert!(stderr(&output).contains("Memory"), "{}", stderr(&output));
}

#[test]
fn a_closed_pipe_ends_a_program_quietly() {
    let folder = scratch("pipe");
    let file = write(&folder, "a.lm", "for i in 0..100_000\n  print(i)\nend\n");
    let script = format!("'{}' run '{file}' | head -n 1", env!("CARGO_BIN_EXE_lumen"));
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("sh starts");
    assert_eq!(stdout(&output), "0\n");
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

#[test]
fn a_deterministic_run_has_one_trace_hash() {
    let folder = scratch("trace_hash");
    let text = "let c = channel[Int](2)\nspawn(fn() => c.send(1))\nspawn(fn() => c.send(2))\n\
                print(c.receive() + c.receive())\nprint(random_int(0, 1000000))\n";
    let file = write(&folder, "p.lm", text);
    let hash = |seed: &str| {
        let run = [
            "run",
            "--deterministic",
            "--trace-hash",
            "--seed",
            seed,
            &file,
        ];
        let output = lumen(&run);
        assert_eq!(code(&output), 0);
        assert!(
            stderr(&output).contains("trace hash "),
            "{}",
            stderr(&output)
        );
        (stdout(&output), stderr(&output))
    };
    assert_eq!(hash("1"), hash("1"));
    assert_ne!(hash("1").0, hash("2").0);
}

#[test]
fn statistics_and_timeline_of_a_run() {
    let folder = scratch("timeline");
    let file = write(
        &folder,
        "p.lm",
        "print(await spawn([sleep(n) for n in 0..3]))\n",
    );
    let trace = folder.join("trace.json").display().to_string();
    let output = lumen(&["run", "--stats", "--trace", &trace, &file]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("fibers"), "{}", stderr(&output));
    let timeline = fs::read_to_string(trace).expect("a timeline");
    assert!(timeline.matches("\"ph\":\"X\"").count() > 1, "{timeline}");
}

#[test]
fn native_code_is_made_when_asked_for() {
    let folder = scratch("jit");
    let text = "cell f(n: Int) -> Int = if n < 2 then n else f(n - 1) + f(n - 2)\nprint(f(15))\n";
    let file = write(&folder, "p.lm", text);
    for mode in ["off", "auto", "always"] {
        let output = lumen(&["run", "--jit", mode, "--stats", &file]);
        if mode == "always" && !cfg!(feature = "jit") {
            assert_eq!(code(&output), 2, "{output:?}");
            assert!(
                stderr(&output).contains("no native code"),
                "{}",
                stderr(&output)
            );
            continue;
        }
        assert_eq!(stdout(&output), "610\n", "{mode}: {}", stderr(&output));
        for row in [
            "native cells",
            "microseconds compiling",
            "entries by loops (OSR)",
        ] {
            assert!(stderr(&output).contains(row), "{}", stderr(&output));
        }
        let in_tests = lumen(&["test", "--jit", mode, "--jit-threshold", "1", &file]);
        assert_eq!(code(&in_tests), 0, "{in_tests:?}");
    }
    assert_eq!(code(&lumen(&["run", "--jit", "fast", &file])), 2);
    assert_eq!(code(&lumen(&["run", "--jit-threshold", "0", &file])), 2);
    let wrong = Command::new(env!("CARGO_BIN_EXE_lumen"))
        .args(["run", &file])
        .env("LUMEN_JIT", "fast")
        .output()
        .expect("lumen starts");
    assert_eq!(code(&wrong), 2);
    assert!(
        stderr(&wrong).contains("LUMEN_JIT is `fast`"),
        "{}",
        stderr(&wrong)
    );
}

#[cfg(unix)]
#[test]
fn a_signal_runs_defers_and_ends_with_a_code_of_its_own() {
    signalled("-INT", 130);
    signalled("-TERM", 143);
}

#[cfg(unix)]
fn signalled(signal: &str, exit: i32) {
    let folder = scratch(&format!("signal{signal}"));
    let text = "defer\n  print(\"cleaned up\")\nend\nwrite_file(\"ready\", \"\")\nsleep(1hr)\n";
    let file = write(&folder, "p.lm", text);
    let child = Command::new(env!("CARGO_BIN_EXE_lumen"))
        .args(["run", &file])
        .current_dir(&folder)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("lumen starts");
    while !folder.join("ready").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let killed = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(stdout(&output), "cleaned up\n");
    assert_eq!(code(&output), exit);
}

#[test]
fn runs_are_compared() {
    let folder = scratch("check_determinism");
    let same = "print(await parallel for n in 0..4\n  n * n\nend)\n";
    let same = write(&folder, "same.lm", same);
    let output = lumen(&["check-determinism", &same]);
    assert_eq!(code(&output), 0, "{output:?}");
    let text = stdout(&output);
    assert!(
        text.contains("3 runs with --deterministic are alike"),
        "{text}"
    );
    assert!(
        text.contains("runs on 1, 2, 8 workers print the same"),
        "{text}"
    );

    let send = |n| format!("spawn(fn() -> Null\n  ch.send({n})\nend)\n");
    let racing = "let ch = channel[Int]()\n".to_owned() + &send(1) + &send(2);
    let racing = racing + "print(ch.receive())\n";
    let racing = write(&folder, "racing.lm", &racing);
    let output = lumen(&["check-determinism", "-n", "20", &racing]);
    assert_eq!(code(&output), 1, "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("the output depends on the order"), "{text}");
    assert!(text.contains("line 1 of stdout"), "{text}");

    let clock = write(&folder, "clock.lm", "sleep(timestamp() % 1000 + 1)\n");
    let output = lumen(&["check-determinism", "-n", "9", &clock]);
    let text = stdout(&output);
    // The trace does not hold how long it slept; the time at the end differs.
    assert_eq!(code(&output), 6, "{text}");
    assert!(text.contains("uncontrolled nondeterminism"), "{text}");
}

#[test]
fn a_fault_is_put_where_it_is_asked_for() {
    let folder = scratch("inject");
    let file = write(&folder, "p.lm", "sleep(1)\nsleep(2)\nprint(now())\n");
    let output = lumen(&["run", "--deterministic", "--inject", "fail@2", &file]);
    assert_eq!(code(&output), 1);
    let text = stderr(&output);
    assert!(
        text.contains("injected failure") && text.contains("p.lm:2:1"),
        "{text}"
    );
    let output = lumen(&["run", "--deterministic", "--inject", "cancel@1", &file]);
    assert!(stderr(&output).contains("cancelled"), "{output:?}");
    let output = lumen(&["run", "--deterministic", "--inject", "delay@1", &file]);
    assert_eq!(stdout(&output), "3\n");
    assert_eq!(code(&lumen(&["run", "--inject", "fail@2", &file])), 2);
    assert_eq!(code(&lumen(&["run", "--deterministic=lifo", &file])), 2);
}
