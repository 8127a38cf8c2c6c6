use crate::model::{AnalyzeRequest, Clamped};

/// The parameters of a request, within their ranges: with the recording and the backend's version,
/// all that a timeline depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveParams {
    /// Find beats and tempo.
    pub include_beats: bool,
    /// Tell speech and music apart.
    pub include_speech_music: bool,
    /// 50–10 000 ms.
    pub min_silence_ms: i64,
    /// 100–10 000 ms.
    pub loudness_window_ms: i64,
    /// As given.
    pub language: Option<String>,
}

impl Default for EffectiveParams {
    fn default() -> Self {
        Self {
            include_beats: true,
            include_speech_music: true,
            min_silence_ms: 300,
            loudness_window_ms: 1_000,
            language: None,
        }
    }
}

impl EffectiveParams {
    /// The parameters of `request`, and those that had to be clamped.
    #[must_use]
    pub fn of(request: &AnalyzeRequest) -> (Self, Vec<Clamped>) {
        let mut clamped = Vec::new();
        let mut clamp = |parameter, requested: i64, lowest, highest| {
            let effective = requested.clamp(lowest, highest);
            if effective != requested {
                clamped.push(Clamped { parameter, requested, effective });
            }
            effective
        };
        let params = Self {
            include_beats: request.include_beats,
            include_speech_music: request.include_speech_music,
            min_silence_ms: clamp("min_silence_ms", request.min_silence_ms, 50, 10_000),
            loudness_window_ms: clamp("loudness_window_ms", request.loudness_window_ms, 100, 10_000),
            language: request.language.clone(),
        };
        (params, clamped)
    }
}
