//! Finds results that were made with a decoder that decodes their asset incorrectly.

use sqlx::PgPool;

use crate::MediaError;
use crate::store::{self, WronglyDecoded};

/// Number of rows that are read in one statement.
const PAGE: i64 = 1_000;

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
