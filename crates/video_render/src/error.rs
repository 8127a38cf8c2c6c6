use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_kit::{Id, Problem, WorkError};
use media_time::MediaTime;
use media_v2::MediaError;

use confined_process::ToolError;

use crate::{UnknownProfile, fault};

/// Why something was not rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No profile has that name.
    #[error(transparent)]
    UnknownProfile(#[from] UnknownProfile),
    /// Neither, or both, of `asset_id` and `project_id`; a sequence of an asset.
    #[error("name what to render: either asset_id, or project_id and perhaps its sequence_id")]
    NoSubject,
    /// The window holds no instant, or runs backwards, or begins before zero.
    #[error("the window from {start} to {end} is none: expected 0 ≤ start_ms < end_ms")]
    InvalidWindow {
        /// Its begin.
        start: MediaTime,
        /// Its end.
        end: MediaTime,
    },
    /// The window is not inside what is to be rendered.
    #[error("the window ends at {end}, behind the end of {subject} at {duration}")]
    WindowOutside {
        /// The end of the window.
        end: MediaTime,
        /// What was to be rendered.
        subject: Id,
        /// How long that is.
        duration: MediaTime,
    },
    /// A clip plays its asset beyond its end.
    #[error("in the window, clip {clip_id} plays asset {asset_id} until {end}, beyond its end at {duration}")]
    ClipOutside {
        /// The clip.
        clip_id: Id,
        /// What it plays.
        asset_id: Id,
        /// Until when, in the asset's time.
        end: MediaTime,
        /// How long the asset is.
        duration: MediaTime,
    },
    /// A project that has no sequence.
    #[error("project {0} has no sequence, and so nothing to render: put clips on a track of one")]
    EmptyProject(Id),
    /// A file that is not read: it is no recording, or refers to others.
    #[error(
        "asset {0} is in no container that is rendered: expected MP4, MOV, Matroska, WebM, AVI, FLV, MPEG, Ogg, \
             WAV, AIFF, CAF, FLAC, MP3 or AAC"
    )]
    UnsupportedContainer(Id),
    /// A file that cannot be decoded.
    #[error("the source cannot be rendered: {0}")]
    UndecodableMedia(String),
    /// A clip asks for what is not rendered.
    #[error("clip {clip_id} cannot be rendered: {detail}")]
    UnsupportedClip {
        /// The clip.
        clip_id: Id,
        /// What it asks for.
        detail: String,
    },
    /// The window of a timeline uses too many clips.
    #[error(
        "{count} clips play in the window, more than the {limit} that one render may use; render it in parts"
    )]
    TooManyClips {
        /// How many play.
        count: usize,
        /// How many may.
        limit: usize,
    },
    /// This ffmpeg was built without a filter that the source needs.
    #[error(
        "ffmpeg on this server has no filter `{filter}`, which {purpose} needs: install an ffmpeg that has it \
             (`ffmpeg -filters` lists them)"
    )]
    MissingFilter {
        /// The filter.
        filter: &'static str,
        /// What it is needed for.
        purpose: &'static str,
    },
    /// ffmpeg or ffprobe is missing.
    #[error("ffmpeg cannot be run on this server: install it, or set the path of ffmpeg and ffprobe")]
    Unavailable(#[source] ToolError),
    /// It ran for too long, or stopped making progress.
    #[error("the render was stopped: it took too long; render a shorter window, or a faster profile")]
    TimedOut(#[source] ToolError),
    /// The file would be larger than allowed.
    #[error(
        "the rendered file would be larger than the {limit_bytes} bytes it may have; render a shorter window"
    )]
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The disk is full.
    #[error("the server has no space left for the rendered file")]
    StorageFull(#[source] ToolError),
    /// ffmpeg failed, or crashed.
    #[error("rendering failed")]
    Tool(#[source] ToolError),
    /// ffmpeg ended well, and its file is not what was asked for.
    #[error("the rendered file is not as planned: {0}")]
    BadOutput(String),
    /// ffprobe's report cannot be read.
    #[error("ffprobe's report cannot be read")]
    ProbeReport {
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Too many renders.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The media store.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The timeline client.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<ToolError> for Error {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Unavailable { .. } => Self::Unavailable(error),
            ToolError::TimedOut { .. } | ToolError::Stalled { .. } => Self::TimedOut(error),
            ToolError::TooMuchOutput { limit_bytes, .. } => Self::TooLarge { limit_bytes },
            ToolError::Failed { ref errors, .. } if errors.contains("No space left on device") => {
                Self::StorageFull(error)
            }
            // A crash is ours, whatever was written before it.
            ToolError::Failed { ref errors, status, .. }
                if status.code().is_some() && fault::is_of_input(errors) =>
            {
                tracing::debug!(errors, "ffmpeg cannot decode a source");
                Self::UndecodableMedia("ffmpeg cannot decode what the window needs of it".to_owned())
            }
            ToolError::Failed { .. } | ToolError::Broken { .. } => Self::Tool(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::UnknownProfile(_) => {
                Self::unprocessable("unknown_render_profile", &detail).field("/render_profile", detail)
            }
            Error::NoSubject => Self::invalid_field("/asset_id", detail),
            Error::InvalidWindow { .. } => {
                Self::unprocessable("invalid_window", &detail).field("/end_ms", detail)
            }
            Error::WindowOutside { .. } => {
                Self::unprocessable("window_outside_source", &detail).field("/end_ms", detail)
            }
            Error::ClipOutside { ref clip_id, .. } => {
                Self::unprocessable("window_outside_source", detail).with("id", clip_id.as_str())
            }
            Error::EmptyProject(ref id) => {
                Self::unprocessable("empty_project", detail).with("id", id.as_str())
            }
            Error::UnsupportedContainer(_) => Self::unprocessable("unsupported_container", detail),
            Error::UndecodableMedia(_) => Self::unprocessable("undecodable_media", detail),
            Error::UnsupportedClip { ref clip_id, .. } => {
                Self::unprocessable("unsupported_clip", detail).with("id", clip_id.as_str())
            }
            Error::TooManyClips { .. } => Self::unprocessable("too_many_clips", detail),
            Error::Unavailable(_) => Self::unavailable("renderer_unavailable", detail, 60).caused_by(error),
            Error::MissingFilter { .. } => Self::unavailable("renderer_unavailable", detail, 60),
            Error::TimedOut(_) => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "render_timeout", detail).caused_by(error)
            }
            Error::TooLarge { .. } => Self::unprocessable("render_too_large", detail),
            Error::StorageFull(_) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage_full", detail).caused_by(error)
            }
            Error::Tool(_) | Error::BadOutput(_) | Error::ProbeReport { .. } => {
                let summary = "rendering failed on our side; quote the request id when you report it";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "render_failed", summary).caused_by(error)
            }
            Error::Work(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Timeline(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
