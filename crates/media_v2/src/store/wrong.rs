use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::MediaError;

/// An artifact that was measured or cut with a decoder that decodes its asset incorrectly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WronglyDecoded {
    /// The tenant that owns it.
    pub tenant_id: Id,
    /// The owner's environment, e.g. `prod`.
    pub env: Id,
    /// The asset that was decoded incorrectly.
    pub asset_id: Id,
    /// Id of the artifact.
    pub artifact_id: Id,
    /// Kind of the artifact.
    pub kind: String,
    /// The current decoder of the asset, as named by [`AssetDecoder`](crate::AssetDecoder).
    pub decoder: String,
    /// `meta.backend_version` of the artifact, which lacks the mark of that decoder.
    pub backend_version: String,
}

/// Whether this artifact was measured or cut from its asset with a decoder that decodes the asset incorrectly. A
/// measurement of another artifact, rather than of the asset, is not affected.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn is_wrongly_decoded(
    conn: &mut PgConnection,
    scope: &Scope,
    artifact_id: &Id,
) -> Result<bool, MediaError> {
    Ok(sqlx::query_scalar!(
        r#"-- media_v2::is_wrongly_decoded
        SELECT EXISTS (
            SELECT FROM artifacts a
            JOIN media_assets s ON s.tenant_id = $1 AND s.env = $2 AND s.id = a.parent_asset_id
            WHERE a.tenant_id = $1 AND a.env = $2 AND a.id = $3 AND a.meta ->> 'source_artifact_id' IS NULL
              AND decoded_wrongly(s.decoder, a.meta ->> 'backend_version')
        ) AS "wrong!""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        artifact_id.as_str(),
    )
    .fetch_one(conn)
    .await?)
}

/// The next artifacts after `after`, of all owners, ordered by owner, asset and id, that were measured or cut with a
/// decoder that decodes their asset incorrectly.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn wrongly_decoded(
    conn: &mut PgConnection,
    after: Option<&WronglyDecoded>,
    limit: i64,
) -> Result<Vec<WronglyDecoded>, MediaError> {
    let [tenant_id, env, asset_id, artifact_id] = after.map_or([""; 4], |after| {
        [&after.tenant_id, &after.env, &after.asset_id, &after.artifact_id].map(Id::as_str)
    });
    Ok(sqlx::query_as!(
        WronglyDecoded,
        r#"-- media_v2::wrongly_decoded
        SELECT a.tenant_id AS "tenant_id: Id", a.env AS "env: Id", a.parent_asset_id AS "asset_id: Id",
               a.id AS "artifact_id: Id", a.kind, s.decoder AS "decoder!",
               a.meta ->> 'backend_version' AS "backend_version!"
        FROM media_assets s
        JOIN artifacts a ON a.tenant_id = s.tenant_id AND a.env = s.env AND a.parent_asset_id = s.id
        WHERE s.decoder IS NOT NULL
          AND (s.tenant_id, s.env, s.id) >= ($1, $2, $3)
          AND (a.tenant_id, a.env, a.parent_asset_id, a.id) > ($1, $2, $3, $4)
          AND a.kind IN ('audio_semantic_timeline', 'asr_transcript', 'audio_hit', 'audio_loop', 'audio_phrase')
          AND a.meta ->> 'source_artifact_id' IS NULL
          AND decoded_wrongly(s.decoder, a.meta ->> 'backend_version')
        ORDER BY a.tenant_id, a.env, a.parent_asset_id, a.id LIMIT $5"#,
        tenant_id,
        env,
        asset_id,
        artifact_id,
        limit,
    )
    .fetch_all(conn)
    .await?)
}
