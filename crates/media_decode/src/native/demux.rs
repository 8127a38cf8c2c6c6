//! Opens a container and reads its packets.

use std::io::{self, Read, Seek};

use media_time::MediaTime;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::default::{formats, meta};

use super::audio_track::AudioTrack;
use super::codec::CODECS;
use super::guard::{SymphoniaFailure, guarded};
use super::matroska_tracks::MatroskaKind;
use super::matroska_tracks::{self, MatroskaTrack};
use super::metered::{Allowance, MeteredSource, Overlay, READ_LIMIT};
use super::mp4::{Movie, Mp4TrackKind};
use super::streams::AudioStream;
use super::{matroska, wave};
use crate::sniff::scan_frames;
use crate::{DecodeError, FileFormat, Source};

/// Largest offset at which a container may begin, in bytes after leading tags.
const PROBE_DEPTH: u32 = 64 << 10;
/// Number of consecutive malformed stretches after which a container counts as ended.
const MAX_MALFORMED: u32 = 8;

/// A probe that knows only the container of `format` and leading tags, so that no other demuxer opens the file.
fn probe_of(format: FileFormat) -> Probe {
    let mut probe =
        Probe::new_with_options(&ProbeOptions { max_probe_depth: PROBE_DEPTH, ..ProbeOptions::default() });
    match format {
        FileFormat::IsoMp4 | FileFormat::QuickTime => probe.register_format::<formats::IsoMp4Reader<'_>>(),
        FileFormat::Matroska | FileFormat::WebM => probe.register_format::<formats::MkvReader<'_>>(),
        FileFormat::Wave => probe.register_format::<formats::WavReader<'_>>(),
        FileFormat::Aiff => probe.register_format::<formats::AiffReader<'_>>(),
        FileFormat::Caf => probe.register_format::<formats::CafReader<'_>>(),
        FileFormat::Ogg => probe.register_format::<formats::OggReader<'_>>(),
        FileFormat::Flac => probe.register_format::<formats::FlacReader<'_>>(),
        FileFormat::Adts => probe.register_format::<formats::AdtsReader<'_>>(),
        FileFormat::Mp3 => probe.register_format::<formats::MpaReader<'_>>(),
        _ => {}
    }
    probe.register_metadata::<meta::Id3v2Reader<'_>>();
    probe.register_metadata::<meta::ApeReader<'_>>();
    probe
}

/// Containers, distinguished where their timing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerFamily {
    Mp4,
    Matroska,
    Ogg,
    /// MP3, MP2 and MP1.
    Mp3,
    Adts,
    Other,
}

/// The result of reading a packet.
pub(crate) enum ReadResult {
    Packet(Packet),
    /// The end of the file; `truncated` when it comes too early.
    End {
        truncated: bool,
    },
    /// Another recording follows in the same file (chained Ogg).
    NewStream,
}

/// An open container, from which packets are read.
pub(crate) struct Demuxer {
    /// `None` after a panic of the reader.
    reader: Option<Box<dyn FormatReader>>,
    allowance: Allowance,
    pub(crate) container: ContainerFamily,
    pub(crate) name: &'static str,
    pub(crate) movie: Option<Movie>,
    /// The tracks of a Matroska file; empty for other containers.
    pub(crate) matroska: Vec<MatroskaTrack>,
    /// Whether the frames of an MP3 or ADTS file change their rate or channels, which symphonia does not support.
    pub(crate) changes: bool,
    /// Whether the reader gets modified bytes, because it would read the original ones incorrectly.
    pub(crate) is_repaired: bool,
    /// Whether the reader gets shorter lengths than the file declares, so that it cannot detect the truncation.
    is_shortened: bool,
}

