use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::Sha256;
use sha2::digest::DynDigest;

use crate::MediaError;

/// Algorithms of `Upload-Checksum`, as `Tus-Checksum-Algorithm` lists them.
pub(crate) const ALGORITHMS: &str = "sha1,sha256";
const HEADER: &str = "Upload-Checksum";

/// The checksum that the bytes of a request must have.
pub(crate) struct Checksum {
    digest: Box<dyn DynDigest + Send>,
    expected: Vec<u8>,
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({})", hex::encode(&self.expected))
    }
}

impl Checksum {
    /// Parses the header `Upload-Checksum`: an algorithm, and the digest in base64.
    ///
    /// # Errors
    /// [`MediaError::TusHeader`].
    pub(crate) fn parse(header: &str) -> Result<Self, MediaError> {
        let wrong = |detail: String| MediaError::TusHeader { header: HEADER, detail };
        let (algorithm, digest_text) = header
            .trim()
            .split_once(' ')
            .ok_or_else(|| wrong("is not an algorithm, a space, and a digest in base64".to_owned()))?;
        let digest = match algorithm {
            "sha1" => hasher::<Sha1>(),
            "sha256" => hasher::<Sha256>(),
            _ => return Err(wrong(format!("names an unsupported algorithm; use one of {ALGORITHMS}"))),
        };
        let expected = STANDARD.decode(digest_text.trim());
        let expected = expected.ok().filter(|expected| expected.len() == digest.output_size());
        let expected = expected.ok_or_else(|| wrong(format!("is not a digest of {algorithm} in base64")))?;
        Ok(Self { digest, expected })
    }

    /// Appends bytes of the request.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// Whether the bytes have the checksum.
    pub(super) fn matches(self) -> bool {
        *self.digest.finalize() == *self.expected
    }
}

fn hasher<D: DynDigest + Default + Send + 'static>() -> Box<dyn DynDigest + Send> {
    let digest = D::default();
    Box::new(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_both_algorithms_are_verified() {
        // `printf 'hark back' | openssl dgst -sha1 -binary | base64`, and `-sha256`.
        for header in
            ["sha1 +2Yo6kHVd/PkFdLxGK0vyaEgflA=", "sha256 5+DdqoFX/KWRnWL2S9gfmTUj+gFcbovzhDpYSeBM/d8="]
        {
            for (bytes, is_same) in [(&b"back"[..], true), (b"BACK", false)] {
                let mut checksum = Checksum::parse(header).unwrap();
                checksum.update(b"hark ");
                checksum.update(bytes);
                assert_eq!(checksum.matches(), is_same, "{header}");
            }
        }
    }

    #[test]
    fn malformed_checksums_are_refused() {
        for header in ["", "sha1", "sha1 ", "sha1 AAAA", "md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha256 ?"] {
            let refused = Checksum::parse(header).unwrap_err();
            assert!(matches!(refused, MediaError::TusHeader { header: HEADER, .. }), "{header}: {refused}");
        }
    }
}
