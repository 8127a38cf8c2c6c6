use media_time::Window;
use serde::{Deserialize, Serialize};

/// What is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneKind {
    /// Somebody talks.
    Speech,
    /// Music, sung or played.
    Music,
    /// Nothing above the noise floor.
    Silence,
    /// Sound that is neither: noise, traffic, applause.
    Other,
}

impl SceneKind {
    /// `speech`, `music`, `silence` or `other`.
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

/// A stretch of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// What is heard.
    pub kind: SceneKind,
    /// Where; never empty.
    pub window: Window,
    /// The probability that a frame of this stretch is of this kind, 0 to 1 (calibration: docs/signal.md).
    pub confidence: f32,
    /// K-weighted loudness of the stretch in LUFS (ITU-R BS.1770, ungated); `None` for digital silence.
    pub loudness_lufs: Option<f64>,
    /// Speech over music.
    pub background_music: bool,
    /// Music with a voice singing.
    pub sung: bool,
}
