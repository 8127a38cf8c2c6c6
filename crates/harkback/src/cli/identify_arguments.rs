use std::num::NonZeroUsize;
use std::path::PathBuf;

use audio_fingerprint::MIN_CONFIDENCE;
use clap::Args;

use crate::values;

#[derive(Debug, Args)]
pub(crate) struct IdentifyArguments {
    /// The recording to identify: audio, or video with audio; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// Directory of the media files to search, with all directories below it.
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Print JSON: `{file, searched, skipped, matches}`.
    #[arg(long)]
    pub(crate) json: bool,
    /// Least confidence of a match, 0 to 1: the probability that a search of 10 s has no match as good by chance.
    #[arg(long, value_name = "P", default_value_t = MIN_CONFIDENCE, value_parser = values::probability)]
    pub(crate) min_confidence: f64,
    /// Also find audio at speeds of 0.9 to 1.1 and pitches of ± 1 semitone; the search takes about 20 times as long.
    #[arg(long)]
    pub(crate) changed: bool,
    /// Files that are read at once; the result does not depend on it.
    #[arg(long, value_name = "N", default_value = "2")]
    pub(crate) threads: NonZeroUsize,
}
