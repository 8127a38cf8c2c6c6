//! Plots: their contents, well-formedness and size limit.

use audio_semantic_timeline::model::{AudioEvent, BeatEvent, EventKind, LoudnessWindow, Summary, Word};
use audio_semantic_timeline::plot::{PlotInput, WIDTH, svg, waveform_params};
use audio_signal::Waveform;
use proptest::prelude::*;
use roxmltree::{Document, Node};

use crate::wire::summary;

/// The documented size limit.
const MAX_BYTES: usize = 256 << 10;

/// Music of this duration at 120 BPM, with speech over its first half: three words per second, loudness each second.
fn talk_and_song(duration_ms: i64) -> Summary {
    let mut summary = summary();
    let half = duration_ms / 2;
    let word = |at: i64| Word {
        word: "word".to_owned(),
        start_ms: at,
        end_ms: at + 300,
        confidence: None,
        more: Default::default(),
    };
    let mut speech = summary.events.remove(0);
    (speech.end_ms, speech.meta.words) = (half, (0..half).step_by(333).map(word).collect());
    let mut music =
        AudioEvent { kind: EventKind::Music, start_ms: half, end_ms: duration_ms, ..speech.clone() };
    (music.meta, music.transcription) = Default::default();
    summary.events = vec![speech, music];
    let beat = |index: i64| BeatEvent {
        time_ms: index * 500,
        beat_index: index,
        bar_index: index / 4,
        subdivision: Some(index % 4),
    };
    summary.beats = (0..duration_ms / 500).map(beat).collect();
    let window = |start_ms: i64| LoudnessWindow {
        start_ms,
        end_ms: (start_ms + 1_000).min(duration_ms),
        loudness_lufs: Some(-20.0 - (start_ms / 1_000 % 7) as f64),
    };
    summary.meta.loudness_windows = (0..duration_ms).step_by(1_000).map(window).collect();
    summary.duration_ms = duration_ms;
    summary
}

fn peaks(duration_ms: i64) -> Waveform {
    let params = waveform_params(duration_ms, 8_000);
    let pixels = (duration_ms * 8).unsigned_abs().div_ceil(params.samples_per_pixel.into());
    let peaks =
        (0..pixels).flat_map(|pixel| [-(pixel as i16 % 900) * 30, (pixel as i16 % 700) * 30]).collect();
    Waveform { rate: 8_000, channels: 1, samples_per_pixel: params.samples_per_pixel, peaks }
}

fn drawn(summary: &Summary) -> String {
    let waveform = peaks(summary.duration_ms);
    svg(&PlotInput { name: "talk & song.wav", summary, waveform: Some(&waveform) })
}

