//! The plan of a render, as data.

use std::fmt;

use media_time::{AssetTime, Instant, MediaTime, Window};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Profile;

/// One argument of ffmpeg.
///
/// Files are placeholders, so that a plan contains no paths and is the same on every server. On the wire `{source:0}`
/// and `{output}` are the files; any other text is the argument itself. In a filter, the source behind the last one is the
/// script of the captions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Argument {
    /// An argument that is passed unchanged.
    Text(String),
    /// The path of the source with that index in [`Plan::sources`].
    Source(usize),
    /// The path of the output file.
    Output,
}

const OUTPUT: &str = "{output}";

/// The placeholder of a source in an argument.
pub(crate) fn source_name(index: usize) -> String {
    format!("{{source:{index}}}")
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Source(index) => f.write_str(&source_name(*index)),
            Self::Output => f.write_str(OUTPUT),
        }
    }
}

impl From<Argument> for String {
    fn from(argument: Argument) -> Self {
        argument.to_string()
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        let index = text.strip_prefix("{source:").and_then(|rest| rest.strip_suffix('}'));
        match index.and_then(|index| index.parse().ok()) {
            Some(index) => Self::Source(index),
            None if text == OUTPUT => Self::Output,
            None => Self::Text(text),
        }
    }
}

/// A file that a render reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlannedSource {
    /// Id of the asset.
    pub asset_id: Id,
    /// SHA-256 of the file's bytes, if known.
    pub content_sha256: Option<String>,
    /// The only demuxer of ffmpeg that may read the file.
    pub demuxer: String,
    /// PTS of the first frame used, in ms of the asset; null when no frame is used.
    #[serde(rename = "first_frame_ms")]
    pub first_frame: Option<AssetTime>,
}

/// The plan of a render: the same request gives the same plan, and the same plan gives the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Versions of the renderer and of ffmpeg.
    pub renderer_version: String,
    /// Name of the profile.
    pub render_profile: String,
    /// Start of the window, in ms.
    #[serde(rename = "start_ms")]
    pub start: MediaTime,
    /// End of the window (exclusive), in ms.
    #[serde(rename = "end_ms")]
    pub end: MediaTime,
    /// Width of the canvas in pixels.
    pub width: u32,
    /// Height of the canvas in pixels.
    pub height: u32,
    /// Frames per second; with the source's rate its mean, null if unknown.
    pub fps: Option<f64>,
    /// The files that are read.
    pub sources: Vec<PlannedSource>,
    /// The arguments of ffmpeg; `{source:N}` and `{output}` are placeholders for files. Of a film, those of the last call,
    /// which joins the list of its pieces (`{source:0}`) to its audio (`{source:1}`).
    #[schema(value_type = Vec<String>)]
    pub arguments: Vec<Argument>,
    /// Number of different pieces of a film; null for a render by one call of ffmpeg.
    #[serde(default)]
    pub pieces: Option<usize>,
    /// Sources of a film that are black or silent, and why.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Plan {
    pub(crate) fn new(
        renderer_version: &str,
        profile: &Profile,
        window: Window<impl Instant>,
        fps: Option<f64>,
        sources: Vec<PlannedSource>,
        arguments: Vec<Argument>,
    ) -> Self {
        Self {
            renderer_version: renderer_version.to_owned(),
            render_profile: profile.name.to_owned(),
            start: window.start().since_zero(),
            end: window.end().since_zero(),
            width: profile.width,
            height: profile.height,
            fps,
            sources,
            arguments,
            pieces: None,
            warnings: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_round_trip_through_json() {
        let all = [Argument::Text("-i".to_owned()), Argument::Source(12), Argument::Output];
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(json, r#"["-i","{source:12}","{output}"]"#);
        assert_eq!(serde_json::from_str::<[Argument; 3]>(&json).unwrap(), all);
    }
}
