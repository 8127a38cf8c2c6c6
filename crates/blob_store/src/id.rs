use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a blob's bytes, which is its name in the store.
///
/// # Examples
///
/// ```
/// use blob_store::BlobId;
///
/// let id = BlobId::from_sha256([0xab; 32]);
/// assert_eq!(id.uri(), format!("blob://sha256/{}", "ab".repeat(32)));
/// assert_eq!(BlobId::from_uri(&id.uri())?, id);
/// assert!(BlobId::from_uri("blob://sha256/../../etc/passwd").is_err());
/// # Ok::<(), blob_store::InvalidBlobUri>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId([u8; 32]);

/// A text that is not a blob URI or digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a blob: expected blob://sha256/ and 64 hexadecimal digits")]
pub struct InvalidBlobUri;

const SCHEME: &str = "blob://sha256/";

impl BlobId {
    /// The id of the blob with this digest.
    #[must_use]
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// `blob://sha256/<hex>`, as stored in database rows.
    #[must_use]
    pub fn uri(self) -> String {
        format!("{SCHEME}{}", self.to_hex())
    }

    /// Parses a URI written by [`BlobId::uri`].
    ///
    /// # Errors
    /// [`InvalidBlobUri`] for anything else.
    pub fn from_uri(uri: &str) -> Result<Self, InvalidBlobUri> {
        uri.strip_prefix(SCHEME).ok_or(InvalidBlobUri)?.parse()
    }
}

impl FromStr for BlobId {
    type Err = InvalidBlobUri;

    fn from_str(text: &str) -> Result<Self, InvalidBlobUri> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).map_err(|_| InvalidBlobUri)?;
        Ok(Self(digest))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_round_trip_and_nothing_else_parses() {
        let id = BlobId::from_sha256([0xab; 32]);
        assert_eq!(BlobId::from_uri(&id.uri()), Ok(id));
        for bad in
            ["", "blob://sha256/", "blob://sha256/../../etc/passwd", "file:///etc/passwd", &id.to_hex()]
        {
            assert_eq!(BlobId::from_uri(bad), Err(InvalidBlobUri), "{bad}");
        }
    }
}
