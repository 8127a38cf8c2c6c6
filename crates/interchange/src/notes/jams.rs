//! Writer for JSON Annotated Music Specification files (`.jams`): <https://jams.readthedocs.io/>, version 0.3.

use serde_json::{Value, json};

use crate::clock::seconds;
use crate::loss::Export;
use crate::notes::{Annotations, Held, HeldEvents};

const VERSION: &str = "0.3.4";

/// Formats events (`segment_open`), beats (`beat`), the tempo (`tempo`) and words (`lyrics`); times in seconds. Texts of
/// events and speakers are losses.
#[must_use]
pub fn jams(annotations: &Annotations) -> Export {
    let held = Held { events: HeldEvents::All, words: true, beats: true, ..Held::NOTHING };
    let duration = annotations.duration.as_secs_f64();
    let events = annotations.events.iter().map(|event| {
        let (start, length) = (event.window.start().as_secs_f64(), event.window.duration().as_secs_f64());
        observation(start, length, json!(event.kind), event.confidence)
    });
    let beats = annotations
        .beats
        .iter()
        .map(|beat| observation(beat.time.as_secs_f64(), 0.0, json!(beat.position), beat.confidence));
    let words = annotations.words.iter().map(|word| {
        let (start, length) = (seconds(word.start_ms), seconds(word.end_ms.saturating_sub(word.start_ms)));
        observation(start, length, json!(word.text), word.confidence)
    });
    let tempo = annotations
        .tempo
        .iter()
        .map(|&(bpm, confidence)| observation(0.0, duration, json!(bpm), Some(confidence)));
    let annotated: Vec<Value> = [
        ("segment_open", events.collect::<Vec<_>>()),
        ("beat", beats.collect()),
        ("tempo", tempo.collect()),
        ("lyrics", words.collect()),
    ]
    .into_iter()
    .filter(|(_, data)| !data.is_empty())
    .map(|(namespace, data)| annotation(namespace, &data, duration))
    .collect();
    let document = json!({
        "annotations": annotated,
        "file_metadata": {
            "title": annotations.media.name,
            "artist": "",
            "release": "",
            "duration": duration,
            "identifiers": {"harkback": annotations.media.id},
            "jams_version": VERSION,
        },
        "sandbox": {},
    });
    let content = format!("{document:#}\n").into_bytes();
    Export { content, losses: annotations.losses(held).finish() }
}

fn observation(time: f64, duration: f64, value: Value, confidence: Option<f64>) -> Value {
    json!({"time": time, "duration": duration, "value": value, "confidence": confidence})
}

fn annotation(namespace: &str, data: &[Value], duration: f64) -> Value {
    json!({
        "namespace": namespace,
        "time": 0.0,
        "duration": duration,
        "data": data,
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": "",
            "annotation_tools": "harkback",
            "annotation_rules": "",
            "validation": "",
            "data_source": "program",
        },
        "sandbox": {},
    })
}