fn texts(document: &Document<'_>) -> Vec<String> {
    let is_text = |node: &Node<'_, '_>| node.has_tag_name("text");
    document.descendants().filter(is_text).filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn plot_draws_words_and_beats_while_distinguishable() {
    for (minutes, labels) in [
        (0.5, ["words", "bars, beats"]),
        (2.5, ["words/min", "bars"]),
        (11.0, ["words/min", "beats/min"]),
        (180.0, ["words/min", "beats/min"]),
    ] {
        let text = drawn(&talk_and_song((minutes * 60_000.0) as i64));
        let document = Document::parse(&text).unwrap();
        let texts = texts(&document);
        for label in labels {
            assert!(texts.iter().any(|text| text == label), "{minutes} minutes, {label}: {texts:?}");
        }
        let words = texts.iter().filter(|text| *text == "word").count();
        assert_eq!(words, if minutes < 1.0 { 46 } else { 0 });
        assert!(text.len() < MAX_BYTES / 2, "{minutes} minutes: {} bytes", text.len());
    }
}

#[test]
fn plot_has_a_title_and_description() {
    let text = drawn(&talk_and_song(30_000));
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let child =
        |name: &str| root.children().find(|node| node.has_tag_name(name)).and_then(|node| node.text());
    assert_eq!(root.attribute("width"), Some(WIDTH.to_string().as_str()));
    assert_eq!(
        (root.attribute("role"), root.attribute("aria-labelledby")),
        (Some("img"), Some("title desc"))
    );
    assert_eq!(child("title"), Some("Timeline of talk & song.wav"));
    let description = child("desc").unwrap();
    assert!(description.contains("Speech 50 %, music 50 %, other 0 %, silence 0 %"), "{description}");
    assert_eq!(text, drawn(&talk_and_song(30_000)), "the same input, the same bytes");
}

#[test]
fn plot_of_an_empty_timeline_is_valid() {
    let mut summary = summary();
    (summary.duration_ms, summary.events, summary.beats) = (0, Vec::new(), Vec::new());
    summary.meta.loudness_windows.clear();
    let text = svg(&PlotInput { name: "", summary: &summary, waveform: None });
    let texts = texts(&Document::parse(&text).unwrap());
    assert!(texts.contains(&"no waveform: the recording cannot be read".to_owned()), "{texts:?}");
}

#[test]
fn plot_escapes_markup() {
    let hostile = "</text><script>alert(\"1\")</script>";
    let mut summary = talk_and_song(5_000);
    summary.events[0].meta.words[0].word = "<b>&'".to_owned();
    summary.meta.run.language = Some(hostile.to_owned());
    let text = svg(&PlotInput { name: hostile, summary: &summary, waveform: None });
    let document = Document::parse(&text).unwrap();
    let elements = ["svg", "title", "desc", "rect", "path", "text"];
    assert!(
        document
            .descendants()
            .filter(Node::is_element)
            .all(|node| elements.contains(&node.tag_name().name()))
    );
    assert!(texts(&document).iter().any(|text| text == "<b>&'"));
}

#[test]
fn waveform_params_give_two_to_four_peaks_per_column() {
    for (duration_ms, rate, samples) in
        [(0, 48_000, 2), (30_000, 44_100, 512), (660_000, 44_100, 8_192), (10_800_000, 44_100, 131_072)]
    {
        assert_eq!(waveform_params(duration_ms, rate).samples_per_pixel, samples, "{duration_ms} ms");
    }
    assert_eq!(waveform_params(i64::MAX, u32::MAX).samples_per_pixel, 1 << 24);
}

prop_compose! {
    fn any_event()(
        kind in prop::sample::select(vec![EventKind::Speech, EventKind::Music, EventKind::Silence, EventKind::Other]),
        start_ms in any::<i64>(), end_ms in any::<i64>(), word in any::<String>(), sung in any::<bool>(),
        at in -100_000_i64..100_000,
    ) -> AudioEvent {
        let mut event = summary().events.remove(0);
        (event.kind, event.start_ms, event.end_ms, event.meta.sung) = (kind, start_ms, end_ms, sung);
        (event.meta.words[0].word, event.meta.words[0].start_ms) = (word, at);
        event
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn plot_of_any_timeline_is_well_formed_and_bounded(
        name in any::<String>(),
        duration_ms in prop_oneof![any::<i64>(), 0_i64..100_000],
        events in prop::collection::vec(any_event(), 0..40),
        beats in prop::collection::vec((any::<i64>(), any::<i64>()), 0..100),
        windows in prop::collection::vec((any::<i64>(), any::<i64>(), any::<f64>()), 0..100),
        peaks in prop::collection::vec(any::<i16>(), 0..5_000),
    ) {
        let mut summary = summary();
        (summary.duration_ms, summary.events) = (duration_ms, events);
        let beat = |(time_ms, bar_index)| BeatEvent { time_ms, beat_index: 0, bar_index, subdivision: None };
        summary.beats = beats.into_iter().map(beat).collect();
        let window = |(start_ms, end_ms, lufs): (i64, i64, f64)| {
            let loudness_lufs = Some(lufs).filter(|lufs| lufs.is_finite());
            LoudnessWindow { start_ms, end_ms, loudness_lufs }
        };
        summary.meta.loudness_windows = windows.into_iter().map(window).collect();
        let waveform = Waveform { rate: 8_000, channels: 1, samples_per_pixel: 2, peaks };
        let text = svg(&PlotInput { name: &name, summary: &summary, waveform: Some(&waveform) });
        prop_assert!(text.len() < MAX_BYTES, "{} bytes", text.len());
        prop_assert!(!text.contains("NaN") && !text.contains("inf"));
        prop_assert!(Document::parse(&text).is_ok());
    }
}

/// The maximum content of every row: a change in every column.
#[test]
fn densest_plot_is_bounded() {
    let duration_ms = 40_000;
    let mut summary = talk_and_song(duration_ms);
    let mut event = summary.events.remove(0);
    event.meta.words.clear();
    let kinds = [EventKind::Speech, EventKind::Music, EventKind::Silence, EventKind::Other];
    summary.events = (0..duration_ms / 17)
        .map(|index| {
            let mut event = event.clone();
            (event.kind, event.start_ms, event.end_ms) =
                (kinds[index as usize % 4], index * 17, index * 17 + 17);
            event.meta.sung = index % 2 == 0;
            let word = Word {
                word: "'".repeat(400),
                start_ms: index * 17,
                end_ms: index * 17 + 17,
                confidence: None,
                more: Default::default(),
            };
            event.meta.words = if index % 19 == 0 { vec![word] } else { Vec::new() };
            event
        })
        .collect();
    let window = |index: i64| LoudnessWindow {
        start_ms: index * 20,
        end_ms: index * 20 + 20,
        loudness_lufs: Some(-(index % 60) as f64),
    };
    summary.meta.loudness_windows = (0..duration_ms / 20).map(window).collect();
    let text = drawn(&summary);
    assert!(text.len() < MAX_BYTES, "{} bytes", text.len());
}
