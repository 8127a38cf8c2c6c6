use axum::extract::State;
use http::StatusCode;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY};
use http_kit::{ContextJson, InContext, Json, Problem};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::codes::PROJECT_NOT_FOUND;
use crate::model::{
    CreatedTimeline, NewClip, NewFurtherTrack, NewSequence, NewShotListTimeline, NewTimeline, NewTrack,
    ProjectTarget, ShotListTimeline,
};
use crate::service::TimelineService;

type NewTimelineRequest = InContext<NewTimeline>;
type NewShotListTimelineRequest = InContext<NewShotListTimeline>;

/// The body of `POST /video/timelines`.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "describes for OpenAPI what `TimelineRequest` reads"
)]
enum TimelineBody {
    /// Clips on tracks.
    Clips(NewTimelineRequest),
    /// The shots of a stored shot list.
    ShotList(NewShotListTimelineRequest),
}

/// The timeline to create.
#[derive(Debug, Deserialize)]
#[serde(try_from = "TimelineFields")]
pub(super) enum TimelineRequest {
    Clips(Box<NewTimeline>),
    ShotList(NewShotListTimeline),
}

/// The fields of both kinds. serde's errors for an untagged enum do not name the field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimelineFields {
    project: Option<ProjectTarget>,
    sequence: Option<NewSequence>,
    track: Option<NewTrack>,
    clips: Option<Vec<NewClip>>,
    further_tracks: Option<Vec<NewFurtherTrack>>,
    shot_list_artifact_id: Option<Id>,
    title: Option<String>,
}

impl TryFrom<TimelineFields> for TimelineRequest {
    type Error = &'static str;

    fn try_from(fields: TimelineFields) -> Result<Self, Self::Error> {
        let TimelineFields { project, sequence, track, clips, further_tracks, shot_list_artifact_id, title } =
            fields;
        if let Some(shot_list_artifact_id) = shot_list_artifact_id {
            let has_clips = project.is_some() || sequence.is_some() || track.is_some() || clips.is_some();
            if has_clips || further_tracks.is_some() {
                return Err(
                    "expected either `shot_list_artifact_id` or `project`, `sequence`, `track` and `clips`",
                );
            }
            return Ok(Self::ShotList(NewShotListTimeline { shot_list_artifact_id, title }));
        }
        if title.is_some() {
            return Err("`title` is of `shot_list_artifact_id`; use `project.new.title`");
        }
        Ok(Self::Clips(Box::new(NewTimeline {
            project: project
                .ok_or("missing field `project`; for the shots of a shot list, `shot_list_artifact_id`")?,
            sequence: sequence.ok_or("missing field `sequence`")?,
            track: track.ok_or("missing field `track`")?,
            clips: clips.ok_or("missing field `clips`")?,
            further_tracks: further_tracks.unwrap_or_default(),
        })))
    }
}

/// The answer of `POST /video/timelines`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum TimelineAnswer {
    /// Of clips.
    Clips(Box<CreatedTimeline>),
    /// Of a shot list.
    ShotList(Box<ShotListTimeline>),
}

http_kit::error_responses!(CreateErrors:
    PROJECT_NOT_FOUND, ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, INVALID_BODY,
);

/// Create a sequence with tracks of clips, all or nothing
///
/// Of clips, in a new or existing project; or of the shots of a stored shot list, in a new project.
#[utoipa::path(post, path = "/video/timelines", operation_id = "create_timeline", tag = "video_timeline",
    request_body = TimelineBody,
    responses((status = 201, body = TimelineAnswer), CreateErrors))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    ContextJson(context, new): ContextJson<InContext<TimelineRequest>>,
) -> Result<(StatusCode, Json<TimelineAnswer>), Problem> {
    let answer = match new.body {
        TimelineRequest::Clips(new) => {
            TimelineAnswer::Clips(Box::new(service.make_timeline(&context, *new, None).await?))
        }
        TimelineRequest::ShotList(new) => {
            TimelineAnswer::ShotList(Box::new(service.make_from_shot_list(&context, new).await?))
        }
    };
    Ok((StatusCode::CREATED, Json(answer)))
}
