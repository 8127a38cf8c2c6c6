use media_time::Instant;
use primitives::{Id, InvalidPage, KeysetCursor, Page, PageLimit, PageParams};

/// Page size and start of a listing's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// Maximum number of rows on the page.
    pub limit: PageLimit,
    /// `next_cursor` of the previous page; `None` starts at the beginning.
    pub cursor: Option<String>,
}

/// Cursor of an ascending listing by a number (a position, or a time in µs), then id; without an id, the position
/// before all rows with the number.
pub(crate) type Position = KeysetCursor<i64, Option<Id>>;

/// The cursor of a row in an ascending listing.
pub(crate) fn position(key: i64, id: &Id) -> Position {
    KeysetCursor { key, id: Some(id.clone()) }
}

impl Paging {
    /// The page after `page`, or `None` if that was the last.
    #[must_use]
    pub fn after<T>(&self, page: &Page<T>) -> Option<Self> {
        page.next_cursor.clone().map(|cursor| Self { limit: self.limit, cursor: Some(cursor) })
    }

    /// Starts at `time`, in a listing ordered by time.
    #[must_use]
    pub fn from_time(limit: PageLimit, time: impl Instant) -> Self {
        let position = Position { key: time.since_zero().as_micros(), id: None };
        Self { limit, cursor: Some(position.encode()) }
    }

    /// Starts after the row at `time` with this id, in a listing ordered by time; the row need not exist.
    #[must_use]
    pub fn after_row(limit: PageLimit, time: impl Instant, id: &Id) -> Self {
        Self { limit, cursor: Some(position(time.since_zero().as_micros(), id).encode()) }
    }

    /// For a listing ordered by creation, newest first.
    pub(crate) fn newest_first(&self) -> Result<PageParams, InvalidPage> {
        Ok(PageParams {
            limit: self.limit,
            after: self.cursor.as_deref().map(KeysetCursor::decode).transpose()?,
        })
    }

    /// For a listing ordered by a number (position, start), then id.
    pub(crate) fn in_order(&self) -> Result<InOrder, InvalidPage> {
        let after = self.cursor.as_deref().map(Position::decode).transpose()?;
        let Position { key, id } = after.unwrap_or(Position { key: i64::MIN, id: None });
        let after_id = id.map_or_else(String::new, |id| id.to_string());
        Ok(InOrder { limit: self.limit, after_key: key, after_id })
    }
}

/// Selects the rows after `(after_key, after_id)`, in ascending order.
#[derive(Debug)]
pub(crate) struct InOrder {
    pub(crate) limit: PageLimit,
    pub(crate) after_key: i64,
    /// Empty to start before the first row with the key: an empty text sorts before every id.
    pub(crate) after_id: String,
}
