//! The one table of instructions. Everything that knows ops (enum, encoders, visitor, listing,
//! assembler, verifier, interpreter, JIT, `docs/bytecode.md`) is derived from it.
//!
//! ```text
//!  bit 0        16        32        48        64
//!      +---------+---------+---------+---------+
//!      |   op    | lane 0  | lane 1  | lane 2  |      every instruction
//!      +---------+---------+---------+---------+
//!      | lane 3  | lane 4  | lane 5  | lane 6  |      only ops that use a lane above 2
//!      +---------+---------+---------+---------+
//! ```
//!
//! An operand names its role, kind and first lane: `use a: Reg @ 1`. 32-bit kinds take two lanes.
//!
//! | role | meaning for a `word` register |
//! | --- | --- |
//! | `out` | written; owned afterwards |
//! | `lend` | written; borrowed from a register this op reads, or from a global |
//! | `use` | read; stays as it is |
//! | `take` | read; an owned word moves into the op (a borrowed one may not be taken) |
//! | `io` | read and written in place; owned before and after |
//! | `imm` | no register |
//!
//! `R[x]` is a register, `K[x]` a constant. *fails* names the failure kinds an op can raise.
//! Branch targets are relative to the branch's own first word. Only `loop*` and `for*` branch
//! backwards.
//!
//! Rules that hold for every op:
//!
//! - `take` of an Int, Bool or Float register only reads it; `move` too.
//! - An operand of an op with an `io` register is neither that register nor borrowed from it.
//! - An owned word is never overwritten: it is moved or dropped first.
//! - Besides what its line says, every op that allocates can fail with Memory, every op that
//!   compares, hashes or prints whole values with Stack, and every op that polls with Cancelled
//!   and Deadlock: see [`crate::Op::can_fail`].
//! - When an op fails, what it takes is gone (so are the words passed to owned parameters of a
//!   call, even when it fails before it enters the callee), `out` and `lend` registers still
//!   have the Int, Bool or Float that they had, but no word, `io` ones hold a valid value, all
//!   others are as they were.
//! - After a call, failed or not, the registers from `base` up are dead. So what is lent to a
//!   callee, its closure too, is owned below `base`, or outlives the frame.
//! - Words that are always immediates (of type Null, Bool in a word, variants without fields) may
//!   be dropped or lost as is convenient.

