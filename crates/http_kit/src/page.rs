use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Id, Problem};

/// Keyset cursor of a newest-first listing: the last row of the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Creation time of that row.
    pub created_at: DateTime<Utc>,
    /// Id of that row, which orders rows of the same microsecond.
    pub id: Id,
}

impl Cursor {
    /// Encodes the cursor as the opaque text that a caller sends back.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}|{}", self.created_at.timestamp_micros(), self.id))
    }

    /// Decodes the text of [`Cursor::encode`].
    ///
    /// # Errors
    /// 422 `invalid_cursor` for any other text.
    pub fn decode(text: &str) -> Result<Self, Problem> {
        Self::parse(text).ok_or_else(|| {
            Problem::unprocessable(
                "invalid_cursor",
                "not a cursor: send `next_cursor` of the previous page unchanged",
            )
            .field("cursor", "not a cursor")
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (micros, id) = plain.split_once('|')?;
        // No row is older than the epoch; Postgres refuses much earlier years.
        let micros = micros.parse().ok().filter(|micros: &i64| *micros >= 0)?;
        let created_at = DateTime::from_timestamp_micros(micros)?;
        Some(Self { created_at, id: id.parse().ok()? })
    }
}

/// Query parameters `limit` and `cursor` of a listing; a request struct repeats both fields instead of flattening them.
#[derive(Clone, Debug)]
pub struct PageParams {
    /// Maximum number of rows on the page.
    pub limit: i64,
    /// Cursor of the row after which the page starts; `None` for the first page.
    pub after: Option<Cursor>,
}

impl PageParams {
    /// Maximum number of rows of a page.
    pub const MAX_LIMIT: u32 = 500;
    /// Number of rows of a page without the parameter `limit`.
    pub const DEFAULT_LIMIT: u32 = 50;

    /// Validates both parameters.
    ///
    /// # Errors
    /// 422 `invalid_query` for a limit outside 1–500, 422 `invalid_cursor`.
    pub fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(Self::DEFAULT_LIMIT);
        if !(1..=Self::MAX_LIMIT).contains(&limit) {
            let detail = format!("expected 1 to {}", Self::MAX_LIMIT);
            return Err(
                Problem::unprocessable("invalid_query", format!("limit: {detail}")).field("limit", detail)
            );
        }
        Ok(Self { limit: i64::from(limit), after: cursor.map(Cursor::decode).transpose()? })
    }
}

/// One page of a listing, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// Rows of this page, newest first.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Builds a page of `rows`, which were fetched with `limit + 1` to detect a next page.
    pub fn from_rows(mut rows: Vec<T>, limit: i64, cursor_of: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|row| cursor_of(row).encode()) } else { None };
        Self { items: rows, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_refuse_the_rest() {
        let cursor = Cursor {
            created_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            id: "asset_1".parse().unwrap(),
        };
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        let before_time = URL_SAFE_NO_PAD.encode("-8000000000000000000|a");
        for bad in ["", "x", "AAAA", "????", &before_time] {
            assert_eq!(Cursor::decode(bad).unwrap_err().code(), "invalid_cursor");
        }
    }

    #[test]
    fn next_cursor_is_set_if_there_is_a_next_page() {
        let cursor_of =
            |id: &u32| Cursor { created_at: DateTime::UNIX_EPOCH, id: id.to_string().parse().unwrap() };
        assert!(Page::from_rows(vec![1, 2], 2, cursor_of).next_cursor.is_none());
        let page = Page::from_rows(vec![1, 2, 3], 2, cursor_of);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(Cursor::decode(&page.next_cursor.unwrap()).unwrap().id.as_str(), "2");
    }
}
