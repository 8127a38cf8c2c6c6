//! SVG plots of stored timelines.

use audio_signal::{Waveform, WaveformError};
use blob_store::BlobId;
use media_v2::MediaError;
use primitives::{Id, Scope};
use scheduling::WorkError;

use super::AnalysisInput;
use crate::model::Summary;
use crate::plot::{self, PlotInput};
use crate::{Error, SemanticTimelines};

/// Sample rate in Hz assumed if unknown; it only affects the resolution of the peaks.
const USUAL_RATE: u32 = 44_100;

impl SemanticTimelines {
    /// The timeline of an artifact id as an SVG document, with the waveform if the recording can be read.
    ///
    /// # Errors
    /// The errors of [`SemanticTimelines::get`]; [`Error::Work`] when too many waveforms are being computed.
    pub async fn plot(&self, scope: &Scope, artifact_id: &Id) -> Result<String, Error> {
        let summary = self.get(scope, artifact_id).await?.summary;
        let (name, waveform) =
            match self.analysis_input(scope, &summary.asset_id, summary.artifact_id.as_ref()).await {
                Ok(input) => (name(&input), self.peaks(scope, &summary, &input).await?),
                // A timeline that a caller registered may name an unknown recording.
                Err(Error::Media(MediaError::AssetsNotFound(_) | MediaError::ArtifactsNotFound(_))) => {
                    (summary.asset_id.to_string(), None)
                }
                Err(error) => return Err(error),
            };
        let draw =
            move || plot::svg(&PlotInput { name: &name, summary: &summary, waveform: waveform.as_ref() });
        let drawn = tokio::task::spawn_blocking(draw).await;
        Ok(drawn.map_err(|source| WorkError::Broken { queue: "plot", source })?)
    }

    async fn peaks(
        &self,
        scope: &Scope,
        summary: &Summary,
        input: &AnalysisInput,
    ) -> Result<Option<Waveform>, Error> {
        // Stored waveforms are of the default stream.
        if summary.meta.run.audio_stream.is_some() {
            return Ok(None);
        }
        let (content, rate) = match input {
            AnalysisInput::Asset(asset) => (asset.content(), asset.sample_rate),
            AnalysisInput::Artifact(artifact) => (artifact.content(), None),
        };
        let params = plot::waveform_params(summary.duration_ms, rate.unwrap_or(USUAL_RATE));
        let found: Result<BlobId, MediaError> = self.media().waveform(scope, content, params).await;
        match found {
            Ok(blob) => Ok(Some(self.media().read_waveform(blob, |waveform| waveform).await?)),
            Err(error) if is_unreadable(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn name(input: &AnalysisInput) -> String {
    let (content, id) = match input {
        AnalysisInput::Asset(asset) => (asset.content(), &asset.id),
        AnalysisInput::Artifact(artifact) => (artifact.content(), &artifact.id),
    };
    content.file_name.map_or_else(|| id.to_string(), str::to_owned)
}

/// Whether the recording itself is the cause. Its timeline (from the stub, or of a deleted source) can still be drawn.
fn is_unreadable(error: &MediaError) -> bool {
    match error {
        MediaError::Waveform(WaveformError::Signal(error)) => error.is_about_media(),
        MediaError::Waveform(WaveformError::TooDetailed { .. })
        | MediaError::SourceNotAllowed(_)
        | MediaError::SourceUnreadable(_)
        | MediaError::SourceChanged
        | MediaError::ContentMissing(_) => true,
        _ => false,
    }
}
