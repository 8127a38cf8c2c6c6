//! From what a detector finds to what is cut, and back to what is told of it.

use media_decode::AudioFormat;
use media_time::MediaTime;

use crate::cut::{Cut, Slice};
use crate::hits::{self, Hit};
use crate::listen::{Heard, Wanted};
use crate::loops::{self, Loop};
use crate::model::{Detector, Event, HitEvent, LoopEvent, VoicePhrase};
use crate::phrases::{self, Phrase, SpokenWord};
use crate::task::{Ask, Task};
use crate::{Error, wav};

/// The most samples of one detector; the best are kept.
pub const MAX_SAMPLES: usize = 2_000;
/// Fades in milliseconds. A hit must keep its attack, a loop both ends.
const FADE_IN_MS: u64 = 1;
const FADE_OUT_MS: u64 = 10;
const LOOP_FADE_OUT_MS: u64 = 1;

/// What one detector found.
pub(crate) struct Plan {
    pub(crate) found: Vec<Found>,
    pub(crate) filtered: u64,
    pub(crate) cut_off: u64,
}

/// Something found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Hit(Hit),
    Loop(Loop),
    Phrase(Phrase),
}

impl Plan {
    /// Runs the detector of `task`; `words` are those of a phrase task.
    ///
    /// # Errors
    /// [`Error::SliceTooLarge`].
    pub(crate) fn new(task: &Task, heard: &Heard, words: &[SpokenWord]) -> Result<Self, Error> {
        let rate = heard.format.rate;
        let mut found: Vec<Found> = match &task.ask {
            Ask::Hits(params) => {
                let hits = hits::detect(&heard.rhythm.onsets, &heard.envelope, params);
                hits.into_iter().map(Found::Hit).collect()
            }
            Ask::Loops(params) => loops::detect(heard, params).into_iter().map(Found::Loop).collect(),
            Ask::Phrases(params, _) => {
                let duration = MediaTime::from_samples(i64::try_from(heard.frames).unwrap_or(i64::MAX), rate);
                phrases::detect(words, duration, params).into_iter().map(Found::Phrase).collect()
            }
        };
        let all = found.len();
        found.retain(|found| found.score() >= task.min_score && !found.cut(&heard.format).frames.is_empty());
        let filtered = all - found.len();
        let cut_off = keep_best(&mut found);
        let channels = heard.format.channels();
        for frames in found.iter().map(|found| found.longest(&heard.format)) {
            if wav::data_bytes(channels, frames).is_none() {
                return Err(Error::SliceTooLarge { detector: task.ask.detector(), frames, channels });
            }
        }
        Ok(Self { found, filtered: filtered as u64, cut_off: cut_off as u64 })
    }
}

/// Keeps the [`MAX_SAMPLES`] of the highest score, of equals the earlier, in their order; how many went.
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

    /// What to cut of a recording of that format.
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

    /// The most frames that its slice may have.
    fn longest(&self, format: &AudioFormat) -> u64 {
        let frames = self.cut(format).frames;
        frames.end - frames.start + crate::zero_crossing::reach(format.rate) as u64
    }

    /// What is told of it, once it is cut of a recording of that `length` as its container tells it, when it does. A
    /// decoder may give some milliseconds more; its origin lies inside the length that everybody else goes by.
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

/// What the detectors of `tasks` need to hear.
pub(crate) fn wanted<'a>(tasks: impl Iterator<Item = &'a Task>) -> Wanted {
    let mut wanted = Wanted::default();
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

/// Four significant digits: an energy may be tiny.
fn significant(value: f64) -> f64 {
    if value > 0.0 { rounded(value, 3 - value.log10().floor() as i32) } else { 0.0 }
}
