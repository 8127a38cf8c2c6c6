use media_time::{AssetTime, Window};
use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::Error;

/// The windows that the shots of a list show, one per shot.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) asset_ids: Vec<String>,
    pub(crate) starts_us: Vec<i64>,
    pub(crate) ends_us: Vec<i64>,
}

/// The artifact of the shot list with this hash.
pub(crate) async fn find_shot_list(
    conn: &mut PgConnection,
    scope: &Scope,
    hash: &str,
) -> Result<Option<Id>, Error> {
    Ok(sqlx::query_scalar!(
        r#"-- audio_to_video_origin::find_shot_list
        SELECT artifact_id AS "id: Id" FROM shot_lists WHERE tenant_id = $1 AND env = $2 AND shot_list_hash = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        hash,
    )
    .fetch_optional(conn)
    .await?)
}

/// Makes the artifact the stored one for the list with this hash; false if another artifact is. Waits for a concurrent
/// transaction with the same hash.
pub(crate) async fn claim_shot_list(
    conn: &mut PgConnection,
    scope: &Scope,
    hash: &str,
    artifact_id: &Id,
) -> Result<bool, Error> {
    let claimed = sqlx::query!(
        "-- audio_to_video_origin::claim_shot_list
         INSERT INTO shot_lists (tenant_id, env, shot_list_hash, artifact_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, env, shot_list_hash) DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        hash,
        artifact_id.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Inserts the windows that a list shows, merged to one row per recording.
pub(crate) async fn insert_uses(
    conn: &mut PgConnection,
    scope: &Scope,
    artifact_id: &Id,
    uses: &Uses,
) -> Result<(), Error> {
    sqlx::query!(
        "-- audio_to_video_origin::insert_uses
         INSERT INTO shot_list_sources (tenant_id, env, artifact_id, source_asset_id, windows_us)
         SELECT $1, $2, $3, shown.asset_id, range_agg(int8range(shown.start_us, shown.end_us))
         FROM unnest($4::text[], $5::bigint[], $6::bigint[]) AS shown (asset_id, start_us, end_us)
         GROUP BY shown.asset_id",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        artifact_id.as_str(),
        &uses.asset_ids,
        &uses.starts_us,
        &uses.ends_us,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The artifacts of at most `limit` shot lists that show any instant of `window` of the recording, ordered by id.
///
/// # Errors
/// Database errors.
pub async fn find_shot_lists_using(
    conn: &mut PgConnection,
    scope: &Scope,
    source_asset_id: &Id,
    window: Window<AssetTime>,
    limit: u32,
) -> Result<Vec<Id>, Error> {
    Ok(sqlx::query_scalar!(
        r#"-- audio_to_video_origin::find_shot_lists_using
        SELECT artifact_id AS "id: Id" FROM shot_list_sources
        WHERE tenant_id = $1 AND env = $2 AND source_asset_id = $3 AND windows_us && int8range($4, $5)
        ORDER BY artifact_id LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        source_asset_id.as_str(),
        window.start().as_micros(),
        window.end().as_micros(),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?)
}
