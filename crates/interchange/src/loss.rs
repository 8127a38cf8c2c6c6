//! What a format could not hold of the model.

use std::collections::HashMap;
use std::fmt;

use media_time::MediaTime;
use serde::Serialize;

/// What an export loses.
///
/// Times: `rounded_to_frame` (cuts and markers), `source_rounded_to_frame` (positions in files), `rounded_to_ms`,
/// `clip_too_short` (less than half a frame, omitted), `source_too_short` (a clip that plays beyond the end of its file,
/// shortened), `rate_changed` (the editor has no such frame rate), `timecode_unknown` (source timecode is written as 0),
/// `overlap_cut`, `beats_limited` (a tempo map ends early).
///
/// Clips: `media_missing` (their file is unknown), `window_invalid`, `track_omitted`, `layer_omitted`,
/// `sequence_omitted`, `video_omitted`, `audio_omitted`, `channels_omitted`, `speed_omitted`, `gain_omitted`,
/// `opacity_omitted`, `metadata_omitted` (ids), `name_shortened`, `reel_shortened`, `events_beyond_999`.
///
/// Analyses: `events_omitted`, `beats_omitted`, `words_omitted`, `texts_omitted`, `text_shortened`,
/// `speakers_omitted`, `turns_omitted`, `turns_unknown` (the main speaker of each event is written), `origin_unknown`
/// (times are those of an artifact).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// A cut or marker was moved to a frame.
    RoundedToFrame,
    /// A position in a file was moved to a frame.
    SourceRoundedToFrame,
    /// A time was rounded to a millisecond.
    RoundedToMs,
    /// A clip of less than half a frame was omitted.
    ClipTooShort,
    /// A clip that plays beyond the end of its file was shortened.
    SourceTooShort,
    /// The editor has no such frame rate.
    RateChanged,
    /// The source timecode of a file is unknown and written as zero.
    TimecodeUnknown,
    /// The end of an event that overlaps the next one was cut.
    OverlapCut,
    /// A tempo map would be too long; its last beats are omitted.
    BeatsLimited,
    /// The file of a clip is unknown.
    MediaMissing,
    /// The window of a clip is not one.
    WindowInvalid,
    /// A track was omitted.
    TrackOmitted,
    /// Clips beyond the maximum number of overlapping ones were omitted.
    LayerOmitted,
    /// A sequence other than the first was omitted.
    SequenceOmitted,
    /// Clips of files without video were omitted from a video track.
    VideoOmitted,
    /// Clips of files without audio were omitted from an audio track.
    AudioOmitted,
    /// Audio channels of a file were omitted.
    ChannelsOmitted,
    /// A speed is not applied.
    SpeedOmitted,
    /// A gain is not applied, or only up to the maximum of the editor.
    GainOmitted,
    /// An opacity is not applied.
    OpacityOmitted,
    /// Ids and other properties of clips were omitted.
    MetadataOmitted,
    /// A name was shortened.
    NameShortened,
    /// The name of a reel is not the whole name of its file.
    ReelShortened,
    /// An edit decision list has more events than all editing systems can number.
    #[serde(rename = "events_beyond_999")]
    EventsBeyond999,
    /// Events were omitted.
    EventsOmitted,
    /// Beats were omitted.
    BeatsOmitted,
    /// Words and their times were omitted.
    WordsOmitted,
    /// The texts of events were omitted.
    TextsOmitted,
    /// The text of an event was shortened.
    TextShortened,
    /// Speakers of events or words were omitted.
    SpeakersOmitted,
    /// Turns of speakers were omitted.
    TurnsOmitted,
    /// Turns of speakers are unknown; the main speaker of each event is written.
    TurnsUnknown,
    /// The origin of an artifact is unknown, so that its times are written as those of its recording.
    OriginUnknown,
}

/// The name on the wire.
impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A property that the format cannot hold, or holds only approximately.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Loss {
    /// What was lost.
    pub what: LossKind,
    /// Where: the track, file or kind of event, with the number of items concerned.
    #[serde(rename = "where")]
    pub place: String,
    /// The greatest error in time, in ms, if the loss is one of time.
    #[serde(rename = "loss_ms")]
    #[schema(value_type = Option<f64>)]
    pub time: Option<MediaTime>,
}

