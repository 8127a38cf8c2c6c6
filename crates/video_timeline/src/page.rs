use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_kit::{Cursor, Id, Page, PageParams};
use media_time::MediaTime;

use crate::error::Error;

/// Page size and start of a listing's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Maximum number of rows on the page: 1–500.
    pub limit: u32,
    /// `next_cursor` of the previous page; `None` starts at the beginning.
    pub cursor: Option<String>,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: PageParams::DEFAULT_LIMIT, cursor: None }
    }
}

impl Paging {
    /// The page after `page`, or `None` if that was the last.
    #[must_use]
    pub fn after<T>(&self, page: &Page<T>) -> Option<Self> {
        page.next_cursor.clone().map(|cursor| Self { limit: self.limit, cursor: Some(cursor) })
    }

    /// Starts at `time`, in a listing ordered by time.
    #[must_use]
    pub fn from_time(limit: u32, time: MediaTime) -> Self {
        Self { limit, cursor: Some(KeysetCursor { key: time.as_micros(), id: None }.encode()) }
    }

    /// Starts after the row at `time` with this id, in a listing ordered by time; the row need not exist.
    #[must_use]
    pub fn after_row(limit: u32, time: MediaTime, id: Id) -> Self {
        Self { limit, cursor: Some(KeysetCursor { key: time.as_micros(), id: Some(id) }.encode()) }
    }

    fn limit(&self) -> Result<i64, Error> {
        if (1..=PageParams::MAX_LIMIT).contains(&self.limit) {
            return Ok(i64::from(self.limit));
        }
        let detail = format!("expected 1 to {}", PageParams::MAX_LIMIT);
        Err(Error::InvalidQuery { parameter: "limit".into(), detail })
    }

    /// For a listing ordered by creation, newest first.
    pub(crate) fn newest_first(&self) -> Result<PageParams, Error> {
        let cursor = self.cursor.as_deref().map(Cursor::decode).transpose();
        Ok(PageParams { limit: self.limit()?, after: cursor.map_err(|_| Error::InvalidCursor)? })
    }

    /// For a listing ordered by a number (position, start), then id.
    pub(crate) fn in_order(&self) -> Result<InOrder, Error> {
        let after = self.cursor.as_deref().map(KeysetCursor::decode).transpose()?;
        let after = after.unwrap_or(KeysetCursor { key: i64::MIN, id: None });
        let after_id = after.id.map_or_else(String::new, |id| id.to_string());
        Ok(InOrder { limit: self.limit()?, after_key: after.key, after_id })
    }
}

/// Selects the rows after `(after_key, after_id)`, in ascending order.
#[derive(Debug)]
pub(crate) struct InOrder {
    pub(crate) limit: i64,
    pub(crate) after_key: i64,
    /// Empty to start before the first row with the key: an empty text sorts before every id.
    pub(crate) after_id: String,
}

impl InOrder {
    /// A page of `rows`, which were fetched with `limit + 1` to detect a further page.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, place_of: impl Fn(&T) -> KeysetCursor) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|row| place_of(row).encode()) } else { None };
        Page { items: rows, next_cursor }
    }
}

/// A row's key in an ascending listing; without an id, the position before all rows with the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeysetCursor {
    key: i64,
    id: Option<Id>,
}

impl KeysetCursor {
    pub(crate) fn of(key: i64, id: &Id) -> Self {
        Self { key, id: Some(id.clone()) }
    }

    fn encode(&self) -> String {
        let id = self.id.as_ref().map_or("", Id::as_str);
        URL_SAFE_NO_PAD.encode(format!("{}|{id}", self.key))
    }

    fn decode(text: &str) -> Result<Self, Error> {
        let parse = || {
            let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let (key, id) = plain.split_once('|')?;
            let id = if id.is_empty() { None } else { Some(id.parse().ok()?) };
            Some(Self { key: key.parse().ok()?, id })
        };
        parse().ok_or(Error::InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyset_cursor_round_trips_and_rejects_other_text() {
        for id in [None, Some("clip_1".parse().unwrap())] {
            let place = KeysetCursor { key: -7, id };
            assert_eq!(KeysetCursor::decode(&place.encode()).unwrap(), place);
        }
        // The last text decodes to `1|a b`.
        for bad in ["", "x", "AAAA", "????", "MXxhIGI"] {
            assert!(matches!(KeysetCursor::decode(bad), Err(Error::InvalidCursor)), "{bad}");
        }
    }

    #[test]
    fn page_limit_is_validated() {
        for (limit, good) in [(0, false), (1, true), (500, true), (501, false)] {
            assert_eq!(Paging { limit, cursor: None }.in_order().is_ok(), good, "{limit}");
        }
    }
}
