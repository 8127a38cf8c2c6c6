use audio_to_video_origin::codes::TOO_MANY_SHOTS;
use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use http_kit::codes::STORAGE_FULL;
use media_time::MediaTime;
use media_v2::MediaError;
use media_v2::codes::UNDECODABLE_MEDIA;
use primitives::Id;
use scheduling::WorkError;

use confined_process::ToolError;

use crate::codes::{
    EMPTY_PROJECT, EMPTY_SHOT_LIST, FILM_TOO_LONG, INVALID_WINDOW, RENDER_FAILED, RENDER_TIMEOUT,
    RENDER_TOO_LARGE, RENDERER_UNAVAILABLE, TOO_MANY_OVERLAPPING, UNKNOWN_RENDER_PROFILE, UNSUPPORTED_CLIP,
    UNSUPPORTED_CONTAINER, WINDOW_OUTSIDE_SOURCE,
};
use crate::{UnknownProfile, fault};

/// Errors of planning and rendering a window.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The render profile is unknown.
    #[error(transparent)]
    UnknownProfile(#[from] UnknownProfile),
    /// Not exactly one of `asset_id`, `project_id` and `shot_list_artifact_id` is given, or a field that is of another.
    #[error(
        "set one of asset_id, project_id (optionally with sequence_id) and shot_list_artifact_id; the first two with \
             start_ms and end_ms, audio only with the third"
    )]
    NoSubject,
    /// A window of an asset or timeline without its start or end.
    #[error("set start_ms and end_ms, the window to render")]
    NoWindow,
    /// The window is empty, ends before it starts, or starts before zero.
    #[error("the window from {start} to {end} is invalid: expected 0 ≤ start_ms < end_ms")]
    InvalidWindow {
        /// Start of the window.
        start: MediaTime,
        /// End of the window.
        end: MediaTime,
    },
    /// The window is not inside the asset or timeline.
    #[error("the window ends at {end}, after the end of {subject} at {duration}")]
    WindowOutside {
        /// End of the window.
        end: MediaTime,
        /// The asset or project.
        subject: Id,
        /// Duration of the asset or timeline.
        duration: MediaTime,
    },
    /// A clip plays its asset beyond its end.
    #[error("in the window, clip {clip_id} plays asset {asset_id} until {end}, beyond its end at {duration}")]
    ClipOutside {
        /// Id of the clip.
        clip_id: Id,
        /// The asset that the clip plays.
        asset_id: Id,
        /// Where the clip stops playing, in the asset's time.
        end: MediaTime,
        /// Duration of the asset.
        duration: MediaTime,
    },
    /// The project has no sequence.
    #[error("project {0} has no sequence: add a sequence with clips before rendering")]
    EmptyProject(Id),
    /// The file is not in a supported container: it is not a recording, or refers to other files.
    #[error(
        "the container of asset {0} is not supported: expected MP4, MOV, Matroska, WebM, AVI, FLV, MPEG, Ogg, \
             WAV, AIFF, CAF, FLAC, MP3 or AAC"
    )]
    UnsupportedContainer(Id),
    /// The file cannot be decoded.
    #[error("the source cannot be rendered: {0}")]
    UndecodableMedia(String),
    /// A clip uses an unsupported property.
    #[error("clip {clip_id} cannot be rendered: {detail}")]
    UnsupportedClip {
        /// Id of the clip.
        clip_id: Id,
        /// The unsupported property, as part of the message.
        detail: String,
    },
    /// A film has too many shots or clips.
    #[error("{count} shots, more than the {limit} of one film; render it in parts")]
    TooManyShots {
        /// Number of shots.
        count: usize,
        /// Largest number of shots allowed.
        limit: usize,
    },
    /// Too many clips are visible at one instant.
    #[error("more than {limit} shots overlap at one instant")]
    TooManyOverlapping {
        /// Largest number allowed.
        limit: usize,
    },
    /// The film is too long.
    #[error("the film lasts {length}, longer than the {limit} that are rendered; render it in parts")]
    FilmTooLong {
        /// Length of the film.
        length: MediaTime,
        /// Longest film allowed.
        limit: MediaTime,
    },
    /// The shot list has no shots, or none that can be shown.
    #[error("the shot list has no shots to render")]
    EmptyShotList,
    /// The disk has no room for the film and its intermediate files.
    #[error("the film may need {needed_bytes} bytes of temporary files, and {free_bytes} are free")]
    NoRoom {
        /// Number of bytes that may be needed.
        needed_bytes: u64,
        /// Number of bytes that are free.
        free_bytes: u64,
    },
    /// The audio of a film cannot be mixed.
    #[error(transparent)]
    Mix(#[from] audio_mix::MixError),
    /// The shot list does not exist, or cannot be read.
    #[error(transparent)]
    ShotList(#[from] audio_to_video_origin::Error),
    /// This ffmpeg was built without a filter that the source needs.
    #[error(
        "ffmpeg on this server has no filter `{filter}`, which {purpose} needs: install an ffmpeg that has it \
             (`ffmpeg -filters` lists them)"
    )]
    MissingFilter {
        /// Name of the filter.
        filter: &'static str,
        /// The purpose that needs the filter.
        purpose: &'static str,
    },
    /// This server has no font for captions.
    #[error(
        "captions cannot be drawn on this server, because it has no font: install one (fonts-dejavu-core)"
    )]
    MissingFont,
    /// A limit of captions is outside its range.
    #[error("captions: {0}")]
    CaptionLimit(#[from] audio_semantic_timeline::OutOfRange),
    /// The timeline of captions is of an artifact, whose times are not those of its recording.
    #[error("{0} is the timeline of an artifact: captions need the timeline of a whole recording")]
    CaptionsOfArtifact(Id),
    /// The timeline of captions does not exist, has no words or cannot be read.
    #[error(transparent)]
    Semantics(#[from] audio_semantic_timeline::Error),
    /// ffmpeg or ffprobe is missing or cannot be run.
    #[error("ffmpeg cannot be run on this server: install it, or set the path of ffmpeg and ffprobe")]
    Unavailable(#[source] ToolError),
    /// ffmpeg ran for too long, or stopped making progress.
    #[error("the render was stopped: it took too long; render a shorter window, or a faster profile")]
    TimedOut(#[source] ToolError),
    /// The file would be larger than allowed.
    #[error("the rendered file would exceed the limit of {limit_bytes} bytes; render a shorter window")]
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
    /// ffmpeg succeeded, but its file is not as planned.
    #[error("the rendered file is not as planned: {0}")]
    BadOutput(String),
    /// ffprobe's report cannot be read.
    #[error("ffprobe's report cannot be read")]
    ProbeReport {
        /// Error of parsing the report.
        source: serde_json::Error,
    },
    /// Too many renders are running and waiting, or a worker failed.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// Error of the media store.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// Error of the timeline client.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// Error of the database.
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
            // A crash is an internal error, regardless of the messages before it.
            ToolError::Failed { ref errors, status, .. }
                if status.code().is_some() && fault::is_caused_by_input(errors) =>
            {
                tracing::debug!(errors, "ffmpeg cannot decode a source");
                Self::UndecodableMedia("ffmpeg cannot decode the window".to_owned())
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
                Self::new(UNKNOWN_RENDER_PROFILE, &detail).field("/render_profile", detail)
            }
            Error::NoSubject => Self::invalid_field("/asset_id", detail),
            Error::NoWindow => Self::invalid_field("/start_ms", detail),
            Error::InvalidWindow { .. } => Self::new(INVALID_WINDOW, &detail).field("/end_ms", detail),
            Error::WindowOutside { .. } => Self::new(WINDOW_OUTSIDE_SOURCE, &detail).field("/end_ms", detail),
            Error::ClipOutside { ref clip_id, .. } => {
                Self::new(WINDOW_OUTSIDE_SOURCE, detail).with("id", clip_id.as_str())
            }
            Error::EmptyProject(ref id) => Self::new(EMPTY_PROJECT, detail).with("id", id.as_str()),
            Error::UnsupportedContainer(_) => Self::new(UNSUPPORTED_CONTAINER, detail),
            Error::UndecodableMedia(_) => Self::new(UNDECODABLE_MEDIA, detail),
            Error::UnsupportedClip { ref clip_id, .. } => {
                Self::new(UNSUPPORTED_CLIP, detail).with("id", clip_id.as_str())
            }
            Error::TooManyShots { .. } => Self::new(TOO_MANY_SHOTS, detail),
            Error::TooManyOverlapping { .. } => Self::new(TOO_MANY_OVERLAPPING, detail),
            Error::FilmTooLong { .. } => Self::new(FILM_TOO_LONG, detail),
            Error::EmptyShotList => Self::new(EMPTY_SHOT_LIST, detail),
            Error::NoRoom { .. } => Self::new(STORAGE_FULL, detail),
            Error::Mix(error) => error.into(),
            Error::ShotList(error) => error.into(),
            Error::Unavailable(_) => Self::new(RENDERER_UNAVAILABLE, detail).retry_after(60).caused_by(error),
            Error::MissingFilter { .. } | Error::MissingFont => {
                Self::new(RENDERER_UNAVAILABLE, detail).retry_after(60)
            }
            Error::CaptionLimit(error) => {
                Self::invalid_field(format!("/captions/{}", error.name), error.detail())
            }
            Error::CaptionsOfArtifact(_) => Self::invalid_field("/captions/artifact_id", detail),
            Error::Semantics(error) => error.into(),
            Error::TimedOut(_) => Self::new(RENDER_TIMEOUT, detail).caused_by(error),
            Error::TooLarge { .. } => Self::new(RENDER_TOO_LARGE, detail),
            Error::StorageFull(_) => Self::new(STORAGE_FULL, detail).caused_by(error),
            Error::Tool(_) | Error::BadOutput(_) | Error::ProbeReport { .. } => {
                let summary = "rendering failed on our side; quote the request id when you report it";
                Self::new(RENDER_FAILED, summary).caused_by(error)
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
