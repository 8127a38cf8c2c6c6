//! The timeline clips that belong to the artifacts of a lineage.

use media_v2::store::Lineage;
use media_v2::{Artifact, ArtifactKind};
use primitives::Id;
use video_timeline::Clip;

use crate::{ClipRelation, LineageClip};

/// Merges the clips found on timelines with those that the meta of renders names, in one order.
pub(crate) fn clips(lineage: &Lineage, shown: Vec<Clip>) -> Vec<LineageClip> {
    let rendered = lineage.artifacts.iter().filter_map(|node| rendered_from(&node.artifact));
    let mut clips: Vec<_> = shown.into_iter().filter_map(shows).chain(rendered).collect();
    clips.sort_by(|a, b| key(a).cmp(&key(b)));
    clips
}

fn key(clip: &LineageClip) -> impl Ord {
    (clip.in_point, clip.clip_id.as_ref(), &clip.artifact_id, clip.relation)
}

fn shows(clip: Clip) -> Option<LineageClip> {
    Some(LineageClip {
        artifact_id: clip.artifact_id?,
        relation: ClipRelation::Shows,
        clip_id: Some(clip.id),
        track_id: Some(clip.track_id),
        sequence_id: None,
        project_id: None,
        asset_id: clip.asset_id,
        in_point: Some(clip.in_point),
        out_point: Some(clip.out_point),
        timeline_start: Some(clip.timeline_start),
    })
}

/// The clip that the meta of a render names. Callers may register artifacts with any meta, so an invalid id counts as
/// missing.
fn rendered_from(artifact: &Artifact) -> Option<LineageClip> {
    let kinds = [ArtifactKind::Render, ArtifactKind::RenderSegment, ArtifactKind::RenderSnippet];
    let meta_id = |name: &str| -> Option<Id> { artifact.meta.get(name)?.as_str()?.parse().ok() };
    let (clip_id, sequence_id) = (meta_id("clip_id"), meta_id("sequence_id"));
    if !kinds.contains(&artifact.kind) || (clip_id.is_none() && sequence_id.is_none()) {
        return None;
    }
    Some(LineageClip {
        artifact_id: artifact.id.clone(),
        relation: ClipRelation::RenderedFrom,
        clip_id,
        track_id: meta_id("track_id"),
        sequence_id,
        project_id: meta_id("project_id"),
        asset_id: artifact.parent_asset_id.clone(),
        in_point: artifact.start,
        out_point: artifact.end,
        timeline_start: None,
    })
}
