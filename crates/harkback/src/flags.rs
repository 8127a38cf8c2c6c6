//! Flags and their environment variables, by what needs them. A field has the name of its setting, and one that is not
//! given is not serialised: it is left to the file and the defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use audio_asr::ModelDirectory;
use clap::Args;
use serde::Serialize;
use url::Url;

use crate::config::{self, AuthMode, LogFormat, Role};

/// All settings of the service.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct ServeFlags {
    /// Address to listen on [default: 127.0.0.1:8090]
    #[arg(long, env = "HARKBACK_LISTEN", value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// What this process does: answer calls, run jobs, or both [default: all]
    #[arg(long, env = "HARKBACK_ROLE", value_name = "ROLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[command(flatten)]
    #[serde(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    #[serde(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    #[serde(flatten)]
    media: MediaFlags,
    /// Where the speech models are [default: models in the data directory]
    #[arg(long, env = "HARKBACK_MODEL_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model_dir: Option<PathBuf>,
    /// Connections in the pool [default: 20]
    #[arg(long, env = "HARKBACK_DATABASE_CONNECTIONS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_connections: Option<u32>,
    /// The largest upload in bytes [default: 68719476736, 64 GiB]
    #[arg(long, env = "HARKBACK_MAX_UPLOAD_BYTES", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_upload_bytes: Option<u64>,
    /// The largest file of `POST /v1/audio/transcriptions` in bytes [default: 26214400, 25 MiB]
    #[arg(long, env = "HARKBACK_MAX_TRANSCRIPTION_BYTES", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_transcription_bytes: Option<u64>,
    /// The largest JSON body in bytes, but for shot lists and timelines [default: 1048576, 1 MiB]
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
    /// Days for which a finished job can be read [default: 7]
    #[arg(long, env = "HARKBACK_JOB_RETENTION_DAYS", value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    job_retention_days: Option<u32>,
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
    /// Connections at once; more wait until one ends [default: 1000]
    #[arg(long, env = "HARKBACK_MAX_CONNECTIONS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<usize>,
    /// Seconds without progress after which a connection is closed: idle, or in a head, body or answer [default: 30]
    #[arg(long, env = "HARKBACK_IO_TIMEOUT_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    io_timeout_s: Option<u64>,
    /// Seconds that running requests get to finish when the service stops [default: 25]
    #[arg(long, env = "HARKBACK_SHUTDOWN_GRACE_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_grace_s: Option<u64>,
}

/// Who may call.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct AccessFlags {
    /// How callers are authenticated [default: none, on loopback only]
    #[arg(long, env = "HARKBACK_AUTH", value_name = "MODE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<AuthMode>,
    /// Trust X-Tenant-Id, X-Env and X-User-Id of every caller also beyond loopback: a proxy in front sets them
    #[arg(long, env = "HARKBACK_TRUST_CONTEXT_HEADERS", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_context_headers: Option<bool>,
    /// Send webhooks to private, loopback and link-local addresses, too
    #[arg(long, env = "HARKBACK_ALLOW_PRIVATE_ADDRESSES", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_private_addresses: Option<bool>,
    /// The claim `iss` of accepted tokens
    #[arg(long, env = "HARKBACK_JWT_ISSUER", value_name = "ISSUER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_issuer: Option<String>,
    /// The claim `aud` of accepted tokens
    #[arg(long, env = "HARKBACK_JWT_AUDIENCE", value_name = "AUDIENCE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_audience: Option<String>,
    /// Where the issuer publishes its keys
    #[arg(long, env = "HARKBACK_JWT_JWKS_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_jwks_url: Option<Url>,
    /// The claim with the tenant, a name or a JSON pointer [default: tenant_id]
    #[arg(long, env = "HARKBACK_JWT_TENANT_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_tenant_claim: Option<String>,
    /// The claim with the environment [default: env]
    #[arg(long, env = "HARKBACK_JWT_ENV_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_env_claim: Option<String>,
    /// The claim with the user [default: sub]
    #[arg(long, env = "HARKBACK_JWT_USER_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_user_claim: Option<String>,
    /// The claim with the scopes read, write, admin [default: scope]
    #[arg(long, env = "HARKBACK_JWT_SCOPE_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_scope_claim: Option<String>,
    /// The address of the service as callers see it: in links, and in the OpenAPI document
    #[arg(long, env = "HARKBACK_PUBLIC_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<Url>,
    /// Origins whose pages may call the service, such as `https://editor.example` (repeat, or separate by `,`)
    #[arg(long = "cors-origin", env = "HARKBACK_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cors_origins: Vec<String>,
}

