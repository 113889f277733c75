//! Labels, landings and far branches.

use super::*;
use crate::code::OPS;
use crate::module::well_known::INT;
use crate::operand::*;

fn distance(function: &Function, pc: usize) -> i64 {
    let words = &function.code[pc..];
    let o = op_at(words).label().unwrap();
    let raw = crate::code::get_raw(words, o.lane, o.kind.lanes());
    match o.kind {
        OperandKind::Label16 => i64::from(raw as u16 as i16),
        _ => i64::from(raw as i32),
    }
}

#[test]
fn near_branches_are_patched() {
    let mut f = FunctionBuilder::new("f", vec![INT], vec![false], INT);
    let (top, out) = (f.new_label(), f.new_label());
    f.bind(top, vec![RegState::plain(1, INT)]);
    f.branch(Insn::jump_int_eq_i(Reg(1), Imm16(0), Label16(0)), out);
    f.branch(Insn::loop_(Label32(0)), top);
    f.bind(out, vec![RegState::plain(1, INT)]);
    f.emit(Insn::return_(Reg(1)));
    let f = f.finish().unwrap();
    assert_eq!(distance(&f, 0), 2);
    assert_eq!(distance(&f, 1), -1);
    assert_eq!(f.maps.len(), 2);
    assert_eq!(f.frame, 2);
}

#[test]
fn mistakes_are_told() {
    let mut f = FunctionBuilder::new("f", vec![], vec![], INT);
    let l = f.new_label();
    f.branch(Insn::jump(Label32(0)), l);
    assert_eq!(f.finish(), Err(BuildError::Unbound(l)));
    let mut f = FunctionBuilder::new("f", vec![], vec![], INT);
    f.emit(Insn::jump(Label32(0)));
    assert_eq!(f.finish(), Err(BuildError::Branch { pc: 0 }));
    let mut f = FunctionBuilder::new("f", vec![], vec![], INT);
    f.reserve(65_536);
    assert_eq!(f.finish(), Err(BuildError::Frame));
    let mut f = FunctionBuilder::new("f", vec![], vec![], INT);
    let (a, b) = (f.new_label(), f.new_label());
    f.bind(a, vec![]);
    f.bind(b, vec![RegState::plain(1, INT)]);
    assert_eq!(f.finish(), Err(BuildError::Maps { pc: 0 }));
}

#[test]
fn far_branches_grow_and_everything_moves() {
    let mut f = FunctionBuilder::new("f", vec![INT, INT], vec![false; 2], INT);
    let (top, out) = (f.new_label(), f.new_label());
    let live = vec![RegState::plain(1, INT), RegState::plain(2, INT)];
    f.bind(top, live.clone());
    f.line(0, 1, 1);
    f.branch(Insn::jump_int_gt_i(Reg(1), Imm16(7), Label16(0)), out);
    f.line(0, 2, 1);
    let drops = LandingSpec {
        drops: vec![],
        handler: HandlerLabel::None,
        cancel_drops: vec![],
    };
    f.landing(Some(drops));
    for _ in 0..40_000 {
        f.emit(Insn::dup(Reg(1), Reg(2)));
    }
    f.branch(Insn::for_int_le(Reg(1), Reg(2), Label16(0)), top);
    f.landing(None);
    f.bind(out, live);
    f.emit(Insn::return_(Reg(1)));
    let f = f.finish().unwrap();
    assert_eq!(f.frame, 4);
    assert_eq!(f.code.len(), 3 + 40_000 + 3 + 1);
    assert_eq!(op_at(&f.code[1..]), Op::IntLt);
    assert_eq!(distance(&f, 2), 40_004);
    assert_eq!(distance(&f, 40_005), -40_005);
    assert_eq!(f.lines[1].pc, 3);
    assert_eq!((f.landings[0].start, f.landings[0].end), (3, 40_006));
    assert_eq!(f.maps[1].pc, 40_006);
}

#[test]
fn every_short_branch_has_a_long_form() {
    for def in OPS {
        if def
            .op
            .label()
            .is_some_and(|o| o.kind == OperandKind::Label16)
        {
            let mut f = FunctionBuilder::new("f", vec![INT, INT], vec![false; 2], INT);
            let out = f.new_label();
            let mut words = [def.op as u64, 0];
            set_raw(&mut words, 0, 1, 1);
            f.branches.push(Branch { pc: 0, label: out });
            f.function
                .code
                .extend_from_slice(&words[..def.op.word_count()]);
            for _ in 0..33_000 {
                f.emit(Insn::return_null());
            }
            f.bind(out, vec![]);
            f.emit(Insn::return_null());
            let f = f.finish().unwrap();
            let mut ops = Vec::new();
            let mut pc = 0;
            while f.code[pc] != Insn::return_null().words()[0] {
                ops.push(op_at(&f.code[pc..]));
                pc += op_at(&f.code[pc..]).word_count();
            }
            let again = ops.iter().any(|op| op.is_back_edge());
            assert_eq!(def.op.is_back_edge(), again, "{}", def.text);
            assert!(!ops.contains(&Op::Jump), "{}", def.text);
        }
    }
}
