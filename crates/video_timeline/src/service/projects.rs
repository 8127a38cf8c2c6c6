use http_kit::RequestContext;
use primitives::{Id, KeysetCursor, Page};

use super::TimelineService;
use super::records::made_before;
use crate::error::Error;
use crate::model::{NewProject, Project};
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

    /// Creates a project with the user of the context.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field out of range; [`Error::Database`].
    pub async fn create_project(&self, context: &RequestContext, new: NewProject) -> Result<Project, Error> {
        new.check("")?;
        let project = self.project_of(context, new);
        let mut connection = self.pool.acquire().await?;
        if let Some(made) = made_before(&mut connection, &context.scope, &project.id).await? {
            return Ok(made);
        }
        projects::insert(&mut connection, &project).await?;
        Ok(project)
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
}
