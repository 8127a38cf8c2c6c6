//! Settings: flags override environment variables, these a TOML file, and that the defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use audio_asr::ModelDirectory;
use clap::ValueEnum;
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use housekeeping::RetentionRule;
use serde::{Deserialize, Serialize};
use url::Url;

/// All settings of the program.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) role: Role,
    pub(crate) auth: AuthMode,
    pub(crate) trust_context_headers: bool,
    pub(crate) jwt_issuer: Option<String>,
    pub(crate) jwt_audience: Option<String>,
    pub(crate) jwt_jwks_url: Option<Url>,
    pub(crate) jwt_tenant_claim: String,
    pub(crate) jwt_env_claim: String,
    pub(crate) jwt_user_claim: String,
    pub(crate) jwt_scope_claim: String,
    pub(crate) public_url: Option<Url>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) data_dir: PathBuf,
    pub(crate) model_dir: Option<PathBuf>,
    database_url: Option<String>,
    pub(crate) database_connections: u32,
    pub(crate) storage_url: Option<Url>,
    pub(crate) source_roots: Vec<PathBuf>,
    pub(crate) source_hosts: Vec<String>,
    pub(crate) source_ports: Vec<u16>,
    pub(crate) source_networks: Vec<String>,
    pub(crate) source_buckets: Vec<String>,
    pub(crate) source_timeout_s: u64,
    pub(crate) fetch_workers: usize,
    pub(crate) max_upload_bytes: u64,
    pub(crate) max_transcription_bytes: u64,
    pub(crate) max_json_bytes: usize,
    pub(crate) analysis_workers: usize,
    pub(crate) analysis_queue: usize,
    /// Threads of one analysis; by default, see [`Capacity`](crate::capacity::Capacity).
    pub(crate) analysis_threads: Option<usize>,
    pub(crate) job_retention_days: u32,
    pub(crate) retention: Vec<RetentionRule>,
    pub(crate) allow_private_addresses: bool,
    pub(crate) audio_semantic_backend: String,
    pub(crate) audio_semantic_fallback: String,
    pub(crate) audio_semantic_whisper_model: String,
    pub(crate) audio_semantic_seed: u64,
    pub(crate) video_timeline_url: Option<Url>,
    pub(crate) ffmpeg: PathBuf,
    pub(crate) ffprobe: PathBuf,
    pub(crate) render_workers: usize,
    pub(crate) render_queue: usize,
    pub(crate) render_timeout_s: u64,
    pub(crate) max_render_bytes: u64,
    pub(crate) max_connections: usize,
    pub(crate) io_timeout_s: u64,
    pub(crate) shutdown_grace_s: u64,
    pub(crate) log_format: LogFormat,
    pub(crate) log: String,
}

/// Role of a process of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Answers calls and runs jobs.
    All,
    /// Answers calls; jobs are left to workers.
    Api,
    /// Runs jobs; answers `/healthz`, `/readyz` and `/metrics` only.
    Worker,
}

/// How callers are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthMode {
    /// No authentication: the context headers are trusted.
    None,
    /// API keys (`harkback keys`).
    Keys,
    /// Tokens of an issuer.
    Jwt,
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// Readable text, with colours on a terminal.
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            role: Role::All,
            auth: AuthMode::None,
            trust_context_headers: false,
            jwt_issuer: None,
            jwt_audience: None,
            jwt_jwks_url: None,
            jwt_tenant_claim: "tenant_id".to_owned(),
            jwt_env_claim: "env".to_owned(),
            jwt_user_claim: "sub".to_owned(),
            jwt_scope_claim: "scope".to_owned(),
            public_url: None,
            cors_origins: Vec::new(),
            data_dir: default_data_dir(),
            model_dir: None,
            database_url: None,
            database_connections: 20,
            storage_url: None,
            source_roots: Vec::new(),
            source_hosts: Vec::new(),
            source_ports: vec![80, 443],
            source_networks: Vec::new(),
            source_buckets: Vec::new(),
            source_timeout_s: 6 * 3_600,
            fetch_workers: 4,
            max_upload_bytes: 64 << 30,
            max_transcription_bytes: 25 << 20,
            max_json_bytes: 1 << 20,
            analysis_workers: 2,
            analysis_queue: 16,
            analysis_threads: None,
            job_retention_days: 7,
            retention: Vec::new(),
            allow_private_addresses: false,
            audio_semantic_backend: "whisper_aubio".to_owned(),
            audio_semantic_fallback: "stub".to_owned(),
            audio_semantic_whisper_model: "tiny".to_owned(),
            audio_semantic_seed: 42,
            video_timeline_url: None,
            ffmpeg: PathBuf::from("ffmpeg"),
            ffprobe: PathBuf::from("ffprobe"),
            render_workers: 2,
            render_queue: 16,
            render_timeout_s: 3_600,
            max_render_bytes: 64 << 30,
            max_connections: 1_000,
            io_timeout_s: 30,
            shutdown_grace_s: 25,
            log_format: LogFormat::Text,
            // Symphonia logs bytes that are not a recording as an error; callers get that error as the answer.
            log: "info,symphonia=off,whisper_rs=warn,graphile_worker=warn,sqlx::postgres::notice=warn"
                .to_owned(),
        }
    }
}

