//! The duration of a file: the one its container declares where that is exact, else the sum of its packets.

use std::io::SeekFrom;

use media_time::{FileTime, MediaTime};

use super::video::movie_video;
use crate::ffmpeg::{Ffmpeg, Report, StreamReport};
use crate::native::{AudioTrack, Demuxer};
use crate::{DecodeError, Decoders, FileFormat, Source};

/// Smallest plausible size of a recording, in bytes per second. Silence in FLAC and AAC takes about 200 bytes per
/// second, any other audio more.
const MIN_BYTES_PER_SECOND: f64 = 500.0;

/// A file of a format that is demuxed in this process.
pub(super) struct OpenFile<'a> {
    pub(super) decoders: &'a Decoders,
    pub(super) file: &'a dyn Source,
    pub(super) format: FileFormat,
}

impl OpenFile<'_> {
    /// The duration from `zero` (on the container's clock) on. `chosen` is the audio stream that is used.
    pub(super) fn duration(
        &self,
        demuxer: &Demuxer,
        chosen: Option<(usize, Option<&AudioTrack>)>,
        zero: FileTime,
        needs_ffmpeg: bool,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<MediaTime>, DecodeError> {
        let track = chosen.and_then(|(_, track)| track);
        if let Some(movie) = demuxer.movie.as_ref().filter(|movie| movie.is_fragmented()) {
            let audio = track.and_then(|chosen| movie.tracks.iter().find(|track| track.id == chosen.id));
            return Ok(movie.fragments_duration(audio.into_iter().chain(movie_video(movie))));
        }
        let declared = demuxer.declared_duration(track).map(|declared| FileTime::at(declared) - zero);
        let declared = declared.filter(|duration| *duration > MediaTime::ZERO);
        let Some((index, _)) = chosen.filter(|_| !declared.is_some_and(|length| self.has_bytes_for(length)))
        else {
            return Ok(declared);
        };
        match self.count(index, needs_ffmpeg, cancelled) {
            Err(error) if error.is_about_media() => Ok(None),
            counted => counted,
        }
    }

    /// Whether the file is large enough for the declared duration `length` to be accepted. The packets of smaller files
    /// are counted, because headers may declare any length.
    fn has_bytes_for(&self, length: MediaTime) -> bool {
        let bytes = self.file.reopen().and_then(|mut file| file.seek(SeekFrom::End(0))).unwrap_or(0);
        bytes as f64 >= MIN_BYTES_PER_SECOND * length.as_secs_f64()
    }

    fn count(
        &self,
        index: usize,
        needs_ffmpeg: bool,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<MediaTime>, DecodeError> {
        if !needs_ffmpeg {
            let decoder = self.decoders.open(self.file.reopen()?, Some(index))?;
            return decoder.count_duration(cancelled).map(Some);
        }
        let Some(ffmpeg) = self.decoders.ffmpeg() else { return Ok(None) };
        let report = ffmpeg.report(self.file, self.format, &Report::STREAMS)?;
        match report.chosen_audio(Some(index)) {
            Some((index, stream)) => packets_duration(ffmpeg, self.file, self.format, index, stream),
            None => Ok(None),
        }
    }
}

/// The duration of a file that only ffmpeg reads.
pub(super) fn of_ffmpeg(
    ffmpeg: &Ffmpeg,
    source: &dyn Source,
    format: FileFormat,
    report: &Report,
    audio: Option<(usize, &StreamReport)>,
) -> Result<Option<MediaTime>, DecodeError> {
    if let Some((index, stream)) = audio.filter(|_| is_estimated(format)) {
        return packets_duration(ffmpeg, source, format, index, stream);
    }
    let used = || audio.map(|(_, stream)| stream).into_iter().chain(report.chosen_video());
    let start = used().filter_map(StreamReport::start).min();
    let end = used().filter_map(StreamReport::end).max();
    let of_streams = start.zip(end).map(|(start, end)| end - start).filter(|span| *span > MediaTime::ZERO);
    Ok(of_streams.or(report.duration()))
}

/// Whether ffmpeg only estimates the duration of files of this format, from their bit rate.
const fn is_estimated(format: FileFormat) -> bool {
    use FileFormat as F;
    matches!(
        format,
        F::Ac3 | F::Eac3 | F::Dts | F::Amr | F::Mp3 | F::Adts | F::Loas | F::TrueHd | F::Mlp | F::Shorten
    )
}

fn packets_duration(
    ffmpeg: &Ffmpeg,
    source: &dyn Source,
    format: FileFormat,
    index: usize,
    stream: &StreamReport,
) -> Result<Option<MediaTime>, DecodeError> {
    let select = format!("a:{index}");
    let options = ["-select_streams", &select, "-show_entries", "packet=pts,duration"];
    Ok(ffmpeg.report(source, format, &options)?.packets_duration(stream))
}
