//! A pattern as placed clips. Pure functions.

use std::ops::Range;

use audio_pattern_engine::PatternTimeline;
use media_time::MediaTime;

use crate::{PlacedClip, RATE};

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
            source_start: frames(clip.source_offset.since_zero()),
            start: frames(clip.start.since_zero()),
            frames: frames(clip.duration),
            gain: 10_f64.powf(clip.gain_db / 20.0) as f32,
        });
        let clips: Vec<PlacedClip> = clips.collect();
        let last = clips.iter().map(|clip| clip.start + clip.frames).max().unwrap_or(0);
        let declared = pattern.meta.get("length_ms").and_then(serde_json::Value::as_f64).unwrap_or(0.0);
        let declared = frames(MediaTime::from_secs_f64(declared / 1_000.0));
        Self { clips, frames: declared.max(last) }
    }

    /// The windows of each of `count` sources that the clips play.
    pub(crate) fn windows(&self, count: usize) -> Vec<Vec<Range<u64>>> {
        let mut windows = vec![Vec::new(); count];
        for clip in &self.clips {
            windows[clip.source].push(clip.source_start..clip.source_start + clip.frames);
        }
        windows
    }
}

/// The nearest frame to an instant, not below 0.
fn frames(time: MediaTime) -> u64 {
    u64::try_from(time.to_samples(RATE)).unwrap_or(0)
}
