//! The onsets among the peaks of the onset function and of the net.
//!
//! Among drums alone, whose strokes fall off at once, those above the adaptive threshold are onsets. Else a candidate is one if
//! that is more likely than not, by a logistic regression of its height, the net's log-odds, the pulse in each range of
//! frequencies and the candidates beside it. Where the net is not computed, those above the threshold are onsets.
//! `tools/rhythm/confidence.py` fits the weights on clips that the net was not trained on.

use media_time::MediaTime;

use super::confidence::logistic;
use super::onset_candidates::{Candidate, Description, FEATURES, OnsetCandidates, OnsetEvidence};
use super::onsets::Onset;
use super::spectrum::FRAMES_PER_SECOND;

/// Least confidence of an onset.
const MIN_CONFIDENCE: f32 = 0.5;
/// Of two onsets that are closer (60 ms), the less certain one is left out, but not among drums alone.
const MIN_GAP: f64 = 0.06 * FRAMES_PER_SECOND as f64;
/// An offset, and the weight of each feature.
type Weights = [f32; FEATURES + 1];
const BY_NET: Weights = [
    -0.587, 2.036, -0.008, 0.190, -0.381, 0.923, -0.595, -1.949, 0.812, 0.360, 0.349, -1.863, -1.246, 0.332,
    -0.077, 0.018, -0.032, 0.008, 0.202,
];
const OF_DRUMS: Weights = [
    -0.098, 4.670, -3.041, 0.870, -0.472, 1.689, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    0.0,
];
const WITHOUT_NET: Weights = [
    1.346, 5.196, 0.725, 0.0, -0.314, 2.526, 0.0, -0.080, 0.0, 0.0, 2.72, -3.060, -0.635, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0,
];

/// A candidate with the decision about it.
struct Decided {
    place: f64,
    strength: f32,
    confidence: f32,
    is_onset: bool,
    may_be_close: bool,
}

impl Decided {
    fn new(candidate: &Candidate, description: &Description) -> Self {
        let by_threshold = !description.has_net || description.are_drums;
        let weights = match (description.has_net, description.are_drums) {
            (false, _) => &WITHOUT_NET,
            (true, true) => &OF_DRUMS,
            (true, false) => &BY_NET,
        };
        let confidence = logistic(weights, &description.features);
        Self {
            place: candidate.place,
            strength: candidate.strength,
            confidence,
            is_onset: if by_threshold { description.is_above } else { confidence >= MIN_CONFIDENCE },
            may_be_close: by_threshold,
        }
    }
}

/// The onsets of a recording, given that frames of the onset function have `hop` samples at `rate` Hz.
pub(super) fn pick(evidence: OnsetEvidence<'_>, hop: usize, rate: u32) -> Vec<Onset> {
    let candidates = OnsetCandidates::new(evidence);
    let by_place = candidates.by_place();
    let decided = by_place
        .iter()
        .enumerate()
        .map(|(index, candidate)| Decided::new(candidate, &candidates.describe(&by_place, index)));
    let mut kept: Vec<Decided> = Vec::new();
    for found in decided.filter(|found| found.is_onset) {
        match kept.last_mut() {
            Some(last) if !found.may_be_close && found.place - last.place < MIN_GAP => {
                if found.confidence > last.confidence {
                    *last = found;
                }
            }
            _ => kept.push(found),
        }
    }
    let onset = |found: &Decided| Onset {
        time: MediaTime::from_samples((found.place * hop as f64).round() as i64, rate),
        strength: found.strength,
        confidence: found.confidence,
    };
    kept.iter().map(onset).collect()
}

#[cfg(test)]
mod tests {
    use super::super::inputs::FRAMES_PER_STEP;
    use super::super::pulse::PULSE_STRIDE;
    use super::*;

    const FRAMES: usize = 2_000;

    /// An onset function of soft noise with a rise to `height` each 100 frames, that falls off within `fall` frames.
    fn rises(height: f32, fall: usize) -> Vec<f32> {
        let value = |frame: usize| {
            let noise = 0.02 + 0.005 * (frame % 7) as f32;
            let since = frame % 100;
            if frame >= 100 && since < fall {
                height * (fall - since) as f32 / fall as f32 + noise
            } else {
                noise
            }
        };
        (0..FRAMES).map(value).collect()
    }

    fn found(values: &[f32], net: &[Option<f32>]) -> Vec<Onset> {
        let ranges = std::array::from_fn(|_| vec![0.5; FRAMES / PULSE_STRIDE]);
        pick(OnsetEvidence { values, net, ranges: &ranges }, 220, 44_100)
    }

    /// Log-odds of an onset each 25 steps, and of none elsewhere.
    fn net(onset: f32) -> Vec<Option<f32>> {
        (0..FRAMES / FRAMES_PER_STEP)
            .map(|step| Some(if step > 0 && step % 25 == 0 { onset } else { -4.0 }))
            .collect()
    }

    #[test]
    fn without_the_net_peaks_above_the_threshold_are_onsets() {
        for net in [vec![], vec![None; FRAMES / FRAMES_PER_STEP]] {
            let onsets = found(&rises(0.3, 4), &net);
            assert_eq!(onsets.len(), FRAMES / 100 - 1);
            assert!(onsets.iter().all(|onset| onset.confidence > 0.5), "{onsets:?}");
            assert!(found(&rises(0.0, 4), &net).is_empty());
        }
    }

    #[test]
    fn the_net_decides_on_rises_that_last() {
        let soft = rises(0.06, 40);
        assert!(found(&soft, &net(-4.0)).is_empty());
        let onsets = found(&soft, &net(4.0));
        assert_eq!(onsets.len(), FRAMES / 100 - 1);
        assert!(onsets.iter().all(|onset| (MIN_CONFIDENCE..=1.0).contains(&onset.confidence)));
    }

    #[test]
    fn strokes_of_drums_alone_need_no_net() {
        let onsets = found(&rises(0.4, 4), &net(-4.0));
        assert_eq!(onsets.len(), FRAMES / 100 - 1);
        assert!(onsets.is_sorted_by(|a, b| a.time < b.time));
    }

    #[test]
    fn nothing_has_no_onsets() {
        assert!(found(&[], &[]).is_empty());
        assert!(found(&[0.0; 3], &[]).is_empty());
    }
}
