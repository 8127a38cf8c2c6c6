use audio_fingerprint::AlignedPart;
use audio_signal::rounded;
use http_kit::FieldError;
use media_time::MediaTime;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;

/// Maximum number of recordings that are aligned to a reference.
pub(crate) const MAX_RECORDINGS: usize = 64;
/// Maximum length of a title, in characters.
const MAX_TITLE: usize = 500;

/// Body of `POST /audio/align`.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlignRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording whose time the offsets are in.
    pub reference_asset_id: Id,
    /// Other recordings of the event, each once, at most six hours each.
    #[schema(min_items = 1, max_items = 64)]
    pub asset_ids: Vec<Id>,
    /// Also create a sequence with a track for each recording, synchronised.
    pub sequence: Option<NewAlignedSequence>,
}

http_kit::context_fields!(AlignRequest);

/// A sequence to create from an alignment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlignedSequence {
    /// The project for it; a new one when absent.
    pub project_id: Option<Id>,
    /// Name of the sequence, and title of a new project: 1–500 characters; names the reference when absent.
    #[schema(min_length = 1, max_length = 500)]
    pub title: Option<String>,
}

/// Where a recording is in the time of the reference.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RecordingAlignment {
    /// The recording.
    pub asset_id: Id,
    /// Whether it has no part in common with the reference; then the other fields are null, and `parts` is empty.
    pub unrelated: bool,
    /// The time in the reference at the recording's time 0, in milliseconds; negative if it began before. Of the longest
    /// part.
    #[serde(rename = "offset_ms")]
    pub offset: Option<MediaTime>,
    /// Clock of the recording relative to that of the reference, in ppm; positive if it runs fast.
    pub drift_ppm: Option<f64>,
    /// Probability that the longest part is no chance match.
    pub confidence: Option<f64>,
    /// The parts that are in both, in order; more than one if a recorder was stopped and started again.
    pub parts: Vec<AlignmentPart>,
    /// The sequence that has this recording on a track, if one was requested; null for unrelated recordings.
    pub sequence: Option<AlignedSequence>,
}

/// A part of a recording, and the same time in the reference. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlignmentPart {
    /// Start in the recording.
    #[serde(rename = "start_ms")]
    pub start: MediaTime,
    /// End in the recording, exclusive.
    #[serde(rename = "end_ms")]
    pub end: MediaTime,
    /// Start in the reference.
    #[serde(rename = "reference_start_ms")]
    pub reference_start: MediaTime,
    /// End in the reference, exclusive.
    #[serde(rename = "reference_end_ms")]
    pub reference_end: MediaTime,
    /// The time in the reference at the recording's time 0, by the clock of this part.
    #[serde(rename = "offset_ms")]
    pub offset: MediaTime,
    /// Clock of the recording relative to that of the reference, in ppm; positive if it runs fast.
    pub drift_ppm: f64,
    /// Probability that the part is no chance match.
    pub confidence: f64,
    /// Share of the compared seconds that agree with offset and drift, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub agreement: f64,
}

/// The sequence that was created from an alignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlignedSequence {
    /// Its project.
    pub project_id: Id,
    /// The sequence.
    pub sequence_id: Id,
    /// Number of its tracks: the reference, and the recordings that are not unrelated.
    pub track_count: usize,
    /// Number of clips of all tracks.
    pub clip_count: usize,
    /// Path of its exports, such as `?format=otio`.
    pub export_href: String,
}

