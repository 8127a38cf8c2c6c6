use std::borrow::Cow;
use std::fmt;

use audio_pattern_engine::PatternTimeline;
use primitives::Id;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// A pattern, or the id of a stored one.
#[derive(Clone, Debug, PartialEq)]
pub enum PatternOrId {
    /// The complete pattern as JSON.
    Pattern(PatternTimeline),
    /// The id of a pattern that this service made.
    Id(Id),
}

impl<'de> Deserialize<'de> for PatternOrId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PatternVisitor)
    }
}

/// Unlike an untagged enum, this names the invalid field of a pattern.
struct PatternVisitor;

impl<'de> Visitor<'de> for PatternVisitor {
    type Value = PatternOrId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern or the id of one")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PatternOrId, E> {
        text.parse().map(PatternOrId::Id).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<PatternOrId, A::Error> {
        PatternTimeline::deserialize(MapAccessDeserializer::new(fields)).map(PatternOrId::Pattern)
    }
}

impl PartialSchema for PatternOrId {
    fn schema() -> RefOr<Schema> {
        let pattern = Ref::from_schema_name(PatternTimeline::name());
        OneOfBuilder::new().item(pattern).item(Id::schema()).into()
    }
}

impl ToSchema for PatternOrId {
    fn name() -> Cow<'static, str> {
        "PatternOrId".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PatternTimeline::name().into(), PatternTimeline::schema()));
        PatternTimeline::schemas(schemas);
    }
}
