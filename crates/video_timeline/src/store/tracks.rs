use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::no_parent;
use super::record::{Child, Editable, Record};
use crate::error::{Entity, Error};
use crate::model::{Meta, NewTrack, Sequence, Track, TrackKind, TrackPatch};
use crate::page::{InOrder, Position, position};

struct Row {
    id: Id,
    sequence_id: Id,
    kind: TrackKind,
    label: String,
    position: i32,
    meta: Json<Meta>,
}

impl From<Row> for Track {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            sequence_id: row.sequence_id,
            kind: row.kind,
            label: row.label,
            position: row.position,
            meta: row.meta.0,
        }
    }
}

impl Record for Track {
    const KIND: Entity = Entity::Track;

    async fn find(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<Option<Track>> {
        sqlx::query_as!(
            Row,
            r#"-- video_timeline::tracks::find
         SELECT id AS "id: Id", sequence_id AS "sequence_id: Id", kind AS "kind: TrackKind", label, position,
             meta AS "meta: Json<Meta>"
         FROM video_tracks WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
        )
        .fetch_optional(connection)
        .await
        .map(|row| row.map(Track::from))
    }

    async fn delete(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
        let deleted = sqlx::query!(
            "-- video_timeline::tracks::delete
         DELETE FROM video_tracks WHERE tenant_id = $1 AND env = $2 AND id = $3",
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
        )
        .execute(connection)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

impl Editable for Track {
    type Patch = TrackPatch;

    fn check(patch: &TrackPatch) -> Result<(), Error> {
        patch.check()
    }

    async fn update(
        connection: &mut PgConnection,
        scope: &Scope,
        id: &Id,
        patch: &TrackPatch,
        _now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Track>> {
        sqlx::query_as!(
        Row,
        r#"-- video_timeline::tracks::update
         UPDATE video_tracks
         SET label = COALESCE($4, label), position = COALESCE($5, position), meta = COALESCE($6, meta)
         WHERE tenant_id = $1 AND env = $2 AND id = $3
         RETURNING id AS "id: Id", sequence_id AS "sequence_id: Id", kind AS "kind: TrackKind", label, position,
             meta AS "meta: Json<Meta>""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        patch.label,
        patch.position,
        patch.meta.as_ref().map(Json) as _,
    )
    .fetch_optional(connection)
    .await
    .map(|row| row.map(Track::from))
    }
}

impl Child for Track {
    type Parent = Sequence;
    type New = NewTrack;
    const ID_PREFIX: &str = "track";

    fn check(new: &NewTrack) -> Result<(), Error> {
        new.check("")
    }

    fn cursor(&self) -> Position {
        position(self.position.into(), &self.id)
    }

    /// Without a position, the track is appended; two concurrent inserts may get the same one and are ordered by creation.
    async fn insert(
        connection: &mut PgConnection,
        scope: &Scope,
        sequence_id: &Id,
        id: &Id,
        new: &NewTrack,
    ) -> Result<Track, Error> {
        sqlx::query_as!(
        Row,
        r#"-- video_timeline::tracks::insert
         INSERT INTO video_tracks (tenant_id, env, id, sequence_id, kind, label, position, meta)
         VALUES ($1, $2, $3, $4, $5, $6, COALESCE($7, (
             SELECT LEAST(COALESCE(max(position) + 1, 0), 1000000) FROM video_tracks
             WHERE tenant_id = $1 AND env = $2 AND sequence_id = $4)), $8)
         RETURNING id AS "id: Id", sequence_id AS "sequence_id: Id", kind AS "kind: TrackKind", label, position,
             meta AS "meta: Json<Meta>""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        sequence_id.as_str(),
        new.kind.as_str(),
        new.label,
        new.position,
        Json(&new.meta) as _,
    )
    .fetch_one(connection)
    .await
    .map(Track::from)
    .map_err(|error| no_parent(error, "video_tracks_sequence", Entity::Sequence, sequence_id))
    }

    async fn list(
        connection: &mut PgConnection,
        scope: &Scope,
        sequence_id: &Id,
        page: &InOrder,
    ) -> sqlx::Result<Vec<Track>> {
        let rows = sqlx::query_as!(
            Row,
            r#"-- video_timeline::tracks::list
         SELECT id AS "id: Id", sequence_id AS "sequence_id: Id", kind AS "kind: TrackKind", label, position,
             meta AS "meta: Json<Meta>"
         FROM video_tracks
         WHERE tenant_id = $1 AND env = $2 AND sequence_id = $3 AND (position, id) > ($4::bigint, $5)
         ORDER BY position, id LIMIT $6"#,
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            sequence_id.as_str(),
            page.after_key,
            page.after_id,
            page.limit.with_next_row(),
        )
        .fetch_all(connection)
        .await?;
        Ok(rows.into_iter().map(Track::from).collect())
    }
}
