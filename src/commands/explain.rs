//! `lumenc explain E0123`: the rule behind a diagnostic.

use clap::{Arg, ArgMatches, Command};
use lumen_compiler::diag::{Code, Severity, example};

use crate::{Exit, report};

/// What the command takes.
pub fn command() -> Command {
    Command::new("explain")
        .about("Explain a diagnostic code, or list all of them")
        .arg(Arg::new("CODE").help("A code such as E0111; without it, all codes are listed"))
}

/// Prints the explanation.
pub fn run(matches: &ArgMatches) -> Exit {
    let Some(number) = matches.get_one::<String>("CODE") else {
        report::output(&list());
        return Exit::Ok;
    };
    match Code::from_number(number) {
        Some(code) => {
            report::output(&explanation(code));
            Exit::Ok
        }
        None => {
            report::complain(
                "lumenc explain",
                &format!("there is no code `{number}`; `lumenc explain` lists all"),
            );
            Exit::Usage
        }
    }
}

fn list() -> String {
    let mut text = String::new();
    for code in Code::ALL {
        text.push_str(&format!("{}  {}\n", code.number(), code.title()));
    }
    text
}

fn explanation(code: Code) -> String {
    let severity = match code.severity() {
        Severity::Error => "an error: the program does not run",
        Severity::Warning => "a warning: the program runs",
    };
    let text = wrap(code.explanation(), 80);
    let example: String = example(code)
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    format!(
        "{}: {}\n\n{text}\n\nThis is {severity}. An example:\n\n{example}",
        code.number(),
        code.title()
    )
}

/// Breaks `text` into lines of at most `width` characters, at spaces.
fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("aa bb  cc dd", 5), "aa bb\ncc dd");
        assert_eq!(wrap("longword x", 3), "longword\nx");
    }
}
