//! Writer for Final Cut Pro's XML, version 1.10 (`.fcpxml`).
//!
//! The lowest video track is the primary storyline; clips of other tracks are connected to it, on lanes. Times are
//! fractions of seconds on the frame boundaries of the sequence. Ids of clips are metadata.

use media_time::MediaTime;

use crate::edit::{
    EditTimeline, GridClip, GridTrack, MAX_GAIN_DB, Media, SILENT_DB, SourceGrid, TrackKind, grid,
};
use crate::frame_rate::FrameRate;
use crate::loss::{Export, LossKind, Losses};
use crate::xml::Xml;

/// Greatest frame rate of a sequence.
const MAX_RATE: u32 = 60;

/// Formats a timeline as FCPXML 1.10. Still images have no metadata, which is a loss; so is a gain above 12 dB.
#[must_use]
pub fn fcpxml(timeline: &EditTimeline) -> Export {
    let mut losses = Losses::default();
    let timeline = &*timeline.at_editing_rate(MAX_RATE, &mut losses);
    timeline.gain_omitted(&mut losses, |gain_db| gain_db > MAX_GAIN_DB);
    let tracks = grid(timeline, SourceGrid::PlayedTimecode, &mut losses);
    for track in &tracks {
        let is_lost = |clip: &&GridClip<'_>| clip.media.is_still() && !clip.clip.metadata.is_empty();
        let stills = track.clips.iter().filter(is_lost).count();
        losses.count(LossKind::MetadataOmitted, format!("track {}", track.track.name), stills, "clip");
    }
    let document = Document { timeline, formats: formats(timeline) };
    let mut xml = Xml::document("fcpxml");
    xml.element("fcpxml", &[("version", "1.10")], |xml| {
        xml.element("resources", &[], |xml| document.resources(xml));
        xml.element("library", &[], |xml| {
            xml.element("event", &[("name", &timeline.name)], |xml| {
                xml.element("project", &[("name", &timeline.name)], |xml| document.sequence(xml, &tracks));
            });
        });
    });
    Export { content: xml.finish(), losses: losses.finish() }
}

struct Document<'a> {
    timeline: &'a EditTimeline,
    /// Distinct frame rates of videos, `None` for stills and unknown ones; of each a `format` resource is declared.
    formats: Vec<Option<FrameRate>>,
}

/// Distinct frame rates of videos; the first is that of the sequence.
fn formats(timeline: &EditTimeline) -> Vec<Option<FrameRate>> {
    let mut formats = vec![Some(timeline.rate)];
    for media in timeline.media.iter().filter(|media| media.has_video) {
        if !formats.contains(&media.rate) {
            formats.push(media.rate);
        }
    }
    formats
}

/// A primary clip, or the space between two, to which other clips are connected.
struct Primary<'a> {
    clip: Option<&'a GridClip<'a>>,
    start: i64,
    end: i64,
    connected: Vec<(i32, &'a GridClip<'a>)>,
}

