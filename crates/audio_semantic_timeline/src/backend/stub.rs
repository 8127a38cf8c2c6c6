use audio_signal::Control;
use media_decode::DecodeError;

use super::{AnalysisBackend, BackendKind, Measured, Recording};
use crate::{EffectiveParams, Error, stub};

/// Measures nothing; see [`crate::stub`]. It rejects undecodable recordings like the other backends, so it creates no
/// timeline for a recording without audio.
#[derive(Clone, Copy, Debug)]
pub struct StubBackend;

impl AnalysisBackend for StubBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Stub
    }

    fn version(&self, _params: &EffectiveParams) -> String {
        stub::VERSION.to_owned()
    }

    fn semantic_version(&self) -> &'static str {
        stub::VERSION
    }

    fn model_used(&self) -> String {
        "stub".to_owned()
    }

    fn analyze(
        &self,
        recording: Recording,
        params: &EffectiveParams,
        _control: &Control<'_>,
    ) -> Result<Measured, Error> {
        recording.input.decoder()?;
        let duration_ms = recording
            .probed_duration
            .map_or(stub::DEFAULT_DURATION_MS, |duration| duration.as_millis_round());
        if duration_ms > stub::MAX_STUB_MS {
            let claim = format!("its header claims {duration_ms} ms");
            return Err(DecodeError::Undecodable(claim).into());
        }
        Ok(Measured {
            duration_ms,
            events: stub::events(duration_ms, params),
            beats: stub::beats(duration_ms, params),
            ..Measured::default()
        })
    }
}
