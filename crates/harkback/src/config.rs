//! Settings: flags over environment over a TOML file over defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use audio_asr::ModelDirectory;
use clap::{Args, ValueEnum};
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use url::Url;

/// What `serve` and `migrate` run with.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) model_dir: Option<PathBuf>,
    pub(crate) database_url: Option<String>,
    pub(crate) database_connections: u32,
    pub(crate) storage_url: Option<Url>,
    pub(crate) source_roots: Vec<PathBuf>,
    pub(crate) max_upload_bytes: u64,
    pub(crate) max_json_bytes: usize,
    pub(crate) analysis_workers: usize,
    pub(crate) analysis_queue: usize,
    pub(crate) analysis_threads: usize,
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
    pub(crate) shutdown_grace_s: u64,
    pub(crate) log_format: LogFormat,
    pub(crate) log: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Flags and environment; what is not given is left to the file and the defaults.
#[derive(Clone, Debug, Default, Args, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) struct Overrides {
    /// Address to listen on [default: 127.0.0.1:8090]
    #[arg(long, env = "HARKBACK_LISTEN", value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Where blobs, staging files and the private Postgres live
    /// [default: ~/.local/share/harkback; /var/lib/harkback for root]
    #[arg(long, env = "HARKBACK_DATA_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Where the speech models are [default: models in the data directory]
    #[arg(long, env = "HARKBACK_MODEL_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model_dir: Option<PathBuf>,
    /// postgres:// URL; without it a private cluster is run under the data directory
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// Connections in the pool [default: 20]
    #[arg(long, env = "HARKBACK_DATABASE_CONNECTIONS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_connections: Option<u32>,
    /// Where blobs are kept: file:///…, s3://…, gs://… or az://… [default: blobs in the data directory]
    #[arg(long, env = "HARKBACK_STORAGE_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_url: Option<Url>,
    /// Directories whose files may be registered by file:// URI (repeat, or separate by `:`)
    #[arg(long = "source-root", env = "HARKBACK_SOURCE_ROOTS", value_delimiter = ':', value_name = "DIR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_roots: Vec<PathBuf>,
    /// The largest upload in bytes [default: 68719476736, 64 GiB]
    #[arg(long, env = "HARKBACK_MAX_UPLOAD_BYTES", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_upload_bytes: Option<u64>,
    /// The largest JSON body in bytes [default: 67108864, 64 MiB]
    #[arg(long, env = "HARKBACK_MAX_JSON_BYTES", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_json_bytes: Option<usize>,
    /// Analyses that run at once [default: 2]
    #[arg(long, env = "HARKBACK_ANALYSIS_WORKERS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_workers: Option<usize>,
    /// Analyses that may wait; beyond it 503 [default: 16]
    #[arg(long, env = "HARKBACK_ANALYSIS_QUEUE", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_queue: Option<usize>,
    /// Threads of one analysis [default: half the cores]
    #[arg(long, env = "HARKBACK_ANALYSIS_THREADS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_threads: Option<usize>,
    /// whisper_aubio, signal or stub [default: whisper_aubio]
    #[arg(long, env = "AUDIO_SEMANTIC_BACKEND", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_backend: Option<String>,
    /// What replaces a backend that cannot run: stub, signal or error [default: stub]
    #[arg(long, env = "AUDIO_SEMANTIC_FALLBACK", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_fallback: Option<String>,
    /// Speech model: a name in the model directory, or a path [default: tiny]
    #[arg(long, env = "AUDIO_SEMANTIC_WHISPER_MODEL", value_name = "MODEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_whisper_model: Option<String>,
    /// Named in the backend's version [default: 42]
    #[arg(long, env = "AUDIO_SEMANTIC_SEED", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_seed: Option<u64>,
    /// A remote video timeline in place of the one in this process
    #[arg(long, env = "VIDEO_TIMELINE_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    video_timeline_url: Option<Url>,
    /// The ffmpeg that renders: a path, or a name to be found on PATH [default: ffmpeg]
    #[arg(long, env = "HARKBACK_FFMPEG", value_name = "PROGRAM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ffmpeg: Option<PathBuf>,
    /// The ffprobe of the same version [default: ffprobe]
    #[arg(long, env = "HARKBACK_FFPROBE", value_name = "PROGRAM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ffprobe: Option<PathBuf>,
    /// Renders that run at once [default: 2]
    #[arg(long, env = "HARKBACK_RENDER_WORKERS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    render_workers: Option<usize>,
    /// Renders that may wait; beyond it 503 [default: 16]
    #[arg(long, env = "HARKBACK_RENDER_QUEUE", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    render_queue: Option<usize>,
    /// Seconds that one render may take [default: 3600]
    #[arg(long, env = "HARKBACK_RENDER_TIMEOUT_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    render_timeout_s: Option<u64>,
    /// The largest rendered file in bytes [default: 68719476736, 64 GiB]
    #[arg(long, env = "HARKBACK_MAX_RENDER_BYTES", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_render_bytes: Option<u64>,
    /// Seconds that running requests get to finish when the service stops [default: 60]
    #[arg(long, env = "HARKBACK_SHUTDOWN_GRACE_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_grace_s: Option<u64>,
    /// How log lines look [default: text]
    #[arg(long, env = "HARKBACK_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
    /// What is logged, as tracing's directives [default: info,symphonia=off,whisper_rs=warn]
    #[arg(long, env = "HARKBACK_LOG", value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            data_dir: default_data_dir(),
            model_dir: None,
            database_url: None,
            database_connections: 20,
            storage_url: None,
            source_roots: Vec::new(),
            max_upload_bytes: 64 << 30,
            max_json_bytes: 64 << 20,
            analysis_workers: 2,
            analysis_queue: 16,
            analysis_threads: cores.div_ceil(2),
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
            shutdown_grace_s: 60,
            log_format: LogFormat::Text,
            // Symphonia calls it an error when bytes are no recording; callers are told.
            log: "info,symphonia=off,whisper_rs=warn".to_owned(),
        }
    }
}

