use clap::{Args, Subcommand};
use primitives::{Id, PageLimit};
use url::Url;

#[derive(Debug, Args)]
pub(crate) struct JobsArguments {
    #[command(subcommand)]
    pub(crate) command: JobsCommand,
    /// Print the JSON answers of the service.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, newest first.
    List {
        /// Filter by state: queued, running, succeeded, failed, cancelled.
        #[arg(long)]
        state: Option<String>,
        /// Filter by kind, such as `analyze`.
        #[arg(long)]
        kind: Option<String>,
        /// Maximum number of jobs to list.
        #[arg(long, value_name = "N", default_value_t = PageLimit::DEFAULT.get(), value_parser = clap::value_parser!(u32).range(1..=i64::from(PageLimit::MAX.get())))]
        limit: u32,
    },
    /// Show the state and the result of a job.
    Show {
        /// Id of the job.
        id: String,
    },
    /// Follow a job until it has ended. Exit status: 0 if it succeeded, 1 if it failed, 3 if it was cancelled.
    Watch {
        /// Id of the job.
        id: String,
    },
    /// Cancel a queued or running job.
    Cancel {
        /// Id of the job.
        id: String,
    },
    /// Retry a failed or cancelled job.
    Retry {
        /// Id of the job.
        id: String,
    },
}

/// Service to call, and identity of the caller.
#[derive(Debug, Args)]
pub(crate) struct ServiceArguments {
    /// Address of the service.
    #[arg(
        long,
        global = true,
        env = "HARKBACK_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8090"
    )]
    pub(crate) url: Url,
    /// API key or token, for a service with `--auth keys` or `jwt`.
    #[arg(
        long,
        aliases = ["api-key", "token"],
        global = true,
        env = "HARKBACK_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    pub(crate) key: Option<String>,
    /// The tenant, unless the key determines it.
    #[arg(long, global = true, env = "HARKBACK_TENANT", value_name = "ID")]
    pub(crate) tenant: Option<Id>,
    /// The environment, unless the key determines it.
    #[arg(long, global = true, env = "HARKBACK_ENV", value_name = "ID")]
    pub(crate) env: Option<Id>,
}
