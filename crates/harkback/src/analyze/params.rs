//! Parameters of an analysis, from flags.

use anyhow::Context;
use audio_semantic_timeline::EffectiveParams;
use audio_semantic_timeline::speakers::SpeakerBounds;

use crate::cli::AnalyzeArguments;

pub(super) fn params(arguments: &AnalyzeArguments) -> anyhow::Result<EffectiveParams> {
    let within = |name: &str, value: i64, lowest: i64, highest: i64| {
        anyhow::ensure!(
            (lowest..=highest).contains(&value),
            "--{name} must be {lowest} to {highest}, not {value}"
        );
        Ok(value)
    };
    Ok(EffectiveParams {
        include_beats: !arguments.no_beats,
        include_speech_music: !arguments.no_speech_music,
        min_silence_ms: within("min-silence-ms", arguments.min_silence_ms, 50, 10_000)?,
        loudness_window_ms: within("loudness-window-ms", arguments.loudness_window_ms, 100, 10_000)?,
        language: EffectiveParams::requested_language(arguments.language.clone()),
        prompt: arguments.prompt.clone().unwrap_or_default(),
        hot_words: arguments.hot_word.clone(),
        translate: arguments.translate,
        audio_stream: arguments.audio_stream,
        speakers: arguments.speakers.as_deref().map(speakers).transpose()?,
        channel_speech: arguments.channel_speech,
    })
}

/// Parses `any`, a number, or a range such as `2-4`.
fn speakers(text: &str) -> anyhow::Result<SpeakerBounds> {
    if text == "any" {
        return Ok(SpeakerBounds::default());
    }
    let number = |text: &str| {
        text.parse().with_context(|| format!("--speakers {text}: use a number or a range such as 2-4"))
    };
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let bounds = SpeakerBounds { min: Some(number(min)?), max: Some(number(max)?) };
    bounds.count()?;
    Ok(bounds)
}
