//! Calls of external tools. The call itself runs on a thread for calls that block; meanwhile other
//! fibers go on. In a deterministic run the call is made on the spot: how long an answer takes
//! must not decide which fiber runs next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use lumen_runtime::heap::handle::{self, HandleData};
use lumen_runtime::heap::well_known;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::native::tasks::{deadline, discard, fiber, machine, stop};
use lumen_runtime::native::{
    Failure, Host, NativeCx, NativeResult, NativeStop, Tool, ToolCall, fail, int, kind, text, words,
};
use lumen_runtime::task::future::FutureRef;
use lumen_runtime::{FiberCx, Outcome, SpawnInfo, WaitError};
use lumen_stdlib::json::{JsonError, Layout, parse, write};

natives! {
    "rt.tool_call(Int, map[String, Json], list[String]) -> Json" => tool_call,
}

/// A call under way.
struct Call {
    tool: Arc<Tool>,
    future: FutureRef,
    answer: Arc<Mutex<Option<Result<String, Failure>>>>,
    abandoned: Arc<AtomicBool>,
    /// When its time is up.
    until: Option<u64>,
}

impl HandleData for Call {
    fn describe(&self, out: &mut String) {
        out.push_str("Call");
    }
}

/// How long a call may take, if that is limited.
fn limit(tool: &Tool) -> Option<i64> {
    let granted = tool.grants.iter().filter(|(key, _)| key == "timeout_ms");
    granted.filter_map(|(_, value)| value.parse().ok()).min()
}

fn tool_call(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    let kept = machine.kept();
    if kept.get() == 0 {
        let request = Request::of(cx, args)?;
        if fiber.is_deterministic() {
            let answer = request.call();
            return value(cx, &request.tool, Some(answer));
        }
        let call = start(fiber, machine.site(), request);
        let ty = machine.future_type(well_known::ANY);
        kept.set(handle::new(cx.heap, ty, Arc::new(call))?);
    }
    // SAFETY: the handle made above, which is kept until the answer is there.
    let Some(call) = (unsafe { handle::get_arc::<Call>(kept.get()) }) else {
        return fail(kind::CAST, "no call of a tool");
    };
    let waited = match call.future.poll_await(fiber, call.until) {
        Poll::Pending => return Err(NativeStop::Parked),
        Poll::Ready(waited) => waited,
    };
    discard(cx, kept.take());
    match waited {
        Ok(Outcome::Failed(error)) => Err(NativeStop::Raised(error)),
        Ok(_) => {
            let mut answer = call.answer.lock().unwrap_or_else(|e| e.into_inner());
            value(cx, &call.tool, answer.take())
        }
        Err(why) => {
            call.abandoned.store(true, Ordering::Release);
            call.future.cancel(fiber);
            match (why, limit(&call.tool)) {
                (WaitError::Timeout, Some(ms)) => {
                    let name = &call.tool.name;
                    fail(kind::TIMEOUT, format!("`{name}` took longer than {ms} ms"))
                }
                _ => Err(stop(why)),
            }
        }
    }
}

/// What is asked, owned: for another thread.
struct Request {
    tool: Arc<Tool>,
    host: Arc<dyn Host + Send>,
    arguments: String,
    messages: Vec<(String, String)>,
    abandoned: Arc<AtomicBool>,
}

impl Request {
    fn of(cx: &NativeCx<'_>, args: &[u64]) -> Result<Request, NativeStop> {
        let machine = machine(cx)?;
        let number = usize::try_from(int(args[0])).unwrap_or(usize::MAX);
        let (Some(tool), Some(host)) = (machine.tool(number), machine.shared_host()) else {
            return fail(kind::TOOL, "there are no tools here");
        };
        // SAFETY: a live value of the parameter's type.
        let written = unsafe { write(cx.types, args[1], cx.params[1], Layout::Compact) };
        let arguments = written.map_err(|why| {
            let message = format!("the arguments of `{}`: {why}", tool.name);
            Failure::new(kind::TOOL, message)
        })?;
        let messages = words(&args[2]).chunks_exact(2);
        Ok(Request {
            tool,
            host,
            arguments,
            messages: messages
                .map(|pair| (text(&pair[0]).to_owned(), text(&pair[1]).to_owned()))
                .collect(),
            abandoned: Arc::default(),
        })
    }

    fn call(&self) -> Result<String, Failure> {
        self.host.call_tool(&ToolCall {
            tool: &self.tool,
            arguments: &self.arguments,
            messages: &self.messages,
            abandoned: &self.abandoned,
        })
    }
}

fn start(fiber: &FiberCx, site: u64, request: Request) -> Call {
    let tool = Arc::clone(&request.tool);
    let answer = Arc::new(Mutex::new(None));
    let until = limit(&tool).and_then(|ms| deadline(fiber, ms));
    let info = SpawnInfo {
        name: Some(tool.path.as_str().into()),
        site,
    };
    let (given, abandoned) = (Arc::clone(&answer), Arc::clone(&request.abandoned));
    let future = fiber.spawn_blocking(info, move || {
        let result = request.call();
        *given.lock().unwrap_or_else(|e| e.into_inner()) = Some(result);
        Outcome::Ok(NULL)
    });
    Call {
        tool,
        future,
        answer,
        abandoned,
        until,
    }
}

/// The value of an answer.
fn value(
    cx: &mut NativeCx<'_>,
    tool: &Tool,
    answer: Option<Result<String, Failure>>,
) -> NativeResult {
    match answer {
        Some(Ok(json)) => parse(cx.heap, &json).map_err(|why| match why {
            JsonError::Memory => Failure::out_of_memory().into(),
            JsonError::Invalid(why) => {
                let message = format!("the answer of `{}` is no JSON: {why}", tool.name);
                Failure::new(kind::TOOL, message).into()
            }
        }),
        Some(Err(failure)) => Err(failure.into()),
        None => fail(kind::TOOL, format!("`{}` gave no answer", tool.name)),
    }
}
