//! Writes made timelines and annotations in all formats, each beside what it was made of (`truth.json`), for independent
//! readers to compare: `cargo run --package interchange --example exports -- DIRECTORY [COUNT]`.

mod made;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use interchange::captions::{Caption, CaptionLimits, captions};
use interchange::edit::{EditTimeline, TrackKind, csv, edl, fcp7, fcpxml, otio};
use interchange::loss::Export;
use interchange::notes::{
    Annotations, audacity, ctm, ffmetadata, jams, markers, midi, podcast_chapters, rttm, textgrid,
};
use interchange::vtt::vtt;
use interchange::words::TimedText;
use made::Made;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("usage: exports DIRECTORY [COUNT]")?);
    let count: u64 = arguments.next().map_or(Ok(20), |count| count.parse())?;
    for seed in 0..count {
        let mut made = Made::new(seed);
        write_edit(&directory.join(format!("edit{seed}")), &made.timeline())?;
        write_notes(&directory.join(format!("notes{seed}")), &made.annotations())?;
    }
    Ok(())
}

fn write_edit(directory: &Path, timeline: &EditTimeline) -> Result<(), Box<dyn Error>> {
    let exports = [
        ("otio", otio::otio(timeline)),
        ("fcpxml", fcpxml::fcpxml(timeline)),
        ("xml", fcp7::fcp7xml(timeline)),
        ("edl", edl::edl(timeline)),
        ("csv", csv::csv(timeline)),
    ];
    let tracks: Vec<Value> = timeline
        .tracks
        .iter()
        .map(|track| {
            let clips: Vec<Value> = track
                .clips
                .iter()
                .map(|clip| {
                    json!({
                        "name": clip.name,
                        "start": clip.target.start().as_micros(),
                        "end": clip.target.end().as_micros(),
                        "source": clip.source_start.as_micros(),
                        "speed": clip.speed,
                        "gain_db": clip.gain_db,
                        "media": clip.media,
                    })
                })
                .collect();
            json!({"name": track.name, "is_video": track.kind == TrackKind::Video, "clips": clips})
        })
        .collect();
    let media: Vec<Value> = timeline
        .media
        .iter()
        .map(|media| {
            json!({
                "name": media.name,
                "url": media.url,
                "timecode": media.start_timecode.map(|timecode| timecode.time.as_micros()),
                "channels": media.audio_channels,
                "has_video": media.has_video,
                "duration": media.duration.map(media_time::MediaTime::as_micros),
                "fps": media.rate.map(interchange::frame_rate::FrameRate::as_f64),
            })
        })
        .collect();
    let truth = json!({
        "name": timeline.name,
        "rate": [timeline.rate.numerator(), timeline.rate.denominator()],
        "tracks": tracks,
        "media": media,
        "embedded_audio": timeline.embedded_audio,
    });
    write(directory, &truth, &exports)
}

fn write_notes(directory: &Path, annotations: &Annotations) -> Result<(), Box<dyn Error>> {
    let rate = annotations.media.rate.unwrap_or(made::RATE);
    let exports = [
        ("otio", markers::otio(annotations)),
        ("edl", markers::resolve_edl(annotations, rate)),
        ("reaper.csv", markers::reaper_csv(annotations)),
        ("audition.csv", markers::audition_csv(annotations)),
        ("txt", audacity::audacity(annotations)),
        ("mid", midi::midi(annotations)),
        ("chapters.json", podcast_chapters::podcast_chapters(annotations)),
        ("ffmetadata", ffmetadata::ffmetadata(annotations)),
        ("jams", jams::jams(annotations)),
        ("rttm", rttm::rttm(annotations)),
        ("ctm", ctm::ctm(annotations)),
        ("TextGrid", textgrid::textgrid(annotations)),
    ];
    let events: Vec<Value> = annotations
        .events
        .iter()
        .map(|event| {
            json!({
                "kind": event.kind,
                "start": event.window.start().as_micros(),
                "end": event.window.end().as_micros(),
                "text": event.text,
                "speaker": event.speaker,
            })
        })
        .collect();
    let beats: Vec<Value> = annotations
        .beats
        .iter()
        .map(|beat| json!({"time": beat.time.as_micros(), "position": beat.position}))
        .collect();
    let turns: Vec<Value> = annotations
        .turns
        .iter()
        .map(|turn| {
            json!({
                "speaker": turn.speaker,
                "start": turn.window.start().as_micros(),
                "end": turn.window.end().as_micros(),
            })
        })
        .collect();
    let words: Vec<Value> = annotations
        .words
        .iter()
        .map(|word| json!({"text": word.text, "start_ms": word.start_ms, "end_ms": word.end_ms}))
        .collect();
    let captions = made_captions(annotations);
    let truth = json!({
        "name": annotations.media.name,
        "duration": annotations.duration.as_micros(),
        "rate": [rate.numerator(), rate.denominator()],
        "events": events,
        "turns": turns,
        "beats": beats,
        "words": words,
        "captions": captions.iter().map(truth_of_caption).collect::<Vec<_>>(),
    });
    write(directory, &truth, &exports)?;
    Ok(fs::write(directory.join("export.vtt"), vtt(&captions))?)
}

/// Captions of the words, with characters that mean something in WebVTT.
fn made_captions(annotations: &Annotations) -> Vec<Caption> {
    let mut words = annotations.words.clone();
    for (index, word) in words.iter_mut().enumerate() {
        word.text = [word.text.as_str(), "A & B", "<i>", "--> x", "ÄÉ漢"][index % 5].to_owned();
    }
    let duration_ms = annotations.duration.as_millis_ceil();
    captions(&TimedText { words, duration_ms, language: None }, &CaptionLimits::DEFAULT)
}

fn truth_of_caption(caption: &Caption) -> Value {
    json!({
        "start_ms": caption.start_ms,
        "end_ms": caption.end_ms,
        "speaker": caption.speaker,
        "text": caption.text(),
    })
}

/// Writes the exports, and `truth.json` with what each of them lost.
fn write(directory: &Path, truth: &Value, exports: &[(&str, Export)]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    let mut truth = truth.clone();
    for (extension, export) in exports {
        fs::write(directory.join(format!("export.{extension}")), &export.content)?;
        truth["losses"][extension] = serde_json::to_value(&export.losses)?;
    }
    fs::write(directory.join("truth.json"), format!("{truth:#}\n"))?;
    Ok(())
}
