//! The only SQL of this crate: the table of snippets. Artifacts are rows of media_v2, clips of the timeline.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use media_time::AssetTime;
use primitives::{Id, KeysetCursor, Page, PageParams, Scope};
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::model::meta_of;
use crate::{Error, Meta, Mode, OriginSnippet};

/// Project, sequence, track and mode of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLocation<'a> {
    pub(crate) project_id: &'a Id,
    pub(crate) sequence_id: &'a Id,
    pub(crate) track_id: &'a Id,
    pub(crate) mode: Mode,
}

/// A stored snippet with its project, sequence and track.
#[derive(Clone, Debug)]
pub(crate) struct StoredSnippet {
    snippet: OriginSnippet,
    clip_id: Id,
    pub(crate) project_id: Id,
    pub(crate) sequence_id: Id,
    pub(crate) track_id: Id,
    pub(crate) mode: Mode,
    created_at: DateTime<Utc>,
}

struct Row {
    clip_id: Id,
    audio_artifact_id: Id,
    source_asset_id: Id,
    source_start_us: i64,
    source_end_us: i64,
    project_id: Id,
    sequence_id: Id,
    track_id: Id,
    rendered: bool,
    video_artifact_id: Option<Id>,
    created_at: DateTime<Utc>,
    meta: Json<Meta>,
}

/// Inserts the snippets of a batch in one statement; each has a clip.
pub(crate) async fn insert_snippets(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    placed: BatchLocation<'_>,
    snippets: &[OriginSnippet],
) -> Result<(), Error> {
    fn column<'a, T>(snippets: &'a [OriginSnippet], field: impl Fn(&'a OriginSnippet) -> T) -> Vec<T> {
        snippets.iter().map(field).collect()
    }
    sqlx::query!(
        "-- origin_snippets::insert_snippets
         INSERT INTO origin_snippets (tenant_id, env, project_id, sequence_id, track_id, mode, created_at,
             clip_id, audio_artifact_id, source_asset_id, source_start_us, source_end_us, video_artifact_id, meta)
         SELECT $1, $2, $3, $4, $5, $6, $7, new.clip_id, new.audio_artifact_id, new.source_asset_id,
             new.source_start_us, new.source_end_us, new.video_artifact_id, new.meta
         FROM unnest($8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::jsonb[])
             AS new (clip_id, audio_artifact_id, source_asset_id, source_start_us, source_end_us,
                 video_artifact_id, meta)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        placed.project_id.as_str(),
        placed.sequence_id.as_str(),
        placed.track_id.as_str(),
        placed.mode.as_str(),
        now,
        column(snippets, |s| s.video_clip_id.as_ref().map(Id::as_str)) as _,
        column(snippets, |s| s.audio_artifact_id.as_str()) as _,
        column(snippets, |s| s.source_asset_id.as_str()) as _,
        &column(snippets, |s| s.source_start.as_micros()),
        &column(snippets, |s| s.source_end.as_micros()),
        column(snippets, |s| s.video_artifact_id.as_ref().map(Id::as_str)) as _,
        column(snippets, |s| Json(&s.meta)) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A page of the snippets that were made of an artifact, newest first.
pub(crate) async fn list_snippets(
    conn: &mut PgConnection,
    scope: &Scope,
    audio_artifact_id: &Id,
    page: &PageParams,
) -> Result<Page<StoredSnippet>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- origin_snippets::list_snippets
        SELECT clip_id AS "clip_id: Id", audio_artifact_id AS "audio_artifact_id: Id",
            source_asset_id AS "source_asset_id: Id", source_start_us, source_end_us,
            project_id AS "project_id: Id", sequence_id AS "sequence_id: Id", track_id AS "track_id: Id",
            mode = 'render_clips' AS "rendered!", video_artifact_id AS "video_artifact_id: Id", created_at,
            meta AS "meta: Json<Meta>"
        FROM origin_snippets
        WHERE tenant_id = $1 AND env = $2 AND audio_artifact_id = $3
          AND ($4::timestamptz IS NULL OR (created_at, clip_id) < ($4, $5))
        ORDER BY created_at DESC, clip_id DESC LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        audio_artifact_id.as_str(),
        page.after.as_ref().map(|after| after.key),
        page.after.as_ref().map_or("", |after| after.id.as_str()),
        page.limit.with_next_row(),
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(StoredSnippet::from).collect();
    Ok(Page::from_rows(listed, page.limit, StoredSnippet::cursor))
}

/// The snippets of the batch that contains the clip, in the order of their clips' ids.
pub(crate) async fn batch_of(
    conn: &mut PgConnection,
    scope: &Scope,
    clip_id: &Id,
) -> Result<Vec<StoredSnippet>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- origin_snippets::batch_of
        SELECT s.clip_id AS "clip_id: Id", s.audio_artifact_id AS "audio_artifact_id: Id",
            s.source_asset_id AS "source_asset_id: Id", s.source_start_us, s.source_end_us,
            s.project_id AS "project_id: Id", s.sequence_id AS "sequence_id: Id", s.track_id AS "track_id: Id",
            s.mode = 'render_clips' AS "rendered!", s.video_artifact_id AS "video_artifact_id: Id", s.created_at,
            s.meta AS "meta: Json<Meta>"
        FROM origin_snippets s
        WHERE s.tenant_id = $1 AND s.env = $2 AND s.sequence_id = (
            SELECT f.sequence_id FROM origin_snippets f
            WHERE f.tenant_id = $1 AND f.env = $2 AND f.clip_id = $3)
        ORDER BY s.clip_id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        clip_id.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StoredSnippet::from).collect())
}

/// Sorts the snippets in the order of `clips`; ids of a remote timeline need not sort as its clips do.
pub(crate) fn in_order(mut snippets: Vec<StoredSnippet>, clips: &[&Id]) -> Vec<StoredSnippet> {
    let order: BTreeMap<&Id, usize> = clips.iter().enumerate().map(|(index, id)| (*id, index)).collect();
    snippets.sort_by_key(|snippet| order.get(&snippet.clip_id).copied());
    snippets
}

impl StoredSnippet {
    fn cursor(&self) -> KeysetCursor {
        KeysetCursor { key: self.created_at, id: self.clip_id.clone() }
    }

    /// The snippet as originally returned.
    pub(crate) fn into_answered(self) -> OriginSnippet {
        self.snippet
    }

    /// The snippet as originally returned, with mode, project, sequence and track in its meta.
    pub(crate) fn into_snippet(self) -> OriginSnippet {
        let mut snippet = self.snippet;
        snippet.meta.extend(meta_of([
            ("mode", json!(self.mode)),
            ("project_id", json!(self.project_id)),
            ("sequence_id", json!(self.sequence_id)),
            ("track_id", json!(self.track_id)),
        ]));
        snippet
    }
}

impl From<Row> for StoredSnippet {
    fn from(row: Row) -> Self {
        Self {
            snippet: OriginSnippet {
                audio_artifact_id: row.audio_artifact_id,
                source_asset_id: row.source_asset_id,
                source_start: AssetTime::from_micros(row.source_start_us),
                source_end: AssetTime::from_micros(row.source_end_us),
                video_clip_id: Some(row.clip_id.clone()),
                video_artifact_id: row.video_artifact_id,
                meta: row.meta.0,
            },
            clip_id: row.clip_id,
            project_id: row.project_id,
            sequence_id: row.sequence_id,
            track_id: row.track_id,
            mode: if row.rendered { Mode::RenderClips } else { Mode::TimelineOnly },
            created_at: row.created_at,
        }
    }
}
