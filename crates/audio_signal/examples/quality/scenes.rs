//! Scores segments where the truth is one kind for the whole recording: environmental clips of `sounds/`, in which there
//! is no music, and the songs of `beats/` and `beats_closed/`, which are music throughout.

use std::{fs::File, path::Path};

use audio_signal::{AnalysisParams, Control, SceneKind, Segment, analyze};

use crate::{corpus, score};

/// Confidence from which a wrong segment counts as a confident one.
const CONFIDENT: f32 = 0.95;

/// Prints false music and false speech on environmental sounds, and the share of songs that is detected as music.
pub(crate) fn print(root: &Path) {
    println!("\nscenes: recordings of one kind");
    let sounds = corpus::recordings(&root.join("sounds"));
    let found: Vec<Vec<Segment>> = sounds.iter().map(|path| segments(path)).collect();
    for (kind, name) in [(SceneKind::Music, "music"), (SceneKind::Speech, "speech")] {
        let with = |least: f32| {
            let has = |clip: &&Vec<Segment>| {
                clip.iter().any(|segment| segment.kind == kind && segment.confidence >= least)
            };
            found.iter().filter(has).count()
        };
        println!(
            "sounds: {} clips, {} with {name}, {} of them at confidence {CONFIDENT} or more",
            found.len(),
            with(0.0),
            with(CONFIDENT)
        );
    }
    for folder in ["beats", "beats_closed"] {
        let songs = corpus::recordings(&root.join(folder));
        let shares: Vec<f64> = songs.iter().map(|path| music_share(&segments(path))).collect();
        let least = shares.iter().copied().fold(1.0, f64::min);
        println!(
            "{folder}: {} songs, share of time called music {:.3}, least {least:.3}",
            shares.len(),
            score::mean(shares.iter().copied())
        );
    }
}

fn segments(recording: &Path) -> Vec<Segment> {
    let file = File::open(recording).expect("the recording").into();
    let params = AnalysisParams { include_beats: false, ..AnalysisParams::default() };
    analyze(&file, &params, &Control::none()).expect("a recording").segments
}

/// The share of the time outside silence that is music.
fn music_share(segments: &[Segment]) -> f64 {
    let length = |segment: &Segment| segment.window.duration().as_secs_f64();
    let sounding: f64 =
        segments.iter().filter(|segment| segment.kind != SceneKind::Silence).map(length).sum();
    let music: f64 = segments.iter().filter(|segment| segment.kind == SceneKind::Music).map(length).sum();
    if sounding > 0.0 { music / sounding } else { 0.0 }
}
