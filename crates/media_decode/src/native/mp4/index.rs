//! Reads the index from the boxes of the file.

use std::io::{self, Read, Seek};
use std::ops::Range;

use super::gapless::read_gapless;
use super::{EditEntry, Movie, MovieTrack, Mp4TrackKind};
use crate::native::boxes::{BoxReader, MediaBox, be32, be64};

/// Most edits of one track that are read.
const MAX_EDITS: usize = 4_096;
/// Most bytes of a table that are read.
const MAX_TABLE_BYTES: usize = 4 << 20;

/// The index without the samples of fragments; `None` when the file is not an MP4 file or has no index.
pub(super) fn read_movie<R: Read + Seek>(reader: &mut BoxReader<'_, R>) -> io::Result<Option<Movie>> {
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
}
