use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use http_kit::{AccessLevel, Id};
use url::Url;

use crate::flags::{AnalysisFlags, ModelPlace, ReprobeFlags, ServeFlags, StoreFlags};

/// Given a sound: what it is, which video it came from and when, and the pictures back.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// A TOML file with settings; flags and environment win over it.
    #[arg(long, global = true, env = "HARKBACK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the HTTP service.
    Serve(Box<ServeFlags>),
    /// Analyse one file and print its timeline; needs no database.
    Analyze(AnalyzeArguments),
    /// Show what the service does with a recording: timeline, samples, shots, pictures.
    ///
    /// Runs a service and a Postgres of its own for as long as it takes, and keeps what they make in `.demo/`.
    Demo {
        /// The recording: audio, or video with sound. In the repository one is there.
        file: Option<PathBuf>,
    },
    /// List the media formats that this installation reads, and which decoder reads each.
    Formats(FormatsArguments),
    /// Fetch, list and check speech models.
    Models(ModelsArguments),
    /// Bring the database's schema up to date, then exit.
    Migrate(StoreFlags),
    /// Find blobs that no row refers to, and remove them when asked to.
    ///
    /// Safe beside running services that have a database URL. The private Postgres has one user: stop its service first.
    Gc(GcArguments),
    /// Probe assets again that an older version measured, and correct kind, duration, frame rate, codecs and decoder.
    ///
    /// The service does the same at the first call about an asset; lists of timelines need it done before. Files that
    /// cannot be read are listed and skipped. As safe beside running services as `gc`.
    Reprobe(ReprobeArguments),
    /// List damaged and missing bytes, and results made with a decoder that reads their recording wrongly.
    ///
    /// Hashes every stored file. Exits with 1 when anything is found. Run `reprobe` first: it finds which recordings are
    /// read wrongly.
    Verify(VerifyArguments),
    /// Create, list and revoke API keys, and rotate the secret of signed links.
    Keys(KeysArguments),
    /// List, follow, cancel and repeat the jobs of a service that runs.
    Jobs(JobsArguments),
    /// Print the OpenAPI document of the service.
    Openapi,
}

#[derive(Debug, Args)]
pub(crate) struct JobsArguments {
    #[command(subcommand)]
    pub(crate) command: JobsCommand,
    /// Print JSON as the service answers it.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, newest first.
    List {
        /// Only of this state: queued, running, succeeded, failed, cancelled.
        #[arg(long)]
        state: Option<String>,
        /// Only of this kind, such as `analyze`.
        #[arg(long)]
        kind: Option<String>,
        /// Most jobs to list.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Show one job.
    Show {
        /// Its id.
        id: String,
    },
    /// Follow a job until it has ended. Exits with 0 when it has succeeded, 1 when it has failed, 3 when it was cancelled.
    Watch {
        /// Its id.
        id: String,
    },
    /// Cancel a job.
    Cancel {
        /// Its id.
        id: String,
    },
    /// Run a failed or cancelled job again.
    Retry {
        /// Its id.
        id: String,
    },
}

/// Which service is asked, and in whose name.
#[derive(Debug, Args)]
pub(crate) struct ServiceArguments {
    /// The service's address.
    #[arg(
        long,
        global = true,
        env = "HARKBACK_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8090"
    )]
    pub(crate) url: Url,
    /// An API key or token, for a service with `--auth keys` or `jwt`.
    #[arg(long, global = true, env = "HARKBACK_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// The tenant, where the key does not say it.
    #[arg(long, global = true, env = "HARKBACK_TENANT", value_name = "ID")]
    pub(crate) tenant: Option<Id>,
    /// The environment, where the key does not say it.
    #[arg(long, global = true, env = "HARKBACK_ENV", value_name = "ID")]
    pub(crate) env: Option<Id>,
}

#[derive(Debug, Args)]
pub(crate) struct KeysArguments {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key for `serve --auth keys` and print it. It is shown once; the database has its hash.
    Create {
        /// Tenant of all calls with the key.
        #[arg(long)]
        tenant: Id,
        /// Environment of all calls with the key.
        #[arg(long)]
        env: Id,
        /// User of all calls with the key; without it, callers may name one.
        #[arg(long)]
        user: Option<Id>,
        /// `read`: GET only; `write`: all but files of the machine; `admin`: all.
        #[arg(long, default_value = "write", value_parser = AccessLevel::from_str)]
        scope: AccessLevel,
    },
    /// List the keys.
    List {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<Id>,
    },
    /// Revoke a key, from the next call on.
    Revoke {
        /// The part of the key between `hb_` and the next `_`, as `list` prints it.
        id: String,
    },
    /// Sign links with a new secret. Those of the previous one stay valid; rotate twice to end them.
    RotateLinks,
}

