//! Chat completions over HTTP, as many services speak them. `curl` does the transport, so that
//! proxies, certificates and the like are those of the system.

use std::env;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use lumen_runtime::native::Tool;
use serde_json::{Map, Value, json};
use toml::Table;

use super::Patience;

/// Where requests go.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: String,
    key_variable: Option<String>,
    model: Option<String>,
}

impl Endpoint {
    /// From the settings `base_url`, `api_key_env` and `model`.
    pub(super) fn of(settings: &Table) -> Result<Endpoint, String> {
        let text = |key: &str| settings.get(key).and_then(|v| v.as_str());
        let base = text("base_url").ok_or("`base_url` is missing")?;
        if !(base.starts_with("http://") || base.starts_with("https://")) {
            return Err(format!("`base_url` is an http address, not `{base}`"));
        }
        Ok(Endpoint {
            url: format!("{}/chat/completions", base.trim_end_matches('/')),
            key_variable: text("api_key_env").map(str::to_owned),
            model: text("model").map(str::to_owned),
        })
    }

    /// Sends a call; the answer is the text of the first choice.
    pub(super) fn call(
        &self,
        tool: &Tool,
        arguments: Map<String, Value>,
        messages: Vec<Value>,
        patience: &Patience<'_>,
    ) -> Result<Value, String> {
        let body = self.body(tool, arguments, messages);
        let reply = self.post(&body.to_string(), patience)?;
        let reply: Value =
            serde_json::from_str(&reply).map_err(|e| format!("the reply is no JSON: {e}"))?;
        if let Some(error) = reply.get("error") {
            let message = error.get("message").and_then(Value::as_str);
            return Err(message.map_or_else(|| error.to_string(), str::to_owned));
        }
        match reply.pointer("/choices/0/message/content") {
            Some(content) => Ok(content.clone()),
            None => Err("the reply has no choices".to_owned()),
        }
    }

    /// The prompt is the last message; other arguments are settings. What is granted and not asked
    /// for otherwise is asked for.
    fn body(
        &self,
        tool: &Tool,
        mut arguments: Map<String, Value>,
        mut messages: Vec<Value>,
    ) -> Value {
        // That is for this side to see to.
        arguments.remove("timeout_ms");
        if let Some(prompt) = arguments.remove("prompt") {
            messages.push(json!({ "role": "user", "content": prompt }));
        }
        for (key, value) in &tool.grants {
            let granted = match key.as_str() {
                "model" => Value::from(value.as_str()),
                "max_tokens" => value.parse::<i64>().map_or(Value::Null, Value::from),
                _ => continue,
            };
            if !arguments.contains_key(key) && !granted.is_null() {
                arguments.insert(key.clone(), granted);
            }
        }
        if let (Some(model), false) = (&self.model, arguments.contains_key("model")) {
            arguments.insert("model".to_owned(), Value::from(model.as_str()));
        }
        arguments.insert("messages".to_owned(), Value::Array(messages));
        Value::Object(arguments)
    }

    fn post(&self, body: &str, patience: &Patience<'_>) -> Result<String, String> {
        let mut config = format!("url = {}\n", quoted(&self.url));
        config.push_str("header = \"Content-Type: application/json\"\n");
        if let Some(variable) = &self.key_variable {
            let key = env::var(variable).map_err(|_| format!("`{variable}` is not set"))?;
            config.push_str(&format!(
                "header = {}\n",
                quoted(&format!("Authorization: Bearer {key}"))
            ));
        }
        config.push_str(&format!("data-raw = {}\n", quoted(body)));
        // Key and request go through the input: arguments can be seen by everyone.
        let mut child = Command::new("curl")
            .args(["--silent", "--show-error", "--config", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot start `curl`: {e}"))?;
        if let Some(mut input) = child.stdin.take() {
            input
                .write_all(config.as_bytes())
                .map_err(|e| format!("`curl` does not take the request: {e}"))?;
        }
        let outputs = (child.stdout.take(), child.stderr.take());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut texts = (String::new(), String::new());
            let read = match outputs {
                (Some(mut out), Some(mut err)) => out
                    .read_to_string(&mut texts.0)
                    .and_then(|_| err.read_to_string(&mut texts.1)),
                _ => Ok(0),
            };
            // Nobody listens any more when the call has been abandoned.
            let _ = sender.send(read.map(|_| texts));
        });
        let received = patience.receive(&receiver);
        if received.is_err() {
            // It may have ended by itself.
            let _ = child.kill();
        }
        let status = child
            .wait()
            .map_err(|e| format!("`curl` gives no reply: {e}"))?;
        let (reply, complaint) = received?.map_err(|e| format!("no reply: {e}"))?;
        if status.success() {
            Ok(reply)
        } else {
            Err(complaint.trim().to_owned())
        }
    }
}

/// A text as curl's configuration writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
