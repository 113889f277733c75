//! The world outside the program, for programs that are run by the commands.

use std::io::{BufRead, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lumen_runtime::native::{Failure, Host, Stream, ToolCall};
use lumen_runtime::signal::{Signal, on_interrupt};

use crate::Exit;
use crate::tools::Tools;

/// Output is collected up to this many bytes before it is handed to the system.
const OUTPUT_BUFFER_BYTES: usize = 64 * 1024;

/// Arguments, standard streams, clocks and chance of this process.
#[derive(Debug)]
pub struct Process {
    arguments: Vec<String>,
    workers: usize,
    start: Instant,
    random: AtomicU64,
    out: Mutex<Output>,
    /// The exit code of what stopped it; 0 when nothing has.
    stopped: Arc<AtomicU8>,
    tools: Tools,
}

#[derive(Debug)]
struct Output {
    stream: BufWriter<std::io::Stdout>,
    /// A person watches: every line is shown at once.
    terminal: bool,
}

impl Process {
    /// Has the program been stopped by a signal, and how does it end then?
    pub fn stopped(&self) -> Option<Exit> {
        let code = self.stopped.load(Ordering::Acquire);
        let exits = [Exit::Interrupted, Exit::Terminated];
        exits.into_iter().find(|exit| exit.code() == code)
    }

    /// For the program in `file` with these arguments; without a seed, chance is the system's.
    pub fn new(file: &Path, arguments: Vec<String>, workers: usize, seed: Option<u64>) -> Process {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let stream = BufWriter::with_capacity(OUTPUT_BUFFER_BYTES, stdout);
        Process {
            arguments,
            workers,
            start: Instant::now(),
            random: AtomicU64::new(seed.unwrap_or_else(chance)),
            out: Mutex::new(Output { stream, terminal }),
            stopped: Arc::default(),
            tools: Tools::of(match file.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            }),
        }
    }

    /// Prints `text`, as the program does.
    pub fn print(&self, text: &str) {
        // Output that cannot be written ends programs themselves with a failure; here the program
        // has ended, and there is nobody left to tell.
        let _ = self.write(Stream::Out, text);
    }

    /// Hands on what has been printed so far.
    pub fn flush(&self) {
        let mut out = self.out.lock().unwrap_or_else(|e| e.into_inner());
        end_if_closed(out.stream.flush());
    }
}

/// For a [`Host`] with a field `process` and standard streams of its own: the rest of its world is
/// that of the process.
macro_rules! world_of_process {
    () => {
        fn arguments(&self) -> &[String] {
            self.process.arguments()
        }

        fn now_ns(&self) -> i64 {
            self.process.now_ns()
        }

        fn timestamp_ms(&self) -> i64 {
            self.process.timestamp_ms()
        }

        fn random(&self) -> u64 {
            self.process.random()
        }

        fn workers(&self) -> usize {
            self.process.workers()
        }

        fn call_tool(&self, call: &ToolCall<'_>) -> Result<String, Failure> {
            self.process.call_tool(call)
        }
    };
}
pub(crate) use world_of_process;

/// A seed nobody can foresee: the standard library's hash keys come from the system.
fn chance() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

/// When the reader of a pipe has gone, nobody waits for the rest: the process ends quietly.
fn end_if_closed(result: std::io::Result<()>) {
    if result.is_err_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
        std::process::exit(Exit::Closed.code().into());
    }
}

impl Host for Process {
    fn started(&self, interrupt: Box<dyn Fn() -> bool + Send>) {
        let stopped = Arc::clone(&self.stopped);
        // Without a handler signals end the process, as they do by themselves.
        let _ = on_interrupt(move |signal| {
            let exit = match signal {
                Signal::Interrupt => Exit::Interrupted,
                Signal::Terminate => Exit::Terminated,
            };
            stopped.store(exit.code(), Ordering::Release);
            if interrupt() {
                std::process::exit(exit.code().into());
            }
        });
    }

    fn arguments(&self) -> &[String] {
        &self.arguments
    }

    fn write(&self, stream: Stream, text: &str) -> Result<(), String> {
        let mut out = self.out.lock().unwrap_or_else(|e| e.into_inner());
        let result = match stream {
            Stream::Out => {
                let written = out.stream.write_all(text.as_bytes());
                let show = out.terminal && text.contains('\n');
                written.and_then(|()| if show { out.stream.flush() } else { Ok(()) })
            }
            // What was printed before stands before it.
            Stream::Err => {
                let flushed = out.stream.flush();
                flushed.and_then(|()| std::io::stderr().write_all(text.as_bytes()))
            }
        };
        let message = result.as_ref().err().map(ToString::to_string);
        end_if_closed(result);
        message.map_or(Ok(()), Err)
    }

    fn read_line(&self) -> Result<Option<String>, String> {
        self.flush();
        let mut line = String::new();
        let count = std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|e| e.to_string())?;
        if count == 0 {
            return Ok(None);
        }
        if line.ends_with('\n') {
            line.pop();
            if line.ends_with('\r') {
                line.pop();
            }
        }
        Ok(Some(line))
    }

    fn read_rest(&self) -> Result<Vec<u8>, String> {
        self.flush();
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|e| e.to_string())?;
        Ok(bytes)
    }

    fn now_ns(&self) -> i64 {
        self.start
            .elapsed()
            .as_nanos()
            .try_into()
            .unwrap_or(i64::MAX)
    }

    fn timestamp_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        since.as_millis().try_into().unwrap_or(i64::MAX)
    }

    fn random(&self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014): one addition to the state, then mixing.
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .random
            .fetch_add(step, Ordering::Relaxed)
            .wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn workers(&self) -> usize {
        self.workers
    }

    fn call_tool(&self, call: &ToolCall<'_>) -> Result<String, Failure> {
        self.tools.call(call)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let process = Process::new(Path::new("p.lm"), Vec::new(), 1, Some(seed));
            [process.random(), process.random()]
        };
        assert_eq!(numbers(0), [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }
}
