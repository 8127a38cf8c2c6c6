use http_kit::RequestContext;
use primitives::{Id, Scope, WriteSeed};
use sqlx::PgConnection;

use super::TimelineService;
use super::records::{find, made_before};
use crate::client::TimelineCompanion;
use crate::error::Error;
use crate::model::{
    Clip, CreatedTimeline, NewTimeline, ProjectTarget, Sequence, Track, clip_pointer, clips_on_track,
};
use crate::store::record::Child as _;
use crate::store::{clips, projects};

impl TimelineService {
    /// Creates project, sequence, track and clips in one transaction, in a constant number of statements; `companion`
    /// writes in the same transaction.
    pub(crate) async fn make_timeline(
        &self,
        context: &RequestContext,
        new: NewTimeline,
        companion: Option<&mut dyn TimelineCompanion>,
    ) -> Result<CreatedTimeline, Error> {
        new.check()?;
        let scope = &context.scope;
        let (sequence_id, track_id) = (Id::for_write("seq", 0), Id::for_write("track", 0));
        let clips = clips_on_track(new.clips, &track_id)?;
        let project_id = match &new.project {
            ProjectTarget::New(_) => Id::for_write("project", 0),
            ProjectTarget::Existing(id) => id.clone(),
        };
        if WriteSeed::current().is_some() {
            let mut connection = self.pool.acquire().await?;
            if made_before::<Sequence>(&mut connection, scope, &sequence_id).await?.is_some() {
                let ids = [&project_id, &sequence_id, &track_id];
                return timeline_made_before(&mut connection, scope, ids, clips).await;
            }
        }
        self.check_media(scope, &clips, clip_pointer).await?;
        let mut transaction = self.pool.begin().await?;
        let project = match new.project {
            ProjectTarget::New(project) => {
                let project = self.project_of(context, project);
                projects::insert(&mut transaction, &project).await?;
                project
            }
            ProjectTarget::Existing(id) => find(&mut transaction, scope, &id).await?,
        };
        let sequence =
            Sequence::insert(&mut transaction, scope, &project.id, &sequence_id, &new.sequence).await?;
        let track = Track::insert(&mut transaction, scope, &sequence.id, &track_id, &new.track).await?;
        clips::insert_all(&mut transaction, scope, &track.id, &clips).await?;
        let made = CreatedTimeline { project, sequence, track, clips };
        if let Some(companion) = companion {
            companion.write(Some(&mut transaction), &made).await?;
        }
        transaction.commit().await?;
        Ok(made)
    }
}

/// The timeline that an earlier attempt of this write created before its process died.
async fn timeline_made_before(
    connection: &mut PgConnection,
    scope: &Scope,
    [project_id, sequence_id, track_id]: [&Id; 3],
    clips: Vec<Clip>,
) -> Result<CreatedTimeline, Error> {
    Ok(CreatedTimeline {
        project: find(connection, scope, project_id).await?,
        sequence: find(connection, scope, sequence_id).await?,
        track: find(connection, scope, track_id).await?,
        clips,
    })
}
