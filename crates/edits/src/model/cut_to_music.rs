use media_time::AssetTime;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Violations;
use crate::Error;

/// Maximum number of sources.
const MAX_SOURCES: usize = 1_000;

/// Body of `POST /edits/cut-to-music`.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CutToMusic {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording of the music; it needs a semantic timeline with beats.
    pub music_asset_id: Id,
    /// The recordings to show.
    #[schema(min_items = 1, max_items = 1000)]
    pub sources: Vec<EditSource>,
    /// Where to cut.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = Every::default)]
    pub every: Every,
    /// Which source is next.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = SourceOrder::default)]
    pub order: SourceOrder,
    /// Seed of the order `shuffled`, which requires it; 0 by default otherwise.
    pub seed: Option<i64>,
    /// Start of the music to use, in ms.
    #[serde(rename = "start_ms", default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = f64, minimum = 0, default = 0)]
    pub start: AssetTime,
    /// End of the music to use in ms, exclusive; its end by default.
    #[serde(rename = "end_ms")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0)]
    pub end: Option<AssetTime>,
}

http_kit::context_fields!(CutToMusic);

/// A recording to show, or a window of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditSource {
    /// The recording.
    pub asset_id: Id,
    /// Start of the window, in ms.
    #[serde(rename = "start_ms", default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = f64, minimum = 0, default = 0)]
    pub start: AssetTime,
    /// End of the window in ms, exclusive; the recording's end by default.
    #[serde(rename = "end_ms")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0)]
    pub end: Option<AssetTime>,
}

/// The times at which an edit to music cuts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Every {
    /// At each beat.
    #[serde(rename = "beat")]
    Beat,
    /// At every second beat.
    #[serde(rename = "2beats")]
    TwoBeats,
    /// At each first beat of a bar.
    #[default]
    #[serde(rename = "bar")]
    Bar,
    /// At the first beat of every second bar.
    #[serde(rename = "2bars")]
    TwoBars,
}

impl Every {
    /// Label of a shot of one such interval.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Beat => "beat",
            Self::TwoBeats => "2 beats",
            Self::Bar => "bar",
            Self::TwoBars => "2 bars",
        }
    }
}

/// The order of the sources of an edit to music.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceOrder {
    /// In turn, as given.
    #[default]
    Given,
    /// In turn, in another order in each round.
    Shuffled,
    /// Loud windows of the sources with loud intervals of the music.
    Energy,
}

impl CutToMusic {
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut violations = Violations::default();
        violations.count(self.sources.len(), MAX_SOURCES, "/sources");
        for (index, source) in self.sources.iter().take(MAX_SOURCES).enumerate() {
            violations.window(&format!("/sources/{index}"), source.start, source.end);
        }
        let is_seeded = self.order != SourceOrder::Shuffled || self.seed.is_some();
        violations.require(is_seeded, || "/seed".to_owned(), "the order `shuffled` requires a seed");
        violations.window("", self.start, self.end);
        violations.result()
    }
}
