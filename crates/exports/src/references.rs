//! References to media files, by link, path or name.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveTime, Utc};
use interchange::edit::Media;
use interchange::frame_rate::FrameRate;
use media_time::MediaTime;
use media_v2::{Artifact, AssetKind, MediaAsset};
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
            let url = self.url(scope, "assets", &asset.id, &asset.source_uri).await?;
            media.push(of_asset(asset, url));
        }
        for artifact in artifacts {
            indices.insert(artifact.id.clone(), media.len());
            let url = self.url(scope, "artifacts", &artifact.id, &artifact.uri).await?;
            media.push(of_artifact(artifact, url));
        }
        Ok((media, indices))
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
    Media {
        id: asset.id.to_string(),
        name: asset.content().file_name.map_or_else(|| asset.id.to_string(), str::to_owned),
        url,
        duration: asset.duration,
        rate: if is_video { asset.fps.and_then(FrameRate::from_f64) } else { None },
        size: None,
        start_timecode: MediaTime::ZERO,
        audio_channels: asset.audio_channels.unwrap_or(0),
        sample_rate: asset.sample_rate,
    }
}

fn of_artifact(artifact: &Artifact, url: Option<String>) -> Media {
    Media {
        id: artifact.id.to_string(),
        name: artifact.content().file_name.map_or_else(|| format!("{}.wav", artifact.id), str::to_owned),
        url,
        duration: None,
        rate: None,
        size: None,
        start_timecode: MediaTime::ZERO,
        audio_channels: 1,
        sample_rate: None,
    }
}
