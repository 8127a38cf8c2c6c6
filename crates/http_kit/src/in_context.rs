use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::ContextFields;
use crate::context::FIELDS;

/// A request body `T` that may also carry `tenant_id`, `env` and `user_id`.
///
/// The three fields are removed while reading, so that `T` remains the type that other code uses, and still rejects
/// unknown fields. Its schema is named `<T>Request`.
#[derive(Debug)]
pub struct InContext<T> {
    /// The body without the three fields.
    pub body: T,
    context: [Option<String>; 3],
}

impl<T> ContextFields for InContext<T> {
    fn context_fields(&self) -> [Option<&str>; 3] {
        self.context.each_ref().map(Option::as_deref)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InContext<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor(PhantomData))
    }
}

struct BodyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BodyVisitor<T> {
    type Value = InContext<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<InContext<T>, A::Error> {
        let mut context = [const { None }; 3];
        let others = WithoutContext { fields, context: &mut context };
        let body = T::deserialize(MapAccessDeserializer::new(others))?;
        Ok(InContext { body, context: context.map(Option::flatten) })
    }
}

/// The fields of an object, with the context fields removed.
struct WithoutContext<'a, A> {
    fields: A,
    /// The values of the fields that have been read.
    context: &'a mut [Option<Option<String>>; 3],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutContext<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.fields.next_key::<Cow<'de, str>>()? {
            let Some(slot) = FIELDS.iter().position(|(field, _)| *field == key) else {
                let key: CowStrDeserializer<'_, A::Error> = key.into_deserializer();
                return seed.deserialize(key).map(Some);
            };
            if self.context[slot].is_some() {
                return Err(de::Error::duplicate_field(FIELDS[slot].0));
            }
            self.context[slot] = Some(self.fields.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}

/// The schema of `T` with the three optional fields.
impl<T: PartialSchema> PartialSchema for InContext<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = T::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            for (field, _) in FIELDS {
                let text = ObjectBuilder::new()
                    .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
                    .description(Some("Alternative to the header; must equal it when both are present."));
                object.properties.insert(field.to_owned(), text.into());
            }
        }
        schema
    }
}

impl<T: ToSchema> ToSchema for InContext<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Request", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        title: String,
    }

    fn read(text: &str) -> Result<InContext<Body>, String> {
        serde_json::from_str(text).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn context_fields_are_removed_at_any_position() {
        let read = read(r#"{"tenant_id":"t1","title":"a","env":"dev","user_id":null}"#).unwrap();
        assert_eq!(read.body.title, "a");
        assert_eq!(read.context_fields(), [Some("t1"), Some("dev"), None]);
    }

    #[test]
    fn unknown_missing_and_duplicate_fields_are_rejected() {
        assert!(read(r#"{"title":"a","more":1}"#).unwrap_err().contains("unknown field `more`"));
        assert!(read(r#"{"env":"dev"}"#).unwrap_err().contains("missing field `title`"));
        assert!(read(r#"{"title":"a","env":"x","env":"y"}"#).unwrap_err().contains("duplicate field `env`"));
        let after_null = read(r#"{"title":"a","env":null,"env":"y"}"#);
        assert!(after_null.unwrap_err().contains("duplicate field `env`"));
        assert!(read(r#"{"title":"a","env":1}"#).is_err());
        assert!(read("[]").is_err());
    }
}
