//! Writer for Final Cut Pro 7's XML, version 5 (`.xml`), which Premiere Pro and Resolve import.
//!
//! Every audio channel is a clip on a track of its own, as in the editor; the clips of one file are linked. Their in and out
//! points count from the start of the file, whose source timecode is a property of the file.

use crate::edit::{EditTimeline, GridClip, GridTrack, MAX_GAIN_DB, Media, SourceGrid, TrackKind, grid};
use crate::frame_rate::FrameRate;
use crate::loss::{Export, LossKind, Losses};
use crate::xml::Xml;

/// Greatest rate of its editors.
const MAX_RATE: u32 = 120;
/// Maximum number of audio channels of a clip.
const MAX_CHANNELS: u32 = 8;

/// Formats a timeline as xmeml 5. Ids, unknown timecodes, and channels beyond the eighth are losses; so are those beyond
/// the first if their number is unknown, and gains above 12 dB.
#[must_use]
pub fn fcp7xml(timeline: &EditTimeline) -> Export {
    let mut losses = Losses::default();
    let timeline = &*timeline.at_editing_rate(MAX_RATE, &mut losses);
    timeline.timecode_unknown(&mut losses);
    timeline.metadata_omitted(&mut losses);
    timeline.gain_omitted(&mut losses, |gain_db| gain_db > MAX_GAIN_DB);
    let tracks = grid(timeline, SourceGrid::Played, &mut losses);
    let duration = tracks.iter().flat_map(|track| track.clips.iter().map(|clip| clip.end)).max().unwrap_or(0);
    let mut document =
        Document { timeline, written: vec![false; timeline.media.len()], number: 0, audio_tracks: 0 };
    let mut xml = Xml::document("xmeml");
    xml.element("xmeml", &[("version", "5")], |xml| {
        xml.element("sequence", &[("id", "sequence-1")], |xml| {
            xml.text("name", &timeline.name);
            xml.text("duration", &duration.to_string());
            write_rate(xml, timeline.rate);
            timecode(xml, timeline.rate, 0, timeline.rate.is_drop_frame());
            xml.element("media", &[], |xml| {
                xml.element("video", &[], |xml| {
                    xml.element("format", &[], |xml| characteristics(xml, timeline.rate));
                    for track in tracks.iter().filter(|track| track.track.kind == TrackKind::Video) {
                        document.video_track(xml, track);
                    }
                });
                xml.element("audio", &[], |xml| {
                    for track in tracks.iter().filter(|track| track.track.kind == TrackKind::Audio) {
                        document.audio_tracks(xml, track, &mut losses);
                    }
                });
            });
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
    /// Audio tracks written so far.
    audio_tracks: usize,
}

/// A channel of an audio clip on its track.
struct Channel {
    /// Number of the clip in the document.
    clip: usize,
    /// Number of the track among the audio tracks, from 1.
    track: usize,
    /// Number of the clip on the track, from 1.
    position: usize,
}

/// Audio channels of a clip that are written.
fn channels(media: &Media) -> u32 {
    media.audio_channels.unwrap_or(1).clamp(1, MAX_CHANNELS)
}

impl Document<'_> {
    fn video_track(&mut self, xml: &mut Xml, track: &GridTrack<'_>) {
        write_track(xml, |xml| {
            for clip in &track.clips {
                self.number += 1;
                let id = self.number;
                self.clip(xml, clip, id, |xml| {
                    xml.element("sourcetrack", &[], |xml| xml.text("mediatype", "video"));
                });
            }
        });
    }

    /// Writes a track for each channel; clips with fewer channels are on the first ones.
    fn audio_tracks(&mut self, xml: &mut Xml, track: &GridTrack<'_>, losses: &mut Losses) {
        let omits = |clip: &&GridClip<'_>| clip.media.audio_channels.is_none_or(|count| count > MAX_CHANNELS);
        let omitted = track.clips.iter().filter(omits).count();
        losses.count(LossKind::ChannelsOmitted, format!("track {}", track.track.name), omitted, "clip");
        let count = track.clips.iter().map(|clip| channels(clip.media)).max().unwrap_or(1);
        // The clips of each channel are known before they are written: links name them.
        let mut linked: Vec<Vec<Channel>> = track.clips.iter().map(|_| Vec::new()).collect();
        for channel in 1..=count {
            self.audio_tracks += 1;
            let mut position = 0;
            for (clip, linked) in track.clips.iter().zip(&mut linked) {
                if channels(clip.media) >= channel {
                    self.number += 1;
                    position += 1;
                    linked.push(Channel { clip: self.number, track: self.audio_tracks, position });
                }
            }
        }
        for channel in 1..=count {
            write_track(xml, |xml| {
                for (clip, linked) in track.clips.iter().zip(&linked) {
                    let Some(own) = linked.get(channel as usize - 1) else { continue };
                    self.clip(xml, clip, own.clip, |xml| {
                        xml.element("sourcetrack", &[], |xml| {
                            xml.text("mediatype", "audio");
                            xml.text("trackindex", &channel.to_string());
                        });
                        if clip.clip.gain_db != 0.0 {
                            level(xml, clip.clip.gain_db);
                        }
                        if linked.len() > 1 {
                            linked.iter().for_each(|channel| link(xml, channel));
                        }
                    });
                }
            });
        }
    }

    /// Writes a clip with what `source` writes between its file and its speed.
    fn clip(&mut self, xml: &mut Xml, clip: &GridClip<'_>, id: usize, source: impl FnOnce(&mut Xml)) {
        let rate = self.timeline.rate;
        // With a speed, times of the clip count played frames.
        let length = clip.media.duration.map(|duration| super::scaled(duration, 1.0 / clip.clip.speed));
        let source_out = clip.source_frame + clip.frames();
        let length = length.map_or(0, |length| rate.frames(length)).max(source_out);
        xml.element("clipitem", &[("id", &clip_id(id))], |xml| {
            xml.text("name", &clip.clip.name);
            xml.text("enabled", "TRUE");
            xml.text("duration", &length.to_string());
            write_rate(xml, rate);
            xml.text("start", &clip.start.to_string());
            xml.text("end", &clip.end.to_string());
            xml.text("in", &clip.source_frame.to_string());
            xml.text("out", &source_out.to_string());
            self.file(xml, clip.clip.media, clip.media);
            source(xml);
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
            xml.text("pathurl", &media.url_or_name());
            write_rate(xml, rate);
            if let Some(duration) = media.duration {
                xml.text("duration", &rate.frames(duration).to_string());
            }
            timecode(xml, rate, rate.frames(media.timecode(rate)), media.is_drop_frame(rate));
            xml.element("media", &[], |xml| {
                if media.has_video {
                    xml.element("video", &[], |xml| characteristics(xml, rate));
                }
                if media.has_audio() {
                    xml.element("audio", &[], |xml| {
                        xml.element("samplecharacteristics", &[], |xml| {
                            xml.text("depth", "16");
                            xml.text("samplerate", &media.sample_rate.unwrap_or(48_000).to_string());
                        });
                        xml.text("channelcount", &media.audio_channels.unwrap_or(1).to_string());
                    });
                }
            });
        });
    }
}

fn clip_id(number: usize) -> String {
    format!("clipitem-{number}")
}

fn write_track(xml: &mut Xml, clips: impl FnOnce(&mut Xml)) {
    xml.element("track", &[], |xml| {
        clips(xml);
        xml.text("enabled", "TRUE");
        xml.text("locked", "FALSE");
    });
}

fn link(xml: &mut Xml, channel: &Channel) {
    xml.element("link", &[], |xml| {
        xml.text("linkclipref", &clip_id(channel.clip));
        xml.text("mediatype", "audio");
        xml.text("trackindex", &channel.track.to_string());
        xml.text("clipindex", &channel.position.to_string());
    });
}

fn characteristics(xml: &mut Xml, rate: FrameRate) {
    xml.element("samplecharacteristics", &[], |xml| {
        write_rate(xml, rate);
        xml.text("pixelaspectratio", "square");
    });
}

fn write_rate(xml: &mut Xml, rate: FrameRate) {
    xml.element("rate", &[], |xml| {
        xml.text("timebase", &rate.nominal().to_string());
        xml.text("ntsc", if rate.is_ntsc() { "TRUE" } else { "FALSE" });
    });
}

fn timecode(xml: &mut Xml, rate: FrameRate, frame: i64, drop_frame: bool) {
    xml.element("timecode", &[], |xml| {
        write_rate(xml, rate);
        xml.text("string", &rate.timecode_in(frame, drop_frame));
        xml.text("frame", &frame.to_string());
        xml.text("displayformat", if drop_frame { "DF" } else { "NDF" });
    });
}

/// Writes the gain of an audio clip, as the factor of its amplitude.
fn level(xml: &mut Xml, gain_db: f64) {
    let factor = |gain_db: f64| format!("{:.6}", 10_f64.powf(gain_db / 20.0));
    xml.element("filter", &[], |xml| {
        xml.element("effect", &[], |xml| {
            xml.text("name", "Audio Levels");
            xml.text("effectid", "audiolevels");
            xml.text("effectcategory", "audiolevels");
            xml.text("effecttype", "audiolevels");
            xml.text("mediatype", "audio");
            xml.element("parameter", &[("authoringApp", "harkback")], |xml| {
                xml.text("parameterid", "level");
                xml.text("name", "Level");
                xml.text("valuemin", "0");
                xml.text("valuemax", &factor(MAX_GAIN_DB));
                xml.text("value", &factor(gain_db.min(MAX_GAIN_DB)));
            });
        });
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
