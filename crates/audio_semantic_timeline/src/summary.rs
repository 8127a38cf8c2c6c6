//! Converts a backend's result to the stored timeline and its rows.

use audio_asr::Language;
use blob_store::StoredBlob;
use http_kit::RequestContext;
use media_decode::DecoderKind;
use media_v2::{ArtifactKind, NewArtifact};
use primitives::Id;
use serde_json::{Map, Value, json};

use crate::backend::{BackendKind, Measured, Selection};
use crate::model::{BackendInfo, RunMeta, Summary, SummaryMeta};
use crate::{EffectiveParams, Error, cache_key};

/// Maximum playback speed (and its inverse the minimum) at which unscaled times are accurate enough for most uses; part
/// of every timeline's meta.
const SPEED_CHANGE_LIMIT: f64 = 1.05;

/// Everything that identifies a timeline.
#[derive(Clone, Debug)]
pub(crate) struct AnalysisKey {
    pub(crate) asset_id: Id,
    pub(crate) artifact_id: Option<Id>,
    pub(crate) params: EffectiveParams,
    /// Includes the suffix added by [`AnalysisKey::with_mark`].
    pub(crate) backend_version: String,
    pub(crate) cache_key: String,
    context: RequestContext,
    /// The version without that suffix.
    version: String,
}

impl AnalysisKey {
    /// Determines the timeline's cache key before any data is read.
    pub(crate) fn new(
        context: &RequestContext,
        asset_id: Id,
        artifact_id: Option<Id>,
        params: EffectiveParams,
        selection: &Selection,
    ) -> Result<Self, Error> {
        params.check()?;
        if params.translate && !selection.backend.can_translate() {
            return Err(Error::CannotTranslate(selection.backend.model_used()));
        }
        if let Some(code) = &params.language {
            if Language::from_code(code).is_none() {
                return Err(Error::UnsupportedLanguage(code.clone()));
            }
            if !selection.backend.knows_language(code) {
                let model = selection.backend.model_used();
                return Err(Error::LanguageNotInModel { language: code.clone(), model });
            }
        }
        let mut version = selection.backend.version(&params);
        // The stub decodes nothing, and its version is fixed.
        if params.channel_speech && selection.backend.kind() != BackendKind::Stub {
            version += "+channel_speech";
        }
        if let Some(stream) = params.audio_stream.filter(|_| selection.backend.kind() != BackendKind::Stub) {
            version += &format!("+audio_stream={stream}");
        }
        let cache_key = cache_key(context, &asset_id, artifact_id.as_ref(), &params, &version);
        let (backend_version, context) = (version.clone(), context.clone());
        Ok(Self { asset_id, artifact_id, params, backend_version, cache_key, context, version })
    }

    /// The same key with a decoder suffix: see
    /// [`MediaService::decoder_mark`](media_v2::MediaService::decoder_mark).
    pub(crate) fn with_mark(&self, mark: &str) -> Self {
        let backend_version = format!("{}{mark}", self.version);
        let artifact_id = self.artifact_id.as_ref();
        let cache_key = cache_key(&self.context, &self.asset_id, artifact_id, &self.params, &backend_version);
        Self { backend_version, cache_key, ..self.clone() }
    }

