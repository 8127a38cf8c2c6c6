use std::fs::File;
use std::sync::Arc;

use http_kit::RequestContext;
use media_decode::MediaInput;
use media_v2::{AssetDecoder, Description, MediaError};
use primitives::Id;

use super::form::{Transcription, TranscriptionOptions, Upload};
use crate::backend::{Recording, Selection};
use crate::model::Summary;
use crate::store::TimelineOf;
use crate::{EffectiveParams, Error, SemanticTimelines, Transcript, analyze_recording};

impl SemanticTimelines {
    /// Transcribes an upload, as a new asset with a stored timeline, or without storing anything.
    pub(super) async fn transcribe(
        &self,
        context: &RequestContext,
        request: Transcription,
    ) -> Result<Transcript, Error> {
        let Transcription { upload, options, .. } = request;
        let TranscriptionOptions { model, params, keeps_upload, .. } = options;
        let selection = self.speech_selection(model).await?;
        let summary = if keeps_upload {
            self.transcribe_asset(context, upload, params, &selection).await?
        } else {
            Arc::new(self.transcribe_once(context, upload, params, selection).await?)
        };
        Transcript::of_transcribed(&summary)
    }

    async fn transcribe_asset(
        &self,
        context: &RequestContext,
        upload: Upload,
        params: EffectiveParams,
        selection: &Selection,
    ) -> Result<Arc<Summary>, Error> {
        // Checked first, so that an upload whose transcription is rejected leaves nothing.
        self.queue().check_admission()?;
        let Upload { writer, file_name } = upload;
        let asset = self.media().register_upload(context, writer, file_name, Description::default()).await?;
        let of = TimelineOf { asset_id: asset.id, artifact_id: None };
        let (artifact, _) = self.timeline_artifact(context, of, params, selection).await?;
        self.read(&artifact).await
    }

    async fn transcribe_once(
        &self,
        context: &RequestContext,
        upload: Upload,
        params: EffectiveParams,
        selection: Selection,
    ) -> Result<Summary, Error> {
        let path = upload.writer.staged_path().map_err(MediaError::from)?.to_path_buf();
        let asset_id: Id = Id::generate("upload");
        // A transcript does not contain beats.
        let params = EffectiveParams { include_beats: false, ..params };
        let (context, decoders) = (context.clone(), self.media().decoders().clone());
        let summary = self.run_analysis(move |control| {
            let input = MediaInput::new(File::open(&path).map_err(MediaError::from)?, decoders);
            let probe = input.probe(control.cancelled)?;
            let decoder = AssetDecoder::of(&probe);
            let recording =
                Recording { input, probed_duration: probe.duration, decoder, include_landmarks: false };
            analyze_recording(&context, asset_id, recording, &params, &selection, control)
        });
        let summary = summary.await;
        // The analysis has finished with the staged file.
        drop(upload);
        summary
    }
}