impl Config {
    /// The database URL; `None`, also when it is empty, means the private cluster.
    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }

    /// The directory of the private cluster.
    pub(crate) fn cluster_directory(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    /// The directory of the speech models.
    pub(crate) fn models(&self) -> ModelDirectory {
        ModelDirectory::new(self.model_dir.clone().unwrap_or_else(|| self.data_dir.join("models")))
    }
}

/// Loads the configuration: `flags` override `file`, and that the defaults.
pub(crate) fn load(file: Option<&Path>, flags: &impl Serialize) -> anyhow::Result<Config> {
    settle(Config::default(), file, flags)
}

/// Loads the configuration for the analysis of one file, which does not fall back to the stub.
pub(crate) fn load_analysis(file: Option<&Path>, flags: &impl Serialize) -> anyhow::Result<Config> {
    settle(analysis_defaults(), file, flags)
}

/// The defaults for the analysis of one file.
pub(crate) fn analysis_defaults() -> Config {
    Config { audio_semantic_fallback: "signal".to_owned(), ..Config::default() }
}

fn settle(defaults: Config, file: Option<&Path>, flags: &impl Serialize) -> anyhow::Result<Config> {
    let mut figment = Figment::from(Serialized::defaults(defaults));
    if let Some(file) = file {
        anyhow::ensure!(file.is_file(), "configuration file {} does not exist", file.display());
        figment = figment.merge(Toml::file_exact(file));
    }
    figment.merge(Serialized::defaults(flags)).extract().context("the configuration is not valid")
}

/// The default data directory. Root's home is closed to the user that the private Postgres runs as; `/var/lib` is not.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
fn default_data_dir() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (std::env::var_os("XDG_DATA_HOME"), home) {
        (Some(data), _) if !data.is_empty() => PathBuf::from(data).join("harkback"),
        (_, Some(home)) if home != Path::new("/root") => home.join(".local/share/harkback"),
        _ => PathBuf::from("/var/lib/harkback"),
    }
}

/// Directories of the variable `PATH`.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Resolves a program that is given by name to its path, if it is found: programs are started without a `PATH`.
pub(crate) fn found_on_path(program: &Path) -> PathBuf {
    let is_name = program.parent() == Some(Path::new(""));
    let found =
        || search_path().into_iter().map(|directory| directory.join(program)).find(|path| path.is_file());
    if is_name { found() } else { None }.unwrap_or_else(|| program.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::flags::{AnalysisFlags, GcFlags, ServeFlags};
    use clap::Parser;

    #[derive(Parser)]
    struct Line<F: clap::Args> {
        #[command(flatten)]
        flags: F,
    }

    fn parsed<F: clap::Args>(line: &[&str]) -> F {
        Line::try_parse_from([&["harkback"], line].concat()).unwrap().flags
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file = file("analysis_workers = 7\nanalysis_queue = 3\ndata_dir = '/file'\nlog = 'warn'\n");
        let flags: ServeFlags = parsed(&["--analysis-workers", "5", "--data-dir", "/flag"]);
        let config = load(Some(file.path()), &flags).unwrap();
        assert_eq!((config.analysis_workers, config.analysis_queue), (5, 3));
        assert_eq!((config.data_dir.to_str().unwrap(), config.log.as_str()), ("/flag", "warn"));
        assert_eq!(config.audio_semantic_fallback, "stub");
    }

    #[test]
    fn configuration_file_applies_to_the_analysis_of_one_file() {
        let file = file("audio_semantic_backend = 'stub'\naudio_semantic_seed = 7\nanalysis_threads = 3\n");
        let flags: AnalysisFlags = parsed(&["--audio-semantic-seed", "8", "--whisper-model", "base"]);
        let config = load_analysis(Some(file.path()), &flags).unwrap();
        assert_eq!((config.audio_semantic_backend.as_str(), config.analysis_threads), ("stub", Some(3)));
        assert_eq!((config.audio_semantic_seed, config.audio_semantic_whisper_model.as_str()), (8, "base"));
        assert_eq!(config.audio_semantic_fallback, "signal");
    }

    #[test]
    fn retention_rules_are_read_from_the_file_and_replaced_by_flags() {
        let file = file("retention = ['draft=30', 'a=b=7']\n");
        let rules = |flags: &GcFlags| {
            let config = load(Some(file.path()), flags).unwrap();
            config.retention.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(rules(&GcFlags::default()), ["draft=30", "a=b=7"]);
        assert_eq!(
            rules(&parsed(&["--retention", "test=1", "--retention", "x=2,y=3"])),
            ["test=1", "x=2", "y=3"]
        );
        let error = Line::<GcFlags>::try_parse_from(["harkback", "--retention", "draft"]).err().unwrap();
        assert!(error.to_string().contains("expected TAG=DAYS"), "{error}");
    }

    #[test]
    fn unknown_settings_are_refused() {
        let file = file("analysis_wrokers = 7\n");
        let error = format!("{:#}", load(Some(file.path()), &ServeFlags::default()).unwrap_err());
        assert!(error.contains("analysis_wrokers"), "{error}");
    }
}
