//! Writer for CMX 3600 edit decision lists (`.edl`).
//!
//! A list has one video track, events of eight-character reels, and one frame rate for sources and record.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::edit::{EditTimeline, GridClip, SourceGrid, TrackKind, grid};
use crate::loss::{Export, LossKind, Losses};
use crate::text::one_line;

/// Events that a CMX 3600 system can number.
const MAX_EVENTS: usize = 999;
/// Greatest frame rate whose frames have two digits in all systems.
const MAX_RATE: u32 = 60;
/// Maximum length of a reel's name.
const MAX_REEL: usize = 8;
/// Audio channels of an event's track column.
const MAX_AUDIO_TRACKS: usize = 4;

/// Formats the lowest video track and up to four audio tracks; others are losses, as are ids, gains, the parts of file
/// names that are not in reels, and unknown timecodes. The whole names are comments.
#[must_use]
pub fn edl(timeline: &EditTimeline) -> Export {
    let mut losses = Losses::default();
    let timeline = &*timeline.at_editing_rate(MAX_RATE, &mut losses);
    let rate = timeline.rate;
    let reels = reels(timeline, &mut losses);
    timeline.timecode_unknown(&mut losses);
    timeline.metadata_omitted(&mut losses);
    timeline.gain_omitted(&mut losses, |gain_db| gain_db != 0.0);
    let mut text = format!("TITLE: {}\n", one_line(&timeline.name));
    text.push_str(if rate.is_drop_frame() { "FCM: DROP FRAME\n\n" } else { "FCM: NON-DROP FRAME\n\n" });
    let mut events = Vec::new();
    let (mut video, mut audio) = (0, 0);
    for track in grid(timeline, SourceGrid::Timecode, &mut losses) {
        let channel = match track.track.kind {
            TrackKind::Video if video == 0 => "V".to_owned(),
            TrackKind::Audio if audio == 0 => "A".to_owned(),
            TrackKind::Audio if audio < MAX_AUDIO_TRACKS => format!("A{}", audio + 1),
            _ => {
                let place = format!("track {}", track.track.name);
                losses.count(LossKind::TrackOmitted, place, track.clips.len(), "clip");
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
        losses.count(LossKind::EventsBeyond999, "", events.len(), "event");
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
    let source_end = clip.source_frame + clip.source_frames();
    // Each timecode has its own sign of drop frame; `FCM` is that of the record side.
    let drop_frame = clip.media.is_drop_frame(rate);
    let [source_in, source_out] =
        [clip.source_frame, source_end].map(|frame| rate.timecode_in(frame, drop_frame));
    let [record_in, record_out] = [clip.start, clip.end].map(|frame| rate.timecode(frame));
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
fn reels(timeline: &EditTimeline, losses: &mut Losses) -> HashMap<usize, String> {
    let mut used = HashSet::new();
    // The last number of the reels with the same beginning.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut reels = HashMap::new();
    for (index, media) in timeline.media.iter().enumerate() {
        let stem = media.name.rsplit_once('.').map_or(media.name.as_str(), |(stem, _)| stem);
        let letters =
            stem.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
        let mut base: String = letters.take(MAX_REEL).collect();
        if base.is_empty() {
            base = "REEL".to_owned();
        }
        let number = numbers.entry(base.clone()).or_insert(0);
        let reel = loop {
            *number += 1;
            let reel = numbered(&base, *number);
            if used.insert(reel.clone()) {
                break reel;
            }
        };
        if !reel.eq_ignore_ascii_case(stem) {
            losses.count(LossKind::ReelShortened, "", 1, "file");
        }
        reels.insert(index, reel);
    }
    reels
}

/// `base` with a number behind it, unless it is the first; at most [`MAX_REEL`] characters, of which one is of `base`.
fn numbered(base: &str, number: usize) -> String {
    if number == 1 {
        return base.to_owned();
    }
    let suffix = number.to_string();
    format!("{}{suffix}", &base[..base.len().min(MAX_REEL.saturating_sub(suffix.len()).max(1))])
}
