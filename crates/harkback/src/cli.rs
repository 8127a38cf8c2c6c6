mod analyze_arguments;
mod export_arguments;
mod identify_arguments;
mod job_arguments;
mod key_arguments;
mod maintenance_arguments;
mod mcp_arguments;
mod model_arguments;
mod open_arguments;
mod upload_arguments;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub(crate) use analyze_arguments::AnalyzeArguments;
pub(crate) use export_arguments::{ExportArguments, ExportFormat, ExportMedia, ExportSubject};
pub(crate) use identify_arguments::IdentifyArguments;
pub(crate) use job_arguments::{JobsArguments, JobsCommand, ServiceArguments};
pub(crate) use key_arguments::{KeysArguments, KeysCommand};
pub(crate) use maintenance_arguments::{
    ForgetArguments, GcArguments, IndexArguments, LibraryIndex, ReprobeArguments, VerifyArguments,
};
pub(crate) use mcp_arguments::McpArguments;
pub(crate) use model_arguments::{ModelsArguments, ModelsCommand};
pub(crate) use open_arguments::OpenArguments;
pub(crate) use upload_arguments::UploadArguments;

use crate::flag_defaults::Defaults;
use crate::flags::{ModelLocation, ServeFlags, StoreFlags};

/// Analyse audio and video, find the source of a piece of audio, and return the matching video.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// TOML file with settings; flags and environment variables override it.
    #[arg(long, global = true, env = "HARKBACK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// The definition of the command line, with the defaults of settings in the help.
    pub(crate) fn with_defaults() -> clap::Command {
        let (service, analysis) = (Defaults::of_service(), Defaults::of_analysis());
        Self::command().mut_subcommands(|command| {
            if command.get_name() == "analyze" { analysis.add_to(command) } else { service.add_to(command) }
        })
    }

    /// The definition for documents: without values of the environment, which differ between machines.
    pub(crate) fn for_documents() -> clap::Command {
        without_environment(Self::with_defaults())
    }

    /// Parses the arguments of the process; prints help and errors, and exits, as [`Parser::parse`] does.
    pub(crate) fn parse_arguments() -> Self {
        let matches = Self::with_defaults().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut Self::command()).exit())
    }
}

fn without_environment(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.hide_env_values(true)).mut_subcommands(without_environment)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the HTTP service.
    Serve(Box<ServeFlags>),
    /// Start the service on this machine and open its page in the browser, on files if there are any.
    ///
    /// If a service already answers at the address, it is used. The address of the page is printed, too.
    Open(Box<OpenArguments>),
    /// Analyse files and print their timelines, or write them in other formats; needs no database.
    ///
    /// Exit status: 0 if every file was analysed and written, else 1; a failure does not stop the others.
    Analyze(AnalyzeArguments),
    /// Find where a recording comes from: its places in the media files of a directory; needs no database.
    ///
    /// Prints each place with its times, speed, level and confidence. Files that are not media are skipped with a note.
    /// Nothing is kept on disk; the samples of the recording and of matching files are in temporary files meanwhile. Exit
    /// status: 0 if every media file was searched, with or without matches, else 1.
    Identify(IdentifyArguments),
    /// Demonstrate the service with a recording: timeline, samples, shots, video snippets.
    ///
    /// Runs a service and a Postgres of its own for the duration of the demo, and keeps their output in `.demo/`. The
    /// data directory and the model directory are only searched for speech models.
    Demo(DemoArguments),
    /// List the media formats that this installation reads, and which decoder reads each.
    Formats(FormatsArguments),
    /// Fetch, list and check speech models.
    Models(ModelsArguments),
    /// Migrate the database's schema to this version, then exit.
    Migrate(StoreFlags),
    /// Find blobs that no row refers to, and optionally remove them; remove old assets by their tags.
    ///
    /// Safe while services that have a database URL run. The private Postgres has one user: stop its service first.
    Gc(GcArguments),
    /// Remove everything of a tenant, or of one of its environments: all rows, and the bytes that no other tenant has.
    ///
    /// Calls and jobs of the tenant that run meanwhile may write further rows: revoke its API keys first, and repeat the
    /// command until it removes nothing. As safe while services run as `gc`.
    Forget(ForgetArguments),
    /// Probe assets again that an older version probed, and correct kind, duration, frame rate, codecs and decoder.
    ///
    /// The service does the same at the first call about an asset; calls that list timelines need it done before. Files
    /// that cannot be read are listed and skipped. As safe while services run as `gc`.
    Reprobe(ReprobeArguments),
    /// List damaged and missing bytes, and results made with a decoder that reads their recording wrongly.
    ///
    /// Hashes every stored file. Exits with 1 if anything is found. Run `reprobe` first: it finds which recordings are
    /// read wrongly.
    Verify(VerifyArguments),
    /// Index what an older version stored, so that searches find it: words, samples, recordings; and sizes.
    ///
    /// The service indexes what it stores itself. Works in small transactions; as safe while services run as `gc`.
    Index(IndexArguments),
    /// Create, list and revoke API keys, and rotate the secret of signed links.
    Keys(KeysArguments),
    /// Upload files to a running service; interrupted uploads are resumed.
    ///
    /// Prints the id of the asset of each file. The same command continues an upload that an earlier run has begun within a
    /// day. Exit status: 0 if every file was uploaded, else 1; a failure does not stop the others.
    Upload(UploadArguments),
    /// List, follow, cancel and retry the jobs of a running service.
    Jobs(JobsArguments),
    /// Offer the calls of a running service to language models, as tools of the Model Context Protocol.
    ///
    /// Speaks with one client over standard input and output, or with many over HTTP.
    Mcp(McpArguments),
    /// Export a timeline, a shot list or an analysis of a running service in the format of another program.
    Export(ExportArguments),
    /// Print the OpenAPI document of the service.
    Openapi,
    /// Print the completions of a shell.
    Completions(CompletionsArguments),
    /// Print the man page.
    Man(ManArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The recording: audio, or video with audio. In the repository it defaults to an example.
    pub(crate) file: Option<PathBuf>,
    /// Speech model for the words: a name in the model directory, or a path [default: the first installed one]
    #[arg(long, env = "AUDIO_SEMANTIC_WHISPER_MODEL", value_name = "MODEL")]
    pub(crate) whisper_model: Option<String>,
    #[command(flatten)]
    pub(crate) place: ModelLocation,
}

