use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// An identifier: 1–128 characters of `A-Z a-z 0-9 . _ : -`.
///
/// The narrow alphabet keeps the `|` of cache keys unambiguous, and ids safe in URLs, logs and paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type, utoipa::ToSchema)]
#[serde(transparent)]
#[sqlx(transparent)]
#[schema(
    value_type = String, pattern = "^[A-Za-z0-9._:-]{1,128}$", min_length = 1, max_length = 128,
    example = "asset_0198c5a2f0b17c3e9a5d"
)]
pub struct Id(String);

/// Error for a text that is not a valid [`Id`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -")]
pub struct InvalidId;

impl Id {
    /// The longest id, in characters.
    pub const MAX_LENGTH: usize = 128;

    /// A new id, `<prefix>_<32 hex digits>`; ids sort by creation time (UUID version 7).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place new ids come from")]
    pub fn generate(prefix: &str) -> Self {
        Self(format!("{prefix}_{}", Uuid::now_v7().simple()))
    }

    /// The id of the `index`-th thing of this kind that the write of this request creates: derived from its
    /// [`WriteSeed`](crate::WriteSeed) if it has an `Idempotency-Key`, else a new one.
    #[must_use]
    pub fn for_write(prefix: &str, index: usize) -> Self {
        crate::WriteSeed::current().map_or_else(|| Self::generate(prefix), |seed| seed.id(prefix, index))
    }

    /// As [`Id::for_write`], for a thing identified by `name` instead of an index.
    #[must_use]
    pub fn for_write_of(prefix: &str, name: &str) -> Self {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(name).into();
        Self::for_write(prefix, u32::from_be_bytes([a, b, c, d]) as usize)
    }

    /// Builds `<prefix>_<24 hex digits of digest><8 of index>`.
    pub(crate) fn of_parts(prefix: &str, digest: &[u8], index: u32) -> Self {
        Self(format!("{prefix}_{}{index:08x}", hex::encode(digest)))
    }

    /// The id as a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId)
        }
    }
}

impl TryFrom<String> for Id {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabet_and_length_are_kept() {
        assert!("asset_1.b:c-D".parse::<Id>().is_ok());
        for bad in ["", "a|b", "a b", "a/b", "ä", "a\0"] {
            assert_eq!(bad.parse::<Id>(), Err(InvalidId), "{bad:?}");
        }
        assert!("x".repeat(128).parse::<Id>().is_ok());
        assert!("x".repeat(129).parse::<Id>().is_err());
    }

    #[test]
    fn generated_ids_are_valid_and_sorted() {
        let first = Id::generate("asset");
        std::thread::sleep(std::time::Duration::from_millis(2));
        let second = Id::generate("asset");
        assert!(first < second);
        assert!(first.as_str().parse::<Id>().is_ok());
    }
}
