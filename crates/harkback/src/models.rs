//! Command `harkback models`: manages the model files of speech recognition and diarization.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use audio_asr::catalog::{self, MODELS};
use audio_asr::{LocatedModel, ModelDirectory};
use audio_speakers::catalog as speakers;

use crate::cli::{ModelsArguments, ModelsCommand};
use crate::{pull, speaker_models};

pub(crate) fn run(arguments: &ModelsArguments, config: Option<&Path>) -> anyhow::Result<()> {
    let directory = arguments.place.directory(config)?;
    match &arguments.command {
        ModelsCommand::List => list(&directory),
        ModelsCommand::Pull { name, from } if name == speakers::NAME => {
            let is_shown = std::io::stderr().is_terminal();
            for path in speaker_models::pull(directory.path(), from.as_deref(), is_shown)? {
                say(&path.display().to_string())?;
            }
            Ok(())
        }
        ModelsCommand::Pull { name, from } => {
            let from = from.as_deref().unwrap_or(catalog::SOURCE);
            let model = catalog::find(name)
                .with_context(|| format!("no model `{name}` is published; see `harkback models list`"))?;
            let path = pull::pull(&directory, model, from, std::io::stderr().is_terminal())?;
            say(&path.display().to_string())
        }
        ModelsCommand::Verify { names } => verify(&directory, names),
        ModelsCommand::Path { name: None } => say(&directory.path().display().to_string()),
        ModelsCommand::Path { name: Some(name) } if name == speakers::NAME => {
            speaker_models::paths(directory.path())
                .iter()
                .try_for_each(|path| say(&path.display().to_string()))
        }
        ModelsCommand::Path { name: Some(name) } => {
            let path = directory.locate(name).path;
            // Creates the directory, so that a file can be copied there. If that is not permitted, copying reports it.
            let _ = path.parent().map(std::fs::create_dir_all);
            say(&path.display().to_string())
        }
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
    let here = if speaker_models::check(directory.path()).is_ok() { "here" } else { "" };
    let size = speakers::FILES.iter().map(|file| file.size).sum::<u64>().div_ceil(1 << 20);
    say(format!("{:<20} {size:>5} MiB  {:<12}  {here}", speakers::NAME, "who speaks").trim_end())?;
    for own in present.iter().filter(|model| model.published.is_none()) {
        let size = own.path.metadata().map_or(0, |metadata| metadata.len().div_ceil(1 << 20));
        say(&format!("{:<20} {size:>5} MiB  {:<12}  here", own.name, "your own"))?;
    }
    Ok(())
}

fn verify(directory: &ModelDirectory, names: &[String]) -> anyhow::Result<()> {
    let mut broken = 0;
    let are_speakers_asked = names.iter().any(|name| name == speakers::NAME);
    let are_speakers_checked =
        are_speakers_asked || (names.is_empty() && speaker_models::is_any_present(directory.path()));
    if are_speakers_checked {
        let verdict = speaker_models::check(directory.path());
        broken += usize::from(verdict.is_err());
        let verdict = verdict.map_or_else(|error| error.to_string(), |()| "as published".to_owned());
        say(&format!("{:<20} {verdict}", speakers::NAME))?;
    }
    let names: Vec<&String> = names.iter().filter(|name| *name != speakers::NAME).collect();
    let models: Vec<LocatedModel> = if names.is_empty() && !are_speakers_asked {
        present(directory)?
    } else {
        names.iter().map(|name| directory.locate(name)).collect()
    };
    let checked = models.len() + usize::from(are_speakers_checked);
    anyhow::ensure!(checked > 0, "there is no model in {}", directory.path().display());
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
    anyhow::ensure!(broken == 0, "{broken} of {checked} models cannot be used");
    Ok(())
}

fn present(directory: &ModelDirectory) -> anyhow::Result<Vec<LocatedModel>> {
    directory.present().with_context(|| format!("{} cannot be read", directory.path().display()))
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
