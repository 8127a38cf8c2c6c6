//! Exact ends: beats are known to about ten milliseconds, a loop must be cut more finely.

use std::cmp::Ordering;

use media_time::MediaTime;

use crate::envelope::Envelope;
use crate::hits;
use crate::listen::Heard;

/// The length is looked for within this much of what the beats say.
const REACH_MS: u32 = 25;
/// So much around the beginning is compared with so much around the end.
const CONTEXT_MS: u32 = 400;
/// Levels this far below the loudest compared are not heard beside it.
const RANGE_DB: f64 = 40.0;
/// Another length than the beats' must make the difference of levels smaller by this factor.
const CLEARLY: f64 = 0.9;
/// A beat's own sound rises within this of it.
const NEAR: MediaTime = MediaTime::from_millis(40);

/// Where the sound of the beat at `time` rises, in frames; the beat itself where no sound begins.
pub(super) fn rise(heard: &Heard, time: MediaTime) -> u64 {
    let onsets = &heard.rhythm.onsets;
    let next = onsets.partition_point(|onset| onset.time < time);
    let near = onsets[next.saturating_sub(1)..onsets.len().min(next + 1)].iter();
    let distance = |at: MediaTime| (at - time).max(time - at);
    let onset = near.filter(|onset| distance(onset.time) <= NEAR).min_by_key(|onset| distance(onset.time));
    let at = u64::try_from(time.to_samples(heard.format.rate)).unwrap_or(0);
    onset.and_then(|onset| hits::rise(onset.time, &heard.envelope)).unwrap_or(at)
}

/// The length in frames, near `length`, at which the levels around the end of a loop that begins at frame `start`
/// follow those around its beginning best; `length` where none is clearly better, or nothing can be compared.
pub(super) fn length(envelope: &Envelope, start: u64, length: u64) -> u64 {
    let reach = envelope.values_in(REACH_MS);
    let context = envelope.values_in(CONTEXT_MS);
    let (first, last) = (envelope.index_of(start), envelope.index_of(start + length));
    // Both sides, as far as they lie within the recording with every lag.
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
    // The beats' length need not be whole values: the lag is told from where the values of both ends begin.
    let whole = (envelope.frame_of(last) - envelope.frame_of(first)) as f64;
    (whole + lag * hop).round() as u64
}

/// Where the V through the smallest value and its neighbours has its tip, values from it (±0.5). A mean of absolute
/// differences falls and rises on straight lines.
fn valley_offset(values: &[f64], lowest: usize) -> f64 {
    let (Some(left), Some(right)) =
        (lowest.checked_sub(1).and_then(|l| values.get(l)), values.get(lowest + 1))
    else {
        return 0.0;
    };
    let steepest = (left - values[lowest]).max(right - values[lowest]);
    if steepest > 0.0 { (0.5 * (left - right) / steepest).clamp(-0.5, 0.5) } else { 0.0 }
}