#[derive(Debug, Args)]
pub(crate) struct ReprobeArguments {
    /// Also those that this version measured.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) flags: ReprobeFlags,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Move damaged files aside, so that they are no longer handed out; uploading the same bytes puts them back.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Read only the database: look for results, not for damaged bytes.
    #[arg(long, conflicts_with = "repair")]
    pub(crate) skip_bytes: bool,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Remove what is found; without it, it is only told.
    #[arg(long)]
    pub(crate) delete: bool,
    /// Leave what was written or uploaded again in the last hours; more than any request takes.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) older_than_hours: u32,
    /// Also forget waveforms that are older; they are computed anew when asked for, and their blobs go the next time.
    #[arg(long)]
    pub(crate) waveforms: bool,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArguments {
    /// The recording: audio, or video with sound.
    pub(crate) file: PathBuf,
    /// Print the summary as JSON, nothing else.
    #[arg(long, conflicts_with = "text")]
    pub(crate) json: bool,
    /// Print a readable timeline (the default).
    #[arg(long)]
    pub(crate) text: bool,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "F")]
    pub(crate) out: Option<PathBuf>,
    /// Also draw the timeline into this file, `.svg` or `.png`.
    #[arg(long, value_name = "F")]
    pub(crate) plot: Option<PathBuf>,
    /// The shortest silence that is told, in ms (50 to 10 000).
    #[arg(long, default_value_t = 300, value_name = "MS")]
    pub(crate) min_silence_ms: i64,
    /// Length of the loudness windows, in ms (100 to 10 000).
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    pub(crate) loudness_window_ms: i64,
    /// Do not look for beats.
    #[arg(long)]
    pub(crate) no_beats: bool,
    /// Tell only silence from sound.
    #[arg(long)]
    pub(crate) no_speech_music: bool,
    /// Language of the speech; detected when not given.
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// Text that the speech model sees as if it had been said before: names, spelling, style.
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// A word that is likely to be said; may be given several times.
    #[arg(long, value_name = "WORD")]
    pub(crate) hot_word: Vec<String>,
    /// Write English, whatever is spoken; needs a multilingual model.
    #[arg(long)]
    pub(crate) translate: bool,
    /// The audio stream to analyse, from 0 among the audio streams; the container's default one when not given.
    #[arg(long, value_name = "INDEX")]
    pub(crate) audio_stream: Option<u32>,
    /// Find out who speaks when; with a number or a range such as `--speakers=2-4`, that many speakers.
    #[arg(long, value_name = "COUNT", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
    pub(crate) speakers: Option<String>,
    #[command(flatten)]
    pub(crate) analysis: AnalysisFlags,
}

#[derive(Debug, Args)]
pub(crate) struct FormatsArguments {
    /// Print JSON: an array of `{name, title, decoder, other_codecs}`.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelsArguments {
    #[command(flatten)]
    pub(crate) place: ModelPlace,
    #[command(subcommand)]
    pub(crate) command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the published models, and which are here.
    List,
    /// Download a published model, or go on where a download broke off.
    Pull {
        /// Its name as `list` tells it, e.g. `tiny.en`, or `speakers` for both networks of diarization.
        name: String,
        /// Another place that has the files under the same names; for `speakers`, which has no default, also a directory.
        #[arg(long, value_name = "URL")]
        from: Option<String>,
    },
    /// Check that models are whole, and published ones that they are what was published.
    Verify {
        /// Names or paths; all that are in the directory when none is given.
        names: Vec<String>,
    },
    /// Print where a model is or would be; without a name, the directory.
    Path {
        /// Name or path; `speakers` for both files of diarization, one a line.
        name: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn speakers_take_their_count_behind_an_equals_sign() {
        use clap::Parser;
        let parsed =
            |arguments: &[&str]| match Cli::try_parse_from([&["harkback", "analyze"], arguments].concat()) {
                Ok(Cli { command: Command::Analyze(analyze), .. }) => Some((analyze.file, analyze.speakers)),
                _ => None,
            };
        let file = PathBuf::from("talk.wav");
        assert_eq!(parsed(&["--speakers", "talk.wav"]), Some((file.clone(), Some("any".to_owned()))));
        assert_eq!(parsed(&["--speakers=2-4", "talk.wav"]), Some((file.clone(), Some("2-4".to_owned()))));
        assert_eq!(parsed(&["talk.wav", "--speakers"]), Some((file.clone(), Some("any".to_owned()))));
        assert_eq!(parsed(&["talk.wav"]), Some((file, None)));
        assert_eq!(parsed(&["talk.wav", "--speakers", "2-4"]), None);
    }

    #[test]
    fn each_command_tells_its_own_flags_only() {
        let mut cli = Cli::command();
        let mut help = |name: &str| cli.find_subcommand_mut(name).unwrap().render_long_help().to_string();
        for (name, its_own, other) in [
            ("serve", "--ffmpeg", "--older-than-hours"),
            ("migrate", "--database-url", "--ffmpeg"),
            ("gc", "--storage-url", "--listen"),
            ("reprobe", "--source-root", "--listen"),
            ("verify", "--database-url", "--ffmpeg"),
            ("analyze", "--backend", "--database-url"),
        ] {
            let help = help(name);
            assert!(help.contains(its_own) && !help.contains(other), "{name}: {help}");
        }
    }
}