#[derive(Debug, Args)]
pub(crate) struct FormatsArguments {
    /// Print JSON: an array of `{name, title, decoder, other_codecs}`.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: CompletionShell,
}

/// A shell with completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write the pages of all commands to this directory instead: `harkback.1`, `harkback-analyze.1`, ….
    #[arg(short = 'o', long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_definition_is_consistent() {
        Cli::command().debug_assert();
        Cli::with_defaults().debug_assert();
    }

    /// `--help` of a command, without spaces at the ends of lines.
    fn own_help(command: &mut clap::Command) -> String {
        let help = command.render_long_help().to_string();
        help.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// `--help` of a command and of those below it.
    fn help(command: &mut clap::Command) -> String {
        let name = command.get_bin_name().unwrap().to_owned();
        let mut text = format!("$ {name} --help\n{}\n", own_help(command));
        let below = command.get_subcommands_mut().filter(|command| command.get_name() != "help");
        text.extend(below.map(help));
        text
    }

    #[test]
    fn help_is_as_reviewed() {
        let mut cli = Cli::for_documents().term_width(100);
        cli.build();
        insta::assert_snapshot!("help", own_help(&mut cli));
        for command in cli.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            insta::assert_snapshot!(format!("help_{}", command.get_name()), help(command));
        }
    }

    #[test]
    fn speakers_flag_takes_its_count_after_an_equals_sign() {
        use clap::Parser;
        let parsed =
            |arguments: &[&str]| match Cli::try_parse_from([&["harkback", "analyze"], arguments].concat()) {
                Ok(Cli { command: Command::Analyze(analyze), .. }) => {
                    Some((analyze.files[0].clone(), analyze.speakers))
                }
                _ => None,
            };
        let file = PathBuf::from("talk.wav");
        assert_eq!(parsed(&["--speakers", "talk.wav"]), Some((file.clone(), Some("any".to_owned()))));
        assert_eq!(parsed(&["--speakers=2-4", "talk.wav"]), Some((file.clone(), Some("2-4".to_owned()))));
        assert_eq!(parsed(&["talk.wav", "--speakers"]), Some((file.clone(), Some("any".to_owned()))));
        assert_eq!(parsed(&["talk.wav"]), Some((file.clone(), None)));
        // What follows is another file.
        assert_eq!(parsed(&["talk.wav", "--speakers", "2-4"]), Some((file, Some("any".to_owned()))));
    }

    #[test]
    fn each_command_has_only_its_own_flags() {
        let mut cli = Cli::command();
        let mut help = |name: &str| cli.find_subcommand_mut(name).unwrap().render_long_help().to_string();
        for (name, its_own, other) in [
            ("serve", "--ffmpeg", "--older-than-hours"),
            ("open", "--no-browser", "--older-than-hours"),
            ("migrate", "--database-url", "--ffmpeg"),
            ("gc", "--storage-url", "--listen"),
            ("forget", "--tenant", "--retention"),
            ("reprobe", "--source-root", "--listen"),
            ("verify", "--database-url", "--ffmpeg"),
            ("analyze", "--backend", "--database-url"),
            ("demo", "--whisper-model", "--database-url"),
            ("export", "--media", "--database-url"),
            ("identify", "--min-confidence", "--database-url"),
            ("upload", "--source-ref", "--database-url"),
            ("mcp", "--allow-host", "--database-url"),
        ] {
            let help = help(name);
            assert!(help.contains(its_own) && !help.contains(other), "{name}: {help}");
        }
    }
}
