//! The exact place, speed and gain of a match, from the samples of both recordings.

use std::ops::Range;

use crate::RATE;
use crate::correlation::{Lag, Similarity, phase_correlation, similarity};
use crate::interpolation::Interpolator;
use crate::regression::{Line, robust_line};

/// A correlation below this probability of being chance confirms a match; at speed 1, no other speed is tried.
pub(crate) const CERTAIN: f64 = 1e-6;
/// Speeds around the given one that are tried, in steps of 0.025 %: 1 s then is smeared over 4 samples at most.
const SPEED_STEP: f64 = 0.000_25;
const SPEED_STEPS: i32 = 24;
/// The largest of these changes of the speed.
const LARGEST_CHANGE: f64 = SPEED_STEP * SPEED_STEPS as f64;
/// Length of the chunks whose lags show the drift, in samples, and their greatest number.
const CHUNK: usize = RATE as usize / 2;
const MAX_CHUNKS: usize = 64;
/// Samples on either side of a chunk's expected place in which it is searched: 10 ms.
const CHUNK_MARGIN: usize = RATE as usize / 100;
/// Length of the parts that are compared by themselves, in samples, and their greatest number.
const PART: usize = RATE as usize / 4;
const MAX_PARTS: usize = 40;
/// Samples on either side of a part's place in which it is searched, as its speed may vary: 1 ms.
const PART_MARGIN: usize = RATE as usize / 1_000;
/// Greatest chance of a part that agrees.
const PART_CHANCE: f64 = 1e-3;
/// Chunks this far from the line, in samples, are wrong.
const OUTLIER: f64 = 2.0;

/// Least correlation of samples that confirm a match, as a magnitude, and most that its level may differ from that of the source,
/// in dB. Phases agree in soft remainders, too, but what explains less of the query is not what was found: by chance, 1 s has a
/// correlation of 0.01. Right matches had 0.026 and −39 dB at least, after filters of 12 dB an octave.
const LEAST_CORRELATION: f64 = 0.01;
const MAX_GAIN_DB: f64 = 60.0;

/// Where a query is in a source, to the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refinement {
    /// Position of the query's first sample in the source, in samples.
    pub source_start: f64,
    /// Samples of the source for each sample of the query.
    pub speed: f64,
    /// Level of the query relative to the source, in dB. Other audio mixed in does not change it.
    pub gain_db: f64,
    /// Correlation of the samples, −1 to 1; negative if the polarity is inverted.
    pub correlation: f64,
    /// Probability that unrelated audio has a correlation peak as high.
    pub chance: f64,
}

impl Refinement {
    /// Whether the source explains a part of the query, of which the samples have this correlation.
    pub(crate) fn explains(&self, correlation: f64) -> bool {
        correlation.abs() >= LEAST_CORRELATION && self.gain_db.abs() <= MAX_GAIN_DB
    }
}

/// Finds `query` in `source` (both mono, [`RATE`] Hz), played at about `speed`; `None` if either is silent, or the source
/// is shorter than the query at that speed.
///
/// The source should have a margin on either side of the expected place: all positions in it are searched. Bounded by
/// its caller: memory is 40 bytes for each sample of the source.
#[must_use]
pub fn refine(query: &[f32], source: &[f32], speed: f64) -> Option<Refinement> {
    if !(0.5..=2.0).contains(&speed) {
        return None;
    }
    let interpolator = Interpolator::shared();
    let found = best_speed(interpolator, query, source, speed)?;
    Some(refined(interpolator, query, source, found))
}

/// As [`refine`], at speed 1 and those that differ from it as clocks do.
pub(crate) fn refine_unchanged(query: &[f32], source: &[f32]) -> Option<Refinement> {
    let lag = phase_correlation(query, source)?;
    Some(refined(Interpolator::shared(), query, source, (1.0, lag, source.to_vec())))
}

