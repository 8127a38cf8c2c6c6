use http_kit::{Id, RequestContext};
use sqlx::PgConnection;

use super::TimelineService;
use crate::error::{Entity, Error};
use crate::model::{CreatedTimeline, NewTimeline, Project, ProjectTarget, clips_on_track};
use crate::store::{clips, projects, sequences, tracks};

impl TimelineService {
    /// Project, sequence, track and clips in one transaction, in a constant number of statements.
    pub(crate) async fn make_timeline(
        &self,
        context: &RequestContext,
        new: NewTimeline,
    ) -> Result<CreatedTimeline, Error> {
        new.check()?;
        let scope = &context.scope;
        let track_id = Id::generate("track");
        let clips = clips_on_track(new.clips, &track_id)?;
        self.check_media(scope, &clips).await?;
        let mut transaction = self.pool.begin().await?;
        let project = match new.project {
            ProjectTarget::New(project) => {
                let project = self.project_of(context, project);
                projects::insert(&mut transaction, &project).await?;
                project
            }
            ProjectTarget::Existing(id) => attach(&mut transaction, context, &id).await?,
        };
        let sequence =
            sequences::insert(&mut transaction, scope, &project.id, &Id::generate("seq"), &new.sequence)
                .await?;
        let track = tracks::insert(&mut transaction, scope, &sequence.id, &track_id, &new.track).await?;
        clips::insert_all(&mut transaction, scope, &track.id, &clips).await?;
        transaction.commit().await?;
        Ok(CreatedTimeline { project, sequence, track, clips })
    }
}

/// The caller's project; one of another owner is told apart from one that is not there.
async fn attach(connection: &mut PgConnection, context: &RequestContext, id: &Id) -> Result<Project, Error> {
    if let Some(project) = projects::find(connection, &context.scope, id).await? {
        return Ok(project);
    }
    if projects::is_of_another_owner(connection, &context.scope, id).await? {
        return Err(Error::ContextMismatch { id: id.to_string() });
    }
    Err(Error::not_found(Entity::Project, id))
}
