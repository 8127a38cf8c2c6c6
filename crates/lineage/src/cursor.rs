//! Keyset cursors of the usage listing, which is ordered by start of the window, then kind, then id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_kit::Id;
use media_time::MediaTime;
use video_timeline::Paging;

use crate::{Error, Usage, UsageKind};

/// The position after the last use of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageCursor {
    pub(crate) start: MediaTime,
    pub(crate) kind: UsageKind,
    pub(crate) id: Id,
}

impl UsageCursor {
    pub(crate) fn of(usage: &Usage) -> Self {
        Self { start: usage.start_ms, kind: usage.kind, id: usage.id.clone() }
    }

    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}|{}|{}", self.start.as_micros(), self.kind, self.id))
    }

    pub(crate) fn decode(text: &str) -> Result<Self, Error> {
        let parse = || {
            let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let (start, rest) = plain.split_once('|')?;
            let (kind, id) = rest.split_once('|')?;
            let start = MediaTime::from_micros(start.parse().ok()?);
            Some(Self { start, kind: kind.parse().ok()?, id: id.parse().ok()? })
        };
        parse().ok_or(Error::InvalidCursor)
    }

    /// Paging for the clips after this position, in a listing by start in the asset.
    pub(crate) fn clips_after(self, limit: u32) -> Paging {
        match self.kind.as_str().cmp(UsageKind::Clip.as_str()) {
            std::cmp::Ordering::Less => Paging::from_time(limit, self.start),
            std::cmp::Ordering::Equal => Paging::after_row(limit, self.start, self.id),
            std::cmp::Ordering::Greater => Paging::from_time(limit, self.start + MediaTime::from_micros(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_cursor_round_trips_and_rejects_other_text() {
        for kind in ["clip", "audio_hit", "video_shot_list"] {
            let place = UsageCursor {
                start: MediaTime::from_micros(1_500),
                kind: kind.parse().unwrap(),
                id: "x_1".parse().unwrap(),
            };
            assert_eq!(UsageCursor::decode(&place.encode()).unwrap(), place);
        }
        for bad in ["1500", "1500|clip", "1500|clip|", "x|clip|a", "1500|cut|a", "1500|clip|a b"] {
            let bad = URL_SAFE_NO_PAD.encode(bad);
            assert!(matches!(UsageCursor::decode(&bad), Err(Error::InvalidCursor)), "{bad}");
        }
        assert!(UsageCursor::decode("????").is_err());
    }
}
