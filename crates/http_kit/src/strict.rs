//! JSON as requests may have it: bounded, and with one meaning.
//!
//! [`Strict`] wraps a deserializer. An array is not taken for an object with its fields in order, no key comes twice,
//! `2.0` is an integer, and depth and number of values have limits. Values of free form (`meta`) have a lower limit:
//! each takes up to a hundred times the memory of its text. [`crate::canonical`] reads within the same limits.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

/// Levels of objects and arrays in one another.
const MAX_DEPTH: usize = 64;
/// Values of one body: 100 000 clips of ten fields.
const MAX_VALUES: usize = 1_000_000;
/// Values in the free-form parts of one body.
pub(crate) const MAX_FREE_VALUES: usize = 50_000;
/// Integers up to this are exact as a float.
pub(crate) const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// How much of one body was read.
#[derive(Debug)]
pub(crate) struct Usage {
    values: Cell<usize>,
    free_values: Cell<usize>,
    max_free_values: usize,
}

impl Default for Usage {
    fn default() -> Self {
        Self { values: Cell::default(), free_values: Cell::default(), max_free_values: MAX_FREE_VALUES }
    }
}

impl Usage {
    /// For a reader that does not know which values have a type, and keeps none.
    pub(crate) fn without_types() -> Self {
        Self { max_free_values: MAX_VALUES, ..Self::default() }
    }

    fn count<E: de::Error>(&self, is_free: bool) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > MAX_VALUES {
            return Err(E::custom(format!("the body has more than {MAX_VALUES} values: send it in parts")));
        }
        if is_free {
            self.free_values.set(self.free_values.get() + 1);
            let limit = self.max_free_values;
            if self.free_values.get() > limit {
                return Err(E::custom(format!("the body has more than {limit} values of free form")));
            }
        }
        Ok(())
    }
}

/// What is around the value that is read.
#[derive(Clone, Copy)]
struct Place<'a> {
    usage: &'a Usage,
    depth: usize,
}

impl Place<'_> {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("objects and arrays are nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

/// A deserializer of requests over another.
pub(crate) struct Strict<'a, D> {
    inner: D,
    place: Place<'a>,
}

impl<'a, D> Strict<'a, D> {
    pub(crate) fn new(inner: D, usage: &'a Usage) -> Self {
        Self { inner, place: Place { usage, depth: 0 } }
    }
}

/// What a [`StrictVisitor`] does beside handing on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Nothing.
    Any,
    /// Takes integral floats for integers.
    Integer,
    /// Refuses arrays.
    Struct,
}

struct StrictVisitor<'a, V> {
    inner: V,
    place: Place<'a>,
    expected: Expected,
}

impl<'a, D> Strict<'a, D> {
    fn visitor<V>(&self, inner: V, expected: Expected) -> StrictVisitor<'a, V> {
        StrictVisitor { inner, place: self.place, expected }
    }
}

macro_rules! forward {
    ($($method:ident => $expected:ident),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.place.usage.count(false)?;
            let visitor = self.visitor(visitor, Expected::$expected);
            self.inner.$method(visitor)
        }
    )+};
}

macro_rules! integers {
    ($($method:ident),+ $(,)?) => {$(
        /// A parser that knows that an integer comes reads `2.0` as an error.
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.place.usage.count(false)?;
            let visitor = self.visitor(visitor, Expected::Integer);
            self.inner.deserialize_any(visitor)
        }
    )+};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.place.usage.count(true)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_any(visitor)
    }

    forward! {
        deserialize_bool => Any, deserialize_f32 => Any, deserialize_f64 => Any, deserialize_char => Any,
        deserialize_str => Any, deserialize_string => Any, deserialize_bytes => Any, deserialize_byte_buf => Any,
        deserialize_unit => Any, deserialize_seq => Any, deserialize_map => Any,
        deserialize_i128 => Any, deserialize_u128 => Any,
    }

    integers! {
        deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64,
        deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64,
    }

    // The value within is counted.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_option(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.place.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.place.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.place.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.place.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Struct);
        self.inner.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.place.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.place.usage.count(false)?;
        self.inner.deserialize_ignored_any(visitor)
    }
}

macro_rules! hand_on {
    ($($method:ident($type:ty)),+ $(,)?) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )+};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for StrictVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    hand_on! {
        visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_i128(i128), visit_u128(u128), visit_char(char),
        visit_str(&str), visit_borrowed_str(&'de str), visit_string(String), visit_bytes(&[u8]),
        visit_borrowed_bytes(&'de [u8]), visit_byte_buf(Vec<u8>),
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<V::Value, E> {
        let is_exact = value.fract() == 0.0 && value.abs() <= MAX_EXACT;
        if self.expected != Expected::Integer || !is_exact {
            return self.inner.visit_f64(value);
        }
        let integer = value as i64;
        match u64::try_from(integer) {
            Ok(positive) => self.inner.visit_u64(positive),
            Err(_) => self.inner.visit_i64(integer),
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Strict { inner, place: self.place })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Strict { inner, place: self.place })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        if self.expected == Expected::Struct {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self.inner));
        }
        self.inner.visit_seq(StrictSeq { inner, place: self.place.below()? })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(StrictMap { inner, place: self.place.below()?, keys: HashSet::new() })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(StrictEnum { inner, place: self.place.below()? })
    }
}