impl Demuxer {
    /// Opens a container of the detected `format`.
    pub(crate) fn open(mut source: Box<dyn Source>, format: FileFormat) -> Result<Self, DecodeError> {
        let container = ContainerFamily::of(format);
        let movie = match container {
            ContainerFamily::Mp4 => Movie::read(&mut source)?,
            _ => None,
        };
        if let Some(what) = refused(&mut source, format, movie.as_ref())? {
            return Err(DecodeError::Unsupported(what.to_owned()));
        }
        let (mut matroska, mut overlays, mut is_shortened) = (Vec::new(), Vec::new(), false);
        let mut changes = false;
        let mut is_repaired = movie.as_ref().is_some_and(Movie::hides_segment_index);
        match (&movie, format) {
            (Some(movie), _) => overlays = movie.overlays(),
            (None, FileFormat::Matroska | FileFormat::WebM) => {
                matroska = matroska_tracks::tracks(&mut source)?;
                overlays = matroska::overlays(&mut source)?;
            }
            (None, FileFormat::Wave) => {
                if let Some(wave) = wave::length_corrections(&mut source)? {
                    (overlays, is_shortened) = (wave.overlays, wave.is_truncated);
                }
            }
            (None, FileFormat::Mp3 | FileFormat::Adts) => {
                let scanned = scan_frames(&mut source)?;
                changes = scanned.changes;
                overlays = scanned.tags.into_iter().map(Overlay::zeros).collect();
                is_repaired = !overlays.is_empty();
            }
            _ => {}
        }
        let allowance = Allowance::full();
        allowance.grant(READ_LIMIT);
        let source = MeteredSource::new(source, allowance.clone(), overlays)?;
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let (options, metadata) = (FormatOptions::default(), MetadataOptions::default());
        let probe = probe_of(format);
        let reader = guarded(|| probe.probe(&Hint::new(), stream, options, metadata))
            .map_err(|failure| failure.into_decode_error("its header", &allowance))?;
        let name = reader.format_info().short_name;
        Ok(Self {
            reader: Some(reader),
            allowance,
            container,
            name,
            movie,
            matroska,
            changes,
            is_repaired,
            is_shortened,
        })
    }

    /// The tracks of the container; for an MP4 file the audio tracks only.
    pub(crate) fn tracks(&self) -> &[Track] {
        self.reader.as_ref().map_or(&[], |reader| reader.tracks())
    }

    /// The duration of the whole file, else of `track`, if the header declares it. `None` for MP3, ADTS and Ogg, whose
    /// duration is an estimate from the first packets, or that of the first of several joined recordings.
    pub(crate) fn declared_duration(&self, track: Option<&AudioTrack>) -> Option<MediaTime> {
        match self.container {
            ContainerFamily::Mp3 | ContainerFamily::Adts | ContainerFamily::Ogg => None,
            ContainerFamily::Mp4 | ContainerFamily::Matroska | ContainerFamily::Other => self.duration(track),
        }
    }

    /// The declared or estimated duration of the whole file, else of `track`.
    pub(crate) fn duration(&self, track: Option<&AudioTrack>) -> Option<MediaTime> {
        let info = self.reader.as_ref()?.media_info();
        let whole = info.time_base.zip(info.duration).and_then(|(base, ticks)| base.calc_duration(ticks));
        let own = || {
            track
                .and_then(|track| track.time_base.zip(track.samples))
                .and_then(|(base, ticks)| base.calc_duration(ticks.into()))
        };
        let micros = whole.filter(|whole| whole.as_micros() > 0).or_else(own)?.as_micros();
        Some(MediaTime::from_micros(i64::try_from(micros).ok()?))
            .filter(|duration| *duration > MediaTime::ZERO)
    }

    /// Whether the container has a video track.
    pub(crate) fn has_video(&self) -> bool {
        self.tracks().iter().any(|track| track.track_type() == Some(TrackType::Video))
    }

    /// Nanoseconds per frame of a track, if the container declares them.
    pub(crate) fn default_frame_duration(&self, track: u32) -> Option<u64> {
        self.matroska.iter().find(|entry| entry.number == u64::from(track))?.default_duration_ns
    }

    /// PTS of a packet in seconds, if its track is of that kind.
    pub(crate) fn seconds(&self, packet: &Packet, kind: TrackType) -> Option<f64> {
        let track = self.tracks().iter().find(|track| track.id == packet.track_id)?;
        let base = track.time_base.filter(|_| track.track_type() == Some(kind))?;
        Some(base.calc_time(packet.pts)?.as_secs_f64())
    }

    /// The audio streams, in container order, which is also ffmpeg's order.
    pub(crate) fn audio_streams(&self) -> Vec<AudioStream> {
        let track_of = |id: u32| self.tracks().iter().find(|track| track.id == id);
        if let Some(movie) = &self.movie {
            let audio = movie.tracks.iter().filter(|track| track.kind == Mp4TrackKind::Audio);
            return audio.map(|track| AudioStream::of_movie(track, track_of(track.id))).collect();
        }
        if !self.matroska.is_empty() {
            let audio = self.matroska.iter().filter(|track| track.kind == MatroskaKind::Audio);
            let track_of = |number: u64| u32::try_from(number).ok().and_then(track_of);
            return audio.map(|track| AudioStream::of_matroska(track, track_of(track.number))).collect();
        }
        let audio = self.tracks().iter().filter(|track| track.track_type() == Some(TrackType::Audio));
        audio.map(|track| AudioStream::new(Some(track))).collect()
    }

