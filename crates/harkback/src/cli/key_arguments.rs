use std::str::FromStr;

use clap::{Args, Subcommand};
use primitives::{AccessLevel, Id};

use crate::flags::StoreFlags;

#[derive(Debug, Args)]
pub(crate) struct KeysArguments {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a key for `serve --auth keys` and print it. It is shown once; the database stores its hash.
    Create {
        /// Tenant of all calls with the key.
        #[arg(long)]
        tenant: Id,
        /// Environment of all calls with the key.
        #[arg(long)]
        env: Id,
        /// User of all calls with the key; without it, callers may send one.
        #[arg(long)]
        user: Option<Id>,
        /// Scope: `read`: calls that only read; `write`: all but files of the machine; `admin`: all.
        #[arg(long, default_value = "write", value_parser = AccessLevel::from_str)]
        scope: AccessLevel,
    },
    /// List all keys, without their secrets.
    List {
        /// List only keys of this tenant.
        #[arg(long)]
        tenant: Option<Id>,
    },
    /// Revoke a key, from the next call on.
    Revoke {
        /// The part of the key between `hb_` and the next `_`, as `list` prints it.
        id: String,
    },
    /// Sign links with a new secret. Links of the previous one stay valid; rotate twice to invalidate them.
    RotateLinks,
}
