use chrono::{DateTime, Utc};
use primitives::{Id, PageParams, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::record::{Editable, Record};
use crate::error::{Entity, Error};
use crate::model::{Meta, Project, ProjectPatch};

struct Row {
    id: Id,
    tenant_id: Id,
    env: Id,
    user_id: Option<Id>,
    title: String,
    render_profile: Option<Id>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    meta: Json<Meta>,
}

impl From<Row> for Project {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            tenant_id: row.tenant_id,
            env: row.env,
            user_id: row.user_id,
            title: row.title,
            render_profile: row.render_profile,
            created_at: row.created_at,
            updated_at: row.updated_at,
            meta: row.meta.0,
        }
    }
}

pub(crate) async fn insert(connection: &mut PgConnection, project: &Project) -> sqlx::Result<()> {
    sqlx::query!(
        "-- video_timeline::projects::insert
         INSERT INTO video_projects
             (tenant_id, env, id, user_id, title, render_profile, created_at, updated_at, meta)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        project.tenant_id.as_str(),
        project.env.as_str(),
        project.id.as_str(),
        project.user_id.as_ref().map(Id::as_str),
        project.title,
        project.render_profile.as_ref().map(Id::as_str),
        project.created_at,
        project.updated_at,
        Json(&project.meta) as _,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Projects, newest first; one row more than the page has.
pub(crate) async fn list(
    connection: &mut PgConnection,
    scope: &Scope,
    page: &PageParams,
) -> sqlx::Result<Vec<Project>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::projects::list
         SELECT id AS "id: Id", tenant_id AS "tenant_id: Id", env AS "env: Id", user_id AS "user_id: Id",
             title, render_profile AS "render_profile: Id", created_at, updated_at, meta AS "meta: Json<Meta>"
         FROM video_projects
         WHERE tenant_id = $1 AND env = $2
           AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::text))
         ORDER BY created_at DESC, id DESC LIMIT $5"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        page.after.as_ref().map(|after| after.key),
        page.after.as_ref().map(|after| after.id.as_str()),
        page.limit.with_next_row(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Project::from).collect())
}

impl Record for Project {
    const KIND: Entity = Entity::Project;

    async fn find(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<Option<Project>> {
        sqlx::query_as!(
            Row,
            r#"-- video_timeline::projects::find
         SELECT id AS "id: Id", tenant_id AS "tenant_id: Id", env AS "env: Id", user_id AS "user_id: Id",
             title, render_profile AS "render_profile: Id", created_at, updated_at, meta AS "meta: Json<Meta>"
         FROM video_projects WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
        )
        .fetch_optional(connection)
        .await
        .map(|row| row.map(Project::from))
    }

    async fn delete(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
        let deleted = sqlx::query!(
            "-- video_timeline::projects::delete
         DELETE FROM video_projects WHERE tenant_id = $1 AND env = $2 AND id = $3",
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
        )
        .execute(connection)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

impl Editable for Project {
    type Patch = ProjectPatch;

    fn check(patch: &ProjectPatch) -> Result<(), Error> {
        patch.check()
    }

    async fn update(
        connection: &mut PgConnection,
        scope: &Scope,
        id: &Id,
        patch: &ProjectPatch,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Project>> {
        sqlx::query_as!(
        Row,
        r#"-- video_timeline::projects::update
         UPDATE video_projects
         SET title = COALESCE($4, title),
             render_profile = CASE WHEN $5 THEN $6 ELSE render_profile END,
             meta = COALESCE($7, meta),
             updated_at = $8
         WHERE tenant_id = $1 AND env = $2 AND id = $3
         RETURNING id AS "id: Id", tenant_id AS "tenant_id: Id", env AS "env: Id", user_id AS "user_id: Id",
             title, render_profile AS "render_profile: Id", created_at, updated_at, meta AS "meta: Json<Meta>""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        patch.title,
        patch.render_profile.is_some(),
        patch.render_profile.as_ref().and_then(|profile| profile.as_ref().map(Id::as_str)),
        patch.meta.as_ref().map(Json) as _,
        now,
    )
    .fetch_optional(connection)
    .await
    .map(|row| row.map(Project::from))
    }
}
