//! Integration tests of the signal analysis, one binary.

mod analysis;
mod landmarks;
mod loudness;
mod microphones;
mod plausibility;
mod quality;
mod rhythm;
mod scene;
mod speech;
mod synthetic_audio;
mod tempo;
mod waveform;
