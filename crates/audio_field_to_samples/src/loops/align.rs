//! Exact bounds of loops: beats are accurate to about ten milliseconds, loops must be cut more precisely.

use std::cmp::Ordering;

use media_time::MediaTime;

use crate::envelope::Envelope;
use crate::extract::RecordingFeatures;
use crate::hits;

/// Maximum deviation of the length from that given by the beats.
const REACH_MS: u32 = 25;
/// Context on each side of the start and the end in which their levels are compared.
const CONTEXT_MS: u32 = 400;
/// Levels this far below the loudest one compared are masked by it.
const RANGE_DB: f64 = 40.0;
/// Factor by which another length must reduce the difference of levels to replace that of the beats.
const CLEARLY: f64 = 0.9;
/// Maximum distance between a beat and its onset.
const NEAR: MediaTime = MediaTime::from_millis(40);

/// The frame of the rise at the beat at `time`; that of the beat itself if no onset is near.
pub(super) fn rise(features: &RecordingFeatures, time: MediaTime) -> u64 {
    let onsets = &features.rhythm.onsets;
    let next = onsets.partition_point(|onset| onset.time < time);
    let near = onsets[next.saturating_sub(1)..onsets.len().min(next + 1)].iter();
    let distance = |at: MediaTime| (at - time).max(time - at);
    let onset = near.filter(|onset| distance(onset.time) <= NEAR).min_by_key(|onset| distance(onset.time));
    let at = u64::try_from(time.to_samples(features.format.rate)).unwrap_or(0);
    onset.and_then(|onset| hits::detect::rise(onset.time, &features.envelope)).unwrap_or(at)
}

/// The length in frames, near `length`, at which the levels around the end of a loop starting at frame `start`
/// match those around its start best; `length` if none is clearly better, or nothing can be compared.
pub(super) fn length(envelope: &Envelope, start: u64, length: u64) -> u64 {
    let reach = envelope.values_in(REACH_MS);
    let context = envelope.values_in(CONTEXT_MS);
    let (first, last) = (envelope.index_of(start), envelope.index_of(start + length));
    // Both sides, as far as they are within the recording with every lag.
    let before = context.min(first).min(last.saturating_sub(reach));
    let after = context.min(envelope.len().saturating_sub(last + reach));
    if before + after < context {
        return length;
    }
    let Some((_, loudest)) = envelope.peak(first - before, first + after) else { return length };
    let floor = loudest - RANGE_DB;
    let level = |index: usize| envelope.level_db(index).max(floor);
    // `lag` counts from `-reach`.
    let difference = |lag: usize| {
        let pairs = (first - before..first + after).zip(last + lag - before - reach..);
        pairs.map(|(a, b)| (level(a) - level(b)).abs()).sum::<f64>()
    };
    let differences: Vec<f64> = (0..=2 * reach).map(difference).collect();
    let nearer = |a: &usize, b: &usize| a.abs_diff(reach).cmp(&b.abs_diff(reach));
    let better = |a: &usize, b: &usize| match differences[*a].total_cmp(&differences[*b]) {
        Ordering::Equal => nearer(a, b),
        other => other,
    };
    let best = (0..differences.len()).min_by(better).unwrap_or(reach);
    if differences[best] >= CLEARLY * differences[reach] {
        return length;
    }
    let lag = best as f64 - reach as f64 + valley_offset(&differences, best);
    let hop = envelope.frame_of(1) as f64;
    // The length given by the beats may be a fraction of the hop; the lag is relative to the hops of both ends.
    let whole = (envelope.frame_of(last) - envelope.frame_of(first)) as f64;
    (whole + lag * hop).round() as u64
}

/// Offset of the tip of the V through the smallest value and its neighbours, in values (±0.5). A mean of absolute
/// differences falls and rises linearly.
fn valley_offset(values: &[f64], lowest: usize) -> f64 {
    let (Some(left), Some(right)) =
        (lowest.checked_sub(1).and_then(|l| values.get(l)), values.get(lowest + 1))
    else {
        return 0.0;
    };
    let steepest = (left - values[lowest]).max(right - values[lowest]);
    if steepest > 0.0 { (0.5 * (left - right) / steepest).clamp(-0.5, 0.5) } else { 0.0 }
}
