//! Audio activity within a window, from its level: finer boundaries than the 32 ms frames of speech detection.

use std::ops::Range;

use crate::RATE;

/// Length of a level frame in samples: 10 ms.
const FRAME: usize = RATE as usize / 100;
/// Minimum gap between two active ranges, in frames: 60 ms, longer than the closure of a plosive.
const MIN_GAP: usize = 6;
/// Minimum length of an active range, in frames; shorter ones are clicks.
const MIN_ACTIVE: usize = 3;
/// Quantiles of the frame levels that estimate the noise floor and the speech level.
const FLOOR_QUANTILE: f32 = 0.1;
const SPEECH_QUANTILE: f32 = 0.95;
/// Minimum ratio of speech level to noise floor for the detection to work, in dB.
const MIN_SNR_DB: f32 = 15.0;
/// Threshold between noise floor (0) and speech level (1), on the dB scale.
const THRESHOLD: f32 = 0.3;
/// Minimum level; lower ones are clamped to it, in dBFS.
const MIN_DB: f32 = -90.0;

/// The active ranges of a window, sorted, in samples; empty where the signal-to-noise ratio is too low.
pub(crate) fn detect(samples: &[f32]) -> Vec<Range<usize>> {
    let levels: Vec<f32> = samples.chunks(FRAME).map(level_db).collect();
    let mut sorted: Vec<f32> = levels.iter().copied().filter(|level| *level > MIN_DB).collect();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f32| sorted.get((share * sorted.len() as f32) as usize).copied();
    let Some((floor, speech)) = at(FLOOR_QUANTILE).zip(at(SPEECH_QUANTILE)) else { return Vec::new() };
    // A window with digital silence has a floor below any measured level.
    let floor = if sorted.len() < levels.len() { floor.min(speech - 2.0 * MIN_SNR_DB) } else { floor };
    if speech - floor < MIN_SNR_DB {
        return Vec::new();
    }
    let threshold = floor + THRESHOLD * (speech - floor);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (frame, _) in levels.iter().enumerate().filter(|(_, level)| **level > threshold) {
        match found.last_mut() {
            Some(last) if frame - last.end < MIN_GAP => last.end = frame + 1,
            _ => found.push(frame..frame + 1),
        }
    }
    found.retain(|range| range.len() >= MIN_ACTIVE);
    found.iter().map(|range| range.start * FRAME..(range.end * FRAME).min(samples.len())).collect()
}

fn level_db(frame: &[f32]) -> f32 {
    let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len().max(1) as f32;
    (10.0 * power.max(1e-12).log10()).max(MIN_DB)
}

/// Maximum distance by which a word boundary is moved to the boundary of an active range: 100 ms.
const SNAP: usize = RATE as usize / 10;
/// Minimum duration of a word: 30 ms.
const MIN_WORD: usize = RATE as usize * 3 / 100;

/// Moves the boundaries of a word from pauses to the boundaries of the active ranges. `range` may be empty.
pub(crate) fn snap(range: Range<usize>, activity: &[Range<usize>]) -> Range<usize> {
    let Range { mut start, mut end } = range;
    // The first active range that ends after the word starts.
    let first = activity.partition_point(|range| range.end <= start);
    if let Some(current) = activity.get(first) {
        let next = activity.get(first + 1);
        if start < current.start && current.start + MIN_WORD <= end {
            start = current.start;
        } else if let Some(next) = next.filter(|_| current.end - start.max(current.start) < SNAP) {
            // The end of an active range belongs to the previous word.
            let after = end.saturating_sub(next.start);
            if start >= current.start && after > 2 * (current.end - start) {
                start = next.start;
            }
        }
    }
    // The last active range that starts before the word ends.
    let last =
        activity.partition_point(|range| range.start < end).checked_sub(1).map(|index| &activity[index]);
    if let Some(range) = last.filter(|range| end > range.end && range.end >= start + MIN_WORD) {
        end = range.end;
    }
    // Cut a word that contains a pause; its start is more reliable than its end.
    let pause = activity.windows(2).find(|pair| start < pair[0].end && pair[1].start < end);
    if let Some(pair) = pause.filter(|pair| pair[1].start - pair[0].end >= MAX_INNER_GAP) {
        if pair[0].end >= start + 2 * MIN_WORD {
            end = pair[0].end;
        } else {
            start = pair[1].start;
        }
    }
    start..end.max(start + MIN_WORD)
}

/// Maximum gap within a word: 300 ms.
const MAX_INNER_GAP: usize = RATE as usize * 3 / 10;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: usize = RATE as usize / 1_000;

    fn ms(range: Range<usize>) -> Range<usize> {
        range.start * MS..range.end * MS
    }

    #[test]
    fn active_ranges_are_detected() {
        let mut samples = vec![0.0001; 2_000 * MS];
        samples[ms(500..900)].fill(0.3);
        samples[ms(940..1_000)].fill(0.3);
        samples[ms(1_300..1_600)].fill(0.3);
        samples[ms(1_800..1_810)].fill(0.3);
        assert_eq!(detect(&samples), [ms(500..1_000), ms(1_300..1_600)]);
        assert!(detect(&vec![0.1; 2_000 * MS]).is_empty(), "no noise floor");
        assert!(detect(&[]).is_empty());
    }

    #[test]
    fn word_boundaries_are_snapped_out_of_pauses() {
        let activity = [ms(500..1_000), ms(1_300..1_600)];
        let snapped = |range| snap(ms(range), &activity);
        assert_eq!(snapped(100..700), ms(500..700), "a silence before it");
        assert_eq!(snapped(700..1_200), ms(700..1_000), "a pause after it");
        assert_eq!(snapped(960..1_500), ms(1_300..1_500), "the end of the word before");
        assert_eq!(snapped(700..1_500), ms(700..1_000), "across a pause");
        assert_eq!(snapped(600..800), ms(600..800));
        assert_eq!(snap(ms(5..5), &[]), ms(5..35), "never empty");
    }
}
