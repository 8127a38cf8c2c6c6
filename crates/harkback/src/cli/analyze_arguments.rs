use std::path::PathBuf;

use audio_semantic_timeline::EffectiveParams;
use clap::Args;

use crate::analyze::AnalysisFormat;
use crate::flags::AnalysisFlags;

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArguments {
    /// The recordings: audio, or video with audio; `-` reads standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Print only the summary as JSON.
    #[arg(long, conflicts_with = "text")]
    pub(crate) json: bool,
    /// Print a readable timeline (the default).
    #[arg(long)]
    pub(crate) text: bool,
    /// Formats to write, separated by `,`: `json` (the timeline), words, notes, drawings.
    #[arg(long, value_name = "FORMATS", value_enum, value_delimiter = ',', conflicts_with_all = ["json", "text"])]
    pub(crate) format: Vec<AnalysisFormat>,
    /// Directory of the files of `--format`, `NAME.EXTENSION` for each FILE; `-` writes a single one to standard output.
    #[arg(short = 'o', long, value_name = "DIR", requires = "format", conflicts_with = "out")]
    pub(crate) out_dir: Option<PathBuf>,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "F")]
    pub(crate) out: Option<PathBuf>,
    /// Also draw the timeline to this file, `.svg` or `.png`.
    #[arg(long, value_name = "F")]
    pub(crate) plot: Option<PathBuf>,
    /// Minimum silence duration to report, in ms (50 to 10 000).
    #[arg(long, default_value_t = EffectiveParams::DEFAULT_MIN_SILENCE_MS, value_name = "MS")]
    pub(crate) min_silence_ms: i64,
    /// Length of the loudness windows, in ms (100 to 10 000).
    #[arg(long, default_value_t = EffectiveParams::DEFAULT_LOUDNESS_WINDOW_MS, value_name = "MS")]
    pub(crate) loudness_window_ms: i64,
    /// Do not detect beats.
    #[arg(long)]
    pub(crate) no_beats: bool,
    /// Distinguish only silence from other audio.
    #[arg(long)]
    pub(crate) no_speech_music: bool,
    /// Language of the speech, as an ISO 639-1 code; detected by default, and with `auto`.
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// Text that the speech model treats as preceding speech: names, spelling, style.
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// A word that is likely to occur; repeatable.
    #[arg(long, value_name = "WORD")]
    pub(crate) hot_word: Vec<String>,
    /// Translate to English, regardless of the spoken language; needs a multilingual model.
    #[arg(long)]
    pub(crate) translate: bool,
    /// Audio stream to analyse, counted from 0 among the audio streams; by default the container's default one.
    #[arg(long, value_name = "INDEX")]
    pub(crate) audio_stream: Option<u32>,
    /// Detect who speaks when; with a number or a range such as `--speakers=2-4`, that many speakers.
    #[arg(long, value_name = "COUNT", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
    pub(crate) speakers: Option<String>,
    /// Treat each channel as one microphone and each microphone as one speaker.
    #[arg(long, conflicts_with = "speakers")]
    pub(crate) channel_speech: bool,
    #[command(flatten)]
    pub(crate) analysis: AnalysisFlags,
}
