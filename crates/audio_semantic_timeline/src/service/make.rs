//! Makes a timeline once for identical requests, with the decoder that was used as part of its version.

use blob_store::StoredBlob;
use media_decode::{DecodeError, DecoderKind};
use media_time::MediaTime;
use media_v2::{Artifact, AssetDecoder, MediaError};
use primitives::{Id, Scope};
use serde::Serialize;

use super::{AnalysedRecording, AnalysisInput, SemanticTimelines};
use crate::backend::{BackendKind, Measured, Recording, Selection};
use crate::spoken::{self, TimelineRow};
use crate::summary::AnalysisKey;
use crate::{Error, Transcript, voice_store};

impl SemanticTimelines {
    /// The decoder's suffix of a timeline's version. Empty for an artifact, whose bytes are not probed, and for the
    /// stub, which decodes nothing and has a fixed version.
    pub(super) async fn mark(
        &self,
        input: &AnalysisInput,
        audio_stream: Option<u32>,
        selection: &Selection,
    ) -> Result<String, Error> {
        match (input, audio_stream) {
            _ if selection.backend.kind() == BackendKind::Stub => Ok(String::new()),
            (_, Some(stream)) => Ok(self.0.media.stream_decoder_mark(input.content(), stream).await?),
            (AnalysisInput::Asset(asset), None) => Ok(self.0.media.decoder_mark(asset).await?),
            (AnalysisInput::Artifact(_), None) => Ok(String::new()),
        }
    }

    /// The artifact with this cache key, and whether it existed before this call.
    pub(super) async fn find_or_make(
        &self,
        scope: &Scope,
        key: &AnalysisKey,
        selection: &Selection,
        input: &AnalysisInput,
    ) -> Result<(Artifact, bool), Error> {
        if let Some(artifact) = self.find(scope, &key.cache_key).await? {
            return Ok((artifact, true));
        }
        let find = async || -> Result<Option<(Artifact, bool)>, Error> {
            let found = self.find_made_meanwhile(scope, key, selection, input).await?;
            Ok(found.map(|artifact| (artifact, true)))
        };
        let make = Box::pin(self.make(scope, key, selection, input));
        let (result, _) = self.0.single_flight.get_or_make(&key.cache_key, find, make).await?;
        Ok(result)
    }

