//! The parts of semantic timelines that edits use.

use audio_semantic_timeline::Transcript;
use audio_semantic_timeline::model::{EventKind, RunMeta, Summary, Word};
use media_time::{AssetTime, MediaTime, Window};
use media_v2::Meta;
use primitives::Id;
use serde_json::json;

use crate::phrase::normalised;

/// Loudness of digital silence in means, in LUFS: below all others.
const SILENCE_LUFS: f64 = -100.0;

/// A part of the semantic timeline of a recording.
#[derive(Clone, Debug)]
pub(crate) struct Analysed<T> {
    /// The timeline's artifact.
    pub(crate) artifact_id: Id,
    /// Version and key of the timeline, for the meta of shots.
    pub(crate) marks: Meta,
    pub(crate) data: T,
}

/// A word as it is spoken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SpokenWord {
    pub(crate) text: String,
    /// By which words are compared.
    pub(crate) normalised: String,
    /// ISO 639-1 code, if known.
    pub(crate) language: Option<String>,
    pub(crate) window: Window<AssetTime>,
}

impl AsRef<str> for SpokenWord {
    fn as_ref(&self) -> &str {
        &self.normalised
    }
}

/// Speech of a recording.
#[derive(Clone, Debug)]
pub(crate) struct Speech {
    /// Duration of the analysed audio.
    pub(crate) end: AssetTime,
    pub(crate) silences: Vec<Window<AssetTime>>,
    pub(crate) words: Vec<SpokenWord>,
    /// Whether the words are known; there may be none.
    pub(crate) is_transcribed: bool,
}

/// A beat of music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) time: AssetTime,
    /// Whether it is the first one of a bar.
    pub(crate) is_downbeat: bool,
}

/// Beats and loudness of a recording.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    /// Duration of the analysed audio.
    pub(crate) end: AssetTime,
    /// In ascending order.
    pub(crate) beats: Vec<Beat>,
    pub(crate) loudness: Loudness,
}

/// Loudness of windows, in LUFS; the windows are ordered and do not overlap.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Loudness(Vec<(Window<AssetTime>, f64)>);

/// Version, key and backend of a timeline, named as in other shot lists.
pub(crate) fn marks(run: &RunMeta) -> Meta {
    let members = [
        ("semantic_version", json!(run.semantic_version)),
        ("semantic_cache_key", json!(run.audio_semantic_cache_key)),
        ("semantic_backend_type", json!(run.backend_type)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The same, from the meta of the timeline's artifact.
pub(crate) fn marks_of_meta(meta: &Meta) -> Meta {
    let members = [
        ("semantic_version", "semantic_version"),
        ("semantic_cache_key", "audio_semantic_cache_key"),
        ("semantic_backend_type", "backend_type"),
    ];
    let mark = |(name, member): (&str, &str)| {
        (name.to_owned(), meta.get(member).cloned().unwrap_or(serde_json::Value::Null))
    };
    members.into_iter().map(mark).collect()
}

impl Speech {
    pub(crate) fn of(summary: &Summary) -> Self {
        let run = &summary.meta.run;
        let silences = summary.events.iter().filter(|event| event.kind == EventKind::Silence);
        let words: Vec<SpokenWord> =
            Transcript::of(summary).words.into_iter().filter_map(|word| spoken(word, run)).collect();
        Self {
            end: AssetTime::from_millis(summary.duration_ms),
            silences: silences.filter_map(|event| window(event.start_ms, event.end_ms)).collect(),
            is_transcribed: !words.is_empty() || run.is_transcribed(),
            words,
        }
    }
}

impl Rhythm {
    pub(crate) fn of(summary: &Summary) -> Self {
        let beat = |beat: &audio_semantic_timeline::model::BeatEvent| Beat {
            time: AssetTime::from_millis(beat.time_ms),
            is_downbeat: beat.subdivision == Some(0),
        };
        let mut beats: Vec<Beat> = summary.beats.iter().map(beat).collect();
        // Timelines made by harkback are sorted; those registered by a caller need not be.
        beats.sort_unstable_by_key(|beat| beat.time);
        let end = AssetTime::from_millis(summary.duration_ms);
        Self { end, beats, loudness: Loudness::of_summary(summary) }
    }
}

impl Loudness {
    /// Sorts the windows and omits overlapping ones.
    pub(crate) fn of(windows: impl IntoIterator<Item = (Window<AssetTime>, f64)>) -> Self {
        let mut windows: Vec<_> = windows.into_iter().collect();
        windows.sort_unstable_by_key(|(window, _)| (window.start(), window.end()));
        let mut end = AssetTime::ZERO;
        windows.retain(|(window, _)| {
            let is_next = window.start() >= end;
            end = if is_next { window.end() } else { end };
            is_next
        });
        Self(windows)
    }

    pub(crate) fn of_summary(summary: &Summary) -> Self {
        let windows = summary.meta.loudness_windows.iter();
        Self::of(windows.filter_map(|one| {
            let lufs = one.loudness_lufs.map_or(SILENCE_LUFS, |lufs| lufs.max(SILENCE_LUFS));
            Some((window(one.start_ms, one.end_ms)?, lufs))
        }))
    }

    /// The mean of the decibels in `window`, by duration; that of silence where nothing is known.
    ///
    /// It has only sums and products, so that it is the same on every machine.
    pub(crate) fn mean(&self, window: Window<AssetTime>) -> f64 {
        let first = self.0.partition_point(|(known, _)| known.end() <= window.start());
        let known = self.0[first..].iter().take_while(|(known, _)| known.start() < window.end());
        let above_silence = known.map(|(known, lufs)| {
            let shared = known.intersect(window).map_or(MediaTime::ZERO, Window::duration);
            shared.as_micros() as f64 * (lufs - SILENCE_LUFS)
        });
        let duration = window.duration().as_micros().max(1) as f64;
        SILENCE_LUFS + above_silence.sum::<f64>() / duration
    }
}

/// A window in milliseconds; `None` if empty or reversed.
fn window(start_ms: i64, end_ms: i64) -> Option<Window<AssetTime>> {
    let window = Window::new(AssetTime::from_millis(start_ms), AssetTime::from_millis(end_ms));
    window.ok().filter(|window| !window.is_empty())
}

fn spoken(word: Word, run: &RunMeta) -> Option<SpokenWord> {
    let language = word.more.get("language").and_then(|code| code.as_str()).map(str::to_owned);
    Some(SpokenWord {
        window: window(word.start_ms, word.end_ms)?,
        normalised: normalised(&word.word),
        language: language.or_else(|| run.language.clone()),
        text: word.word,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_loudness_is_weighted_by_duration() {
        let windows = [(window(1_000, 2_000).unwrap(), -10.0), (window(0, 1_000).unwrap(), -30.0)];
        let loudness = Loudness::of(windows.into_iter().chain([(window(500, 1_500).unwrap(), 0.0)]));
        let mean = |start, end| loudness.mean(window(start, end).unwrap()).round() as i64;
        assert_eq!([mean(0, 1_000), mean(0, 2_000), mean(750, 1_750)], [-30, -20, -15]);
        assert_eq!([mean(1_000, 3_000), mean(5_000, 6_000)], [-55, -100], "nothing is known after 2 s");
    }
}
