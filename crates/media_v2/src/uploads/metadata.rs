use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::{Description, MediaError, rules};

const HEADER: &str = "Upload-Metadata";
/// Some clients omit the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Keys that clients in browsers add; the format is detected from the bytes.
const IGNORED: [&str; 3] = ["filetype", "type", "relativePath"];

/// The content of the header `Upload-Metadata`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UploadMetadata {
    /// The plain name of the file.
    pub(super) file_name: Option<String>,
    pub(super) description: Description,
}

impl UploadMetadata {
    /// Parses the header: pairs of a key and a value in base64, separated by commas.
    ///
    /// # Errors
    /// [`MediaError::TusHeader`] for a malformed header, [`MediaError::Invalid`] for an unknown key or invalid value.
    pub(super) fn parse(header: &str) -> Result<Self, MediaError> {
        let mut metadata = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if seen.contains(&key) {
                return Err(wrong(format!("has `{}` twice", shortened(key))));
            }
            seen.push(key);
            metadata.set(key, text(key, value.trim())?)?;
        }
        Ok(metadata)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), MediaError> {
        match key {
            "filename" | "name" => {
                self.file_name = self.file_name.take().or_else(|| rules::file_name(&value));
                Ok(())
            }
            _ if IGNORED.contains(&key) => Ok(()),
            _ if Description::FIELDS.contains(&key) => self.description.set(key, value),
            _ => {
                let detail =
                    "unknown key of `Upload-Metadata`; expected filename, kind, tags, source_ref, meta";
                Err(MediaError::field(format!("/{}", shortened(key)), detail))
            }
        }
    }
}

fn text(key: &str, value: &str) -> Result<String, MediaError> {
    let bytes = BASE64.decode(value);
    let bytes = bytes.map_err(|_| wrong(format!("the value of `{}` is not in base64", shortened(key))))?;
    String::from_utf8(bytes).map_err(|_| MediaError::field(format!("/{}", shortened(key)), "is not UTF-8"))
}

fn wrong(detail: String) -> MediaError {
    MediaError::TusHeader { header: HEADER, detail }
}

fn shortened(key: &str) -> String {
    key.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::AssetKind;

    fn header(pairs: &[(&str, &str)]) -> String {
        let pairs = pairs.iter().map(|(key, value)| format!("{key} {}", BASE64.encode(value)));
        pairs.collect::<Vec<_>>().join(",")
    }

    #[test]
    fn metadata_describes_the_asset() {
        let pairs = [
            ("filename", "../größe.wav"),
            ("filetype", "audio/wav"),
            ("kind", "audio"),
            ("tags", "a, b"),
            ("source_ref", "take 1"),
            ("meta", r#"{"mood": "calm"}"#),
        ];
        let parsed = UploadMetadata::parse(&header(&pairs)).unwrap();
        assert_eq!(parsed.file_name.as_deref(), Some("größe.wav"));
        let Description { kind, tags, source_ref, meta } = parsed.description;
        assert_eq!(kind, Some(AssetKind::Audio));
        assert_eq!((tags, source_ref.as_deref()), (vec!["a".to_owned(), "b".to_owned()], Some("take 1")));
        assert_eq!(json!(meta), json!({"mood": "calm"}));
        assert_eq!(UploadMetadata::parse("").unwrap(), UploadMetadata::default());
        let unpadded = UploadMetadata::parse("filename YQ , tags").unwrap();
        assert_eq!(unpadded.file_name.as_deref(), Some("a"));
    }

    #[test]
    fn malformed_metadata_is_refused() {
        for malformed in ["filename ?", "tags YQ==,tags YQ==", "filename YQ== YQ=="] {
            let refused = UploadMetadata::parse(malformed).unwrap_err();
            assert!(matches!(refused, MediaError::TusHeader { .. }), "{malformed}: {refused}");
        }
        for (key, value) in [("colour", "red"), ("kind", "film"), ("meta", "[]"), ("tags", "[1]")] {
            let refused = UploadMetadata::parse(&header(&[(key, value)])).unwrap_err();
            let MediaError::Invalid(errors) = refused else { panic!("{key}: {refused}") };
            assert_eq!(errors[0].pointer, format!("/{key}"));
        }
    }
}
