use http_kit::RequestContext;
use primitives::{Id, KeysetCursor, Page, WriteSeed};

use super::{TimelineService, deleted, found};
use crate::error::{Entity, Error};
use crate::model::{NewProject, Project, ProjectPatch};
use crate::page::Paging;
use crate::store::projects;

impl TimelineService {
    /// The row of `new`, owned by `context`'s caller and created now.
    pub(super) fn project_of(&self, context: &RequestContext, new: NewProject) -> Project {
        let now = self.clock.now();
        Project {
            id: Id::for_write("project", 0),
            tenant_id: context.scope.tenant_id.clone(),
            env: context.scope.env.clone(),
            user_id: context.user_id.clone(),
            title: new.title,
            render_profile: new.render_profile,
            created_at: now,
            updated_at: now,
            meta: new.meta,
        }
    }

    pub(crate) async fn make_project(
        &self,
        context: &RequestContext,
        new: NewProject,
    ) -> Result<Project, Error> {
        new.check("")?;
        let project = self.project_of(context, new);
        let mut connection = self.pool.acquire().await?;
        if WriteSeed::current().is_some()
            && let Some(made) = projects::find(&mut connection, &context.scope, &project.id).await?
        {
            return Ok(made);
        }
        projects::insert(&mut connection, &project).await?;
        Ok(project)
    }

    pub(crate) async fn project(&self, context: &RequestContext, id: &Id) -> Result<Project, Error> {
        let row = projects::find(&mut *self.pool.acquire().await?, &context.scope, id).await?;
        found(row, Entity::Project, id)
    }

    /// A page of projects, newest first.
    pub(crate) async fn projects(
        &self,
        context: &RequestContext,
        paging: &Paging,
    ) -> Result<Page<Project>, Error> {
        let page = paging.newest_first()?;
        let rows = projects::list(&mut *self.pool.acquire().await?, &context.scope, &page).await?;
        let cursor_of = |project: &Project| KeysetCursor { key: project.created_at, id: project.id.clone() };
        Ok(Page::from_rows(rows, page.limit, cursor_of))
    }

    pub(crate) async fn update_project(
        &self,
        context: &RequestContext,
        id: &Id,
        patch: &ProjectPatch,
    ) -> Result<Project, Error> {
        patch.check()?;
        let mut connection = self.pool.acquire().await?;
        let row = projects::update(&mut connection, &context.scope, id, patch, self.clock.now()).await?;
        found(row, Entity::Project, id)
    }

    /// Deletes a project with its sequences, their tracks and clips.
    pub(crate) async fn delete_project(&self, context: &RequestContext, id: &Id) -> Result<(), Error> {
        let any = projects::delete(&mut *self.pool.acquire().await?, &context.scope, id).await?;
        deleted(any, Entity::Project, id)
    }
}
