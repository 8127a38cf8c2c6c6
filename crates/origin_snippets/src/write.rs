//! Builds the data of a batch (timeline, artifacts, rows, response) and writes it.

use std::collections::{BTreeMap, BTreeSet};

use audio_to_video_origin::NewOriginMap;
use audio_to_video_origin::store::insert_origin_maps;
use chrono::{DateTime, Utc};
use media_time::{AssetTime, TimelineTime, Window};
use media_v2::{Artifact, ArtifactKind, NewArtifact};
use primitives::{Id, Scope};
use serde_json::json;
use sqlx::PgConnection;
use video_render::{Profile, Rendered};
use video_timeline::{
    Clip, CreatedTimeline, NewClip, NewProject, NewSequence, NewTimeline, NewTrack, ProjectTarget, TrackKind,
};

use crate::model::meta_of;
use crate::plan::{OP_TYPE, OP_VERSION, Planned};
use crate::store::{self, BatchLocation};
use crate::{BatchRequest, BatchResult, Error, Meta, Mode, OriginSnippet, ResultMeta};

/// Label of the new track.
const TRACK_LABEL: &str = "origin";

/// Member of a render's meta that identifies its sources' bytes, window, profile and versions.
const RENDER_KEY: &str = "render_key";

/// The `render_key` of each render, by its artifact.
type RenderKeys = BTreeMap<Id, serde_json::Value>;

/// The result of rendering a window: the render, or an error text for the caller.
pub(crate) type RenderOutcome = Result<Rendered, String>;

/// A planned and, if requested, rendered batch to write.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) request: BatchRequest,
    pub(crate) profile: &'static Profile,
    /// The items with a window that is not empty.
    pub(crate) planned: Vec<Planned>,
    /// One for each planned item, or empty.
    pub(crate) renders: Vec<RenderOutcome>,
}

impl Batch {
    /// A sequence with one track of clips, each placed at the start of its source window.
    pub(crate) fn new_timeline(&self) -> NewTimeline {
        let project = match &self.request.attach_to_project_id {
            Some(id) => ProjectTarget::Existing(id.clone()),
            None => ProjectTarget::New(self.new_project()),
        };
        let clips = self.planned.iter().map(|planned| {
            let (window, artifact_id) = (planned.window, planned.item.audio_artifact_id.clone());
            let start = TimelineTime::at(window.start().since_zero());
            let mut clip = NewClip::window(planned.asset.id.clone(), window.start(), window.end(), start);
            clip.meta = operation();
            clip.meta.insert("audio_artifact_id".to_owned(), artifact_id.as_str().into());
            clip.artifact_id = Some(artifact_id);
            clip
        });
        NewTimeline {
            project,
            sequence: NewSequence { name: self.title(), meta: operation(), ..NewSequence::default() },
            track: NewTrack {
                kind: TrackKind::Video,
                label: TRACK_LABEL.to_owned(),
                position: None,
                meta: operation(),
            },
            clips: clips.collect(),
            further_tracks: Vec::new(),
        }
    }

    fn new_project(&self) -> NewProject {
        let rendered = self.request.mode == Mode::RenderClips || self.request.render_profile.is_some();
        // The names of all profiles are valid ids.
        let render_profile = rendered.then(|| self.profile.name.parse().ok()).flatten();
        NewProject { title: self.title(), render_profile, meta: operation() }
    }

    /// For example `Origin snippets of hit_1 and 3 more`.
    fn title(&self) -> String {
        let first = self.planned.first().map_or("", |planned| planned.item.audio_artifact_id.as_str());
        match self.planned.len() {
            0 | 1 => format!("Origin snippets of {first}"),
            count => format!("Origin snippets of {first} and {} more", count - 1),
        }
    }

    /// Registers renders and snippets, with a constant number of statements, inside the caller's transaction.
    pub(crate) async fn register(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        now: DateTime<Utc>,
        made: &CreatedTimeline,
    ) -> Result<BatchResult, Error> {
        let keys = self.render_keys(conn, scope).await?;
        let mut video_artifact_ids = self.register_renders(conn, scope, now, made, &keys).await?.into_iter();
        let snippets: Vec<OriginSnippet> = self
            .planned
            .iter()
            .zip(&made.clips)
            .enumerate()
            .map(|(index, (planned, clip))| {
                let render = self.renders.get(index);
                let rendered = matches!(render, Some(Ok(_)));
                let video_artifact_id = if rendered { video_artifact_ids.next() } else { None };
                self.snippet(planned, clip, render, video_artifact_id, &keys)
            })
            .collect();
        let placed = BatchLocation {
            project_id: &made.project.id,
            sequence_id: &made.sequence.id,
            track_id: &made.track.id,
            mode: self.request.mode,
        };
        store::insert_snippets(conn, scope, now, placed, &snippets).await?;
        Ok(BatchResult {
            snippets,
            project_id: Some(made.project.id.clone()),
            sequence_id: Some(made.sequence.id.clone()),
            meta: ResultMeta {
                mode: Some(self.request.mode),
                track_id: Some(made.track.id.clone()),
                next_cursor: None,
            },
        })
    }

