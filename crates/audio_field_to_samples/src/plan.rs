//! Converts detections to cuts, and cut slices to events.

use media_decode::AudioFormat;
use media_time::MediaTime;

use crate::cut::{Cut, Slice};
use crate::extract::{FeatureSet, RecordingFeatures};
use crate::hits::{self, Hit};
use crate::loops::{self, Loop};
use crate::model::{Detector, Event, HitEvent, LoopEvent, VoicePhrase};
use crate::phrases::{self, Phrase, SpokenWord};
use crate::task::{DetectorJob, DetectorRequest};
use crate::{Error, wav};

/// Maximum number of samples of one detector; the best are kept.
pub const MAX_SAMPLES: usize = 2_000;
/// Durations of fades in ms. They are short enough to keep the attack of a hit and both ends of a loop.
const FADE_IN_MS: u64 = 1;
const FADE_OUT_MS: u64 = 10;
const LOOP_FADE_OUT_MS: u64 = 1;

/// The detections of one detector.
pub(crate) struct Plan {
    pub(crate) found: Vec<Found>,
    pub(crate) filtered: u64,
    pub(crate) cut_off: u64,
}

/// A detection of any detector.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Hit(Hit),
    Loop(Loop),
    Phrase(Phrase),
}

impl Plan {
    /// Runs the detector of `task`; `words` are used by phrase tasks only.
    ///
    /// # Errors
    /// [`Error::SliceTooLarge`].
    pub(crate) fn new(
        task: &DetectorJob,
        features: &RecordingFeatures,
        words: &[SpokenWord],
    ) -> Result<Self, Error> {
        let rate = features.format.rate;
        let mut found: Vec<Found> = match &task.ask {
            DetectorRequest::Hits(params) => {
                let hits = hits::detect(&features.rhythm.onsets, &features.envelope, params);
                hits.into_iter().map(Found::Hit).collect()
            }
            DetectorRequest::Loops(params) => {
                loops::detect(features, params).into_iter().map(Found::Loop).collect()
            }
            DetectorRequest::Phrases(params, _) => {
                let duration =
                    MediaTime::from_samples(i64::try_from(features.frames).unwrap_or(i64::MAX), rate);
                phrases::detect(words, duration, params).into_iter().map(Found::Phrase).collect()
            }
        };
        let all = found.len();
        found.retain(|found| {
            found.score() >= task.min_score && !found.cut(&features.format).frames.is_empty()
        });
        let filtered = all - found.len();
        let cut_off = keep_best(&mut found);
        let channels = features.format.channels();
        for frames in found.iter().map(|found| found.longest(&features.format)) {
            if wav::data_bytes(channels, frames).is_none() {
                return Err(Error::SliceTooLarge { detector: task.ask.detector(), frames, channels });
            }
        }
        Ok(Self { found, filtered: filtered as u64, cut_off: cut_off as u64 })
    }
}

/// Keeps the [`MAX_SAMPLES`] with the highest scores, of equal ones the earlier, in their order; returns how many were
/// removed.
fn keep_best(found: &mut Vec<Found>) -> usize {
    let excess = found.len().saturating_sub(MAX_SAMPLES);
    if excess > 0 {
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by(|a, b| found[*b].score().total_cmp(&found[*a].score()).then(a.cmp(b)));
        order.truncate(MAX_SAMPLES);
        order.sort_unstable();
        *found = order.into_iter().map(|index| found[index].clone()).collect();
    }
    excess
}

impl Found {
    pub(crate) fn score(&self) -> f64 {
        match self {
            Self::Hit(hit) => rounded(hit.score(), 4),
            Self::Loop(found) => found.confidence,
            Self::Phrase(phrase) => phrase.score(),
        }
    }

    /// The cut for a recording of this format.
    pub(crate) fn cut(&self, format: &AudioFormat) -> Cut {
        let fade = |ms: u64| (u64::from(format.rate) * ms).div_ceil(1_000);
        let frame = |time: MediaTime| u64::try_from(time.to_samples(format.rate)).unwrap_or(0);
        let frames = match self {
            Self::Hit(hit) => hit.slice.clone(),
            Self::Loop(found) => found.slice.clone(),
            Self::Phrase(phrase) => frame(phrase.window.start())..frame(phrase.window.end()),
        };
        let keep_length = matches!(self, Self::Loop(_));
        let fade_out = if keep_length { LOOP_FADE_OUT_MS } else { FADE_OUT_MS };
        Cut { frames, keep_length, fades: [fade(FADE_IN_MS), fade(fade_out)] }
    }

    /// Maximum number of frames in its slice.
    fn longest(&self, format: &AudioFormat) -> u64 {
        let frames = self.cut(format).frames;
        frames.end - frames.start + crate::zero_crossing::reach(format.rate) as u64
    }

    /// The event of the cut slice. `length` is the duration declared by the container, if any: a decoder may give some
    /// milliseconds more, but the origin is limited to the declared duration, which all other parts use.
    pub(crate) fn event(&self, slice: &Slice, rate: u32, length: Option<MediaTime>) -> Event {
        let time = |frame: u64| MediaTime::from_samples(i64::try_from(frame).unwrap_or(i64::MAX), rate);
        let source_end_ms = time(slice.frames.end).min(length.unwrap_or(MediaTime::MAX));
        let source_start_ms = time(slice.frames.start).min(source_end_ms - MediaTime::from_micros(1));
        match self {
            Self::Hit(hit) => Event::Hit(HitEvent {
                time_ms: hit.time.as_millis_round(),
                peak_db: rounded(hit.peak_db, 2),
                energy: Some(significant(slice.mean_square)),
                duration_ms: Some((time(hit.sound.end) - time(hit.sound.start)).as_millis_round()),
                source_start_ms,
                source_end_ms,
            }),
            Self::Loop(found) => Event::Loop(LoopEvent {
                start_ms: found.window.start().as_millis_round(),
                end_ms: found.window.end().as_millis_round(),
                loop_bars: found.bars,
                bpm: found.bpm,
                confidence: found.confidence,
                source_start_ms,
                source_end_ms,
            }),
            Self::Phrase(phrase) => Event::Phrase(VoicePhrase {
                start_ms: phrase.window.start().as_millis_round(),
                end_ms: phrase.window.end().as_millis_round(),
                transcript: phrase.transcript.clone(),
                confidence: phrase.confidence,
                source_start_ms,
                source_end_ms,
            }),
        }
    }
}

/// The features that the detectors of `tasks` need.
pub(crate) fn wanted<'a>(tasks: impl Iterator<Item = &'a DetectorJob>) -> FeatureSet {
    let mut wanted = FeatureSet::default();
    for task in tasks {
        match task.ask.detector() {
            Detector::Hits => wanted.hits = true,
            Detector::Loops => wanted.loops = true,
            Detector::Phrases => {}
        }
    }
    wanted
}

fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

/// Rounds to four significant digits, because energies may be tiny.
fn significant(value: f64) -> f64 {
    if value > 0.0 { rounded(value, 3 - value.log10().floor() as i32) } else { 0.0 }
}
