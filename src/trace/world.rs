//! The world of recorded runs, whose answers are kept, and that of replays, which has only those.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use lumen_runtime::native::{Failure, Host, Stream, ToolCall};

use super::{Answer, Input, digest};
use crate::Exit;
use crate::host::Process;

/// Where the answers come from.
#[derive(Debug)]
enum Answers {
    /// The process; they are kept.
    Asked(Vec<Input>),
    /// A trace: what is left of it, by question.
    Kept(HashMap<String, VecDeque<Answer>>),
}

/// What goes out.
#[derive(Debug, Default)]
struct Output {
    /// Does it also go where it belongs?
    shown: bool,
    texts: [Vec<u8>; 2],
}

/// The world of one run.
pub struct World {
    process: Process,
    arguments: Vec<String>,
    answers: Mutex<Answers>,
    out: Mutex<Output>,
    /// The first question that the trace does not answer.
    unanswered: Mutex<Option<String>>,
    /// Ends the run that is under way.
    interrupt: Interrupt,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

type Interrupt = Arc<Mutex<Option<Box<dyn Fn() -> bool + Send>>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl World {
    /// One that asks the process and keeps its answers. `shown`: output goes out, too.
    #[must_use]
    pub fn asking(file: &Path, arguments: Vec<String>, seed: u64, shown: bool) -> World {
        World::new(file, arguments, seed, shown, Answers::Asked(Vec::new()))
    }

    /// One that gives the answers of a trace, and performs nothing.
    #[must_use]
    pub fn answering(file: &Path, arguments: Vec<String>, seed: u64, inputs: &[Input]) -> World {
        let mut kept: HashMap<String, VecDeque<Answer>> = HashMap::new();
        for input in inputs {
            let queue = kept.entry(input.call.clone()).or_default();
            queue.push_back(input.answer.clone());
        }
        World::new(file, arguments, seed, false, Answers::Kept(kept))
    }

    fn new(file: &Path, arguments: Vec<String>, seed: u64, shown: bool, answers: Answers) -> World {
        World {
            process: Process::new(file, arguments.clone(), 1, Some(seed)),
            arguments,
            answers: Mutex::new(answers),
            out: Mutex::new(Output {
                shown,
                ..Output::default()
            }),
            unanswered: Mutex::default(),
            interrupt: Interrupt::default(),
        }
    }

    /// Ends the run that is under way, as a signal would.
    pub fn interrupt(&self) {
        if let Some(interrupt) = &*lock(&self.interrupt) {
            interrupt();
        }
    }

    /// The run is over.
    pub fn ended(&self) {
        *lock(&self.interrupt) = None;
    }

    /// The signal's exit, if one has stopped the program.
    pub fn stopped(&self) -> Option<Exit> {
        self.process.stopped()
    }

    /// Hands on what has been printed so far.
    pub fn flush(&self) {
        self.process.flush();
    }

    /// What has been asked and answered.
    pub fn take_inputs(&self) -> Vec<Input> {
        match &mut *lock(&self.answers) {
            Answers::Asked(inputs) => std::mem::take(inputs),
            Answers::Kept(_) => Vec::new(),
        }
    }

    /// The first question that the trace does not answer.
    pub fn unanswered(&self) -> Option<String> {
        lock(&self.unanswered).clone()
    }

    /// What has been printed: stdout, stderr.
    pub fn take_output(&self) -> [Vec<u8>; 2] {
        std::mem::take(&mut lock(&self.out).texts)
    }

    /// The answer to a question: the trace's, or the one that `ask` gets.
    fn answer(&self, call: &str, ask: impl FnOnce() -> Answer) -> Answer {
        if let Answers::Kept(kept) = &mut *lock(&self.answers) {
            let next = kept.get_mut(call).and_then(VecDeque::pop_front);
            return next.unwrap_or_else(|| {
                lock(&self.unanswered).get_or_insert_with(|| call.to_owned());
                let message = format!("the trace has no answer to `{call}`");
                Answer::Failed(String::new(), message)
            });
        }
        // Asked without the lock: others may ask meanwhile.
        let answer = ask();
        if let Answers::Asked(inputs) = &mut *lock(&self.answers) {
            let (call, answer) = (call.to_owned(), answer.clone());
            inputs.push(Input { call, answer });
        }
        answer
    }

    fn number(&self, call: &str, ask: impl FnOnce() -> i64) -> i64 {
        let bytes = |n: i64| Answer::Bytes(n.to_le_bytes().to_vec());
        match self.answer(call, || bytes(ask())) {
            Answer::Bytes(bytes) => bytes.try_into().map_or(0, i64::from_le_bytes),
            _ => 0,
        }
    }
}

fn of_result(result: Result<Vec<u8>, String>) -> Answer {
    match result {
        Ok(bytes) => Answer::Bytes(bytes),
        Err(message) => Answer::Failed(String::new(), message),
    }
}

fn to_result(answer: Answer) -> Result<Vec<u8>, String> {
    match answer {
        Answer::Bytes(bytes) => Ok(bytes),
        Answer::Nothing => Ok(Vec::new()),
        Answer::Failed(_, message) => Err(message),
    }
}

impl Host for World {
    fn started(&self, interrupt: Box<dyn Fn() -> bool + Send>) {
        *lock(&self.interrupt) = Some(interrupt);
        let shared = Arc::clone(&self.interrupt);
        let interrupt = move || lock(&shared).as_ref().is_some_and(|interrupt| interrupt());
        self.process.started(Box::new(interrupt));
    }

