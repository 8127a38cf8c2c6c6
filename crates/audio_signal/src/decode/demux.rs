//! Opens a container and hands out the packets of its sound.

use std::io;
use std::sync::LazyLock;

use media_time::MediaTime;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_ISOMP4, FORMAT_ID_MKV, FORMAT_ID_MP1, FORMAT_ID_MP2, FORMAT_ID_MP3,
    FORMAT_ID_OGG,
};
use symphonia::core::formats::{FormatId, FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

use super::codec::CODECS;
use super::guard::{Failure, guarded};
use super::mp4::Movie;
use super::source::{Allowance, MeteredSource, Source};
use super::{matroska, wave};
use crate::SignalError;

/// The most bytes that opening a file or fetching one packet may read.
pub(crate) const READ_LIMIT: u64 = 128 << 20;
/// How far into a file a container may begin, in bytes after leading tags.
const PROBE_DEPTH: u32 = 64 << 10;
/// Malformed stretches in a row after which a container counts as ended.
const MAX_MALFORMED: u32 = 8;

static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let options = ProbeOptions { max_probe_depth: PROBE_DEPTH, ..ProbeOptions::default() };
    let mut probe = Probe::new_with_options(&options);
    symphonia::default::register_enabled_formats(&mut probe);
    probe
});

/// Which container it is, as far as timing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Mp4,
    Matroska,
    Ogg,
    /// And MP2 and MP1.
    Mp3,
    Adts,
    Other,
}

/// What is known of the sound before its first packet.
#[derive(Clone, Debug)]
pub(crate) struct AudioTrack {
    pub(crate) id: u32,
    pub(crate) params: AudioCodecParameters,
    pub(crate) time_base: Option<TimeBase>,
    /// Samples the encoder put after the sound, where the container tells.
    pub(crate) padding: Option<u32>,
    /// Samples of sound, without what the encoder put before and after it.
    pub(crate) samples: Option<u64>,
}

/// What fetching a packet came to.
pub(crate) enum Fetched {
    Packet(Packet),
    /// The end; `true` when it came too early.
    End {
        truncated: bool,
    },
    /// Another recording follows in the same file (chained Ogg).
    NewStream,
}

/// An open container.
pub(crate) struct Demuxer {
    /// `None` after it panicked.
    reader: Option<Box<dyn FormatReader>>,
    allowance: Allowance,
    pub(crate) container: Container,
    pub(crate) name: &'static str,
    pub(crate) movie: Option<Movie>,
    /// Does the reader see shorter lengths than the file tells, and so no early end?
    is_shortened: bool,
}

impl Demuxer {
    pub(crate) fn open(mut source: Box<dyn Source>) -> Result<Self, SignalError> {
        let movie = Movie::read(&mut source)?;
        let wave = wave::lengths(&mut source)?;
        let is_shortened = wave.as_ref().is_some_and(|wave| wave.is_cut);
        let overlays = match (&movie, wave) {
            (Some(movie), _) => movie.overlays(),
            (None, Some(wave)) => wave.overlays,
            (None, None) => matroska::overlays(&mut source)?,
        };
        let allowance = Allowance::full();
        allowance.grant(READ_LIMIT);
        let source = MeteredSource::new(source, allowance.clone(), overlays)?;
        if source.is_empty() {
            return Err(SignalError::Unrecognised("it is empty".to_owned()));
        }
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
        let reader = guarded(|| PROBE.probe(&Hint::new(), stream, format, metadata))
            .map_err(|failure| failure.into_signal_error("its header", &allowance))?;
        let info = reader.format_info();
        let (container, name) = (container(info.format), info.short_name);
        Ok(Self { reader: Some(reader), allowance, container, name, movie, is_shortened })
    }

    /// The tracks of the container; of an MP4 file only those with sound.
    pub(crate) fn tracks(&self) -> &[Track] {
        self.reader.as_ref().map_or(&[], |reader| reader.tracks())
    }

    /// The duration, of the whole file, else of `track`, where the header tells it. That of files which are nothing but
    /// packets is no fact: it is an estimate from the first ones, or that of the first of several that were joined.
    pub(crate) fn told_duration(&self, track: Option<&AudioTrack>) -> Option<MediaTime> {
        match self.container {
            Container::Mp3 | Container::Adts | Container::Ogg => None,
            Container::Mp4 | Container::Matroska | Container::Other => self.duration(track),
        }
    }

