//! Presentation times of a container's audio: the position of timeline zero and the samples that are not presented.

use media_time::{FileTime, MediaTime};
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;

use super::audio_track::AudioTrack;
use super::codec::pre_skip;
use super::demux::ContainerFamily;
use super::mp4::{Movie, MovieTrack, Mp4TrackKind};
use crate::DecodeError;
use crate::packet_clock::MAX_GAPS;
use crate::timeline::Edit;

/// The inputs of [`Presentation`], available after the first audio packet has been read.
pub(super) struct StartTimes<'a> {
    pub(super) container: ContainerFamily,
    pub(super) track: &'a AudioTrack,
    pub(super) movie: Option<&'a Movie>,
    /// Media position of the first packet, in samples.
    pub(super) first: i64,
    /// PTS of the first video frame, in samples on the same clock; `None` when [`StartTimes::movie`] declares it or no
    /// video packet comes before the audio.
    pub(super) first_video_frame: Option<i64>,
    /// Sample rate in Hz.
    pub(super) rate: u32,
}

/// The presentation of audio and video, in samples from timeline zero.
pub(crate) struct Presentation {
    /// Which samples of the media are presented.
    pub(crate) edits: Vec<Edit>,
    /// PTS of the first video frame, if one comes before the audio or the index declares it.
    pub(crate) video_start: Option<i64>,
    /// Timeline zero, on the container's clock.
    pub(crate) zero: i64,
    /// PTS of the first packet if the encoder delay were presented. Only for fragmented MP4, whose edit lists some
    /// demuxers ignore.
    pub(crate) first_packet: Option<i64>,
}

impl Presentation {
    /// Timeline zero, on the container's clock, for a stream of `rate` Hz.
    pub(crate) fn zero_at(&self, rate: u32) -> FileTime {
        FileTime::at(MediaTime::from_samples(self.zero, rate))
    }
}

