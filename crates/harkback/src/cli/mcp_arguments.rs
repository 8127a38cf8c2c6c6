use clap::Args;

use super::ServiceArguments;

#[derive(Debug, Args)]
pub(crate) struct McpArguments {
    /// Serve over HTTP, at `/mcp` of this address, instead of standard input and output.
    ///
    /// Callers then send the headers of their own calls: `Authorization`, or `X-Tenant-Id` and `X-Env`. `--key`, `--tenant`
    /// and `--env` have no effect.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// Host under which clients may call; may be repeated. Names of loopback are always allowed.
    #[arg(long = "allow-host", value_name = "HOST", requires = "listen")]
    pub(crate) allow_hosts: Vec<String>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}
