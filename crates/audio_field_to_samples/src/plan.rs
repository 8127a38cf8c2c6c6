//! Selects the detections to cut.

use interchange::wave;

use crate::Error;
use crate::detector::Detection;
use crate::extract::{FeatureSet, RecordingFeatures};
use crate::job::DetectorJob;
use crate::phrases::SpokenWord;

/// Maximum number of samples of one detector; the best are kept.
pub const MAX_SAMPLES: usize = 2_000;

/// The detections of one detector that are cut.
pub(crate) struct SlicePlan {
    pub(crate) detections: Vec<Box<dyn Detection>>,
    /// Number of detections below the minimum score.
    pub(crate) filtered: u64,
    /// Number of detections above [`MAX_SAMPLES`].
    pub(crate) cut_off: u64,
}

impl SlicePlan {
    /// Runs the detector of `job`.
    ///
    /// # Errors
    /// [`Error::SliceTooLarge`].
    pub(crate) fn new(
        job: &DetectorJob,
        features: &RecordingFeatures,
        words: &[SpokenWord],
    ) -> Result<Self, Error> {
        let mut detections = job.detector.detect(features, words);
        let all = detections.len();
        let rate = features.format.rate;
        detections.retain(|found| found.score() >= job.min_score && !found.frames(rate).is_empty());
        let filtered = all - detections.len();
        let cut_off = keep_best(&mut detections);
        let channels = features.format.channels();
        for frames in detections.iter().map(|found| found.max_frames(&features.format)) {
            if wave::data_bytes(channels, frames).is_none() {
                return Err(Error::SliceTooLarge { detector: job.detector.detector(), frames, channels });
            }
        }
        Ok(Self { detections, filtered: filtered as u64, cut_off: cut_off as u64 })
    }
}

/// Keeps the [`MAX_SAMPLES`] with the highest scores, of equal ones the earlier, in their order; returns how many were
/// removed.
fn keep_best(detections: &mut Vec<Box<dyn Detection>>) -> usize {
    let excess = detections.len().saturating_sub(MAX_SAMPLES);
    if excess > 0 {
        let mut ranked: Vec<(usize, Box<dyn Detection>)> =
            std::mem::take(detections).into_iter().enumerate().collect();
        ranked.sort_by(|(a, left), (b, right)| right.score().total_cmp(&left.score()).then(a.cmp(b)));
        ranked.truncate(MAX_SAMPLES);
        ranked.sort_unstable_by_key(|(position, _)| *position);
        *detections = ranked.into_iter().map(|(_, found)| found).collect();
    }
    excess
}

/// The features that the detectors of `jobs` need.
pub(crate) fn features_of<'a>(jobs: impl Iterator<Item = &'a DetectorJob>) -> FeatureSet {
    jobs.map(|job| job.detector.features()).fold(FeatureSet::default(), FeatureSet::union)
}
