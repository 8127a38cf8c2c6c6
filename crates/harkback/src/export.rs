//! Command `harkback export`: a timeline, a shot list or an analysis of a running service in another program's format.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::cli::{ExportArguments, ExportFormat, ExportMedia, ExportSubject};
use crate::listed::listed;
use crate::output::Output;
use crate::service_client::{Refused, ServiceClient};

/// Header with the number of warnings.
const WARNINGS: &str = "harkback-warnings";

pub(crate) fn run(arguments: &ExportArguments) -> anyhow::Result<()> {
    let requests = requests(arguments)?;
    let out = arguments.out.as_deref().filter(|path| *path != Path::new("-"));
    // Checked before the request, so that an unwritable path fails early.
    let out = out.map(|path| Output::new(path, &[])).transpose()?;
    let service = ServiceClient::new(&arguments.service)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (request, response) = match first_known(&service, &requests).await {
            Err(error) if arguments.of.is_none() && is_not_found(&error) => {
                return Err(explain(&service, arguments, &requests, error).await);
            }
            found => found?,
        };
        let header = response.headers().get(WARNINGS).and_then(|count| count.to_str().ok()?.parse().ok());
        save(response, out.as_ref()).await?;
        if let Some(count @ 1..) = header {
            print_warnings(count, arguments.format, warnings(&service, request).await.as_ref());
        }
        Ok(())
    })
}

/// A request that may find what is to be exported.
#[derive(Clone, Debug, PartialEq)]
struct ExportRequest {
    subject: ExportSubject,
    /// Path of the route.
    path: String,
    format: ExportFormat,
    media: Option<ExportMedia>,
}

impl ExportRequest {
    fn new(arguments: &ExportArguments, subject: ExportSubject) -> Self {
        let (id, format) = (&arguments.id, arguments.format);
        let thing = match subject {
            ExportSubject::Project => format!("/video/projects/{id}"),
            ExportSubject::Sequence => format!("/video/sequences/{id}"),
            ExportSubject::ShotList => format!("/audio/to-video-origin/{id}"),
            ExportSubject::Analysis => format!("/audio/semantic-timeline/{id}"),
            ExportSubject::Clip => format!("/audio/semantic-timeline/by-clip/{id}"),
        };
        // Words have a route of their own.
        let is_words = !subject.is_edit() && !format.is_of_notes();
        let route = if is_words { "transcript" } else { "export" };
        Self { subject, path: format!("{thing}/{route}"), format, media: arguments.media }
    }

    /// The path with its query.
    fn url(&self) -> String {
        let media = self.media.map(|media| format!("&media={}", media.name())).unwrap_or_default();
        format!("{}?format={}{media}", self.path, self.format.name())
    }
}

/// The requests to try in turn: of the given subject, or of all that have the format.
fn requests(arguments: &ExportArguments) -> anyhow::Result<Vec<ExportRequest>> {
    let (format, name) = (arguments.format, arguments.format.name());
    let fits = |subject: &ExportSubject| {
        if subject.is_edit() {
            format.is_of_edits()
        } else {
            arguments.media.is_none() && (format.is_of_notes() || !format.is_of_edits())
        }
    };
    let subjects = arguments.of.as_ref().map_or(ExportSubject::value_variants(), std::slice::from_ref);
    let requests: Vec<ExportRequest> = subjects
        .iter()
        .filter(|subject| fits(subject))
        .map(|subject| ExportRequest::new(arguments, *subject))
        .collect();
    anyhow::ensure!(
        !requests.is_empty(),
        "format `{name}` does not fit --of or --media: `--media` is for projects, sequences and shot lists, which have \
         the formats {}",
        listed(&exports::EditFormat::ALL.map(exports::EditFormat::name))
    );
    Ok(requests)
}

/// The first answer that is not 404, and its request.
async fn first_known<'a>(
    service: &ServiceClient,
    requests: &'a [ExportRequest],
) -> anyhow::Result<(&'a ExportRequest, Response)> {
    let mut unknown = None;
    for request in requests {
        match service.send(service.request(Method::GET, &request.url())).await {
            Ok(response) => return Ok((request, response)),
            Err(error) if is_not_found(&error) => unknown = Some(error),
            Err(error) => return Err(error),
        }
    }
    let error = unknown.context("nothing to export")?;
    let count = requests.len();
    Err(if count == 1 {
        error
    } else {
        error.context(format!("none of {count} kinds has this id; give --of"))
    })
}

/// The error for an id that no request found: the id may be of a kind that was not tried, because it does not have the
/// format.
async fn explain(
    service: &ServiceClient,
    arguments: &ExportArguments,
    tried: &[ExportRequest],
    error: anyhow::Error,
) -> anyhow::Error {
    let id = &arguments.id;
    for subject in ExportSubject::value_variants() {
        if tried.iter().any(|request| request.subject == *subject) {
            continue;
        }
        let path = match subject {
            ExportSubject::Project => format!("/video/projects/{id}"),
            ExportSubject::Sequence => format!("/video/sequences/{id}"),
            ExportSubject::ShotList => format!("/audio/to-video-origin/{id}"),
            ExportSubject::Analysis => format!("/audio/semantic-timeline/{id}"),
            ExportSubject::Clip => format!("/video/clips/{id}"),
        };
        // The answer to this is not read: it may be large.
        if service.send(service.request(Method::GET, &path)).await.is_ok() {
            return anyhow::anyhow!(unfit(arguments, *subject));
        }
    }
    error
}

