//! Integration tests of the signal analysis, one binary.

mod analysis;
mod decode_corpus;
mod decode_damage;
mod decode_samples;
mod decode_timing;
mod loudness;
mod quality;
mod rhythm;
mod scene;
mod sounds;
mod speech;
mod support;
mod waveform;