/// The refinement at a speed, with the lag at it and the source as it is at it.
fn refined(
    interpolator: &Interpolator,
    query: &[f32],
    source: &[f32],
    (mut speed, mut lag, mut stretched): (f64, Lag, Vec<f32>),
) -> Refinement {
    for _ in 0..3 {
        // The line gives the lag relative to the expected place, which moves with time at another speed.
        let Some(line) = drift(query, &stretched, lag.samples) else { break };
        if line.slope.abs() * query.len() as f64 <= 0.25 {
            lag.samples += line.at(0.0).clamp(-1.0, 1.0);
            break;
        }
        let changed = speed * (1.0 + line.slope);
        let attempt = stretch(interpolator, source, changed);
        match phase_correlation(query, &attempt) {
            Some(found) if found.height > lag.height => {
                (speed, lag, stretched) = (changed, Lag { chance: lag.chance, ..found }, attempt);
            }
            _ => break,
        }
    }
    let aligned = interpolator.resample(source, lag.samples * speed, speed, query.len());
    let Similarity { correlation, gain } = similarity(query, &aligned);
    Refinement {
        source_start: lag.samples * speed,
        speed,
        gain_db: 20.0 * gain.abs().max(1e-6).log10(),
        correlation,
        chance: lag.chance,
    }
}

/// The share, 0 to 1, of parts of the query, of a quarter of a second each within `window`, that correlate by themselves at
/// the place of the refinement in `source`.
pub(crate) fn agreement(query: &[f32], source: &[f32], refined: &Refinement, window: Range<usize>) -> f64 {
    let length = PART.min(window.len() / 2).max(1);
    let count = (window.len() / length).clamp(1, MAX_PARTS);
    let interpolator = Interpolator::shared();
    let agrees = |index: &usize| {
        let start = window.start + index * (window.len() - length) / (count - 1).max(1);
        let place = refined.source_start + start as f64 * refined.speed - PART_MARGIN as f64;
        let around = interpolator.resample(source, place, refined.speed, length + 2 * PART_MARGIN);
        let found = query.get(start..start + length).and_then(|part| phase_correlation(part, &around));
        found.is_some_and(|found| found.chance < PART_CHANCE)
    };
    (0..count).filter(agrees).count() as f64 / count as f64
}

/// Correlation of the samples `window` of the query, −1 to 1, at the place of the refinement in `source`.
pub(crate) fn correlation_of(
    query: &[f32],
    source: &[f32],
    refined: &Refinement,
    window: Range<usize>,
) -> f64 {
    let place = refined.source_start + window.start as f64 * refined.speed;
    let aligned = Interpolator::shared().resample(source, place, refined.speed, window.len());
    query.get(window).map_or(0.0, |part| similarity(part, &aligned).correlation)
}

/// `source` at the sample rate at which `query` has its speed.
fn stretch(interpolator: &Interpolator, source: &[f32], speed: f64) -> Vec<f32> {
    interpolator.resample(source, 0.0, speed, (source.len() as f64 / speed) as usize)
}

/// The speed around the given one at which the middle of the query correlates best, and the lag of the whole query.
fn best_speed(
    interpolator: &Interpolator,
    query: &[f32],
    source: &[f32],
    speed: f64,
) -> Option<(f64, Lag, Vec<f32>)> {
    let attempt = |speed: f64| {
        let stretched = stretch(interpolator, source, speed);
        Some((speed, phase_correlation(query, &stretched)?, stretched))
    };
    let first = attempt(speed)?;
    if speed == 1.0 && first.1.chance < CERTAIN {
        return Some(first);
    }
    // The middle of the query, and the part of the source where it can be.
    let length = query.len().min(2 * CHUNK);
    let start = (query.len() - length) / 2;
    let from = (start as f64 * speed * (1.0 - LARGEST_CHANGE)) as usize;
    let after = ((query.len() - start - length) as f64 * speed * (1.0 - LARGEST_CHANGE)) as usize;
    let part = source.get(from..source.len().checked_sub(after)?)?;
    let step_at = |step: i32| speed * (1.0 + f64::from(step) * SPEED_STEP);
    let tried = (-SPEED_STEPS..=SPEED_STEPS).filter_map(|step| {
        let stretched = stretch(interpolator, part, step_at(step));
        Some((step, phase_correlation(&query[start..start + length], &stretched)?))
    });
    let (step, best) = tried.max_by(|a, b| a.1.height.total_cmp(&b.1.height))?;
    let second = attempt(step_at(step))?;
    if second.1.height <= first.1.height {
        return Some(first);
    }
    // All attempts together have to be unlikely to have such a peak.
    let tries = f64::from(2 * SPEED_STEPS + 1);
    let chance = (second.1.chance.min(best.chance) * tries).min(1.0);
    Some((second.0, Lag { chance, ..second.1 }, second.2))
}