impl Document<'_> {
    fn resources(&self, xml: &mut Xml) {
        for (index, rate) in self.formats.iter().enumerate() {
            let property = match rate {
                Some(rate) => ("frameDuration", seconds(*rate, 1)),
                None => ("name", "FFVideoFormatRateUndefined".to_owned()),
            };
            xml.empty("format", &borrowed(&[("id", format_id(index)), property]));
        }
        for (index, media) in self.timeline.media.iter().enumerate() {
            self.asset(xml, index, media);
        }
    }

    fn asset(&self, xml: &mut Xml, index: usize, media: &Media) {
        let rate = media.rate.unwrap_or(self.timeline.rate);
        let mut attributes = vec![
            ("id", asset_id(index)),
            ("name", media.name.clone()),
            ("uid", media.id.clone()),
            ("start", seconds(rate, rate.frames(media.timecode(rate)))),
        ];
        if let Some(duration) = media.duration {
            attributes.push(("duration", seconds(rate, rate.frames(duration))));
        }
        if media.has_video {
            attributes.extend([("hasVideo", "1".to_owned()), ("videoSources", "1".to_owned())]);
            let format = self.formats.iter().position(|format| *format == media.rate);
            attributes.push(("format", format_id(format.unwrap_or_default())));
        }
        if media.has_audio() {
            attributes.extend([("hasAudio", "1".to_owned()), ("audioSources", "1".to_owned())]);
            attributes.extend(media.audio_channels.map(|channels| ("audioChannels", channels.to_string())));
            attributes.extend(media.sample_rate.map(|rate| ("audioRate", rate.to_string())));
        }
        xml.element("asset", &borrowed(&attributes), |xml| {
            let source = media.url.clone().unwrap_or_else(|| format!("./{}", super::url_path(&media.name)));
            xml.empty("media-rep", &[("kind", "original-media"), ("src", &source)]);
        });
    }

    fn sequence(&self, xml: &mut Xml, tracks: &[GridTrack<'_>]) {
        let rate = self.timeline.rate;
        let primaries = primaries(tracks);
        let duration = primaries.last().map_or(0, |primary| primary.end);
        let attributes = [
            ("format", format_id(0)),
            ("duration", seconds(rate, duration)),
            ("tcStart", "0s".to_owned()),
            ("tcFormat", timecode_format(rate.is_drop_frame())),
            ("audioLayout", "stereo".to_owned()),
            ("audioRate", "48k".to_owned()),
        ];
        xml.element("sequence", &borrowed(&attributes), |xml| {
            xml.element("spine", &[], |xml| {
                for primary in &primaries {
                    self.primary(xml, primary);
                }
            });
        });
    }

    fn primary(&self, xml: &mut Xml, primary: &Primary<'_>) {
        let rate = self.timeline.rate;
        let offset = seconds(rate, primary.start);
        let Some(clip) = primary.clip else {
            let attributes = [
                ("name", "Gap".to_owned()),
                ("offset", offset),
                ("start", "0s".to_owned()),
                ("duration", seconds(rate, primary.end - primary.start)),
            ];
            return xml.element("gap", &borrowed(&attributes), |xml| self.anchored(xml, primary, 0));
        };
        self.clip(xml, clip, offset, None, true, |xml| self.anchored(xml, primary, clip.source_frame));
    }

    /// Connected clips of a primary clip, whose own time begins at frame `start`.
    fn anchored(&self, xml: &mut Xml, primary: &Primary<'_>, start: i64) {
        let rate = self.timeline.rate;
        for (lane, clip) in &primary.connected {
            let offset = seconds(rate, start + clip.start - primary.start);
            self.clip(xml, clip, offset, Some(*lane), *lane > 0, |_| ());
        }
    }

    fn clip(
        &self,
        xml: &mut Xml,
        clip: &GridClip<'_>,
        offset: String,
        lane: Option<i32>,
        is_video: bool,
        anchored: impl FnOnce(&mut Xml),
    ) {
        let rate = self.timeline.rate;
        let mut attributes = vec![
            ("ref", asset_id(clip.clip.media)),
            ("name", clip.clip.name.clone()),
            ("offset", offset),
            ("start", seconds(rate, clip.source_frame)),
            ("duration", seconds(rate, clip.frames())),
        ];
        attributes.extend(lane.map(|lane| ("lane", lane.to_string())));
        let is_still = clip.media.is_still();
        if !is_still {
            attributes.push(("tcFormat", timecode_format(clip.media.is_drop_frame(rate))));
            let enabled = self.enabled_part(clip.media, is_video);
            attributes.extend(enabled.map(|part| ("srcEnable", part.to_owned())));
        }
        let element = if is_still { "video" } else { "asset-clip" };
        xml.element(element, &borrowed(&attributes), |xml| {
            if let Some(rate) = clip.media.rate.filter(|media| *media != rate).and_then(conformed_rate) {
                xml.empty("conform-rate", &[("scaleEnabled", "0"), ("srcFrameRate", rate)]);
            }
            if clip.clip.speed != 1.0 {
                self.time_map(xml, clip);
            }
            let plays_audio = clip.media.has_audio() && (!is_video || self.timeline.embedded_audio);
            if plays_audio && clip.clip.gain_db != 0.0 {
                let gain_db = clip.clip.gain_db.clamp(SILENT_DB, MAX_GAIN_DB);
                xml.empty("adjust-volume", &[("amount", &format!("{gain_db}dB"))]);
            }
            anchored(xml);
            if !is_still && !clip.clip.metadata.is_empty() {
                metadata(xml, &clip.clip.metadata);
            }
        });
    }

    /// The only part of the file that a clip plays; `None` if it plays all of it.
    fn enabled_part(&self, media: &Media, is_video: bool) -> Option<&'static str> {
        let has_both = media.has_video && media.has_audio();
        match (is_video, self.timeline.embedded_audio) {
            (false, _) => has_both.then_some("audio"),
            (true, false) => has_both.then_some("video"),
            (true, true) => None,
        }
    }

    /// Maps the clip's own time, which begins with the file, to time of the file.
    fn time_map(&self, xml: &mut Xml, clip: &GridClip<'_>) {
        let rate = self.timeline.rate;
        let timecode = clip.media.timecode(rate);
        let end = clip.source_frame + clip.frames();
        let at_end = timecode + super::scaled(rate.time(end) - timecode, clip.clip.speed);
        xml.element("timeMap", &[("preservesPitch", "1")], |xml| {
            for (local, file) in [(rate.frames(timecode), timecode), (end, at_end)] {
                let (time, value) = (seconds(rate, local), micros(file));
                xml.empty("timept", &[("time", &time), ("value", &value), ("interp", "linear")]);
            }
        });
    }
}

