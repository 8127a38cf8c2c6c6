//! A digest of JSON that does not depend on how it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};

/// Integers up to this are exact as a float.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// SHA-256 of a JSON text: equal for texts that differ in white space, order of keys, escapes, or in how a number is
/// written. `None` when it is no JSON. Memory grows with the keys of open objects, not with the text.
pub(crate) fn digest(text: &[u8]) -> Option<[u8; 32]> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let digest = ValueDigest.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(digest)
}

/// Digests of values are prefixed by their type, and those of lists and objects are made of those of their members.
#[derive(Clone, Copy)]
struct ValueDigest;

fn scalar(kind: u8, content: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([kind]).chain_update(content).finalize().into()
}

impl<'de> DeserializeSeed<'de> for ValueDigest {
    type Value = [u8; 32];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<[u8; 32], D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueDigest {
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
            // Which of two equal keys counts does not matter: the handler refuses both.
            sorted.insert(key, members.next_value_seed(self)?);
        }
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
    fn the_same_value_has_one_digest_however_it_is_written() {
        let of = |text: &str| digest(text.as_bytes()).unwrap();
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
        assert_eq!(digest(b"{"), None);
        assert_eq!(digest(b"1 2"), None);
    }
}
