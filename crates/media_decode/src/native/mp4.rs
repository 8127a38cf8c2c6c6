//! Properties of an MP4 file that symphonia does not report: edit lists, gapless tags, frame rates.
//!
//! Boxes and fields are named as in ISO/IEC 14496-12; iTunes writes `iTunSMPB` instead of an edit list.

use std::io::{self, Read, Seek};
use std::ops::Range;

use media_time::MediaTime;

use super::boxes::{BoxReader, MediaBox, be32, be64};
use super::fragments;
use super::metered::Overlay;

/// Most edits of one track that are read.
const MAX_EDITS: usize = 4_096;
/// Most bytes of a table that are read.
const MAX_TABLE_BYTES: usize = 4 << 20;

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

/// Encoder delay and valid length in samples, from an `iTunSMPB` tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gapless {
    pub(crate) delay: u32,
    pub(crate) length: u64,
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

fn read_movie<R: Read + Seek>(reader: &mut BoxReader<'_, R>) -> io::Result<Option<Movie>> {
    let mut file = reader.everything()?;
    if reader.next_box(&mut file)?.is_none_or(|first| first.kind != *b"ftyp") {
        return Ok(None);
    }
    let (mut movie, mut cut_at, mut sidx, mut has_fragment) = (None, None, Vec::new(), false);
    while let Some(child) = reader.next_box(&mut file)? {
        if child.is_cut {
            cut_at = Some(child.kind_at - 4);
        }
        has_fragment |= child.kind == *b"moof";
        if child.kind == *b"sidx" && !has_fragment {
            sidx.push(child.kind_at);
        }
        if child.kind == *b"moov" && movie.is_none() {
            movie = Some(read_index(reader, child.content)?);
        }
    }
    Ok(movie.map(|movie| Movie { cut_at, sidx, ..movie }))
}

fn read_index<R: Read + Seek>(reader: &mut BoxReader<'_, R>, mut moov: Range<u64>) -> io::Result<Movie> {
    let mut movie = Movie { timescale: 1, ..Movie::default() };
    while let Some(child) = reader.next_box(&mut moov)? {
        match &child.kind {
            b"mvhd" => movie.timescale = header_timescale(&reader.content(&child, 32)?),
            b"trak" => movie.tracks.push(read_track(reader, &child)?),
            b"mvex" => movie.trex = read_trex(reader, child.content)?,
            b"udta" => movie.gapless = read_gapless(reader, child.content)?,
            _ => {}
        }
    }
    Ok(movie)
}

fn read_track<R: Read + Seek>(reader: &mut BoxReader<'_, R>, trak: &MediaBox) -> io::Result<MovieTrack> {
    let mut track = MovieTrack { timescale: 1, trak_at: trak.kind_at, ..MovieTrack::default() };
    if let Some(tkhd) = reader.find(trak.content.clone(), b"tkhd")? {
        let bytes = reader.content(&tkhd, 96)?;
        let (id_at, size_at) = if bytes.first() == Some(&1) { (20, 88) } else { (12, 76) };
        track.id = be32(&bytes, id_at).unwrap_or(0);
        track.is_enabled = be32(&bytes, 0).is_some_and(|flags| flags & 1 != 0);
        // 16.16 fixed point.
        track.width = be32(&bytes, size_at).unwrap_or(0) >> 16;
        track.height = be32(&bytes, size_at + 4).unwrap_or(0) >> 16;
    }
    if let Some(elst) = reader.descend(trak.content.clone(), &[b"edts", b"elst"])? {
        track.edits = edit_entries(&reader.content(&elst, MAX_TABLE_BYTES)?);
    }
    let Some(mdia) = reader.find(trak.content.clone(), b"mdia")? else {
        return Ok(track);
    };
    if let Some(mdhd) = reader.find(mdia.content.clone(), b"mdhd")? {
        let bytes = reader.content(&mdhd, 36)?;
        track.timescale = header_timescale(&bytes);
        track.language = language(&bytes);
    }
    if let Some(hdlr) = reader.find(mdia.content.clone(), b"hdlr")? {
        track.kind = match reader.content(&hdlr, 12)?.get(8..12) {
            Some(b"soun") => Mp4TrackKind::Audio,
            Some(b"vide") => Mp4TrackKind::Video,
            _ => Mp4TrackKind::Other,
        };
    }
    if let Some(stbl) = reader.descend(mdia.content, &[b"minf", b"stbl"])? {
        read_sample_times(reader, stbl.content, &mut track)?;
    }
    Ok(track)
}