    fn arguments(&self) -> &[String] {
        &self.arguments
    }

    fn write(&self, stream: Stream, text: &str) -> Result<(), String> {
        let mut out = lock(&self.out);
        let at = match stream {
            Stream::Out => 0,
            Stream::Err => 1,
        };
        out.texts[at].extend(text.as_bytes());
        if out.shown {
            self.process.write(stream, text)?;
        }
        Ok(())
    }

    fn read_line(&self) -> Result<Option<String>, String> {
        let answer = self.answer("stdin.line", || match self.process.read_line() {
            Ok(Some(line)) => Answer::Bytes(line.into_bytes()),
            Ok(None) => Answer::Nothing,
            Err(message) => Answer::Failed(String::new(), message),
        });
        match answer {
            Answer::Nothing => Ok(None),
            Answer::Bytes(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Answer::Failed(_, message) => Err(message),
        }
    }

    fn read_rest(&self) -> Result<Vec<u8>, String> {
        to_result(self.answer("stdin.rest", || of_result(self.process.read_rest())))
    }

    fn now_ns(&self) -> i64 {
        self.number("clock.now", || self.process.now_ns())
    }

    fn timestamp_ms(&self) -> i64 {
        self.number("clock.timestamp", || self.process.timestamp_ms())
    }

    fn random(&self) -> u64 {
        // Seeded: it repeats itself.
        self.process.random()
    }

    fn call_tool(&self, call: &ToolCall<'_>) -> Result<String, Failure> {
        let mut asked = call.arguments.as_bytes().to_vec();
        for (role, text) in call.messages {
            asked.extend(format!("\n{role}: {text}").as_bytes());
        }
        let name = format!("tool {} {:016x}", call.tool.path, digest(&asked));
        let answer = self.answer(&name, || match self.process.call_tool(call) {
            Ok(text) => Answer::Bytes(text.into_bytes()),
            Err(failure) => Answer::Failed(failure.kind.into_owned(), failure.message),
        });
        match answer {
            Answer::Failed(kind, message) if kind.is_empty() => {
                Err(Failure::new(lumen_runtime::native::kind::TOOL, message))
            }
            Answer::Failed(kind, message) => Err(Failure {
                kind: kind.into(),
                message,
            }),
            other => {
                let bytes = to_result(other).unwrap_or_default();
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }

    fn effect(
        &self,
        name: &str,
        run: &mut dyn FnMut() -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, String> {
        to_result(self.answer(name, || of_result(run())))
    }
}
