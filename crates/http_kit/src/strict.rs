//! JSON of requests: bounded and unambiguous.
//!
//! [`Strict`] wraps a deserializer. An array is not accepted for an object with its fields in order, duplicate keys are
//! refused, `2.0` is an integer, and the depth and the number of values are limited. Values of free form (`meta`) have
//! a lower limit: each takes up to a hundred times the memory of its text. [`json_digest`](crate::json_digest()) reads
//! within the same limits.

mod access;

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{self, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};

use access::{StrictEnum, StrictMap, StrictSeq};

/// Maximum nesting depth of objects and arrays.
const MAX_DEPTH: usize = 64;
/// Maximum number of values of one body: 100 000 clips of ten fields.
const MAX_VALUES: usize = 1_000_000;
/// Maximum number of values in the free-form parts of one body.
pub(crate) const MAX_FREE_VALUES: usize = 50_000;
/// Largest magnitude up to which every integer is exact as a float (2^53).
pub(crate) const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Values read so far of one body, and their limits.
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
    /// For a reader that does not know which values are typed, and stores none.
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

/// Position in the body: shared counts, and the nesting depth.
#[derive(Clone, Copy)]
struct Nesting<'a> {
    usage: &'a Usage,
    depth: usize,
}

impl Nesting<'_> {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("objects and arrays are nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

/// A deserializer of request bodies that wraps another one.
pub(crate) struct Strict<'a, D> {
    inner: D,
    nesting: Nesting<'a>,
}

impl<'a, D> Strict<'a, D> {
    pub(crate) fn new(inner: D, usage: &'a Usage) -> Self {
        Self { inner, nesting: Nesting { usage, depth: 0 } }
    }
}

/// Checks of a [`StrictVisitor`] in addition to forwarding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Any,
    /// Converts integral floats to integers.
    Integer,
    /// Refuses arrays in place of objects.
    Struct,
}

struct StrictVisitor<'a, V> {
    inner: V,
    nesting: Nesting<'a>,
    expected: Expected,
}

impl<'a, D> Strict<'a, D> {
    fn visitor<V>(&self, inner: V, expected: Expected) -> StrictVisitor<'a, V> {
        StrictVisitor { inner, nesting: self.nesting, expected }
    }
}

macro_rules! forward {
    ($($method:ident => $expected:ident),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.nesting.usage.count(false)?;
            let visitor = self.visitor(visitor, Expected::$expected);
            self.inner.$method(visitor)
        }
    )+};
}

macro_rules! integers {
    ($($method:ident),+ $(,)?) => {$(
        /// Uses `deserialize_any`, because a parser that expects an integer refuses `2.0`.
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.nesting.usage.count(false)?;
            let visitor = self.visitor(visitor, Expected::Integer);
            self.inner.deserialize_any(visitor)
        }
    )+};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.nesting.usage.count(true)?;
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

    // Counted with the inner value.
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
        self.nesting.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.nesting.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.nesting.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.nesting.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Struct);
        self.inner.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.nesting.usage.count(false)?;
        let visitor = self.visitor(visitor, Expected::Any);
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.nesting.usage.count(false)?;
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
        self.inner.visit_some(Strict { inner, nesting: self.nesting })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Strict { inner, nesting: self.nesting })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        if self.expected == Expected::Struct {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self.inner));
        }
        self.inner.visit_seq(StrictSeq { inner, nesting: self.nesting.below()? })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(StrictMap { inner, nesting: self.nesting.below()?, keys: HashSet::new() })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(StrictEnum { inner, nesting: self.nesting.below()? })
    }
}

#[cfg(test)]
mod tests;