/// A file in an exchange format, with all that the format could not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The content of the file.
    pub content: Vec<u8>,
    /// In order of first occurrence; empty if nothing was lost.
    pub losses: Vec<Loss>,
}

/// Collects losses; those of one kind at one place become one, with the number of items and the greatest error.
#[derive(Debug, Default)]
pub struct Losses {
    entries: Vec<Entry>,
    /// By kind, place and name of the items.
    indices: HashMap<(LossKind, String, &'static str), usize>,
}

#[derive(Debug)]
struct Entry {
    what: LossKind,
    place: String,
    /// Number of items.
    count: usize,
    /// The name of an item in the singular; empty if they are not counted.
    item: &'static str,
    time: Option<MediaTime>,
}

impl Losses {
    /// Records a loss that is not counted.
    pub fn add(&mut self, what: LossKind, place: impl Into<String>) {
        self.entry(what, place.into(), "");
    }

    /// Records a loss of `count` items, such as `clip`s, of `place`, which may be empty; zero is none.
    pub fn count(&mut self, what: LossKind, place: impl Into<String>, count: usize, item: &'static str) {
        if count > 0 {
            self.entry(what, place.into(), item).count += count;
        }
    }

    /// Records the loss of one item of `place`, with its error in time.
    pub fn time(&mut self, what: LossKind, place: impl Into<String>, item: &'static str, error: MediaTime) {
        let entry = self.entry(what, place.into(), item);
        entry.count += 1;
        entry.time = entry.time.max(Some(error.max(-error)));
    }

    /// As [`Losses::time`]; an error of zero is none.
    pub fn rounding(
        &mut self,
        what: LossKind,
        place: impl Into<String>,
        item: &'static str,
        error: MediaTime,
    ) {
        if error != MediaTime::ZERO {
            self.time(what, place, item, error);
        }
    }

    fn entry(&mut self, what: LossKind, place: String, item: &'static str) -> &mut Entry {
        let next = self.entries.len();
        let index = *self.indices.entry((what, place.clone(), item)).or_insert(next);
        if index == next {
            self.entries.push(Entry { what, place, count: 0, item, time: None });
        }
        &mut self.entries[index]
    }

    /// The losses in order of first occurrence.
    #[must_use]
    pub fn finish(self) -> Vec<Loss> {
        self.entries.into_iter().map(Entry::loss).collect()
    }
}

impl Entry {
    fn loss(self) -> Loss {
        let Self { what, place, count, item, time } = self;
        if item.is_empty() {
            return Loss { what, place, time };
        }
        let plural = if count == 1 { "" } else { "s" };
        let separator = if place.is_empty() { "" } else { ", " };
        Loss { what, place: format!("{place}{separator}{count} {item}{plural}"), time }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn losses_of_one_place_are_counted_and_have_the_greatest_error() {
        let mut losses = Losses::default();
        for error in [3, -5, 0] {
            losses.rounding(LossKind::RoundedToFrame, "track V1", "clip", MediaTime::from_millis(error));
        }
        losses.time(LossKind::ClipTooShort, "track V1", "clip", MediaTime::ZERO);
        losses.count(LossKind::EventsBeyond999, "", 1_000, "event");
        losses.count(LossKind::BeatsOmitted, "", 0, "beat");
        losses.add(LossKind::RateChanged, "17 to 24 frames per second");
        assert_eq!(
            serde_json::to_value(losses.finish()).unwrap(),
            json!([
                {"what": "rounded_to_frame", "where": "track V1, 2 clips", "loss_ms": 5},
                {"what": "clip_too_short", "where": "track V1, 1 clip", "loss_ms": 0},
                {"what": "events_beyond_999", "where": "1000 events", "loss_ms": null},
                {"what": "rate_changed", "where": "17 to 24 frames per second", "loss_ms": null},
            ])
        );
    }
}
