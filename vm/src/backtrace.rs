//! Errors with their place in the program: location, stack trace, report.

use lumen_runtime::heap::object::slot_ptr;
use lumen_runtime::heap::word::header;
use lumen_runtime::heap::{Heap, error, list, record, string};

use crate::interp::dispatch::{Cx, Pc};
use crate::load::image::Image;

/// Innermost frames that a trace names.
const INNER: usize = 48;
/// Outermost frames that a trace names.
const OUTER: usize = 16;

/// The line of a trace between a task's frames and its awaiter's.
const AWAITED: &str = "awaited";

/// The frames of a fiber that stands at `pc`, innermost first, as instruction addresses.
///
/// # Safety
/// `fp` is the newest frame record of a fiber that runs `image`.
pub(crate) unsafe fn frames(image: &Image, pc: Pc, mut fp: *const u64) -> Vec<Pc> {
    let mut frames = vec![pc];
    loop {
        // SAFETY: records go on to the one of the entry frame.
        let back = unsafe { *fp } as Pc;
        if back == image.exit_pc() {
            return frames;
        }
        // SAFETY: a call stands before the place it returns to; records are adjacent.
        unsafe {
            frames.push(back.sub(1));
            fp = fp.add(1);
        }
    }
}

/// Makes the Error for a failure of the instruction at `pc`. Its trace is added where unwinding
/// begins ([`add_trace_due`]): until then native code may hold frames back.
///
/// # Safety
/// `pc` and `cx` are the running fiber's.
#[inline(never)]
pub(crate) unsafe fn new_error(pc: Pc, cx: Cx, kind: &str, message: &str) -> u64 {
    // SAFETY: by contract.
    unsafe {
        let image = (*cx).image();
        let heap = (*cx).heap();
        let Ok(word) = error::new(heap, kind, message, &image.location(pc)) else {
            return image.no_memory;
        };
        (*cx).trace_due = true;
        word
    }
}

/// Gives an Error made by the program, owned, location and trace if it has none.
///
/// # Safety
/// As [`new_error`]; `word` is an owned Error.
#[inline(never)]
pub(crate) unsafe fn complete_error(pc: Pc, cx: Cx, mut word: u64) -> u64 {
    // SAFETY: by contract.
    unsafe {
        let image = (*cx).image();
        let heap = (*cx).heap();
        if list::len(error::list_slot(word, error::TRACE)) > 0
            || !error::text(word, error::LOCATION).is_empty()
        {
            return word;
        }
        if record::make_unique(heap, &mut word).is_ok()
            && error::locate(heap, word, &image.location(pc)).is_ok()
        {
            (*cx).trace_due = true;
        }
        word
    }
}

/// The Error to raise where a task is awaited whose failure is `word` (owned): the same failure,
/// with the trace of the awaiter after its own.
///
/// # Safety
/// As [`complete_error`].
#[inline(never)]
pub(crate) unsafe fn awaited_error(cx: Cx, mut word: u64) -> u64 {
    // SAFETY: by contract.
    unsafe {
        (*cx).trace_due = mark_awaited((*cx).heap(), &mut word);
        word
    }
}

/// Says in an Error's trace that what follows is its awaiter's, and whether it could: whoever
/// raises it adds that ([`rethrown_error`]).
///
/// # Safety
/// `word` is an owned Error.
pub(crate) unsafe fn mark_awaited(heap: &mut Heap, word: &mut u64) -> bool {
    // SAFETY: by contract; the Error is unique when its trace grows.
    unsafe {
        record::make_unique(heap, word).is_ok() && error::push_trace(heap, *word, AWAITED).is_ok()
    }
}

/// An owned Error that is raised again. If its trace ends where that of its awaiter is to follow,
/// the frames here are added to it.
///
/// # Safety
/// As [`complete_error`].
#[inline(never)]
pub(crate) unsafe fn rethrown_error(cx: Cx, mut word: u64) -> u64 {
    // SAFETY: by contract; the trace is a `list[String]`.
    unsafe {
        let trace = list::slots(error::list_slot(word, error::TRACE));
        if trace
            .last()
            .is_some_and(|line| string::as_str(*line) == AWAITED)
        {
            (*cx).trace_due = record::make_unique((*cx).heap(), &mut word).is_ok();
        }
        word
    }
}

/// Gives the pending failure of the instruction at `pc` its trace.
///
/// # Safety
/// `pc` and `cx` are the running fiber's, whose frames are all in its block; `trace_due` is set.
#[cold]
#[inline(never)]
pub(crate) unsafe fn add_trace_due(pc: Pc, cx: Cx) {
    // SAFETY: by contract; the failure was made, or made unique, by the instruction that failed.
    unsafe {
        (*cx).trace_due = false;
        let image = (*cx).image();
        let frames = frames(image, pc, (*cx).fp);
        add_trace((*cx).heap(), image, (*cx).failure, &frames);
    }
}

