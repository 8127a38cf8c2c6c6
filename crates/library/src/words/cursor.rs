//! Keyset cursors of the search.

use primitives::CursorPart;

/// Sort key of a window: its block, then its rank in it. Blocks have the newest windows first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SearchKey {
    /// Windows of the block have at most this id: those that were indexed meanwhile are not in it.
    pub(crate) newest: i64,
    pub(crate) rank: f32,
}

impl CursorPart for SearchKey {
    fn to_text(&self) -> String {
        // By its bits: a page continues at exactly the rank of the last row.
        format!("{}|{:08x}", self.newest, self.rank.to_bits())
    }

    fn from_text(text: &str) -> Option<Self> {
        let (newest, rank) = text.split_once('|')?;
        let rank = f32::from_bits(u32::from_str_radix(rank, 16).ok()?);
        Some(Self { newest: newest.parse().ok()?, rank }).filter(|key| !key.rank.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use primitives::KeysetCursor;

    use super::*;

    #[test]
    fn search_cursor_keeps_its_text_and_rejects_other_text() {
        let key = SearchKey { newest: 7, rank: 0.5 };
        assert_eq!(key.to_text(), "7|3f000000");
        let cursor = KeysetCursor { key, id: 5i64 };
        assert_eq!(KeysetCursor::<SearchKey, i64>::decode(&cursor.encode()), Ok(cursor));
        for bad in ["", "7", "7|", "7|7fc00000", "x|3f000000", "7|3f000000|1"] {
            assert_eq!(SearchKey::from_text(bad), None, "{bad}");
        }
    }
}
