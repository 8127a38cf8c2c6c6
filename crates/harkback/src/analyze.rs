//! Command `harkback analyze FILE`: the analysis without a service, a database or a network.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use anyhow::Context;
use audio_semantic_timeline::backend::{Recording, Selection};
use audio_semantic_timeline::speakers::SpeakerBounds;
use audio_semantic_timeline::{EffectiveParams, analyze_recording};
use audio_signal::{Control, Progress};
use http_kit::RequestContext;
use indicatif::{ProgressBar, ProgressStyle};
use media_decode::{Decoders, MediaInput};
use media_v2::AssetDecoder;
use primitives::{Id, Scope};
use sha2::{Digest, Sha256};

use crate::capacity::Capacity;
use crate::cli::AnalyzeArguments;
use crate::output::Output;
use crate::plot::{self, PlotFormat};
use crate::progress_lines::ProgressLines;
use crate::text::{self, Layout};
use crate::{app, config};

pub(crate) fn analyze(arguments: &AnalyzeArguments, config: Option<&Path>) -> anyhow::Result<()> {
    let path = &arguments.file;
    let settings = config::load_analysis(config, &arguments.analysis)?;
    let decoders = app::decoders(&settings);
    let recording = open(path, &decoders, arguments.audio_stream)?;
    // Checked before the work, so that an unwritable path fails early.
    let out = arguments.out.as_deref().map(|file| Output::new(file, path)).transpose()?;
    let plot = arguments.plot.as_deref().map(|file| Plot::new(file, path)).transpose()?;
    let asset_id = content_id(path)?;
    let params = params(arguments)?;
    let selection = app::backends(&settings, &Capacity::of_command(&settings))?.select_for(&params)?;
    let bar = progress_bar();
    let lines = ProgressLines::unless_terminal(&path.display().to_string());
    // Printed once something is decoded: before, it would hide the reason why nothing can be decoded.
    let note = Once::new();
    let print_fallback = || note.call_once(|| bar.suspend(|| print_fallback(&selection)));
    let progress = |progress| {
        print_fallback();
        show(&bar, lines.as_ref(), progress);
    };
    let control = Control { progress: &progress, cancelled: &|| false };
    let summary = analyze_recording(&context()?, asset_id, recording, &params, &selection, &control);
    bar.finish_and_clear();
    let summary = summary.with_context(|| path.display().to_string())?;
    print_fallback();

    if let Some(plot) = plot {
        let svg = plot::draw(path, &decoders, &summary).with_context(|| path.display().to_string())?;
        plot.output.write(&plot.format.bytes(svg)?)?;
    }
    let output = if arguments.json {
        serde_json::to_string_pretty(&summary)? + "\n"
    } else {
        format!("{}\n{}", path.display(), text::timeline(&summary, Layout::LIST))
    };
    match out {
        Some(out) => out.write(output.as_bytes()),
        None => Ok(std::io::stdout().write_all(output.as_bytes())?),
    }
}

struct Plot<'a> {
    output: Output<'a>,
    format: PlotFormat,
}

impl<'a> Plot<'a> {
    fn new(file: &'a Path, recording: &Path) -> anyhow::Result<Self> {
        let format = PlotFormat::of(file)?;
        Ok(Self { output: Output::new(file, recording)?, format })
    }
}

fn open(path: &Path, decoders: &Decoders, audio_stream: Option<u32>) -> anyhow::Result<Recording> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    anyhow::ensure!(file.metadata()?.is_file(), "{}: not a file", path.display());
    let input =
        MediaInput::new(file, decoders.clone()).with_audio_stream(audio_stream.map(|index| index as usize));
    let probe = input.probe(&|| false).ok();
    let probed_duration = probe.as_ref().and_then(|probe| probe.duration);
    let decoder = probe.as_ref().and_then(AssetDecoder::of);
    Ok(Recording { input, probed_duration, decoder })
}

/// Derives the asset id from the content, regardless of the file's name.
fn content_id(path: &Path) -> anyhow::Result<Id> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).with_context(|| path.display().to_string())?;
        if read == 0 {
            return Ok(format!("sha256:{}", hex::encode(digest.finalize())).parse()?);
        }
        digest.update(&buffer[..read]);
    }
}

fn params(arguments: &AnalyzeArguments) -> anyhow::Result<EffectiveParams> {
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
        language: arguments.language.clone(),
        prompt: arguments.prompt.clone().unwrap_or_default(),
        hot_words: arguments.hot_word.clone(),
        translate: arguments.translate,
        audio_stream: arguments.audio_stream,
        speakers: arguments.speakers.as_deref().map(speakers).transpose()?,
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

/// The command line has no tenants; the cache key of the summary contains this fixed scope.
fn context() -> anyhow::Result<RequestContext> {
    let scope = Scope { tenant_id: "local".parse()?, env: "cli".parse()? };
    Ok(RequestContext { scope, user_id: None, request_id: String::new() })
}

/// A progress bar on standard error, hidden where that is not a terminal.
fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let style = "{spinner} {wide_bar} {msg}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn show(bar: &ProgressBar, lines: Option<&ProgressLines>, progress: Progress) {
    let position = u64::try_from(progress.position.as_millis_floor()).unwrap_or(0);
    if let Some(expected) = progress.expected_duration {
        let length = u64::try_from(expected.as_millis_ceil()).unwrap_or(0).max(position);
        bar.set_length(length);
        bar.set_message(format!("{} of {expected}", progress.position));
        if let Some(lines) = lines {
            lines.set(position, length);
        }
    } else {
        bar.set_message(progress.position.to_string());
    }
    bar.set_position(position);
}

#[expect(clippy::print_stderr, reason = "the command line's own notice")]
fn print_fallback(selection: &Selection) {
    if let Some(reason) = &selection.fallback_reason {
        eprintln!("note: {reason} (backend used: `{}`)", selection.backend.kind());
    }
}
