use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Id;
use crate::keyset::{CursorPart, KeysetCursor};

/// Maximum number of rows of a page: 1 to 500, by default 50.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u32);

/// Error for the parameters of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPage {
    /// The limit is out of range.
    #[error("limit: expected 1 to {}", PageLimit::MAX.get())]
    Limit,
    /// The cursor was not issued by this listing.
    #[error("not a cursor: send `next_cursor` of the previous page unchanged")]
    Cursor,
}

impl PageLimit {
    /// The largest page.
    pub const MAX: Self = Self(500);
    /// The page of a request without a limit.
    pub const DEFAULT: Self = Self(50);

    /// Validates a number of rows.
    ///
    /// # Errors
    /// [`InvalidPage::Limit`] outside 1–500.
    pub const fn new(rows: u32) -> Result<Self, InvalidPage> {
        if rows >= 1 && rows <= Self::MAX.0 { Ok(Self(rows)) } else { Err(InvalidPage::Limit) }
    }

    /// Validates the parameter `limit` of a listing.
    ///
    /// # Errors
    /// [`InvalidPage::Limit`] outside 1–500.
    pub fn from_query(limit: Option<u32>) -> Result<Self, InvalidPage> {
        limit.map_or(Ok(Self::DEFAULT), Self::new)
    }

    /// The number of rows.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// `LIMIT` of the query: one row more than the page has, which shows whether another page follows.
    #[must_use]
    pub fn with_next_row(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Query parameters `limit` and `cursor` of a listing; a request struct repeats both fields instead of flattening them.
#[derive(Clone, Debug)]
pub struct PageParams<K = DateTime<Utc>, I = Id> {
    /// Maximum number of rows on the page.
    pub limit: PageLimit,
    /// Cursor of the row after which the page starts; `None` for the first page.
    pub after: Option<KeysetCursor<K, I>>,
}

impl<K: CursorPart, I: CursorPart> PageParams<K, I> {
    /// Validates both parameters.
    ///
    /// # Errors
    /// [`InvalidPage`].
    pub fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, InvalidPage> {
        Ok(Self {
            limit: PageLimit::from_query(limit)?,
            after: cursor.map(KeysetCursor::decode).transpose()?,
        })
    }
}

/// One page of a listing.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// Rows of this page, in the order of the listing.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Builds a page of `rows`, which were fetched with [`PageLimit::with_next_row`].
    pub fn from_rows<K: CursorPart, I: CursorPart>(
        rows: Vec<T>,
        limit: PageLimit,
        cursor_of: impl Fn(&T) -> KeysetCursor<K, I>,
    ) -> Self {
        Self::merged(rows, limit, false, cursor_of)
    }

    /// Builds a page of the first rows of several merged listings. Another page follows if there are more rows than
    /// `limit`, or if `more` of a listing were not fetched.
    pub fn merged<K: CursorPart, I: CursorPart>(
        mut rows: Vec<T>,
        limit: PageLimit,
        more: bool,
        cursor_of: impl Fn(&T) -> KeysetCursor<K, I>,
    ) -> Self {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let more = more || rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|row| cursor_of(row).encode()) } else { None };
        Self { items: rows, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_cursor_is_set_if_there_is_a_next_page() {
        let cursor_of = |id: &i64| KeysetCursor { key: *id, id: Some("a".parse().unwrap()) };
        let two = PageLimit::new(2).unwrap();
        assert!(Page::from_rows(vec![1, 2], two, cursor_of).next_cursor.is_none());
        assert!(Page::merged(vec![1, 2], two, true, cursor_of).next_cursor.is_some());
        let page = Page::from_rows(vec![1, 2, 3], two, cursor_of);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next_cursor, Some(cursor_of(&2).encode()));
    }

    #[test]
    fn page_limit_is_validated() {
        for (limit, expected) in
            [(None, Some(50)), (Some(0), None), (Some(1), Some(1)), (Some(500), Some(500)), (Some(501), None)]
        {
            let params = <PageParams>::new(limit, None);
            assert_eq!(params.ok().map(|params| params.limit.get()), expected, "{limit:?}");
        }
        assert_eq!(InvalidPage::Limit.to_string(), "limit: expected 1 to 500");
    }
}
