//! Making a timeline: once for identical requests, under the name of the decoder that was used.

use blob_store::BlobId;
use http_kit::{Boarding, Id, Scope};
use media_decode::{DecodeError, DecoderKind};
use media_v2::{Artifact, AssetDecoder, MediaError};
use serde::Serialize;

use super::{SemanticTimelines, Sound};
use crate::backend::{BackendKind, Measured, Recording, Selection};
use crate::summary::Subject;
use crate::{Error, Transcript, voice_store};

impl SemanticTimelines {
    /// What the version of a timeline carries of the decoder. An artifact's bytes are not probed; the stub decodes
    /// nothing, and its version is fixed.
    pub(super) async fn mark(
        &self,
        sound: &Sound,
        audio_stream: Option<u32>,
        selection: &Selection,
    ) -> Result<String, Error> {
        match (sound, audio_stream) {
            _ if selection.backend.kind() == BackendKind::Stub => Ok(String::new()),
            (_, Some(stream)) => Ok(self.0.media.stream_decoder_mark(sound.content(), stream).await?),
            (Sound::Asset(asset), None) => Ok(self.0.media.decoder_mark(asset).await?),
            (Sound::Artifact(_), None) => Ok(String::new()),
        }
    }

    /// The artifact under the subject's key, and whether it was there before this call.
    pub(super) async fn find_or_make(
        &self,
        scope: &Scope,
        subject: &Subject,
        selection: &Selection,
        sound: &Sound,
    ) -> Result<(Artifact, bool), Error> {
        if let Some(artifact) = self.find(scope, &subject.cache_key).await? {
            return Ok((artifact, true));
        }
        let landed = async || self.find_made_meanwhile(scope, subject, selection, sound).await;
        match self.0.flights.board(&subject.cache_key, landed).await? {
            Boarding::Landed(artifact) => Ok((artifact, true)),
            Boarding::Aboard(flight) => {
                let made = self.make(scope, subject, selection, sound).await;
                flight.land().await;
                made
            }
        }
    }

    async fn find(&self, scope: &Scope, cache_key: &str) -> Result<Option<Artifact>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(media_v2::store::find_semantic_timeline(&mut conn, scope, cache_key).await?)
    }

    /// What an identical request made that this one waited for: under the subject's key, or under that of another
    /// decoder, if its analysis found that one to be right.
    async fn find_made_meanwhile(
        &self,
        scope: &Scope,
        subject: &Subject,
        selection: &Selection,
        sound: &Sound,
    ) -> Result<Option<Artifact>, Error> {
        let found = self.find(scope, &subject.cache_key).await?;
        let (None, Sound::Asset(asset), None) = (&found, sound, subject.params.audio_stream) else {
            return Ok(found);
        };
        let now = self.0.media.recording(scope, &asset.id).await?;
        if now.decoder == asset.decoder {
            return Ok(None);
        }
        let mark = self.mark(&Sound::Asset(now), None, selection).await?;
        self.find(scope, &subject.with_mark(&mark).cache_key).await
    }

    async fn make(
        &self,
        scope: &Scope,
        subject: &Subject,
        selection: &Selection,
        sound: &Sound,
    ) -> Result<(Artifact, bool), Error> {
        if let Some(reason) = &selection.fallback_reason {
            let backend = selection.backend.kind();
            tracing::warn!(requested = %selection.requested, %backend, reason, "fallback in the analysis");
        }
        let measured = self.run(subject, selection, sound).await?;
        self.register(scope, subject, selection, sound, measured).await
    }

    /// Registers what an analysis measured, and whether another was quicker.
    pub(super) async fn register(
        &self,
        scope: &Scope,
        subject: &Subject,
        selection: &Selection,
        sound: &Sound,
        measured: Measured,
    ) -> Result<(Artifact, bool), Error> {
        let subject = &self.settle_decoder(scope, subject, sound, &measured).await?;
        let speakers = measured.speakers.clone().unwrap_or_default();
        let summary = subject.summary(selection, measured);
        let timeline = subject.timeline(&summary, &self.store(&subject.asset_id, &summary).await?);
        let transcript = Transcript::of(&summary);
        let words = if transcript.words.is_empty() {
            None
        } else {
            Some(self.store(&subject.asset_id, &transcript).await?)
        };
        let now = self.0.clock.now();
        let mut transaction = self.0.media.pool().begin().await?;
        match media_v2::store::insert_artifact(&mut transaction, scope, now, timeline).await {
            Ok(artifact) => {
                voice_store::insert_speakers(&mut transaction, scope, &artifact.id, &speakers).await?;
                if let Some(blob) = words {
                    let transcript = subject.transcript(&summary, &artifact.id, &blob);
                    media_v2::store::insert_artifact(&mut transaction, scope, now, transcript).await?;
                }
                transaction.commit().await?;
                Ok((artifact, false))
            }
            // Somebody without our lock (an older binary, an import, a request that knew the decoder) was quicker:
            // theirs it is.
            Err(MediaError::DuplicateCacheKey) => {
                transaction.rollback().await?;
                let found = self.find(scope, &subject.cache_key).await?;
                found.map(|artifact| (artifact, true)).ok_or(Error::Database(sqlx::Error::RowNotFound))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The subject, with the decoder that the analysis used. Where only ffmpeg turned out to decode an asset rightly,
    /// that is noted: the next identical request then finds this timeline.
    async fn settle_decoder(
        &self,
        scope: &Scope,
        subject: &Subject,
        sound: &Sound,
        measured: &Measured,
    ) -> Result<Subject, Error> {
        let Some(DecoderKind::Ffmpeg(release)) = &measured.decoder else { return Ok(subject.clone()) };
        let mark = AssetDecoder::ffmpeg_mark(release);
        match sound {
            // The asset's decoder is that of its default stream.
            _ if subject.params.audio_stream.is_some() => Ok(subject.with_mark(&mark)),
            Sound::Asset(asset) if asset.decoder != Some(AssetDecoder::Ffmpeg) => {
                self.0.media.set_decoder(scope, &asset.id, AssetDecoder::Ffmpeg).await?;
                Ok(subject.with_mark(&mark))
            }
            Sound::Asset(_) | Sound::Artifact(_) => Ok(subject.clone()),
        }
    }

    /// Stores what was found of an asset.
    async fn store(&self, asset_id: &Id, found: &impl Serialize) -> Result<BlobId, Error> {
        let bytes = serde_json::to_vec(found)
            .map_err(|source| Error::Corrupt { artifact_id: asset_id.clone(), source })?;
        Ok(self.0.media.blobs().put(bytes.into()).await.map_err(MediaError::from)?.id)
    }

    /// Runs the backend on a worker thread.
    async fn run(&self, subject: &Subject, selection: &Selection, sound: &Sound) -> Result<Measured, Error> {
        let content = sound.content();
        let probed_duration = match sound {
            Sound::Asset(asset) => {
                if asset.audio_channels == Some(0) {
                    let container = asset.codec_info.clone().unwrap_or_else(|| asset.kind.to_string());
                    return Err(DecodeError::NoAudioStream { container }.into());
                }
                asset.duration_ms
            }
            Sound::Artifact(artifact) => {
                artifact.start_ms.zip(artifact.end_ms).map(|(start, end)| end - start)
            }
        };
        let stream = subject.params.audio_stream.map(|stream| stream as usize);
        let input = self.0.media.open_recording(content).await?.with_audio_stream(stream);
        let recording = Recording { input, probed_duration, decoder: content.decoder };
        let (backend, params) = (selection.backend.clone(), subject.params.clone());
        self.run_analysis(move |control| backend.analyze(recording, &params, control)).await
    }
}
