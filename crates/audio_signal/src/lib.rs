//! Signal analysis of a recording in one streaming pass: exact duration, loudness, segments of speech, music and
//! silence, and beats. A pure library without side effects.

mod analysis;
mod channels;
mod dependencies;
mod error;
mod fourier;
mod loudness;
mod math;
mod params;
mod pipeline;
mod plausibility;
mod resample;
mod rhythm;
mod scene;
mod simd;
mod speech;
mod steps;
mod waveform;

pub use analysis::{ALGORITHM_VERSION, Analysis, Control, Progress, analyze, version};
pub use dependencies::{Dependencies, dependencies};
pub use error::SignalError;
pub use fourier::PowerSpectra;
pub use loudness::{LoudnessMeter, LoudnessProfile};
pub use params::{AnalysisParams, Thresholds};
pub use plausibility::{DOUBTED_CONFIDENCE, Suspicion};
pub use resample::Resampler;
pub use rhythm::{Beat, Onset, Rhythm, RhythmAnalyzer, Tempo, TempoCandidate, bar_features};
pub use scene::{SceneKind, Segment, scene_features};
pub use speech::{
    ACTIVITY_VERSION, ModelError, SPEECH_FRAME, SPEECH_RATE, SpeechDetector, speech_activity, speech_presence,
};
pub use waveform::{Waveform, WaveformBits, WaveformError, WaveformMeter, WaveformParams, waveform};
