//! The codes that the document lists for an operation are those of its error type.
//!
//! Each crate converts its error into problems in one place, with the code as a literal, and wraps the errors of the
//! crates that it calls. So the possible codes of an operation are read from the sources: the codes of its crate, of
//! those whose errors that one wraps, and of the layers around every call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use e2e::binary;
use e2e::document::{document, operations};
use reqwest::StatusCode;

/// Codes with their statuses; an empty set where the status is chosen elsewhere.
pub(crate) type Codes = BTreeMap<String, BTreeSet<u16>>;

/// Crates whose layers surround every call.
const AROUND: [&str; 4] = ["http_kit", "access", "jobs", "harkback"];
/// Codes of no operation: unknown routes, malformed requests, and the problem that is read as part of a job.
const OF_NO_OPERATION: [&str; 7] = [
    "route_not_found",
    "not_found",
    "method_not_allowed",
    "malformed_request",
    "uri_too_long",
    "headers_too_large",
    "worker_lost",
];

/// Facts read from the sources of a crate.
pub(crate) struct Sources {
    /// Codes that its problems are built with.
    pub(crate) codes: Codes,
    /// Crates whose errors its own error wraps.
    wrapped: BTreeSet<String>,
    operations: BTreeSet<String>,
}

/// All crates by name.
pub(crate) fn crates() -> BTreeMap<String, Sources> {
    let folders = std::fs::read_dir(binary::workspace_root().join("crates")).unwrap();
    let folders: BTreeMap<String, PathBuf> = folders
        .map(|folder| folder.unwrap())
        .map(|folder| (folder.file_name().into_string().unwrap(), folder.path().join("src")))
        .collect();
    let names: Vec<&str> = folders.keys().map(String::as_str).collect();
    folders.iter().map(|(name, folder)| (name.clone(), read(folder, &names))).collect()
}

fn read(folder: &Path, crates: &[&str]) -> Sources {
    let mut found = Sources { codes: Codes::new(), wrapped: BTreeSet::new(), operations: BTreeSet::new() };
    let mut paths = Vec::new();
    collect(folder, &mut paths);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        add_codes(text, &mut found.codes);
        if path.file_name().is_some_and(|name| name == "error.rs") {
            let is_used = |name: &&&str| text.contains(&format!("{name}::"));
            found.wrapped.extend(crates.iter().filter(is_used).map(|name| (*name).to_owned()));
        }
        for path in after(text, "#[utoipa::path(") {
            found.operations.extend(operation_of(path));
        }
    }
    found
}

/// The `operation_id` of an attribute, or the name of the handler after it.
fn operation_of(path: &str) -> Option<String> {
    let (attribute, handler) = path.split_once(")]\n")?;
    let name = match attribute.split_once("operation_id = \"") {
        Some((_, name)) => name.split('"').next()?,
        None => handler.split_once("fn ")?.1.split('(').next()?,
    };
    Some(name.to_owned())
}

