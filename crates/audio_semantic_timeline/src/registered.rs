//! Validates timelines and transcripts that callers register, so that later reads can rely on the contract.

use http_kit::FieldError;
use media_time::MediaTime;
use media_time::limits::{LENGTH_TOLERANCE, MAX_INSTANT};
use media_v2::{
    Artifact, ArtifactKind, DocumentValidator, NewArtifact, RegisteredMeasurement, RegistrationFollowUp,
};
use primitives::{Id, Scope};
use serde::Deserialize;
use sqlx::PgConnection;

use crate::backend::BackendKind;
use crate::model::{AudioEvent, BeatEvent, Summary, Word};
use crate::spoken::{self, SpokenWindow, TimelineRow};

/// Maximum duration of a registered timeline or transcript, in ms.
const MAX_REGISTERED_MS: i64 = MAX_INSTANT.as_millis_round();
/// Maximum number of violations that are listed.
const MAX_VIOLATIONS: usize = 20;

/// The validator of `audio_semantic_timeline` and `asr_transcript` documents.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegisteredDocuments;

impl DocumentValidator for RegisteredDocuments {
    fn violations(&self, measurement: &RegisteredMeasurement, document: &[u8]) -> Vec<FieldError> {
        let mut violations = Violations::default();
        match measurement.artifact.kind {
            ArtifactKind::AudioSemanticTimeline => match serde_json::from_slice::<Summary>(document) {
                Ok(summary) => check_timeline(measurement, &summary, &mut violations),
                Err(error) => violations.document(format!("is not a semantic timeline: {error}")),
            },
            ArtifactKind::AsrTranscript => match serde_json::from_slice::<TranscriptDocument>(document) {
                Ok(transcript) => check_transcript(measurement, &transcript, &mut violations),
                Err(error) => violations.document(format!("is not a transcript: {error}")),
            },
            _ => {}
        }
        violations.0
    }

    fn follow_up(
        &self,
        measurement: &RegisteredMeasurement,
        document: &[u8],
    ) -> Option<Box<dyn RegistrationFollowUp>> {
        if measurement.artifact.kind != ArtifactKind::AudioSemanticTimeline {
            return None;
        }
        let summary: Summary = serde_json::from_slice(document).ok()?;
        let windows = spoken::windows_of(&summary);
        Some(Box::new(WordIndexing { audio_stream: summary.meta.run.audio_stream, windows }))
    }

    fn cache_key_copies(&self) -> &'static [&'static str] {
        &["audio_semantic_cache_key"]
    }
}

/// Indexes the words of a registered timeline.
#[derive(Debug)]
struct WordIndexing {
    audio_stream: Option<u32>,
    windows: Vec<SpokenWindow>,
}

#[async_trait::async_trait]
impl RegistrationFollowUp for WordIndexing {
    async fn run(self: Box<Self>, conn: &mut PgConnection, artifact: &Artifact) -> sqlx::Result<()> {
        let scope = Scope { tenant_id: artifact.tenant_id.clone(), env: artifact.env.clone() };
        let timeline = TimelineRow {
            asset_id: &artifact.parent_asset_id,
            timeline_id: &artifact.id,
            audio_stream: self.audio_stream,
        };
        spoken::replace_windows(conn, &scope, timeline, &self.windows).await
    }
}

/// The members of a transcript that are read; others are ignored.
#[derive(Deserialize)]
struct TranscriptDocument {
    asset_id: Option<Id>,
    words: Vec<TranscriptWord>,
}

#[derive(Deserialize)]
struct TranscriptWord {
    #[serde(rename = "word")]
    _word: String,
    #[serde(rename = "start_ms")]
    start: MediaTime,
    #[serde(rename = "end_ms")]
    end: MediaTime,
    #[serde(rename = "confidence")]
    _confidence: Option<f64>,
}

/// The violations found, at most [`MAX_VIOLATIONS`].
#[derive(Debug, Default)]
struct Violations(Vec<FieldError>);

