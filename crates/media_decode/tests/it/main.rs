//! Integration tests of decoding, in one binary.

mod decode_corpus;
mod decode_damage;
mod decode_samples;
mod decode_timing;
mod ffmpeg_only;
mod matroska;
mod rare_codecs;
mod regressions;
mod source_timecode;
mod support;