/// The line through the lags of chunks of the query, relative to `expected`, over the chunks' positions (all in
/// samples); `None` if the query is too short for two.
fn drift(query: &[f32], stretched: &[f32], expected: f64) -> Option<Line> {
    let count = (query.len() / CHUNK).min(MAX_CHUNKS);
    if count < 2 {
        return None;
    }
    let points: Vec<(f64, f64)> = (0..count)
        .filter_map(|index| {
            let start = index * (query.len() - CHUNK) / (count - 1);
            let place = expected.round() as i64 + start as i64;
            let first = usize::try_from(place - CHUNK_MARGIN as i64).unwrap_or(0);
            let end = usize::try_from(place + (CHUNK + CHUNK_MARGIN) as i64).ok()?.min(stretched.len());
            let found = phase_correlation(&query[start..start + CHUNK], stretched.get(first..end)?)?;
            let middle = (start + CHUNK / 2) as f64;
            (found.chance < 1e-3).then_some((middle, first as f64 + found.samples - expected - start as f64))
        })
        .collect();
    (points.len() >= 2).then(|| robust_line(&points, OUTLIER)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn refine_finds_place_gain_and_polarity_to_the_sample() {
        let source = noise(5, 40_000);
        let query: Vec<f32> = source[9_876..25_876].iter().map(|sample| -0.25 * sample).collect();
        let found = refine(&query, &source, 1.0).unwrap();
        assert!((found.source_start - 9_876.0).abs() < 0.1, "{found:?}");
        assert!((found.gain_db + 12.04).abs() < 0.1 && found.correlation < -0.99, "{found:?}");
        assert!(found.chance < 1e-9 && (found.speed - 1.0).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn refine_measures_a_speed_near_the_given_one() {
        let source = noise(6, 60_000);
        let query = Interpolator::shared().resample(&source, 4_000.0, 1.053, 32_000);
        let found = refine(&query, &source, 1.05).unwrap();
        assert!((found.speed - 1.053).abs() < 2e-5, "{found:?}");
        assert!((found.source_start - 4_000.0).abs() < 1.0 && found.chance < 1e-6, "{found:?}");
    }

    #[test]
    fn agreement_is_the_share_of_the_parts_in_common() {
        let source = noise(7, 24_000);
        let same: Vec<f32> = source[4_000..20_000].to_vec();
        // Only the first 0.4 s are of the source: the first part, and most of the second.
        let short = [&same[..6_400], &noise(8, 9_600)].concat();
        for (query, expected) in [(&same, 1.0), (&short, 0.5)] {
            let refined = refine(query, &source, 1.0).unwrap();
            assert!(refined.chance < CERTAIN, "{refined:?}");
            assert_eq!(agreement(query, &source, &refined, 0..query.len()), expected);
        }
    }

    #[test]
    fn unrelated_audio_remains_chance() {
        let found = refine(&noise(1, 16_000), &noise(2, 40_000), 1.0).unwrap();
        assert!(found.chance > 1e-4, "{found:?}");
    }

    #[test]
    fn impossible_speeds_and_silence_have_no_refinement() {
        assert_eq!(refine(&noise(1, 100), &noise(2, 400), f64::NAN), None);
        assert_eq!(refine(&[0.0; 100], &noise(2, 400), 1.0), None);
        assert_eq!(refine(&noise(1, 400), &noise(2, 100), 1.0), None);
    }
}
