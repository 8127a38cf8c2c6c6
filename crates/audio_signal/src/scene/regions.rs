use std::ops::Range;

use crate::Thresholds;

/// Minimum gap between two regions, in frames: 96 ms.
const MIN_GAP: usize = 3;
/// Minimum duration of speech, in frames: 96 ms. A fast "two" alone takes 200 ms, of which the detector needs half to
/// reach its threshold.
const MIN_SPEECH: usize = 3;
/// Frames added on either side, because the detector reaches its threshold with a delay.
const PADDING: usize = 2;

/// The regions of speech, given its probability in each frame: a region starts at one threshold and ends at a lower one
/// (the hysteresis of Silero's own reference code).
pub(crate) fn speech_regions(voice: &[f32], thresholds: &Thresholds) -> Vec<Range<usize>> {
    let mut regions: Vec<Range<usize>> = Vec::new();
    let mut speaking = false;
    for (frame, &probability) in voice.iter().enumerate() {
        let threshold = if speaking { thresholds.speech_off } else { thresholds.speech_on };
        speaking = f64::from(probability) >= threshold;
        if !speaking {
            continue;
        }
        match regions.last_mut() {
            Some(last) if frame - last.end < MIN_GAP => last.end = frame + 1,
            _ => regions.push(frame..frame + 1),
        }
    }
    regions.retain(|region| region.len() >= MIN_SPEECH);
    pad(&mut regions, voice.len());
    regions
}

fn pad(regions: &mut [Range<usize>], len: usize) {
    let mut before = 0;
    for index in 0..regions.len() {
        let after = regions.get(index + 1).map_or(len, |next| next.start);
        let region = &mut regions[index];
        region.start = region.start.saturating_sub(PADDING).max(before);
        region.end = (region.end + PADDING).min(after);
        before = region.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hysteresis_bridges_dips_of_the_probability() {
        let mut voice = vec![0.0; 5];
        voice.extend([0.6; 5]);
        voice.extend([0.4; 5]);
        voice.extend([0.6; 5]);
        voice.extend([0.1; 2]);
        voice.extend([0.9; 2]);
        voice.extend([0.0; 9]);
        assert_eq!(speech_regions(&voice, &Thresholds::DEFAULT), vec![3..26_usize]);
    }

    proptest! {
        #[test]
        fn regions_are_disjoint_and_within_the_recording(voice in prop::collection::vec(0f32..1.0, 0..200)) {
            let regions = speech_regions(&voice, &Thresholds::DEFAULT);
            prop_assert!(regions.iter().all(|region| region.len() >= MIN_SPEECH && region.end <= voice.len()));
            prop_assert!(regions.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
