//! The check that a request is one of the document, for clients other than [`Api`](crate::Api).

use std::sync::OnceLock;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde_json::Value;

use super::{ClosedSchemas, document, find, operations, resolved};

/// Checks that a request conforms to the document: its path, method, parameters and body. `target` is the path with its
/// query. Returns the operation.
///
/// # Errors
/// What the document lacks, or declares with another type.
///
/// # Panics
/// When `target` is not part of a URL.
pub fn check_request(
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<&'static Value, String> {
    let url = Url::parse(&format!("http://service{target}")).expect("a path with a query");
    let Some((template, name, operation)) = find(document(), method, url.path()) else {
        return Err(format!("{method} {target} is not in the document"));
    };
    let query = url.query_pairs().map(|(name, text)| (name.into_owned(), text.into_owned()));
    let own = |name: &str| name.starts_with("x-") || name == "idempotency-key";
    let headers = headers.iter().filter(|(name, _)| own(name.as_str()));
    let headers =
        headers.map(|(name, text)| (name.to_string(), String::from_utf8_lossy(text.as_bytes()).into_owned()));
    check_parameters(operation, "query", query)
        .and_then(|()| check_parameters(operation, "header", headers))
        .and_then(|()| check_body(operation, body))
        .map_err(|wrong| format!("{name} {template}: {wrong}"))?;
    Ok(operation)
}

fn check_parameters(
    operation: &'static Value,
    place: &str,
    sent: impl Iterator<Item = (String, String)>,
) -> Result<(), String> {
    let declared = operation["parameters"].as_array().into_iter().flatten().map(resolved);
    let declared: Vec<&'static Value> = declared.filter(|parameter| parameter["in"] == place).collect();
    for (name, text) in sent {
        let is_it = |parameter: &&'static Value| {
            parameter["name"].as_str().is_some_and(|declared| declared.eq_ignore_ascii_case(&name))
        };
        let Some(parameter) = declared.iter().copied().find(is_it) else {
            return Err(format!("{place} `{name}` is not in the document"));
        };
        let schema = resolved(&parameter["schema"]);
        let fits = match schema["type"].as_str() {
            Some("integer") => text.parse::<i64>().is_ok(),
            Some("number") => text.parse::<f64>().is_ok(),
            _ => true,
        };
        if !fits {
            return Err(format!("{place} `{name}` is `{text}`, but {schema}"));
        }
    }
    Ok(())
}

fn check_body(operation: &'static Value, body: &[u8]) -> Result<(), String> {
    static BODIES: OnceLock<ClosedSchemas> = OnceLock::new();
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() || body.is_empty() {
        let is_right = schema.is_null() && body.is_empty();
        return if is_right { Ok(()) } else { Err("a body too many, or none".to_owned()) };
    }
    let bodies = BODIES.get_or_init(|| {
        let bodies = operations(document())
            .map(|(_, _, operation)| &operation["requestBody"]["content"]["application/json"]["schema"]);
        let bodies = bodies.filter(|schema| !schema.is_null()).cloned().collect();
        ClosedSchemas::compile(document(), bodies)
    });
    let body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    bodies.check(schema, &body)
}
