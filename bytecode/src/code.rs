//! Instruction words: what the op table derives.

use crate::for_each_op;
use crate::operand::*;

/// One operand of an op, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperandDef {
    /// Its name in the table.
    pub name: &'static str,
    /// Role.
    pub role: Role,
    /// Kind.
    pub kind: OperandKind,
    /// First lane.
    pub lane: usize,
}

/// One op, as data.
#[derive(Clone, Copy, Debug)]
pub struct OpDef {
    /// The op.
    pub op: Op,
    /// Its text in listings: `int.add`.
    pub text: &'static str,
    /// Its documentation, one string per line.
    pub doc: &'static [&'static str],
    /// Operands.
    pub operands: &'static [OperandDef],
}

/// An encoded instruction of one or two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    words: [u64; 2],
    len: usize,
}

impl Insn {
    const fn of(op: Op) -> Self {
        Self {
            words: [op as u64, 0],
            len: 1,
        }
    }

    fn with<O: Operand>(mut self, lane: usize, operand: O) -> Self {
        set_raw(&mut self.words, lane, O::LANES, operand.raw());
        if lane + O::LANES > 3 {
            self.len = 2;
        }
        self
    }

    /// An instruction from raw operand bits, in the table's order.
    ///
    /// # Panics
    /// If there are not as many as the op has operands.
    #[must_use]
    pub fn encode(op: Op, raw: &[u32]) -> Self {
        let operands = op.def().operands;
        assert_eq!(operands.len(), raw.len(), "operands of {}", op.def().text);
        let mut raw = raw.iter();
        Self::make(op, |_| raw.next().copied().unwrap_or(0))
    }

    /// An instruction with the raw bits that `operand` gives for the kind of each, in order.
    #[inline]
    pub fn make(op: Op, mut operand: impl FnMut(OperandKind) -> u32) -> Self {
        let mut insn = Self::of(op);
        for def in op.def().operands {
            let mut raw = operand(def.kind);
            if def.kind.lanes() == 1 {
                raw &= 0xffff;
            }
            let (word, shift) = bit(def.lane);
            insn.words[word] |= u64::from(raw) << shift;
        }
        insn.len = op.word_count();
        insn
    }

    /// Its op.
    #[must_use]
    #[inline]
    pub fn op(&self) -> Op {
        OPS[(self.words[0] & 0xffff) as usize].op
    }

    /// Its words.
    #[must_use]
    #[inline]
    pub fn words(&self) -> &[u64] {
        &self.words[..self.len]
    }
}

fn bit(lane: usize) -> (usize, u32) {
    if lane < 3 {
        (0, 16 * (lane as u32 + 1))
    } else {
        (1, 16 * (lane as u32 - 3))
    }
}

/// Raw bits of the operand at `lane` in `words` (an instruction's first word first). A missing
/// second word reads as 0.
#[must_use]
pub fn get_raw(words: &[u64], lane: usize, lanes: usize) -> u32 {
    let (word, shift) = bit(lane);
    let bits = words.get(word).copied().unwrap_or(0) >> shift;
    if lanes == 1 {
        bits as u32 & 0xffff
    } else {
        bits as u32
    }
}

/// Writes raw bits of an operand in place (used to patch labels).
pub fn set_raw(words: &mut [u64], lane: usize, lanes: usize, raw: u32) {
    let (word, shift) = bit(lane);
    let mask: u64 = if lanes == 1 { 0xffff } else { 0xffff_ffff };
    words[word] = words[word] & !(mask << shift) | (u64::from(raw) & mask) << shift;
}

