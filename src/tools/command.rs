//! A tool that is a program: one request a line on its input, one reply a line on its output.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver};

use serde_json::Value;

use super::receive;

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
    input: ChildStdin,
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
        abandoned: &AtomicBool,
    ) -> Result<Value, String> {
        let line = self.exchange(request, abandoned);
        if line.is_err() {
            // What it says next would belong to another request.
            self.child = None;
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

    fn exchange(&mut self, request: &Value, abandoned: &AtomicBool) -> Result<String, String> {
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
        let sent = writeln!(conversation.input, "{request}");
        sent.and_then(|()| conversation.input.flush())
            .map_err(|e| format!("`{}` does not take requests: {e}", self.program))?;
        match receive(&conversation.output, abandoned) {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(e)) => Err(format!("`{}` gives no reply: {e}", self.program)),
            Err(_) => Err(format!("`{}` ended without a reply", self.program)),
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
                Ok(Conversation {
                    child,
                    input,
                    output: receiver,
                })
            }
            _ => Err(format!("cannot talk to `{program}`")),
        }
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It may have ended already; either way it is not to be left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
