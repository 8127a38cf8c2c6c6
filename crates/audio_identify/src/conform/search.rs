//! The sources of an edit in the index of fingerprints.

use std::collections::BTreeMap;

use async_trait::async_trait;
use audio_fingerprint::MIN_CONFIDENCE;
use http_kit::RequestContext;
use media_time::MediaTime;
use primitives::{Id, Scope};

use super::{MAX_EDIT, SourceSearch};
use crate::model::{IdentifyRequest, SourceMatch, Variation};
use crate::{Error, Identify};

#[async_trait]
impl SourceSearch for Identify {
    async fn sources_of(&self, scope: &Scope, asset_id: &Id) -> Result<Vec<Id>, Error> {
        let context = RequestContext { scope: scope.clone(), user_id: None, request_id: String::new() };
        let request = IdentifyRequest {
            tenant_id: None,
            env: None,
            user_id: None,
            asset_id: Some(asset_id.clone()),
            artifact_id: None,
            start: None,
            // Beyond, an edit of unknown duration is refused when it is decoded.
            end: Some(MAX_EDIT),
            min_confidence: MIN_CONFIDENCE,
            register: false,
            variation: Variation::None,
        };
        let found = self.identify(&context, &request).await?;
        Ok(by_coverage(&found.matches, asset_id))
    }
}

/// The assets of matches without `own` and without recordings of the same bytes, the one whose matches are longest together
/// first.
fn by_coverage(matches: &[SourceMatch], own: &Id) -> Vec<Id> {
    let mut coverage: BTreeMap<&Id, MediaTime> = BTreeMap::new();
    for found in matches.iter().filter(|found| !found.twin && found.asset_id != *own) {
        *coverage.entry(&found.asset_id).or_default() += found.query_end - found.query_start;
    }
    let mut assets: Vec<(&Id, MediaTime)> = coverage.into_iter().collect();
    // Stable: assets with the same coverage stay in order of their ids.
    assets.sort_by_key(|(_, length)| -*length);
    assets.into_iter().map(|(id, _)| id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use media_time::AssetTime;

    use super::*;

    fn found(asset_id: &str, length_ms: i64, twin: bool) -> SourceMatch {
        SourceMatch {
            asset_id: asset_id.parse().unwrap(),
            source_start: AssetTime::ZERO,
            source_end: AssetTime::from_millis(length_ms),
            query_start: MediaTime::ZERO,
            query_end: MediaTime::from_millis(length_ms),
            speed: 1.0,
            pitch: 1.0,
            gain_db: None,
            score: None,
            confidence: 1.0,
            twin,
        }
    }

    #[test]
    fn sources_are_ordered_by_what_they_have_in_common_with_the_edit() {
        let matches = [
            found("c", 4_000, false),
            found("a", 3_000, false),
            found("b", 4_000, false),
            found("copy", 9_000, true),
            found("a", 3_000, false),
            found("film", 9_000, false),
        ];
        let sources = by_coverage(&matches, &"film".parse().unwrap());
        assert_eq!(sources.iter().map(Id::as_str).collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
