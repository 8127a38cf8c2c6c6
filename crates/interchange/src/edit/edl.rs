//! Writer for CMX 3600 edit decision lists (`.edl`).
//!
//! A list has one video track, events of eight-character reels, and one frame rate for sources and record.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::edit::{EditTimeline, GridClip, TrackKind, grid};
use crate::loss::{Export, Losses};

/// Events that a CMX 3600 system can number.
const MAX_EVENTS: usize = 999;
/// Greatest frame rate whose frames have two digits in all systems.
const MAX_RATE: u32 = 60;
/// Audio channels of an event's track column.
const MAX_AUDIO_TRACKS: usize = 4;

/// Formats the lowest video track and up to four audio tracks; others are losses.
#[must_use]
pub fn edl(timeline: &EditTimeline) -> Export {
    let mut losses = Losses::default();
    let timeline = &*timeline.at_editing_rate(MAX_RATE, &mut losses);
    let rate = timeline.rate;
    let reels = reels(timeline);
    let mut text = format!("TITLE: {}\n", one_line(&timeline.name));
    text.push_str(if rate.is_drop_frame() { "FCM: DROP FRAME\n\n" } else { "FCM: NON-DROP FRAME\n\n" });
    let mut events = Vec::new();
    let (mut video, mut audio) = (0, 0);
    for track in grid(timeline, &mut losses) {
        let channel = match track.track.kind {
            TrackKind::Video if video == 0 => "V".to_owned(),
            TrackKind::Audio if audio == 0 => "A".to_owned(),
            TrackKind::Audio if audio < MAX_AUDIO_TRACKS => format!("A{}", audio + 1),
            _ => {
                losses.add("track_omitted", format!("track {}", track.track.name));
                continue;
            }
        };
        match track.track.kind {
            TrackKind::Video => video += 1,
            TrackKind::Audio => audio += 1,
        }
        events.extend(track.clips.into_iter().map(|clip| (channel.clone(), clip)));
    }
    events.sort_by_key(|(_, clip)| clip.start);
    for (index, (channel, clip)) in events.iter().enumerate() {
        if let Some(reel) = reels.get(&clip.clip.media) {
            event(&mut text, timeline, index + 1, channel, clip, reel);
        }
    }
    if events.len() > MAX_EVENTS {
        losses.add("events_beyond_999", format!("{} events", events.len()));
    }
    if !timeline.markers.is_empty() {
        losses.add("marker_omitted", format!("{} markers of the timeline", timeline.markers.len()));
    }
    Export { content: text.into_bytes(), losses: losses.finish() }
}

fn event(
    text: &mut String,
    timeline: &EditTimeline,
    number: usize,
    channel: &str,
    clip: &GridClip<'_>,
    reel: &str,
) {
    let rate = timeline.rate;
    let source_start = rate.frames(clip.media.start_timecode + clip.source_start);
    let source_frames = ((clip.frames() as f64 * clip.clip.speed).round() as i64).max(1);
    let [source_in, source_out, record_in, record_out] =
        [source_start, source_start + source_frames, clip.start, clip.end].map(|frame| rate.timecode(frame));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{number:03}  {reel:<8} {channel:<5} C        {source_in} {source_out} {record_in} {record_out}"
    );
    if clip.clip.speed != 1.0 {
        let fps = rate.as_f64() * clip.clip.speed;
        // Motion lines have no notation of drop frame.
        let source_in = source_in.replace(';', ":");
        let _ = writeln!(text, "M2   {reel:<8} {fps:>7.3}                {source_in}");
    }
    let _ = writeln!(text, "* FROM CLIP NAME: {}", one_line(&clip.clip.name));
    let file = clip.media.url.as_deref().unwrap_or(&clip.media.name);
    let _ = writeln!(text, "* SOURCE FILE: {}\n", one_line(file));
}

/// Reel names of the media by index: at most eight capitals and digits from the file's name, unique.
fn reels(timeline: &EditTimeline) -> HashMap<usize, String> {
    let mut used = HashSet::new();
    let mut reels = HashMap::new();
    for (index, media) in timeline.media.iter().enumerate() {
        let stem = media.name.rsplit_once('.').map_or(media.name.as_str(), |(stem, _)| stem);
        let letters =
            stem.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
        let mut base: String = letters.take(8).collect();
        if base.is_empty() {
            base = "REEL".to_owned();
        }
        let mut reel = base.clone();
        let mut number = 1;
        while !used.insert(reel.clone()) {
            number += 1;
            let suffix = number.to_string();
            reel = format!("{}{suffix}", &base[..base.len().min(8 - suffix.len().min(7))]);
        }
        reels.insert(index, reel);
    }
    reels
}

/// `text` without line breaks and control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
