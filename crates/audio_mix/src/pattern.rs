//! A pattern as placed clips. Pure functions.

use audio_pattern_engine::PatternTimeline;
use media_time::MediaTime;

use crate::{PlacedClip, frame_at, gain_factor};

/// The clips of a pattern on the sample grid, with the index of their artifact among `artifact_ids`.
#[derive(Debug, PartialEq)]
pub(crate) struct PatternMix {
    /// Clips whose `source` is the index of their artifact.
    pub(crate) clips: Vec<PlacedClip>,
    /// Number of frames of the mix: the pattern's length, or more if a clip ends later.
    pub(crate) frames: u64,
}

impl PatternMix {
    /// The mix of `pattern`; `source_of` gives the index of an artifact.
    pub(crate) fn new(pattern: &PatternTimeline, source_of: impl Fn(&primitives::Id) -> usize) -> Self {
        let clips = pattern.clips.iter().map(|clip| PlacedClip {
            source: source_of(&clip.artifact_id),
            source_start: frame_at(clip.source_offset.since_zero()),
            start: frame_at(clip.start.since_zero()),
            frames: frame_at(clip.duration),
            gain: gain_factor(clip.gain_db),
        });
        let clips: Vec<PlacedClip> = clips.collect();
        let last = clips.iter().map(|clip| clip.start + clip.frames).max().unwrap_or(0);
        let declared = pattern.meta.get("length_ms").and_then(serde_json::Value::as_f64).unwrap_or(0.0);
        let declared = frame_at(MediaTime::from_secs_f64(declared / 1_000.0));
        Self { clips, frames: declared.max(last) }
    }
}
