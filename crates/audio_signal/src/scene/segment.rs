use media_time::Window;
use serde::{Deserialize, Serialize};

/// What a segment of a recording contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneKind {
    /// A person is speaking.
    Speech,
    /// Vocal or instrumental music.
    Music,
    /// No audio above the noise floor.
    Silence,
    /// Audio that is neither: noise, traffic, applause.
    Other,
}

impl SceneKind {
    /// Name of the kind: `speech`, `music`, `silence` or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Speech => "speech",
            Self::Music => "music",
            Self::Silence => "silence",
            Self::Other => "other",
        }
    }
}

/// A segment of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The kind of its audio.
    pub kind: SceneKind,
    /// Its window in the recording; never empty.
    pub window: Window,
    /// The probability that a frame of this segment is of this kind, 0 to 1 (calibration: docs/signal.md).
    pub confidence: f32,
    /// K-weighted loudness of the segment in LUFS (ITU-R BS.1770, ungated); `None` for digital silence.
    pub loudness_lufs: Option<f64>,
    /// Whether this is speech over music.
    pub background_music: bool,
    /// Whether this is music with singing.
    pub sung: bool,
}
