use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::no_parent;
use super::record::{Child, Editable, Record};
use crate::error::{Entity, Error};
use crate::model::{Meta, NewSequence, Project, Sequence, SequencePatch};
use crate::page::{InOrder, Position, position};

struct Row {
    id: Id,
    project_id: Id,
    name: String,
    fps: Option<f64>,
    position: i32,
    meta: Json<Meta>,
}

impl From<Row> for Sequence {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            fps: row.fps,
            position: row.position,
            meta: row.meta.0,
        }
    }
}

impl Record for Sequence {
    const KIND: Entity = Entity::Sequence;

    async fn find(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<Option<Sequence>> {
        sqlx::query_as!(
        Row,
        r#"-- video_timeline::sequences::find
         SELECT id AS "id: Id", project_id AS "project_id: Id", name, fps, position, meta AS "meta: Json<Meta>"
         FROM video_sequences WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(connection)
    .await
    .map(|row| row.map(Sequence::from))
    }

    async fn delete(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
        let deleted = sqlx::query!(
            "-- video_timeline::sequences::delete
         DELETE FROM video_sequences WHERE tenant_id = $1 AND env = $2 AND id = $3",
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
        )
        .execute(connection)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

impl Editable for Sequence {
    type Patch = SequencePatch;

    fn check(patch: &SequencePatch) -> Result<(), Error> {
        patch.check()
    }

    async fn update(
        connection: &mut PgConnection,
        scope: &Scope,
        id: &Id,
        patch: &SequencePatch,
        _now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Sequence>> {
        sqlx::query_as!(
        Row,
        r#"-- video_timeline::sequences::update
         UPDATE video_sequences
         SET name = COALESCE($4, name),
             fps = CASE WHEN $5 THEN $6 ELSE fps END,
             position = COALESCE($7, position),
             meta = COALESCE($8, meta)
         WHERE tenant_id = $1 AND env = $2 AND id = $3
         RETURNING id AS "id: Id", project_id AS "project_id: Id", name, fps, position, meta AS "meta: Json<Meta>""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        patch.name,
        patch.fps.is_some(),
        patch.fps.flatten(),
        patch.position,
        patch.meta.as_ref().map(Json) as _,
    )
    .fetch_optional(connection)
    .await
    .map(|row| row.map(Sequence::from))
    }
}

impl Child for Sequence {
    type Parent = Project;
    type New = NewSequence;
    const ID_PREFIX: &str = "seq";

    fn check(new: &NewSequence) -> Result<(), Error> {
        new.check("")
    }

    fn cursor(&self) -> Position {
        position(self.position.into(), &self.id)
    }

    /// Without a position, the sequence is appended; two concurrent inserts may get the same one and are ordered by
    /// creation.
    async fn insert(
        connection: &mut PgConnection,
        scope: &Scope,
        project_id: &Id,
        id: &Id,
        new: &NewSequence,
    ) -> Result<Sequence, Error> {
        sqlx::query_as!(
        Row,
        r#"-- video_timeline::sequences::insert
         INSERT INTO video_sequences (tenant_id, env, id, project_id, name, fps, position, meta)
         VALUES ($1, $2, $3, $4, $5, $6, COALESCE($7, (
             SELECT LEAST(COALESCE(max(position) + 1, 0), 1000000) FROM video_sequences
             WHERE tenant_id = $1 AND env = $2 AND project_id = $4)), $8)
         RETURNING id AS "id: Id", project_id AS "project_id: Id", name, fps, position, meta AS "meta: Json<Meta>""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        project_id.as_str(),
        new.name,
        new.fps,
        new.position,
        Json(&new.meta) as _,
    )
    .fetch_one(connection)
    .await
    .map(Sequence::from)
    .map_err(|error| no_parent(error, "video_sequences_project", Entity::Project, project_id))
    }

    async fn list(
        connection: &mut PgConnection,
        scope: &Scope,
        project_id: &Id,
        page: &InOrder,
    ) -> sqlx::Result<Vec<Sequence>> {
        let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::sequences::list
         SELECT id AS "id: Id", project_id AS "project_id: Id", name, fps, position, meta AS "meta: Json<Meta>"
         FROM video_sequences
         WHERE tenant_id = $1 AND env = $2 AND project_id = $3 AND (position, id) > ($4::bigint, $5)
         ORDER BY position, id LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        project_id.as_str(),
        page.after_key,
        page.after_id,
        page.limit.with_next_row(),
    )
    .fetch_all(connection)
    .await?;
        Ok(rows.into_iter().map(Sequence::from).collect())
    }
}
