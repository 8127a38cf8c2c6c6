//! Finds the assets that are not in the index.

use primitives::{Id, Scope};
use sqlx::PgConnection;

use super::index::version;

/// An asset without current landmarks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AssetToIndex {
    pub(crate) scope: Scope,
    pub(crate) asset_id: Id,
}

struct Row {
    tenant_id: Id,
    env: Id,
    id: Id,
}

/// The next audio and video assets after `after`, of all owners or of one tenant or environment, ordered by owner and id:
/// those whose landmarks are missing or of another version or decoder, or all with `all`.
pub(crate) async fn assets_to_index(
    conn: &mut PgConnection,
    of: (Option<&Id>, Option<&Id>),
    after: Option<&AssetToIndex>,
    all: bool,
    limit: i64,
) -> sqlx::Result<Vec<AssetToIndex>> {
    let [tenant_id, env, id] = after.map_or([""; 3], |after| {
        [after.scope.tenant_id.as_str(), after.scope.env.as_str(), after.asset_id.as_str()]
    });
    let rows = sqlx::query_as!(
        Row,
        r#"-- audio_identify::assets_to_index
        SELECT a.tenant_id AS "tenant_id: Id", a.env AS "env: Id", a.id AS "id: Id" FROM media_assets a
        WHERE (a.tenant_id, a.env, a.id) > ($1, $2, $3)
          AND ($4::text IS NULL OR a.tenant_id = $4) AND ($5::text IS NULL OR a.env = $5)
          AND a.kind IN ('audio', 'video') AND a.audio_channels IS DISTINCT FROM 0
          AND ($6 OR NOT EXISTS (
              SELECT FROM fingerprint_sources s
              WHERE s.tenant_id = a.tenant_id AND s.env = a.env AND s.asset_id = a.id AND s.version = $7
                AND s.decoder IS NOT DISTINCT FROM a.decoder
          ))
        ORDER BY a.tenant_id, a.env, a.id LIMIT $8"#,
        tenant_id,
        env,
        id,
        of.0.map(Id::as_str),
        of.1.map(Id::as_str),
        all,
        version(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let asset =
        |row: Row| AssetToIndex { scope: Scope { tenant_id: row.tenant_id, env: row.env }, asset_id: row.id };
    Ok(rows.into_iter().map(asset).collect())
}
