//! External tools: which provider answers a call, as `lumen.toml` says.
//!
//! The file is looked for in the program's folder and those around it. Without one, every tool is
//! an echo. What a program grants a tool is checked before the call leaves the process.

mod command;
mod grants;
mod http;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use lumen_runtime::native::{Failure, ToolCall, kind};
use serde_json::{Map, Value, json};
use toml::Table;

use command::Running;
use http::Endpoint;

/// The file that says who provides what.
const FILE: &str = "lumen.toml";

/// How often a call looks whether it has been abandoned.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The tools of a program.
#[derive(Debug)]
pub struct Tools {
    folder: PathBuf,
    providers: OnceLock<Result<Option<HashMap<String, Provider>>, String>>,
}

/// Who answers.
#[derive(Debug)]
enum Provider {
    Echo,
    Script(Mutex<std::vec::IntoIter<Value>>),
    Command(Mutex<Running>),
    Http(Endpoint),
}

impl Tools {
    /// Those of a program in `folder`.
    pub fn of(folder: &Path) -> Tools {
        Tools {
            folder: folder.to_owned(),
            providers: OnceLock::new(),
        }
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// Failures of kind `Grant`, when the call is more than was granted, and `Tool`.
    pub fn call(&self, call: &ToolCall<'_>) -> Result<String, Failure> {
        let arguments: Map<String, Value> =
            serde_json::from_str(call.arguments).map_err(|e| failed(call, &e.to_string()))?;
        grants::check(call.tool, &arguments).map_err(|why| Failure::new(kind::GRANT, why))?;
        let providers = self.providers.get_or_init(|| configured(&self.folder));
        let provider = match providers {
            Err(why) => return Err(Failure::new(kind::TOOL, why.clone())),
            Ok(None) => &Provider::Echo,
            Ok(Some(all)) => match all.get(&call.tool.path) {
                Some(provider) => provider,
                None => return Err(failed(call, &format!("it is not in {FILE}"))),
            },
        };
        let patience = Patience::of(call, grants::time(call.tool, &arguments));
        let answer = match provider {
            Provider::Echo => Ok(echo(arguments)),
            Provider::Script(replies) => {
                let mut replies = replies.lock().unwrap_or_else(|e| e.into_inner());
                replies
                    .next()
                    .ok_or_else(|| "the script has no more replies".to_owned())
            }
            Provider::Command(running) => {
                let mut running = running.lock().unwrap_or_else(|e| e.into_inner());
                let request = json!({
                    "tool": call.tool.path,
                    "arguments": arguments,
                    "messages": messages(call),
                });
                patience
                    .check()
                    .and_then(|()| running.call(&request, &patience))
            }
            Provider::Http(endpoint) => {
                endpoint.call(call.tool, arguments, messages(call), &patience)
            }
        };
        answer.map(|value| value.to_string()).map_err(|why| {
            match patience.limit.filter(|_| patience.is_late()) {
                Some(ms) => {
                    let message = format!("`{}` took longer than {ms} ms", call.tool.name);
                    Failure::new(kind::TIMEOUT, message)
                }
                None => failed(call, &why),
            }
        })
    }
}

fn failed(call: &ToolCall<'_>, why: &str) -> Failure {
    Failure::new(kind::TOOL, format!("tool `{}`: {why}", call.tool.path))
}

fn messages(call: &ToolCall<'_>) -> Vec<Value> {
    let one = |(role, text): &(String, String)| json!({ "role": role, "content": text });
    call.messages.iter().map(one).collect()
}

/// How long a call is waited for: real time, whatever the program's clock does.
struct Patience<'a> {
    abandoned: &'a AtomicBool,
    limit: Option<u64>,
    until: Option<Instant>,
}