fn add_codes(text: &str, codes: &mut Codes) {
    for (constructor, status) in
        [("unprocessable(", 422), ("about(", 422), ("not_found(", 404), ("unavailable(", 503)]
    {
        for code in after(text, constructor).filter_map(literal) {
            codes.entry(code.to_owned()).or_default().insert(status);
        }
    }
    if text.contains("invalid_field(") {
        codes.entry("invalid_body".to_owned()).or_default().insert(422);
    }
    for (status, rest) in after(text, "::new(").filter_map(|arguments| arguments.split_once(',')) {
        let Some(code) = literal(rest).filter(|_| status.to_lowercase().contains("status")) else {
            continue;
        };
        codes.entry(code.to_owned()).or_default().extend(status_of(status));
    }
    // The `_not_found` code is sometimes chosen before the problem is built.
    for (at, end) in text.match_indices("_not_found\"") {
        let start = text[..at].rfind('"').unwrap() + 1;
        codes.entry(text[start..at + end.len() - 1].to_owned()).or_default();
    }
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    for found in std::fs::read_dir(folder).unwrap() {
        let path = found.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

/// The texts after each `mark`.
fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(mark).map(|(at, mark)| &text[at + mark.len()..])
}

/// The code that `text` starts with, as a literal.
fn literal(text: &str) -> Option<&str> {
    let (code, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let is_code = !code.is_empty() && code.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
    is_code.then_some(code)
}

/// `StatusCode::NOT_FOUND` is 404; the value of a variable is unknown.
fn status_of(argument: &str) -> Option<u16> {
    let name = argument.trim().strip_prefix("StatusCode::")?.replace('_', " ");
    let all = (400..600).filter_map(|number| StatusCode::from_u16(number).ok());
    all.into_iter()
        .find(|status| status.canonical_reason().is_some_and(|reason| reason.eq_ignore_ascii_case(&name)))
        .map(|status| status.as_u16())
}

/// The crate, and all crates whose errors are converted into its own.
fn reached<'a>(crates: &'a BTreeMap<String, Sources>, name: &'a str, found: &mut BTreeSet<&'a str>) {
    if found.insert(name) {
        for wrapped in &crates[name].wrapped {
            reached(crates, wrapped, found);
        }
    }
}

/// The codes that an operation of this crate can return.
fn possible(crates: &BTreeMap<String, Sources>, name: &str) -> Codes {
    let mut found = BTreeSet::from(AROUND);
    found.remove(name);
    reached(crates, name, &mut found);
    let mut codes = Codes::new();
    for (code, statuses) in found.into_iter().flat_map(|name| &crates[name].codes) {
        codes.entry(code.clone()).or_default().extend(statuses);
    }
    codes
}

/// The error statuses of an operation in the document, with the codes in their descriptions.
fn described(operation: &serde_json::Value) -> Vec<(String, &str)> {
    let responses = operation["responses"].as_object().unwrap();
    let errors =
        responses.iter().filter(|(status, _)| status.starts_with(['4', '5']) || *status == "default");
    errors
        .flat_map(|(status, response)| {
            let words = response["description"].as_str().unwrap().split('`').skip(1).step_by(2);
            words.map(|code| (status.clone(), code))
        })
        .collect()
}

#[test]
fn operations_document_only_codes_of_their_error_type() {
    let crates = crates();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (_, _, operation) in operations(document()) {
        let name = operation["operationId"].as_str().unwrap();
        let of = crates.iter().find(|(_, sources)| sources.operations.contains(name));
        let (of, _) = of.unwrap_or_else(|| panic!("{name} is in no crate"));
        let possible = possible(&crates, of);
        for (status, code) in described(operation) {
            seen.insert((of.as_str(), code));
            // OpenAI's API has no status 422.
            let is_of =
                |made: &u16| made.to_string() == status || (name == "create_transcription" && *made == 422);
            match possible.get(code) {
                None => wrong.push(format!("{name} {status}: no error of {of} has the code {code}")),
                Some(made) if status != "default" && !made.is_empty() && !made.iter().any(is_of) => {
                    wrong.push(format!("{name} {status}: {code} is made with {made:?}"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen.len() > 150, "only {}", seen.len());
}

#[test]
fn every_error_code_is_documented_by_an_operation() {
    let crates = crates();
    // Codes of operations, by the crates whose errors those operations can return.
    let mut described_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, _, operation) in operations(document()) {
        let name = operation["operationId"].as_str().unwrap();
        let mut reaches = BTreeSet::from(AROUND);
        for (of, _) in crates.iter().filter(|(_, sources)| sources.operations.contains(name)) {
            reached(&crates, of, &mut reaches);
        }
        for of in reaches {
            described_of
                .entry(of)
                .or_default()
                .extend(described(operation).into_iter().map(|(_, code)| code));
        }
    }
    let mut missing = Vec::new();
    for (name, sources) in &crates {
        let described = described_of.get(name.as_str());
        let is_missing = |code: &&String| {
            let is_described = described.is_some_and(|codes| codes.contains(code.as_str()));
            !is_described && !OF_NO_OPERATION.contains(&code.as_str())
        };
        missing.extend(sources.codes.keys().filter(is_missing).map(|code| format!("{name}: {code}")));
    }
    assert!(missing.is_empty(), "of no operation: {missing:?}");
}