    pub(crate) fn summary(&self, selection: &Selection, measured: Measured) -> Summary {
        let kind = selection.backend.kind().as_str().to_owned();
        let mut dependencies = selection.dependencies.clone();
        if let Some(decoder @ DecoderKind::Ffmpeg(_)) = &measured.decoder {
            dependencies.decoder.version = Some(decoder.to_string());
        }
        let run = RunMeta {
            model_used: selection.backend.model_used(),
            backend: kind.clone(),
            backend_version: self.backend_version.clone(),
            backend_type: kind,
            requested_backend: selection.requested.as_str().to_owned(),
            fallback_reason: selection.fallback_reason.clone(),
            semantic_version: selection.backend.semantic_version().to_owned(),
            include_beats: self.params.include_beats,
            include_speech_music: self.params.include_speech_music,
            min_silence_ms: self.params.min_silence_ms,
            loudness_window_ms: self.params.loudness_window_ms,
            audio_stream: self.params.audio_stream,
            channel_speech: self.params.channel_speech && selection.backend.kind() != BackendKind::Stub,
            language: measured.language,
            speakers: measured.speakers.map(|found| found.into_iter().map(|found| found.speaker).collect()),
            speed_change_limit: SPEED_CHANGE_LIMIT,
            audio_semantic_cache_key: self.cache_key.clone(),
            backend_info: BackendInfo {
                service: "audio_semantic_timeline".to_owned(),
                backend_version: self.backend_version.clone(),
                dependencies,
            },
            tempo_bpm: measured.tempo_bpm,
            tempo_candidates: measured.tempo_candidates,
            integrated_lufs: measured.integrated_lufs,
            loudness_range_lu: measured.loudness_range_lu,
            momentary_max_lufs: measured.momentary_max_lufs,
            short_term_max_lufs: measured.short_term_max_lufs,
            true_peak_dbtp: measured.true_peak_dbtp,
            analysis: measured.analysis,
            correction: None,
        };
        Summary {
            asset_id: self.asset_id.clone(),
            artifact_id: self.artifact_id.clone(),
            duration_ms: measured.duration_ms,
            events: measured.events,
            beats: measured.beats,
            meta: SummaryMeta {
                run,
                loudness_windows: measured.loudness_windows,
                speaker_turns: measured.speaker_turns,
                tempo_curve: Vec::new(),
                clip: None,
            },
        }
    }

    /// The artifact row of a stored summary.
    pub(crate) fn timeline(&self, summary: &Summary, blob: StoredBlob) -> NewArtifact {
        let mut artifact = self.measurement(ArtifactKind::AudioSemanticTimeline, summary, blob);
        artifact.upstream_artifact_ids = self.artifact_id.iter().cloned().collect();
        artifact.meta.extend(as_map(&summary.meta.run));
        artifact
    }

    /// The artifact row of its transcript.
    pub(crate) fn transcript(&self, summary: &Summary, timeline: &Id, blob: StoredBlob) -> NewArtifact {
        let mut artifact = self.measurement(ArtifactKind::AsrTranscript, summary, blob);
        artifact.upstream_artifact_ids = vec![timeline.clone()];
        artifact.meta.insert("model_used".to_owned(), summary.meta.run.model_used.as_str().into());
        artifact.meta.insert("language".to_owned(), json!(summary.meta.run.language));
        if let Some(stream) = self.params.audio_stream {
            artifact.meta.insert("audio_stream".to_owned(), stream.into());
        }
        artifact
    }

    fn measurement(&self, kind: ArtifactKind, summary: &Summary, blob: StoredBlob) -> NewArtifact {
        // Unlike the cache key, this excludes tenant and user, which do not affect the result.
        let produced_by = json!({
            "asset_id": self.asset_id,
            "artifact_id": self.artifact_id,
            "include_beats": self.params.include_beats,
            "include_speech_music": self.params.include_speech_music,
            "min_silence_ms": self.params.min_silence_ms,
            "loudness_window_ms": self.params.loudness_window_ms,
        });
        let parent = self.asset_id.clone();
        let mut artifact = NewArtifact::new(kind, parent, blob.id.uri(), &self.backend_version, &produced_by);
        artifact.content_sha256 = Some(blob.id.to_hex());
        artifact.size_bytes = Some(blob.size_bytes);
        artifact.meta.insert("cache_key".to_owned(), self.cache_key.as_str().into());
        artifact.meta.insert("duration_ms".to_owned(), summary.duration_ms.into());
        artifact.meta.insert("source_artifact_id".to_owned(), json!(self.artifact_id));
        artifact.meta.insert("media_type".to_owned(), "application/json".into());
        artifact
    }
}

/// The description of a run as the meta of an artifact.
pub(crate) fn as_map(run: &RunMeta) -> Map<String, Value> {
    match serde_json::to_value(run) {
        Ok(Value::Object(map)) => map,
        // A struct of plain fields always serializes to an object.
        _ => Map::new(),
    }
}
