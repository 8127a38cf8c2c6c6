//! Deletes the rows of a removal: one statement for each reference, those that refer to others first.

use primitives::{Id, Scope};
use sqlx::PgConnection;

/// Deletes the rows of `$table` whose `$column` is an id of the removal; `$what` selects its assets or artifacts.
macro_rules! delete {
    ($conn:expr, $scope:expr, $removal:expr, $table:literal, $column:literal, $what:literal) => {
        sqlx::query!(
            "-- housekeeping::delete_rows
             DELETE FROM "
                + $table
                + " t USING removals x
             WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND "
                + $what
                + "
               AND t.tenant_id = $1 AND t.env = $2 AND t."
                + $column
                + " = x.id",
            $scope.tenant_id.as_str(),
            $scope.env.as_str(),
            $removal.as_str(),
        )
        .execute(&mut *$conn)
        .await?
        .rows_affected()
    };
}

/// Deletes all rows of the removal, and its ids; returns the numbers of assets and of artifacts.
///
/// # Errors
/// Errors of the database.
pub(crate) async fn delete_rows(
    conn: &mut PgConnection,
    scope: &Scope,
    removal: &Id,
) -> sqlx::Result<(u64, u64)> {
    delete_users_work(conn, scope, removal).await?;
    delete_waveforms(conn, scope, removal).await?;
    delete_runs(conn, scope, removal).await?;
    delete!(conn, scope, removal, "renders", "artifact_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "pattern_renders", "artifact_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "timeline_speakers", "timeline_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "artifact_upstreams", "artifact_id", "NOT x.is_asset");
    // Rows of the library's indexes and of corrections leave with their artifacts, fingerprints with their assets.
    let artifacts = delete!(conn, scope, removal, "artifacts", "id", "NOT x.is_asset");
    let assets = delete!(conn, scope, removal, "media_assets", "id", "x.is_asset");
    sqlx::query!(
        "-- housekeeping::delete_rows
         DELETE FROM removals WHERE tenant_id = $1 AND env = $2 AND removal_id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    )
    .execute(conn)
    .await?;
    Ok((assets, artifacts))
}

/// Deletes snippets, patterns, clips, shot lists and origin maps. A clip that plays another recording stays, and represents
/// no artifact then.
async fn delete_users_work(conn: &mut PgConnection, scope: &Scope, removal: &Id) -> sqlx::Result<()> {
    delete!(conn, scope, removal, "origin_snippets", "source_asset_id", "x.is_asset");
    delete!(conn, scope, removal, "origin_snippets", "audio_artifact_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "origin_snippets", "video_artifact_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "video_clips", "asset_id", "x.is_asset");
    sqlx::query!(
        "-- housekeeping::delete_users_work
         UPDATE video_clips c SET artifact_id = NULL FROM removals x
         WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND NOT x.is_asset
           AND c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = x.id",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "-- housekeeping::delete_users_work
         DELETE FROM audio_patterns p WHERE p.tenant_id = $1 AND p.env = $2 AND pattern_samples(p.timeline) && ARRAY (
             SELECT x.id FROM removals x
             WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND NOT x.is_asset
         )",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    delete!(conn, scope, removal, "shot_list_sources", "artifact_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "shot_lists", "artifact_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "origin_maps", "audio_artifact_id", "NOT x.is_asset");
    delete!(conn, scope, removal, "origin_maps", "parent_asset_id", "x.is_asset");
    Ok(())
}

/// Deletes the runs of detectors on removed recordings, and those on others that name a removed artifact: a run is the
/// answer of the next identical request.
async fn delete_runs(conn: &mut PgConnection, scope: &Scope, removal: &Id) -> sqlx::Result<()> {
    delete!(conn, scope, removal, "sample_runs", "asset_id", "x.is_asset");
    sqlx::query!(
        "-- housekeeping::delete_runs
         DELETE FROM sample_runs r USING (
             SELECT a.parent_asset_id, array_agg(a.id) AS ids FROM removals x
             JOIN artifacts a ON a.tenant_id = $1 AND a.env = $2 AND a.id = x.id
             WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND NOT x.is_asset
             GROUP BY a.parent_asset_id
         ) AS removed
         WHERE r.tenant_id = $1 AND r.env = $2 AND r.asset_id = removed.parent_asset_id AND EXISTS (
             SELECT FROM jsonb_array_elements(r.found -> 'samples') AS sample
             WHERE sample ->> 'artifact_id' = ANY (removed.ids)
         )",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes cached peaks of the removed bytes, under the keys of `media_v2`: the hash of URI, content and decoder. Another
/// asset of the same bytes gets its peaks again on request.
async fn delete_waveforms(conn: &mut PgConnection, scope: &Scope, removal: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        r#"-- housekeeping::delete_waveforms
        DELETE FROM waveforms w USING (
            SELECT encode(sha256(convert_to(source.uri || E'\n' || coalesce(source.sha256, '') || mark, 'UTF8')), 'hex')
                AS source_key
            FROM (
                SELECT a.source_uri AS uri, a.content_sha256 AS sha256, E'\n' || a.decoder AS decoder_mark FROM removals x
                JOIN media_assets a ON a.tenant_id = $1 AND a.env = $2 AND a.id = x.id
                WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND x.is_asset
                UNION ALL
                SELECT a.uri, a.content_sha256, NULL FROM removals x
                JOIN artifacts a ON a.tenant_id = $1 AND a.env = $2 AND a.id = x.id
                WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND NOT x.is_asset
            ) AS source
            CROSS JOIN LATERAL unnest(ARRAY ['', source.decoder_mark]) AS mark
        ) AS removed
        WHERE w.tenant_id = $1 AND w.env = $2 AND w.source_key = removed.source_key"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
