use serde_json::{Value, json};

use super::*;
use crate::example_meta::example_meta;

/// A timeline of 1 000 ms, as another program might have written it.
fn timeline() -> Value {
    let event = |start: i64, end: i64, words: Value| {
        json!({"kind": "speech", "start_ms": start, "end_ms": end, "loudness_lufs": -20.5, "confidence": 0.75,
            "transcription": null, "speaker_id": null, "meta": {"words": words}})
    };
    let word =
        |start: i64, end: i64| json!({"word": "hark", "start_ms": start, "end_ms": end, "confidence": 0.5});
    let beat = |time: i64, index: i64| json!({"time_ms": time, "beat_index": index, "bar_index": 0, "subdivision": null});
    json!({
        "asset_id": "a1", "artifact_id": null, "duration_ms": 1000,
        "events": [event(0, 400, json!([word(100, 200), word(200, 400)])), event(400, 1000, json!([]))],
        "beats": [beat(0, 0), beat(500, 1)],
        "meta": example_meta(json!({
            "backend": "other",
            "loudness_windows": [{"start_ms": 0, "end_ms": 1000, "loudness_lufs": null}],
            "speaker_turns": [{"speaker_id": "S1", "start_ms": 0, "end_ms": 400}]
        }))
    })
}

fn transcript() -> Value {
    json!({"words": [
        {"word": "hark", "start_ms": 0.5, "end_ms": 200},
        {"word": "back", "start_ms": 200, "end_ms": 1000.25, "confidence": null}
    ]})
}

fn measurement(kind: ArtifactKind, meta: Value) -> RegisteredMeasurement {
    let (parent, uri) = ("a1".parse().unwrap(), "blob://x".to_owned());
    let mut artifact = NewArtifact::new(kind, parent, uri, "v", &json!({}));
    artifact.meta.insert("duration_ms".to_owned(), json!(1_000));
    artifact.meta.extend(meta.as_object().unwrap().clone());
    RegisteredMeasurement { artifact, asset_duration: Some(MediaTime::from_millis(950)) }
}

/// The violations of a document, as `pointer detail`.
fn refused(kind: ArtifactKind, meta: Value, document: &[u8]) -> Vec<String> {
    let violations = RegisteredDocuments.violations(&measurement(kind, meta), document);
    violations.into_iter().map(|error| format!("{} {}", error.pointer, error.detail)).collect()
}

/// `document` with `value` at `pointer`.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        object => object[member] = value,
    }
    document
}

#[test]
fn valid_timeline_is_registered() {
    let kind = ArtifactKind::AudioSemanticTimeline;
    assert_eq!(refused(kind, json!({}), timeline().to_string().as_bytes()), [""; 0]);
    // The stub leaves gaps for speech and music that were not requested.
    let gaps = with(timeline(), "/events/1/start_ms", json!(500));
    let stub = with(gaps, "/meta/backend_type", json!("stub"));
    let stub = with(stub, "/meta/include_speech_music", json!(false));
    assert_eq!(refused(kind, json!({}), stub.to_string().as_bytes()), [""; 0]);
}

