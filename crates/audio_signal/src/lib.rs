//! Signal analysis of a recording in one streaming pass: exact duration, loudness, segments of speech, music and
//! silence, and beats. A pure library without side effects.
//!
//! # Examples
//!
//! ```
//! use std::io::Cursor;
//!
//! use audio_signal::{AnalysisParams, Control, SceneKind, analyze};
//! use media_decode::MediaInput;
//! use media_time::MediaTime;
//!
//! # /// A WAVE file of mono samples, 16 bit.
//! # fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
//! #     let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
//! #     let [length, rate, bytes_a_second] = [data.len() as u32, rate, 2 * rate].map(u32::to_le_bytes);
//! #     let riff = (36 + data.len() as u32).to_le_bytes();
//! #     let format = b"WAVEfmt \x10\0\0\0\x01\0\x01\0";
//! #     [b"RIFF".as_slice(), &riff, format, &rate, &bytes_a_second, b"\x02\0\x10\0data", &length, &data].concat()
//! # }
//! // A second of a tone, then a second of silence.
//! let tone = |n: u32| ((n as f32 * 440.0 * std::f32::consts::TAU / 16_000.0).sin() * 8_000.0) as i16;
//! let samples: Vec<i16> = (0..32_000).map(|n| if n < 16_000 { tone(n) } else { 0 }).collect();
//! let recording = MediaInput::from(Cursor::new(wav(16_000, &samples)));
//!
//! let params = AnalysisParams { include_beats: false, ..AnalysisParams::default() };
//! let found = analyze(&recording, &params, &Control::none())?;
//! assert_eq!(found.duration, MediaTime::from_millis(2_000));
//! assert_eq!(found.segments.last().map(|segment| segment.kind), Some(SceneKind::Silence));
//! assert_eq!(found.loudness_windows.len(), 2);
//! let [tone, silence] = [0, 1].map(|second| found.loudness_windows[second].1.unwrap_or(f64::MIN));
//! assert!(tone > -20.0 && silence < -50.0, "in LUFS: {tone}, {silence}");
//! # Ok::<(), audio_signal::SignalError>(())
//! ```

mod analysis;
mod analyze;
mod channels;
mod control;
mod dense;
mod dependencies;
mod descriptors;
mod error;
mod loudness;
mod math;
mod microphones;
mod mono;
mod params;
mod pipeline;
mod plausibility;
mod resample;
mod rhythm;
mod scene;
mod scene_rhythm;
mod speech;
mod steps;
mod suspicion;
mod temporal_net;
mod waveform;

pub use analysis::{ALGORITHM_VERSION, Analysis, version};
pub use analyze::analyze;
pub use control::{Control, Progress};
pub use dependencies::{Dependencies, dependencies};
pub use descriptors::{
    HIT_FEATURES, HitDescriptor, HitMeter, HitRole, KeyEstimate, KeyMeter, RoleEstimate, hit_features,
};
pub use error::SignalError;
pub use loudness::{LoudnessMeter, LoudnessProfile};
pub use math::rounded;
pub use microphones::{LeadResampler, MicrophoneSpeech, MicrophoneTurn, microphone_speech};
pub use mono::{landmarks, read_mono};
pub use params::{AnalysisParams, Thresholds};
pub use plausibility::DOUBTED_CONFIDENCE;
pub use resample::{Resampler, StereoResampler, TruePeakMeter};
pub use rhythm::{
    Beat, Onset, Rhythm, RhythmAnalyzer, RhythmEvidence, Tempo, TempoCandidate, bar_features,
    rhythm_evidence, rhythm_features,
};
pub use scene::{SCENE_VALUES, SceneKind, Segment, scene_activities, scene_features, scene_textures};
pub use scene_rhythm::SceneRhythmAnalyzer;
pub use spectra::PowerSpectra;
use spectra::simd;
pub use speech::{
    ACTIVITY_VERSION, ModelError, SPEECH_FRAME, SPEECH_RATE, SpeechDetector, speech_activity, speech_presence,
};
pub use suspicion::Suspicion;
pub use waveform::{
    PyramidLayout, PyramidMeter, PyramidSelection, Waveform, WaveformBits, WaveformError, WaveformMeter,
    WaveformParams, WaveformPyramid, WaveformWindow, waveform, waveform_pyramid,
};
