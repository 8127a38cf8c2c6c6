//! The error codes of the operational routes, and the tables of all crates.

http_kit::error_codes! {
    Objects {
        METRICS_OFF = 404 "metrics_off":
            "this process records no metrics; `harkback serve` does" => "none";
    }
    Service {
        WORKER_UNFIT = 503 "worker_unfit":
            "`/readyz` of a worker: it lacks a capability that an api process offers"
            => "operator: see `detail`";
        SCHEMA_OUTDATED = 503 "schema_outdated":
            "`/readyz`: the schema is older than the program" => "operator: run `harkback migrate`";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::Path;

    use http_kit::codes::{
        HEADERS_TOO_LARGE, MALFORMED_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, ROUTE_NOT_FOUND, URI_TOO_LONG,
    };
    use http_kit::{ErrorCode, Section};
    use jobs::codes::WORKER_LOST;
    use serde_json::Value;

    use crate::app;

    /// The codes of all crates.
    const TABLES: [&[ErrorCode]; 17] = [
        http_kit::codes::CODES,
        access::codes::CODES,
        media_v2::codes::CODES,
        video_timeline::codes::CODES,
        jobs::codes::CODES,
        audio_semantic_timeline::codes::CODES,
        audio_field_to_samples::codes::CODES,
        audio_identify::codes::CODES,
        audio_mix::codes::CODES,
        audio_pattern_engine::codes::CODES,
        audio_to_video_origin::codes::CODES,
        origin_snippets::codes::CODES,
        edits::codes::CODES,
        video_render::codes::CODES,
        exports::codes::CODES,
        housekeeping::codes::CODES,
        super::CODES,
    ];
    /// Codes of no operation: unknown routes, malformed requests, and the problem that is read as part of a job.
    const OF_NO_OPERATION: [ErrorCode; 7] = [
        ROUTE_NOT_FOUND,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        MALFORMED_REQUEST,
        URI_TOO_LONG,
        HEADERS_TOO_LARGE,
        WORKER_LOST,
    ];
    /// The lines around the generated tables in `docs/calling.md`.
    const BEGIN: &str = "<!-- error codes: generated from the tables of the crates -->\n";
    const END: &str = "\n<!-- error codes: end -->";

    fn codes() -> Vec<ErrorCode> {
        TABLES.concat()
    }

    /// A code of an operation in the OpenAPI document.
    #[derive(Debug)]
    struct Described {
        operation: String,
        /// The status, or `default`.
        status: String,
        code: String,
    }

    fn described() -> Vec<Described> {
        let document: Value = serde_json::from_str(&app::openapi().unwrap().to_json().unwrap()).unwrap();
        let paths = document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|path| path.as_object().unwrap().values());
        let mut described = Vec::new();
        for operation in operations {
            for (status, response) in operation["responses"].as_object().unwrap() {
                if !status.starts_with(['4', '5']) && status != "default" {
                    continue;
                }
                let words = response["description"].as_str().unwrap().split('`').skip(1).step_by(2);
                described.extend(words.map(|code| Described {
                    operation: operation["operationId"].as_str().unwrap().to_owned(),
                    status: status.clone(),
                    code: code.to_owned(),
                }));
            }
        }
        described
    }

    #[test]
    fn codes_are_unique_or_differ_in_status() {
        let mut seen = BTreeSet::new();
        for code in codes() {
            assert!(seen.insert((code.code(), code.status())), "{code:?} is declared twice");
        }
    }

    #[test]
    fn operations_document_only_codes_of_the_tables() {
        let known: BTreeSet<(&str, String)> =
            codes().iter().map(|code| (code.code(), code.status().as_str().to_owned())).collect();
        let described = described();
        assert!(described.len() > 500, "only {}", described.len());
        for found in described {
            let Described { operation, status, code } = &found;
            let is_known = match status.as_str() {
                "default" => known.iter().any(|(known, _)| known == code),
                // OpenAI's API has no status 422.
                "400" if operation == "create_transcription" => {
                    ["400", "422"].iter().any(|status| known.contains(&(code.as_str(), (*status).to_owned())))
                }
                status => known.contains(&(code.as_str(), status.to_owned())),
            };
            assert!(is_known, "of no table: {found:?}");
        }
    }

    #[test]
    fn every_code_is_documented_by_an_operation() {
        let described: BTreeSet<String> = described().into_iter().map(|found| found.code).collect();
        for code in codes() {
            let is_described = described.contains(code.code());
            assert_ne!(is_described, OF_NO_OPERATION.contains(&code), "{code:?}");
        }
    }

    fn heading(section: Section) -> &'static str {
        match section {
            Section::Request => "**The request itself**",
            Section::Objects => "**Objects that do not exist,** or belong to another owner",
            Section::Jobs => "**Jobs**",
            Section::Media => "**Media**",
            Section::Timelines => "**Timelines, samples, patterns**",
            Section::Origins => "**Origins, shot lists, snippets**",
            Section::Renders => "**Renders**",
            Section::Service => "**The service**",
        }
    }

    /// A Markdown table for each section.
    fn tables() -> String {
        let mut codes = codes();
        codes.sort_by_key(|code| code.section());
        let mut text = String::new();
        for codes in codes.chunk_by(|one, other| one.section() == other.section()) {
            let head = "| code | status | means | what to do |\n|---|---|---|---|";
            writeln!(text, "\n{}\n\n{head}", heading(codes[0].section())).unwrap();
            for code in codes {
                let (name, status) = (code.code(), code.status().as_u16());
                writeln!(text, "| `{name}` | {status} | {} | {} |", code.meaning(), code.remedy()).unwrap();
            }
        }
        text
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "how a person asks for an update")]
    fn documented_tables_are_those_of_the_crates() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/calling.md");
        let document = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = document.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let expected = [before, BEGIN, &tables(), END, after].concat();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &expected).unwrap();
            return;
        }
        assert!(document == expected, "outdated: UPDATE_DOCS=1 cargo test -p harkback codes::");
    }
}
