//! Integration tests of decoding, in one binary.

mod cases;
mod decode_corpus;
mod decode_damage;
mod decode_samples;
mod decode_timing;
mod foreign;
mod matroska;
mod rare;
mod support;
