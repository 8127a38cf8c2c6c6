use std::path::PathBuf;

use clap::Args;
use primitives::Id;

use crate::flags::ServeFlags;

#[derive(Debug, Args)]
pub(crate) struct OpenArguments {
    /// Files to upload first.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print the address of the page only.
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// The tenant.
    #[arg(long, env = "HARKBACK_TENANT", value_name = "ID", default_value = "demo")]
    pub(crate) tenant: Id,
    /// The environment.
    #[arg(long, env = "HARKBACK_ENV", value_name = "ID", default_value = "dev")]
    pub(crate) env: Id,
    #[command(flatten)]
    pub(crate) flags: ServeFlags,
}
