//! References to media files, by link, path or name.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveTime, Utc};
use interchange::edit::{Media, SourceTimecode};
use interchange::frame_rate::FrameRate;
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

fn of_asset(asset: &MediaAsset, url: Option<String>) -> Media {
    let is_video = asset.kind == AssetKind::Video;
    let rate = if is_video { asset.fps.and_then(FrameRate::from_f64) } else { None };
    Media {
        id: asset.id.to_string(),
        name: asset.content().file_name.map_or_else(|| asset.id.to_string(), str::to_owned),
        url,
        duration: asset.duration,
        has_video: is_video || asset.kind == AssetKind::Image,
        rate,
        start_timecode: start_timecode(asset, rate),
        // Only a recording has audio of which the channels may be unknown.
        audio_channels: asset.audio_channels.or((asset.kind != AssetKind::Audio).then_some(0)),
        sample_rate: asset.sample_rate,
    }
}

/// The source timecode of an asset: zero if its file declares none, `None` if it was not probed for it. `video` is the
/// frame rate of the asset.
fn start_timecode(asset: &MediaAsset, video: Option<FrameRate>) -> Option<SourceTimecode> {
    let Some(found) = asset.start_timecode else {
        return (!asset.is_outdated()).then_some(SourceTimecode::ZERO);
    };
    let rate = (found.rate_numerator, found.rate_denominator);
    Some(SourceTimecode::of_count(found.count, rate, found.drop_frame, video))
}

/// The time reference of a slice that was cut here: its position in the recording, without the recording's own timecode.
fn time_reference(artifact: &Artifact, sample_rate: Option<u32>) -> Option<SourceTimecode> {
    let is_slice =
        matches!(artifact.kind, ArtifactKind::AudioHit | ArtifactKind::AudioLoop | ArtifactKind::AudioPhrase);
    let first_sample = artifact.meta.get("source_start_frame").filter(|_| is_slice)?.as_u64()?;
    Some(SourceTimecode::of_count(first_sample, (sample_rate?, 1), false, None))
}

/// An artifact with media: a sample, or a render. Those made here have their format in the meta.
fn of_artifact(artifact: &Artifact, url: Option<String>) -> Media {
    let number = |name: &str| artifact.meta.get(name).and_then(|value| value.as_u64()?.try_into().ok());
    let sample_rate = number("sample_rate").filter(|rate| *rate > 0);
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
        start_timecode: time_reference(artifact, sample_rate),
        audio_channels: number("channels").filter(|channels| *channels > 0),
        sample_rate,
    }
}
