//! What a render does, as data.

use std::fmt;

use http_kit::Id;
use media_time::{MediaTime, Window};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Profile;

/// One argument of ffmpeg.
///
/// Files stand in it by number, so that a plan tells no paths and is the same everywhere. On the wire
/// `{source:0}` and `{output}` are the files, anything else is the argument itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Argument {
    /// Handed over as it is.
    Text(String),
    /// The path of the source with that index.
    Source(usize),
    /// The path of the file to write.
    Output,
}

const OUTPUT: &str = "{output}";

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Source(index) => write!(f, "{{source:{index}}}"),
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
    /// The asset.
    pub asset_id: Id,
    /// SHA-256 of its bytes.
    pub content_sha256: Option<String>,
    /// The one demuxer of ffmpeg's that may read it.
    pub demuxer: String,
    /// When the first picture used begins to be shown, in ms of the asset; null without pictures.
    pub first_frame_ms: Option<MediaTime>,
}

/// What a render does: the same request gives the same plan, and the same plan the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// This renderer and ffmpeg, with their versions.
    pub renderer_version: String,
    /// The profile's name.
    pub render_profile: String,
    /// Begin of the window, in ms.
    pub start_ms: MediaTime,
    /// End of the window, in ms; not in it.
    pub end_ms: MediaTime,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures a second; null for those of the source, each at its own time.
    pub fps: Option<f64>,
    /// The files read.
    pub sources: Vec<PlannedSource>,
    /// What ffmpeg is called with; `{source:N}` and `{output}` stand for files.
    #[schema(value_type = Vec<String>)]
    pub arguments: Vec<Argument>,
}

impl Plan {
    pub(crate) fn new(
        renderer_version: &str,
        profile: &Profile,
        window: Window,
        fps: Option<f64>,
        sources: Vec<PlannedSource>,
        arguments: Vec<Argument>,
    ) -> Self {
        Self {
            renderer_version: renderer_version.to_owned(),
            render_profile: profile.name.to_owned(),
            start_ms: window.start(),
            end_ms: window.end(),
            width: profile.width,
            height: profile.height,
            fps,
            sources,
            arguments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_the_wire() {
        let all = [Argument::Text("-i".to_owned()), Argument::Source(12), Argument::Output];
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(json, r#"["-i","{source:12}","{output}"]"#);
        assert_eq!(serde_json::from_str::<[Argument; 3]>(&json).unwrap(), all);
    }
}
