//! Properties of schemas that client generators need and the derive macro omits.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr};

const SCHEMAS: &str = "#/components/schemas/";

/// Completes the schemas of the whole document:
///
/// - An object without named fields is an open map: otherwise clients type it as an object that is always empty.
/// - A schema that is written out where a component has the same one refers to the component, so that a clip of a page
///   and a single clip have one type.
/// - A nullable field of an answer is required. A field that can be absent has a schema without null.
pub fn complete_schemas(document: &mut OpenApi) {
    let requested = requested(document);
    let Some(components) = document.components.as_mut() else { return };
    let known = components.schemas.clone();
    for (name, schema) in &mut components.schemas {
        let is_answer = !requested.contains(name.as_str());
        for_each(schema, &mut |schema| {
            refer(schema, name, &known);
            if let RefOr::T(Schema::Object(object)) = schema {
                open(object);
                if is_answer {
                    require_nullable(object);
                }
            }
        });
    }
}

fn open(object: &mut Object) {
    if has_type(&object.schema_type, &Type::Object)
        && object.properties.is_empty()
        && object.additional_properties.is_none()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
    }
}

/// Replaces a schema that is written out below the component `name` by a reference to an equal component.
fn refer(schema: &mut RefOr<Schema>, name: &str, known: &BTreeMap<String, RefOr<Schema>>) {
    if !matches!(schema, RefOr::T(Schema::Object(object)) if !object.properties.is_empty()) {
        return;
    }
    if let Some((same, _)) = known.iter().find(|(other, known)| *other != name && *known == schema) {
        *schema = RefOr::Ref(Ref::from_schema_name(same));
    }
}

fn require_nullable(object: &mut Object) {
    for (name, field) in &object.properties {
        if is_nullable(field) && !object.required.contains(name) {
            object.required.push(name.clone());
        }
    }
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::T(Schema::Object(object)) => has_type(&object.schema_type, &Type::Null),
        RefOr::T(Schema::Array(array)) => has_type(&array.schema_type, &Type::Null),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(is_nullable),
        _ => false,
    }
}

fn has_type(types: &SchemaType, wanted: &Type) -> bool {
    match types {
        SchemaType::Type(one) => one == wanted,
        SchemaType::Array(several) => several.contains(wanted),
        SchemaType::AnyValue => false,
    }
}

/// Calls `change` for `schema` and all that it contains, the outer one first.
fn for_each(schema: &mut RefOr<Schema>, change: &mut impl FnMut(&mut RefOr<Schema>)) {
    change(schema);
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            object.properties.values_mut().for_each(|field| for_each(field, change));
            if let Some(AdditionalProperties::RefOr(value)) = object.additional_properties.as_deref_mut() {
                for_each(value, change);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                for_each(item, change);
            }
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(|item| for_each(item, change)),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| for_each(item, change)),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(|item| for_each(item, change)),
        _ => {}
    }
}

/// The components that a request may contain: their fields may be omitted.
fn requested(document: &OpenApi) -> BTreeSet<String> {
    let document = serde_json::to_value(document).unwrap_or_default();
    let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = operations.filter_map(Value::as_object).flat_map(|item| item.values());
    let mut next: Vec<&Value> = operations.map(|operation| &operation["requestBody"]).collect();
    let mut found = BTreeSet::new();
    while let Some(value) = next.pop() {
        match value {
            Value::Object(fields) => next.extend(fields.values()),
            Value::Array(items) => next.extend(items),
            Value::String(text) => {
                if let Some(name) = text.strip_prefix(SCHEMAS)
                    && found.insert(name.to_owned())
                {
                    next.push(&document["components"]["schemas"][name]);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn complete_schemas_opens_maps_refers_and_requires_nullable() {
        let part = json!({"type": "object", "properties": {"note": {"type": ["string", "null"]}}});
        let reference = |name: &str| json!({"$ref": format!("{SCHEMAS}{name}")});
        let body = json!({"content": {"application/json": {"schema": reference("Request")}}});
        let mut document: OpenApi = serde_json::from_value(json!({
            "openapi": "3.1.0", "info": {"title": "", "version": ""},
            "paths": {"/parts": {"post": {"requestBody": body, "responses": {}}}},
            "components": {"schemas": {
                "Page": {"type": "object", "properties": {"items": {"type": "array", "items": part}}},
                "Part": part,
                "Request": {"type": "object", "properties": {
                    "meta": {"type": "object"}, "user_id": {"type": ["string", "null"]},
                }},
            }},
        }))
        .unwrap();
        complete_schemas(&mut document);
        let schemas = &serde_json::to_value(&document).unwrap()["components"]["schemas"];
        assert_eq!(schemas["Page"]["properties"]["items"]["items"], reference("Part"));
        assert_eq!(schemas["Part"]["required"], json!(["note"]));
        assert_eq!(schemas["Request"]["properties"]["meta"]["additionalProperties"], true);
        assert!(schemas["Request"].get("required").is_none());
    }
}
