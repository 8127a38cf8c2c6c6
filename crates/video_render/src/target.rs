//! The target of a render, and the asset and artifacts that are registered for it.

use media_time::{AssetTime, MediaTime, Window};
use media_v2::{ArtifactKind, AssetKind, MediaAsset, Meta, NewArtifact, NewAsset};
use primitives::Id;
use serde_json::{Value, json};

use crate::captions::Captions;
use crate::composition::{Composition, Layer, Subject};
use crate::film::Film;
use crate::source::ProbedSource;
use crate::window::check_window;
use crate::{Error, Fit, Plan, Profile};

const OP_VERSION: &str = "v1";

/// What is rendered: a window of an asset, a window of a timeline by one call of ffmpeg, or one by pieces.
#[derive(Clone, Debug)]
pub(crate) enum RenderTarget {
    Asset(Box<AssetWindow>),
    Timeline(Box<Composition>),
    Film(Box<Film>),
}

/// A window of an asset.
#[derive(Clone, Debug)]
pub(crate) struct AssetWindow {
    pub(crate) asset: MediaAsset,
    pub(crate) window: Window<AssetTime>,
    pub(crate) fit: Fit,
    pub(crate) captions: Option<Captions>,
}

impl RenderTarget {
    /// A window of an asset, checked against the asset's duration.
    pub(crate) fn of_asset(asset: &MediaAsset, window: Window<AssetTime>, fit: Fit) -> Result<Self, Error> {
        check_window(window)?;
        if let Some(duration) = asset.duration.filter(|duration| AssetTime::at(*duration) < window.end()) {
            return Err(Error::WindowOutside {
                end: window.end().since_zero(),
                subject: asset.id.clone(),
                duration,
            });
        }
        Ok(Self::Asset(Box::new(AssetWindow { asset: asset.clone(), window, fit, captions: None })))
    }

    /// The composition, if the target is a timeline.
    pub(crate) fn composition(&self) -> Option<&Composition> {
        match self {
            Self::Asset(_) => None,
            Self::Timeline(composition) => Some(composition),
            Self::Film(film) => Some(&film.composition),
        }
    }

    /// The same with captions.
    pub(crate) fn with_captions(mut self, captions: Captions) -> Self {
        match &mut self {
            Self::Asset(of) => of.captions = Some(captions),
            Self::Timeline(composition) => composition.captions = Some(captions),
            Self::Film(film) => film.composition.captions = Some(captions),
        }
        self
    }

    fn captions(&self) -> Option<&Captions> {
        match self {
            Self::Asset(of) => of.captions.as_ref(),
            Self::Timeline(_) | Self::Film(_) => self.composition()?.captions.as_ref(),
        }
    }

    /// The start and end of the window, in the frame of the target.
    pub(crate) fn bounds(&self) -> (MediaTime, MediaTime) {
        match self {
            Self::Asset(of) => (of.window.start().since_zero(), of.window.end().since_zero()),
            Self::Timeline(composition) => composition.bounds(),
            Self::Film(film) => film.composition.bounds(),
        }
    }

    const fn op_type(&self) -> &'static str {
        match self {
            Self::Asset(_) => "video_render.window_v1",
            Self::Timeline(_) => "video_render.timeline_v1",
            Self::Film(_) => "video_render.film_v1",
        }
    }

    /// The asset that the render is a window of; `None` for a timeline, whose artifact is on the rendered file itself.
    pub(crate) fn parent(&self) -> Option<&Id> {
        match self {
            Self::Asset(of) => Some(&of.asset.id),
            Self::Timeline(_) | Self::Film(_) => None,
        }
    }

    /// Everything that determines the file and its registered metadata.
    pub(crate) fn produced_by(&self, profile: &Profile, version: &str) -> Value {
        let (start, end) = self.bounds();
        let mut all = json!({
            "op_type": self.op_type(),
            "op_version": OP_VERSION,
            "renderer_version": version,
            "render_profile": profile.name,
            "start_us": start.as_micros(),
            "end_us": end.as_micros(),
        });
        if let Self::Asset(of) = self {
            all["source"] = identity(&of.asset);
            insert_fit(&mut all, of.fit);
        }
        if let Some(composition) = self.composition() {
            for (name, id) in composition.subject.ids() {
                all[name] = json!(id);
            }
            all["rate"] = composition.rate.to_string().into();
            all["layers"] = composition.layers.iter().map(identity_of_layer).collect();
            insert_fit(&mut all, composition.fit);
        }
        if let Self::Film(film) = self {
            all["audio"] = film.identity_of_audio();
        }
        if let Some(captions) = self.captions() {
            all["captions"] = captions.identity();
        }
        all
    }

    /// The `render` artifact, which records that the file is a window of the asset or timeline.
    pub(crate) fn artifact(&self, render: &RegisteredRender<'_>, profile: &Profile) -> NewArtifact {
        let parent = self.parent().unwrap_or(render.asset_id).clone();
        let mut artifact = self.derived(ArtifactKind::Render, parent, render, profile);
        let (start, end) = self.bounds();
        let covered = match self.composition() {
            None => Window::starting_at(AssetTime::at(start), end - start),
            Some(composition) => {
                for (name, id) in composition.subject.ids() {
                    artifact.meta.insert(name.to_owned(), json!(id));
                }
                artifact.meta.insert("timeline_start_ms".to_owned(), json!(composition.window.start()));
                artifact.meta.insert("timeline_end_ms".to_owned(), json!(composition.window.end()));
                Window::starting_at(AssetTime::ZERO, end - start)
            }
        };
        if let Self::Film(film) = self {
            artifact.upstream_artifact_ids = film.upstream();
        }
        if let Some(captions) = self.captions() {
            artifact.meta.insert("captions_artifact_id".to_owned(), json!(captions.artifact_id));
            artifact.upstream_artifact_ids.push(captions.artifact_id.clone());
        }
        (artifact.start, artifact.end) = (Some(covered.start()), Some(covered.end()));
        artifact
    }

    /// A `render_segment` artifact for each used clip: the window of its source that is in the render `artifact_id`.
    pub(crate) fn segments(
        &self,
        artifact_id: &Id,
        render: &RegisteredRender<'_>,
        profile: &Profile,
    ) -> Vec<NewArtifact> {
        // The windows of a shot list are found by the list.
        let Some((composition, Subject::Sequence { project_id, sequence_id })) =
            self.composition().map(|composition| (composition, &composition.subject))
        else {
            return Vec::new();
        };
        // The same for all segments: what produced them is hashed once.
        let template = self.derived(ArtifactKind::RenderSegment, render.asset_id.clone(), render, profile);
        let segment = |layer: &Layer| {
            let span = layer.play_window(composition.window)?;
            let source = layer.source_of(composition.window, span);
            let mut segment = NewArtifact { parent_asset_id: layer.asset.id.clone(), ..template.clone() };
            (segment.start, segment.end) = (Some(source.start()), Some(source.end()));
            segment.upstream_artifact_ids = vec![artifact_id.clone()];
            for (name, value) in [
                ("project_id", json!(project_id)),
                ("sequence_id", json!(sequence_id)),
                ("track_id", json!(layer.clip.track_id)),
                ("clip_id", json!(layer.clip.id)),
                ("render_artifact_id", json!(artifact_id)),
                ("render_start_ms", json!(span.start())),
                ("render_end_ms", json!(span.end())),
            ] {
                segment.meta.insert(name.to_owned(), value);
            }
            Some(segment)
        };
        composition.layers.iter().filter_map(segment).collect()
    }

    fn derived(
        &self,
        kind: ArtifactKind,
        parent: Id,
        render: &RegisteredRender<'_>,
        profile: &Profile,
    ) -> NewArtifact {
        let version = &render.plan.renderer_version;
        let produced_by = self.produced_by(profile, version);
        let mut artifact = NewArtifact::new(kind, parent, render.uri.to_owned(), version, &produced_by);
        for (name, value) in [
            ("op_type", self.op_type()),
            ("op_version", OP_VERSION),
            ("render_asset_id", render.asset_id.as_str()),
            ("render_profile", profile.name),
            ("render_key", render.key),
            ("media_type", profile.media_type()),
        ] {
            artifact.meta.insert(name.to_owned(), value.into());
        }
        artifact
    }
}

