//! What a program grants a tool, against the arguments of a call.

use lumen_runtime::native::Tool;
use serde_json::{Map, Value};

/// Arguments that name a place on the network.
const PLACES: &[&str] = &["domain", "host", "url"];

/// Says what a call asks for beyond what is granted.
pub(super) fn check(tool: &Tool, arguments: &Map<String, Value>) -> Result<(), String> {
    for (key, _) in &tool.grants {
        let granted: Vec<&str> = tool
            .grants
            .iter()
            .filter(|(k, _)| k == key)
            .map(|(_, value)| value.as_str())
            .collect();
        match key.as_str() {
            // The machine sees to it.
            "timeout_ms" => {}
            "domain" => {
                for place in PLACES {
                    if let Some(asked) = arguments.get(*place) {
                        let host = host_of(&text_of(asked)).to_owned();
                        allowed(tool, place, &host, &granted, |g| matches(g, &host))?;
                    }
                }
            }
            _ => {
                if let Some(asked) = arguments.get(key) {
                    let text = text_of(asked);
                    allowed(tool, key, &text, &granted, |g| within(g, asked))?;
                }
            }
        }
    }
    Ok(())
}

fn allowed(
    tool: &Tool,
    key: &str,
    asked: &str,
    granted: &[&str],
    test: impl Fn(&str) -> bool,
) -> Result<(), String> {
    if granted.iter().any(|g| test(g)) {
        return Ok(());
    }
    let name = &tool.name;
    let granted = granted.join(", ");
    Err(format!(
        "`{name}` is not granted {key} {asked}; granted is {granted}"
    ))
}

/// Numbers are upper limits, all else is to be the same.
fn within(granted: &str, asked: &Value) -> bool {
    match (granted.parse::<f64>(), asked.as_f64()) {
        (Ok(limit), Some(asked)) => asked <= limit,
        _ => text_of(asked) == granted,
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The host in a URL, or the text itself.
fn host_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.split_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    }
}

/// `*.example.com` stands for every name under it.
fn matches(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix("*.") {
        Some(parent) => host
            .strip_suffix(parent)
            .is_some_and(|h| h.len() > 1 && h.ends_with('.')),
        None => pattern == "*" || pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool(grants: &[(&str, &str)]) -> Tool {
        let grants = grants
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Tool {
            path: "llm.chat".to_owned(),
            name: "Chat".to_owned(),
            grants: grants.collect(),
        }
    }

    fn asked(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn numbers_are_limits_and_texts_alternatives() {
        let chat = tool(&[("model", "a"), ("model", "b"), ("max_tokens", "10")]);
        assert_eq!(
            check(&chat, &asked(json!({"model": "b", "max_tokens": 10}))),
            Ok(())
        );
        assert_eq!(check(&chat, &asked(json!({"prompt": "x"}))), Ok(()));
        let refused = check(&chat, &asked(json!({"model": "c"})));
        let expected = "`Chat` is not granted model c; granted is a, b";
        assert_eq!(refused, Err(expected.to_owned()));
        assert!(check(&chat, &asked(json!({"max_tokens": 11}))).is_err());
        assert!(check(&chat, &asked(json!({"max_tokens": "many"}))).is_err());
    }

    #[test]
    fn domains_are_matched_as_names() {
        let fetch = tool(&[("domain", "*.example.com"), ("domain", "localhost")]);
        let ok = |url: &str| check(&fetch, &asked(json!({ "url": url }))).is_ok();
        assert!(ok("https://api.example.com/v1?q=1"));
        assert!(ok("http://user@API.example.com:80/"));
        assert!(ok("localhost:8080/x"));
        assert!(!ok("https://example.com/"));
        assert!(!ok("https://evilexample.com/"));
        assert!(!ok("https://evil.org/api.example.com"));
        assert!(!ok("https://api.example.com@evil.org/"));
    }
}
