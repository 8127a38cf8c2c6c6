use clap::{Args, Subcommand};

use crate::flags::ModelLocation;

#[derive(Debug, Args)]
pub(crate) struct ModelsArguments {
    #[command(flatten)]
    pub(crate) place: ModelLocation,
    #[command(subcommand)]
    pub(crate) command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the published models, and which of them are installed.
    List,
    /// Download a published model, or resume an interrupted download.
    Pull {
        /// Name as printed by `list`, e.g. `tiny.en`, or `speakers` for both networks of diarization.
        name: String,
        /// Another URL with the files under the same names; for `speakers`, which has no default, also a directory.
        #[arg(long, value_name = "URL")]
        from: Option<String>,
    },
    /// Check that models are complete, and that published ones have the published digest.
    Verify {
        /// Names or paths; by default all models in the directory.
        names: Vec<String>,
    },
    /// Print the path of a model, installed or not; without a name, the directory.
    Path {
        /// Name or path; `speakers` for both files of diarization, one per line.
        name: Option<String>,
    },
}