/// A rendered file that is registered as an asset.
pub(crate) struct RegisteredRender<'a> {
    pub(crate) asset_id: &'a Id,
    pub(crate) uri: &'a str,
    pub(crate) key: &'a str,
    pub(crate) plan: &'a Plan,
}

/// Names how frames fit, unless as always before.
fn insert_fit(all: &mut Value, fit: Fit) {
    if fit != Fit::Contain {
        all["fit"] = json!(fit);
    }
}

/// Identifies the bytes of an asset: by their hash, or by the asset's id without a hash.
pub(crate) fn identity(asset: &MediaAsset) -> Value {
    match &asset.content_sha256 {
        Some(hash) => json!({ "sha256": hash }),
        None => json!({ "asset_id": asset.id }),
    }
}

fn identity_of_layer(layer: &Layer) -> Value {
    let clip = &layer.clip;
    let mut identity = json!({
        "clip_id": clip.id,
        "source": identity(&layer.asset),
        "in_us": clip.in_point.as_micros(),
        "out_us": clip.out_point.as_micros(),
        "start_us": clip.timeline_start.as_micros(),
        "volume_db": clip.volume_db,
        "opacity": clip.opacity,
        // The name is part of the keys of stored renders.
        "is_seen": layer.is_visible,
    });
    if clip.speed != 1.0 {
        identity["speed"] = json!(clip.speed);
    }
    if let Some(held_from) = layer.held_from {
        identity["held_from_us"] = json!(held_from.as_micros());
    }
    identity
}

/// The new asset for a rendered file.
pub(crate) fn render_asset(
    user_id: Option<Id>,
    uri: String,
    size_bytes: u64,
    found: &ProbedSource,
    plan: &Plan,
    profile: &Profile,
) -> NewAsset {
    let mut meta = Meta::new();
    meta.insert("media_type".to_owned(), profile.media_type().into());
    meta.insert("file_name".to_owned(), format!("{profile}.{}", profile.muxer()).into());
    meta.insert("render_profile".to_owned(), profile.name.into());
    let video = found.video.as_ref().map(|video| video.codec.as_str());
    let audio = found.audio.as_ref().map(|audio| audio.codec.as_str());
    let codecs: Vec<&str> = video.into_iter().chain(audio).collect();
    NewAsset {
        id: None,
        user_id,
        kind: Some(AssetKind::Video),
        // The name of a blob is its hash.
        content_sha256: uri.rsplit('/').next().map(str::to_owned),
        source_uri: uri,
        duration: found.duration,
        fps: plan.fps,
        audio_channels: found.audio.as_ref().map(|audio| audio.channels),
        sample_rate: found.audio.as_ref().map(|audio| audio.sample_rate),
        codec_info: Some(format!("isomp4: {}", codecs.join(", "))),
        audio_streams: found
            .audio
            .iter()
            .map(|audio| media_v2::AudioStream::only(&audio.codec, audio.channels, audio.sample_rate))
            .collect(),
        size_bytes: Some(size_bytes),
        meta,
        ..NewAsset::default()
    }
}
