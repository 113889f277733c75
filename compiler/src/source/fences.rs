//! Which parts of a Markdown file are Lumen.

use std::ops::Range;

/// The Lumen parts of a Markdown text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fences {
    /// The insides of the fences tagged `lumen`, in order, as byte ranges.
    pub lumen: Vec<Range<usize>>,
    /// The opening line of a `lumen` fence that runs to the end of the file.
    pub unterminated: Option<Range<usize>>,
}

/// A fence that has been opened.
struct Open {
    mark: u8,
    length: usize,
    line: Range<usize>,
    is_lumen: bool,
}

/// Finds the fences tagged `lumen`: lines of three or more `` ` `` or `~`, closed by a line of at
/// least as many. A fence within a longer fence is text.
pub fn find_fences(text: &str) -> Fences {
    let mut fences = Fences::default();
    let mut open: Option<Open> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        let Some((mark, length, info)) = fence_line(line) else {
            continue;
        };
        match &open {
            None => {
                let tag = info.split([' ', '\t', ',', '{']).next();
                let is_lumen = tag == Some("lumen");
                open = Some(Open {
                    mark,
                    length,
                    line: range,
                    is_lumen,
                });
            }
            Some(opened) if mark == opened.mark && length >= opened.length && info.is_empty() => {
                if opened.is_lumen {
                    fences.lumen.push(opened.line.end..range.start);
                }
                open = None;
            }
            Some(_) => {}
        }
    }
    if let Some(Open {
        line,
        is_lumen: true,
        ..
    }) = open
    {
        fences.lumen.push(line.end..text.len());
        let shown = text[line.clone()].trim_end().len();
        fences.unterminated = Some(line.start..line.start + shown);
    }
    fences
}

/// The mark, its count and the text after it, if `line` could open or close a fence.
fn fence_line(line: &str) -> Option<(u8, usize, &str)> {
    let line = line.trim();
    let mark = *line.as_bytes().first()?;
    if mark != b'`' && mark != b'~' {
        return None;
    }
    let length = line.bytes().take_while(|byte| *byte == mark).count();
    (length >= 3).then(|| (mark, length, line[length..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<&str> {
        find_fences(text)
            .lumen
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn takes_fences_tagged_lumen_only() {
        let text =
            "# T\n```lumen\na\n```\n```rust\nb\n```\n  ~~~ lumen x\n  c\n  ~~~\n```\nd\n```\n";
        assert_eq!(parts(text), ["a\n", "  c\n"]);
    }

    #[test]
    fn a_fence_in_a_longer_fence_is_text() {
        assert_eq!(
            parts("````md\n```lumen\na\n```\n````\n```lumen\nb\n```"),
            ["b\n"]
        );
    }

    #[test]
    fn an_open_fence_runs_to_the_end() {
        let text = "x\n```lumen\na\n";
        assert_eq!(parts(text), ["a\n"]);
        assert_eq!(find_fences(text).unterminated, Some(2..10));
    }
}
