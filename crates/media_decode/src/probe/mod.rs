//! Probing: the streams, kind and duration of a file, read from its content and mostly without decoding.

mod duration;
mod video;

use media_time::{FileTime, MediaTime};

pub use self::video::VideoInfo;
use crate::ffmpeg::{Report, StreamReport};
use crate::native::{AudioStream, Demuxer, choose};
use crate::sniff::sniff;
use crate::{DecodeError, Decoder, DecoderKind, Decoders, FileFormat, MediaKind, Source, SourceTimecode};

/// The contents of a file: its kind, format, duration and streams.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Kind of the content: audio, video, image or other.
    pub kind: MediaKind,
    /// The detected format; `None` when the file has no known format.
    pub format: Option<FileFormat>,
    /// Short name of the container, e.g. `isomp4`, `matroska`, `wave`; `None` when its content cannot be read.
    pub container: Option<String>,
    /// Duration from timeline zero to the end of the longer of audio and video; `None` when it is unknown.
    pub duration: Option<MediaTime>,
    /// The audio stream that [`crate::Decoder`] decodes.
    pub audio: Option<AudioInfo>,
    /// The video stream that is used.
    pub video: Option<VideoInfo>,
    /// All audio streams, in file order.
    pub audio_streams: Vec<AudioInfo>,
    /// The source timecode at the start of the file, if one is declared: by the timecode track of MP4 and QuickTime, the
    /// time reference of Broadcast WAVE, or the tag `timecode` that ffprobe reports for formats that only ffmpeg reads.
    pub source_timecode: Option<SourceTimecode>,
    /// Whether only ffmpeg decodes the audio.
    pub needs_ffmpeg: bool,
    /// Whether the audio was decoded incorrectly before version 2 of the prober.
    pub is_repaired: bool,
    /// Whether the contents are known. False for a file that only ffmpeg reads when ffmpeg is not available.
    pub is_complete: bool,
}

/// An audio stream, as its container describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioInfo {
    /// Index of the stream among the audio streams.
    pub index: usize,
    /// Short name of the codec, e.g. `aac`.
    pub codec: String,
    /// Sample rate in Hz, if declared.
    pub rate: Option<u32>,
    /// Number of channels, if declared.
    pub channels: Option<u16>,
    /// Language as the container declares it (ISO 639-2 or BCP 47), if it does.
    pub language: Option<String>,
    /// Whether the stream is decoded if none is chosen.
    pub is_default: bool,
}

