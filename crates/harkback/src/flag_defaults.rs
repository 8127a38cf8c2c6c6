//! Defaults of flags in `--help` and in docs/configuration.md, from the one place that has them, [`Config::default`].

use clap::{Arg, Command};
use serde_json::Value;

use crate::config::{self, Config};

/// Defaults that depend on the machine or on another setting.
const DERIVED: [(&str, &str); 4] = [
    ("data_dir", "~/.local/share/harkback; /var/lib/harkback for root"),
    ("model_dir", "models in the data directory"),
    ("storage_url", "blobs in the data directory"),
    ("analysis_threads", "half the cores"),
];
/// As [`DERIVED`], for the analysis of one file.
const DERIVED_FOR_ANALYSIS: [(&str, &str); 1] = [("analysis_threads", "all cores")];

/// Default values of settings, as text.
#[derive(Debug)]
pub(crate) struct Defaults {
    config: Value,
    derived: Vec<(&'static str, &'static str)>,
}

/// A default value.
#[derive(Debug, PartialEq, Eq)]
enum DefaultValue {
    /// The value itself.
    Literal(String),
    /// A number of bytes: the number, and the same with a binary unit.
    Bytes(u64, String),
    /// What the value is derived from.
    Derived(&'static str),
}

impl Defaults {
    /// The defaults of the service.
    pub(crate) fn of_service() -> Self {
        Self::new(&Config::default(), DERIVED.to_vec())
    }

    /// The defaults of the analysis of one file.
    pub(crate) fn of_analysis() -> Self {
        let derived = DERIVED_FOR_ANALYSIS.iter().chain(&DERIVED).copied().collect();
        Self::new(&config::analysis_defaults(), derived)
    }

    fn new(config: &Config, derived: Vec<(&'static str, &'static str)>) -> Self {
        // A configuration is always JSON; without it, flags have no defaults in their help.
        Self { config: serde_json::to_value(config).unwrap_or_default(), derived }
    }

    fn of(&self, setting: &str) -> Option<DefaultValue> {
        if let Some((_, text)) = self.derived.iter().find(|(name, _)| *name == setting) {
            return Some(DefaultValue::Derived(text));
        }
        match self.config.get(setting)? {
            Value::String(text) => Some(DefaultValue::Literal(text.clone())),
            Value::Number(number) if setting.ends_with("_bytes") => {
                let bytes = number.as_u64()?;
                Some(DefaultValue::Bytes(bytes, binary_unit(bytes)))
            }
            value @ (Value::Number(_) | Value::Bool(_)) => Some(DefaultValue::Literal(value.to_string())),
            Value::Array(values) if !values.is_empty() => {
                let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                Some(DefaultValue::Literal(texts.join(",")))
            }
            _ => None,
        }
    }

    /// Appends the defaults to the help of the flags of `command`. Flags that are no settings are unchanged.
    pub(crate) fn add_to(&self, command: Command) -> Command {
        command.mut_args(|arg| {
            let Some(default) = self.of(arg.get_id().as_str()) else { return arg };
            let default = match default {
                DefaultValue::Literal(text) => text,
                DefaultValue::Bytes(bytes, unit) => format!("{bytes}, {unit}"),
                DefaultValue::Derived(text) => text.to_owned(),
            };
            let help = format!("{} [default: {default}]", help(&arg));
            arg.help(help)
        })
    }
}

fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

/// A number of bytes in the largest binary unit that divides it: `64 GiB`.
fn binary_unit(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| bytes != 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use clap::Args as _;

    use super::*;
    use crate::flags::ServeFlags;

    const TABLE: &str = "| flag | environment | default | what it sets |\n|---|---|---|---|\n";

    /// The table of the flags of `serve`.
    fn table() -> String {
        let defaults = Defaults::of_service();
        let command = ServeFlags::augment_args(Command::new("serve"));
        let mut table = TABLE.to_owned();
        for arg in command.get_arguments() {
            let flag = arg.get_long().unwrap();
            let variable = arg.get_env().unwrap().to_str().unwrap();
            let default = match defaults.of(arg.get_id().as_str()) {
                None => "none".to_owned(),
                Some(DefaultValue::Literal(text)) => format!("`{text}`"),
                Some(DefaultValue::Bytes(_, unit)) => unit,
                Some(DefaultValue::Derived(text)) => text.to_owned(),
            };
            writeln!(table, "| `--{flag}` | `{variable}` | {default} | {} |", help(arg)).unwrap();
        }
        table
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
    fn configuration_document_lists_the_flags_with_their_defaults() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let document = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = document.split_once(TABLE).unwrap();
        let end = rest.find("\n\n").unwrap() + 1;
        let (written, generated) = (format!("{TABLE}{}", &rest[..end]), table());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, format!("{before}{generated}{}", &rest[end..])).unwrap();
        } else {
            assert_eq!(written, generated, "run this test with UPDATE_DOCS=1");
        }
    }

    #[test]
    fn bytes_have_the_largest_unit_that_divides_them() {
        for (bytes, text) in
            [(64 << 30, "64 GiB"), (25 << 20, "25 MiB"), (1_536, "1536 bytes"), (0, "0 bytes")]
        {
            assert_eq!(binary_unit(bytes), text);
        }
    }
}