/// Properties of a clip; keys begin with the name of this program.
fn metadata(xml: &mut Xml, properties: &[(String, String)]) {
    xml.element("metadata", &[], |xml| {
        for (name, value) in properties {
            xml.empty("md", &[("key", &format!("harkback.{name}")), ("value", value)]);
        }
    });
}

/// Divides the timeline into primary clips and gaps, and connects all else to the one in which it starts.
fn primaries<'a>(tracks: &'a [GridTrack<'a>]) -> Vec<Primary<'a>> {
    let first = tracks.iter().position(|track| track.track.kind == TrackKind::Video);
    let end = tracks.iter().flat_map(|track| track.clips.iter().map(|clip| clip.end)).max().unwrap_or(0);
    let mut primaries = Vec::new();
    let primary = |clip, start, end| Primary { clip, start, end, connected: Vec::new() };
    let mut at = 0;
    for clip in first.map_or(&[][..], |first| &tracks[first].clips[..]) {
        if clip.start > at {
            primaries.push(primary(None, at, clip.start));
        }
        primaries.push(primary(Some(clip), clip.start, clip.end));
        at = clip.end;
    }
    if end > at {
        primaries.push(primary(None, at, end));
    }
    let (mut above, mut below) = (0, 0);
    for (index, track) in tracks.iter().enumerate() {
        if Some(index) == first {
            continue;
        }
        let lane = match track.track.kind {
            TrackKind::Video => {
                above += 1;
                above
            }
            TrackKind::Audio => {
                below -= 1;
                below
            }
        };
        for clip in &track.clips {
            if let Some(primary) = containing(&mut primaries, clip.start) {
                primary.connected.push((lane, clip));
            }
        }
    }
    primaries
}

/// The primary in which `frame` is, or the last.
fn containing<'a, 'b>(primaries: &'b mut [Primary<'a>], frame: i64) -> Option<&'b mut Primary<'a>> {
    let index = primaries.partition_point(|primary| primary.start <= frame);
    primaries.get_mut(index.saturating_sub(1))
}

fn format_id(index: usize) -> String {
    format!("r{}", index + 1)
}

fn asset_id(index: usize) -> String {
    format!("a{}", index + 1)
}

fn timecode_format(drop_frame: bool) -> String {
    if drop_frame { "DF" } else { "NDF" }.to_owned()
}

/// The name of a rate that `conform-rate` knows.
fn conformed_rate(rate: FrameRate) -> Option<&'static str> {
    Some(match (rate.numerator(), rate.denominator()) {
        (24_000, 1_001) => "23.98",
        (24, 1) => "24",
        (25, 1) => "25",
        (30_000, 1_001) => "29.97",
        (30, 1) => "30",
        (48_000, 1_001) => "47.95",
        (48, 1) => "48",
        (50, 1) => "50",
        (60_000, 1_001) => "59.94",
        (60, 1) => "60",
        _ => return None,
    })
}

/// Frames as a fraction of seconds in lowest terms: `1001/30000s`.
fn seconds(rate: FrameRate, frames: i64) -> String {
    fraction(frames * i64::from(rate.denominator()), i64::from(rate.numerator()))
}

fn micros(time: MediaTime) -> String {
    fraction(time.as_micros(), 1_000_000)
}

fn fraction(numerator: i64, denominator: i64) -> String {
    let (mut a, mut b) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = i64::try_from(a).unwrap_or(1).max(1);
    match (numerator / divisor, denominator / divisor) {
        (whole, 1) => format!("{whole}s"),
        (numerator, denominator) => format!("{numerator}/{denominator}s"),
    }
}

fn borrowed<'a>(attributes: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    attributes.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
