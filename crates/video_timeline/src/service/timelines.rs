use http_kit::{Problem, RequestContext};
use primitives::{Id, Scope, WriteSeed};
use sqlx::PgConnection;

use super::TimelineService;
use super::records::{find, made_before};
use crate::client::TimelineCompanion;
use crate::error::Error;
use crate::model::{
    CreatedTimeline, FurtherTrack, NewShotListTimeline, NewTimeline, Project, ProjectTarget, Sequence,
    ShotListTimeline, Track, TrackPlan,
};
use crate::store::record::Child as _;
use crate::store::{clips, projects};

impl TimelineService {
    /// Creates a project from a stored shot list.
    pub(crate) async fn make_from_shot_list(
        &self,
        context: &RequestContext,
        new: NewShotListTimeline,
    ) -> Result<ShotListTimeline, Problem> {
        new.check()?;
        let Some(shot_lists) = &self.shot_lists else {
            let detail = "this service has no shot lists; send the clips";
            return Err(Error::invalid("", "shot_list_artifact_id", detail).into());
        };
        shot_lists.create(context, new).await
    }

    /// Creates project, sequence, tracks and clips in one transaction, with two statements for each track; `companion`
    /// writes in the same transaction.
    pub(crate) async fn make_timeline(
        &self,
        context: &RequestContext,
        new: NewTimeline,
        companion: Option<&mut dyn TimelineCompanion>,
    ) -> Result<CreatedTimeline, Error> {
        let NewTimeline { project, sequence, track, clips, further_tracks } = new;
        if let ProjectTarget::New(project) = &project {
            project.check("/project/new")?;
        }
        sequence.check("/sequence")?;
        let plan = TrackPlan::of(track, clips, further_tracks)?;
        let scope = &context.scope;
        let sequence_id = Id::for_write("seq", 0);
        let project_id = match &project {
            ProjectTarget::New(_) => Id::for_write("project", 0),
            ProjectTarget::Existing(id) => id.clone(),
        };
        if WriteSeed::current().is_some() {
            let mut connection = self.pool.acquire().await?;
            if made_before::<Sequence>(&mut connection, scope, &sequence_id).await?.is_some() {
                return timeline_made_before(&mut connection, scope, [&project_id, &sequence_id], plan).await;
            }
        }
        self.check_media(scope, &plan.clips, |clip| plan.pointer(clip)).await?;
        let mut transaction = self.pool.begin().await?;
        let project = match project {
            ProjectTarget::New(project) => {
                let project = self.project_of(context, project);
                projects::insert(&mut transaction, &project).await?;
                project
            }
            ProjectTarget::Existing(id) => find(&mut transaction, scope, &id).await?,
        };
        let sequence =
            Sequence::insert(&mut transaction, scope, &project.id, &sequence_id, &sequence).await?;
        let mut tracks = Vec::with_capacity(plan.tracks.len());
        for planned in &plan.tracks {
            let track =
                Track::insert(&mut transaction, scope, &sequence.id, &planned.id, &planned.new).await?;
            let clips = &plan.clips[planned.clips.clone()];
            clips::insert_all(&mut transaction, scope, &track.id, clips).await?;
            tracks.push(FurtherTrack { track, clips: clips.to_vec() });
        }
        let made = created(project, sequence, tracks)?;
        if let Some(companion) = companion {
            companion.write(Some(&mut transaction), &made).await?;
        }
        transaction.commit().await?;
        Ok(made)
    }
}

/// The result, from all tracks in their order.
fn created(
    project: Project,
    sequence: Sequence,
    tracks: Vec<FurtherTrack>,
) -> Result<CreatedTimeline, Error> {
    let mut tracks = tracks.into_iter();
    // A plan has at least one track.
    let FurtherTrack { track, clips } = tracks.next().ok_or(sqlx::Error::RowNotFound)?;
    Ok(CreatedTimeline { project, sequence, track, clips, further_tracks: tracks.collect() })
}

/// The timeline that an earlier attempt of this write created before its process died.
async fn timeline_made_before(
    connection: &mut PgConnection,
    scope: &Scope,
    [project_id, sequence_id]: [&Id; 2],
    plan: TrackPlan,
) -> Result<CreatedTimeline, Error> {
    let project = find(connection, scope, project_id).await?;
    let sequence = find(connection, scope, sequence_id).await?;
    let mut tracks = Vec::with_capacity(plan.tracks.len());
    for planned in &plan.tracks {
        let track = find(connection, scope, &planned.id).await?;
        tracks.push(FurtherTrack { track, clips: plan.clips[planned.clips.clone()].to_vec() });
    }
    created(project, sequence, tracks)
}
