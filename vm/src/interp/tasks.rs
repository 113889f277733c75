//! Tasks: spawn and await.

use super::dispatch::{Cx, Flow, Pc, Regs, Table, handlers};
use super::unwind::unwind;
use crate::helpers;
use lumen_bytecode::module::FailureKind;

handlers! {
    fn spawn(pc, r, cx, t) {
        helpers::fail(pc, cx, FailureKind::Argument, "this machine runs no tasks");
        unwind(pc, r, cx, t)
    }
    fn await_(pc, r, cx, t) {
        helpers::fail(pc, cx, FailureKind::Argument, "this machine runs no tasks");
        unwind(pc, r, cx, t)
    }
}
