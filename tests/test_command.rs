//! `lumen test` as a user meets it.

#[path = "support/commands.rs"]
mod commands;

use commands::{code, lumen, scratch, stderr, stdout, write};

#[test]
fn tests_are_run_and_counted() {
    let folder = scratch("tests");
    write(
        &folder,
        "good.lm",
        "test \"sum\"\n  assert 1 + 1 == 2\nend\n",
    );
    let output = lumen(&["test", &folder.display().to_string()]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("sum"), "{}", stdout(&output));
    let bad = write(
        &folder,
        "bad.lm",
        "test \"wrong\"\n  assert_eq(1 + 1, 3)\nend\n",
    );
    let output = lumen(&["test", &bad]);
    assert_eq!(code(&output), 1, "{output:?}");
    let text = stdout(&output) + &stderr(&output);
    assert!(
        text.contains("wrong") && text.contains("bad.lm:2"),
        "{text}"
    );
    let output = lumen(&["test", &folder.display().to_string()]);
    assert_eq!(code(&output), 1);
}

#[test]
fn a_test_ends_when_a_task_of_it_fails() {
    let folder = scratch("tests_end");
    let text = "test \"detached\"\n  spawn(fn() -> Null\n    throw \"lost\"\n  end)\n  \
                sleep(1hr)\nend\ntest \"next\"\n  assert true\nend\n";
    let file = write(&folder, "a.lm", text);
    let output = lumen(&["test", &file]);
    assert_eq!(code(&output), 1, "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("1 passed, 1 failed"), "{text}");
    assert!(stderr(&output).contains("error: lost"), "{output:?}");
}

#[test]
fn tests_are_run_in_many_orders() {
    let folder = scratch("schedules");
    let text = "test \"locks\"\n  let a = Mutex(0)\n  let b = Mutex(0)\n  await parallel\n    \
                a.with(fn(x) => b.get())\n    b.with(fn(x) => a.get())\n  end\nend\n\
                test \"fine\"\n  assert_eq(await spawn(fn() => 1), 1)\nend\n";
    let file = write(&folder, "t.lm", text);
    assert_eq!(code(&lumen(&["test", &file])), 0);
    let output = lumen(&["test", "--schedules", "40", &file]);
    assert_eq!(code(&output), 1);
    let text = stdout(&output);
    assert!(text.contains("failure: deadlock\nschedule "), "{text}");
    assert!(text.contains("fine, 40 schedules"), "{text}");
    let again = stdout(&lumen(&["test", "--schedules", "40", &file]));
    let repeated = |t: &str| t.lines().take(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(repeated(&text), repeated(&again));
}
