//! What is rendered: a window of an asset.

use http_kit::Id;
use media_time::Window;
use media_v2::{ArtifactKind, AssetKind, MediaAsset, Meta, NewArtifact, NewAsset};
use serde_json::{Value, json};

use crate::source::Source;
use crate::{Error, Plan, Profile};

const OP_VERSION: &str = "v1";

/// A window of an asset, in the asset's time.
#[derive(Clone, Debug)]
pub(crate) struct WindowOf {
    pub(crate) asset: MediaAsset,
    pub(crate) window: Window,
}

impl WindowOf {
    /// Checks the window against what is known of the asset.
    pub(crate) fn new(asset: &MediaAsset, window: Window) -> Result<Self, Error> {
        check(window)?;
        if let Some(duration) = asset.duration_ms.filter(|duration| *duration < window.end()) {
            return Err(Error::WindowOutside { end: window.end(), subject: asset.id.clone(), duration });
        }
        Ok(Self { asset: asset.clone(), window })
    }

    /// Everything that determines the file.
    pub(crate) fn produced_by(&self, profile: &Profile, version: &str) -> Value {
        json!({
            "op_type": OP_TYPE,
            "op_version": OP_VERSION,
            "renderer_version": version,
            "render_profile": profile.name,
            "source": identity(&self.asset),
            "start_us": self.window.start().as_micros(),
            "end_us": self.window.end().as_micros(),
        })
    }
}

const OP_TYPE: &str = "video_render.window_v1";

/// A window must hold an instant, from zero on.
pub(crate) fn check(window: Window) -> Result<(), Error> {
    if window.is_empty() || window.start().is_negative() {
        return Err(Error::InvalidWindow { start: window.start(), end: window.end() });
    }
    Ok(())
}

/// What names the bytes of an asset: their hash, or the asset itself when it has none.
pub(crate) fn identity(asset: &MediaAsset) -> Value {
    match &asset.content_sha256 {
        Some(hash) => json!({ "sha256": hash }),
        None => json!({ "asset_id": asset.id }),
    }
}

/// The rendered file as an asset.
pub(crate) fn render_asset(
    user_id: Option<Id>,
    uri: String,
    size_bytes: u64,
    found: &Source,
    plan: &Plan,
    profile: &Profile,
) -> NewAsset {
    let mut meta = Meta::new();
    meta.insert("media_type".to_owned(), profile.media_type().into());
    meta.insert("file_name".to_owned(), format!("{profile}.{}", profile.muxer()).into());
    meta.insert("render_profile".to_owned(), profile.name.into());
    let codecs: Vec<&str> = [found.video.as_ref().map(|video| video.codec.as_str())]
        .into_iter()
        .chain([found.audio.as_ref().map(|audio| audio.codec.as_str())])
        .flatten()
        .collect();
    NewAsset {
        user_id,
        kind: Some(AssetKind::Video),
        // The name of a blob is its hash.
        content_sha256: uri.rsplit('/').next().map(str::to_owned),
        source_uri: uri,
        duration_ms: found.duration,
        fps: plan.fps,
        audio_channels: found.audio.as_ref().map(|audio| audio.channels),
        sample_rate: found.audio.as_ref().map(|audio| audio.sample_rate),
        codec_info: Some(format!("isomp4: {}", codecs.join(", "))),
        size_bytes: Some(size_bytes),
        meta,
        ..NewAsset::default()
    }
}

/// The artifact that says: this file is that window of that asset.
pub(crate) fn render_artifact(
    of: &WindowOf,
    render_asset_id: &Id,
    uri: String,
    render_key: &str,
    plan: &Plan,
    profile: &Profile,
) -> NewArtifact {
    let version = &plan.renderer_version;
    let produced_by = of.produced_by(profile, version);
    let mut artifact =
        NewArtifact::new(ArtifactKind::Render, of.asset.id.clone(), uri, version, &produced_by);
    artifact.start_ms = Some(of.window.start());
    artifact.end_ms = Some(of.window.end());
    for (name, value) in [
        ("op_type", OP_TYPE),
        ("op_version", OP_VERSION),
        ("render_asset_id", render_asset_id.as_str()),
        ("render_profile", profile.name),
        ("render_key", render_key),
        ("media_type", profile.media_type()),
    ] {
        artifact.meta.insert(name.to_owned(), value.into());
    }
    artifact
}