/// Which files are read and what decodes them.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct MediaFlags {
    /// Directories whose files may be registered by file:// URI (repeat, or separate by `:`)
    #[arg(long = "source-root", env = "HARKBACK_SOURCE_ROOTS", value_delimiter = ':', value_name = "DIR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_roots: Vec<PathBuf>,
    /// The ffmpeg that decodes and renders: a path, or a name to be found on PATH [default: ffmpeg]
    #[arg(long, env = "HARKBACK_FFMPEG", value_name = "PROGRAM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ffmpeg: Option<PathBuf>,
    /// The ffprobe of the same version [default: ffprobe]
    #[arg(long, env = "HARKBACK_FFPROBE", value_name = "PROGRAM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ffprobe: Option<PathBuf>,
}

/// What `reprobe` needs of the settings of the service.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct ReprobeFlags {
    #[command(flatten)]
    #[serde(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    #[serde(flatten)]
    media: MediaFlags,
}

/// Where rows and blobs are, and what is logged: what `migrate`, `gc` and `verify` need of the settings of the service.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct StoreFlags {
    /// Where blobs, staging files and the private Postgres live
    /// [default: ~/.local/share/harkback; /var/lib/harkback for root]
    #[arg(long, env = "HARKBACK_DATA_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// postgres:// URL; without it a private cluster is run under the data directory
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// Where blobs are kept: file:///…, s3://…, gs://… or az://… [default: blobs in the data directory]
    #[arg(long, env = "HARKBACK_STORAGE_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_url: Option<Url>,
    /// How log lines look [default: text]
    #[arg(long, env = "HARKBACK_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
    /// What is logged, as tracing's directives [default: info,symphonia=off,whisper_rs=warn,graphile_worker=warn,sqlx::postgres::notice=warn]
    #[arg(long, env = "HARKBACK_LOG", value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

/// How one file is analysed. The flags are short; the names that `serve` has for them are taken, too.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct AnalysisFlags {
    /// Analysis backend: whisper_aubio, signal or stub [default: whisper_aubio]
    #[arg(
        long = "backend",
        visible_alias = "audio-semantic-backend",
        env = "AUDIO_SEMANTIC_BACKEND",
        value_name = "NAME"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_backend: Option<String>,
    /// What replaces a backend that cannot run: signal, stub or error [default: signal]
    #[arg(
        long = "fallback",
        visible_alias = "audio-semantic-fallback",
        env = "AUDIO_SEMANTIC_FALLBACK",
        value_name = "NAME"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_fallback: Option<String>,
    /// Speech model: a name in the model directory, or a path [default: tiny]
    #[arg(
        long = "whisper-model",
        visible_alias = "audio-semantic-whisper-model",
        env = "AUDIO_SEMANTIC_WHISPER_MODEL",
        value_name = "MODEL"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_whisper_model: Option<String>,
    /// Named in the backend's version [default: 42]
    #[arg(
        long = "seed",
        visible_alias = "audio-semantic-seed",
        env = "AUDIO_SEMANTIC_SEED",
        value_name = "N"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_seed: Option<u64>,
    /// Threads to use; the result does not depend on it [default: all cores]
    #[arg(
        long = "threads",
        visible_alias = "analysis-threads",
        env = "HARKBACK_ANALYSIS_THREADS",
        value_name = "N"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_threads: Option<usize>,
    #[command(flatten)]
    #[serde(flatten)]
    place: ModelPlace,
}

/// Where speech models are, for commands that need nothing else of the service.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct ModelPlace {
    /// Where blobs, models and the private Postgres live
    /// [default: ~/.local/share/harkback; /var/lib/harkback for root]
    #[arg(long, env = "HARKBACK_DATA_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Where the speech models are [default: models in the data directory]
    #[arg(long, env = "HARKBACK_MODEL_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model_dir: Option<PathBuf>,
}

impl ModelPlace {
    /// The directory, as the service would settle it.
    pub(crate) fn directory(&self, file: Option<&Path>) -> anyhow::Result<ModelDirectory> {
        Ok(config::load(file, self)?.models())
    }
}