/// Calls the macro `$then` with the whole table.
#[macro_export]
macro_rules! for_each_op {
    ($then:ident) => {
        $then! {
            // ---- moves and constants
            /// `R[dst] := R[src]`; a word keeps its ownership state, and `src` is absent after.
            Move move_ "move" { out dst: Reg @ 0, take src: Reg @ 1 }
            /// `R[dst] := R[src]`, one more reference.
            Dup dup "dup" { out dst: Reg @ 0, use src: Reg @ 1 }
            /// Gives up `R[a]`'s reference.
            Drop drop "drop" { take a: Reg @ 0 }
            /// `R[dst] := R[src]` borrowed.
            Lend lend "lend" { lend dst: Reg @ 0, use src: Reg @ 1 }
            /// `R[dst] := K[k]`.
            Const const_ "const" { out dst: Reg @ 0, imm k: Const @ 1 }
            /// `R[dst] := i`.
            IntConst int_const "int.const" { out dst: Reg @ 0, imm i: Imm32 @ 1 }
            /// `R[dst] := G[g]`; fails Null when a word is not there yet.
            GlobalGet global_get "global.get" { lend dst: Reg @ 0, imm g: Global @ 1 }
            /// `G[g] := R[src]`, marked shared. What was there before stays alive.
            GlobalSet global_set "global.set" { imm g: Global @ 0, take src: Reg @ 1 }

            // ---- Int
            /// `R[dst] := R[a] + R[b]`; fails Overflow.
            IntAdd int_add "int.add" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] - R[b]`; fails Overflow.
            IntSub int_sub "int.sub" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] * R[b]`; fails Overflow.
            IntMul int_mul "int.mul" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] / R[b]` truncated; fails Division, Overflow.
            IntDiv int_div "int.div" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] // R[b]` floored; fails Division, Overflow.
            IntFloorDiv int_floor_div "int.fdiv" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] % R[b]`, sign of `b`; fails Division.
            IntMod int_mod "int.mod" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] ** R[b]`; fails Overflow, and on a negative exponent.
            IntPow int_pow "int.pow" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := -R[a]`; fails Overflow.
            IntNeg int_neg "int.neg" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := R[a] & R[b]`.
            IntAnd int_and "int.and" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] | R[b]`.
            IntOr int_or "int.or" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] ^ R[b]`.
            IntXor int_xor "int.xor" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] << R[b]`, bits leave at the top; fails on a negative count (64 and
            /// more give 0).
            IntShl int_shl "int.shl" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] >> R[b]`, arithmetic; fails on a negative count.
            IntShr int_shr "int.shr" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := ~R[a]`.
            IntNot int_not "int.not" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := R[a] + i`; fails Overflow.
            IntAddI int_add_i "int.addi" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] * i`; fails Overflow.
            IntMulI int_mul_i "int.muli" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] / i` truncated, `i` not 0 or -1.
            IntDivI int_div_i "int.divi" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] // i` floored, `i` not 0 or -1.
            IntFloorDivI int_floor_div_i "int.fdivi" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] % i`, `i` not 0.
            IntModI int_mod_i "int.modi" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] & i`, `i` sign-extended.
            IntAndI int_and_i "int.andi" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] << i`, 0 ≤ i < 64.
            IntShlI int_shl_i "int.shli" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] >> i` arithmetic, 0 ≤ i < 64.
            IntShrI int_shr_i "int.shri" { out dst: Reg @ 0, use a: Reg @ 1, imm i: Imm16 @ 2 }
            /// `R[dst] := R[a] + R[b]` modulo 2^64.
            IntWrapAdd int_wrap_add "int.wadd" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] - R[b]` modulo 2^64.
            IntWrapSub int_wrap_sub "int.wsub" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] * R[b]` modulo 2^64.
            IntWrapMul int_wrap_mul "int.wmul" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] == R[b]` (Int, Bool).
            IntEq int_eq "int.eq" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] != R[b]`.
            IntNe int_ne "int.ne" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] < R[b]`.
            IntLt int_lt "int.lt" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] <= R[b]`.
            IntLe int_le "int.le" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := not R[a]` (Bool).
            BoolNot bool_not "bool.not" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := float(R[a])`, nearest.
            IntToFloat int_to_float "int.float" { out dst: Reg @ 0, use a: Reg @ 1 }

            // ---- Float
            /// `R[dst] := R[a] + R[b]`.
            FloatAdd float_add "float.add" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] - R[b]`.
            FloatSub float_sub "float.sub" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] * R[b]`.
            FloatMul float_mul "float.mul" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] / R[b]` (IEEE: never fails).
            FloatDiv float_div "float.div" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := floor(R[a] / R[b])`.
            FloatFloorDiv float_floor_div "float.fdiv" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] - R[b] * floor(R[a] / R[b])`.
            FloatMod float_mod "float.mod" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] ** R[b]`.
            FloatPow float_pow "float.pow" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := -R[a]`.
            FloatNeg float_neg "float.neg" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := sqrt(R[a])`.
            FloatSqrt float_sqrt "float.sqrt" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := abs(R[a])`.
            FloatAbs float_abs "float.abs" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := R[a] * R[b] + R[c]`, rounded twice.
            FloatMulAdd float_mul_add "float.muladd" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2, use c: Reg @ 3 }
            /// `R[dst] := R[c] - R[a] * R[b]`, rounded twice.
            FloatMulSub float_mul_sub "float.mulsub" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2, use c: Reg @ 3 }
            /// `R[dst] := R[a] == R[b]`.
            FloatEq float_eq "float.eq" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] != R[b]`.
            FloatNe float_ne "float.ne" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] < R[b]`.
            FloatLt float_lt "float.lt" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }
            /// `R[dst] := R[a] <= R[b]`.
            FloatLe float_le "float.le" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }

            // ---- jumps; `loop*` are the back-edges: they poll
            /// Goes to `to`.
            Jump jump "jump" { imm to: Label32 @ 0 }
            /// Goes to `to` if `R[a]` (Bool).
            JumpIf jump_if "jump.if" { use a: Reg @ 0, imm to: Label32 @ 1 }
            /// Goes to `to` unless `R[a]`.
            JumpIfNot jump_if_not "jump.ifnot" { use a: Reg @ 0, imm to: Label32 @ 1 }
            /// Goes to `to` if `R[a] == R[b]` (Int).
            JumpIntEq jump_int_eq "jump.int.eq" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] != R[b]`.
            JumpIntNe jump_int_ne "jump.int.ne" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] < R[b]`.
            JumpIntLt jump_int_lt "jump.int.lt" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] <= R[b]`.
            JumpIntLe jump_int_le "jump.int.le" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] == i`.
            JumpIntEqI jump_int_eq_i "jump.int.eqi" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] != i`.
            JumpIntNeI jump_int_ne_i "jump.int.nei" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] < i`.
            JumpIntLtI jump_int_lt_i "jump.int.lti" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] <= i`.
            JumpIntLeI jump_int_le_i "jump.int.lei" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] > i`.
            JumpIntGtI jump_int_gt_i "jump.int.gti" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] >= i`.
            JumpIntGeI jump_int_ge_i "jump.int.gei" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] == R[b]` (Float).
            JumpFloatEq jump_float_eq "jump.float.eq" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] != R[b]`.
            JumpFloatNe jump_float_ne "jump.float.ne" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] < R[b]`.
            JumpFloatLt jump_float_lt "jump.float.lt" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a] <= R[b]`.
            JumpFloatLe jump_float_le "jump.float.le" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` unless `R[a] < R[b]` (NaN goes).
            JumpFloatNotLt jump_float_not_lt "jump.float.nlt" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` unless `R[a] <= R[b]`.
            JumpFloatNotLe jump_float_not_le "jump.float.nle" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` if `R[a]` is null; on the other way its type loses Null.
            JumpIfNull jump_if_null "jump.null" { use a: Reg @ 0, imm to: Label32 @ 1 }
            /// Goes to `to` if `R[a]` is not null; there its type loses Null.
            JumpIfNotNull jump_if_not_null "jump.notnull" { use a: Reg @ 0, imm to: Label32 @ 1 }
            /// Goes to `to` if `R[a]` has type `t` (a variant, record, list …; also unions and
            /// enums); there its type is `t`.
            JumpIfType jump_if_type "jump.type" { use a: Reg @ 0, imm t: Type @ 1, imm to: Label16 @ 2 }
            /// Goes to `to` unless `R[a]` has type `t`; on the other way its type is `t`.
            JumpIfNotType jump_if_not_type "jump.nottype" { use a: Reg @ 0, imm t: Type @ 1, imm to: Label16 @ 2 }
            /// As `jump.type`, far.
            JumpIfTypeFar jump_if_type_far "jump.type.far" { use a: Reg @ 0, imm t: Type @ 1, imm to: Label32 @ 3 }
            /// As `jump.nottype`, far.
            JumpIfNotTypeFar jump_if_not_type_far "jump.nottype.far" { use a: Reg @ 0, imm t: Type @ 1, imm to: Label32 @ 3 }
            /// Goes to entry `variant number` of jump table `t`; there `R[a]` has that variant's
            /// type.
            SwitchTag switch_tag "switch.tag" { use a: Reg @ 0, imm e: Type @ 1, imm t: Table @ 2 }
            /// Goes to entry `R[a] - low` of jump table `t`, or to its last entry when outside.
            SwitchInt switch_int "switch.int" { use a: Reg @ 0, imm low: Imm16 @ 1, imm t: Table @ 2 }
            /// Back-edge: goes to `to`.
            Loop loop_ "loop" { imm to: Label32 @ 0 }
            /// Back-edge if `R[a]`.
            LoopIf loop_if "loop.if" { use a: Reg @ 0, imm to: Label32 @ 1 }
            /// Back-edge unless `R[a]`.
            LoopIfNot loop_if_not "loop.ifnot" { use a: Reg @ 0, imm to: Label32 @ 1 }
            /// Back-edge if `R[a] == R[b]` (Int).
            LoopIntEq loop_int_eq "loop.int.eq" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] != R[b]`.
            LoopIntNe loop_int_ne "loop.int.ne" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] < R[b]`.
            LoopIntLt loop_int_lt "loop.int.lt" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] <= R[b]`.
            LoopIntLe loop_int_le "loop.int.le" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] == i`.
            LoopIntEqI loop_int_eq_i "loop.int.eqi" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] != i`.
            LoopIntNeI loop_int_ne_i "loop.int.nei" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] < i`.
            LoopIntLtI loop_int_lt_i "loop.int.lti" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] <= i`.
            LoopIntLeI loop_int_le_i "loop.int.lei" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] > i`.
            LoopIntGtI loop_int_gt_i "loop.int.gti" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] >= i`.
            LoopIntGeI loop_int_ge_i "loop.int.gei" { use a: Reg @ 0, imm i: Imm16 @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] < R[b]` (Float).
            LoopFloatLt loop_float_lt "loop.float.lt" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// Back-edge if `R[a] <= R[b]` (Float).
            LoopFloatLe loop_float_le "loop.float.le" { use a: Reg @ 0, use b: Reg @ 1, imm to: Label16 @ 2 }
            /// `R[i] += 1`; back-edge if `R[i] < R[limit]`. `R[i] < R[limit]` held before.
            ForInt for_int "for.int" { io i: Reg @ 0, use limit: Reg @ 1, imm to: Label16 @ 2 }
            /// If `R[i] < R[limit]`: `R[i] += 1` and back-edge.
            ForIntLe for_int_le "for.int.le" { io i: Reg @ 0, use limit: Reg @ 1, imm to: Label16 @ 2 }
            /// `R[i] += 1`; if `R[i] < len(R[xs])`: `R[dst] := R[xs][R[i]]` (8-byte plain) and
            /// back-edge.
            ForList for_list "for.list" { io i: Reg @ 0, use xs: Reg @ 1, out dst: Reg @ 2, imm to: Label32 @ 3 }
            /// As `for.list` for words; the element is borrowed.
            ForListWord for_list_word "for.list.w" { io i: Reg @ 0, use xs: Reg @ 1, lend dst: Reg @ 2, imm to: Label32 @ 3 }
            /// As `for.list` for Bools.
            ForListByte for_list_byte "for.list.b" { io i: Reg @ 0, use xs: Reg @ 1, out dst: Reg @ 2, imm to: Label32 @ 3 }

            // ---- calls
            /// `R[base] := func(R[base+1], …)`. Polls.
            Call call "call" { imm base: Window @ 0, imm func: Func @ 1 }
            /// `R[base] := R[base](R[base+1], …)`; closure and arguments are borrowed: the caller
            /// keeps them alive. Polls.
            CallClosure call_closure "call.closure" { imm base: Window @ 0, imm argc: Count @ 1 }
            /// `R[dst] := native(R[first], …)`; parameters are borrowed, a `mut` one is inout.
            CallNative call_native "call.native" { out dst: Reg @ 0, imm first: Window @ 1, imm native: Native @ 2 }
            /// As `call.native` on a place inside `R[root]`: index operands of `path`, then the
            /// native's other arguments, stand from `R[first]`. Nothing is changed on failure.
            CallNativeAt call_native_at "call.native.at" { out dst: Reg @ 0, io root: Reg @ 1, imm first: Window @ 2, imm path: Path @ 3, imm native: Native @ 4 }
            /// Returns `R[a]`.
            Return return_ "return" { take a: Reg @ 0 }
            /// Returns null.
            ReturnNull return_null "return.null" { }

            // ---- words: boxing, tests
            /// `R[dst] := word of the Int R[a]`.
            BoxInt box_int "box.int" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := word of the Float R[a]`.
            BoxFloat box_float "box.float" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := word of the Bool R[a]`.
            BoxBool box_bool "box.bool" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := the Int in R[a]`; fails Cast.
            UnboxInt unbox_int "unbox.int" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := the Float in R[a]`; fails Cast.
            UnboxFloat unbox_float "unbox.float" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// `R[dst] := the Bool in R[a]`; fails Cast.
            UnboxBool unbox_bool "unbox.bool" { out dst: Reg @ 0, use a: Reg @ 1 }
            /// Fails Cast unless `R[a]` has type `t`; its type is `t` afterwards. `R[a]` may be
            /// borrowed and stays so.
            Cast cast "cast" { io a: Reg @ 0, imm t: Type @ 1 }
            /// `R[a]`'s static type becomes the wider `t` (no code at run time but this op);
            /// `R[a]` may be borrowed and stays so.
            Widen widen "widen" { io a: Reg @ 0, imm t: Type @ 1 }
            /// `R[dst] := R[a] has type t`.
            IsType is_type "is" { out dst: Reg @ 0, use a: Reg @ 1, imm t: Type @ 2 }
            /// `R[dst] := R[a] == R[b]` by structure; both of type `t`.
            Equal equal "equal" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2, imm t: Type @ 3 }
            /// `R[dst] := -1, 0, 1` as `R[a]` is less than, equal to or greater than `R[b]`.
            Compare compare "compare" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2, imm t: Type @ 3 }

            // ---- records, tuples, variants, closures
            /// `R[dst] := new t(R[first], …)`, one register per field (or capture), all taken.
            New new "new" { out dst: Reg @ 0, imm first: Window @ 1, imm t: Type @ 2 }
            /// `R[dst] := R[a].f` (plain). Capture `i` of a closure is field `i + 1`; an Error's
            /// fields are kind, message, location (Strings), trace, causes (lists).
            FieldGet field_get "field.get" { out dst: Reg @ 0, use a: Reg @ 1, imm f: Field @ 2 }
            /// `R[dst] := R[a].f` (word, borrowed).
            FieldGetWord field_get_word "field.get.w" { lend dst: Reg @ 0, use a: Reg @ 1, imm f: Field @ 2 }
            /// `R[a].f := R[v]` (plain), copying the object first when it is not unique.
            FieldSet field_set "field.set" { io a: Reg @ 0, imm f: Field @ 1, use v: Reg @ 2 }
            /// `R[a].f := R[v]` (word); the old value is dropped.
            FieldSetWord field_set_word "field.set.w" { io a: Reg @ 0, imm f: Field @ 1, take v: Reg @ 2 }

            // ---- lists; a negative index counts from the end
            /// `R[dst] := [R[first], …]` of `n` elements, all taken.
            ListNew list_new "list.new" { out dst: Reg @ 0, imm first: Window @ 1, imm n: Count @ 2, imm t: Type @ 3 }
            /// `R[dst] := len(R[xs])`.
            ListLen list_len "list.len" { out dst: Reg @ 0, use xs: Reg @ 1 }
            /// `R[dst] := R[xs][R[i]]` (8-byte plain); fails Index.
            ListGet list_get "list.get" { out dst: Reg @ 0, use xs: Reg @ 1, use i: Reg @ 2 }
            /// As `list.get` for words; borrowed.
            ListGetWord list_get_word "list.get.w" { lend dst: Reg @ 0, use xs: Reg @ 1, use i: Reg @ 2 }
            /// As `list.get` for Bools.
            ListGetByte list_get_byte "list.get.b" { out dst: Reg @ 0, use xs: Reg @ 1, use i: Reg @ 2 }
            /// `R[xs][R[i]] := R[v]` (8-byte plain), copying first when not unique; fails Index.
            ListSet list_set "list.set" { io xs: Reg @ 0, use i: Reg @ 1, use v: Reg @ 2 }
            /// As `list.set` for words.
            ListSetWord list_set_word "list.set.w" { io xs: Reg @ 0, use i: Reg @ 1, take v: Reg @ 2 }
            /// As `list.set` for Bools.
            ListSetByte list_set_byte "list.set.b" { io xs: Reg @ 0, use i: Reg @ 1, use v: Reg @ 2 }
            /// Appends `R[v]` (8-byte plain); fails Memory.
            ListPush list_push "list.push" { io xs: Reg @ 0, use v: Reg @ 1 }
            /// Appends a word.
            ListPushWord list_push_word "list.push.w" { io xs: Reg @ 0, take v: Reg @ 1 }
            /// Appends a Bool.
            ListPushByte list_push_byte "list.push.b" { io xs: Reg @ 0, use v: Reg @ 1 }
            /// `R[dst] := R[xs][R[i]][R[j]]` (8-byte plain in a list of lists); fails Index.
            ListGet2 list_get2 "list.get2" { out dst: Reg @ 0, use xs: Reg @ 1, use i: Reg @ 2, use j: Reg @ 3 }
            /// `R[xs][R[i]][R[j]] := R[v]`; fails Index.
            ListSet2 list_set2 "list.set2" { io xs: Reg @ 0, use i: Reg @ 1, use j: Reg @ 2, use v: Reg @ 3 }
            /// `R[dst] := R[xs][R[i]].f` (plain field of a record or tuple); fails Index.
            ListGetField list_get_field "list.getf" { out dst: Reg @ 0, use xs: Reg @ 1, use i: Reg @ 2, imm f: Field @ 3 }
            /// `R[xs][R[i]].f := R[v]` (plain); fails Index.
            ListSetField list_set_field "list.setf" { io xs: Reg @ 0, use i: Reg @ 1, imm f: Field @ 2, use v: Reg @ 3 }

            // ---- maps
            /// `R[dst] := R[m][R[k]]` (plain value); fails Key.
            MapGet map_get "map.get" { out dst: Reg @ 0, use m: Reg @ 1, use k: Reg @ 2 }
            /// As `map.get` for words; borrowed.
            MapGetWord map_get_word "map.get.w" { lend dst: Reg @ 0, use m: Reg @ 1, use k: Reg @ 2 }
            /// `R[dst] := R[m][R[k]]`, or `R[default]` where the key is missing (plain value).
            MapGetOr map_get_or "map.getor" { out dst: Reg @ 0, use m: Reg @ 1, use k: Reg @ 2, use default: Reg @ 3 }
            /// `R[m][R[k]] := R[v]`: insert or replace; key and value are borrowed (one more
            /// reference where they are stored).
            MapSet map_set "map.set" { io m: Reg @ 0, use k: Reg @ 1, use v: Reg @ 2 }
            /// `R[dst] := R[k] in R[m]`.
            MapHas map_has "map.has" { out dst: Reg @ 0, use m: Reg @ 1, use k: Reg @ 2 }

            // ---- places deeper than one step
            /// `place := R[v]`: walks `path` (its index operands stand from `R[first]`) from
            /// `R[root]`, copying what is not unique; nothing is changed on failure.
            PlaceSet place_set "place.set" { io root: Reg @ 0, imm first: Window @ 1, imm path: Path @ 2, take v: Reg @ 3 }

            // ---- strings
            /// `R[dst] := ` the `n` Strings from `R[first]` joined; they are borrowed.
            StrConcat str_concat "str.concat" { out dst: Reg @ 0, imm first: Window @ 1, imm n: Count @ 2 }
            /// `R[s] ++= R[t]`, in place when unique.
            StrAppend str_append "str.append" { io s: Reg @ 0, use t: Reg @ 1 }
            /// `R[dst] := text of R[a]`, a value of type `t`, as `print` shows it.
            ToStr to_str "str.of" { out dst: Reg @ 0, use a: Reg @ 1, imm t: Type @ 2 }
            /// `R[dst] := R[a] == R[b]` (Strings).
            StrEq str_eq "str.eq" { out dst: Reg @ 0, use a: Reg @ 1, use b: Reg @ 2 }

            // ---- failures
            /// First instruction of a handler: `R[dst] :=` the pending failure, an Error.
            Landing landing "landing" { out dst: Reg @ 0 }
            /// Fails with the Error `R[a]`.
            Throw throw "throw" { take a: Reg @ 0 }
            /// Goes on unwinding with the failure that `landing` took (cancellation stays one).
            Rethrow rethrow "rethrow" { take a: Reg @ 0 }
            /// Fails with kind `kind` and message `K[k]`.
            Fail fail "fail" { imm kind: Kind @ 0, imm k: Const @ 1 }
            /// Cancellation is held back until `unmask` (cleanup code runs between).
            Mask mask "mask" { }
            /// Ends `mask`.
            Unmask unmask "unmask" { }

            // ---- tasks
            /// `R[dst] :=` a Future of a new fiber running the closure `R[body]`; `mode` 0 task,
            /// 1 detached, 2 submit, 3 global.
            Spawn spawn "spawn" { out dst: Reg @ 0, take body: Reg @ 1, imm mode: Count @ 2 }
            /// `R[dst] :=` the value of the Future `R[f]`, waiting for it; re-raises its failure.
            Await await_ "await" { out dst: Reg @ 0, use f: Reg @ 1 }
        }
    };
}
