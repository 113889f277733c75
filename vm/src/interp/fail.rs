//! Failures that instructions raise, and the ops about failures.

use lumen_bytecode::module::FailureKind;
use lumen_runtime::heap::word::NULL;

use super::dispatch::{Cx, Exit, Flow, Pc, Regs, Table, go, handlers, leave};
use super::operand::{get, index32, lane, put};
use super::unwind::unwind;
use crate::{backtrace, helpers};

/// Cold functions that fail with a fixed kind and message.
macro_rules! fixed {
    ($($name:ident $kind:ident $message:literal;)*) => { handlers! { $(
        cold $name(pc, r, cx, t) {
            helpers::fail(pc, cx, FailureKind::$kind, $message);
            unwind(pc, r, cx, t)
        }
    )* } };
}

fixed! {
    fail_overflow Overflow "integer overflow";
    fail_division Division "division by zero";
    fail_shift Argument "negative shift count";
    fail_absent Null "variable used before it has a value";
}

handlers! {
    fn landing(pc, r, cx, t) {
        let error = std::mem::replace(&mut (*cx).failure, 0);
        put(r, pc, 0, if error == 0 { NULL } else { error });
        go(pc.add(1), r, cx, t)
    }
    fn throw(pc, r, cx, t) {
        let error = backtrace::complete_error(pc, cx, get(r, pc, 0));
        (*cx).set_failure(error);
        unwind(pc, r, cx, t)
    }
    fn rethrow(pc, r, cx, t) {
        let error = backtrace::rethrown_error(cx, get(r, pc, 0));
        (*cx).set_failure(error);
        unwind(pc, r, cx, t)
    }
    fn fail(pc, r, cx, t) {
        let image = (*cx).image();
        let message = image.text(index32(pc, 1));
        let kind = image.kind(lane(pc, 0));
        helpers::fail(pc, cx, kind, message);
        if kind == FailureKind::Halt {
            helpers::natives::halt(pc, cx);
            return leave(pc, r, cx, Exit::Stopped);
        }
        unwind(pc, r, cx, t)
    }
    fn mask(pc, r, cx, t) {
        (*cx).task().mask();
        go(pc.add(1), r, cx, t)
    }
    fn unmask(pc, r, cx, t) {
        (*cx).task().unmask();
        go(pc.add(1), r, cx, t)
    }
}
