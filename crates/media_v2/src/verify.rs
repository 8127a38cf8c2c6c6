//! Finds results that were made with a decoder that decodes their asset incorrectly.

use primitives::Id;
use sqlx::PgPool;

use crate::{MediaError, store};

/// Number of rows that are read in one statement.
const PAGE: i64 = 1_000;

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

/// The next incorrectly decoded artifacts after `after`, of all owners, ordered by owner, asset and id; empty at the
/// end.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn wrongly_decoded(
    pool: &PgPool,
    after: Option<&WronglyDecoded>,
) -> Result<Vec<WronglyDecoded>, MediaError> {
    let mut conn = pool.acquire().await?;
    store::wrongly_decoded(&mut conn, after, PAGE).await
}
