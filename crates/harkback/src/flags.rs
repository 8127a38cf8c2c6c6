//! Flags and their environment variables, grouped by the commands that need them. A field has the name of its setting;
//! a flag that is not given is not serialised, and is left to the file and the defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use audio_asr::ModelDirectory;
use clap::Args;
use housekeeping::RetentionRule;
use serde::Serialize;
use url::Url;

use crate::config::{self, AuthMode, LogFormat, Role};
use crate::values;

/// All settings of the service.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct ServeFlags {
    /// Address to listen on
    #[arg(long, env = "HARKBACK_LISTEN", value_name = "ADDR", value_parser = values::socket_address)]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Role of this process: `api` answers calls, `worker` runs jobs and answers `/healthz`, `/readyz` and `/metrics`
    /// only, `all` does both; but for `all`, a database URL is needed
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
    #[command(flatten)]
    #[serde(flatten)]
    sources: SourceFlags,
    /// Directory of the speech and speaker models; `harkback models` fetches, lists and checks them
    #[arg(long, env = "HARKBACK_MODEL_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model_dir: Option<PathBuf>,
    /// Database connections in the pool
    #[arg(long, env = "HARKBACK_DATABASE_CONNECTIONS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_connections: Option<u32>,
    /// Maximum size of an upload in bytes
    #[arg(long, env = "HARKBACK_MAX_UPLOAD_BYTES", value_name = "BYTES", value_parser = values::bytes)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_upload_bytes: Option<u64>,
    /// Maximum size of a file for `POST /v1/audio/transcriptions` in bytes
    #[arg(long, env = "HARKBACK_MAX_TRANSCRIPTION_BYTES", value_name = "BYTES", value_parser = values::bytes)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_transcription_bytes: Option<u64>,
    /// Maximum size of a JSON body in bytes, except shot lists (64 MiB), timelines (16 MiB) and snippets (4 MiB)
    #[arg(long, env = "HARKBACK_MAX_JSON_BYTES", value_name = "BYTES", value_parser = values::bytes_in_memory)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_json_bytes: Option<usize>,
    /// Concurrent analyses
    #[arg(long, env = "HARKBACK_ANALYSIS_WORKERS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_workers: Option<usize>,
    /// Transcriptions by `/v1/audio/transcriptions` and enrolments that may wait; beyond it 503
    #[arg(long, env = "HARKBACK_ANALYSIS_QUEUE", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_queue: Option<usize>,
    /// Threads of one analysis; the result does not depend on it
    #[arg(long, env = "HARKBACK_ANALYSIS_THREADS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_threads: Option<usize>,
    /// Days for which a finished job can be read
    #[arg(long, env = "HARKBACK_JOB_RETENTION_DAYS", value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    job_retention_days: Option<u32>,
    /// Analysis backend: `whisper_aubio` (alias `whisper_librosa`), `signal` or `stub`
    #[arg(long, env = "AUDIO_SEMANTIC_BACKEND", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_backend: Option<String>,
    /// Fallback for a backend that cannot run: `stub`, `signal` or `error`
    #[arg(long, env = "AUDIO_SEMANTIC_FALLBACK", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_fallback: Option<String>,
    /// Speech model: a name in the model directory, or a path
    #[arg(long, env = "AUDIO_SEMANTIC_WHISPER_MODEL", value_name = "MODEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_whisper_model: Option<String>,
    /// Seed that is part of the backend's version
    #[arg(long, env = "AUDIO_SEMANTIC_SEED", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_seed: Option<u64>,
    /// URL of a remote video timeline that replaces the one in this process
    #[arg(long, env = "VIDEO_TIMELINE_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    video_timeline_url: Option<Url>,
    /// Concurrent renders
    #[arg(long, env = "HARKBACK_RENDER_WORKERS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    render_workers: Option<usize>,
    /// Runs of ffmpeg that may wait in a process; beyond it 503
    #[arg(long, env = "HARKBACK_RENDER_QUEUE", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    render_queue: Option<usize>,
    /// Maximum duration of a render in seconds
    #[arg(long, env = "HARKBACK_RENDER_TIMEOUT_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    render_timeout_s: Option<u64>,
    /// Maximum size of a rendered file in bytes
    #[arg(long, env = "HARKBACK_MAX_RENDER_BYTES", value_name = "BYTES", value_parser = values::bytes)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_render_bytes: Option<u64>,
    /// Concurrent connections; for a further one, the connection that has been idle after an answer for longest is
    /// closed; if none is idle, the new one waits
    #[arg(long, env = "HARKBACK_MAX_CONNECTIONS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<usize>,
    /// Seconds without progress after which a connection is closed: idle, or in a head, body or answer
    #[arg(long, env = "HARKBACK_IO_TIMEOUT_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    io_timeout_s: Option<u64>,
    /// Seconds that running requests get to finish when the service stops
    #[arg(long, env = "HARKBACK_SHUTDOWN_GRACE_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_grace_s: Option<u64>,
}

