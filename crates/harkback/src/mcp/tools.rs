//! The tools: operations of the OpenAPI document, whose parameters and fields are the arguments.

use std::collections::HashMap;

use anyhow::Context;
use reqwest::Method;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value};

use super::operation::Operation;

/// The operations that are tools, in the order of their list. A tool has the name of its operation.
const OPERATIONS: [&str; 18] = [
    "list_assets",
    "analyze_recording",
    "get_semantic_timeline",
    "get_transcript",
    "search_words",
    "cut_samples",
    "list_samples",
    "identify_audio",
    "make_shot_list",
    "remove_silence",
    "cut_to_music",
    "make_supercut",
    "render_window",
    "make_origin_snippets",
    "export_timeline",
    "export_shot_list",
    "export_project",
    "create_link",
];

/// Fields of bodies that the caller's key or headers determine.
const CONTEXT: [&str; 3] = ["tenant_id", "env", "user_id"];

pub(super) struct Tools {
    list: Vec<Tool>,
    /// Keyed by the name of the tool.
    operations: HashMap<&'static str, Operation>,
}

impl Tools {
    /// The tools of the OpenAPI document.
    ///
    /// # Errors
    /// An operation that the document lacks.
    pub(super) fn new(document: &Value) -> anyhow::Result<Self> {
        let mut tools = Self { list: Vec::new(), operations: HashMap::new() };
        for name in OPERATIONS {
            let (path, method, described) =
                find(document, name).with_context(|| format!("the document has no operation `{name}`"))?;
            tools.list.push(tool(document, name, method, described));
            let in_path = parameters(document, described).filter(|parameter| parameter["in"] == "path");
            let operation = Operation {
                method: Method::from_bytes(method.to_ascii_uppercase().as_bytes())?,
                path: path.to_owned(),
                path_parameters: in_path.map(|parameter| text(&parameter["name"]).to_owned()).collect(),
                is_heavy: described["responses"].get("202").is_some(),
            };
            tools.operations.insert(name, operation);
        }
        Ok(tools)
    }

    pub(super) fn list(&self) -> &[Tool] {
        &self.list
    }

    /// The operation of a tool.
    pub(super) fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }
}

/// Path, method and description of an operation.
fn find<'a>(document: &'a Value, name: &str) -> Option<(&'a str, &'a str, &'a Value)> {
    document["paths"].as_object()?.iter().find_map(|(path, methods)| {
        let mut methods = methods.as_object()?.iter();
        let (method, operation) = methods.find(|(_, operation)| operation["operationId"] == name)?;
        Some((path.as_str(), method.as_str(), operation))
    })
}

fn tool(document: &Value, name: &'static str, method: &str, operation: &Value) -> Tool {
    let body = inlined(&operation["requestBody"]["content"]["application/json"]["schema"], document);
    let texts = [&operation["summary"], &operation["description"], &body["description"]];
    let description: Vec<&str> = texts.into_iter().filter_map(Value::as_str).collect();
    let annotations = ToolAnnotations::new().read_only(method == "get").destructive(false).idempotent(true);
    Tool::new(name, description.join("\n\n"), input_schema(document, operation, &body))
        .with_annotations(annotations.open_world(false))
}

/// The schema of the arguments: parameters of path and query, and the fields of the body.
fn input_schema(document: &Value, operation: &Value, body: &Value) -> JsonObject {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let is_argument = |parameter: &&Value| parameter["in"] == "path" || parameter["in"] == "query";
    for parameter in parameters(document, operation).filter(is_argument) {
        let mut schema = inlined(&parameter["schema"], document);
        if let (Some(schema), Some(description)) = (schema.as_object_mut(), parameter.get("description")) {
            schema.insert("description".to_owned(), description.clone());
        }
        if parameter["required"] == true {
            required.push(parameter["name"].clone());
        }
        properties.insert(text(&parameter["name"]).to_owned(), schema);
    }
    let fields = body["properties"].as_object().into_iter().flatten();
    let fields = fields.filter(|(name, _)| !CONTEXT.contains(&name.as_str()));
    properties.extend(fields.map(|(name, schema)| (name.clone(), schema.clone())));
    required.extend(body["required"].as_array().into_iter().flatten().cloned());
    let schema: [(&str, Value); 4] = [
        ("type", "object".into()),
        ("properties", properties.into()),
        ("required", required.into()),
        ("additionalProperties", false.into()),
    ];
    schema.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The parameters of an operation, with those that are references.
fn parameters<'a>(document: &'a Value, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.map(move |parameter| target(parameter, document).unwrap_or(parameter))
}

/// The part of the document that a reference names.
fn target<'a>(value: &'a Value, document: &'a Value) -> Option<&'a Value> {
    document.pointer(value["$ref"].as_str()?.strip_prefix('#')?)
}

/// A schema without references: a client need not have the document. Schemas of these operations do not contain themselves.
fn inlined(value: &Value, document: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let own = members.iter().filter(|(name, _)| *name != "$ref");
            let mut own: Map<String, Value> =
                own.map(|(name, member)| (name.clone(), inlined(member, document))).collect();
            if let Some(Value::Object(referred)) = target(value, document).map(|part| inlined(part, document))
            {
                for (name, member) in referred {
                    own.entry(name).or_insert(member);
                }
            }
            Value::Object(own)
        }
        Value::Array(items) => items.iter().map(|item| inlined(item, document)).collect(),
        other => other.clone(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;
    use crate::app;

    fn tools() -> Tools {
        let document = serde_json::from_str(&app::openapi().unwrap().to_json().unwrap()).unwrap();
        Tools::new(&document).unwrap()
    }

    /// A line for each tool: its effect, and its arguments, of which those with `*` are required.
    fn listing(tools: &Tools) -> String {
        let mut listing = String::new();
        for tool in tools.list() {
            let schema = &*tool.input_schema;
            let required = schema["required"].as_array().unwrap();
            let names: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
            let arguments: Vec<String> = names
                .into_iter()
                .map(|name| {
                    format!("{name}{}", if required.contains(&name.as_str().into()) { "*" } else { "" })
                })
                .collect();
            let reads = tool.annotations.as_ref().and_then(|annotations| annotations.read_only_hint);
            let effect = match (reads, tools.operation(&tool.name).unwrap().is_heavy) {
                (Some(true), _) => "reads",
                (_, true) => "job",
                _ => "writes",
            };
            writeln!(listing, "{} ({effect}): {}", tool.name, arguments.join(", ")).unwrap();
        }
        listing
    }

    #[test]
    fn tools_are_as_reviewed() {
        insta::assert_snapshot!("tools", listing(&tools()));
    }

    #[test]
    fn schemas_of_tools_have_neither_references_nor_the_context() {
        for tool in tools().list() {
            let schema = Value::Object((*tool.input_schema).clone());
            assert!(!schema.to_string().contains("$ref"), "{schema}");
            assert!(CONTEXT.iter().all(|name| schema["properties"].get(name).is_none()), "{schema}");
            assert!(tool.description.as_ref().is_some_and(|text| !text.is_empty()), "{}", tool.name);
        }
    }
}
