//! Looks up the origins of a plan's audio sources in the database, with a constant number of statements.

use std::collections::{BTreeMap, HashMap};

use audio_semantic_timeline::store::{TimelineOf, find_timelines};
use http_kit::FieldError;
use media_time::{AssetTime, LocalTime, MediaTime};
use primitives::{Id, Scope};
use serde_json::value::RawValue;
use sqlx::PgConnection;

use crate::plan::{Clip, ClipSource, MAX_ERRORS, Plan};
use crate::store::{self, AudioArtifactRow, TimelineRow};
use crate::{ClipOffset, DeclaredFields, Error, InvalidDeclaredOrigin, ResolvedOrigin};

/// The lookup's result for the audio sources of a plan.
pub(crate) struct SourceLookup {
    /// One entry per audio source, in their order.
    pub(crate) positions: Vec<SourcePosition>,
    /// The duration of each recording, if known.
    pub(crate) lengths: HashMap<Id, Option<MediaTime>>,
    /// The semantic timelines, ordered by id.
    pub(crate) timelines: Vec<TimelineRow>,
}

/// The position in a recording that an audio source comes from.
pub(crate) struct SourcePosition {
    pub(crate) asset_id: Id,
    pub(crate) start: AssetTime,
    pub(crate) clip_offsets: Option<Vec<ClipOffset>>,
    /// The artifact and its meta, if the source is one.
    pub(crate) artifact: Option<(Id, Box<RawValue>)>,
    /// Index in [`SourceLookup::timelines`].
    pub(crate) timeline: Option<usize>,
}

/// Why an artifact's origin is rejected.
enum RejectedOrigin {
    Unmapped,
    /// The meta names an invalid source.
    Invalid,
}

/// Looks up all origins and timelines; an error lists everything that is missing.
///
/// With `mapped`, artifacts without an origin map are rejected; otherwise their parent asset is used.
pub(crate) async fn find(
    conn: &mut PgConnection,
    scope: &Scope,
    plan: &Plan,
    mapped: bool,
    require_semantics: bool,
) -> Result<SourceLookup, Error> {
    let artifact_ids = plan.artifact_ids();
    let mut rows = store::find_sounds(conn, scope, &artifact_ids).await?;
    let origins = store::resolve_origins(conn, scope, &artifact_ids).await?;
    let mut origins: HashMap<&Id, Option<ResolvedOrigin>> = artifact_ids.iter().zip(origins).collect();

    let (mut positions, mut missing_artifacts, mut assets) = (Vec::new(), Vec::new(), Vec::new());
    let (mut unmapped, mut invalid) = (Vec::new(), Vec::new());
    for source in &plan.sources {
        let position = match source {
            ClipSource::Asset(id) => SourcePosition::whole(id.clone()),
            ClipSource::Artifact(id) => {
                let Some(row) = rows.remove(id) else {
                    missing_artifacts.push(id.to_string());
                    continue;
                };
                match SourcePosition::of(row, origins.remove(id).flatten(), mapped) {
                    Ok(position) => position,
                    Err(RejectedOrigin::Unmapped) => {
                        unmapped.push(id.to_string());
                        continue;
                    }
                    Err(RejectedOrigin::Invalid) => {
                        invalid.push(id.to_string());
                        continue;
                    }
                }
            }
        };
        assets.push(position.asset_id.clone());
        positions.push(position);
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
    let timelines = timelines(conn, scope, &mut positions, require_semantics).await?;
    Ok(SourceLookup { positions, lengths, timelines })
}

impl SourceLookup {
    /// Errors for the clips whose offset is at or after the end of their recording: none of it could be shown, and
    /// moving the shot inside the recording would show something else.
    pub(crate) fn beyond(&self, plan: &Plan) -> Vec<FieldError> {
        let is_beyond = |clip: &Clip| {
            let position = &self.positions[clip.source];
            let length = self.lengths.get(&position.asset_id).copied().flatten();
            clip.source_offset > LocalTime::ZERO
                && length.is_some_and(|length| {
                    clip.source_offset.with_zero_at(position.start) >= AssetTime::at(length)
                })
        };
        let beyond = plan.clips.iter().enumerate().filter(|(_, clip)| is_beyond(clip));
        let errors = beyond.take(MAX_ERRORS).map(|(index, _)| FieldError {
            pointer: format!("{}/source_offset_ms", plan.pointer(index)),
            detail: "must be before the end of the recording".to_owned(),
        });
        errors.collect()
    }
}

/// Looks up the timelines and sets the timeline index of each position.
async fn timelines(
    conn: &mut PgConnection,
    scope: &Scope,
    positions: &mut [SourcePosition],
    require_semantics: bool,
) -> Result<Vec<TimelineRow>, Error> {
    let subject = |position: &SourcePosition| TimelineOf {
        asset_id: position.asset_id.clone(),
        artifact_id: position.artifact.as_ref().map(|(id, _)| id.clone()),
    };
    let wanted: Vec<TimelineOf> = distinct(positions.iter().map(subject).collect());
    let ids = find_timelines(conn, scope, &wanted).await?;
    if require_semantics {
        let without = wanted.iter().zip(&ids).filter(|(_, id)| id.is_none());
        let missing = distinct(without.map(|(wanted, _)| wanted.asset_id.clone()).collect());
        if !missing.is_empty() {
            let stale = audio_semantic_timeline::store::wrongly_analysed(conn, scope, &missing).await?;
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
    for position in positions {
        position.timeline = by_subject.get(&subject(position)).copied();
    }
    Ok(found)
}

/// Sorts and removes duplicates.
fn distinct<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

impl SourcePosition {
    /// The whole recording, from its start.
    fn whole(asset_id: Id) -> Self {
        Self { asset_id, start: AssetTime::ZERO, clip_offsets: None, artifact: None, timeline: None }
    }

    /// By priority: the origin found through maps; the origin declared in the artifact's meta; unless `mapped`, its
    /// parent asset and start (see [`DeclaredFields::origin`]).
    fn of(
        row: AudioArtifactRow,
        resolved: Option<ResolvedOrigin>,
        mapped: bool,
    ) -> Result<Self, RejectedOrigin> {
        let artifact = Some((row.id, row.meta.0));
        if let Some(ResolvedOrigin { origin, .. }) = resolved {
            let (asset_id, start) = (origin.asset_id, origin.window.start());
            return Ok(Self { asset_id, start, clip_offsets: origin.clip_offsets, artifact, timeline: None });
        }
        let declared = DeclaredFields {
            parent_asset_id: &row.parent_asset_id,
            start: row.start_us.map(AssetTime::from_micros),
            // Not needed: each clip has its own duration.
            end: None,
            source_asset_id: row.source_asset_id.as_deref(),
            source_start_ms: row.source_start_ms.as_deref(),
            source_end_ms: None,
        };
        let own = declared.origin().map_err(|InvalidDeclaredOrigin| RejectedOrigin::Invalid)?;
        if mapped && !own.is_mapped {
            return Err(RejectedOrigin::Unmapped);
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