macro_rules! define {
    ($($(#[doc = $doc:literal])* $name:ident $method:ident $text:literal
        { $($role:ident $arg:ident : $kind:ident @ $lane:literal),* $(,)? })*) => {
        /// Every instruction, in table order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Op { $($(#[doc = $doc])* $name),* }

        /// The table as data, indexed by `Op as usize`.
        pub const OPS: &[OpDef] = &[$(OpDef {
            op: Op::$name,
            text: $text,
            doc: &[$($doc),*],
            operands: &[$(OperandDef {
                name: stringify!($arg),
                role: role!($role),
                kind: OperandKind::$kind,
                lane: $lane,
            }),*],
        }),*];

        /// Encoders, one per op.
        impl Insn {
            $($(#[doc = $doc])* #[must_use] pub fn $method($($arg: $kind),*) -> Self {
                Self::of(Op::$name)$(.with($lane, $arg))*
            })*
        }

        /// One method per op: interpreter, verifier and JIT implement it, so that a new op does
        /// not compile until all of them know it.
        #[expect(
            clippy::wrong_self_convention,
            reason = "a visit to the op `new` is no constructor"
        )]
        pub trait OpVisitor {
            /// What a visit gives.
            type Out;
            $($(#[doc = $doc])* fn $method(&mut self, $($arg: $kind),*) -> Self::Out;)*
        }

        /// Decodes the instruction at the start of `words` and calls its method. The op must be
        /// valid (see [`Op::from_word`]).
        pub fn visit<V: OpVisitor>(op: Op, words: &[u64], visitor: &mut V) -> V::Out {
            match op {
                $(Op::$name => visitor.$method(
                    $($kind::from_raw(get_raw(words, $lane, $kind::LANES))),*
                )),*
            }
        }
    };
}
macro_rules! role {
    (out) => {
        Role::Out
    };
    (lend) => {
        Role::Lend
    };
    (use) => {
        Role::Use
    };
    (take) => {
        Role::Take
    };
    (io) => {
        Role::Io
    };
    (imm) => {
        Role::Imm
    };
}

for_each_op!(define);

impl Op {
    /// The op of an instruction's first word.
    #[must_use]
    pub fn from_word(word: u64) -> Option<Self> {
        OPS.get((word & 0xffff) as usize).map(|def| def.op)
    }

    /// Its row of the table.
    #[must_use]
    #[inline]
    pub fn def(self) -> &'static OpDef {
        &OPS[self as usize]
    }

    /// Words its instructions take: 1 or 2.
    #[must_use]
    #[inline]
    pub fn word_count(self) -> usize {
        SHAPES[self as usize].words
    }

    /// The roles of its registers, in the table's order.
    #[must_use]
    #[inline]
    pub fn register_roles(self) -> &'static [Role] {
        SHAPES[self as usize].roles
    }

    /// Whether its first register is one that it writes and does not read.
    #[must_use]
    #[inline]
    pub fn writes_first(self) -> bool {
        SHAPES[self as usize].writes_first
    }

    /// Whether it takes over and changes none of its registers; what it writes first is not meant.
    #[must_use]
    #[inline]
    pub fn only_reads(self) -> bool {
        SHAPES[self as usize].only_reads
    }

    /// Whether it changes a register in place.
    #[must_use]
    #[inline]
    pub fn changes_in_place(self) -> bool {
        SHAPES[self as usize].in_place
    }
}

/// What is asked of an op all the time, worked out from its operands.
struct Shape {
    words: usize,
    roles: &'static [Role],
    writes_first: bool,
    in_place: bool,
    only_reads: bool,
    can_fail: bool,
    back_edge: bool,
    /// Which of the operands is the branch distance; none: `NO_LABEL`.
    label: usize,
}

/// Operands that no op has more of.
const MAX_OPERANDS: usize = 6;
/// No operand.
const NO_LABEL: usize = MAX_OPERANDS;

/// The roles of the registers of each op, and how many there are.
static ROLES: [([Role; MAX_OPERANDS], usize); OPS.len()] = {
    let mut all = [([Role::Imm; MAX_OPERANDS], 0); OPS.len()];
    let mut op = 0;
    while op < OPS.len() {
        let operands = OPS[op].operands;
        let mut at = 0;
        while at < operands.len() {
            if !matches!(operands[at].role, Role::Imm) {
                let (roles, count) = &mut all[op];
                roles[*count] = operands[at].role;
                *count += 1;
            }
            at += 1;
        }
        op += 1;
    }
    all
};

static SHAPES: [Shape; OPS.len()] = {
    let mut shapes = [const {
        Shape {
            words: 1,
            roles: &[],
            writes_first: false,
            in_place: false,
            only_reads: true,
            can_fail: false,
            back_edge: false,
            label: NO_LABEL,
        }
    }; OPS.len()];
    let mut op = 0;
    while op < OPS.len() {
        let shape = &mut shapes[op];
        let operands = OPS[op].operands;
        let mut at = 0;
        while at < operands.len() {
            let operand = &operands[at];
            if operand.lane + operand.kind.lanes() > 3 {
                shape.words = 2;
            }
            if matches!(operand.kind, OperandKind::Label16 | OperandKind::Label32) {
                shape.label = at;
            }
            shape.in_place |= matches!(operand.role, Role::Io);
            shape.only_reads &= !matches!(operand.role, Role::Io | Role::Take);
            at += 1;
        }
        let (roles, count) = &ROLES[op];
        shape.roles = roles.split_at(*count).0;
        shape.writes_first = *count > 0 && matches!(roles[0], Role::Out | Role::Lend);
        shape.back_edge = begins(OPS[op].text, "loop") || begins(OPS[op].text, "for.");
        shape.can_fail = shape.back_edge || may_fail(OPS[op].op);
        op += 1;
    }
    shapes
};