/// Reads a value through [`Strict`].
struct StrictSeed<'a, S> {
    inner: S,
    place: Place<'a>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for StrictSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Strict { inner, place: self.place })
    }
}

struct StrictSeq<'a, A> {
    inner: A,
    place: Place<'a>,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for StrictSeq<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(StrictSeed { inner: seed, place: self.place })
    }
}

struct StrictMap<'a, 'de, A> {
    inner: A,
    place: Place<'a>,
    keys: HashSet<Cow<'de, str>>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for StrictMap<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(key) = self.inner.next_key_seed(Key)? else { return Ok(None) };
        if !self.keys.insert(key.clone()) {
            return Err(A::Error::custom(format!("the key {:?} is there twice", shortened(&key))));
        }
        match key {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(StringDeserializer::<A::Error>::new(key)),
        }
        .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(StrictSeed { inner: seed, place: self.place })
    }
}

fn shortened(key: &str) -> String {
    key.chars().take(64).collect()
}

/// Reads a key, without a copy where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

struct StrictEnum<'a, A> {
    inner: A,
    place: Place<'a>,
}

impl<'a, 'de, A: EnumAccess<'de>> EnumAccess<'de> for StrictEnum<'a, A> {
    type Error = A::Error;
    type Variant = StrictEnum<'a, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (variant, inner) = self.inner.variant_seed(seed)?;
        Ok((variant, StrictEnum { inner, place: self.place }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for StrictEnum<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(StrictSeed { inner: seed, place: self.place })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = StrictVisitor { inner: visitor, place: self.place, expected: Expected::Any };
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = StrictVisitor { inner: visitor, place: self.place, expected: Expected::Struct };
        self.inner.struct_variant(fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        let usage = Usage::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        T::deserialize(Strict::new(&mut reader, &usage)).map_err(|error| error.to_string())
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Clip {
        start: u32,
        offset: Option<i64>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Target {
        New(Clip),
        Old { id: String },
    }

    #[test]
    fn integers_may_be_written_as_integral_floats() {
        assert_eq!(read(r#"{"start": 2.0, "offset": -3e0}"#), Ok(Clip { start: 2, offset: Some(-3) }));
        assert_eq!(read(r#"{"start": 2, "offset": null}"#), Ok(Clip { start: 2, offset: None }));
        for wrong in ["2.5", "-1.0", "1e300", "4294967296.0", "\"2\"", "null"] {
            assert!(read::<Clip>(&format!(r#"{{"start": {wrong}}}"#)).is_err(), "{wrong}");
        }
        assert_eq!(read::<Value>("[2.0, 2]").unwrap().to_string(), "[2.0,2]", "free values stay as they are");
    }

    #[test]
    fn arrays_are_not_objects() {
        assert!(read::<Clip>("[2, 3]").unwrap_err().starts_with("invalid type: sequence"));
        assert!(read::<Vec<Clip>>("[[2, 3]]").is_err());
        assert!(read::<Target>(r#"{"new": [2, 3]}"#).is_err());
        assert!(read::<Target>(r#"{"old": ["a"]}"#).is_err());
        assert_eq!(read(r#"{"old": {"id": "a"}}"#), Ok(Target::Old { id: "a".to_owned() }));
        assert_eq!(read::<(u32, f64)>("[2, 3]"), Ok((2, 3.0)));
    }

    #[test]
    fn duplicate_keys_are_refused_wherever_they_are() {
        for text in
            [r#"{"a": 1, "a": 2}"#, r#"{"a": 1, "\u0061": 2}"#, r#"{"b": [{"a": 1, "c": {}, "a": 1}]}"#]
        {
            assert!(read::<Value>(text).unwrap_err().contains("twice"), "{text}");
        }
        assert!(read::<Clip>(r#"{"start": 1, "start": 2}"#).is_err());
        assert!(read::<Value>(r#"{"a": {"a": 1}, "b": {"a": 1}}"#).is_ok());
    }

    #[test]
    fn depth_and_values_have_limits() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read::<Value>(&nested(MAX_DEPTH)).is_ok());
        assert!(read::<Value>(&nested(MAX_DEPTH + 1)).unwrap_err().contains("nested deeper"));
        let list = |length: usize| format!("[{}0]", "0,".repeat(length - 1));
        assert!(read::<Value>(&list(MAX_FREE_VALUES - 1)).is_ok());
        assert!(read::<Value>(&list(MAX_FREE_VALUES)).unwrap_err().contains("free form"));
        assert!(read::<Vec<u8>>(&list(MAX_FREE_VALUES)).is_ok(), "typed values have the higher limit");
        assert!(read::<Vec<u8>>(&list(MAX_VALUES)).unwrap_err().contains("more than 1000000 values"));
    }
}
