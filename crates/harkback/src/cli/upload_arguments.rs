use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use media_v2::AssetKind;

use super::ServiceArguments;

#[derive(Debug, Args)]
pub(crate) struct UploadArguments {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Kind of the assets: video, audio, image, other; detected from the content without it.
    #[arg(long, value_name = "KIND", value_parser = AssetKind::from_str)]
    pub(crate) kind: Option<AssetKind>,
    /// Tag of the assets; may be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Your own reference of the assets.
    #[arg(long, value_name = "TEXT")]
    pub(crate) source_ref: Option<String>,
    /// Print the assets as JSON, one per line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}
