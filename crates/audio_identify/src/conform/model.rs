use http_kit::FieldError;
use primitives::Id;
use serde::Deserialize;
use utoipa::ToSchema;

use super::MAX_SOURCES;
use crate::Error;

/// Body of `POST /audio/conform`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConformRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The finished edit, of at most three hours.
    pub asset_id: Id,
    /// The recordings that it was cut from, each once, together at most 24 hours. When absent, they are searched in the
    /// index of fingerprints.
    #[schema(min_items = 1, max_items = 100)]
    pub sources: Option<Vec<Id>>,
}

http_kit::context_fields!(ConformRequest);

impl ConformRequest {
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Some(sources) = &self.sources else { return Ok(()) };
        let mut errors = Vec::new();
        let mut invalid = |pointer: String, detail: &str| {
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        };
        if !(1..=MAX_SOURCES).contains(&sources.len()) {
            invalid("/sources".to_owned(), "expected 1 to 100 items");
        }
        for (index, id) in sources.iter().take(MAX_SOURCES).enumerate() {
            if *id == self.asset_id {
                invalid(format!("/sources/{index}"), "is the edit itself");
            } else if sources[..index].contains(id) {
                invalid(format!("/sources/{index}"), "is repeated");
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conform_request_names_each_source_once() {
        let pointers = |sources: Option<&[&str]>| {
            let request = ConformRequest {
                tenant_id: None,
                env: None,
                user_id: None,
                asset_id: "film".parse().unwrap(),
                sources: sources.map(|ids| ids.iter().map(|id| id.parse().unwrap()).collect()),
            };
            match request.check() {
                Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
                _ => Vec::new(),
            }
        };
        assert!(pointers(None).is_empty() && pointers(Some(&["a", "b"])).is_empty());
        assert_eq!(pointers(Some(&[])), ["/sources"]);
        assert_eq!(pointers(Some(&["a", "film", "a"])), ["/sources/1", "/sources/2"]);
        assert_eq!(pointers(Some(&["a"; 101]))[0], "/sources");
    }
}
