//! Kinds of operands, and the roles in which ops use registers.

macro_rules! operand {
    ($($(#[$doc:meta])* $name:ident($raw:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $raw);
    )*};
}

operand! {
    /// A register of the frame.
    Reg(u16);
    /// The first of several adjacent registers.
    Window(u16);
    /// A constant of the module.
    Const(u32);
    /// A function of the module.
    Func(u32);
    /// A native import of the module.
    Native(u16);
    /// A type of the module.
    Type(u16);
    /// A module-level variable.
    Global(u16);
    /// A field number.
    Field(u16);
    /// A small number.
    Count(u16);
    /// A failure kind, [`crate::module::FailureKind`].
    Kind(u16);
    /// A jump table of the function.
    Table(u16);
    /// A place path of the module.
    Path(u16);
    /// A signed 16-bit immediate.
    Imm16(i16);
    /// A signed 32-bit immediate.
    Imm32(i32);
    /// A branch distance in words from the branch's first word, 16 bits.
    Label16(i16);
    /// A branch distance in words from the branch's first word, 32 bits.
    Label32(i32);
}

/// What an op does with an operand; see [`crate::ops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Written, owned.
    Out,
    /// Written, borrowed.
    Lend,
    /// Read.
    Use,
    /// Read, consumed.
    Take,
    /// Read and written.
    Io,
    /// Not a register (or a window, whose registers the op's rule names).
    Imm,
}

/// The kind of an operand, for listing and assembling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the struct of the same name")]
pub enum OperandKind {
    Reg,
    Window,
    Const,
    Func,
    Native,
    Type,
    Global,
    Field,
    Count,
    Kind,
    Table,
    Path,
    Imm16,
    Imm32,
    Label16,
    Label32,
}

impl OperandKind {
    /// Instruction lanes that an operand of this kind takes: 1 or 2.
    #[must_use]
    pub const fn lanes(self) -> usize {
        match self {
            Self::Const | Self::Func | Self::Imm32 | Self::Label32 => 2,
            _ => 1,
        }
    }
}

/// An operand that knows how it sits in instruction lanes.
pub trait Operand: Copy {
    /// Its kind.
    const KIND: OperandKind;
    /// Lanes taken: 1 or 2.
    const LANES: usize;
    /// From raw bits (16, or 32 for two lanes).
    fn from_raw(raw: u32) -> Self;
    /// To raw bits.
    fn raw(self) -> u32;
}

macro_rules! lanes {
    ($($name:ident $lanes:tt $raw:ty;)*) => {$(
        impl Operand for $name {
            const KIND: OperandKind = OperandKind::$name;
            const LANES: usize = $lanes;
            fn from_raw(raw: u32) -> Self {
                let value = raw as $raw;
                Self(value)
            }
            fn raw(self) -> u32 {
                raw_bits!($lanes, self.0)
            }
        }
    )*};
}
macro_rules! raw_bits {
    (1, $v:expr) => {
        u32::from($v as u16)
    };
    (2, $v:expr) => {
        $v as u32
    };
}

lanes! {
    Reg 1 u16;
    Window 1 u16;
    Const 2 u32;
    Func 2 u32;
    Native 1 u16;
    Type 1 u16;
    Global 1 u16;
    Field 1 u16;
    Count 1 u16;
    Kind 1 u16;
    Table 1 u16;
    Path 1 u16;
    Imm16 1 i16;
    Imm32 2 i32;
    Label16 1 i16;
    Label32 2 i32;
}
