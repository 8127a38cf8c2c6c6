//! Keyset cursors of the usage listing, which is ordered by start of the window, then kind, then id.

use std::cmp::Ordering;

use media_time::{AssetTime, MediaTime};
use primitives::{CursorPart, KeysetCursor, PageLimit};
use video_timeline::Paging;

use crate::{Usage, UsageKind};

/// Sort key of a use; in a cursor `<start in µs>|<kind>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageKey {
    pub(crate) start: AssetTime,
    pub(crate) kind: UsageKind,
}

pub(crate) type UsageCursor = KeysetCursor<UsageKey>;

impl CursorPart for UsageKey {
    fn to_text(&self) -> String {
        format!("{}|{}", self.start.as_micros(), self.kind)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (start, kind) = text.split_once('|')?;
        Some(Self { start: AssetTime::from_micros(start.parse().ok()?), kind: kind.parse().ok()? })
    }
}

pub(crate) fn cursor_of(usage: &Usage) -> UsageCursor {
    KeysetCursor { key: UsageKey { start: usage.start, kind: usage.kind }, id: usage.id.clone() }
}

/// Paging for the clips after a cursor, in a listing by start in the asset.
pub(crate) fn clips_after(UsageCursor { key, id }: &UsageCursor, limit: PageLimit) -> Paging {
    match key.kind.as_str().cmp(UsageKind::Clip.as_str()) {
        Ordering::Less => Paging::from_time(limit, key.start),
        Ordering::Equal => Paging::after_row(limit, key.start, id),
        Ordering::Greater => Paging::from_time(limit, key.start + MediaTime::from_micros(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_cursor_keeps_its_text_and_rejects_other_text() {
        for (kind, text) in [
            ("clip", "MTUwMHxjbGlwfHhfMQ"),
            ("audio_hit", "MTUwMHxhdWRpb19oaXR8eF8x"),
            ("video_shot_list", "MTUwMHx2aWRlb19zaG90X2xpc3R8eF8x"),
        ] {
            let key = UsageKey { start: AssetTime::from_micros(1_500), kind: kind.parse().unwrap() };
            let cursor = UsageCursor { key, id: "x_1".parse().unwrap() };
            assert_eq!(cursor.encode(), text);
            assert_eq!(UsageCursor::decode(text), Ok(cursor));
        }
        // 1500, 1500|clip, 1500|clip|, x|clip|a, 1500|cut|a, 1500|clip|a b
        for bad in [
            "MTUwMA",
            "MTUwMHxjbGlw",
            "MTUwMHxjbGlwfA",
            "eHxjbGlwfGE",
            "MTUwMHxjdXR8YQ",
            "MTUwMHxjbGlwfGEgYg",
            "????",
        ] {
            assert!(UsageCursor::decode(bad).is_err(), "{bad}");
        }
    }
}