    /// The audio stream of a new part of the file (chained Ogg).
    ///
    /// # Errors
    /// [`DecodeError::NoAudioStream`] when there is no audio stream.
    pub(crate) fn audio_track(&self) -> Result<AudioTrack, DecodeError> {
        let mut streams = self.audio_streams().into_iter();
        streams.find_map(|stream| stream.track).ok_or_else(|| self.no_audio_stream())
    }

    /// The track id of the stream that symphonia selects by default.
    pub(crate) fn default_audio_id(&self) -> Option<u32> {
        let is_decodable = |track: &&Track| match &track.codec_params {
            Some(CodecParameters::Audio(params)) => CODECS.get_audio_decoder(params.codec).is_some(),
            _ => false,
        };
        let default = self.reader.as_ref().and_then(|reader| reader.default_track(TrackType::Audio));
        default.filter(is_decodable).or_else(|| self.tracks().iter().find(is_decodable)).map(|track| track.id)
    }

    pub(crate) fn no_audio_stream(&self) -> DecodeError {
        DecodeError::NoAudioStream { container: self.name.to_owned() }
    }

    /// The error when the `count` audio streams do not include `wanted`.
    pub(crate) fn missing_audio_stream(&self, wanted: Option<usize>, count: usize) -> DecodeError {
        DecodeError::missing_audio_stream(self.name, wanted, count)
    }

    /// The next packet of any track.
    ///
    /// # Errors
    /// [`DecodeError::Io`] when the source fails, [`DecodeError::LimitExceeded`] when a packet is too large.
    pub(crate) fn next_packet(&mut self) -> Result<ReadResult, DecodeError> {
        for _ in 0..MAX_MALFORMED {
            let Some(reader) = self.reader.as_mut() else {
                break;
            };
            self.allowance.grant(READ_LIMIT);
            match guarded(|| reader.next_packet()) {
                Ok(Some(packet)) => return Ok(ReadResult::Packet(packet)),
                Ok(None) => return Ok(ReadResult::End { truncated: self.is_shortened }),
                Err(SymphoniaFailure::Error(Error::ResetRequired)) => return Ok(ReadResult::NewStream),
                Err(SymphoniaFailure::Error(Error::IoError(error)))
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(failure @ SymphoniaFailure::Error(Error::IoError(_)))
                    if self.allowance.source_failed() || self.allowance.is_spent() =>
                {
                    return Err(failure.into_decode_error("a packet", &self.allowance));
                }
                // Valid packets may follow.
                Err(SymphoniaFailure::Error(_)) => {}
                Err(SymphoniaFailure::Panic) => self.reader = None,
            }
        }
        Ok(ReadResult::End { truncated: self.should_declare_its_end() })
    }

    /// Whether the file should declare where it ends. Matroska files of browsers declare no length.
    fn should_declare_its_end(&self) -> bool {
        self.container != ContainerFamily::Matroska || self.duration(None).is_some()
    }
}

/// Codecs that symphonia's demuxers report as damage although they are merely unsupported; `None` for other files.
fn refused(
    source: &mut Box<dyn Source>,
    format: FileFormat,
    movie: Option<&Movie>,
) -> io::Result<Option<&'static str>> {
    if movie.is_some_and(Movie::has_eight_bit_pcm) {
        return Ok(Some("8-bit PCM in QuickTime"));
    }
    let mut head = Vec::new();
    source.rewind()?;
    source.take(4_096).read_to_end(&mut head)?;
    let holds = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    Ok(match format {
        FileFormat::Ogg if holds(b"Speex   ") => Some("Speex in Ogg"),
        FileFormat::Caf if holds(b"ulaw\0\0\0\0") || holds(b"alaw\0\0\0\0") => Some("G.711 in CAF"),
        _ => None,
    })
}

impl ContainerFamily {
    const fn of(format: FileFormat) -> Self {
        match format {
            FileFormat::IsoMp4 | FileFormat::QuickTime | FileFormat::BrandlessMp4 => Self::Mp4,
            FileFormat::Matroska | FileFormat::WebM => Self::Matroska,
            FileFormat::Ogg => Self::Ogg,
            FileFormat::Mp3 => Self::Mp3,
            FileFormat::Adts => Self::Adts,
            _ => Self::Other,
        }
    }
}