    /// Registers the `render_snippet` of each rendered window, with its own origin map: the audio artifact that it was
    /// made of comes from only a part of the window.
    async fn register_renders(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        now: DateTime<Utc>,
        made: &CreatedTimeline,
        keys: &RenderKeys,
    ) -> Result<Vec<Id>, Error> {
        let (artifacts, windows): (Vec<NewArtifact>, Vec<Window<AssetTime>>) = self
            .planned
            .iter()
            .zip(&made.clips)
            .zip(&self.renders)
            .filter_map(|((planned, clip), render)| {
                Some((self.artifact(planned, clip, made, render.as_ref().ok()?, keys), planned.window))
            })
            .unzip();
        if artifacts.is_empty() {
            return Ok(Vec::new());
        }
        let registered = media_v2::store::insert_artifacts(conn, scope, now, artifacts).await?;
        let maps: Vec<NewOriginMap> = registered
            .iter()
            .zip(windows)
            .map(|(artifact, window)| {
                NewOriginMap::new(artifact.id.clone(), artifact.parent_asset_id.clone(), window)
            })
            .collect();
        insert_origin_maps(conn, scope, now, &maps).await?;
        Ok(registered.into_iter().map(|artifact| artifact.id).collect())
    }

    fn snippet(
        &self,
        planned: &Planned,
        clip: &Clip,
        render: Option<&RenderOutcome>,
        video_artifact_id: Option<Id>,
        keys: &RenderKeys,
    ) -> OriginSnippet {
        let mut meta = planned.meta();
        match render {
            None => {}
            Some(Ok(rendered)) => meta.extend(self.render_meta(rendered, keys)),
            Some(Err(refusal)) => drop(meta.insert("render_error".to_owned(), refusal.as_str().into())),
        }
        OriginSnippet {
            audio_artifact_id: planned.item.audio_artifact_id.clone(),
            source_asset_id: planned.asset.id.clone(),
            source_start: planned.window.start(),
            source_end: planned.window.end(),
            video_clip_id: Some(clip.id.clone()),
            video_artifact_id,
            meta,
        }
    }

    /// The `render_snippet` artifact of one clip, on the source asset.
    fn artifact(
        &self,
        planned: &Planned,
        clip: &Clip,
        made: &CreatedTimeline,
        rendered: &Rendered,
        keys: &RenderKeys,
    ) -> NewArtifact {
        let audio_artifact_id = &planned.item.audio_artifact_id;
        let (start, end) = (planned.window.start(), planned.window.end());
        let produced_by = json!({
            "op_type": OP_TYPE,
            "op_version": OP_VERSION,
            "audio_artifact_id": audio_artifact_id,
            "render_artifact_id": rendered.artifact_id,
        });
        let mut artifact = NewArtifact::new(
            ArtifactKind::RenderSnippet,
            planned.asset.id.clone(),
            rendered.uri.clone(),
            OP_TYPE,
            &produced_by,
        );
        artifact.start = Some(start);
        artifact.end = Some(end);
        artifact.upstream_artifact_ids = vec![audio_artifact_id.clone()];
        artifact.meta.extend(operation());
        artifact.meta.extend(self.render_meta(rendered, keys));
        artifact.meta.extend(meta_of([
            ("source_start_ms", json!(start)),
            ("source_end_ms", json!(end)),
            ("project_id", json!(made.project.id)),
            ("sequence_id", json!(made.sequence.id)),
            ("clip_id", json!(clip.id)),
            ("mode", json!(self.request.mode)),
            ("audio_artifact_id", json!(audio_artifact_id)),
            ("media_type", json!(self.profile.media_type())),
        ]));
        artifact
    }

    fn render_meta(&self, rendered: &Rendered, keys: &RenderKeys) -> Meta {
        let mut meta = meta_of([
            ("render_profile", json!(self.profile.name)),
            ("render_artifact_id", json!(rendered.artifact_id)),
            ("render_asset_id", json!(rendered.render_asset_id)),
        ]);
        if let Some(key) = keys.get(&rendered.artifact_id) {
            meta.insert(RENDER_KEY.to_owned(), key.clone());
        }
        meta
    }

    /// The keys of the renders, from their artifacts, with one statement.
    async fn render_keys(&self, conn: &mut PgConnection, scope: &Scope) -> Result<RenderKeys, Error> {
        let ids: BTreeSet<&Id> =
            self.renders.iter().flatten().map(|rendered| &rendered.artifact_id).collect();
        if ids.is_empty() {
            return Ok(RenderKeys::new());
        }
        let ids: Vec<Id> = ids.into_iter().cloned().collect();
        let artifacts = media_v2::store::find_artifacts(conn, scope, &ids).await?;
        let key = |mut artifact: Artifact| Some((artifact.id, artifact.meta.remove(RENDER_KEY)?));
        Ok(artifacts.into_iter().filter_map(key).collect())
    }
}

fn operation() -> Meta {
    meta_of([("op_type", json!(OP_TYPE)), ("op_version", json!(OP_VERSION))])
}
