//! `docs/bytecode.md`, printed from the table and the module comments, so that it cannot be wrong.

use crate::code::{OPS, Op, OpDef};
use crate::module::FAILURE_KINDS;
use crate::operand::{OperandKind, Role};
use std::fmt::Write;

/// Groups of ops: the first op of each, and a title.
const GROUPS: &[(Op, &str)] = &[
    (Op::Move, "Moves and constants"),
    (Op::IntAdd, "Int"),
    (Op::FloatAdd, "Float"),
    (Op::Jump, "Jumps"),
    (Op::Loop, "Back-edges"),
    (Op::Call, "Calls"),
    (Op::BoxInt, "Words: boxing, tests"),
    (Op::New, "Records, tuples, variants, closures"),
    (Op::ListNew, "Lists"),
    (Op::MapGet, "Maps"),
    (Op::PlaceSet, "Places"),
    (Op::StrConcat, "Strings"),
    (Op::Landing, "Failures"),
    (Op::Spawn, "Tasks"),
];

/// The text of `docs/bytecode.md`.
#[must_use]
pub fn render() -> String {
    let mut out = String::new();
    out.push_str(HEAD);
    section(&mut out, "Instructions", include_str!("ops.rs"));
    kinds(&mut out);
    ops(&mut out);
    failures(&mut out);
    section(
        &mut out,
        "What the verifier proves",
        include_str!("verify.rs"),
    );
    out.push_str(TEXT_FORMAT);
    section(&mut out, "The file", include_str!("file.rs"));
    out
}

const HEAD: &str = "\
# Bytecode

Printed from `bytecode/src/` by its tests; to print it anew after a change there:
`UPDATE_DOCS=1 cargo test -p lumen-bytecode docs`.

Bytecode is what `lumenc compile` writes and `lumen run` reads. `lumenc list FILE.lbc` shows it,
`lumenc assemble` makes it from that text, `lumenc verify` checks it. How values are represented is
in [architecture.md](architecture.md).

";

/// A heading and the `//!` comment of a source file, without its first paragraph.
fn section(out: &mut String, title: &str, source: &str) {
    let _ = writeln!(out, "## {title}\n");
    let lines = source
        .lines()
        .map_while(|l| l.strip_prefix("//!"))
        .map(|l| l.strip_prefix(' ').unwrap_or(l));
    for line in lines.skip_while(|l| !l.is_empty()).skip(1) {
        let plain = line
            .replace("[`crate::", "`")
            .replace("[`", "`")
            .replace("`]", "`");
        let _ = writeln!(out, "{}", plain.trim_end());
    }
    out.push('\n');
}

fn kinds(out: &mut String) {
    out.push_str(
        "### Operands\n\n| kind | lanes | in listings | meaning |\n| --- | --- | --- | --- |\n",
    );
    let rows = [
        (OperandKind::Reg, "`r3`", "a register of the frame"),
        (
            OperandKind::Window,
            "`r3`",
            "the first of several adjacent registers",
        ),
        (OperandKind::Const, "`k3`", "a constant of the module"),
        (OperandKind::Func, "`f3`", "a function of the module"),
        (OperandKind::Native, "`n3`", "a native import of the module"),
        (OperandKind::Type, "`Int`, `t40`", "a type of the module"),
        (OperandKind::Global, "`g3`", "a module-level variable"),
        (OperandKind::Field, "`3`", "a field number"),
        (OperandKind::Count, "`3`", "a small number"),
        (OperandKind::Kind, "`Overflow`", "a failure kind"),
        (OperandKind::Table, "`j3`", "a jump table of the function"),
        (OperandKind::Path, "`p3`", "a place path of the module"),
        (OperandKind::Imm16, "`-3`", "a signed number"),
        (OperandKind::Imm32, "`-3`", "a signed number"),
        (
            OperandKind::Label16,
            "`L12`",
            "a branch target up to 32 767 words away",
        ),
        (OperandKind::Label32, "`L12`", "a branch target"),
    ];
    for (kind, text, meaning) in rows {
        let _ = writeln!(out, "| {kind:?} | {} | {text} | {meaning} |", kind.lanes());
    }
    out.push('\n');
}

