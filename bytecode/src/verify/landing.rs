//! The landing table: its form, and what holds when an instruction fails.

use super::Check;
use super::code::Code;
use crate::code::Op;
use crate::module::{FrameMap, Function, Handler, Landing};

/// Ranges are in order, registers in the frame, handlers at frame maps and begin with `landing`.
pub(super) fn table(f: &Function) -> Check {
    let mut last = 0;
    for landing in &f.landings {
        let Landing { start, end, .. } = *landing;
        if start < last || end <= start || end as usize > f.code.len() {
            return Err(format!(
                "the landing of {start} .. {end} is empty or out of order"
            ));
        }
        last = end;
        let context = |e| format!("landing of {start} .. {end}: {e}");
        registers(f, &landing.drops).map_err(context)?;
        registers(f, &landing.cancel_drops).map_err(context)?;
        match landing.handler {
            Handler::None => {}
            Handler::Cleanup(pc) => handler(f, pc).map(|_| ()).map_err(context)?,
            Handler::Catch { pc, cancel } => {
                handler(f, pc).map_err(context)?;
                if let Some(cancel) = cancel {
                    handler(f, cancel).map_err(context)?;
                }
            }
        }
        let catches = matches!(landing.handler, Handler::Catch { .. });
        if !catches && !landing.cancel_drops.is_empty() {
            return Err(context("only a `catch` has `canceldrop`".into()));
        }
    }
    Ok(())
}

fn registers(f: &Function, regs: &[u16]) -> Check {
    if regs.windows(2).any(|w| w[0] >= w[1]) {
        return Err("registers to drop are out of order".into());
    }
    match regs.last() {
        Some(&r) if r >= f.frame => Err(format!("r{r} is not in the frame")),
        _ => Ok(()),
    }
}

fn handler(f: &Function, pc: u32) -> Check<&FrameMap> {
    let map = f.maps.binary_search_by_key(&pc, |m| m.pc);
    let map = map.map_err(|_| format!("the handler at {pc} has no frame map"))?;
    if Op::from_word(f.code[pc as usize]) != Some(Op::Landing) {
        return Err(format!("the handler at {pc} does not begin with `landing`"));
    }
    Ok(&f.maps[map])
}

impl Code<'_> {
    /// The instruction may fail, with the state as it is now.
    pub(super) fn fails(&mut self) -> Check {
        self.failure_checked = true;
        let f = self.function;
        let pc = self.pc as u32;
        // Ranges ascend, as `pc` does.
        while f.landings.get(self.landing).is_some_and(|l| l.end <= pc) {
            self.landing += 1;
        }
        let Some(landing) = f.landings.get(self.landing).filter(|l| l.start <= pc) else {
            return self
                .state
                .nothing_owned()
                .map_err(|e| format!("when it fails: {e}, and there is no landing"));
        };
        let to = |pc: Option<u32>| pc.map(|pc| handler(f, pc)).transpose();
        let (catch, cancel) = match landing.handler {
            Handler::None => (None, None),
            Handler::Cleanup(pc) => (Some(pc), None),
            Handler::Catch { pc, cancel } => (Some(pc), Some(cancel)),
        };
        self.state
            .flows(to(catch)?, &landing.drops)
            .map_err(|e| format!("when it fails: {e}"))?;
        if let Some(cancel) = cancel {
            self.state
                .flows(to(cancel)?, &landing.cancel_drops)
                .map_err(|e| format!("when it is cancelled: {e}"))?;
        }
        Ok(())
    }
}
