//! Hits: single struck sounds. Pure functions from onsets and levels to the ranges of hits and slices.

use std::ops::Range;

use audio_signal::Onset;
use media_time::MediaTime;

use super::wire::HitParams;
use crate::envelope::Envelope;

/// The rise is searched from this long before the onset, which is where the spectrum changes most …
const RISE_BACK_MS: u32 = 20;
/// … relative to the peak level of this long before that: a whole period of 50 Hz.
const BEFORE_MS: u32 = 20;
/// Maximum time from the onset to the peak.
const ATTACK_MS: u32 = 60;
/// Fraction of the level difference in dB, from before to the peak, at which the rise starts.
const RISEN: f64 = 0.25;
/// Minimum level difference in dB between before and peak; below it, the onset is used as the rise.
const MIN_RISE_DB: f64 = 3.0;
/// A hit has decayed when its level stays this far below its peak, or below [`INAUDIBLE_DBFS`], for [`DECAYED_MS`].
const DECAY_DB: f64 = 40.0;
const DECAYED_MS: u32 = 20;
const INAUDIBLE_DBFS: f64 = -80.0;
/// An onset later than this before the end is the end itself: audio that is cut off sounds like a click.
const SHORTEST: MediaTime = MediaTime::from_millis(5);

/// A single struck sound with its slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Time of its onset.
    pub time: MediaTime,
    /// Peak sample level in dBFS.
    pub peak_db: f64,
    /// Frames from the rise to the end of the decay or the rise of the next hit.
    pub sound: Range<u64>,
    /// Frames to cut: the sound with its pre-roll and post-roll, within the recording.
    pub slice: Range<u64>,
}

impl Hit {
    /// Score of the hit: `(peak_db + 60) / 60`, clamped to [0, 1].
    #[must_use]
    pub fn score(&self) -> f64 {
        ((self.peak_db + 60.0) / 60.0).clamp(0.0, 1.0)
    }
}

/// An onset with the rise and the peak around it.
#[derive(Clone, Copy)]
struct LocatedOnset {
    time: MediaTime,
    /// Index of the rise in the envelope.
    rise: usize,
    /// Index of the peak in the envelope.
    peak: usize,
    peak_db: f64,
}

/// The hits among `onsets` (strictly increasing): those that reach `min_peak_db`; of two closer than `min_interval_ms`,
/// the earlier one. The end of the recording is not a hit.
///
/// A slice starts `pre_roll_ms` before the rise, but not before the rise of the previous hit; it ends `post_roll_ms`
/// after the decay, but not after the rise of the next hit, nor `max_duration_ms` after its start. Slices therefore
/// overlap by less than a pre-roll, and none contains the start of another hit.
#[must_use]
pub fn detect(onsets: &[Onset], envelope: &Envelope, params: &HitParams) -> Vec<Hit> {
    let latest = MediaTime::from_frames(envelope.frames(), envelope.rate()) - SHORTEST;
    let onsets = &onsets[..onsets.partition_point(|onset| onset.time <= latest)];
    let mut struck: Vec<LocatedOnset> = Vec::new();
    for (position, onset) in onsets.iter().enumerate() {
        let next = onsets.get(position + 1).map(|next| next.time);
        let Some(found) = strike(onset.time, next, envelope).filter(|s| s.peak_db >= params.min_peak_db)
        else {
            continue;
        };
        let too_close = |last: &LocatedOnset| found.time - last.time < params.min_interval;
        if !struck.last().is_some_and(too_close) {
            struck.push(found);
        }
    }
    let hit = |position: usize| {
        let before = position.checked_sub(1).map(|before| struck[before].rise);
        let after = struck.get(position + 1).map(|after| after.rise);
        bounded(&struck[position], before, after, envelope, params)
    };
    (0..struck.len()).filter_map(hit).collect()
}

/// The first frame of the rise of the hit with its onset at `time`; `None` beyond the end.
pub(crate) fn rise(time: MediaTime, envelope: &Envelope) -> Option<u64> {
    strike(time, None, envelope).map(|struck| envelope.frame_of(struck.rise))
}

/// Locates the rise and the peak of an onset; `None` if the envelope ends before it.
fn strike(time: MediaTime, next: Option<MediaTime>, envelope: &Envelope) -> Option<LocatedOnset> {
    let index =
        |time: MediaTime| envelope.index_of(u64::try_from(time.to_samples(envelope.rate())).unwrap_or(0));
    let values = |ms: u32| envelope.values_in(ms);
    let at = index(time);
    let first = at.saturating_sub(values(RISE_BACK_MS));
    let end = (at + values(ATTACK_MS)).min(next.map_or(usize::MAX, index)).max(at + 1);
    let (peak, peak_db) = envelope.peak(first, end)?;
    let before = envelope.peak(first.saturating_sub(values(BEFORE_MS)), first);
    let before_db = before.map_or(INAUDIBLE_DBFS, |(_, level)| level.max(INAUDIBLE_DBFS));
    let risen_db = before_db + RISEN * (peak_db - before_db);
    let rise = if peak_db - before_db < MIN_RISE_DB {
        at
    } else {
        (first..=peak).find(|index| envelope.level_db(*index) > risen_db).unwrap_or(at)
    };
    Some(LocatedOnset { time, rise: rise.min(at), peak, peak_db })
}

/// The hit with the bounds of its sound and its slice; `None` if the slice is empty.
fn bounded(
    struck: &LocatedOnset,
    before: Option<usize>,
    after: Option<usize>,
    envelope: &Envelope,
    params: &HitParams,
) -> Option<Hit> {
    let frames = |time: MediaTime| u64::try_from(time.to_samples(envelope.rate())).unwrap_or(0);
    let next_rise = after.map_or(envelope.frames(), |after| envelope.frame_of(after));
    let rise = envelope.frame_of(struck.rise);
    let longest = rise.saturating_add(frames(params.max_duration)).min(next_rise);
    let decayed = envelope.frame_of(decayed(struck, envelope, envelope.index_of(longest)));
    let start = rise.saturating_sub(frames(params.pre_roll));
    let start = start.max(before.map_or(0, |before| envelope.frame_of(before)));
    let end = decayed.saturating_add(frames(params.post_roll)).min(next_rise);
    let end = end.min(start.saturating_add(frames(params.max_duration)));
    let hit =
        Hit { time: struck.time, peak_db: struck.peak_db, sound: rise..decayed.max(rise), slice: start..end };
    (start < end).then_some(hit)
}

/// Index from which on the hit has decayed, at most `limit`.
fn decayed(struck: &LocatedOnset, envelope: &Envelope, limit: usize) -> usize {
    let floor = (struck.peak_db - DECAY_DB).max(INAUDIBLE_DBFS);
    let quiet_for = envelope.values_in(DECAYED_MS);
    let mut quiet = 0;
    for index in struck.peak..limit {
        quiet = if envelope.level_db(index) < floor { quiet + 1 } else { 0 };
        if quiet == quiet_for {
            return index + 1 - quiet;
        }
    }
    limit.max(struck.peak) - quiet
}