/// Flags of authentication and of requests to other hosts.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct AccessFlags {
    /// How callers are authenticated: `none` (on loopback only), `keys` or `jwt`
    #[arg(long, env = "HARKBACK_AUTH", value_name = "MODE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<AuthMode>,
    /// Trust the context headers of every caller beyond loopback, too: a proxy in front sets them
    #[arg(long, env = "HARKBACK_TRUST_CONTEXT_HEADERS", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_context_headers: Option<bool>,
    /// Send webhooks to private, loopback and link-local addresses, too
    #[arg(long, env = "HARKBACK_ALLOW_PRIVATE_ADDRESSES", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_private_addresses: Option<bool>,
    /// Claim `iss` of accepted tokens
    #[arg(long, env = "HARKBACK_JWT_ISSUER", value_name = "ISSUER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_issuer: Option<String>,
    /// Claim `aud` of accepted tokens
    #[arg(long, env = "HARKBACK_JWT_AUDIENCE", value_name = "AUDIENCE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_audience: Option<String>,
    /// URL of the issuer's key set (JWKS); it is cached for ten minutes
    #[arg(long, env = "HARKBACK_JWT_JWKS_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_jwks_url: Option<Url>,
    /// Claim with the tenant: a name, or a JSON pointer such as `/org/id`
    #[arg(long, env = "HARKBACK_JWT_TENANT_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_tenant_claim: Option<String>,
    /// Claim with the environment: a name, or a JSON pointer
    #[arg(long, env = "HARKBACK_JWT_ENV_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_env_claim: Option<String>,
    /// Claim with the user: a name, or a JSON pointer
    #[arg(long, env = "HARKBACK_JWT_USER_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_user_claim: Option<String>,
    /// Claim with the scopes `read`, `write`, `admin`: a name, or a JSON pointer
    #[arg(long, env = "HARKBACK_JWT_SCOPE_CLAIM", value_name = "CLAIM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_scope_claim: Option<String>,
    /// URL of the service as callers see it: in links, and in the OpenAPI document
    #[arg(long, env = "HARKBACK_PUBLIC_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<Url>,
    /// Origins whose pages may call the service, such as `https://editor.example` (repeat, or separate by `,`)
    #[arg(long = "cors-origin", env = "HARKBACK_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cors_origins: Vec<String>,
}

/// Flags of source files and decoders.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct MediaFlags {
    /// Directories whose files may be registered by `file://` URI; with `{tenant}` or `{env}` in the path, a directory
    /// for each owner (repeat, or separate by `:`)
    #[arg(long = "source-root", env = "HARKBACK_SOURCE_ROOTS", value_delimiter = ':', value_name = "DIR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_roots: Vec<PathBuf>,
    /// ffmpeg for decoding and rendering, 5.1 or newer: a path, or a name on PATH
    #[arg(long, env = "HARKBACK_FFMPEG", value_name = "PROGRAM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ffmpeg: Option<PathBuf>,
    /// ffprobe of the same version
    #[arg(long, env = "HARKBACK_FFPROBE", value_name = "PROGRAM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ffprobe: Option<PathBuf>,
}

