//! References to media files, by link, path or name.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveTime, Utc};
use interchange::edit::Media;
use interchange::frame_rate::FrameRate;
use media_time::MediaTime;
use media_v2::{Artifact, ArtifactKind, AssetKind, MediaAsset};
use primitives::{Id, Scope};

use crate::error::Error;
use crate::model::MediaReference;

/// Signs links; those of one day are equal, so that exports are.
pub(crate) struct References<'a> {
    pub(crate) links: &'a access::Links,
    /// Base URL of the service, without a final slash.
    pub(crate) base: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) kind: MediaReference,
}

impl References<'_> {
    /// The media of assets and of artifacts, each with its index in the result.
    pub(crate) async fn media(
        &self,
        scope: &Scope,
        assets: &[MediaAsset],
        artifacts: &[Artifact],
    ) -> Result<(Vec<Media>, BTreeMap<Id, usize>), Error> {
        let mut media = Vec::with_capacity(assets.len() + artifacts.len());
        let mut indices = BTreeMap::new();
        for asset in assets {
            indices.insert(asset.id.clone(), media.len());
            media.push(self.of_asset(scope, asset).await?);
        }
        for artifact in artifacts {
            indices.insert(artifact.id.clone(), media.len());
            media.push(self.of_artifact(scope, artifact).await?);
        }
        Ok((media, indices))
    }

    pub(crate) async fn of_asset(&self, scope: &Scope, asset: &MediaAsset) -> Result<Media, Error> {
        let url = self.url(scope, "assets", &asset.id, &asset.source_uri).await?;
        Ok(of_asset(asset, url))
    }

    pub(crate) async fn of_artifact(&self, scope: &Scope, artifact: &Artifact) -> Result<Media, Error> {
        let url = self.url(scope, "artifacts", &artifact.id, &artifact.uri).await?;
        Ok(of_artifact(artifact, url))
    }

    async fn url(&self, scope: &Scope, kind: &str, id: &Id, uri: &str) -> Result<Option<String>, Error> {
        match self.kind {
            MediaReference::Name => Ok(None),
            MediaReference::Path => Ok(uri.starts_with("file:").then(|| uri.to_owned())),
            MediaReference::Link => {
                let path = format!("/media-v2/{kind}/{id}/content");
                let link = self.links.sign(scope, &path, self.expires()).await?;
                Ok(Some(format!("{}{link}", self.base)))
            }
        }
    }

    /// The midnight after six more days: at most the seven days that a link can be valid.
    fn expires(&self) -> DateTime<Utc> {
        let day = self.now.date_naive().checked_add_days(Days::new(7)).unwrap_or(self.now.date_naive());
        day.and_time(NaiveTime::MIN).and_utc()
    }
}

/// The source timecode of recordings is not probed: it is unknown.
fn of_asset(asset: &MediaAsset, url: Option<String>) -> Media {
    let is_video = asset.kind == AssetKind::Video;
    Media {
        id: asset.id.to_string(),
        name: asset.content().file_name.map_or_else(|| asset.id.to_string(), str::to_owned),
        url,
        duration: asset.duration,
        has_video: is_video || asset.kind == AssetKind::Image,
        rate: if is_video { asset.fps.and_then(FrameRate::from_f64) } else { None },
        start_timecode: None,
        // Only a recording has audio of which the channels may be unknown.
        audio_channels: asset.audio_channels.or((asset.kind != AssetKind::Audio).then_some(0)),
        sample_rate: asset.sample_rate,
    }
}

/// An artifact with media: a sample, or a render. Those made here have their format in the meta. The files of samples
/// declare the frame of the recording at which they begin (`bext`), which editors read as their timecode.
fn of_artifact(artifact: &Artifact, url: Option<String>) -> Media {
    let number = |name: &str| artifact.meta.get(name).and_then(serde_json::Value::as_u64);
    let small =
        |name: &str| number(name).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
    let sample_rate = small("sample_rate");
    let has_video = matches!(
        artifact.kind,
        ArtifactKind::Render | ArtifactKind::RenderSegment | ArtifactKind::RenderSnippet
    );
    Media {
        id: artifact.id.to_string(),
        name: artifact.content().file_name.map_or_else(|| format!("{}.wav", artifact.id), str::to_owned),
        url,
        duration: artifact.start.zip(artifact.end).map(|(start, end)| end - start),
        has_video,
        rate: None,
        start_timecode: number("source_start_frame")
            .zip(sample_rate)
            .map(|(frame, rate)| MediaTime::from_frames(frame, rate)),
        audio_channels: small("channels"),
        sample_rate,
    }
}