impl StartTimes<'_> {
    /// Computes the presentation. Timeline zero is the start of the earlier of audio and video.
    ///
    /// # Errors
    /// [`DecodeError::Unsupported`] for an edit list that jumps back in its media.
    pub(super) fn presentation(&self) -> Result<Presentation, DecodeError> {
        let (mut edits, video) = match self.movie {
            Some(movie) if self.container == ContainerFamily::Mp4 => self.movie_edits(movie)?,
            _ => (self.stream_edits(), self.first_video_frame),
        };
        let audio = edits.first().map_or(0, |edit| edit.at);
        let zero = video.map_or(audio, |video| video.min(audio));
        for edit in &mut edits {
            edit.at = edit.at.saturating_sub(zero);
        }
        let silence = MediaTime::from_samples(edits.first().map_or(0, |edit| edit.at), self.rate);
        if silence > MAX_GAPS {
            let (found, limit) = (silence.to_string(), MAX_GAPS.to_string());
            return Err(DecodeError::LimitExceeded { what: "the silence before the audio", found, limit });
        }
        let is_fragmented = self.movie.is_some_and(Movie::is_fragmented);
        let first_packet = edits
            .first()
            .filter(|_| is_fragmented)
            .map(|edit| edit.at.saturating_sub(edit.media.start.saturating_sub(self.first)));
        // Ogg's clock does not include the pre-skip.
        let zero_on_clock = match self.container {
            ContainerFamily::Ogg => zero.saturating_sub(i64::from(pre_skip(&self.track.params))),
            _ => zero,
        };
        let video_start = video.map(|video| video.saturating_sub(zero));
        Ok(Presentation { edits, video_start, zero: zero_on_clock, first_packet })
    }

    /// Edits of containers without edit lists: samples before zero or within the encoder delay are not presented.
    fn stream_edits(&self) -> Vec<Edit> {
        // Opus declares its pre-skip in its own header; the container's value is ignored.
        let start = (self.first + i64::from(pre_skip(&self.track.params))).max(0);
        match (self.container, self.track.samples, self.track.padding) {
            // Only the padding that the tag declares is dropped, not the audio after it: players continue with joined
            // files.
            (ContainerFamily::Mp3, Some(samples), Some(padding)) => {
                let end = i64::try_from(samples).unwrap_or(i64::MAX / 2);
                let rest = end.saturating_add(i64::from(padding));
                vec![Edit { media: start..end, at: start }, Edit::from(rest, end)]
            }
            _ => vec![Edit::from(start, start)],
        }
    }

    /// Edits of an MP4 track: a gapless tag unless an edit list skips media, else the edit list, else everything. Also
    /// returns the PTS of the first video frame.
    fn movie_edits(&self, movie: &Movie) -> Result<(Vec<Edit>, Option<i64>), DecodeError> {
        let seconds = |track: &MovieTrack| track.start_seconds(movie.timescale);
        let videos = movie.tracks.iter().filter(|track| track.kind == Mp4TrackKind::Video);
        let videos = videos.filter(|track| track.samples > 0 || movie.is_fragmented());
        let video = videos.map(seconds).min_by(f64::total_cmp);
        let video = video.map(|seconds| (seconds * f64::from(self.rate)).round() as i64);
        let track = movie.tracks.iter().find(|track| track.id == self.track.id);
        let edits = track.map_or(Ok(Vec::new()), |track| self.edit_list(movie, track))?;
        let skips = edits.iter().any(|edit| edit.media.start != 0);
        Ok(match movie.gapless {
            Some(gapless) if !skips => {
                let start = i64::from(gapless.delay);
                let length = i64::try_from(gapless.length).unwrap_or(i64::MAX / 2);
                (vec![Edit { media: start..start.saturating_add(length), at: 0 }], video)
            }
            _ if edits.is_empty() => (vec![Edit::from(self.first, self.first)], video),
            _ => (edits, video),
        })
    }

    fn edit_list(&self, movie: &Movie, track: &MovieTrack) -> Result<Vec<Edit>, DecodeError> {
        let rate = i128::from(self.rate);
        let movie_samples = |ticks: u64| rescale(i128::from(ticks), rate, movie.timescale);
        let mut edits: Vec<Edit> = Vec::new();
        let mut elapsed: u64 = 0;
        for entry in &track.edits {
            let at = movie_samples(elapsed);
            elapsed = elapsed.saturating_add(entry.duration);
            let Some(media_time) = entry.media_time else {
                continue;
            };
            let start = rescale(i128::from(media_time), rate, track.timescale);
            // Durations are in ticks of the movie, often milliseconds: one more tick keeps the last sample.
            let end = match entry.duration {
                0 => i64::MAX,
                ticks => start.saturating_add(movie_samples(ticks.saturating_add(1))),
            };
            if let Some(last) = edits.last_mut() {
                if last.media.end > start.saturating_add(movie_samples(1)) {
                    return Err(DecodeError::Unsupported("an edit list that repeats its media".to_owned()));
                }
                last.media.end = last.media.end.min(start).min(last.media.start.saturating_add(at - last.at));
            }
            edits.push(Edit { media: start..end, at });
        }
        // A fragmented file's edit list is written before its length is known.
        if movie.is_fragmented()
            && let Some(last) = edits.last_mut()
        {
            last.media.end = i64::MAX;
        }
        Ok(edits)
    }
}

/// `ticks` of a `timescale` in samples, rounded to the nearest.
fn rescale(ticks: i128, rate: i128, timescale: u32) -> i64 {
    let timescale = i128::from(timescale.max(1));
    let rounded = (2 * ticks * rate + timescale).div_euclid(2 * timescale);
    rounded.clamp(i128::from(i64::MIN / 4), i128::from(i64::MAX / 4)) as i64
}

/// The exact position of the first packet, in samples. Matroska stores times in whole ticks (mostly milliseconds), from
/// which symphonia subtracts the codec delay rounded down to ticks; Opus declares its delay in samples. Together they
/// give the exact position.
pub(super) fn exact_first(container: ContainerFamily, track: &AudioTrack, first: i64, rate: u32) -> i64 {
    let delay = i64::from(pre_skip(&track.params));
    let tick = track.time_base.map_or(0, |base| {
        (i64::from(rate) * i64::from(base.numer.get())).div_euclid(i64::from(base.denom.get())).max(1)
    });
    let block = first + delay;
    let is_delayed =
        container == ContainerFamily::Matroska && track.params.codec == CODEC_ID_OPUS && first < 0;
    if is_delayed && block < tick && block >= -tick { -delay } else { first }
}
