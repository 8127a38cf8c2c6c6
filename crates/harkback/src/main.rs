//! harkback: analyses audio and video, finds the source of a piece of audio, and returns the matching video.
//!
//! The only crate that reads the environment, and the only one that depends on all others: it parses the command line
//! ([`cli`]), loads the configuration ([`flags`], [`flag_defaults`], [`config`]), opens the database for the service or for
//! a command ([`database`], [`database_commands`]), wires the services ([`app`]), serves and measures them ([`serve`],
//! [`listener`], [`health`], [`stopping`], [`metrics`]), analyses files ([`analyze`]), finds a recording's places in a
//! directory ([`identify`]), demonstrates the service ([`demo`]), lists the media formats ([`formats`]), removes old assets
//! and blobs that no row refers to ([`gc`]), removes tenants ([`forget`]), probes assets again ([`reprobe`]), indexes what
//! is stored ([`index`]), lists results of wrong decoders ([`verify`]), uploads files to a service ([`upload`]), opens its
//! page ([`open`]), manages its jobs ([`job_commands`]), exports from a service ([`export`]), offers a service to language
//! models ([`mcp`]), manages the speech models ([`models`]), and prints completions and man pages ([`shell_files`]).

mod analyze;
mod app;
mod capacity;
mod catalogue;
mod cli;
mod codes;
mod config;
mod database;
mod database_commands;
mod demo;
mod exchange;
mod export;
mod flag_defaults;
mod flags;
mod follow_ups;
mod forget;
mod formats;
mod gc;
mod guarded_body;
mod health;
mod identify;
mod index;
mod job_commands;
mod keys;
mod listed;
mod listener;
mod log;
mod mcp;
mod metrics;
mod models;
mod open;
#[cfg(test)]
mod openapi_listing;
mod operations;
mod output;
mod paced;
mod plot;
mod policy;
mod processor;
mod progress_lines;
mod pull;
mod reprobe;
mod resources;
mod serve;
mod service_client;
mod shell_files;
mod sources;
mod speaker_models;
mod stopping;
mod tenant_requests;
mod text;
mod upload;
mod uploads;
mod values;
mod verify;

use std::process::ExitCode;

use cli::{Cli, Command};

fn main() -> ExitCode {
    processor::require_avx2();
    start()
}

/// A separate function, so that none of it is inlined before the processor check.
#[inline(never)]
fn start() -> ExitCode {
    let cli = Cli::parse_arguments();
    match run(cli) {
        Ok(code) => code,
        // `harkback analyze … | head`: the reader needs no more output.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            log::print_fatal(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Jobs(arguments) => return job_commands::run(&arguments),
        Command::Mcp(arguments) => return mcp::run(&arguments),
        Command::Upload(arguments) => return upload::run(&arguments),
        Command::Analyze(arguments) => return analyze::analyze(&arguments, cli.config.as_deref()),
        Command::Identify(arguments) => return identify::run(&arguments, cli.config.as_deref()),
        Command::Demo(arguments) => return demo::run(&arguments, cli.config.as_deref()),
        Command::Open(arguments) => return open::run(&arguments, cli.config.as_deref()),
        Command::Serve(flags) => return serve::serve(&config::load(cli.config.as_deref(), &flags)?),
        Command::Migrate(store) => database_commands::migrate(&config::load(cli.config.as_deref(), &store)?),
        Command::Gc(arguments) => {
            database_commands::collect(&arguments, &config::load(cli.config.as_deref(), &arguments.flags)?)
        }
        Command::Forget(arguments) => {
            database_commands::forget(&arguments, &config::load(cli.config.as_deref(), &arguments.store)?)
        }
        Command::Reprobe(arguments) => {
            database_commands::reprobe(&arguments, &config::load(cli.config.as_deref(), &arguments.flags)?)
        }
        Command::Index(arguments) => {
            database_commands::index(&arguments, &config::load(cli.config.as_deref(), &arguments.flags)?)
        }
        Command::Verify(arguments) => {
            let config = config::load(cli.config.as_deref(), &arguments.store)?;
            let is_clean = database_commands::verify(&arguments, &config)?;
            return Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Keys(arguments) => {
            database_commands::keys(&arguments, &config::load(cli.config.as_deref(), &arguments.store)?)
        }
        Command::Openapi => app::print_openapi(),
        Command::Export(arguments) => export::run(&arguments),
        Command::Completions(arguments) => shell_files::print_completions(arguments.shell),
        Command::Man(arguments) => shell_files::print_man_page(arguments.out_dir.as_deref()),
        Command::Formats(arguments) => formats::run(&arguments, cli.config.as_deref()),
        Command::Models(arguments) => models::run(&arguments, cli.config.as_deref()),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Whether an error is that of a closed reader, such as of standard output.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}
