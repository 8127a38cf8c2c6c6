//! Scores segments of speech, music, silence and other against `programme/`.

use std::{fs::File, path::Path};

use audio_signal::{AnalysisParams, Control, Segment, analyze};

use crate::corpus;

/// Margin on either side of a true boundary that is not scored, in seconds.
const COLLAR: f64 = 0.1;
/// Interval between scored frames, in seconds.
const STEP: f64 = 0.01;
const KINDS: [&str; 4] = ["speech", "music", "silence", "other"];
const BINS: usize = 10;

/// A true or a found event: kind, start and end in seconds, confidence.
struct Event {
    kind: usize,
    start: f64,
    end: f64,
    confidence: f64,
}

/// Counts of frames and events, of one file or several.
#[derive(Clone, Default)]
struct Score {
    /// Frames by true and found kind.
    confusion: [[f64; KINDS.len()]; KINDS.len()],
    /// Distances from true boundaries to the nearest found ones, in seconds.
    boundary_errors: Vec<f64>,
    /// Confidence of each frame and of each event, and 1 if it is correct or else 0.
    frames: Vec<(f64, f64)>,
    events: Vec<(f64, f64)>,
}

/// Prints a line for each programme and one for all.
pub(crate) fn print(root: &Path) {
    println!(
        "\nsegments: F1 of 10 ms frames, 100 ms about true boundaries left out; expected calibration error (ECE)"
    );
    println!(
        "{:<20}{:>8}{:>8}{:>9}{:>8}{:>18}{:>15}{:>14}",
        "programme",
        "speech",
        "music",
        "silence",
        "other",
        "boundary, median",
        "ECE by frame",
        "ECE by event"
    );
    let mut all = Score::default();
    for recording in corpus::recordings(&root.join("programme")) {
        let score = score(&recording);
        score.print(&corpus::name(&recording));
        all.add(score);
    }
    if !all.events.is_empty() {
        all.print("together");
    }
}

fn score(recording: &Path) -> Score {
    let document = corpus::truth(recording);
    let event = |value: &serde_json::Value| Event {
        kind: KINDS.iter().position(|kind| value["kind"] == *kind).expect("one of the four kinds"),
        start: value["start_s"].as_f64().expect("seconds"),
        end: value["end_s"].as_f64().expect("seconds"),
        confidence: 1.0,
    };
    let truth: Vec<Event> = document["events"].as_array().expect("events").iter().map(event).collect();
    let file = File::open(recording).expect("the recording").into();
    let found = analyze(&file, &AnalysisParams::default(), &Control::none()).expect("a recording").segments;
    let ignored: Vec<(f64, f64)> = ignored_spans(&document["ignore"]);
    Score::of(&truth, &ignored, &found.iter().map(found_event).collect::<Vec<_>>())
}

/// The spans, in seconds, that are not scored.
fn ignored_spans(value: &serde_json::Value) -> Vec<(f64, f64)> {
    let spans = value.as_array().map_or(&[][..], Vec::as_slice);
    let second = |span: &serde_json::Value, index: usize| span[index].as_f64().expect("seconds");
    spans.iter().map(|span| (second(span, 0), second(span, 1))).collect()
}

fn found_event(segment: &Segment) -> Event {
    Event {
        kind: segment.kind as usize,
        start: segment.window.start().as_secs_f64(),
        end: segment.window.end().as_secs_f64(),
        confidence: segment.confidence.into(),
    }
}

impl Score {
    fn of(truth: &[Event], ignored: &[(f64, f64)], found: &[Event]) -> Self {
        let mut score = Self::default();
        for event in found {
            let mut right = 0.0;
            let mut counted = 0.0;
            let steps = (event.start / STEP - 0.5).ceil() as i64..(event.end / STEP - 0.5).ceil() as i64;
            for time in steps.map(|step| (step as f64 + 0.5) * STEP) {
                if ignored.iter().any(|&(start, end)| start <= time && time < end) {
                    continue;
                }
                let Some(real) = truth.iter().find(|real| real.start <= time && time < real.end) else {
                    continue;
                };
                let hit = f64::from(u8::from(real.kind == event.kind));
                right += hit;
                counted += 1.0;
                if time - real.start >= COLLAR && real.end - time >= COLLAR {
                    score.confusion[real.kind][event.kind] += 1.0;
                    score.frames.push((event.confidence, hit));
                }
            }
            score.events.push((event.confidence, f64::from(u8::from(right > counted / 2.0))));
        }
        let nearest =
            |time: f64| found.iter().map(|event| (event.start - time).abs()).fold(f64::INFINITY, f64::min);
        score.boundary_errors = truth.iter().skip(1).map(|event| nearest(event.start)).collect();
        score
    }

    fn add(&mut self, other: Self) {
        for (row, more) in self.confusion.iter_mut().flatten().zip(other.confusion.iter().flatten()) {
            *row += more;
        }
        self.boundary_errors.extend(other.boundary_errors);
        self.frames.extend(other.frames);
        self.events.extend(other.events);
    }

    fn f1(&self, kind: usize) -> f64 {
        let found: f64 = self.confusion.iter().map(|row| row[kind]).sum();
        2.0 * self.confusion[kind][kind] / (found + self.confusion[kind].iter().sum::<f64>()).max(1.0)
    }

    fn print(&self, name: &str) {
        let mut errors = self.boundary_errors.clone();
        errors.sort_by(f64::total_cmp);
        let median = errors.get(errors.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "{name:<20}{:>8.3}{:>8.3}{:>9.3}{:>8.3}{:>15.0} ms{:>15.3}{:>14.3}",
            self.f1(0),
            self.f1(1),
            self.f1(2),
            self.f1(3),
            median * 1e3,
            calibration_error(&self.frames),
            calibration_error(&self.events)
        );
    }
}

/// Expected calibration error: the mean distance between confidence and accuracy over ten bins of confidence (Guo et
/// al., "On calibration of modern neural networks", 2017).
fn calibration_error(scored: &[(f64, f64)]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for (confidence, right) in scored {
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += confidence;
        bin.1 += right;
    }
    bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum::<f64>()
        / scored.len().max(1) as f64
}