fn ops(out: &mut String) {
    let _ = writeln!(
        out,
        "### The table\n\n{} instructions. *2*: takes two words. *f*: can fail (polls count), and \
         so needs a landing\nwhere words are owned.\n",
        OPS.len()
    );
    for def in OPS {
        if let Some((_, title)) = GROUPS.iter().find(|(first, _)| *first == def.op) {
            let _ = writeln!(out, "#### {title}\n");
            out.push_str("| instruction | | meaning |\n| --- | --- | --- |\n");
        }
        row(out, def);
        let next = OPS.get(def.op as usize + 1);
        if next.is_none_or(|n| GROUPS.iter().any(|(first, _)| *first == n.op)) {
            out.push('\n');
        }
    }
}

fn row(out: &mut String, def: &OpDef) {
    let operands: Vec<String> = def
        .operands
        .iter()
        .map(|o| match o.role {
            Role::Out => format!("out {}", o.name),
            Role::Lend => format!("lend {}", o.name),
            Role::Use => o.name.to_owned(),
            Role::Take => format!("take {}", o.name),
            Role::Io => format!("io {}", o.name),
            Role::Imm => format!("{}: {:?}", o.name, o.kind),
        })
        .collect();
    let mut marks = Vec::new();
    if def.op.word_count() == 2 {
        marks.push("2");
    }
    if def.op.can_fail() {
        marks.push("f");
    }
    let doc: Vec<&str> = def.doc.iter().map(|l| l.trim()).collect();
    let _ = writeln!(
        out,
        "| `{}{}{}` | {} | {} |",
        def.text,
        if operands.is_empty() { "" } else { " " },
        operands.join(", "),
        marks.join(" "),
        doc.join(" ").replace('|', "\\|")
    );
}

fn failures(out: &mut String) {
    let names: Vec<String> = FAILURE_KINDS
        .iter()
        .map(|(_, n)| format!("`{n}`"))
        .collect();
    let _ = writeln!(
        out,
        "### Failure kinds\n\nIn numeric order: {}.\n",
        names.join(", ")
    );
}

const TEXT_FORMAT: &str = r#"## The text

One statement a line; `;` begins a comment. Items of a kind are numbered from 0 (types from `t32`:
the well-known ones are there without being written) and stand in order. A name that is no plain
word is quoted, with the escapes `\n \r \t \" \\ \u{hex}`.

```text
lumen bytecode 1                          the text format's version
deterministic                             @deterministic
clock virtual                             @clock: virtual or real
main f3                                   entry
file 0 "main.lm"                          source file names

type t32 = record Point {x: Float, y: Float}
type t33 = enum Shape t34 + 2             variants: from t34, two of them
type t34 = variant Circle of t33 {r: Float}
type t35 = variant Nothing of t33 {}
type t36 = list[t32]                      also map[…, …], set[…], tuple[…], union[…],
                                          future[…], channel[…]
type t37 = func(Int, String) -> Int
type t38 = closure f2 as t37 [Float]      its function, the function type it is, captures
type t39 = handle Mutex[Int]

const k0 = int 5                          float 1.5, float bits 0x7ff8000000000000, str "text",
                                          bytes "00ff", null, bool true, variant t35, closure t38
native n0 = "list.clear(mut list[Point]) -> Null" (t36) -> Null mut [t32]
path p0 = t36[] t32.1                     an element of a t36, then its field 1
global g0 = origin: t32 init f0           without `init`: set by global.set

func f1 sum(Int, own String) -> Int closure t38 frame 6
  line 0:3:5                              file, line, column of what follows
  int.const      r2, 0
  jump.int.le    r1, r2, done
L3: {r1: Int, r4: own String, r5: lent r4 String, r3: lent t32}
  int.add        r2, r2, r1               a number may stand before an instruction
  loop           L3
done: {r2: Int}
  return         r2
  table j0 = L3, done                     a jump table
  landing L3 .. done drop r4 -> catch done cancel done canceldrop r4
end

test "adds up" f1 0:12
tool llm.chat as Chat {"model" = "small"}

source 0                                  the file's text, a `|` before each line
|cell main
```

A label with a frame map names the live registers: `Int` a plain slot, `own T` a word with a
reference of its own, `lent T` a word that outlives the frame's use of it, `lent r4 T` one that `r4`
keeps alive. Handlers of a `landing`: `out` (to the caller), `catch L` with an optional `cancel L`
(failures, and where cancellation goes instead), `cleanup L` (both). Branch targets are labels or
signed distances; `@12` is the word with that index. `word 0x…` is a word that is no instruction.
`no prelude` before the types leaves the well-known ones out.

"#;

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn the_document_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bytecode.md");
        let now = render();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            there == now,
            "docs/bytecode.md is not current: UPDATE_DOCS=1 cargo test -p lumen-bytecode docs"
        );
    }
}
