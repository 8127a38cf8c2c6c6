//! Where the sounds of a plan come from, as the database knows it: a constant number of statements.

use std::collections::{BTreeMap, HashMap};

use audio_semantic_timeline::store::{TimelineOf, find_timelines};
use http_kit::{FieldError, Id, Scope};
use media_time::MediaTime;
use serde_json::value::RawValue;
use sqlx::PgConnection;

use crate::plan::{Clip, MAX_ERRORS, Plan, Sound};
use crate::store::{self, SoundRow, TimelineRow};
use crate::{ClipOffset, Error, InvalidOwnOrigin, OwnFacts, ResolvedOrigin};

/// What was found of a plan's sounds.
pub(crate) struct Found {
    /// Of each sound, in their order.
    pub(crate) places: Vec<Place>,
    /// Of each recording.
    pub(crate) lengths: HashMap<Id, Option<MediaTime>>,
    /// By id.
    pub(crate) timelines: Vec<TimelineRow>,
}

/// Where a sound comes from.
pub(crate) struct Place {
    pub(crate) asset_id: Id,
    pub(crate) start: MediaTime,
    pub(crate) clip_offsets: Option<Vec<ClipOffset>>,
    /// The artifact and its meta, when the sound is one.
    pub(crate) artifact: Option<(Id, Box<RawValue>)>,
    /// Its place among [`Found::timelines`].
    pub(crate) timeline: Option<usize>,
}

/// What refuses an artifact's origin.
enum Refused {
    Unmapped,
    /// The meta names a source that cannot be one.
    Invalid,
}

/// Finds everything, or tells everything that is missing.
///
/// `mapped` refuses artifacts without a mapping; else their parent asset stands in.
pub(crate) async fn find(
    conn: &mut PgConnection,
    scope: &Scope,
    plan: &Plan,
    mapped: bool,
    require_semantics: bool,
) -> Result<Found, Error> {
    let artifact_ids = plan.artifact_ids();
    let mut rows = store::find_sounds(conn, scope, &artifact_ids).await?;
    let origins = store::resolve_origins(conn, scope, &artifact_ids).await?;
    let mut origins: HashMap<&Id, Option<ResolvedOrigin>> = artifact_ids.iter().zip(origins).collect();

    let (mut places, mut missing_artifacts, mut assets) = (Vec::new(), Vec::new(), Vec::new());
    let (mut unmapped, mut invalid) = (Vec::new(), Vec::new());
    for sound in &plan.sounds {
        let place = match sound {
            Sound::Asset(id) => Place::whole(id.clone()),
            Sound::Artifact(id) => {
                let Some(row) = rows.remove(id) else {
                    missing_artifacts.push(id.to_string());
                    continue;
                };
                match Place::of(row, origins.remove(id).flatten(), mapped) {
                    Ok(place) => place,
                    Err(Refused::Unmapped) => {
                        unmapped.push(id.to_string());
                        continue;
                    }
                    Err(Refused::Invalid) => {
                        invalid.push(id.to_string());
                        continue;
                    }
                }
            }
        };
        assets.push(place.asset_id.clone());
        places.push(place);
    }
    let asset_ids: Vec<Id> = distinct(assets);
    let lengths = store::find_lengths(conn, scope, &asset_ids).await?;
    let missing_assets: Vec<String> =
        asset_ids.iter().filter(|id| !lengths.contains_key(*id)).map(Id::to_string).collect();
    if !missing_artifacts.is_empty() || !missing_assets.is_empty() {
        return Err(Error::Missing { artifact_ids: missing_artifacts, asset_ids: missing_assets });
    }
    if !invalid.is_empty() {
        return Err(Error::OriginInvalid(invalid));
    }
    if !unmapped.is_empty() {
        return Err(Error::OriginMapMissing(unmapped));
    }
    let timelines = timelines(conn, scope, &mut places, require_semantics).await?;
    Ok(Found { places, lengths, timelines })
}

