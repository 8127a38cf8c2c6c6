use clap::{Args, ValueEnum};
use primitives::Id;

use crate::flags::{GcFlags, ReprobeFlags, StoreFlags};

#[derive(Debug, Args)]
pub(crate) struct ReprobeArguments {
    /// Also probe assets that this version probed.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) flags: ReprobeFlags,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArguments {
    /// The index.
    #[arg(value_enum)]
    pub(crate) index: LibraryIndex,
    /// Index everything again, not only what is missing.
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Index only the recordings of this tenant; of `fingerprints` only.
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<Id>,
    /// Index only the recordings of this environment of the tenant.
    #[arg(long, value_name = "ID", requires = "tenant")]
    pub(crate) env: Option<Id>,
    #[command(flatten)]
    pub(crate) flags: ReprobeFlags,
}

/// An index of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LibraryIndex {
    /// Words of semantic timelines, for `GET /search`
    Words,
    /// Hits, loops and phrases, for `GET /audio/samples`
    Samples,
    /// Sizes of the bytes of artifacts, for `GET /usage`; without `--rebuild`
    Sizes,
    /// Recordings, for `POST /audio/identify`; decodes each of them
    Fingerprints,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Move damaged files aside, so that they are no longer served; uploading the same bytes restores them.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Read only the database: check results, but not stored bytes.
    #[arg(long, conflicts_with = "repair")]
    pub(crate) skip_bytes: bool,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Remove the blobs that are found; without it, they are only counted.
    #[arg(long)]
    pub(crate) delete: bool,
    /// Keep blobs written or uploaded again in the last N hours; must be longer than any request takes.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) older_than_hours: u32,
    /// Also remove cached waveforms that are older; they are computed again on request, and the next run removes their
    /// blobs.
    #[arg(long)]
    pub(crate) waveforms: bool,
    #[command(flatten)]
    pub(crate) flags: GcFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArguments {
    /// The tenant.
    #[arg(long)]
    pub(crate) tenant: Id,
    /// Only this environment of the tenant.
    #[arg(long)]
    pub(crate) env: Option<Id>,
    /// Only count what would be removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep blobs written or uploaded again in the last N hours, for `gc`; must be longer than any request takes, and 0 only
    /// while no service runs.
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub(crate) older_than_hours: u32,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}