/// Reads the number, duration and codec of the samples, and the composition offset of the first one.
fn read_sample_times<R: Read + Seek>(
    reader: &mut BoxReader<'_, R>,
    stbl: Range<u64>,
    track: &mut MovieTrack,
) -> io::Result<()> {
    if let Some(stts) = reader.find(stbl.clone(), b"stts")? {
        let bytes = reader.content(&stts, MAX_TABLE_BYTES)?;
        for entry in bytes.get(8..).unwrap_or_default().chunks_exact(8) {
            let (count, delta) =
                (u64::from(be32(entry, 0).unwrap_or(0)), u64::from(be32(entry, 4).unwrap_or(0)));
            track.samples = track.samples.saturating_add(count);
            track.duration = track.duration.saturating_add(count.saturating_mul(delta));
        }
    }
    if let Some(stsd) = reader.find(stbl.clone(), b"stsd")? {
        let bytes = reader.content(&stsd, 4_096)?;
        track.codec = be32(&bytes, 12).unwrap_or(0).to_be_bytes();
        track.sample_bits = be32(&bytes, 32).unwrap_or(0) as u16;
        let endian = bytes.windows(6).find_map(|box_start| box_start.strip_prefix(b"enda"));
        track.is_little_endian = endian == Some(&[0, 1]);
    }
    if let Some(ctts) = reader.find(stbl, b"ctts")? {
        let bytes = reader.content(&ctts, 16)?;
        // Unsigned in version 0, but offsets beyond `i32` are only written by software that stores signed values.
        track.first_offset = be32(&bytes, 12).map_or(0, |offset| i64::from(offset as i32));
    }
    Ok(())
}

/// The timescale of an `mvhd` or `mdhd` box.
fn header_timescale(bytes: &[u8]) -> u32 {
    let at = if bytes.first() == Some(&1) { 20 } else { 12 };
    be32(bytes, at).unwrap_or(1).max(1)
}

/// The language of an `mdhd` box: three letters of five bits. QuickTime has numbers below `0x400` instead.
fn language(bytes: &[u8]) -> Option<String> {
    let at = if bytes.first() == Some(&1) { 32 } else { 20 };
    let packed = be32(bytes, at)? >> 16;
    let letters = [10, 5, 0].map(|shift| ((packed >> shift) & 0x1f) as u8 + 0x60);
    let is_code = packed >= 0x400 && letters.iter().all(u8::is_ascii_lowercase);
    is_code.then(|| letters.iter().copied().map(char::from).collect())
}

fn edit_entries(bytes: &[u8]) -> Vec<EditEntry> {
    let wide = bytes.first() == Some(&1);
    let entries = bytes.get(8..).unwrap_or_default().chunks_exact(if wide { 20 } else { 12 });
    let entry = |bytes: &[u8]| -> Option<EditEntry> {
        let (duration, media_time) = if wide {
            (be64(bytes, 0)?, be64(bytes, 8)? as i64)
        } else {
            (u64::from(be32(bytes, 0)?), i64::from(be32(bytes, 4)? as i32))
        };
        Some(EditEntry { duration, media_time: (media_time >= 0).then_some(media_time) })
    };
    entries.take(MAX_EDITS).map_while(entry).collect()
}

