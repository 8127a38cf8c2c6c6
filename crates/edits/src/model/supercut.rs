use media_time::{AssetTime, MediaTime};
use primitives::Id;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Violations;
use crate::phrase::normalised;
use crate::{Error, MAX_SHOTS};

/// Maximum number of recordings in which a phrase is searched.
const MAX_SEARCHED: usize = 100;
/// Maximum length of a phrase, in characters.
const MAX_PHRASE: usize = 500;

/// Body of `POST /edits/supercut`, with `windows`, or with `q`, with or without `asset_ids`.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supercut {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The windows, in the order of the edit.
    #[schema(min_items = 1, max_items = 10_000)]
    pub windows: Option<Vec<Excerpt>>,
    /// A phrase to find in the words of the recordings, regardless of case and punctuation.
    #[schema(min_length = 1, max_length = 500)]
    pub q: Option<String>,
    /// The recordings to search, in the order of the edit; they need semantic timelines with words. All recordings if absent,
    /// where accents are ignored as in `GET /search`.
    #[schema(min_items = 1, max_items = 100)]
    pub asset_ids: Option<Vec<Id>>,
    /// Duration to add before and after each window, in ms.
    #[serde(rename = "padding_ms", default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = f64, minimum = 0, maximum = 60_000, default = 0)]
    pub padding: MediaTime,
}

http_kit::context_fields!(Supercut);

/// A window of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// The recording.
    pub asset_id: Id,
    /// Start of the window, in ms.
    #[serde(rename = "start_ms")]
    #[schema(value_type = f64, minimum = 0)]
    pub start: AssetTime,
    /// End of the window in ms, exclusive; after the recording's end means its end.
    #[serde(rename = "end_ms")]
    #[schema(value_type = f64, exclusive_minimum = 0)]
    pub end: AssetTime,
}

impl Supercut {
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut violations = Violations::default();
        violations.range(self.padding, "/padding_ms", 0, 60_000);
        if let Some(windows) = &self.windows {
            violations.count(windows.len(), MAX_SHOTS, "/windows");
            for (index, window) in windows.iter().take(MAX_SHOTS).enumerate() {
                violations.window(&format!("/windows/{index}"), window.start, Some(window.end));
            }
        }
        if let Some(ids) = &self.asset_ids {
            violations.count(ids.len(), MAX_SEARCHED, "/asset_ids");
        }
        if let Some(q) = &self.q {
            let length = q.chars().take(MAX_PHRASE + 1).count();
            let is_phrase = length <= MAX_PHRASE && !normalised(q).is_empty();
            violations.require(
                is_phrase,
                || "/q".to_owned(),
                "expected 1 to 500 characters with letters or digits",
            );
        }
        let (windows, q, ids) = (self.windows.is_some(), self.q.is_some(), self.asset_ids.is_some());
        let detail = "give either windows, or q, with or without asset_ids";
        violations.require(windows != q, || "/windows".to_owned(), detail);
        violations.require(q || !ids, || "/asset_ids".to_owned(), detail);
        violations.result()
    }
}
