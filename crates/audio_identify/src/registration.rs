//! Stores the place of a match as the origin map of an artifact.

use std::collections::{BTreeMap, BTreeSet};

use audio_to_video_origin::{NewOriginMap, OriginMap};
use media_time::limits::LENGTH_TOLERANCE;
use media_time::{AssetTime, MediaTime, Window};
use primitives::{Id, Scope};

use crate::model::{NotRegistered, SourceMatch};
use crate::{Error, Identify, VERSION};

/// Difference of a speed or pitch from 1 that an origin map neglects: 1 ms in a second.
const SAME_SPEED: f64 = 0.001;

impl Identify {
    /// Stores the place of the first match that an origin map can express, if the artifact has no other map.
    pub(crate) async fn register(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        matches: &[SourceMatch],
        duration: MediaTime,
    ) -> Result<Result<OriginMap, NotRegistered>, Error> {
        let lengths = self.lengths(scope, matches).await?;
        let mut reason = NotRegistered::NoMatch;
        // A recording of the same bytes is the artifact itself, registered as an asset: only if it is in no other one.
        let (twins, places): (Vec<&SourceMatch>, Vec<&SourceMatch>) =
            matches.iter().partition(|one| one.twin);
        for found in places.into_iter().chain(twins) {
            let is_changed = |ratio: f64| (ratio - 1.0).abs() > SAME_SPEED;
            let query = found.query_end - found.query_start;
            if query + query < duration {
                reason = reason.max(NotRegistered::Partial);
                continue;
            }
            if is_changed(found.speed) || is_changed(found.pitch) {
                reason = reason.max(NotRegistered::SpeedChanged);
                continue;
            }
            let length = lengths.get(&found.asset_id).copied();
            let Some(window) = whole_window(found, duration, length) else {
                reason = reason.max(NotRegistered::Partial);
                continue;
            };
            let map = NewOriginMap::new(artifact_id.clone(), found.asset_id.clone(), window);
            let stored = self.origins().put_found_origin_map(scope, &map, VERSION).await?;
            return Ok(stored.ok_or(NotRegistered::AlreadyMapped));
        }
        Ok(Err(reason))
    }

    /// The declared durations of the recordings of matches, where known.
    async fn lengths(
        &self,
        scope: &Scope,
        matches: &[SourceMatch],
    ) -> Result<BTreeMap<Id, MediaTime>, Error> {
        let ids: BTreeSet<Id> = matches.iter().map(|found| found.asset_id.clone()).collect();
        let ids: Vec<Id> = ids.into_iter().collect();
        let mut conn = self.media().pool().acquire().await?;
        let found = media_v2::store::find_assets(&mut conn, scope, &ids).await?;
        Ok(found.into_iter().filter_map(|asset| Some((asset.id, asset.duration?))).collect())
    }
}

/// The window of a recording that an artifact of this duration has, of which a match is a part; `None` if it exceeds the
/// recording by more than a decoder's rounding.
fn whole_window(
    found: &SourceMatch,
    duration: MediaTime,
    length: Option<MediaTime>,
) -> Option<Window<AssetTime>> {
    let start = found.source_start.since_zero() - found.query_start;
    let end = length.map_or(start + duration, |length| (start + duration).min(length));
    let is_inside = start >= -LENGTH_TOLERANCE && start + duration <= end + LENGTH_TOLERANCE;
    let start = start.max(MediaTime::ZERO);
    (is_inside && start < end).then(|| Window::starting_at(AssetTime::at(start), end - start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::twin;

    fn ms(ms: i64) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    fn found(source_ms: i64, query_ms: i64) -> SourceMatch {
        let window = Window::starting_at(ms(query_ms), ms(1_000));
        SourceMatch {
            source_start: AssetTime::from_millis(source_ms),
            source_end: AssetTime::from_millis(source_ms + 1_000),
            twin: false,
            ..twin("film".parse().unwrap(), window)
        }
    }

    #[test]
    fn origin_map_has_the_whole_artifact_within_its_recording() {
        let window = |found: &SourceMatch, length| {
            let window = whole_window(found, ms(1_500), length)?;
            Some((window.start().since_zero().as_millis_round(), window.end().since_zero().as_millis_round()))
        };
        assert_eq!(window(&found(5_200, 200), Some(ms(60_000))), Some((5_000, 6_500)));
        assert_eq!(window(&found(5_200, 200), None), Some((5_000, 6_500)));
        assert_eq!(window(&found(190, 200), None), Some((0, 1_490)), "within the rounding");
        assert_eq!(window(&found(5_200, 200), Some(ms(6_450))), Some((5_000, 6_450)));
        assert_eq!(window(&found(50, 200), None), None, "begins before the recording");
        assert_eq!(window(&found(5_200, 200), Some(ms(6_000))), None, "ends after it");
    }
}