impl AlignRequest {
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut errors = Vec::new();
        let mut invalid = |pointer: String, detail: &str| {
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        };
        if !(1..=MAX_RECORDINGS).contains(&self.asset_ids.len()) {
            invalid("/asset_ids".to_owned(), "expected 1 to 64 items");
        }
        for (index, id) in self.asset_ids.iter().take(MAX_RECORDINGS).enumerate() {
            if *id == self.reference_asset_id {
                invalid(format!("/asset_ids/{index}"), "is the reference");
            } else if self.asset_ids[..index].contains(id) {
                invalid(format!("/asset_ids/{index}"), "is repeated");
            }
        }
        let title = self.sequence.as_ref().and_then(|sequence| sequence.title.as_ref());
        if title.is_some_and(|title| !(1..=MAX_TITLE).contains(&title.chars().take(MAX_TITLE + 1).count())) {
            invalid("/sequence/title".to_owned(), "expected 1 to 500 characters");
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}

/// A drift to 0.001 ppm; −0 is 0.
fn ppm(drift: f64) -> f64 {
    rounded(drift, 3) + 0.0
}

impl RecordingAlignment {
    pub(crate) fn new(asset_id: Id, parts: &[AlignedPart]) -> Self {
        let longest = parts.iter().rev().max_by_key(|part| part.other.duration());
        Self {
            asset_id,
            unrelated: parts.is_empty(),
            offset: longest.map(|part| part.offset),
            drift_ppm: longest.map(|part| ppm(part.drift_ppm)),
            confidence: longest.map(|part| part.confidence),
            parts: parts.iter().map(AlignmentPart::new).collect(),
            sequence: None,
        }
    }
}

impl AlignmentPart {
    fn new(part: &AlignedPart) -> Self {
        Self {
            start: part.other.start(),
            end: part.other.end(),
            reference_start: part.reference_time(part.other.start()),
            reference_end: part.reference_time(part.other.end()),
            offset: part.offset,
            drift_ppm: ppm(part.drift_ppm),
            confidence: part.confidence,
            agreement: rounded(part.agreement, 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use media_time::Window;

    use super::*;

    fn part(start_ms: i64, end_ms: i64, offset_ms: i64, drift_ppm: f64) -> AlignedPart {
        let (start, end) = (MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms));
        AlignedPart {
            other: Window::new(start, end).unwrap(),
            offset: MediaTime::from_millis(offset_ms),
            drift_ppm,
            confidence: 0.9999,
            agreement: 0.95,
        }
    }

    fn request(asset_ids: &[&str]) -> AlignRequest {
        AlignRequest {
            tenant_id: None,
            env: None,
            user_id: None,
            reference_asset_id: "camera".parse().unwrap(),
            asset_ids: asset_ids.iter().map(|id| id.parse().unwrap()).collect(),
            sequence: None,
        }
    }

    #[test]
    fn alignment_has_the_offset_of_its_longest_part() {
        let parts = [part(0, 20_000, 2_000, 0.0), part(21_000, 60_000, 22_000, 100.0)];
        let alignment = RecordingAlignment::new("a".parse().unwrap(), &parts);
        assert_eq!(alignment.offset, Some(MediaTime::from_millis(22_000)));
        assert_eq!((alignment.drift_ppm, alignment.unrelated), (Some(100.0), false));
        // A fast clock counts more: 60 s of it are 59.994 s of the reference.
        let last = &alignment.parts[1];
        assert_eq!(last.reference_end.as_millis_round(), 81_994);
        assert_eq!(alignment.parts[0].reference_end.as_millis_round(), 22_000);
    }

    #[test]
    fn recordings_without_parts_are_unrelated() {
        let alignment = RecordingAlignment::new("a".parse().unwrap(), &[]);
        let json = serde_json::to_value(&alignment).unwrap();
        let expected = serde_json::json!({
            "asset_id": "a", "unrelated": true, "offset_ms": null, "drift_ppm": null, "confidence": null, "parts": [],
            "sequence": null,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn align_request_names_each_recording_once() {
        let pointers = |request: &AlignRequest| match request.check() {
            Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
            _ => Vec::new(),
        };
        assert!(pointers(&request(&["a", "b"])).is_empty());
        assert_eq!(pointers(&request(&["a", "camera", "a"])), ["/asset_ids/1", "/asset_ids/2"]);
        assert_eq!(pointers(&request(&[])), ["/asset_ids"]);
        assert_eq!(pointers(&request(&["a"; 65]))[0], "/asset_ids");
        let title = Some(NewAlignedSequence { title: Some(String::new()), project_id: None });
        assert_eq!(pointers(&AlignRequest { sequence: title, ..request(&["a"]) }), ["/sequence/title"]);
    }
}