/// Appends trace lines; stops quietly when memory runs out.
unsafe fn add_trace(heap: &mut Heap, image: &Image, word: u64, frames: &[Pc]) {
    // SAFETY: `word` is an Error that only the caller has.
    unsafe {
        let trace = &mut *slot_ptr(header(word), error::TRACE);
        let n = frames.len();
        let cut = n > INNER + OUTER;
        let inner = if cut { INNER } else { n };
        let push_all = |heap: &mut Heap, trace: &mut u64, frames: &[Pc]| {
            frames.iter().all(|pc| {
                let words = image.trace_words(*pc);
                !words.is_empty() && words.iter().all(|w| list::push(heap, trace, *w).is_ok())
            })
        };
        if !push_all(heap, trace, &frames[..inner]) || !cut {
            return;
        }
        let skipped = n - INNER - OUTER;
        if let Ok(line) = string::new(heap, &format!("… {skipped} more frames"))
            && list::push(heap, trace, line).is_ok()
        {
            push_all(heap, trace, &frames[n - OUTER..]);
        }
    }
}

/// What a failure that nobody caught looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureReport {
    /// Kind.
    pub kind: String,
    /// Message.
    pub message: String,
    /// `file:line:column`, or empty.
    pub location: String,
    /// Stack trace, innermost frame first.
    pub trace: Vec<String>,
    /// Failures that led to it, or happened while it unwound.
    pub causes: Vec<FailureReport>,
    /// The source line of the location, if known.
    pub source_line: Option<String>,
}

/// Deeper causes than this are not reported.
const CAUSES: usize = 16;

impl FailureReport {
    /// Reads an Error.
    ///
    /// # Safety
    /// `word` is a live Error of the program `image`.
    pub(crate) unsafe fn of(image: &Image, word: u64) -> FailureReport {
        // SAFETY: by contract.
        unsafe { Self::at_depth(image, word, 0) }
    }

    unsafe fn at_depth(image: &Image, word: u64, depth: usize) -> FailureReport {
        // SAFETY: an Error's slots hold Strings and lists of Strings and Errors.
        unsafe {
            let text = |slot| error::text(word, slot).to_owned();
            let trace = list::slots(error::list_slot(word, error::TRACE)).iter();
            let causes = match depth < CAUSES {
                true => list::slots(error::list_slot(word, error::CAUSES)),
                false => &[],
            };
            let location = text(error::LOCATION);
            FailureReport {
                kind: text(error::KIND),
                message: text(error::MESSAGE),
                source_line: source_line(image, &location).map(str::to_owned),
                location,
                trace: trace.map(|w| string::as_str(*w).to_owned()).collect(),
                causes: causes
                    .iter()
                    .map(|c| Self::at_depth(image, *c, depth + 1))
                    .collect(),
            }
        }
    }

    /// The report as text, as it is printed on standard error.
    pub fn render(&self) -> String {
        let mut out = format!("error: {}\n", self.message);
        self.render_body(&mut out, "");
        out
    }

    fn render_body(&self, out: &mut String, indent: &str) {
        use std::fmt::Write;
        // Writing to a String does not fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{indent}{text}");
        };
        if !self.location.is_empty() {
            line(format!("  --> {}", self.location));
        }
        if let Some((number, source)) = self.number().zip(self.source_line.as_deref()) {
            let column = self.column().unwrap_or(1);
            let pad = " ".repeat(number.len());
            let before: String = source.chars().take(column - 1).collect();
            let skip: String = before
                .chars()
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            line(format!(" {pad} |"));
            line(format!(" {number} | {source}"));
            line(format!(" {pad} | {skip}^"));
        }
        line(format!("  kind: {}", self.kind));
        for frame in &self.trace {
            let at = if frame == AWAITED { "" } else { "at " };
            line(format!("  {at}{frame}"));
        }
        for cause in &self.causes {
            let _ = writeln!(out, "{indent}caused by: {}", cause.message);
            cause.render_body(out, &format!("{indent}  "));
        }
    }

    fn number(&self) -> Option<&str> {
        self.location.rsplit(':').nth(1)
    }

    fn column(&self) -> Option<usize> {
        self.location
            .rsplit(':')
            .next()?
            .parse()
            .ok()
            .filter(|c| *c > 0)
    }
}

/// The source line that a location names.
fn source_line<'a>(image: &'a Image, location: &str) -> Option<&'a str> {
    let mut parts = location.rsplitn(3, ':');
    let (_, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let index = image.files.iter().position(|f| f == file)?;
    let line: usize = line.parse().ok()?;
    image.sources.get(index)?.lines().nth(line.checked_sub(1)?)
}