/// Why the thing is not exported in the format and with the reference to media.
fn unfit(arguments: &ExportArguments, subject: ExportSubject) -> String {
    let (id, format) = (&arguments.id, arguments.format);
    let formats = subject.formats();
    if formats.contains(&format.name()) {
        return format!("`{id}` is {}, which refers to no media: leave out --media", subject.with_article());
    }
    format!(
        "`{id}` is {}, which has no format `{}`; use {}",
        subject.with_article(),
        format.name(),
        listed(&formats)
    )
}

fn is_not_found(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
}

/// Streams the body to the file, which appears when it is complete, or to standard output.
async fn save(mut response: Response, out: Option<&Output>) -> anyhow::Result<()> {
    let Some(out) = out else {
        while let Some(piece) = response.chunk().await.context("the answer is incomplete")? {
            std::io::stdout().write_all(&piece)?;
        }
        return Ok(std::io::stdout().flush()?);
    };
    let place = || out.path().display().to_string();
    let mut writer = out.open().with_context(place)?;
    while let Some(piece) = response.chunk().await.context("the answer is incomplete")? {
        writer.write_all(&piece).with_context(place)?;
    }
    writer.commit().with_context(place)
}

/// The list of the warnings; `None` if the service does not answer, for example to a key that may only read.
async fn warnings(service: &ServiceClient, request: &ExportRequest) -> Option<Value> {
    let mut body = json!({"format": request.format.name()});
    if let Some(media) = request.media {
        body["media"] = media.name().into();
    }
    service.post(&request.path, &body).await.ok()
}

#[expect(clippy::print_stderr, reason = "the command line's own warning")]
fn print_warnings(count: u64, format: ExportFormat, report: Option<&Value>) {
    eprintln!(
        "warning: {} cannot hold {count}{}",
        format.name(),
        report.map(warnings_text).unwrap_or_default()
    );
}

/// `: gain_omitted (V1), rounded_to_frame (V1)`, from the report of an export.
fn warnings_text(report: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let warnings = report["warnings"].as_array().into_iter().flatten();
    let each: Vec<String> =
        warnings.map(|warning| format!("{} ({})", text(&warning["what"]), text(&warning["where"]))).collect();
    if each.is_empty() { String::new() } else { format!(": {}", each.join(", ")) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    /// The URLs that are tried, or the error.
    fn urls(line: &[&str]) -> Result<Vec<String>, String> {
        let line = [&["harkback", "export", "x1", "--format"], line].concat();
        let Command::Export(arguments) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        let requests = requests(&arguments).map_err(|error| error.to_string())?;
        Ok(requests.iter().map(ExportRequest::url).collect())
    }

    #[test]
    fn exports_try_all_subjects_that_have_the_format() {
        let analyses = |route: &str| {
            let paths = ["", "by-clip/"].map(|part| format!("/audio/semantic-timeline/{part}x1/{route}"));
            paths.to_vec()
        };
        assert_eq!(urls(&["midi"]).unwrap(), analyses("export?format=midi"));
        assert_eq!(urls(&["srt"]).unwrap(), analyses("transcript?format=srt"));
        let edits = ["/video/projects/x1", "/video/sequences/x1", "/audio/to-video-origin/x1"];
        let edits = |query: &str| edits.map(|thing| format!("{thing}/export?{query}")).to_vec();
        assert_eq!(urls(&["fcpxml"]).unwrap(), edits("format=fcpxml"));
        assert_eq!(urls(&["otio"]).unwrap(), [edits("format=otio"), analyses("export?format=otio")].concat());
        let with_media = urls(&["otio", "--media", "link"]).unwrap();
        assert_eq!(with_media, edits("format=otio&media=link"), "only edits refer to media");
        assert_eq!(urls(&["edl", "--of", "shot-list"]).unwrap(), edits("format=edl")[2..]);
    }

    #[test]
    fn format_of_another_kind_is_refused_with_those_of_the_kind() {
        let of = |line: &[&str], subject| {
            let line = [&["harkback", "export", "x1", "--format"], line].concat();
            let Command::Export(arguments) = Cli::try_parse_from(line).unwrap().command else { panic!() };
            unfit(&arguments, subject)
        };
        let error = of(&["fcpxml"], ExportSubject::Analysis);
        assert!(
            error.starts_with("`x1` is an analysis, which has no format `fcpxml`; use otio, "),
            "{error}"
        );
        assert!(error.contains("midi") && error.contains("srt") && !error.contains("edl, csv"), "{error}");
        let error = of(&["srt"], ExportSubject::Sequence);
        assert!(error.contains("is a sequence") && error.contains("fcp7xml"), "{error}");
        let error = of(&["otio", "--media", "link"], ExportSubject::Clip);
        assert!(error.contains("leave out --media"), "{error}");
    }

    #[test]
    fn export_options_that_do_not_fit_are_refused() {
        for line in [
            &["midi", "--of", "project"][..],
            &["fcpxml", "--of", "clip"],
            &["midi", "--media", "path"],
            &["otio", "--of", "analysis", "--media", "path"],
        ] {
            let error = urls(line).unwrap_err();
            assert!(error.contains("does not fit") && error.contains("fcp7xml"), "{error}");
        }
    }

    #[test]
    fn warnings_of_exports_are_listed() {
        let report = json!({"warnings": [{"what": "gain_omitted", "where": "V1", "loss_ms": null}]});
        assert_eq!(warnings_text(&report), ": gain_omitted (V1)");
        assert_eq!(warnings_text(&Value::Null), "");
    }
}
