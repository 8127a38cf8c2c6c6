use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use crate::{Id, InvalidPage};

/// Keyset cursor of a listing: the sort key and id of the last row of a page, after which the next page starts.
///
/// The default key is the creation time, of listings that are ordered newest first. `I` is `Option<Id>` for listings
/// that may also start before all rows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysetCursor<K = DateTime<Utc>, I = Id> {
    /// The sort key of that row.
    pub key: K,
    /// Id of that row, which orders rows of the same key.
    pub id: I,
}

/// A component of a [`KeysetCursor`], as text. Clients keep cursors, so this text never changes.
pub trait CursorPart: Sized {
    /// The text of the component.
    fn to_text(&self) -> String;

    /// Parses the text of [`CursorPart::to_text`]; `None` for any other text.
    fn from_text(text: &str) -> Option<Self>;
}

impl<K: CursorPart, I: CursorPart> KeysetCursor<K, I> {
    /// Encodes the cursor as the opaque text that a client sends back: `<key>|<id>` in unpadded base64url.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}|{}", self.key.to_text(), self.id.to_text()))
    }

    /// Decodes the text of [`KeysetCursor::encode`].
    ///
    /// # Errors
    /// [`InvalidPage::Cursor`] for any other text.
    pub fn decode(text: &str) -> Result<Self, InvalidPage> {
        Self::parse(text).ok_or(InvalidPage::Cursor)
    }

    fn parse(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        // Keys may contain the separator, ids do not.
        let (key, id) = plain.rsplit_once('|')?;
        Some(Self { key: K::from_text(key)?, id: I::from_text(id)? })
    }
}

/// Microseconds since the epoch. No row is older, and Postgres refuses much earlier years.
impl CursorPart for DateTime<Utc> {
    fn to_text(&self) -> String {
        self.timestamp_micros().to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        let micros = text.parse().ok().filter(|micros: &i64| *micros >= 0)?;
        Self::from_timestamp_micros(micros)
    }
}

impl CursorPart for i64 {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl CursorPart for Id {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The empty text stands for no id.
impl CursorPart for Option<Id> {
    fn to_text(&self) -> String {
        self.as_ref().map_or_else(String::new, Id::to_string)
    }

    fn from_text(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    /// The text of a cursor, in base64url and plain, which clients may hold.
    fn check<K, I>(cursor: &KeysetCursor<K, I>, plain: &str, encoded: &str)
    where
        K: CursorPart + Debug + PartialEq,
        I: CursorPart + Debug + PartialEq,
    {
        assert_eq!(cursor.encode(), encoded, "{plain}");
        assert_eq!(URL_SAFE_NO_PAD.encode(plain), encoded, "{plain}");
        assert_eq!(KeysetCursor::decode(encoded).as_ref(), Ok(cursor), "{plain}");
    }

    #[test]
    fn keyset_cursor_keeps_its_text() {
        let id: Id = "asset_1".parse().unwrap();
        let created_at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        check(
            &KeysetCursor { key: created_at, id: id.clone() },
            "1700000000123456|asset_1",
            "MTcwMDAwMDAwMDEyMzQ1Nnxhc3NldF8x",
        );
        check(&KeysetCursor { key: -7, id: Some(id) }, "-7|asset_1", "LTd8YXNzZXRfMQ");
        check(&KeysetCursor { key: 1_500, id: None::<Id> }, "1500|", "MTUwMHw");
    }

    #[test]
    fn keyset_cursor_rejects_other_text() {
        let encode = |plain: &str| URL_SAFE_NO_PAD.encode(plain);
        let before_time = encode("-8000000000000000000|a");
        for bad in ["", "x", "AAAA", "????", &before_time, &encode("1|"), &encode("1|a b"), &encode("1|1|a")]
        {
            assert_eq!(<KeysetCursor>::decode(bad), Err(InvalidPage::Cursor), "{bad}");
        }
        for bad in ["", "x", "AAAA", "????", &encode("1|a b"), &encode("1|1|a"), &encode("1.5|a")] {
            assert_eq!(KeysetCursor::<i64, Option<Id>>::decode(bad), Err(InvalidPage::Cursor), "{bad}");
        }
    }
}
