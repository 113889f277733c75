//! What a program grants a tool, against the arguments of a call.

use lumen_runtime::native::Tool;
use serde_json::{Map, Value};

/// Arguments that name places on the network; a list names several.
const PLACES: &[&str] = &["domain", "domains", "host", "hosts", "url", "urls", "uri"];

/// Says what a call asks for beyond what is granted.
pub(super) fn check(tool: &Tool, arguments: &Map<String, Value>) -> Result<(), String> {
    for (key, _) in &tool.grants {
        let granted: Vec<&str> = limits(tool, key).collect();
        if key == "domain" {
            for place in PLACES {
                let asked = match arguments.get(*place) {
                    None => continue,
                    Some(Value::Array(all)) => all.as_slice(),
                    Some(one) => std::slice::from_ref(one),
                };
                for one in asked {
                    let host = one.as_str().and_then(host_of);
                    let shown = host.clone().unwrap_or_else(|| text_of(one));
                    let fits = |g: &str| host.as_ref().is_some_and(|host| matches(g, host));
                    allowed(tool, place, &shown, &granted, fits)?;
                }
            }
        } else if let Some(asked) = arguments.get(key) {
            allowed(tool, key, &text_of(asked), &granted, |g| within(g, asked))?;
        }
    }
    Ok(())
}

/// The time for a call that is granted and asked for, in milliseconds.
pub(super) fn time(tool: &Tool, arguments: &Map<String, Value>) -> Option<u64> {
    let granted = limits(tool, "timeout_ms").filter_map(|limit| limit.parse().ok());
    let asked = arguments.get("timeout_ms").and_then(Value::as_u64);
    granted.chain(asked).min()
}

fn limits<'a>(tool: &'a Tool, key: &str) -> impl Iterator<Item = &'a str> {
    let granted = tool.grants.iter().filter(move |(k, _)| k == key);
    granted.map(|(_, value)| value.as_str())
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

/// Numbers are upper limits, all else is to be the same. Negative numbers often stand for "no
/// limit": they are never within one.
fn within(granted: &str, asked: &Value) -> bool {
    match (granted.parse::<f64>(), asked.as_f64()) {
        (Ok(limit), Some(asked)) => (0.0..=limit).contains(&asked),
        _ => text_of(asked) == granted,
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The host in a URL, or the host itself. `None` for what one reader may take for another host
/// than the next reader: a backslash is a slash to some.
fn host_of(text: &str) -> Option<String> {
    if text.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        return None;
    }
    // Only what is a scheme stands before the host: `evil.org/?x://example.com` has none.
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(in_scheme) => rest,
        _ => text.strip_prefix("//").unwrap_or(text),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then(|| host.to_owned())
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
        assert!(check(&chat, &asked(json!({"max_tokens": -1}))).is_err());
        assert!(check(&chat, &asked(json!({"max_tokens": [1]}))).is_err());
    }

    #[test]
    fn the_shorter_time_counts() {
        let chat = tool(&[("timeout_ms", "50")]);
        assert_eq!(time(&chat, &asked(json!({}))), Some(50));
        assert_eq!(time(&chat, &asked(json!({"timeout_ms": 20}))), Some(20));
        assert!(check(&chat, &asked(json!({"timeout_ms": 51}))).is_err());
        assert_eq!(time(&tool(&[]), &asked(json!({}))), None);
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
        assert!(!ok("https://evil.org\\.example.com"));
        assert!(!ok("https://evil.org?.example.com"));
        assert!(!ok("evil.org/?to=https://api.example.com"));
        assert!(!ok("https://[::1]:80/"));
        assert!(ok("//api.example.com.:8080"));
        let all = |urls: Value| check(&fetch, &asked(json!({ "urls": urls }))).is_ok();
        assert!(all(json!(["https://a.example.com/", "localhost"])));
        assert!(!all(json!(["https://a.example.com/", "https://evil.org"])));
        assert!(!all(json!({"to": "localhost"})));
        assert!(!all(json!(7)));
    }
}
