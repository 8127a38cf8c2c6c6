//! Commands `harkback completions` and `harkback man`: files for shells and `man`, made from the command line's definition.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::cli::{Cli, CompletionShell};

const NAME: &str = "harkback";

pub(crate) fn print_completions(shell: CompletionShell) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(&completions(shell))?)
}

/// Prints the man page of the program, or writes those of all commands to `directory`.
pub(crate) fn print_man_page(directory: Option<&Path>) -> anyhow::Result<()> {
    let Some(directory) = directory else {
        return Ok(std::io::stdout().write_all(&man_page()?)?);
    };
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::for_documents(), directory))
        .with_context(|| directory.display().to_string())
}

fn completions(shell: CompletionShell) -> Vec<u8> {
    let shell = match shell {
        CompletionShell::Bash => Shell::Bash,
        CompletionShell::Zsh => Shell::Zsh,
        CompletionShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut Cli::for_documents(), NAME, &mut script);
    script
}

fn man_page() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(Cli::for_documents()).render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// Names of all commands but `help`.
    fn commands() -> Vec<String> {
        let names = Cli::for_documents()
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect::<Vec<_>>();
        assert!(names.contains(&"analyze".to_owned()));
        names
    }

    #[test]
    fn completions_have_all_commands_and_formats() {
        for shell in CompletionShell::value_variants() {
            let script = String::from_utf8(completions(*shell)).unwrap();
            for name in commands().iter().map(String::as_str).chain(["--format", "textgrid"]) {
                let name = if *shell == CompletionShell::Fish { name.trim_start_matches('-') } else { name };
                assert!(script.contains(name), "{shell:?}: {name}");
            }
        }
    }

    #[test]
    fn man_page_has_its_sections_and_all_commands() {
        let page = String::from_utf8(man_page().unwrap()).unwrap();
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS"] {
            assert!(page.contains(section), "{section}: {page}");
        }
        for name in commands() {
            assert!(page.contains(&format!("harkback\\-{name}")), "{name}: {page}");
        }
    }

    #[test]
    fn man_pages_of_all_commands_are_written_to_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("man");
        print_man_page(Some(&below)).unwrap();
        for name in commands() {
            let page = std::fs::read_to_string(below.join(format!("harkback-{name}.1"))).unwrap();
            assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
        }
        assert!(below.join("harkback.1").is_file() && below.join("harkback-jobs-list.1").is_file());
    }
}
