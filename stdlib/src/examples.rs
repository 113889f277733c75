//! The examples of the doc comments as programs: what keeps the reference true.

use std::fmt::Write;

use crate::{Source, docs};

/// All examples of a module as one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its text.
    pub text: String,
    /// What it prints.
    pub output: String,
}

/// The program of a module's examples; `None` if it has none. Each is a cell of its own; a line
/// with its declaration stands before what it prints, so that a difference shows which example
/// differs.
pub fn program(source: &Source) -> Option<Program> {
    let (_, entries) = docs::entries(source);
    let mut cells = String::new();
    let mut main = String::from("cell main()\n");
    let mut output = String::new();
    let mut n = 0;
    for entry in &entries {
        for example in &entry.examples {
            let title = title(&entry.declarations[0]);
            // Writing to a String cannot fail.
            let _ = writeln!(cells, "cell example_{n}()");
            let _ = writeln!(main, "  print(\"# {title}\")\n  example_{n}()");
            let _ = writeln!(output, "# {title}");
            let last = example.code.len() - 1;
            for (i, line) in example.code.iter().enumerate() {
                if i == last && !example.output.is_empty() && !prints_itself(line) {
                    let _ = writeln!(cells, "  print({line})");
                } else {
                    let _ = writeln!(cells, "  {line}");
                }
            }
            cells.push_str("end\n\n");
            for line in &example.output {
                let _ = writeln!(output, "{line}");
            }
            n += 1;
        }
    }
    if n == 0 {
        return None;
    }
    main.push_str("end\n");
    let import = if source.prelude {
        String::new()
    } else {
        format!("import std.{}: *\n\n", source.name)
    };
    Some(Program {
        text: format!("{import}{cells}{main}"),
        output,
    })
}

fn prints_itself(line: &str) -> bool {
    line.starts_with("print(") || line.starts_with("each(")
}

/// A declaration up to its parameters, without what a String literal would need escaped.
fn title(declaration: &str) -> String {
    declaration
        .chars()
        .take_while(|c| !"({\"\n".contains(*c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SOURCES;

    #[test]
    fn examples_become_programs() {
        let list = SOURCES
            .iter()
            .find(|s| s.name == "list")
            .expect("there is a list module");
        let p = program(list).expect("it has examples");
        assert!(p.text.contains("  print(sort([3, 1, 2]))\n"));
        assert!(p.text.contains("  each([1, 2], fn(x) => print(x))\n"));
        assert!(p.output.contains("# cell sort[T]\n[1, 2, 3]\n"));
        let hash = SOURCES
            .iter()
            .find(|s| s.name == "hash")
            .expect("there is a hash module");
        assert!(
            program(hash)
                .expect("examples")
                .text
                .starts_with("import std.hash: *\n")
        );
    }
}