#[test]
fn invalid_timeline_is_rejected_with_a_pointer() {
    for (pointer, value, said) in [
        ("/asset_id", json!("a2"), "`/asset_id`"),
        ("/artifact_id", json!("art"), "`/artifact_id`"),
        ("/duration_ms", json!(1_002), "`/duration_ms`"),
        ("/events/0/start_ms", json!(-1), "`/events/0/start_ms`"),
        ("/events/0/start_ms", json!(1), "`/events/0/start_ms`"),
        ("/events/0/end_ms", json!(0), "`/events/0/end_ms`"),
        ("/events/1/start_ms", json!(399), "`/events/1/start_ms`"),
        ("/events/1/start_ms", json!(401), "`/events/1/start_ms`"),
        ("/events/1/end_ms", json!(1_001), "`/events/1/end_ms`"),
        ("/events/1/end_ms", json!(999), "`/events`"),
        ("/events/1/confidence", json!(1.5), "`/events/1/confidence`"),
        ("/events", json!([]), "`/events`"),
        ("/events/0/meta/words/1/start_ms", json!(99), "`/events/0/meta/words/1/start_ms`"),
        ("/events/0/meta/words/1/end_ms", json!(199), "`/events/0/meta/words/1/end_ms`"),
        ("/events/0/meta/words/1/end_ms", json!(i64::MAX), "`/events/0/meta/words/1/end_ms`"),
        ("/beats/0/time_ms", json!(-1), "`/beats/0/time_ms`"),
        ("/beats/1/time_ms", json!(0), "`/beats/1/time_ms`"),
        ("/beats/1/time_ms", json!(1_001), "`/beats/1/time_ms`"),
        ("/beats/1/beat_index", json!(0), "`/beats/1/beat_index`"),
        ("/beats/1/bar_index", json!(-1), "`/beats/1/bar_index`"),
        ("/meta/loudness_windows/0/end_ms", json!(1_001), "`/meta/loudness_windows/0/end_ms`"),
        ("/meta/speaker_turns/0/end_ms", json!(0), "`/meta/speaker_turns/0/end_ms`"),
        // JSON cannot represent non-finite times.
        ("/events/0/loudness_lufs", json!("-inf"), "not a semantic timeline"),
        ("/events/0/start_ms", json!(0.5), "not a semantic timeline"),
        ("/beats", json!(null), "not a semantic timeline"),
    ] {
        let document = with(timeline(), pointer, value.clone());
        let kind = ArtifactKind::AudioSemanticTimeline;
        let refused = refused(kind, json!({}), document.to_string().as_bytes());
        let is_named = refused.iter().any(|error| error.starts_with("/uri ") && error.contains(said));
        assert!(is_named, "{pointer} {value}: {refused:?}");
    }
}

#[test]
fn timeline_longer_than_its_asset_is_rejected() {
    let kind = ArtifactKind::AudioSemanticTimeline;
    let long = with(timeline(), "/duration_ms", json!(1_051));
    let long = with(long, "/events/1/end_ms", json!(1_051));
    let said = refused(kind, json!({"duration_ms": 1_051}), long.to_string().as_bytes());
    assert_eq!(said, ["/meta/duration_ms is more than the 950 ms of the asset"]);
    // An artifact of it has its own duration.
    let of_artifact = with(long, "/artifact_id", json!("art"));
    let meta = json!({"duration_ms": 1_051, "source_artifact_id": "art"});
    assert_eq!(refused(kind, meta, of_artifact.to_string().as_bytes()), [""; 0]);
    let said = refused(ArtifactKind::AsrTranscript, json!({"duration_ms": 1e99}), br#"{"words": []}"#);
    assert_eq!(said.len(), 2, "{said:?}");
}

#[test]
fn registered_transcript_is_validated() {
    let check =
        |document: &Value| refused(ArtifactKind::AsrTranscript, json!({}), document.to_string().as_bytes());
    assert_eq!(check(&transcript()), [""; 0]);
    for (pointer, value) in [
        ("/words/0/start_ms", json!(-1)),
        ("/words/0/end_ms", json!(0)),
        ("/words/1/start_ms", json!(0)),
        ("/words/1/end_ms", json!(1_002)),
    ] {
        let said = check(&with(transcript(), pointer, value));
        assert!(said.iter().any(|error| error.contains(&format!("`{pointer}`"))), "{pointer}: {said:?}");
    }
    let said = check(&with(transcript(), "/words", json!({})));
    assert!(said[0].starts_with("/uri the document is not a transcript"), "{said:?}");
}

#[test]
fn number_of_violations_is_limited() {
    let words: Vec<Value> = (0..5_000).map(|_| json!({"word": "", "start_ms": -5, "end_ms": -9})).collect();
    let document = json!({"words": words}).to_string();
    assert_eq!(refused(ArtifactKind::AsrTranscript, json!({}), document.as_bytes()).len(), MAX_VIOLATIONS);
}