impl Found {
    /// The clips whose offset leads to or beyond the end of their recording: nothing of it could be shown, and moving
    /// the shot inside would show something else.
    pub(crate) fn beyond(&self, plan: &Plan) -> Vec<FieldError> {
        let is_beyond = |clip: &Clip| {
            let place = &self.places[clip.sound];
            let length = self.lengths.get(&place.asset_id).copied().flatten();
            clip.source_offset > MediaTime::ZERO
                && length.is_some_and(|length| place.start + clip.source_offset >= length)
        };
        let beyond = plan.clips.iter().enumerate().filter(|(_, clip)| is_beyond(clip));
        let told = beyond.take(MAX_ERRORS).map(|(index, _)| FieldError {
            pointer: format!("{}/source_offset_ms", plan.pointer(index)),
            detail: "leads to the end of the recording, or beyond".to_owned(),
        });
        told.collect()
    }
}

/// Finds the places' timelines and tells each place which is its own.
async fn timelines(
    conn: &mut PgConnection,
    scope: &Scope,
    places: &mut [Place],
    require_semantics: bool,
) -> Result<Vec<TimelineRow>, Error> {
    let subject = |place: &Place| TimelineOf {
        asset_id: place.asset_id.clone(),
        artifact_id: place.artifact.as_ref().map(|(id, _)| id.clone()),
    };
    let wanted: Vec<TimelineOf> = distinct(places.iter().map(subject).collect());
    let ids = find_timelines(conn, scope, &wanted).await?;
    if require_semantics {
        let without = wanted.iter().zip(&ids).filter(|(_, id)| id.is_none());
        let missing = distinct(without.map(|(wanted, _)| wanted.asset_id.clone()).collect());
        if !missing.is_empty() {
            let stale = media_v2::store::wrongly_analysed(conn, scope, &missing).await?;
            let [missing, stale] = [missing, stale].map(|ids| ids.iter().map(Id::to_string).collect());
            return Err(Error::SemanticsMissing { missing, stale });
        }
    }
    let found =
        store::find_timeline_rows(conn, scope, &distinct(ids.iter().flatten().cloned().collect())).await?;
    let by_id: HashMap<&Id, usize> = found.iter().enumerate().map(|(index, row)| (&row.id, index)).collect();
    let by_subject: BTreeMap<&TimelineOf, usize> = wanted
        .iter()
        .zip(&ids)
        .filter_map(|(wanted, id)| Some((wanted, *by_id.get(id.as_ref()?)?)))
        .collect();
    for place in places {
        place.timeline = by_subject.get(&subject(place)).copied();
    }
    Ok(found)
}

/// Sorted, each once.
fn distinct<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

impl Place {
    /// A recording from its beginning.
    fn whole(asset_id: Id) -> Self {
        Self { asset_id, start: MediaTime::ZERO, clip_offsets: None, artifact: None, timeline: None }
    }

    /// In this order: the origin that maps lead to; else what the artifact's meta says; else, unless `mapped`,
    /// its parent asset and start (see [`OwnFacts::origin`]).
    fn of(row: SoundRow, resolved: Option<ResolvedOrigin>, mapped: bool) -> Result<Self, Refused> {
        let artifact = Some((row.id, row.meta.0));
        if let Some(ResolvedOrigin { origin, .. }) = resolved {
            let (asset_id, start) = (origin.asset_id, origin.window.start());
            return Ok(Self { asset_id, start, clip_offsets: origin.clip_offsets, artifact, timeline: None });
        }
        let facts = OwnFacts {
            parent_asset_id: &row.parent_asset_id,
            start: row.start_us.map(MediaTime::from_micros),
            // A clip tells its own length.
            end: None,
            source_asset_id: row.source_asset_id.as_deref(),
            source_start_ms: row.source_start_ms.as_deref(),
            source_end_ms: None,
        };
        let own = facts.origin().map_err(|InvalidOwnOrigin| Refused::Invalid)?;
        if mapped && !own.is_mapped {
            return Err(Refused::Unmapped);
        }
        Ok(Self {
            asset_id: own.asset_id,
            start: own.start.unwrap_or_default(),
            clip_offsets: None,
            artifact,
            timeline: None,
        })
    }
}
