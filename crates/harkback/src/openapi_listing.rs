//! The OpenAPI document in a form whose differences can be reviewed: a line for each parameter, body, answer and field,
//! without descriptions, examples and the version.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app;

/// Keywords of schemas that have a place of their own in a listing, or none.
const STRUCTURE: [&str; 15] = [
    "$ref",
    "type",
    "enum",
    "items",
    "properties",
    "required",
    "additionalProperties",
    "oneOf",
    "anyOf",
    "allOf",
    "title",
    "description",
    "example",
    "examples",
    "format",
];

/// The members of an object in the order of their names; none for other values.
fn members(value: &Value) -> BTreeMap<&str, &Value> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The name of a component from a reference to it.
fn component(reference: &Value) -> Option<&str> {
    reference.as_str()?.rsplit('/').next()
}

/// The alternatives or parts of a schema, and the sign between them.
fn parts(schema: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let lists = [("oneOf", "|"), ("anyOf", "|"), ("allOf", "&")];
    lists.into_iter().flat_map(move |(name, sign)| items(&schema[name]).iter().map(move |part| (sign, part)))
}

/// Whether a schema fits on a line: it has no fields, and no alternatives or items with fields.
fn is_short(schema: &Value) -> bool {
    schema.get("properties").is_none()
        && [&schema["items"], &schema["additionalProperties"]].into_iter().all(is_short_or_absent)
        && parts(schema).all(|(_, part)| is_short(part))
}

fn is_short_or_absent(schema: &Value) -> bool {
    !schema.is_object() || is_short(schema)
}

/// A schema on a line; fields, and alternatives with fields, are left to [`list_schema`].
fn short(schema: &Value) -> String {
    let mut words = Vec::new();
    words.extend(component(&schema["$ref"]).map(str::to_owned));
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" | "),
        other => text(other).to_owned(),
    };
    match schema.get("items") {
        Some(items) => words.push(format!("{types} of {}", short(items))),
        None if types.is_empty() => {}
        None => words.push(types),
    }
    words.extend(schema.get("format").map(|format| format!("({})", text(format))));
    words.extend(schema.get("enum").map(|values| format!("one of {values}")));
    match &schema["additionalProperties"] {
        Value::Null => {}
        Value::Bool(true) => words.push("of anything".to_owned()),
        Value::Bool(false) => words.push("without other fields".to_owned()),
        values => words.push(format!("of {}", short(values))),
    }
    for (number, (sign, part)) in parts(schema).enumerate() {
        let part = if is_short(part) { short(part) } else { "(below)".to_owned() };
        words.push(if number == 0 { part } else { format!("{sign} {part}") });
    }
    let others = members(schema).into_iter().filter(|(name, _)| !STRUCTURE.contains(name));
    words.extend(others.map(|(name, value)| format!("{name}={value}")));
    if words.is_empty() { "anything".to_owned() } else { words.join(" ") }
}

/// A schema with its fields, each on a line.
fn list_schema(listing: &mut String, indent: usize, label: &str, schema: &Value) {
    *listing += &format!("{:indent$}{label}: {}\n", "", short(schema));
    let indent = indent + 2;
    for (name, field) in members(&schema["properties"]) {
        let is_required = items(&schema["required"]).iter().any(|required| required == name);
        let label = if is_required { name.to_owned() } else { format!("{name}?") };
        list_schema(listing, indent, &label, field);
    }
    let below = [("items", "[]"), ("additionalProperties", "{}")].map(|(name, label)| (label, &schema[name]));
    for (label, schema) in
        below.into_iter().chain(parts(schema)).filter(|(_, schema)| !is_short_or_absent(schema))
    {
        list_schema(listing, indent, label, schema);
    }
}

/// A parameter or header with its schema, or its component.
fn parameter(parameter: &Value) -> String {
    if let Some(name) = component(&parameter["$ref"]) {
        return name.to_owned();
    }
    let optional = if parameter["required"] == true { "" } else { "?" };
    format!(
        "{} {}{optional}: {}",
        text(&parameter["in"]),
        text(&parameter["name"]),
        short(&parameter["schema"])
    )
}

/// The media types of a body with their schemas.
fn content(body: &Value) -> String {
    let types = members(&body["content"]).into_iter();
    types
        .map(|(name, content)| format!("{name} {}", short(&content["schema"])))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The lines of a response: its content, or the codes of an error, then its links.
fn response(status: &str, response: &Value) -> String {
    let content = match content(response).as_str() {
        "application/problem+json Problem" => codes(text(&response["description"])),
        "" => "no content".to_owned(),
        other => other.to_owned(),
    };
    // Every answer has X-Request-Id.
    let headers = members(&response["headers"]).into_keys().filter(|name| *name != "X-Request-Id");
    let headers: String = headers.map(|name| format!(", {name}")).collect();
    let mut lines = format!("  {status}: {content}{headers}\n");
    for (name, link) in members(&response["links"]) {
        lines += &format!("    link {name}: {}", text(&link["operationId"]));
        for (parameter, value) in members(&link["parameters"]) {
            lines += &format!(" {parameter}={}", text(value));
        }
        lines += "\n";
    }
    lines
}

/// The words in backquotes.
fn codes(description: &str) -> String {
    description.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}

fn operation(method: &str, path: &str, operation: &Value) -> String {
    let tags = items(&operation["tags"]).iter().map(text).collect::<Vec<_>>().join(", ");
    let name = text(&operation["operationId"]);
    let mut lines = format!("{} {path} {name} ({tags})\n", method.to_ascii_uppercase());
    for found in items(&operation["parameters"]) {
        lines += &format!("  {}\n", parameter(found));
    }
    if let Some(body) = operation.get("requestBody") {
        let optional = if body["required"] == true { "" } else { "?" };
        lines += &format!("  body{optional}: {}\n", content(body));
    }
    // All keys but those above and those for readers, such as `security` and `deprecated`.
    let known = ["tags", "operationId", "parameters", "requestBody", "responses", "summary", "description"];
    for (name, value) in members(operation).into_iter().filter(|(name, _)| !known.contains(name)) {
        lines += &format!("  {name}: {value}\n");
    }
    lines.extend(members(&operation["responses"]).into_iter().map(|(status, found)| response(status, found)));
    lines
}

fn document() -> Value {
    serde_json::from_str(&app::openapi().unwrap().to_json().unwrap()).unwrap()
}

#[test]
fn operations_are_as_reviewed() {
    let document = document();
    let mut listing = String::new();
    for (path, methods) in members(&document["paths"]) {
        for (method, found) in members(methods) {
            listing += &operation(method, path, found);
        }
    }
    insta::assert_snapshot!("operations", listing);
}

/// A path that is none of the document would leave its route to callers with the scope `write`.
#[test]
fn posts_that_write_nothing_are_operations() {
    let document = document();
    for path in access::READING_POSTS {
        assert!(document["paths"][path]["post"].is_object(), "{path}");
    }
}

#[test]
fn components_are_as_reviewed() {
    let document = document();
    let mut listing = format!("servers: {}\nsecurity: {}\n", document["servers"], document["security"]);
    for (kind, components) in members(&document["components"]) {
        listing += &format!("\n{kind}\n");
        for (name, found) in members(components) {
            match kind {
                "schemas" => list_schema(&mut listing, 2, name, found),
                "parameters" => listing += &format!("  {name}: {}\n", parameter(found)),
                "headers" => listing += &format!("  {name}: {}\n", short(&found["schema"])),
                _ => listing += &format!("  {name}: {}\n", short(found)),
            }
        }
    }
    insta::assert_snapshot!("components", listing);
}
