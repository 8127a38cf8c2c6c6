//! Schemas of the document, closed: a field that they do not name is an error.

use std::collections::HashMap;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Value, json};

/// Compiled schemas.
pub(super) struct ClosedSchemas {
    schemas: Schemas,
    /// Keyed by the JSON text of the schema in the document.
    compiled: HashMap<String, SchemaIndex>,
}

impl ClosedSchemas {
    /// Compiles schemas that may refer to components of `document`.
    pub(super) fn compile(document: &Value, roots: Vec<Value>) -> Self {
        let mut closed = json!({"components": document["components"], "roots": roots});
        close(&mut closed);

        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.set_default_draft(Draft::V2020_12);
        compiler.add_resource("memory:///document", closed).expect("a URL");
        let mut compiled = HashMap::new();
        for (index, schema) in roots.iter().enumerate() {
            let place = format!("memory:///document#/roots/{index}");
            let index = compiler.compile(&place, &mut schemas).unwrap_or_else(|e| panic!("{schema}: {e:#}"));
            compiled.insert(schema.to_string(), index);
        }
        Self { schemas, compiled }
    }

    /// Validates `value`; a schema that was not compiled accepts it.
    ///
    /// # Errors
    /// The part that violates the schema.
    pub(super) fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Some(index) = self.compiled.get(&schema.to_string()) else { return Ok(()) };
        self.schemas.validate(value, *index).map_err(|error| format!("{error:#}\n{value}"))
    }
}

/// Closes a schema. Schemas of answers allow unknown fields, as a later version may add some; this version's fields are
/// all named. Only the schema of an arbitrary object stays open.
fn close(schema: &mut Value) {
    let shut = |value: &mut Value| {
        if let Value::Object(schema) = value
            && ["$ref", "oneOf", "allOf", "properties"].iter().any(|part| schema.contains_key(*part))
        {
            schema.insert("unevaluatedProperties".to_owned(), false.into());
        }
    };
    match schema {
        Value::Object(parts) => {
            for (name, part) in parts {
                match (name.as_str(), &mut *part) {
                    ("properties", Value::Object(fields)) => fields.values_mut().for_each(shut),
                    ("roots", Value::Array(roots)) => roots.iter_mut().for_each(shut),
                    ("items" | "additionalProperties", value) => shut(value),
                    _ => {}
                }
                close(part);
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(close),
        _ => {}
    }
}