impl Violations {
    /// Adds a violation of a field of the request.
    fn request(&mut self, pointer: &str, detail: impl Into<String>) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.push(FieldError { pointer: pointer.to_owned(), detail: detail.into() });
        }
    }

    /// Adds a violation of the document as a whole.
    fn document(&mut self, detail: String) {
        self.request("/uri", format!("the document {detail}"));
    }

    /// Adds a violation at `pointer` of the document unless `holds`.
    fn require(&mut self, holds: bool, pointer: impl FnOnce() -> String, detail: &str) {
        if !holds && self.0.len() < MAX_VIOLATIONS {
            self.request("/uri", format!("`{}` of the document {detail}", pointer()));
        }
    }

    /// Requires a span within `[earliest, end]`.
    fn span(&mut self, [start, stop]: [i64; 2], earliest: i64, end: i64, pointer: impl Fn() -> String) {
        self.require(
            start >= earliest,
            || format!("{}/start_ms", pointer()),
            "starts before its predecessor",
        );
        self.require(stop > start, || format!("{}/end_ms", pointer()), "must be greater than start_ms");
        self.require(stop <= end, || format!("{}/end_ms", pointer()), "is after duration_ms");
    }

    fn ratio(&mut self, value: Option<f64>, pointer: impl FnOnce() -> String) {
        let is_ratio = value.is_none_or(|value| (0.0..=1.0).contains(&value));
        self.require(is_ratio, pointer, "must be null or from 0 to 1");
    }
}

/// Checks that the declared duration is at most the asset's.
fn check_length(measurement: &RegisteredMeasurement, violations: &mut Violations) {
    let declared = declared_duration_ms(&measurement.artifact);
    if declared > MAX_REGISTERED_MS as f64 {
        violations.request("/meta/duration_ms", "is more than thirty days");
    }
    // An artifact may be longer than its source, because it has its own duration.
    let is_of_asset = source_artifact(&measurement.artifact).is_none();
    if let Some(asset) = measurement.asset_duration.filter(|_| is_of_asset)
        && declared > (asset + LENGTH_TOLERANCE).as_millis_f64()
    {
        let detail = format!("is more than the {} ms of the asset", asset.as_millis_ceil());
        violations.request("/meta/duration_ms", detail);
    }
}

fn declared_duration_ms(artifact: &NewArtifact) -> f64 {
    artifact.meta.get("duration_ms").and_then(serde_json::Value::as_f64).unwrap_or(0.0)
}

fn source_artifact(artifact: &NewArtifact) -> Option<&str> {
    artifact.meta.get("source_artifact_id").and_then(serde_json::Value::as_str)
}

fn check_timeline(measurement: &RegisteredMeasurement, summary: &Summary, violations: &mut Violations) {
    let artifact = &measurement.artifact;
    check_length(measurement, violations);
    let at = |pointer: &'static str| move || pointer.to_owned();
    let is_of_parent = summary.asset_id == artifact.parent_asset_id;
    violations.require(is_of_parent, at("/asset_id"), "is not the asset of the request");
    let is_of_source = summary.artifact_id.as_ref().map(Id::as_str) == source_artifact(artifact);
    violations.require(is_of_source, at("/artifact_id"), "is not `meta.source_artifact_id` of the request");
    let end = summary.duration_ms;
    let is_length =
        (0..=MAX_REGISTERED_MS).contains(&end) && (end as f64 - declared_duration_ms(artifact)).abs() <= 1.0;
    violations.require(is_length, at("/duration_ms"), "is not `meta.duration_ms` of the request");
    violations.require(summary.meta.clip.is_none(), at("/meta/clip_window_ms"), "must be absent");
    let run = &summary.meta.run;
    // The stub leaves gaps for speech and music that were not requested.
    let may_have_gaps = run.backend_type == BackendKind::Stub.as_str() && !run.include_speech_music;
    check_events(&summary.events, end, may_have_gaps, violations);
    check_beats(&summary.beats, end, violations);
    let mut earliest = 0;
    for (index, window) in summary.meta.loudness_windows.iter().enumerate() {
        let pointer = || format!("/meta/loudness_windows/{index}");
        violations.span([window.start_ms, window.end_ms], earliest, end, pointer);
        earliest = window.end_ms;
    }
    earliest = 0;
    for (index, turn) in summary.meta.speaker_turns.iter().enumerate() {
        let pointer = || format!("/meta/speaker_turns/{index}");
        violations.span([turn.start_ms, turn.end_ms], earliest, end, pointer);
        earliest = turn.start_ms;
    }
}

