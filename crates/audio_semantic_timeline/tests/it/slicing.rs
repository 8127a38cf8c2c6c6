use audio_semantic_timeline::model::{AudioEvent, BeatEvent, EventKind, EventMeta, Summary, Word};
use audio_semantic_timeline::speakers::SpeakerTurn;
use audio_semantic_timeline::{slice, transcription};
use media_time::{AssetTime, Window};
use proptest::prelude::*;

use crate::wire;

/// Random timelines with events that cover them, words in their speech, and beats throughout.
fn timelines() -> impl Strategy<Value = Summary> {
    let kinds = prop_oneof![
        Just(EventKind::Speech),
        Just(EventKind::Music),
        Just(EventKind::Silence),
        Just(EventKind::Other)
    ];
    let spans = prop::collection::vec((kinds, 1i64..3_000), 1..20);
    (spans, 1i64..700).prop_map(|(spans, beat_ms)| {
        let mut summary = wire::summary();
        let mut start_ms = 0;
        summary.events = spans
            .into_iter()
            .map(|(kind, length_ms)| {
                let event = event(kind, start_ms, start_ms + length_ms);
                start_ms += length_ms;
                event
            })
            .collect();
        summary.duration_ms = start_ms;
        summary.beats = (0..start_ms / beat_ms).map(|index| beat(index, index * beat_ms)).collect();
        summary
    })
}

fn event(kind: EventKind, start_ms: i64, end_ms: i64) -> AudioEvent {
    let words: Vec<Word> = match kind {
        EventKind::Speech => (start_ms..end_ms)
            .step_by(250)
            .enumerate()
            .map(|(index, at)| Word {
                word: format!("w{index}"),
                start_ms: at,
                end_ms: (at + 200).min(end_ms),
                confidence: Some(0.5),
                more: serde_json::Map::new(),
            })
            .collect(),
        _ => Vec::new(),
    };
    AudioEvent {
        kind,
        start_ms,
        end_ms,
        loudness_lufs: Some(-23.0),
        energy: None,
        confidence: Some(0.9),
        transcription: transcription(&words),
        speaker_id: None,
        meta: EventMeta { words, ..EventMeta::default() },
    }
}

fn beat(beat_index: i64, time_ms: i64) -> BeatEvent {
    BeatEvent { time_ms, beat_index, bar_index: beat_index / 4, subdivision: Some(beat_index % 4) }
}

fn turn(speaker: i64, start_ms: i64, end_ms: i64) -> SpeakerTurn {
    SpeakerTurn { speaker_id: format!("S{speaker}"), start_ms, end_ms }
}

fn window(start_ms: i64, end_ms: i64) -> Window<AssetTime> {
    Window::new(AssetTime::from_millis(start_ms), AssetTime::from_millis(end_ms)).unwrap()
}

/// Whether the events are sorted and cover the whole duration without overlap.
fn covers(summary: &Summary) -> bool {
    let mut at = 0;
    let adjacent = summary.events.iter().all(|event| {
        let follows = event.start_ms == at && event.start_ms < event.end_ms;
        at = event.end_ms;
        follows
    });
    adjacent && at == summary.duration_ms
}

proptest! {
    #[test]
    fn slice_events_cover_the_window(summary in timelines(), a in 0i64..40_000_000, b in 0i64..40_000_000) {
        // Any microsecond, also after the end.
        let (start, end) = (AssetTime::from_micros(a.min(b)), AssetTime::from_micros(a.max(b)));
        let cut = slice(&summary, AssetTime::ZERO, Window::new(start, end).unwrap(), 1.0);
        prop_assert!(covers(&cut), "{cut:?}");
        prop_assert!(cut.beats.iter().all(|beat| (0..=cut.duration_ms).contains(&beat.time_ms)));
        for event in &cut.events {
            let inside = |word: &Word| event.start_ms <= word.start_ms && word.end_ms <= event.end_ms;
            prop_assert!(event.meta.words.iter().all(inside));
            prop_assert_eq!(&event.transcription, &transcription(&event.meta.words));
        }
    }

    #[test]
    fn nested_slices_equal_one_slice(
        summary in timelines(),
        outer in (0i64..20_000, 1i64..20_000),
        inner in (0i64..20_000, 1i64..20_000),
    ) {
        let first = slice(&summary, AssetTime::ZERO, window(outer.0, outer.0 + outer.1), 1.0);
        let twice = slice(&first, AssetTime::ZERO, window(inner.0, inner.0 + inner.1), 1.0);
        let start = (outer.0 + inner.0).min(outer.0 + outer.1);
        let end = (start + inner.1).min(outer.0 + outer.1);
        let once = slice(&summary, AssetTime::ZERO, window(start, end), 1.0);
        prop_assert_eq!(twice.events, once.events);
        prop_assert_eq!(twice.beats, once.beats);
        prop_assert_eq!(twice.duration_ms, once.duration_ms);
    }

    #[test]
    fn slice_of_the_whole_is_unchanged(summary in timelines()) {
        let whole = slice(&summary, AssetTime::ZERO, window(0, summary.duration_ms), 1.0);
        prop_assert_eq!(whole.events, summary.events);
        prop_assert_eq!(whole.beats, summary.beats);
    }
}

