use interchange::captions::{CaptionLimits, captions};
use interchange::openai::{Granularities, transcription, verbose};
use interchange::words::{TimedText, TimedWord};
use interchange::{ass, plain, podcast, srt, ttml, vtt};
use serde_json::{Value, json};

use crate::text;

/// Two speakers, and characters that are markup in some formats.
fn dialogue() -> TimedText {
    let word = |text: &str, start_ms, end_ms, speaker: &str| TimedWord {
        text: text.to_owned(),
        start_ms,
        end_ms,
        speaker: Some(speaker.to_owned()),
        confidence: Some(0.5),
    };
    let words = vec![
        word("a<b", 3_661_001, 3_661_400, "S1"),
        word("&", 3_661_500, 3_661_555, "S1"),
        word("{c}\\N.", 3_661_560, 3_662_600, "S1"),
        word("Yes.", 3_663_004, 3_663_504, "S2"),
    ];
    TimedText { words, duration_ms: 3_670_000, language: Some("en".to_owned()) }
}

#[test]
fn srt_has_numbered_captions() {
    let captions = captions(&dialogue(), &CaptionLimits::DEFAULT);
    let expected =
        "1\n01:01:01,001 --> 01:01:02,600\na<b & {c}\\N.\n\n2\n01:01:03,004 --> 01:01:04,004\nYes.\n\n";
    assert_eq!(srt::srt(&captions), expected);
    assert_eq!(srt::srt(&[]), "");
}

#[test]
fn vtt_escapes_markup_and_names_speakers() {
    let captions = captions(&dialogue(), &CaptionLimits::DEFAULT);
    let expected = "WEBVTT\n\n01:01:01.001 --> 01:01:02.600\n<v S1>a&lt;b &amp; {c}\\N.\n\n\
                    01:01:03.004 --> 01:01:04.004\n<v S2>Yes.\n";
    assert_eq!(vtt::vtt(&captions), expected);
    assert_eq!(vtt::vtt(&[]), "WEBVTT\n");
}

#[test]
fn ttml_is_xml_with_a_paragraph_for_each_caption() {
    let mut dialogue = dialogue();
    dialogue.words[3].text = "Yes\u{b}, a second line that is rather long, and its break.".to_owned();
    let captions = captions(&dialogue, &CaptionLimits::DEFAULT);
    let text = ttml::ttml(&captions, Some("en"));
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().namespace(), Some("http://www.w3.org/ns/ttml"));
    assert_eq!(root.attribute(("http://www.w3.org/XML/1998/namespace", "lang")), Some("en"));
    let paragraphs: Vec<_> = document.descendants().filter(|node| node.tag_name().name() == "p").collect();
    assert_eq!(paragraphs.len(), 2);
    assert_eq!(
        (paragraphs[0].attribute("begin"), paragraphs[0].attribute("end")),
        (Some("01:01:01.001"), Some("01:01:02.600"))
    );
    assert_eq!(paragraphs[0].text(), Some("a<b & {c}\\N."));
    let breaks = paragraphs[1].children().filter(|node| node.tag_name().name() == "br").count();
    assert_eq!(breaks, 1);
    let agents = document.descendants().filter(|node| node.tag_name().name() == "agent").count();
    assert_eq!(agents, 2);
}

#[test]
fn ass_highlights_each_word_when_it_is_spoken() {
    let captions = captions(&dialogue(), &CaptionLimits::DEFAULT);
    let text = ass::ass(&captions);
    let events: Vec<&str> = text.lines().filter(|line| line.starts_with("Dialogue:")).collect();
    assert_eq!(
        events,
        [
            "Dialogue: 0,1:01:01.00,1:01:02.60,Default,S1,0,0,0,,{\\k40}a<b{\\k10}{\\k6} &{\\k104} \\{c\\}\\\u{2060}N.",
            "Dialogue: 0,1:01:03.00,1:01:04.00,Default,S2,0,0,0,,{\\k50}Yes.",
        ]
    );
    let styles: Vec<&str> =
        text.lines().filter(|line| line.starts_with("Format:") || line.starts_with("Style:")).collect();
    let fields = |line: &str| line.split(',').count();
    assert_eq!(fields(styles[0]), fields(styles[1]));
}

#[test]
fn verbose_transcriptions_have_words_and_segments() {
    let text = text("Hello there. And again");
    assert_eq!(
        serde_json::to_value(transcription(&text)).unwrap(),
        json!({"text": "Hello there. And again"})
    );
    let both = Granularities { words: true, segments: true };
    let value = serde_json::to_value(verbose(&text, "transcribe", "english", both)).unwrap();
    assert_eq!(
        (&value["task"], &value["language"], &value["duration"]),
        (&json!("transcribe"), &json!("english"), &json!(4.15))
    );
    assert_eq!(value["words"][1], json!({"word": "there.", "start": 0.3, "end": 0.55}));
    let segments = value["segments"].as_array().unwrap();
    assert_eq!(segments.len(), 2);
    assert_eq!(
        (&segments[1]["id"], &segments[1]["start"], &segments[1]["end"]),
        (&json!(1), &json!(0.6), &json!(1.15))
    );
    assert_eq!((&segments[1]["text"], &segments[1]["avg_logprob"]), (&json!("And again"), &json!(-0.1054)));
    let words = Granularities { words: true, segments: false };
    let value = serde_json::to_value(verbose(&text, "transcribe", "english", words)).unwrap();
    assert!(value["segments"].is_null() && value["words"].is_array());
}

#[test]
fn podcast_transcripts_have_a_segment_for_each_sentence_and_speaker() {
    let value: Value = serde_json::to_value(podcast::podcast(&dialogue())).unwrap();
    assert_eq!(
        value["segments"][1],
        json!({"speaker": "S2", "startTime": 3_663.004, "endTime": 3_663.504, "body": "Yes."})
    );
    assert_eq!(value["version"], "1.0.0");
}

#[test]
fn plain_text_has_a_line_for_each_sentence() {
    assert_eq!(plain::plain(&text("One two. Three").words), "One two.\nThree\n");
    assert_eq!(plain::plain(&dialogue().words), "a<b & {c}\\N.\nYes.\n");
    assert_eq!(plain::plain(&[]), "");
}