/// The first violation of the contract in the events and beats of a timeline, which must cover the whole duration.
pub(crate) fn violation(summary: &Summary) -> Option<String> {
    let mut violations = Violations::default();
    check_events(&summary.events, summary.duration_ms, false, &mut violations);
    check_beats(&summary.beats, summary.duration_ms, &mut violations);
    violations.0.into_iter().next().map(|violation| violation.detail)
}

/// Checks that events are ordered, do not overlap and cover the whole duration.
fn check_events(events: &[AudioEvent], end: i64, may_have_gaps: bool, violations: &mut Violations) {
    let mut covered = 0;
    for (index, event) in events.iter().enumerate() {
        let pointer = || format!("/events/{index}");
        violations.span([event.start_ms, event.end_ms], covered, end, pointer);
        let is_adjacent = may_have_gaps || event.start_ms <= covered;
        violations.require(
            is_adjacent,
            || format!("{}/start_ms", pointer()),
            "leaves a gap before the event",
        );
        violations.ratio(event.confidence, || format!("{}/confidence", pointer()));
        check_words(&event.meta.words, end, &pointer, violations);
        covered = event.end_ms;
    }
    let is_covered = may_have_gaps || covered >= end;
    violations.require(is_covered, || "/events".to_owned(), "end before duration_ms");
}

fn check_words(words: &[Word], end: i64, event: &dyn Fn() -> String, violations: &mut Violations) {
    let mut earliest = 0;
    for (index, word) in words.iter().enumerate() {
        let pointer = |member: &str| format!("{}/meta/words/{index}/{member}", event());
        let is_in_order = word.start_ms >= earliest;
        violations.require(is_in_order, || pointer("start_ms"), "starts before its predecessor");
        violations.require(word.end_ms >= word.start_ms, || pointer("end_ms"), "is before start_ms");
        violations.require(word.end_ms <= end, || pointer("end_ms"), "is after duration_ms");
        violations.ratio(word.confidence, || pointer("confidence"));
        earliest = word.start_ms;
    }
}

fn check_beats(beats: &[BeatEvent], end: i64, violations: &mut Violations) {
    let mut previous: Option<&BeatEvent> = None;
    for (index, beat) in beats.iter().enumerate() {
        let pointer = |member: &str| format!("/beats/{index}/{member}");
        let is_later = previous.map_or(beat.time_ms >= 0, |previous| beat.time_ms > previous.time_ms);
        violations.require(is_later, || pointer("time_ms"), "must be greater than that of its predecessor");
        violations.require(beat.time_ms <= end, || pointer("time_ms"), "is after duration_ms");
        let is_next = previous.map_or(beat.beat_index >= 0, |previous| beat.beat_index > previous.beat_index);
        violations.require(is_next, || pointer("beat_index"), "must be greater than that of its predecessor");
        let is_counted = beat.bar_index >= previous.map_or(0, |previous| previous.bar_index);
        violations.require(
            is_counted,
            || pointer("bar_index"),
            "must not be less than that of its predecessor",
        );
        previous = Some(beat);
    }
}

fn check_transcript(
    measurement: &RegisteredMeasurement,
    transcript: &TranscriptDocument,
    violations: &mut Violations,
) {
    check_length(measurement, violations);
    let is_of_parent =
        transcript.asset_id.as_ref().is_none_or(|id| *id == measurement.artifact.parent_asset_id);
    violations.require(is_of_parent, || "/asset_id".to_owned(), "is not the asset of the request");
    let end = declared_duration_ms(&measurement.artifact);
    let mut earliest = MediaTime::ZERO;
    for (index, word) in transcript.words.iter().enumerate() {
        let pointer = |member: &str| format!("/words/{index}/{member}");
        let is_in_order = word.start >= earliest;
        violations.require(is_in_order, || pointer("start_ms"), "starts before its predecessor");
        violations.require(word.end >= word.start, || pointer("end_ms"), "is before start_ms");
        let is_within = word.end.as_millis_f64() <= end + 1.0;
        violations.require(is_within, || pointer("end_ms"), "is after `meta.duration_ms` of the request");
        earliest = word.start;
    }
}

#[cfg(test)]
mod tests;