fn read_trex<R: Read + Seek>(
    reader: &mut BoxReader<'_, R>,
    mut mvex: Range<u64>,
) -> io::Result<Vec<(u64, u32, u32)>> {
    let mut found = Vec::new();
    while let Some(child) = reader.next_box(&mut mvex)? {
        if child.kind == *b"trex" {
            let content = reader.content(&child, 16)?;
            let field = |at: usize| be32(&content, at).unwrap_or(0);
            found.push((child.kind_at, field(4), field(12)));
        }
    }
    Ok(found)
}

/// Looks for `moov/udta/meta/ilst/----` with the name `iTunSMPB`.
fn read_gapless<R: Read + Seek>(
    reader: &mut BoxReader<'_, R>,
    udta: Range<u64>,
) -> io::Result<Option<Gapless>> {
    let Some(meta) = reader.find(udta, b"meta")? else {
        return Ok(None);
    };
    // `meta` is a full box: version and flags come before its children.
    let Some(ilst) = reader.find(meta.content.start.saturating_add(4)..meta.content.end, b"ilst")? else {
        return Ok(None);
    };
    let mut tags = ilst.content;
    while let Some(tag) = reader.next_box(&mut tags)? {
        if tag.kind != *b"----" {
            continue;
        }
        let bytes = reader.content(&tag, 1_024)?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some((_, value)) = text.split_once("iTunSMPB") {
            return Ok(parse_gapless(value));
        }
    }
    Ok(None)
}

/// Parses the value, a sequence of hexadecimal numbers: 0, delay, padding, length.
fn parse_gapless(value: &str) -> Option<Gapless> {
    let (_, numbers) = value.split_once(" 00000000 ")?;
    let mut numbers = numbers.split_ascii_whitespace();
    let delay = u32::from_str_radix(numbers.next()?, 16).ok()?;
    let length = u64::from_str_radix(numbers.nth(1)?, 16).ok()?;
    // No encoder has a delay of more than a few frames.
    (delay < 16_384 && length > 0).then_some(Gapless { delay, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes(), kind.as_slice(), content].concat()
    }

    fn movie(bytes: Vec<u8>) -> Option<Movie> {
        Movie::read(&mut io::Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn the_edit_list_of_a_track_is_read() {
        let elst = [
            vec![0; 4],
            2u32.to_be_bytes().to_vec(),
            [500u32.to_be_bytes(), (-1i32).to_be_bytes(), [0, 1, 0, 0]].concat(),
            [3_000u32.to_be_bytes(), 1_024i32.to_be_bytes(), [0, 1, 0, 0]].concat(),
        ]
        .concat();
        let trak = boxed(b"trak", &boxed(b"edts", &boxed(b"elst", &elst)));
        let file = [boxed(b"ftyp", b"isom"), boxed(b"moov", &trak)].concat();
        let edits = movie(file).unwrap().tracks[0].edits.clone();
        let empty = EditEntry { duration: 500, media_time: None };
        assert_eq!(edits, [empty, EditEntry { duration: 3_000, media_time: Some(1_024) }]);
    }

    #[test]
    fn malformed_box_sizes_end_the_reading() {
        let mut file = boxed(b"ftyp", b"isom");
        file.extend([0, 0, 0, 3]);
        file.extend(b"moov");
        assert!(movie(file).is_none());
        let endless = [boxed(b"ftyp", b""), boxed(b"moov", &boxed(b"trak", b"").repeat(100_000))].concat();
        assert!(movie(endless).unwrap().tracks.len() < 100_000);
    }

    #[test]
    fn gapless_tags_are_parsed() {
        let value = "\0\0\0 data 00000000 00000840 000001CA 00000000003F31F6 00000000";
        assert_eq!(parse_gapless(value), Some(Gapless { delay: 0x840, length: 0x3F_31F6 }));
        assert_eq!(parse_gapless("nonsense"), None);
    }
}