    /// The duration, of the whole file, else of `track`, as far as it can be known from the beginning.
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

    /// When a packet is presented, in seconds, if its track is of that kind.
    pub(crate) fn seconds(&self, packet: &Packet, kind: TrackType) -> Option<f64> {
        let track = self.tracks().iter().find(|track| track.id == packet.track_id)?;
        let base = track.time_base.filter(|_| track.track_type() == Some(kind))?;
        Some(base.calc_time(packet.pts)?.as_secs_f64())
    }

    /// The track to listen to: the one marked as default, else the first that can be decoded, else the first.
    ///
    /// # Errors
    /// [`SignalError::NoAudioStream`] without any.
    pub(crate) fn audio_track(&self) -> Result<AudioTrack, SignalError> {
        let audio = || self.tracks().iter().filter_map(AudioTrack::from_track);
        let is_decodable = |track: &AudioTrack| CODECS.get_audio_decoder(track.params.codec).is_some();
        let default = self.reader.as_ref().and_then(|reader| reader.default_track(TrackType::Audio));
        default
            .and_then(AudioTrack::from_track)
            .filter(is_decodable)
            .or_else(|| audio().find(is_decodable))
            .or_else(|| audio().next())
            .ok_or_else(|| SignalError::NoAudioStream { container: self.name.to_owned() })
    }

    /// The next packet of any track.
    ///
    /// # Errors
    /// [`SignalError::Io`] when the source fails, [`SignalError::LimitExceeded`] when a packet is too large.
    pub(crate) fn next_packet(&mut self) -> Result<Fetched, SignalError> {
        for _ in 0..MAX_MALFORMED {
            let Some(reader) = self.reader.as_mut() else {
                break;
            };
            self.allowance.grant(READ_LIMIT);
            match guarded(|| reader.next_packet()) {
                Ok(Some(packet)) => return Ok(Fetched::Packet(packet)),
                Ok(None) => return Ok(Fetched::End { truncated: self.is_shortened }),
                Err(Failure::Error(Error::ResetRequired)) => return Ok(Fetched::NewStream),
                Err(Failure::Error(Error::IoError(error)))
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(failure @ Failure::Error(Error::IoError(_))) => {
                    return Err(failure.into_signal_error("a packet", &self.allowance));
                }
                // What follows may be sound again.
                Err(Failure::Error(_)) => {}
                Err(Failure::Panic) => self.reader = None,
            }
        }
        Ok(Fetched::End { truncated: self.should_tell_its_end() })
    }

    /// Recordings of browsers tell no length, and simply stop.
    fn should_tell_its_end(&self) -> bool {
        self.container != Container::Matroska || self.duration(None).is_some()
    }
}

impl AudioTrack {
    fn from_track(track: &Track) -> Option<Self> {
        let Some(CodecParameters::Audio(params)) = &track.codec_params else {
            return None;
        };
        Some(Self {
            id: track.id,
            params: params.clone(),
            time_base: track.time_base,
            padding: track.padding,
            samples: track.num_frames,
        })
    }

    /// A time of the container as a position in samples of `rate` Hz.
    pub(crate) fn to_samples(&self, time: Timestamp, rate: u32) -> i64 {
        self.time_base.map_or(time.get(), |base| scale(time.get(), base, rate))
    }
}

/// `ticks` of `base` in samples of `rate` Hz, rounded to the nearest.
fn scale(ticks: i64, base: TimeBase, rate: u32) -> i64 {
    let numerator = i128::from(ticks) * i128::from(base.numer.get()) * i128::from(rate);
    let denominator = i128::from(base.denom.get());
    let rounded = (2 * numerator + denominator).div_euclid(2 * denominator);
    // Half the range, so that differences of positions cannot overflow.
    rounded.clamp(i128::from(i64::MIN / 2), i128::from(i64::MAX / 2)) as i64
}

fn container(format: FormatId) -> Container {
    match format {
        FORMAT_ID_ISOMP4 => Container::Mp4,
        FORMAT_ID_MKV => Container::Matroska,
        FORMAT_ID_OGG => Container::Ogg,
        FORMAT_ID_MP1 | FORMAT_ID_MP2 | FORMAT_ID_MP3 => Container::Mp3,
        FORMAT_ID_ADTS => Container::Adts,
        _ => Container::Other,
    }
}
