//! Writer for Final Cut Pro 7's XML, version 5 (`.xml`), which Premiere Pro and Resolve import.

use crate::edit::{EditTimeline, GridClip, GridTrack, Marker, Media, TrackKind, grid};
use crate::frame_rate::FrameRate;
use crate::loss::{Export, Losses};
use crate::xml::Xml;

/// Greatest rate of its editors.
const MAX_RATE: u32 = 120;

/// Formats a timeline as xmeml 5.
#[must_use]
pub fn fcp7xml(timeline: &EditTimeline) -> Export {
    let mut losses = Losses::default();
    let timeline = &*timeline.at_editing_rate(MAX_RATE, &mut losses);
    let tracks = grid(timeline, &mut losses);
    let duration = tracks.iter().flat_map(|track| track.clips.iter().map(|clip| clip.end)).max().unwrap_or(0);
    let mut document = Document { timeline, written: vec![false; timeline.media.len()], number: 0 };
    let mut xml = Xml::document("xmeml");
    xml.element("xmeml", &[("version", "5")], |xml| {
        xml.element("sequence", &[("id", "sequence-1")], |xml| {
            xml.text("name", &timeline.name);
            xml.text("duration", &duration.to_string());
            write_rate(xml, timeline.rate);
            timecode(xml, timeline.rate, 0);
            xml.element("media", &[], |xml| {
                xml.element("video", &[], |xml| {
                    xml.element("format", &[], |xml| characteristics(xml, timeline.rate, timeline.size));
                    document.tracks(xml, &tracks, TrackKind::Video);
                });
                xml.element("audio", &[], |xml| document.tracks(xml, &tracks, TrackKind::Audio));
            });
            for marker in &timeline.markers {
                write_marker(xml, timeline.rate, marker);
            }
        });
    });
    Export { content: xml.finish(), losses: losses.finish() }
}

struct Document<'a> {
    timeline: &'a EditTimeline,
    /// Media that have been described; later clips refer to them by id alone.
    written: Vec<bool>,
    /// Clips written so far.
    number: usize,
}

impl Document<'_> {
    fn tracks(&mut self, xml: &mut Xml, tracks: &[GridTrack<'_>], kind: TrackKind) {
        for track in tracks.iter().filter(|track| track.track.kind == kind) {
            xml.element("track", &[], |xml| {
                for clip in &track.clips {
                    self.clip(xml, clip, kind);
                }
                xml.text("enabled", "TRUE");
                xml.text("locked", "FALSE");
            });
        }
    }

    fn clip(&mut self, xml: &mut Xml, clip: &GridClip<'_>, kind: TrackKind) {
        let rate = self.timeline.rate;
        self.number += 1;
        // With a speed, times of the clip count played frames.
        let played = super::scaled(clip.source_start, 1.0 / clip.clip.speed);
        let source_in = rate.frames(played);
        let length = clip.media.duration.map(|duration| super::scaled(duration, 1.0 / clip.clip.speed));
        let length = length.map_or(0, |length| rate.frames(length)).max(source_in + clip.frames());
        xml.element("clipitem", &[("id", &format!("clipitem-{}", self.number))], |xml| {
            xml.text("name", &clip.clip.name);
            xml.text("enabled", "TRUE");
            xml.text("duration", &length.to_string());
            write_rate(xml, rate);
            xml.text("start", &clip.start.to_string());
            xml.text("end", &clip.end.to_string());
            xml.text("in", &source_in.to_string());
            xml.text("out", &(source_in + clip.frames()).to_string());
            self.file(xml, clip.clip.media, clip.media);
            xml.element("sourcetrack", &[], |xml| {
                xml.text("mediatype", if kind == TrackKind::Video { "video" } else { "audio" });
                if kind == TrackKind::Audio {
                    xml.text("trackindex", "1");
                }
            });
            if clip.clip.speed != 1.0 {
                speed(xml, clip.clip.speed);
            }
        });
    }

    fn file(&mut self, xml: &mut Xml, index: usize, media: &Media) {
        let id = format!("file-{}", index + 1);
        if std::mem::replace(&mut self.written[index], true) {
            return xml.empty("file", &[("id", &id)]);
        }
        let rate = media.rate.map_or(self.timeline.rate, |rate| rate.editing_rate(MAX_RATE));
        xml.element("file", &[("id", &id)], |xml| {
            xml.text("name", &media.name);
            xml.text("pathurl", media.url.as_deref().unwrap_or(&media.name));
            write_rate(xml, rate);
            if let Some(duration) = media.duration {
                xml.text("duration", &rate.frames(duration).to_string());
            }
            timecode(xml, rate, rate.frames(media.start_timecode));
            xml.element("media", &[], |xml| {
                if let Some(rate) = media.rate {
                    xml.element("video", &[], |xml| characteristics(xml, rate, media.size));
                }
                if media.audio_channels > 0 {
                    xml.element("audio", &[], |xml| {
                        xml.element("samplecharacteristics", &[], |xml| {
                            xml.text("depth", "16");
                            xml.text("samplerate", &media.sample_rate.unwrap_or(48_000).to_string());
                        });
                        xml.text("channelcount", &media.audio_channels.to_string());
                    });
                }
            });
        });
    }
}

fn characteristics(xml: &mut Xml, rate: FrameRate, size: Option<(u32, u32)>) {
    xml.element("samplecharacteristics", &[], |xml| {
        write_rate(xml, rate.editing_rate(MAX_RATE));
        if let Some((width, height)) = size {
            xml.text("width", &width.to_string());
            xml.text("height", &height.to_string());
        }
        xml.text("pixelaspectratio", "square");
    });
}

fn write_rate(xml: &mut Xml, rate: FrameRate) {
    xml.element("rate", &[], |xml| {
        xml.text("timebase", &rate.nominal().to_string());
        xml.text("ntsc", if rate.is_ntsc() { "TRUE" } else { "FALSE" });
    });
}

fn timecode(xml: &mut Xml, rate: FrameRate, frame: i64) {
    xml.element("timecode", &[], |xml| {
        write_rate(xml, rate);
        xml.text("string", &rate.timecode(frame));
        xml.text("frame", &frame.to_string());
        xml.text("displayformat", if rate.is_drop_frame() { "DF" } else { "NDF" });
    });
}

fn speed(xml: &mut Xml, speed: f64) {
    xml.element("filter", &[], |xml| {
        xml.element("effect", &[], |xml| {
            xml.text("name", "Time Remap");
            xml.text("effectid", "timeremap");
            xml.text("effectcategory", "motion");
            xml.text("effecttype", "motion");
            xml.text("mediatype", "video");
            for (id, value) in [("variablespeed", "0".to_owned()), ("speed", (speed * 100.0).to_string())] {
                xml.element("parameter", &[("authoringApp", "harkback")], |xml| {
                    xml.text("parameterid", id);
                    xml.text("name", id);
                    xml.text("value", &value);
                });
            }
        });
    });
}

fn write_marker(xml: &mut Xml, rate: FrameRate, marker: &Marker) {
    let (start, end) = (rate.frames(marker.window.start()), rate.frames(marker.window.end()));
    xml.element("marker", &[], |xml| {
        xml.text("comment", &marker.note);
        xml.text("name", &marker.name);
        xml.text("in", &start.to_string());
        xml.text("out", &if end > start { end } else { -1 }.to_string());
    });
}