/// Flags of files that are fetched from other servers.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct SourceFlags {
    /// Hosts whose files may be registered by `https://` or `http://` URI: `media.example.org`, `*.example.org`, or `*` for
    /// all (repeat, or separate by `,`)
    #[arg(long = "source-host", env = "HARKBACK_SOURCE_HOSTS", value_delimiter = ',', value_name = "HOST")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_hosts: Vec<String>,
    /// Ports of these hosts (repeat, or separate by `,`)
    #[arg(long = "source-port", env = "HARKBACK_SOURCE_PORTS", value_delimiter = ',', value_name = "PORT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_ports: Vec<u16>,
    /// Networks that these hosts may be in although their addresses are not public, such as `10.20.0.0/16` (repeat, or
    /// separate by `,`)
    #[arg(
        long = "source-network",
        env = "HARKBACK_SOURCE_NETWORKS",
        value_delimiter = ',',
        value_name = "RANGE"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_networks: Vec<String>,
    /// Buckets, with an optional prefix, whose objects may be registered: `s3://bucket/prefix`, `gs://bucket` or
    /// `az://container`; with `{tenant}` in the prefix, a part for each tenant (repeat, or separate by `,`)
    #[arg(
        long = "source-bucket",
        env = "HARKBACK_SOURCE_BUCKETS",
        value_delimiter = ',',
        value_name = "URL"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_buckets: Vec<String>,
    /// Maximum duration of fetching a file in seconds
    #[arg(long, env = "HARKBACK_SOURCE_TIMEOUT_S", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    source_timeout_s: Option<u64>,
    /// Files that are fetched at once
    #[arg(long, env = "HARKBACK_FETCH_WORKERS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    fetch_workers: Option<usize>,
}

/// Settings of the service that `reprobe` needs.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct ReprobeFlags {
    #[command(flatten)]
    #[serde(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    #[serde(flatten)]
    media: MediaFlags,
}

/// Settings of the service that `gc` needs, and its own.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct GcFlags {
    #[command(flatten)]
    #[serde(flatten)]
    store: StoreFlags,
    /// Remove assets with a tag that were registered more than a number of days ago, such as `draft=30` (repeat, or separate
    /// by `,`); those with which users made something are kept
    #[arg(long, env = "HARKBACK_RETENTION", value_delimiter = ',', value_name = "TAG=DAYS")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retention: Vec<RetentionRule>,
    /// URL of a remote video timeline, whose clips keep assets that `--retention` would remove
    #[arg(long, env = "VIDEO_TIMELINE_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    video_timeline_url: Option<Url>,
}

/// Settings of storage and log: those of the service that `migrate`, `gc`, `forget` and `verify` need.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct StoreFlags {
    /// Directory of blobs, staging files and the private Postgres
    #[arg(long, env = "HARKBACK_DATA_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// URL `postgres://…`; without it a private cluster runs in the data directory
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// URL of the blob store: `file:///…`, `s3://…`, `gs://…` or `az://…`
    #[arg(long, env = "HARKBACK_STORAGE_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_url: Option<Url>,
    /// Format of log lines
    #[arg(long, env = "HARKBACK_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
    /// Log filter, as directives of `tracing`
    #[arg(long, env = "HARKBACK_LOG", value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

/// Settings of the analysis of one file. The flags are short; the names of `serve` are accepted, too.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct AnalysisFlags {
    /// Analysis backend: `whisper_aubio` (alias `whisper_librosa`), `signal` or `stub`
    #[arg(
        long = "backend",
        visible_alias = "audio-semantic-backend",
        env = "AUDIO_SEMANTIC_BACKEND",
        value_name = "NAME"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_backend: Option<String>,
    /// Fallback for a backend that cannot run: `stub`, `signal` or `error`
    #[arg(
        long = "fallback",
        visible_alias = "audio-semantic-fallback",
        env = "AUDIO_SEMANTIC_FALLBACK",
        value_name = "NAME"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_fallback: Option<String>,
    /// Speech model: a name in the model directory, or a path
    #[arg(
        long = "whisper-model",
        visible_alias = "audio-semantic-whisper-model",
        env = "AUDIO_SEMANTIC_WHISPER_MODEL",
        value_name = "MODEL"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_whisper_model: Option<String>,
    /// Seed that is part of the backend's version
    #[arg(
        long = "seed",
        visible_alias = "audio-semantic-seed",
        env = "AUDIO_SEMANTIC_SEED",
        value_name = "N"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_semantic_seed: Option<u64>,
    /// Threads of one analysis; the result does not depend on it
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
    place: ModelLocation,
}

/// Location of speech models, for commands that need no other settings of the service.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct ModelLocation {
    /// Directory of blobs, models and the private Postgres
    #[arg(long, env = "HARKBACK_DATA_DIR", value_name = "DIR", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Directory of the speech and speaker models; `harkback models` fetches, lists and checks them
    #[arg(long, env = "HARKBACK_MODEL_DIR", value_name = "DIR", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    model_dir: Option<PathBuf>,
}

impl ModelLocation {
    /// The model directory, resolved as the service does.
    pub(crate) fn directory(&self, file: Option<&Path>) -> anyhow::Result<ModelDirectory> {
        Ok(config::load(file, self)?.models())
    }
}
