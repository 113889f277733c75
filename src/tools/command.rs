//! A tool that is a program: one request a line on its input, one reply a line on its output.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Patience;

/// How long a program may take to end by itself when there are no more requests.
const GRACE: Duration = Duration::from_millis(500);

/// The program; it is started by the first call, and again when it has ended.
#[derive(Debug)]
pub(super) struct Running {
    program: String,
    arguments: Vec<String>,
    folder: PathBuf,
    child: Option<Conversation>,
}

#[derive(Debug)]
struct Conversation {
    child: Child,
    /// Requests, which a thread writes: a program that does not read would hold up the caller.
    requests: Option<Sender<String>>,
    /// Its lines, as a thread reads them.
    output: Receiver<std::io::Result<String>>,
}

impl Running {
    /// `command` is the program and its arguments; it runs in `folder`.
    pub(super) fn new(command: Vec<String>, folder: &Path) -> Result<Running, String> {
        let mut words = command.into_iter();
        let program = words.next().ok_or("`command` is empty")?;
        Ok(Running {
            program,
            arguments: words.collect(),
            folder: folder.to_owned(),
            child: None,
        })
    }

    /// Sends a request and waits for the reply.
    pub(super) fn call(
        &mut self,
        request: &Value,
        patience: &Patience<'_>,
    ) -> Result<Value, String> {
        let line = self.exchange(request, patience);
        if line.is_err() {
            // What it says next would belong to another request.
            if let Some(mut conversation) = self.child.take() {
                conversation.kill();
            }
        }
        let reply: Value = serde_json::from_str(line?.trim_end())
            .map_err(|e| format!("the reply is no JSON: {e}"))?;
        match (reply.get("ok"), reply.get("error")) {
            (Some(answer), None) => Ok(answer.clone()),
            (None, Some(Value::String(message))) => Err(message.clone()),
            (None, Some(error)) => Err(error.to_string()),
            _ => Err("the reply has neither `ok` nor `error`".to_owned()),
        }
    }

    fn exchange(&mut self, request: &Value, patience: &Patience<'_>) -> Result<String, String> {
        if !self.child.as_mut().is_some_and(Conversation::is_alive) {
            self.child = None;
        }
        let conversation = match &mut self.child {
            Some(conversation) => conversation,
            none => none.insert(Conversation::start(
                &self.program,
                &self.arguments,
                &self.folder,
            )?),
        };
        if let Some(requests) = &conversation.requests {
            // A program that takes no requests gives no reply either.
            let _ = requests.send(format!("{request}\n"));
        }
        match patience.receive(&conversation.output) {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(e)) => Err(format!("`{}` gives no reply: {e}", self.program)),
            Err(why) => match patience.check() {
                Err(_) => Err(why),
                Ok(()) => Err(format!("`{}` ended without a reply", self.program)),
            },
        }
    }
}

impl Conversation {
    fn start(program: &str, arguments: &[String], folder: &Path) -> Result<Conversation, String> {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot start `{program}`: {e}"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => {
                let (sender, receiver) = mpsc::channel();
                std::thread::spawn(move || {
                    // Until it ends, or nobody listens any more.
                    let lines = BufReader::new(output).lines();
                    let _ = lines.map(|line| sender.send(line)).find(Result::is_err);
                });
                let (requests, to_write) = mpsc::channel();
                std::thread::spawn(move || write_all(input, &to_write));
                Ok(Conversation {
                    child,
                    requests: Some(requests),
                    output: receiver,
                })
            }
            _ => Err(format!("cannot talk to `{program}`")),
        }
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn kill(&mut self) {
        // It may have ended already; either way it is not to be left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes requests until there are no more, or the program does not take them.
fn write_all(mut input: ChildStdin, requests: &Receiver<String>) {
    for request in requests {
        let written = input.write_all(request.as_bytes());
        if written.and_then(|()| input.flush()).is_err() {
            break;
        }
    }
}

impl Drop for Conversation {
    /// The program sees the end of its input, and has a moment to end by itself.
    fn drop(&mut self) {
        self.requests = None;
        let until = Instant::now() + GRACE;
        while self.is_alive() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.kill();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::atomic::AtomicBool;

    use serde_json::json;

    use super::*;

    fn asked(script: &str, times: usize, limit: Option<u64>) -> Vec<Result<Value, String>> {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let mut running = Running::new(command, Path::new(".")).unwrap();
        let abandoned = AtomicBool::new(false);
        let ask = |_| {
            let patience = Patience {
                abandoned: &abandoned,
                limit,
                until: limit.map(|ms| Instant::now() + Duration::from_millis(ms)),
            };
            // More than a pipe holds, so that a program that reads nothing is noticed.
            running.call(&json!({ "q": "x".repeat(100_000) }), &patience)
        };
        (0..times).map(ask).collect()
    }

    #[test]
    fn one_process_answers_line_by_line() {
        let script = r#"n=0; while read -r x; do n=$((n+1)); echo "{\"ok\": $n}"; done"#;
        assert_eq!(asked(script, 2, None), [Ok(json!(1)), Ok(json!(2))]);
    }

    #[test]
    fn it_is_started_again_after_it_has_ended() {
        let script = r#"read -r x; echo '{"ok": 1}'; read -r x; exit 1"#;
        let answers = asked(script, 3, None);
        assert_eq!(answers[0], Ok(json!(1)));
        assert!(
            answers[1]
                .as_ref()
                .is_err_and(|why| why.contains("ended without"))
        );
        assert_eq!(answers[2], Ok(json!(1)));
    }

    #[test]
    fn a_program_that_reads_nothing_is_given_up_in_time() {
        let answers = asked("exec sleep 1000000", 1, Some(30));
        assert_eq!(answers, [Err("its time is up".to_owned())]);
    }

    #[test]
    fn odd_replies_are_failures() {
        let said = |script| asked(script, 1, None).remove(0).unwrap_err();
        assert_eq!(said(r#"read -r x; echo '{"error": "no"}'"#), "no");
        assert!(said("read -r x; echo '{}'").contains("neither"));
        assert!(said("read -r x; echo hm").contains("no JSON"));
    }
}