const fn begins(text: &str, with: &str) -> bool {
    let (text, with) = (text.as_bytes(), with.as_bytes());
    let mut at = 0;
    while at < with.len() {
        if at == text.len() || text[at] != with[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether an op that is no back-edge can fail.
const fn may_fail(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        IntAdd
            | IntSub
            | IntMul
            | IntDiv
            | IntFloorDiv
            | IntMod
            | IntPow
            | IntNeg
            | IntShl
            | IntShr
            | IntAddI
            | IntMulI
            | Call
            | CallClosure
            | CallNative
            | CallNativeAt
            | GlobalGet
            | BoxInt
            | BoxFloat
            | UnboxInt
            | UnboxFloat
            | UnboxBool
            | Cast
            | Equal
            | Compare
            | New
            | FieldSet
            | FieldSetWord
            | ListNew
            | ListGet
            | ListGetWord
            | ListGetByte
            | ListSet
            | ListSetWord
            | ListSetByte
            | ListPush
            | ListPushWord
            | ListPushByte
            | ListGet2
            | ListSet2
            | ListGetField
            | ListSetField
            | MapGet
            | MapGetWord
            | MapGetOr
            | MapSet
            | MapHas
            | PlaceSet
            | StrConcat
            | StrAppend
            | ToStr
            | Throw
            | Rethrow
            | Fail
            | Spawn
            | Await
    )
}

impl Op {
    /// The op with this text, `int.add`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        OPS.iter().find(|d| d.text == text).map(|d| d.op)
    }

    /// Its branch distance, if it has one. (Jump tables are not meant.)
    #[must_use]
    #[inline]
    pub fn label(self) -> Option<&'static OperandDef> {
        self.def().operands.get(SHAPES[self as usize].label)
    }

    /// Control never goes on to the next instruction.
    #[must_use]
    pub fn is_terminator(self) -> bool {
        use Op::*;
        matches!(
            self,
            Jump | Loop | SwitchTag | SwitchInt | Return | ReturnNull | Throw | Rethrow | Fail
        )
    }

    /// A back-edge, which polls.
    #[must_use]
    #[inline]
    pub fn is_back_edge(self) -> bool {
        SHAPES[self as usize].back_edge
    }

    /// Whether it can fail, and so needs a landing entry where owned words are live.
    #[must_use]
    #[inline]
    pub fn can_fail(self) -> bool {
        SHAPES[self as usize].can_fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_table_says_of_failing_is_so() {
        for def in OPS {
            let doc = def.doc.join(" ");
            let says = ["fails", "Fails", "Polls", "re-raises", "ack-edge"]
                .iter()
                .any(|w| doc.contains(w))
                && !doc.contains("never fails");
            assert!(!says || def.op.can_fail(), "{}", def.text);
        }
    }

    #[test]
    fn rows_are_in_order_and_operands_do_not_straddle_words() {
        for (i, def) in OPS.iter().enumerate() {
            assert_eq!(def.op as usize, i);
            assert!(!def.doc.is_empty(), "{} has no documentation", def.text);
            let mut taken = [false; 7];
            for o in def.operands {
                let wide = o.kind.lanes() == 2;
                let end = o.lane + o.kind.lanes();
                assert!(
                    end <= 7 && !(o.lane == 2 && wide),
                    "{}.{}",
                    def.text,
                    o.name
                );
                for t in &mut taken[o.lane..end] {
                    assert!(!*t, "{}.{} overlaps", def.text, o.name);
                    *t = true;
                }
            }
        }
    }

    #[test]
    fn encoding_keeps_operands() {
        let insn = Insn::list_set2(Reg(1), Reg(65535), Reg(3), Reg(4));
        assert_eq!(insn.words().len(), Op::ListSet2.word_count());
        assert_eq!(get_raw(insn.words(), 1, 1), 65535);
        assert_eq!(get_raw(insn.words(), 3, 1), 4);
        let jump = Insn::jump_if(Reg(7), Label32(-5));
        assert_eq!(Label32::from_raw(get_raw(jump.words(), 1, 2)), Label32(-5));
    }
}
