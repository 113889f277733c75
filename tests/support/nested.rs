//! Random programs that nest every construct of concurrency in every other, with failures,
//! timeouts and cancellations inside. They print what each part gives and when, on the virtual
//! clock; nothing in them depends on the order in which fibers run.

use std::fmt::Write;

use lumen_runtime::random::Stream;

/// The program of a seed.
#[must_use]
pub(crate) fn program(seed: u64) -> String {
    let mut dice = Stream::new(seed);
    let mut text = String::from(
        "@clock virtual\n\
         cell slow(ms: Int, v: Int) -> Int\n  sleep(ms)\n  v\nend\n\
         cell boom(ms: Int) -> Int\n  sleep(ms)\n  throw \"boom {ms}\"\nend\n",
    );
    for part in 0..4 {
        let depth = 1 + dice.below(4);
        let body = indented(&block(&mut dice, depth), 4);
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "try\n  let r = do\n{body}  end\n  print(\"{part} {{r}} {{now()}}\")\ncatch e\n  \
             print(\"{part} failed {{e.kind}} {{e.message}} {{now()}}\")\nend\n"
        );
    }
    text
}

fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().map(|line| format!("{:by$}{line}\n", ""));
    lines.collect()
}

/// A call that takes its time. Few end at the same instant.
fn leaf(dice: &mut Stream) -> String {
    let ms = 10 * (1 + dice.below(5)) + dice.below(10);
    match dice.below(3) {
        0 => format!("boom({ms})"),
        _ => format!("slow({ms}, {})", dice.below(4)),
    }
}

/// Statements whose last one is a String.
fn block(dice: &mut Stream, depth: u64) -> String {
    if depth == 0 {
        return format!("\"{{{}}}\"\n", leaf(dice));
    }
    let name = format!("v{}", dice.below(1 << 40));
    let inner = |dice: &mut Stream| indented(&block(dice, depth - 1), 2);
    let value = format!("\"{{{name}}}\"\n");
    let text = match dice.below(13) {
        0 => branches(dice, depth, "parallel"),
        1 => branches(dice, depth, "race"),
        2 => branches(dice, depth, "vote"),
        3 => branches(dice, depth, "parallel(any)"),
        4 => branches(dice, depth, "parallel(settled)"),
        5 => branches(dice, depth, "parallel(any, on_fail: continue)"),
        6 => branches(dice, depth, "parallel(on_fail: ignore)"),
        7 => {
            let ms = [7, 17, 27, 47][dice.below(4) as usize];
            format!("await timeout({ms}, async\n{}end)\n", inner(dice))
        }
        8 => {
            let task = match dice.below(3) {
                0 => format!("spawn({})", leaf(dice)),
                _ => "null".to_owned(),
            };
            format!("scope\n  {task}\n{}end\n", inner(dice))
        }
        9 => format!("try\n{}catch e\n  \"c({{e}})\"\nend\n", inner(dice)),
        10 => {
            // Not over nothing: what ends at once may cancel others before they have begun.
            let (max, n) = (1 + dice.below(2), 1 + dice.below(3));
            let policy = ["", ", settled", ", on_fail: ignore"][dice.below(3) as usize];
            let head = format!("await parallel(max: {max}{policy}) for i in 0..{n}\n");
            head + &inner(dice) + "end\n"
        }
        11 => {
            let task = format!("let {name} = async\n{}end\n", inner(dice));
            let ms = [3, 13, 28][dice.below(3) as usize];
            let cancel = match dice.below(5) {
                0 | 1 => format!("cancel({name})\n"),
                _ => String::new(),
            };
            return format!("{task}sleep({ms})\n{cancel}\"{{await {name}}}\"\n");
        }
        _ => {
            let mut text = String::from("await select\n");
            for arm in 0..=dice.below(3) {
                let call = leaf(dice);
                let _ = writeln!(text, "  x{arm} = {call} -> \"{{x{arm}}}\"");
            }
            text + "  sleep(35) -> \"slept\"\nend\n"
        }
    };
    format!("defer\n  sleep(1)\nend\nlet {name} = {text}{value}")
        .trim_start_matches(if dice.below(4) == 0 {
            ""
        } else {
            "defer\n  sleep(1)\nend\n"
        })
        .to_owned()
}

fn branches(dice: &mut Stream, depth: u64, head: &str) -> String {
    let mut text = format!("await {head}\n");
    for _ in 0..=dice.below(3) {
        let branch = indented(&block(dice, depth - 1), 4);
        let _ = write!(text, "  do\n{branch}  end\n");
    }
    text + "end\n"
}