    async fn find(&self, scope: &Scope, cache_key: &str) -> Result<Option<Artifact>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(media_v2::store::find_semantic_timeline(&mut conn, scope, cache_key).await?)
    }

    /// The result of an identical request that this one waited for: under this cache key, or under that of another decoder
    /// if its analysis changed the decoder.
    async fn find_made_meanwhile(
        &self,
        scope: &Scope,
        key: &AnalysisKey,
        selection: &Selection,
        input: &AnalysisInput,
    ) -> Result<Option<Artifact>, Error> {
        let found = self.find(scope, &key.cache_key).await?;
        let (None, AnalysisInput::Asset(asset), None) = (&found, input, key.params.audio_stream) else {
            return Ok(found);
        };
        let now = self.0.media.recording(scope, &asset.id).await?;
        if now.decoder == asset.decoder {
            return Ok(None);
        }
        let mark = self.mark(&AnalysisInput::Asset(now), None, selection).await?;
        self.find(scope, &key.with_mark(&mark).cache_key).await
    }

    async fn make(
        &self,
        scope: &Scope,
        key: &AnalysisKey,
        selection: &Selection,
        input: &AnalysisInput,
    ) -> Result<(Artifact, bool), Error> {
        if let Some(reason) = &selection.fallback_reason {
            let backend = selection.backend.kind();
            tracing::warn!(requested = %selection.requested, %backend, reason, "fallback in the analysis");
        }
        let measured = self.run(key, selection, input).await?;
        self.register(scope, key, selection, input, measured).await
    }

    /// Registers the result of an analysis; true if another process registered one first.
    pub(super) async fn register(
        &self,
        scope: &Scope,
        key: &AnalysisKey,
        selection: &Selection,
        input: &AnalysisInput,
        mut measured: Measured,
    ) -> Result<(Artifact, bool), Error> {
        // Without a stream in the request, the asset's default one was analysed, of which waveforms are.
        if let Some(pyramid) = measured.waveform.take().filter(|_| key.params.audio_stream.is_none()) {
            self.0.media.keep_waveform_pyramid(scope, input.content(), pyramid).await?;
        }
        let key = &self.settle_decoder(scope, key, input, &measured).await?;
        let speakers = measured.speakers.clone().unwrap_or_default();
        let (landmarks, duration) = (measured.landmarks.take(), MediaTime::from_millis(measured.duration_ms));
        let summary = key.summary(selection, measured);
        let timeline = key.timeline(&summary, self.store(&key.asset_id, &summary).await?);
        let transcript = Transcript::of(&summary);
        let words = if transcript.words.is_empty() {
            None
        } else {
            Some(self.store(&key.asset_id, &transcript).await?)
        };
        let windows = spoken::windows_of(&summary);
        let now = self.0.clock.now();
        let companion = self.0.companion.as_ref().zip(landmarks.as_deref());
        if let Some((companion, _)) = companion {
            let mut conn = self.0.media.pool().acquire().await?;
            companion.prepare(&mut conn, scope).await?;
        }
        let mut transaction = self.0.media.pool().begin().await?;
        match media_v2::store::insert_artifact(&mut transaction, scope, now, timeline).await {
            Ok(artifact) => {
                // Before the words, whose lock an analysis with other parameters may wait for.
                if let Some((companion, landmarks)) = companion {
                    let analysed = AnalysedRecording { asset_id: &key.asset_id, duration, landmarks };
                    companion.register(&mut transaction, scope, now, analysed).await?;
                }
                voice_store::insert_speakers(&mut transaction, scope, &artifact.id, &speakers).await?;
                let timeline = TimelineRow {
                    asset_id: &key.asset_id,
                    timeline_id: &artifact.id,
                    audio_stream: key.params.audio_stream,
                };
                spoken::replace_windows(&mut transaction, scope, timeline, &windows).await?;
                if let Some(blob) = words {
                    let transcript = key.transcript(&summary, &artifact.id, blob);
                    media_v2::store::insert_artifact(&mut transaction, scope, now, transcript).await?;
                }
                transaction.commit().await?;
                Ok((artifact, false))
            }
            // A process without this lock (an older binary, an import, a request with the known decoder) registered
            // first, so its timeline is used.
            Err(MediaError::DuplicateCacheKey) => {
                transaction.rollback().await?;
                let found = self.find(scope, &key.cache_key).await?;
                found.map(|artifact| (artifact, true)).ok_or(Error::Database(sqlx::Error::RowNotFound))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The key with the decoder that the analysis used. If only ffmpeg decodes an asset correctly, this is stored,
    /// so that the next identical request finds this timeline.
    async fn settle_decoder(
        &self,
        scope: &Scope,
        key: &AnalysisKey,
        input: &AnalysisInput,
        measured: &Measured,
    ) -> Result<AnalysisKey, Error> {
        let Some(DecoderKind::Ffmpeg(release)) = &measured.decoder else { return Ok(key.clone()) };
        let mark = AssetDecoder::ffmpeg_mark(release);
        match input {
            // The asset's decoder applies to its default stream.
            _ if key.params.audio_stream.is_some() => Ok(key.with_mark(&mark)),
            AnalysisInput::Asset(asset) if asset.decoder != Some(AssetDecoder::Ffmpeg) => {
                self.0.media.set_decoder(scope, &asset.id, AssetDecoder::Ffmpeg).await?;
                Ok(key.with_mark(&mark))
            }
            AnalysisInput::Asset(_) | AnalysisInput::Artifact(_) => Ok(key.clone()),
        }
    }

    /// Serializes and stores a result for an asset.
    async fn store(&self, asset_id: &Id, found: &impl Serialize) -> Result<StoredBlob, Error> {
        let bytes = serde_json::to_vec(found)
            .map_err(|source| Error::Unwritable { asset_id: asset_id.clone(), source })?;
        Ok(self.0.media.blobs().put(bytes.into()).await.map_err(MediaError::from)?)
    }

    /// Runs the backend on a worker thread.
    async fn run(
        &self,
        key: &AnalysisKey,
        selection: &Selection,
        input: &AnalysisInput,
    ) -> Result<Measured, Error> {
        let content = input.content();
        let probed_duration = match input {
            AnalysisInput::Asset(asset) => {
                if asset.audio_channels == Some(0) {
                    let container = asset.codec_info.clone().unwrap_or_else(|| asset.kind.to_string());
                    return Err(DecodeError::NoAudioStream { container }.into());
                }
                asset.duration
            }
            AnalysisInput::Artifact(artifact) => {
                artifact.start.zip(artifact.end).map(|(start, end)| end - start)
            }
        };
        // Landmarks are those of an asset's default stream: a part of it, or another stream, is not indexed.
        let include_landmarks = self.0.companion.is_some()
            && matches!(input, AnalysisInput::Asset(_))
            && key.params.audio_stream.is_none();
        let stream = key.params.audio_stream.map(|stream| stream as usize);
        let input = self.0.media.open_recording(content).await?.with_audio_stream(stream);
        let recording = Recording { input, probed_duration, decoder: content.decoder, include_landmarks };
        let (backend, params) = (selection.backend.clone(), key.params.clone());
        self.run_analysis(move |control| backend.analyze(recording, &params, control)).await
    }
}
