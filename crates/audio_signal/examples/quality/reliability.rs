//! How often what is said with a confidence is right: segments by kind, beats, onsets, and the tempo.

use std::fs::File;
use std::path::{Path, PathBuf};

use audio_signal::{AnalysisParams, Control, SceneKind, Segment, analyze};

use crate::calibration::{HEADER, Reliability};
use crate::corpus;
use crate::drums;
use crate::score::{matches, median};

const KINDS: [SceneKind; 4] = [SceneKind::Speech, SceneKind::Music, SceneKind::Silence, SceneKind::Other];
/// Tolerance of a beat, and the time from which beats are scored, in seconds.
const TOLERANCE: f64 = 0.07;
const FROM: f64 = 3.0;
/// Tolerance of an onset in seconds.
const ONSET_TOLERANCE: f64 = 0.05;
/// Relative tolerance of a tempo.
const TEMPO_TOLERANCE: f64 = 0.04;
/// Interval between the points at which a segment is compared with the truth, in seconds.
const STEP: f64 = 0.01;

/// Prints a row of bins for each sort of event. Confidences of rhythm are fitted on rendered clips: no recording of the
/// corpus was seen.
pub(crate) fn print(root: &Path) {
    println!("\nreliability: right of those said with a confidence of 0 to 0.1, ... 0.9 to 1\n{HEADER}");
    segments(root);
    rhythm(root);
    onsets("onsets in drums/", &drums::recordings(root));
    onsets("onsets in singing/", &corpus::recordings(&root.join("singing")));
}

fn segments(root: &Path) {
    let mut kinds: [Reliability; KINDS.len()] = std::array::from_fn(|_| Reliability::default());
    for recording in corpus::recordings(&root.join("programme")) {
        let truth = corpus::truth(&recording);
        for segment in segments_of(&recording) {
            let kind = KINDS.iter().position(|kind| *kind == segment.kind).expect("one of the kinds");
            if let Some(right) = is_right(&segment, &truth) {
                kinds[kind].add(segment.confidence.into(), right);
            }
        }
    }
    // There is no music in the sounds, and nothing else in the songs.
    let mut clips = Reliability::default();
    for (folder, right) in [("sounds", false), ("beats", true), ("beats_closed", true), ("singing", true)] {
        for recording in corpus::recordings(&root.join(folder)) {
            let found = segments_of(&recording);
            let music = found.iter().filter(|segment| segment.kind == SceneKind::Music);
            music.for_each(|segment| clips.add(segment.confidence.into(), right));
        }
    }
    for (kind, reliability) in KINDS.iter().zip(&kinds) {
        println!("{}", reliability.row(&format!("{} in programme/", kind.as_str())));
    }
    println!("{}", clips.row("music in sounds/, songs"));
}

fn segments_of(recording: &Path) -> Vec<Segment> {
    let file = File::open(recording).expect("the recording").into();
    let params = AnalysisParams { include_beats: false, ..AnalysisParams::default() };
    analyze(&file, &params, &Control::none()).expect("a recording").segments
}

/// Whether more than half of a segment is of its kind; `None` where the truth is silent.
fn is_right(segment: &Segment, truth: &serde_json::Value) -> Option<bool> {
    let number = |value: &serde_json::Value| value.as_f64().expect("seconds");
    let ignored = |time: f64| {
        let spans = truth["ignore"].as_array().map_or(&[][..], Vec::as_slice);
        spans.iter().any(|span| (number(&span[0])..number(&span[1])).contains(&time))
    };
    let (start, end) = (segment.window.start().as_secs_f64(), segment.window.end().as_secs_f64());
    let steps = (start / STEP - 0.5).ceil() as i64..(end / STEP - 0.5).ceil() as i64;
    let (mut right, mut counted) = (0, 0);
    for time in steps.map(|step| (step as f64 + 0.5) * STEP).filter(|&time| !ignored(time)) {
        let mut events = truth["events"].as_array().expect("events").iter();
        let event = events.find(|event| (number(&event["start_s"])..number(&event["end_s"])).contains(&time));
        let Some(event) = event else { continue };
        counted += 1;
        right += u32::from(event["kind"] == segment.kind.as_str());
    }
    (counted > 0).then_some(2 * right > counted)
}

fn rhythm(root: &Path) {
    let (mut beats, mut tempi) = (Reliability::default(), Reliability::default());
    for folder in ["beats", "beats_closed", "drums"] {
        for recording in corpus::recordings(&root.join(folder)) {
            let rhythm = corpus::rhythm(&recording);
            let fields = corpus::fields(&recording, "beats");
            let truth: Vec<f64> = fields.iter().map(|line| line[0].parse().expect("a number")).collect();
            let found: Vec<f64> = rhythm.beats.iter().map(|beat| beat.time.as_secs_f64()).collect();
            let hits = matches(&truth, &found, TOLERANCE);
            for (index, beat) in rhythm.beats.iter().enumerate().filter(|(index, _)| found[*index] >= FROM) {
                beats.add(beat.confidence.into(), hits.iter().any(|&(_, hit)| hit == index));
            }
            let intervals: Vec<f64> = truth.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let bpm = 60.0 / median(&intervals).expect("two beats");
            for candidate in rhythm.tempo.iter().flat_map(|tempo| &tempo.candidates) {
                tempi.add(candidate.weight, (candidate.bpm / bpm - 1.0).abs() <= TEMPO_TOLERANCE);
            }
        }
    }
    println!("{}", beats.row("beats (unseen)"));
    println!("{}", tempi.row("tempi (unseen)"));
}

fn onsets(name: &str, recordings: &[PathBuf]) {
    let mut reliability = Reliability::default();
    for recording in recordings {
        let found = corpus::rhythm(recording).onsets;
        let times: Vec<f64> = found.iter().map(|onset| onset.time.as_secs_f64()).collect();
        let hits = matches(&drums::truth(recording), &times, ONSET_TOLERANCE);
        for (index, onset) in found.iter().enumerate() {
            reliability.add(onset.confidence.into(), hits.iter().any(|&(_, hit)| hit == index));
        }
    }
    println!("{}", reliability.row(&format!("{name} (unseen)")));
}
