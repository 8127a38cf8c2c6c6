//! The OpenAPI document, as client generators and the page `/docs` need it. [`e2e::document::check`] verifies in every
//! test that answers conform to it.

use std::collections::{BTreeMap, BTreeSet};

use e2e::document::{document, operations, resolved};
use serde_json::Value;

/// Operations without an owner.
const OPERATIONAL: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

fn calls() -> impl Iterator<Item = (String, &'static Value)> {
    let calls = operations(document()).filter(|(path, ..)| !OPERATIONAL.contains(path));
    calls.map(|(path, method, operation)| (format!("{method} {path}"), operation))
}

/// The header parameters of an operation, and whether they are required.
fn headers(operation: &'static Value) -> BTreeMap<&'static str, bool> {
    let parameters = operation["parameters"].as_array().unwrap().iter().map(resolved);
    let headers = parameters.filter(|parameter| parameter["in"] == "header");
    headers.map(|header| (header["name"].as_str().unwrap(), header["required"] == true)).collect()
}

/// The schemas of a request body, one for each media type.
fn bodies(operation: &'static Value) -> impl Iterator<Item = &'static Value> {
    let content = operation["requestBody"]["content"].as_object();
    let schemas =
        content.into_iter().flat_map(|content| content.values()).map(|content| resolved(&content["schema"]));
    schemas.flat_map(|schema| match schema["oneOf"].as_array() {
        Some(alternatives) => alternatives.iter().map(resolved).collect(),
        None => vec![schema],
    })
}

/// Whether an operation has a body that is not raw bytes.
fn has_fields(operation: &Value) -> bool {
    let content = operation["requestBody"]["content"].as_object();
    content.is_some_and(|content| content.keys().any(|media_type| !media_type.ends_with("octet-stream")))
}

#[test]
fn document_is_read_by_another_parser() {
    let read: oas3::Spec = serde_json::from_value(document().clone()).unwrap();
    assert_eq!(read.openapi, "3.1.0");
    assert_eq!(read.operations().count(), operations(document()).count());
    for (_, _, operation) in read.operations() {
        for parameter in operation.parameters(&read).unwrap() {
            assert!(parameter.schema.is_some(), "{}", parameter.name);
        }
    }
}

#[test]
fn every_call_declares_its_context() {
    for (call, operation) in calls() {
        let headers = headers(operation);
        let in_body = bodies(operation).any(|body| body["properties"].get("tenant_id").is_some());
        assert_eq!(in_body, has_fields(operation), "{call}: every body with fields may carry the context");
        for (name, required) in
            [("X-Tenant-Id", !in_body), ("X-Env", !in_body), ("X-User-Id", false), ("X-Request-Id", false)]
        {
            assert_eq!(headers.get(name), Some(&required), "{call}: {name}");
        }
        let is_post = call.starts_with("post ");
        assert_eq!(headers.get("Idempotency-Key"), is_post.then_some(&false), "{call}");
        let properties = bodies(operation).filter_map(|body| body["properties"].as_object());
        for field in properties.flat_map(|fields| ["tenant_id", "env", "user_id"].map(|name| &fields[name])) {
            assert!(field["pattern"].is_string() && field["maxLength"] == 128, "{call}: {field}");
        }
    }
    for (name, parameter) in document()["components"]["parameters"].as_object().unwrap() {
        if name == "RequestId" {
            continue; // Any text is accepted.
        }
        let schema = &parameter["schema"];
        assert_eq!(schema["pattern"], "^[A-Za-z0-9._:-]{1,128}$", "{name}");
        assert_eq!((&schema["minLength"], &schema["maxLength"]), (&1.into(), &128.into()), "{name}");
    }
}

#[test]
fn every_error_is_documented_as_a_problem() {
    let mut errors = 0;
    for (path, method, operation) in operations(document()) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["headers"].get("X-Request-Id").is_some(), "{method} {path} {status}");
            if status == "default" || status.starts_with(['4', '5']) {
                let schema = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{method} {path} {status}");
                let description = response["description"].as_str().unwrap();
                assert!(description.contains('`'), "{method} {path} {status} names its codes: {description}");
                errors += 1;
            }
        }
    }
    assert!(errors > 300, "only {errors}");
    let problem = &document()["components"]["schemas"]["Problem"];
    let required = ["type", "title", "status", "detail", "code", "request_id", "errors"];
    assert_eq!(problem["required"], serde_json::json!(required));
    for (call, operation) in calls() {
        assert!(operation["responses"].get("default").is_some(), "{call}");
    }
}

#[test]
fn every_operation_has_a_name_a_summary_and_a_tag() {
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(document()) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{name} is two operations");
        let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.chars().all(is_word), "{name}");
        assert!(OPERATIONAL.contains(&path) || name.contains('_'), "{name} says too little");
        let summary = operation["summary"].as_str().unwrap();
        assert!((1..100).contains(&summary.len()) && !summary.contains('\n'), "{method} {path}: {summary}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
    }
}

/// Collects every `$ref` under `value`.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn references_resolve() {
    let mut found = BTreeSet::new();
    references(document(), &mut found);
    assert!(found.len() > 100, "only {}", found.len());
    for reference in found {
        assert!(document().pointer(&reference[1..]).is_some(), "{reference} does not resolve");
    }
}

#[test]
fn queries_are_plain_values() {
    for (path, _, operation) in operations(document()) {
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(resolved);
        for query in parameters.filter(|parameter| parameter["in"] == "query") {
            let schema = resolved(&query["schema"]);
            assert!(schema["type"].is_string(), "{path}: {query}");
            if let (Some(words), Some(default)) = (schema["enum"].as_array(), schema.get("default")) {
                assert!(words.contains(default), "{path}: {query}");
            }
        }
    }
}

#[test]
fn successes_have_their_media_types() {
    for (path, method, operation) in operations(document()) {
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
            let content = response["content"].as_object();
            assert_eq!(content.is_none(), status == "204", "{method} {path} {status}");
            assert!(response["description"].is_string(), "{method} {path} {status}");
            for (media_type, content) in content.into_iter().flatten() {
                assert!(content.get("schema").is_some(), "{method} {path} {status} {media_type}");
            }
        }
    }
}

#[test]
fn links_lead_to_operations() {
    let target = |name: &Value| {
        operations(document())
            .find(|(.., operation)| &operation["operationId"] == name)
            .map(|(.., found)| found)
    };
    let mut taken = BTreeSet::new();
    for (path, method, operation) in operations(document()) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            for (name, link) in response["links"].as_object().into_iter().flatten() {
                let target =
                    target(&link["operationId"]).unwrap_or_else(|| panic!("{method} {path}: {name}"));
                for (parameter, id) in link["parameters"].as_object().unwrap() {
                    let parameters = target["parameters"].as_array().unwrap().iter().map(resolved);
                    let has = parameters.into_iter().any(|known| known["name"] == parameter.as_str());
                    assert!(has, "{method} {path}: {name} has no {parameter}");
                    let field = id.as_str().unwrap().strip_prefix("$response.body#/").unwrap();
                    let schema = resolved(&response["content"]["application/json"]["schema"]);
                    assert!(
                        schema["properties"].get(field).is_some(),
                        "{method} {path} {status} has no {field}"
                    );
                }
                taken.insert(name);
            }
        }
    }
    assert!(taken.len() > 40, "only {taken:?}");
}
