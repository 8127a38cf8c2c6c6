//! `harkback models`: the files that speech recognition needs.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use audio_asr::catalog::{self, MODELS};
use audio_asr::{Located, ModelDirectory};

use crate::cli::{ModelsArguments, ModelsCommand};
use crate::pull;

pub(crate) fn run(arguments: &ModelsArguments, config: Option<&Path>) -> anyhow::Result<()> {
    let directory = arguments.place.directory(config)?;
    match &arguments.command {
        ModelsCommand::List => list(&directory),
        ModelsCommand::Pull { name, from } => {
            let model = catalog::find(name).with_context(|| {
                format!("no model `{name}` is published; `harkback models list` tells which are")
            })?;
            let path = pull::pull(&directory, model, from, std::io::stderr().is_terminal())?;
            say(&path.display().to_string())
        }
        ModelsCommand::Verify { names } => verify(&directory, names),
        ModelsCommand::Path { name: None } => say(&directory.path().display().to_string()),
        ModelsCommand::Path { name: Some(name) } => say(&directory.locate(name).path.display().to_string()),
    }
}

fn list(directory: &ModelDirectory) -> anyhow::Result<()> {
    let present = present(directory)?;
    let is_here = |name: &str| present.iter().any(|model| model.name == name);
    for model in MODELS {
        let languages = if model.is_english_only() { "English" } else { "multilingual" };
        let here = if is_here(model.name) { "here" } else { "" };
        let line = format!("{:<20} {:>5} MiB  {languages:<12}  {here}", model.name, model.size_mib);
        say(line.trim_end())?;
    }
    for own in present.iter().filter(|model| model.published.is_none()) {
        let size = own.path.metadata().map_or(0, |metadata| metadata.len().div_ceil(1 << 20));
        say(&format!("{:<20} {size:>5} MiB  {:<12}  here", own.name, "your own"))?;
    }
    Ok(())
}

fn verify(directory: &ModelDirectory, names: &[String]) -> anyhow::Result<()> {
    let models: Vec<Located> = if names.is_empty() {
        present(directory)?
    } else {
        names.iter().map(|name| directory.locate(name)).collect()
    };
    anyhow::ensure!(!models.is_empty(), "there is no model in {}", directory.path().display());
    let mut broken = 0;
    for model in &models {
        let verdict = match model.check() {
            Ok((_, sha256)) => {
                let known = if model.published.is_some() { "as published" } else { "whole" };
                format!("{known:<12}  sha256 {sha256}")
            }
            Err(error) => {
                broken += 1;
                error.to_string()
            }
        };
        say(&format!("{:<20} {verdict}", model.name))?;
    }
    anyhow::ensure!(broken == 0, "{broken} of {} models cannot be used", models.len());
    Ok(())
}

fn present(directory: &ModelDirectory) -> anyhow::Result<Vec<Located>> {
    directory.present().with_context(|| format!("{} cannot be read", directory.path().display()))
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
