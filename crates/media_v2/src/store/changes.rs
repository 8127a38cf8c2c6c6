//! Changes of an asset's description.

use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::assets::find_asset;
use crate::{Description, DescriptionChanges, MediaAsset, MediaError};

/// Changes the description of an asset; `None` if this owner has no such asset. One statement, so that concurrent changes
/// of different fields do not undo each other.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn change_asset(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    changes: &DescriptionChanges,
) -> Result<Option<MediaAsset>, MediaError> {
    let own_meta = Description::OWN_META.map(str::to_owned);
    sqlx::query!(
        "-- media_v2::change_asset
         UPDATE media_assets SET tags = coalesce($4, tags),
             source_ref = CASE WHEN $5 THEN $6 ELSE source_ref END,
             meta = CASE WHEN $7::jsonb IS NULL THEN meta ELSE $7 || (
                 SELECT coalesce(jsonb_object_agg(member.key, member.value), '{}') FROM jsonb_each(meta) AS member
                 WHERE member.key = ANY ($8)
             ) END
         WHERE tenant_id = $1 AND env = $2 AND id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        changes.tags.as_deref() as _,
        changes.source_ref.is_some(),
        changes.source_ref.as_ref().and_then(Option::as_deref),
        changes.meta.as_ref().map(Json) as _,
        &own_meta[..],
    )
    .execute(&mut *conn)
    .await?;
    find_asset(conn, scope, id).await
}