impl<'a> Patience<'a> {
    /// For a call that may take so many milliseconds from now.
    fn of(call: &ToolCall<'a>, limit: Option<u64>) -> Patience<'a> {
        let time = limit.map(Duration::from_millis);
        Patience {
            abandoned: call.abandoned,
            limit,
            until: time.and_then(|time| Instant::now().checked_add(time)),
        }
    }

    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    /// Fails when the answer need not be waited for any more.
    fn check(&self) -> Result<(), String> {
        if self.is_late() {
            Err("its time is up".to_owned())
        } else if self.abandoned.load(Ordering::Acquire) {
            Err("nobody waits any more".to_owned())
        } else {
            Ok(())
        }
    }

    /// Waits for what a thread sends.
    fn receive<T>(&self, from: &Receiver<T>) -> Result<T, String> {
        loop {
            let left = self
                .until
                .map(|until| until.saturating_duration_since(Instant::now()));
            let pause = left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY));
            match from.recv_timeout(pause) {
                Ok(received) => return Ok(received),
                Err(RecvTimeoutError::Disconnected) => return Err("it ended".to_owned()),
                Err(RecvTimeoutError::Timeout) => self.check()?,
            }
        }
    }
}

/// The prompt, or the arguments.
fn echo(mut arguments: Map<String, Value>) -> Value {
    match arguments.remove("prompt") {
        Some(prompt) => prompt,
        None => Value::Object(arguments),
    }
}

/// What `lumen.toml` says; `None` where there is none.
fn configured(folder: &Path) -> Result<Option<HashMap<String, Provider>>, String> {
    let start = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(path) = start
        .ancestors()
        .map(|f| f.join(FILE))
        .find(|p| p.is_file())
    else {
        return Ok(None);
    };
    let fault = |why: &str| format!("{}: {why}", path.display());
    let text = fs::read_to_string(&path).map_err(|e| fault(&e.to_string()))?;
    let table: Table = text
        .parse()
        .map_err(|e: toml::de::Error| fault(e.message()))?;
    let tools = match table.get("tools") {
        None => return Ok(Some(HashMap::new())),
        Some(tools) => tools
            .as_table()
            .ok_or_else(|| fault("`tools` is no table"))?,
    };
    let base = path.parent().unwrap_or(Path::new("."));
    let mut providers = HashMap::new();
    for (name, settings) in tools {
        let provider = settings
            .as_table()
            .ok_or_else(|| "it is no table".to_owned())
            .and_then(|settings| provider(settings, base))
            .map_err(|why| fault(&format!("[tools.\"{name}\"]: {why}")))?;
        providers.insert(name.clone(), provider);
    }
    Ok(Some(providers))
}

fn provider(settings: &Table, base: &Path) -> Result<Provider, String> {
    match settings.get("provider").and_then(|p| p.as_str()) {
        Some("echo") => Ok(Provider::Echo),
        Some("script") => {
            let replies = settings.get("replies").and_then(|r| r.as_array());
            let replies = replies.ok_or("`replies` is a list of answers")?;
            let replies: Vec<Value> = replies.iter().map(json_of).collect();
            Ok(Provider::Script(Mutex::new(replies.into_iter())))
        }
        Some("command") => {
            let command = texts(settings, "command")?;
            Ok(Provider::Command(Mutex::new(Running::new(command, base)?)))
        }
        Some("openai-compatible") => Endpoint::of(settings).map(Provider::Http),
        Some(other) => Err(format!(
            "unknown provider `{other}`; expected openai-compatible, command, script or echo"
        )),
        None => Err("`provider` is missing".to_owned()),
    }
}

fn texts(settings: &Table, key: &str) -> Result<Vec<String>, String> {
    let list = settings.get(key).and_then(|v| v.as_array());
    let texts = list.and_then(|list| {
        let text = |v: &toml::Value| v.as_str().map(str::to_owned);
        list.iter().map(text).collect::<Option<Vec<String>>>()
    });
    texts.ok_or_else(|| format!("`{key}` is a list of texts"))
}

fn json_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(s) => Value::from(s.as_str()),
        toml::Value::Integer(i) => Value::from(*i),
        toml::Value::Float(f) => Value::from(*f),
        toml::Value::Boolean(b) => Value::from(*b),
        toml::Value::Datetime(d) => Value::from(d.to_string()),
        toml::Value::Array(list) => list.iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            let entry = |(key, value): (&String, &toml::Value)| (key.clone(), json_of(value));
            Value::Object(table.iter().map(entry).collect())
        }
    }
}
