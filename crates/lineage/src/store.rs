//! The only SQL of this crate. Clips are requested from the timeline, which may be another service.

use media_time::AssetTime;
use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::cursor::UsageCursor;
use crate::{Error, Usage, UsageKind};

struct Row {
    kind: String,
    id: Id,
    start_us: i64,
    end_us: i64,
}

/// The windows of a recording that artifacts use and that overlap `[start, end)`, after a cursor in their order, at
/// most `limit`.
///
/// Each part of the query stops at `limit` by itself; the indexes return windows by their start. Shot lists made by
/// harkback have their windows in a separate table; those registered by a caller are treated as any other artifact.
pub(crate) async fn find_uses(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    (start, end): (AssetTime, Option<AssetTime>),
    after: Option<&UsageCursor>,
    limit: i64,
) -> Result<Vec<Usage>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- lineage::find_uses
        SELECT used.kind AS "kind!", used.id AS "id!: Id", used.start_us AS "start_us!", used.end_us AS "end_us!"
        FROM (
            (SELECT a.kind, a.id, m.source_start_us AS start_us, m.source_end_us AS end_us
            FROM origin_maps m
            JOIN artifacts a ON a.tenant_id = $1 AND a.env = $2 AND a.id = m.audio_artifact_id
            WHERE m.tenant_id = $1 AND m.env = $2 AND m.parent_asset_id = $3
              AND m.source_start_us < $5 AND m.source_end_us > $4
              AND m.source_start_us >= $6 AND (m.source_start_us, a.kind, a.id) > ($6, $7, $8)
            ORDER BY m.source_start_us, a.kind, a.id LIMIT $9)
            UNION ALL
            (SELECT a.kind, a.id, a.start_us, a.end_us
            FROM artifacts a
            WHERE a.tenant_id = $1 AND a.env = $2 AND a.parent_asset_id = $3
              AND a.start_us < a.end_us AND a.start_us < $5 AND a.end_us > $4
              AND a.start_us >= $6 AND (a.start_us, a.kind, a.id) > ($6, $7, $8)
              AND NOT EXISTS (
                SELECT FROM origin_maps m WHERE m.tenant_id = $1 AND m.env = $2 AND m.audio_artifact_id = a.id
              )
              AND NOT EXISTS (
                SELECT FROM shot_lists l WHERE l.tenant_id = $1 AND l.env = $2 AND l.artifact_id = a.id
              )
            ORDER BY a.start_us, a.kind, a.id LIMIT $9)
            UNION ALL
            (SELECT 'video_shot_list', s.artifact_id, lower(shown.piece), upper(shown.piece)
            FROM shot_list_sources s CROSS JOIN LATERAL unnest(s.windows_us) AS shown (piece)
            WHERE s.tenant_id = $1 AND s.env = $2 AND s.source_asset_id = $3
              AND s.windows_us && int8range(least(greatest($4, $6), $5), $5) AND shown.piece && int8range($4, $5)
              AND (lower(shown.piece), 'video_shot_list', s.artifact_id) > ($6, $7, $8)
            ORDER BY lower(shown.piece), s.artifact_id LIMIT $9)
        ) AS used
        ORDER BY used.start_us, used.kind, used.id LIMIT $9"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        start.as_micros(),
        end.map_or(i64::MAX, AssetTime::as_micros),
        after.map_or(i64::MIN, |cursor| cursor.key.start.as_micros()),
        after.map_or("", |cursor| cursor.key.kind.as_str()),
        after.map_or("", |cursor| cursor.id.as_str()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Usage::try_from).collect()
}

impl TryFrom<Row> for Usage {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let kind: UsageKind =
            row.kind.parse().map_err(|unknown: media_v2::UnknownKind| sqlx::Error::Decode(unknown.into()))?;
        Ok(Self {
            kind,
            id: row.id,
            start: AssetTime::from_micros(row.start_us),
            end: AssetTime::from_micros(row.end_us),
            track_id: None,
            artifact_id: None,
        })
    }
}
