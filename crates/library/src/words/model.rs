//! Wire types of the search.

use media_time::AssetTime;
use media_v2::AssetKind;
use primitives::Id;
use serde::{Deserialize, Serialize};

/// A search for words.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// The words: all must be said in a window, in any order and in any form that the language derives from the same stem.
    /// Words in double quotes are a phrase, in exactly this form and order; `word*` matches every word that begins so.
    /// Case, accents and punctuation are ignored.
    #[param(min_length = 1, max_length = 500)]
    pub q: String,
    /// Only recordings of this kind.
    #[param(inline)]
    pub kind: Option<AssetKind>,
    /// Only this recording.
    pub asset_id: Option<Id>,
    /// Maximum number of windows on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the previous page, for the same search.
    pub cursor: Option<String>,
}

/// A window in which the words are said.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SearchHit {
    /// The recording.
    pub asset_id: Id,
    /// The semantic timeline with the words.
    pub timeline_artifact_id: Id,
    /// The audio stream with the words; null for the default one.
    pub audio_stream: Option<u32>,
    /// Start of the window, in ms.
    #[serde(rename = "start_ms")]
    pub start: AssetTime,
    /// End of the window in ms, exclusive.
    #[serde(rename = "end_ms")]
    pub end: AssetTime,
    /// Language of the words, if known.
    pub language: Option<String>,
    /// The speaker in the timeline, if known.
    pub speaker_id: Option<String>,
    /// Relevance. Windows are ranked in blocks of 200, the newest ones first.
    pub rank: f32,
    /// The words of the window, separated by spaces.
    pub text: String,
    /// The words of the window, and those after it into which a phrase continues.
    pub words: Vec<SpokenWord>,
    /// Where the words of the search are said, in order of time.
    pub matches: Vec<SearchMatch>,
}

/// A word of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SpokenWord {
    /// The word as transcribed.
    pub word: String,
    /// Start in ms.
    pub start_ms: i64,
    /// End in ms, exclusive.
    pub end_ms: i64,
    /// Whether it is part of a match.
    pub highlighted: bool,
}

/// One word or phrase of the search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SearchMatch {
    /// Start of the first word, in ms.
    pub start_ms: i64,
    /// End of the last word in ms, exclusive.
    pub end_ms: i64,
    /// The words as transcribed.
    pub text: String,
}

/// A place where a phrase is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The recording.
    pub asset_id: Id,
    /// The semantic timeline with the words.
    pub timeline_artifact_id: Id,
    /// The words and their times.
    pub found: SearchMatch,
}
