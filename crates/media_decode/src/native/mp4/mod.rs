//! Properties of an MP4 file that symphonia does not report: edit lists, gapless tags, frame rates.
//!
//! Boxes and fields are named as in ISO/IEC 14496-12; iTunes writes `iTunSMPB` instead of an edit list.

mod gapless;
mod index;

use std::io::{self, Read, Seek};

use media_time::MediaTime;

use super::boxes::BoxReader;
use super::fragments;
use super::metered::Overlay;
use gapless::Gapless;
use index::read_movie;

/// The index of an MP4 file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Movie {
    /// Ticks per second of the movie, the unit of edit durations.
    pub(crate) timescale: u32,
    pub(crate) tracks: Vec<MovieTrack>,
    /// Position, track id and default sample duration of each `trex` box.
    trex: Vec<(u64, u32, u32)>,
    /// Positions of the type fields of segment index boxes (`sidx`) before the first fragment.
    sidx: Vec<u64>,
    /// Encoder delay and length in samples, from an `iTunSMPB` tag.
    pub(crate) gapless: Option<Gapless>,
    /// Position of the size field of the last box, if that box is longer than the file.
    cut_at: Option<u64>,
}

/// The kind of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mp4TrackKind {
    Audio,
    Video,
    #[default]
    Other,
}

/// One track of the movie.
#[derive(Clone, Debug, Default)]
pub(crate) struct MovieTrack {
    pub(crate) id: u32,
    pub(crate) kind: Mp4TrackKind,
    /// Whether the track is enabled (`tkhd` flags), which marks the default among tracks of a kind.
    pub(crate) is_enabled: bool,
    /// Bits per sample that the first sample entry declares; 16 for compressed audio.
    pub(crate) sample_bits: u16,
    /// Whether PCM samples of `in24`, `in32`, `fl32` and `fl64` are little endian (QuickTime's `enda`).
    pub(crate) is_little_endian: bool,
    /// Ticks per second of the track's media times.
    pub(crate) timescale: u32,
    /// ISO 639-2 code of the language, if declared.
    pub(crate) language: Option<String>,
    /// The edit list; empty when the track has none.
    pub(crate) edits: Vec<EditEntry>,
    /// Composition offset of the first sample, in ticks: its PTS without edits.
    pub(crate) first_offset: i64,
    /// Number of samples, those in fragments included.
    pub(crate) samples: u64,
    /// Total duration of the samples, in ticks.
    pub(crate) duration: u64,
    /// The type of the first sample entry, e.g. `avc1`.
    pub(crate) codec: [u8; 4],
    /// Display size of the frames, in pixels; 0 for audio.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Position of the type field of the `trak` box.
    trak_at: u64,
}

/// One entry of an edit list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EditEntry {
    /// Duration in ticks of the movie; 0 means to the end.
    pub(crate) duration: u64,
    /// Start in the media, in ticks of the track; `None` for an empty edit, which presents nothing.
    pub(crate) media_time: Option<i64>,
}

impl Movie {
    /// Reads the index of `source`; `None` when it is not an MP4 file or has no usable index.
    pub(crate) fn read(source: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let movie = match read_movie(&mut BoxReader::new(source)) {
            // The file is truncated; symphonia reports that with more context.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            result => result?,
        };
        match movie {
            Some(movie) if movie.is_fragmented() => Ok(Some(movie.with_fragments(source)?)),
            movie => Ok(movie),
        }
    }

    /// Adds the samples and durations of the fragments to those that the index declares for each track.
    fn with_fragments(mut self, source: &mut (impl Read + Seek)) -> io::Result<Self> {
        let defaults = self.trex.iter().map(|(_, track, duration)| (*track, *duration)).collect();
        let fragments = match fragments::read(source, &defaults) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(self),
            result => result?,
        };
        for track in &mut self.tracks {
            let Some(found) = fragments.get(&track.id) else { continue };
            track.samples = track.samples.saturating_add(found.samples);
            track.duration = track.duration.saturating_add(found.duration);
        }
        Ok(self)
    }

    /// The duration from the start of the earliest of `tracks` to the end of the latest. It is the duration of a
    /// fragmented file, whose index does not declare one.
    pub(crate) fn fragments_duration<'a>(
        &self,
        tracks: impl IntoIterator<Item = &'a MovieTrack>,
    ) -> Option<MediaTime> {
        let spans: Vec<(f64, f64)> = tracks
            .into_iter()
            .filter(|track| track.duration > 0)
            .map(|track| {
                let start = track.start_seconds(self.timescale);
                (start, start + track.duration as f64 / f64::from(track.timescale.max(1)))
            })
            .collect();
        let start = spans.iter().map(|(start, _)| *start).min_by(f64::total_cmp)?;
        let end = spans.iter().map(|(_, end)| *end).max_by(f64::total_cmp)?;
        Some(MediaTime::from_secs_f64(end - start))
    }

    /// Whether the samples are in fragments after the index.
    pub(crate) fn is_fragmented(&self) -> bool {
        !self.trex.is_empty()
    }

    /// Whether the audio is signed 8-bit PCM, in a sample entry that usually means 16 bits.
    pub(super) fn has_eight_bit_pcm(&self) -> bool {
        let is_pcm = |track: &MovieTrack| matches!(&track.codec, b"twos" | b"sowt") && track.sample_bits == 8;
        self.tracks.iter().any(|track| track.kind == Mp4TrackKind::Audio && is_pcm(track))
    }

    /// Whether a segment index is hidden from symphonia, which would trust it.
    pub(super) fn hides_segment_index(&self) -> bool {
        !self.sidx.is_empty() && self.is_fragmented()
    }

    /// Overlays that hide all tracks without audio, so that symphonia neither indexes nor reads video frames, and that
    /// end the last box at the end of the file.
    pub(super) fn overlays(&self) -> Vec<Overlay> {
        let hidden = || self.tracks.iter().filter(|track| track.kind != Mp4TrackKind::Audio);
        let is_hidden = |id: u32| hidden().any(|track| track.id == id);
        let trex = self.trex.iter().filter(|(_, id, _)| is_hidden(*id)).map(|(at, ..)| *at);
        // In joined files a segment index covers the first part only.
        let sidx = self.sidx.iter().copied();
        let hide = hidden()
            .map(|track| track.trak_at)
            .chain(trex)
            .chain(sidx)
            .map(|at| Overlay::new(at, b"free".to_vec()));
        // A size of 0 means up to the end of the file.
        let shorten = self.cut_at.map(|at| Overlay::new(at, vec![0; 4]));
        hide.chain(shorten).collect()
    }
}

impl MovieTrack {
    /// PTS of the first sample in seconds; an empty edit or a composition offset delays it.
    pub(crate) fn start_seconds(&self, movie_timescale: u32) -> f64 {
        let empty: u64 =
            self.edits.iter().take_while(|edit| edit.media_time.is_none()).map(|edit| edit.duration).sum();
        let delay = empty as f64 / f64::from(movie_timescale.max(1));
        let has_media_edit = self.edits.iter().any(|edit| edit.media_time.is_some());
        let offset = if has_media_edit { 0 } else { self.first_offset };
        delay + offset as f64 / f64::from(self.timescale.max(1))
    }
}
