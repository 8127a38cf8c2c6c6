//! Checks of measurements that callers register: the document is read and validated before the row is written.

use std::io::Read;

use blob_store::BlobId;
use primitives::Scope;
use sha2::{Digest, Sha256};

use crate::documents::{RegisteredMeasurement, RegistrationFollowUp};
use crate::service::MediaService;
use crate::{Content, MediaError, NewArtifact, store};

/// Largest document of a registered measurement, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// Most values in a document: a free-form one takes up to a hundred times the memory of its text.
const MAX_DOCUMENT_VALUES: usize = 5_000_000;

impl MediaService {
    /// Reads and validates the document of a measurement, and prepares what is written with its row. The hash of the
    /// document is stored in the row, so that a later change of the file is detected.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] for a document that is missing, too large or invalid, and for an invalid row;
    /// [`MediaError::AssetsNotFound`]; errors of the queue, the store and the database.
    pub(crate) async fn check_document(
        &self,
        scope: &Scope,
        mut new: NewArtifact,
    ) -> Result<(NewArtifact, Option<Box<dyn RegistrationFollowUp>>), MediaError> {
        let violations = new.violations();
        if !violations.is_empty() {
            return Err(MediaError::Invalid(violations));
        }
        let Some(validator) = self.document_validator().filter(|_| new.kind.is_measurement()) else {
            return Ok((new, None));
        };
        let asset = {
            let mut conn = self.pool().acquire().await?;
            store::find_asset(&mut conn, scope, &new.parent_asset_id).await?
        };
        let asset = asset.ok_or_else(|| MediaError::asset_not_found(&new.parent_asset_id))?;
        let uri = new.uri.clone();
        let content = Content {
            tenant_id: &scope.tenant_id,
            env: &scope.env,
            uri: &uri,
            sha256: None,
            size_bytes: None,
            media_type: new.kind.media_type(),
            file_name: None,
            decoder: None,
            file: None,
        };
        if let Ok(id) = BlobId::from_uri(&uri)
            && self.blobs().size(id).await.map_err(MediaError::from).map_err(unreadable)? > MAX_DOCUMENT_BYTES
        {
            return Err(too_large());
        }
        let reader = self.open_source(content).await.map_err(unreadable)?;
        let checked = self.probe_queue().run(move |_| {
            let mut document = Vec::new();
            reader.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut document)?;
            if document.len() as u64 > MAX_DOCUMENT_BYTES {
                return Err(too_large());
            }
            if most_values(&document) > MAX_DOCUMENT_VALUES {
                let detail = format!("the document has more than {MAX_DOCUMENT_VALUES} values");
                return Err(MediaError::field("/uri", detail));
            }
            let hash = BlobId::from_sha256(Sha256::digest(&document).into()).to_hex();
            if new.content_sha256.get_or_insert_with(|| hash.clone()) != &hash {
                return Err(MediaError::field("/content_sha256", "is not the hash of the document at `uri`"));
            }
            let measurement = RegisteredMeasurement { artifact: new, asset_duration: asset.duration };
            let violations = validator.violations(&measurement, &document);
            if !violations.is_empty() {
                return Err(MediaError::Invalid(violations));
            }
            let follow_up = validator.follow_up(&measurement, &document);
            Ok((measurement.artifact, follow_up))
        });
        checked.await?
    }
}

/// Upper bound of the number of values in a JSON text, without parsing it: each value follows one of `[`, `{`, `,` and
/// `:`.
fn most_values(json: &[u8]) -> usize {
    let (mut count, mut in_string, mut is_escaped) = (1, false, false);
    for &byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' | b',' | b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

fn too_large() -> MediaError {
    MediaError::field("/uri", format!("the document has more than {MAX_DOCUMENT_BYTES} bytes"))
}

/// Reports a document that cannot be read as an invalid field of the request.
fn unreadable(error: MediaError) -> MediaError {
    match error {
        MediaError::SourceNotAllowed(_) | MediaError::SourceUnreadable(_) | MediaError::ContentMissing(_) => {
            MediaError::field("/uri", format!("the document cannot be read: {error}"))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        assert_eq!(most_values(br#"{"a": [0, 0, 0], "b,[:": "\\", "c": "\",[:"}"#), 10);
        assert!(most_values(b"[0,0,0]") >= 4);
    }
}
