use audio_signal::{Analysis, AnalysisParams, Control, SignalError, Thresholds};
use media_decode::DecoderKind;
use media_time::MediaTime;

use super::progress::within;
use super::{AnalysisBackend, BackendKind, Measured, Recording, measured, microphones};
use crate::{EffectiveParams, Error};

/// Signal analysis: speech and music, loudness, tempo and beats, without words.
#[derive(Clone, Debug)]
pub struct SignalBackend {
    thresholds: Thresholds,
    seed: u64,
    version: String,
    threads: usize,
}

impl SignalBackend {
    /// Creates the backend with these thresholds, running on at most `threads` threads (at least one). Nothing is
    /// random; `seed` is only part of the version, as for every backend.
    ///
    /// # Errors
    /// When the bundled speech model cannot be loaded.
    pub fn new(thresholds: Thresholds, seed: u64, threads: usize) -> Result<Self, SignalError> {
        let version = format!("{}+s{seed}", audio_signal::version(&thresholds)?);
        Ok(Self { thresholds, seed, version, threads: threads.max(1) })
    }

    pub(super) const fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Runs the signal analysis on a recording.
    pub(super) fn listen(
        &self,
        recording: &Recording,
        params: &EffectiveParams,
        control: &Control<'_>,
    ) -> Result<Analysis, SignalError> {
        let params = AnalysisParams {
            include_beats: params.include_beats,
            include_speech_music: params.include_speech_music,
            include_landmarks: recording.include_landmarks,
            min_silence: MediaTime::from_millis(params.min_silence_ms),
            loudness_window: MediaTime::from_millis(params.loudness_window_ms),
            thresholds: self.thresholds,
            threads: self.threads,
        };
        audio_signal::analyze(&recording.input, &params, control)
    }
}

impl AnalysisBackend for SignalBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Signal
    }

    fn version(&self, _params: &EffectiveParams) -> String {
        self.version.clone()
    }

    fn model_used(&self) -> String {
        "silero-v6".to_owned()
    }

    fn analyze(
        &self,
        recording: Recording,
        params: &EffectiveParams,
        control: &Control<'_>,
    ) -> Result<Measured, Error> {
        if !params.channel_speech {
            return Ok(measured::of(&self.listen(&recording, params, control)?));
        }
        let share = |from, to| move |progress| (control.progress)(within(progress, from, to));
        let (signal, channels) = (share(0, 60), share(60, 100));
        let of = |progress| Control { progress, cancelled: control.cancelled };
        let analysis = self.listen(&recording, params, &of(&signal))?;
        let decoder = match &analysis.decoder {
            DecoderKind::Native => recording.input.decoder()?,
            DecoderKind::Ffmpeg(_) => recording.input.ffmpeg_decoder()?,
        };
        let speech = microphones::detect(decoder, &of(&channels))?;
        let mut measured = measured::of(&analysis);
        microphones::apply(&speech, &mut measured);
        Ok(measured)
    }
}
