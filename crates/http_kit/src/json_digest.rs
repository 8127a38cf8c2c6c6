//! Digests of JSON texts of callers, independent of spelling, without the value in memory.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};

use crate::strict::{MAX_EXACT, MAX_FREE_VALUES, Strict, Usage};

/// Maximum number of object keys in memory at once: each takes many times its text. No object of known fields has so
/// many.
const MAX_HELD_KEYS: usize = MAX_FREE_VALUES;

/// SHA-256 of a JSON text: equal for texts that differ in white space, order of keys, escapes, or in how a number is
/// written. `None` when it is no JSON, or beyond the limits of a body (`Strict`). Memory grows with the keys of open
/// objects, of which there are at most 50 000, not with the text.
#[must_use]
pub fn json_digest(text: &[u8]) -> Option<[u8; 32]> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let (usage, held_keys) = (Usage::without_types(), Cell::new(0));
    let digest = ValueDigest { held_keys: &held_keys }.deserialize(Strict::new(&mut reader, &usage)).ok()?;
    reader.end().ok()?;
    Some(digest)
}

/// Hashes values with a prefix for their type; the digests of lists and objects are hashes of their members' digests.
#[derive(Clone, Copy)]
struct ValueDigest<'a> {
    held_keys: &'a Cell<usize>,
}

fn scalar(kind: u8, content: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([kind]).chain_update(content).finalize().into()
}

impl<'de> DeserializeSeed<'de> for ValueDigest<'_> {
    type Value = [u8; 32];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<[u8; 32], D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueDigest<'_> {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<[u8; 32], E> {
        Ok(scalar(b'0', b""))
    }

    fn visit_bool<E>(self, value: bool) -> Result<[u8; 32], E> {
        Ok(scalar(b'b', &[u8::from(value)]))
    }

    fn visit_i64<E>(self, value: i64) -> Result<[u8; 32], E> {
        Ok(scalar(b'i', &i128::from(value).to_be_bytes()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<[u8; 32], E> {
        Ok(scalar(b'i', &i128::from(value).to_be_bytes()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<[u8; 32], E> {
        if value.fract() == 0.0 && value.abs() <= MAX_EXACT {
            return self.visit_i64(value as i64);
        }
        Ok(scalar(b'f', &value.to_be_bytes()))
    }

    fn visit_str<E>(self, value: &str) -> Result<[u8; 32], E> {
        Ok(scalar(b's', value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<[u8; 32], A::Error> {
        let mut digest = Sha256::new().chain_update(b"[");
        while let Some(item) = items.next_element_seed(self)? {
            digest.update(item);
        }
        Ok(digest.finalize().into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<[u8; 32], A::Error> {
        let mut sorted = BTreeMap::new();
        while let Some(key) = members.next_key::<String>()? {
            self.held_keys.set(self.held_keys.get() + 1);
            if self.held_keys.get() > MAX_HELD_KEYS {
                return Err(de::Error::custom("too many keys"));
            }
            sorted.insert(key, members.next_value_seed(self)?);
        }
        self.held_keys.set(self.held_keys.get() - sorted.len());
        let digest = sorted.iter().fold(Sha256::new().chain_update(b"{"), |digest, (key, value)| {
            digest.chain_update(scalar(b's', key.as_bytes())).chain_update(value)
        });
        Ok(digest.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_independent_of_spelling() {
        let of = |text: &str| json_digest(text.as_bytes()).unwrap();
        assert_eq!(of(r#"{"a":1,"b":[2.0,"x"]}"#), of(" { \"b\": [2, \"\\u0078\"], \"a\": 1e0 }"));
        let texts = [
            "null",
            "false",
            "0",
            "\"\"",
            "[]",
            "{}",
            "[[]]",
            "[[],[]]",
            "{\"a\":1}",
            "{\"a\":\"1\"}",
            "[\"a\",1]",
            "1.5",
            "-1",
            "18446744073709551615",
        ];
        for (index, one) in texts.iter().enumerate() {
            for other in &texts[index + 1..] {
                assert_ne!(of(one), of(other), "{one} {other}");
            }
        }
        assert_eq!(json_digest(b"{"), None);
        assert_eq!(json_digest(b"1 2"), None);
    }

    #[test]
    fn digest_refuses_texts_beyond_the_limits_of_a_body() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let list = |length: usize| format!("[{}0]", "0,".repeat(length - 1));
        let keys = |count: usize| {
            format!("{{{}}}", (0..count).map(|key| format!("\"{key}\":0")).collect::<Vec<_>>().join(","))
        };
        let small = format!("[{}{{}}]", "{\"a\":0},".repeat(100_000));
        for within in [nested(64), list(999_999), keys(50_000), small] {
            assert!(json_digest(within.as_bytes()).is_some(), "{}", &within[..20]);
        }
        for beyond in [nested(65), list(1_000_000), keys(50_001), "{\"a\":1,\"a\":1}".to_owned()] {
            assert_eq!(json_digest(beyond.as_bytes()), None, "{}", &beyond[..10]);
        }
    }
}