impl Decoders {
    /// Probes the contents of a file and the streams that are used. Reads the headers, and the packets where the
    /// headers declare no length. Blocking; `cancelled` is called between packets.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use media_decode::{Decoders, MediaKind};
    /// use media_time::MediaTime;
    ///
    /// # /// A WAVE file of mono samples, 16 bit.
    /// # fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
    /// #     let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    /// #     let [length, rate, bytes_a_second] = [data.len() as u32, rate, 2 * rate].map(u32::to_le_bytes);
    /// #     let riff = (36 + data.len() as u32).to_le_bytes();
    /// #     let format = b"WAVEfmt \x10\0\0\0\x01\0\x01\0";
    /// #     [b"RIFF".as_slice(), &riff, format, &rate, &bytes_a_second, b"\x02\0\x10\0data", &length, &data].concat()
    /// # }
    /// let file = Cursor::new(wav(8_000, &[0; 12_000]));
    /// let probe = Decoders::native().probe(Box::new(file), None, &|| false)?;
    /// assert_eq!(probe.kind, MediaKind::Audio);
    /// assert_eq!(probe.duration, Some(MediaTime::from_millis(1_500)));
    /// let audio = probe.audio.as_ref();
    /// assert_eq!(audio.map(|audio| (audio.codec.as_str(), audio.rate)), Some(("pcm_s16le", Some(8_000))));
    ///
    /// // A file that is no recording is not an error.
    /// let text = Decoders::native().probe(Box::new(Cursor::new(b"plain text")), None, &|| false)?;
    /// assert_eq!((text.kind, text.format), (MediaKind::Other, None));
    /// # Ok::<(), media_decode::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Io`] when the source fails, [`DecodeError::Cancelled`]. A file that cannot be read as a recording
    /// is not an error: its kind is then detected from its first bytes, and nothing else is known.
    pub fn probe(
        &self,
        mut source: Box<dyn Source>,
        audio_stream: Option<usize>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Probe, DecodeError> {
        let format = sniff(&mut *source)?;
        source.rewind()?;
        let Some(format) = format else { return Ok(unreadable(None)) };
        let source_timecode = SourceTimecode::read(&mut source, format)?;
        source.rewind()?;
        let probed = match (format.is_native(), format.ffmpeg_demuxer()) {
            (true, _) => {
                let file = source.reopen()?;
                match probe_natively(self, source, format, audio_stream, cancelled) {
                    Err(DecodeError::Unsupported(_)) => probe_with_ffmpeg(self, &*file, format, audio_stream),
                    probed => probed,
                }
            }
            (false, Some(_)) => probe_with_ffmpeg(self, &*source, format, audio_stream),
            (false, None) => return Ok(unreadable(Some(format))),
        };
        match probed {
            Err(error @ (DecodeError::Io(_) | DecodeError::Cancelled)) => Err(error),
            Err(DecodeError::FfmpegUnavailable { .. }) => Ok(unprobed(format)),
            Err(_) => Ok(Probe { source_timecode, ..unreadable(Some(format)) }),
            Ok(probe) => Ok(Probe { source_timecode: source_timecode.or(probe.source_timecode), ..probe }),
        }
    }
}

/// The probe result of a file that no demuxer reads.
fn unreadable(format: Option<FileFormat>) -> Probe {
    let kind = format.map_or(MediaKind::Other, FileFormat::usual_kind);
    Probe {
        kind,
        format,
        container: None,
        duration: None,
        audio: None,
        video: None,
        audio_streams: Vec::new(),
        source_timecode: None,
        needs_ffmpeg: false,
        is_repaired: false,
        is_complete: true,
    }
}

/// The probe result of a file that only ffmpeg reads, without ffmpeg.
fn unprobed(format: FileFormat) -> Probe {
    let container = Some(format.name().to_owned());
    Probe { container, needs_ffmpeg: true, is_complete: false, ..unreadable(Some(format)) }
}

fn probe_natively(
    decoders: &Decoders,
    source: Box<dyn Source>,
    format: FileFormat,
    audio_stream: Option<usize>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Probe, DecodeError> {
    let file = source.reopen()?;
    let mut demuxer = Demuxer::open(source, format)?;
    let streams = demuxer.audio_streams();
    let chosen = choose(streams.iter().map(|stream| stream.is_default), audio_stream);
    let chosen = chosen.and_then(|index| streams.get(index).map(|stream| (index, stream)));
    let mut audio_streams = AudioInfo::all_native(&streams);
    let opened = chosen.map(|(index, _)| decoders.open(file.reopen()?, Some(index)));
    let needs_ffmpeg = match (&chosen, &opened) {
        (Some((_, stream)), _) if stream.ffmpeg_only.is_some() || demuxer.changes => true,
        (_, Some(Ok(decoder))) => *decoder.kind() != DecoderKind::Native,
        (_, Some(Err(error))) => matches!(error, DecodeError::FfmpegUnavailable { .. }),
        _ => false,
    };
    let (zero, is_repaired) = match opened {
        Some(Ok(mut decoder)) => (decoder.zero(), !needs_ffmpeg && is_repaired(&mut decoder)?),
        _ => (FileTime::ZERO, false),
    };
    if let Some(ffmpeg) = decoders.ffmpeg()
        && (needs_ffmpeg || streams.iter().any(|stream| stream.ffmpeg_only.is_some()))
    {
        match ffmpeg.report(&*file, format, &Report::STREAMS) {
            Ok(report) => {
                let is_chosen =
                    |index: usize| needs_ffmpeg && chosen.is_some_and(|(chosen, _)| chosen == index);
                let reported = audio_streams.iter_mut().zip(&streams).zip(report.audio());
                for ((audio, stream), reported) in reported {
                    if stream.ffmpeg_only.is_some() || is_chosen(audio.index) {
                        audio.measure(reported);
                    }
                }
            }
            Err(error) if needs_ffmpeg => return Err(error),
            // Only properties of streams that are not used by default are missing.
            Err(_) => {}
        }
    }
    let audio = chosen.and_then(|(index, _)| audio_streams.get(index).cloned());
    let video = VideoInfo::of(&mut demuxer)?;
    let kind = kind_of(video.is_some(), audio.is_some());
    let chosen = chosen.map(|(index, stream)| (index, stream.track.as_ref()));
    let file = duration::OpenFile { decoders, file: &*file, format };
    let duration = file.duration(&demuxer, chosen, zero, needs_ffmpeg, cancelled)?;
    Ok(Probe {
        kind,
        format: Some(format),
        container: Some(demuxer.name.to_owned()),
        duration,
        audio,
        video,
        audio_streams,
        source_timecode: None,
        needs_ffmpeg,
        is_repaired,
        is_complete: true,
    })
}

fn probe_with_ffmpeg(
    decoders: &Decoders,
    source: &dyn Source,
    format: FileFormat,
    audio_stream: Option<usize>,
) -> Result<Probe, DecodeError> {
    let ffmpeg = decoders.require_ffmpeg(format.name())?;
    let report = ffmpeg.report(source, format, &Report::STREAMS)?;
    let audio_streams = AudioInfo::all_reported(&report);
    let audio = report.chosen_audio(audio_stream);
    let video = report.chosen_video();
    let duration = duration::of_ffmpeg(ffmpeg, source, format, &report, audio)?;
    let codec = |stream: &StreamReport| stream.codec().unwrap_or("unknown").to_owned();
    Ok(Probe {
        kind: kind_of(video.is_some(), audio.is_some()),
        format: Some(format),
        container: Some(format.name().to_owned()),
        duration,
        audio: audio.and_then(|(index, _)| audio_streams.get(index).cloned()),
        video: video.map(|stream| VideoInfo {
            codec: codec(stream),
            width: stream.width,
            height: stream.height,
            fps: stream.fps(),
        }),
        audio_streams,
        source_timecode: report.source_timecode(),
        needs_ffmpeg: true,
        is_repaired: false,
        is_complete: true,
    })
}

/// Whether the beginning of the audio differs from that of earlier versions, whose errors affect the first packets.
fn is_repaired(decoder: &mut Decoder) -> Result<bool, DecodeError> {
    const BLOCKS: usize = 16;
    for _ in 0..BLOCKS {
        let is_over = match decoder.next_block() {
            Ok(block) => block.is_none(),
            Err(error @ DecodeError::Io(_)) => return Err(error),
            Err(_) => true,
        };
        if is_over || decoder.is_repaired() {
            break;
        }
    }
    Ok(decoder.is_repaired())
}

const fn kind_of(has_video: bool, has_audio: bool) -> MediaKind {
    match (has_video, has_audio) {
        (true, _) => MediaKind::Video,
        (false, true) => MediaKind::Audio,
        (false, false) => MediaKind::Other,
    }
}

impl AudioInfo {
    /// The streams of a container that is read in this process.
    fn all_native(streams: &[AudioStream]) -> Vec<Self> {
        let default = choose(streams.iter().map(|stream| stream.is_default), None);
        let info = |(index, stream): (usize, &AudioStream)| {
            let params = stream.track.as_ref().map(|track| &track.params);
            let channels =
                params.and_then(|params| params.channels.as_ref()).map(|channels| channels.count());
            Self {
                index,
                codec: stream.codec.clone(),
                rate: params.and_then(|params| params.sample_rate),
                channels: channels.and_then(|count| u16::try_from(count).ok()).filter(|count| *count > 0),
                language: stream.language.clone(),
                is_default: Some(index) == default,
            }
        };
        streams.iter().enumerate().map(info).collect()
    }

    /// The streams of a file that ffmpeg reads.
    fn all_reported(report: &Report) -> Vec<Self> {
        let default = report.chosen_audio(None).map(|(index, _)| index);
        let info = |(index, stream): (usize, &StreamReport)| {
            let mut info = Self {
                index,
                codec: stream.codec().unwrap_or("unknown").to_owned(),
                rate: None,
                channels: None,
                language: stream.language(),
                is_default: Some(index) == default,
            };
            info.measure(stream);
            info
        };
        report.audio().into_iter().enumerate().map(info).collect()
    }

    /// Sets rate and channels as ffmpeg reports them, which decodes the stream.
    fn measure(&mut self, stream: &StreamReport) {
        let channels = stream.channels.and_then(|count| u16::try_from(count).ok());
        self.rate = stream.rate();
        self.channels = channels.filter(|count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn kind(bytes: &[u8]) -> MediaKind {
        Decoders::native().probe(Box::new(Cursor::new(bytes.to_vec())), None, &|| false).unwrap().kind
    }

    #[test]
    fn kind_is_detected_from_the_first_bytes() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n and so on"), MediaKind::Image);
        assert_eq!(kind(b"\xff\xd8\xff\xe0..JFIF"), MediaKind::Image);
        assert_eq!(kind(b""), MediaKind::Other);
        assert_eq!(kind(b"plain text"), MediaKind::Other);
        assert_eq!(kind(b"RIFF....AVI LIST"), MediaKind::Video);
    }
}
