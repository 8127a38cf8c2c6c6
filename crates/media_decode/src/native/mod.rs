//! Decoding in this process, by symphonia, with the parts that symphonia leaves to its caller and corrections of its
//! errors.

mod aac;
mod aac_elements;
mod audio_track;
mod boxes;
mod codec;
mod demux;
mod fragments;
mod guard;
mod matroska;
mod matroska_tracks;
mod metered;
mod mp4;
mod presentation;
mod stream;
mod streams;
mod time_reference;
mod timecode_track;
mod vorbis;
mod wave;

pub(crate) use audio_track::AudioTrack;
pub(crate) use demux::{Demuxer, ReadResult};
pub(crate) use mp4::{Movie, MovieTrack, Mp4TrackKind};
pub(crate) use presentation::Presentation;
pub(crate) use stream::{Opened, PacketStream};
pub(crate) use streams::{AudioStream, choose, declared_language};
pub(crate) use time_reference::time_reference;
pub(crate) use timecode_track::track_timecode;
