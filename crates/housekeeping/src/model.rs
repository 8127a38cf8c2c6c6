//! What keeps an asset from being removed, and the figures of an owner.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use media_time::MediaTime;
use media_v2::{ArtifactKind, UnknownKind};
use primitives::Id;
use serde::{Serialize, Serializer};

/// Number of usages of a kind that are listed.
pub(crate) const LISTED: i64 = 20;

/// Kind of what refers to an asset, or to something that derives from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageKind {
    /// A clip of a timeline.
    Clip,
    /// An origin map that a caller wrote: one that names a recording other than that of its artifact.
    OriginMap,
    /// A snippet that was made for a sample.
    Snippet,
    /// A pattern that plays a sample.
    Pattern,
    /// A job that waits or runs.
    Job,
    /// An artifact: a shot list, a render, or what a caller registered or corrected.
    Artifact(ArtifactKind),
}

impl UsageKind {
    /// The name on the wire: that of an artifact's kind for artifacts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clip => "clip",
            Self::OriginMap => "origin_map",
            Self::Snippet => "snippet",
            Self::Pattern => "pattern",
            Self::Job => "job",
            Self::Artifact(kind) => kind.as_str(),
        }
    }
}

impl FromStr for UsageKind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        let others = [Self::Clip, Self::OriginMap, Self::Snippet, Self::Pattern, Self::Job];
        match others.into_iter().find(|kind| kind.as_str() == word) {
            Some(kind) => Ok(kind),
            None => word.parse().map(Self::Artifact),
        }
    }
}

impl fmt::Display for UsageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for UsageKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Something that refers to an asset, or to something that derives from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssetUsage {
    /// What it is.
    pub kind: UsageKind,
    /// Its id; of an origin map the id of its artifact, of a snippet that of its clip.
    pub id: Id,
    /// The project of a clip on a timeline of this service; null for others.
    pub project_id: Option<Id>,
}

/// What refers to an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetUsages {
    /// Number of usages by kind. Clips of a remote timeline are counted up to the number that is listed.
    pub counts: BTreeMap<&'static str, u64>,
    /// The first ones of each kind, by kind and id.
    pub usages: Vec<AssetUsage>,
}

impl AssetUsages {
    /// Whether nothing refers to the asset.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Adds a usage, of a kind of which there are `total`.
    pub(crate) fn add(&mut self, usage: AssetUsage, total: u64) {
        self.counts.insert(usage.kind.as_str(), total);
        self.usages.push(usage);
    }

    /// Adds the usages of another source.
    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        self.usages.extend(other.usages);
        self.usages.sort_by(|a, b| (a.kind.as_str(), &a.id).cmp(&(b.kind.as_str(), &b.id)));
    }

    /// Numbers and kinds: `2 clip, 1 video_shot_list`.
    pub(crate) fn describe(&self) -> String {
        let kinds: Vec<String> = self.counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        kinds.join(", ")
    }
}

/// What an owner has stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OwnerFigures {
    /// Total size of the bytes of assets and artifacts in the blob store, the same bytes once.
    pub stored_bytes: u64,
    /// Number of these blobs.
    pub blobs: u64,
    /// Number of blobs among them whose size was not recorded, and is not part of `stored_bytes`: artifacts of an older
    /// version.
    pub blobs_without_size: u64,
    /// Recordings and other files.
    pub assets: KindFigures,
    /// What was derived from them.
    pub artifacts: KindFigures,
    /// Total duration of audio in semantic timelines that this service measured, in ms: a recording that was analysed
    /// twice counts twice.
    #[serde(rename = "analysed_ms")]
    pub analysed: MediaTime,
    /// Resumable uploads that are not complete.
    pub uploads: UploadFigures,
    /// Jobs that have not ended.
    pub jobs: JobFigures,
}

/// Numbers by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct KindFigures {
    /// Number of all.
    pub total: u64,
    /// Number of each kind; kinds without any are absent.
    pub by_kind: BTreeMap<String, u64>,
}

/// Unfinished resumable uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UploadFigures {
    /// Number of them.
    pub open: u64,
    /// Number of bytes that were received; they are not part of `stored_bytes`.
    pub received_bytes: u64,
}

/// Jobs that have not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct JobFigures {
    /// Number of jobs that wait.
    pub queued: u64,
    /// Number of jobs that run.
    pub running: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_usages_are_read_as_they_are_written() {
        for word in ["clip", "origin_map", "snippet", "pattern", "job", "video_shot_list", "render"] {
            assert_eq!(word.parse::<UsageKind>().unwrap().as_str(), word);
        }
        assert!("asset".parse::<UsageKind>().is_err());
    }

    #[test]
    fn usages_are_described_by_number_and_kind() {
        let usages = AssetUsages { counts: [("render", 1), ("clip", 2)].into(), usages: Vec::new() };
        assert_eq!(usages.describe(), "2 clip, 1 render");
        assert!(AssetUsages::default().is_empty() && !usages.is_empty());
    }
}
