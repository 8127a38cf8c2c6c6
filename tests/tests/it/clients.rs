//! Properties of the document that client generators need. `make clients` runs two of them.

use std::collections::{BTreeMap, BTreeSet};

use e2e::document::{document, operations};
use serde_json::Value;

const SCHEMAS: &str = "#/components/schemas/";

fn schemas() -> impl Iterator<Item = (&'static str, &'static Value)> {
    document()["components"]["schemas"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, schema)| (name.as_str(), schema))
}

/// Calls `look` for `schema` and all schemas below it, with the class name that openapi-python-client gives it: the
/// outer name and the field's name.
fn walk(name: &str, schema: &'static Value, look: &mut impl FnMut(&str, &'static Value)) {
    look(name, schema);
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{name}_{field}"), schema, look);
    }
    if schema["items"].is_object() {
        walk(&format!("{name}_item"), &schema["items"], look);
    }
    if schema["additionalProperties"].is_object() {
        walk(&format!("{name}_additional_property"), &schema["additionalProperties"], look);
    }
    for union in ["oneOf", "anyOf"] {
        for (number, schema) in schema[union].as_array().into_iter().flatten().enumerate() {
            walk(&format!("{name}_type_{number}"), schema, look);
        }
    }
    // The parts of an `allOf` have no class of their own.
    for schema in schema["allOf"].as_array().into_iter().flatten() {
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{name}_{field}"), schema, look);
        }
    }
}

fn is_of_type(schema: &Value, name: &str) -> bool {
    schema["type"] == name || schema["type"].as_array().is_some_and(|types| types.contains(&name.into()))
}

/// Normalises a class name, regardless of how its words are joined.
fn class(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[test]
fn no_two_schemas_become_one_class() {
    let mut classes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, schema) in schemas() {
        walk(name, schema, &mut |name, schema| {
            if is_of_type(schema, "object") || schema.get("enum").is_some() || schema.get("allOf").is_some() {
                classes.entry(class(name)).or_default().insert(name.to_owned());
            }
        });
    }
    assert!(classes.len() > 150, "only {}", classes.len());
    let same: Vec<_> = classes.values().filter(|names| names.len() > 1).collect();
    assert!(same.is_empty(), "{same:?}");
}

#[test]
fn objects_without_fields_are_open_maps() {
    let mut open = BTreeSet::new();
    for (name, schema) in schemas() {
        walk(name, schema, &mut |name, schema| {
            if is_of_type(schema, "object") && schema.get("properties").is_none() {
                let values = &schema["additionalProperties"];
                assert!(values == &Value::Bool(true) || values.is_object(), "{name}: {schema}");
                open.insert(name.to_owned());
            }
        });
    }
    for name in
        ["Clip_meta", "MediaAsset_meta", "Artifact_meta", "PatternRequest_sample_map", "NewClipRequest_meta"]
    {
        assert!(open.contains(name), "{name} is no open map: {open:?}");
    }
}

#[test]
fn a_schema_is_written_out_once() {
    let known: BTreeMap<String, &str> = schemas()
        .filter(|(_, schema)| schema.get("properties").is_some())
        .map(|(name, schema)| (schema.to_string(), name))
        .collect();
    for (component, schema) in schemas() {
        walk(component, schema, &mut |name, schema| {
            let same = known.get(&schema.to_string());
            assert!(name == component || same.is_none(), "{name} is {same:?}");
        });
    }
}

/// Collects the components below `value`, directly and through others.
fn reached(value: &'static Value, found: &mut BTreeSet<&'static str>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|field| reached(field, found)),
        Value::Array(items) => items.iter().for_each(|item| reached(item, found)),
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(SCHEMAS)
                && found.insert(name)
            {
                reached(&document()["components"]["schemas"][name], found);
            }
        }
        _ => {}
    }
}

fn is_nullable(schema: &Value) -> bool {
    let one_of = schema["oneOf"].as_array().into_iter().flatten();
    is_of_type(schema, "null") || one_of.into_iter().any(is_nullable)
}

/// [`e2e::document::check`] verifies in every answer that such a field is present.
#[test]
fn nullable_fields_of_answers_are_required() {
    let (mut requested, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, operation) in operations(document()) {
        reached(&operation["requestBody"], &mut requested);
        reached(&operation["responses"], &mut answered);
    }
    let mut checked = 0;
    for (name, schema) in schemas().filter(|(name, _)| answered.contains(name) && !requested.contains(name)) {
        walk(name, schema, &mut |name, schema| {
            let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                if is_nullable(schema) {
                    assert!(required.contains(&field.as_str().into()), "{name}: {field}");
                    checked += 1;
                }
            }
        });
    }
    assert!(checked > 50, "only {checked}");
}

#[test]
fn media_types_of_answers_are_known_to_client_generators() {
    for (path, method, operation) in operations(document()) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(content) = response["content"].as_object().filter(|_| status.starts_with('2')) else {
                continue;
            };
            let known = |name: &String| {
                name.starts_with("text/") || name == "application/json" || name == "application/octet-stream"
            };
            // `tools/clients/generator.yaml` maps these.
            let is_mapped =
                ["image/svg+xml", "application/zip"].iter().any(|name| content.contains_key(*name));
            assert!(content.keys().any(known) || is_mapped, "{method} {path} {status}");
        }
    }
}
