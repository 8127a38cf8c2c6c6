//! Parameters that several routes have.

use primitives::Id;

use crate::MediaError;

/// Parses an asset id; a malformed id is answered as not found.
pub(super) fn asset_id(text: &str) -> Result<Id, MediaError> {
    text.parse().map_err(|_| MediaError::asset_not_found(text))
}

/// Parses an artifact id; a malformed id is answered as not found.
pub(super) fn artifact_id(text: &str) -> Result<Id, MediaError> {
    text.parse().map_err(|_| MediaError::artifact_not_found(text))
}