impl Config {
    /// The directory of the speech models.
    pub(crate) fn models(&self) -> ModelDirectory {
        ModelDirectory::new(self.model_dir.clone().unwrap_or_else(|| self.data_dir.join("models")))
    }
}

/// Where speech models are, for commands that need nothing else of the service.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ModelPlace {
    /// Where blobs, models and the private Postgres live
    /// [default: ~/.local/share/harkback; /var/lib/harkback for root]
    #[arg(long, env = "HARKBACK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the speech models are [default: models in the data directory]
    #[arg(long, env = "HARKBACK_MODEL_DIR", value_name = "DIR")]
    model_dir: Option<PathBuf>,
}

impl ModelPlace {
    /// The directory, as the service would settle it.
    pub(crate) fn directory(&self, file: Option<&Path>) -> anyhow::Result<ModelDirectory> {
        let (data_dir, model_dir) = (self.data_dir.clone(), self.model_dir.clone());
        Ok(load(file, &Overrides { data_dir, model_dir, ..Overrides::default() })?.models())
    }
}

/// Settles the configuration.
pub(crate) fn load(file: Option<&Path>, overrides: &Overrides) -> anyhow::Result<Config> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = file {
        anyhow::ensure!(file.is_file(), "there is no configuration file {}", file.display());
        figment = figment.merge(Toml::file_exact(file));
    }
    figment.merge(Serialized::defaults(overrides)).extract().context("the configuration is not valid")
}

/// Root's home is closed to the user that the private Postgres runs as; `/var/lib` is not.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
fn default_data_dir() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (std::env::var_os("XDG_DATA_HOME"), home) {
        (Some(data), _) if !data.is_empty() => PathBuf::from(data).join("harkback"),
        (_, Some(home)) if home != Path::new("/root") => home.join(".local/share/harkback"),
        _ => PathBuf::from("/var/lib/harkback"),
    }
}

/// The directories of `PATH`.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// The path of a program that is given by name, if it is found: programs are started without a `PATH`.
pub(crate) fn found_on_path(program: &Path) -> PathBuf {
    let is_name = program.parent() == Some(Path::new(""));
    let found =
        || search_path().into_iter().map(|directory| directory.join(program)).find(|path| path.is_file());
    if is_name { found() } else { None }.unwrap_or_else(|| program.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "analysis_workers = 7\nanalysis_queue = 3\n").unwrap();
        let overrides = Overrides { analysis_workers: Some(5), ..Overrides::default() };
        let config = load(Some(file.path()), &overrides).unwrap();
        assert_eq!((config.analysis_workers, config.analysis_queue), (5, 3));
        assert_eq!(config.audio_semantic_fallback, "stub");
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "analysis_wrokers = 7\n").unwrap();
        let error = format!("{:#}", load(Some(file.path()), &Overrides::default()).unwrap_err());
        assert!(error.contains("analysis_wrokers"), "{error}");
    }
}