#[test]
fn slice_edges_are_exact() {
    let mut summary = wire::summary();
    summary.duration_ms = 3_000;
    summary.events = vec![
        event(EventKind::Music, 0, 1_000),
        event(EventKind::Silence, 1_000, 2_000),
        event(EventKind::Other, 2_000, 3_000),
    ];
    summary.beats = vec![beat(0, 0), beat(1, 1_000), beat(2, 1_500), beat(3, 2_000)];
    let cut = slice(&summary, AssetTime::ZERO, window(1_000, 2_000), 1.0);
    let spans: Vec<_> = cut.events.iter().map(|event| (event.kind, event.start_ms, event.end_ms)).collect();
    assert_eq!(spans, [(EventKind::Silence, 0, 1_000)], "what only touches the window is not in it");
    let beats: Vec<_> = cut.beats.iter().map(|beat| (beat.time_ms, beat.beat_index)).collect();
    assert_eq!(beats, [(0, 1), (500, 2)], "a beat on the in point is included, one on the out point is not");
}

#[test]
fn slice_meta_describes_the_clip() {
    let summary = wire::summary();
    let cut = slice(
        &summary,
        AssetTime::ZERO,
        Window::new(AssetTime::from_micros(250_500), AssetTime::from_millis(900)).unwrap(),
        1.5,
    );
    let meta = serde_json::to_value(&cut.meta).unwrap();
    assert_eq!(meta["clip_window_ms"], serde_json::json!([250.5, 900]));
    assert_eq!(meta["clip_relative"], true);
    assert_eq!(meta["speed_change_limit"], 1.05);
    assert_eq!(meta["speed_change"], 1.5);
    assert_eq!(meta["speed_change_limited"], true);
    let same_speed = slice(&summary, AssetTime::ZERO, window(0, 1), 1.0);
    assert_eq!(serde_json::to_value(&same_speed.meta).unwrap()["speed_change_limited"], false);
}

#[test]
fn slice_of_a_partial_timeline_uses_its_start() {
    let mut summary = wire::summary();
    summary.duration_ms = 200;
    summary.events = vec![event(EventKind::Speech, 0, 150), event(EventKind::Silence, 150, 200)];
    summary.beats = vec![beat(0, 50), beat(1, 150)];
    let spans = |window: Window<AssetTime>| -> (i64, Vec<(i64, i64)>, Vec<i64>) {
        let cut = slice(&summary, AssetTime::from_micros(1_000_250), window, 1.0);
        let spans = cut.events.iter().map(|event| (event.start_ms, event.end_ms)).collect();
        (cut.duration_ms, spans, cut.beats.iter().map(|beat| beat.time_ms).collect())
    };
    assert_eq!(spans(window(1_100, 1_200)), (100, vec![(0, 50), (50, 100)], vec![50]));
    assert_eq!(spans(window(750, 1_450)), (450, vec![(250, 400), (400, 450)], vec![300, 400]));
    assert_eq!(spans(window(0, 200)), (200, Vec::new(), Vec::new()), "before it");
    assert_eq!(spans(window(1_300, 1_400)), (0, Vec::new(), Vec::new()), "after it");
}

#[test]
fn sliced_event_has_the_speaker_of_the_window() {
    let mut summary = wire::summary();
    summary.duration_ms = 10_000;
    let mut speech = event(EventKind::Speech, 0, 10_000);
    (speech.speaker_id, speech.meta.overlap) = (Some("S1".to_owned()), true);
    summary.events = vec![speech];
    summary.meta.speaker_turns = vec![turn(1, 0, 6_500), turn(2, 6_000, 10_000)];
    let cut = |start, end| {
        let cut = slice(&summary, AssetTime::ZERO, window(start, end), 1.0);
        let event = &cut.events[0];
        (event.speaker_id.clone().unwrap_or_default(), event.meta.overlap, cut.meta.speaker_turns)
    };
    assert_eq!(cut(7_000, 9_000), ("S2".to_owned(), false, vec![turn(2, 0, 2_000)]));
    assert_eq!(cut(5_000, 6_500), ("S1".to_owned(), true, vec![turn(1, 0, 1_500), turn(2, 1_000, 1_500)]));
    let twice = slice(
        &slice(&summary, AssetTime::ZERO, window(5_000, 9_000), 1.0),
        AssetTime::ZERO,
        window(1_200, 4_000),
        1.0,
    );
    let once = slice(&summary, AssetTime::ZERO, window(6_200, 9_000), 1.0);
    assert_eq!((&twice.events, &twice.meta.speaker_turns), (&once.events, &once.meta.speaker_turns));

    // A timeline without turns uses the speakers of its words.
    summary.meta.speaker_turns.clear();
    for word in &mut summary.events[0].meta.words {
        let id = if word.start_ms < 6_000 { "S1" } else { "S2" };
        word.more.insert("speaker_id".to_owned(), id.into());
    }
    let old = slice(&summary, AssetTime::ZERO, window(7_000, 9_000), 1.0);
    assert_eq!(old.events[0].speaker_id.as_deref(), Some("S2"));
}
