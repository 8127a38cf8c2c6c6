//! Enrols, lists and deletes voices, and names the speakers of timelines by them.

use std::ops::ControlFlow;

use audio_signal::{Control, SignalError};
use audio_speakers::{RATE, SpeakerModels, Voice};
use http_kit::RequestContext;
use media_decode::{DecodeError, Decoder};
use media_time::{AssetTime, Window};
use primitives::{Id, Page, Scope, WriteSeed};
use scheduling::WorkError;

use super::SemanticTimelines;
use crate::backend::read_samples;
use crate::model::TimelineResponse;
use crate::speakers::Speaker;
use crate::voices::{EnrolledVoice, MAX_ENROLMENT, MAX_NAME_CHARS, VoiceRequest, names};
use crate::{Error, voice_store};

/// A recording and the window of it to enrol.
struct EnrolmentSource {
    asset_id: Id,
    artifact_id: Option<Id>,
    audio_stream: Option<u32>,
    window: Window<AssetTime>,
}

impl SemanticTimelines {
    /// Enrols the only speaker of an artifact or of a window of a recording.
    ///
    /// # Errors
    /// [`Error::InvalidVoice`], [`Error::SpeakerModels`], [`Error::Speakers`] if the voice is not clear,
    /// [`Error::TooManyVoices`], and errors of the media store and of decoding.
    pub async fn enrol(
        &self,
        context: &RequestContext,
        request: &VoiceRequest,
    ) -> Result<EnrolledVoice, Error> {
        let name = request.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            return Err(Error::InvalidVoice { pointer: "/name", reason: "use 1 to 100 characters" });
        }
        if name.chars().any(char::is_control) {
            return Err(Error::InvalidVoice { pointer: "/name", reason: "use no control characters" });
        }
        let source = self.enrolment_source(&context.scope, request).await?;
        let id = Id::for_write("voice", 0);
        // An earlier call with the same key may have committed the voice before its response was stored.
        if WriteSeed::current().is_some() {
            let mut conn = self.0.media.pool().acquire().await?;
            if let Some(made) = voice_store::find_voice(&mut conn, &context.scope, &id).await? {
                return Ok(made);
            }
        }
        let found = self.voice_of(&context.scope, source).await?;
        let voice = EnrolledVoice {
            id,
            name: name.to_owned(),
            speech_ms: found.speech.as_millis_round(),
            created_at: self.0.clock.now(),
        };
        let mut conn = self.0.media.pool().acquire().await?;
        let is_kept = voice_store::insert_voice(&mut conn, context, &voice, &found.embedding).await?;
        if is_kept { Ok(voice) } else { Err(Error::TooManyVoices) }
    }

    /// The voice of the only speaker in the source.
    async fn voice_of(&self, scope: &Scope, source: EnrolmentSource) -> Result<Voice, Error> {
        let recording = self.analysis_input(scope, &source.asset_id, source.artifact_id.as_ref()).await?;
        let stream = source.audio_stream.map(|stream| stream as usize);
        let input = self.0.media.open_recording(recording.content()).await?.with_audio_stream(stream);
        let (store, window) = (self.0.backends.speaker_models().clone(), source.window);
        let found = self.run_analysis(move |control| {
            // Errors of the request take precedence over missing models.
            let decoder = input.decoder()?;
            let models = store.open().map_err(Error::SpeakerModels)?;
            voice_in(&models, decoder, window, control)
        });
        found.await.map_err(|error| match error {
            Error::Signal(SignalError::Decode(error @ DecodeError::NoSuchStream { .. })) => {
                Error::NoVoiceStream(error)
            }
            error => error,
        })
    }

    async fn enrolment_source(
        &self,
        scope: &Scope,
        request: &VoiceRequest,
    ) -> Result<EnrolmentSource, Error> {
        match (&request.artifact_id, &request.window) {
            (Some(artifact_id), None) => {
                let artifact = self.0.media.artifact(scope, artifact_id).await?;
                let window = Window::starting_at(AssetTime::ZERO, MAX_ENROLMENT);
                Ok(EnrolmentSource {
                    asset_id: artifact.parent_asset_id,
                    artifact_id: Some(artifact.id),
                    audio_stream: None,
                    window,
                })
            }
            (None, Some(part)) => {
                let (start, end) =
                    (AssetTime::from_millis(part.start_ms), AssetTime::from_millis(part.end_ms));
                if start.is_negative() {
                    return Err(Error::InvalidVoice {
                        pointer: "/window/start_ms",
                        reason: "use at least 0",
                    });
                }
                if end <= start {
                    return Err(Error::InvalidVoice {
                        pointer: "/window/end_ms",
                        reason: "use more than start_ms",
                    });
                }
                let window = Window::starting_at(start, (end - start).min(MAX_ENROLMENT));
                Ok(EnrolmentSource {
                    asset_id: part.asset_id.clone(),
                    artifact_id: None,
                    audio_stream: part.audio_stream,
                    window,
                })
            }
            _ => {
                let reason = "give exactly one of `artifact_id` and `window`";
                Err(Error::InvalidVoice { pointer: "", reason })
            }
        }
    }

    /// The owner's voices, newest first, on one page, because there are at most 1 000.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn voices(&self, scope: &Scope) -> Result<Page<EnrolledVoice>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(Page { items: voice_store::list_voices(&mut conn, scope).await?, next_cursor: None })
    }

    /// Deletes a voice with its embedding, which also removes its name from timelines.
    ///
    /// # Errors
    /// [`Error::VoiceNotFound`] for an unknown id.
    pub async fn forget_voice(&self, scope: &Scope, id: &Id) -> Result<(), Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        let is_deleted = voice_store::delete_voice(&mut conn, scope, id).await?;
        if is_deleted { Ok(()) } else { Err(Error::VoiceNotFound(id.clone())) }
    }

    /// Sets the names of speakers by the owner's voices.
    pub(super) async fn name_speakers(
        &self,
        scope: &Scope,
        mut timeline: TimelineResponse,
    ) -> Result<TimelineResponse, Error> {
        let run = &mut timeline.summary.meta.run;
        // The voices of a corrected timeline are those of its analysis.
        let analysis_id = run.correction.as_ref().map(|correction| &correction.analysis_artifact_id);
        let analysis_id = analysis_id.unwrap_or(&timeline.artifact_id);
        if let Some(speakers) = &mut run.speakers {
            self.name(scope, analysis_id, speakers).await?;
            // A list of plain structs can always be serialized.
            let named = serde_json::to_value(speakers).unwrap_or_default();
            timeline.artifact_meta.insert("speakers".to_owned(), named);
        }
        Ok(timeline)
    }

    async fn name(&self, scope: &Scope, timeline_id: &Id, speakers: &mut [Speaker]) -> Result<(), Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        let (ids, embeddings): (Vec<_>, Vec<_>) =
            voice_store::find_speakers(&mut conn, scope, timeline_id).await?.into_iter().unzip();
        if ids.is_empty() {
            return Ok(());
        }
        let known = voice_store::known_voices(&mut conn, scope).await?;
        drop(conn);
        // Takes about 10 ms for 50 speakers and 1 000 voices.
        let compared = tokio::task::spawn_blocking(move || names(&embeddings, &known)).await;
        let found = compared.map_err(|source| WorkError::Broken { queue: "voices", source })?;
        for (id, name) in ids.iter().zip(found) {
            speakers
                .iter_mut()
                .filter(|speaker| speaker.id == *id)
                .for_each(|speaker| speaker.name = name.clone());
        }
        Ok(())
    }
}

/// Computes the voice in a window of a recording. Blocks.
fn voice_in(
    models: &SpeakerModels,
    decoder: Decoder,
    window: Window<AssetTime>,
    control: &Control<'_>,
) -> Result<Voice, Error> {
    let sample = |time: AssetTime| usize::try_from(time.since_zero().to_samples(RATE)).unwrap_or(0);
    let (from, to) = (sample(window.start()), sample(window.end()));
    let (mut at, mut samples) = (0usize, Vec::new());
    read_samples(decoder, control, |block| {
        let (start, end) = (from.saturating_sub(at).min(block.len()), to.saturating_sub(at).min(block.len()));
        samples.extend_from_slice(&block[start..end.max(start)]);
        at += block.len();
        Ok(if at >= to { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(models.voice_of(&samples, control.cancelled)?)
}
