//! Command `harkback jobs`: manages jobs of a running service.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::cli::{JobsArguments, JobsCommand};
use crate::service_client::{Refused, ServiceClient};

const STYLE: &str = "{msg} {wide_bar} {percent} %";
/// Delay before an interrupted stream is resumed, and the maximum number of consecutive attempts.
const PAUSE: Duration = Duration::from_secs(1);
const MAX_INTERRUPTIONS: u32 = 60;
/// Exit status of `watch` for a cancelled job.
const CANCELLED: u8 = 3;
/// The progress bar counts in thousandths.
const STEPS: f64 = 1_000.0;

pub(crate) fn run(arguments: &JobsArguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let service = ServiceClient::new(&arguments.service)?;
    runtime.block_on(async {
        match &arguments.command {
            JobsCommand::List { state, kind, limit } => {
                let filters = [("state", state), ("kind", kind)];
                let filters =
                    filters.iter().filter_map(|(name, value)| Some(format!("&{name}={}", value.as_ref()?)));
                let path = format!("/jobs?limit={limit}{}", filters.collect::<String>());
                let page = service.json(Method::GET, &path).await?;
                if arguments.json { print_json(&page) } else { print_table(&page) }
            }
            JobsCommand::Show { id } => print(&service.json(Method::GET, &job(id)).await?, arguments.json),
            JobsCommand::Cancel { id } => {
                print(&service.json(Method::DELETE, &job(id)).await?, arguments.json)
            }
            JobsCommand::Retry { id } => {
                print(&service.json(Method::POST, &format!("{}/retry", job(id))).await?, arguments.json)
            }
            JobsCommand::Watch { id } => return watch(&service, id, arguments.json).await,
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

fn job(id: &str) -> String {
    format!("/jobs/{id}")
}

fn print(job: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(job);
    }
    let out = &mut std::io::stdout().lock();
    for (name, value) in job.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(text) => writeln!(out, "{name}: {text}")?,
            Value::Object(fields) if name == "result" => writeln!(out, "result: {}", text(&fields["href"]))?,
            Value::Object(fields) if name == "problem" => {
                writeln!(out, "problem: {}: {}", text(&fields["code"]), text(&fields["detail"]))?;
            }
            other => writeln!(out, "{name}: {other}")?,
        }
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn print_json(value: &Value) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{value:#}")?)
}

fn print_table(page: &Value) -> anyhow::Result<()> {
    let out = &mut std::io::stdout().lock();
    for job in page["items"].as_array().into_iter().flatten() {
        let percent = job["progress"].as_f64().unwrap_or(0.0) * 100.0;
        let fields = ["id", "kind", "state", "created_at", "stage"].map(|name| text(&job[name]));
        let [id, kind, state, created_at, stage] = fields;
        let line = format!("{id}  {kind:16}  {state:9}  {percent:3.0} %  {created_at}  {stage}");
        writeln!(out, "{}", line.trim_end())?;
    }
    if let Some(cursor) = page["next_cursor"].as_str() {
        writeln!(out, "… and older ones (--json has the cursor {cursor})")?;
    }
    Ok(())
}

/// Draws the progress of a job until it has ended.
async fn watch(service: &ServiceClient, id: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let bar = ProgressBar::new(STEPS as u64);
    // The template is a constant that is known to be valid.
    if let Ok(style) = ProgressStyle::with_template(STYLE) {
        bar.set_style(style);
    }
    bar.set_message("queued");
    let mut last_event_id: Option<String> = None;
    let mut interruptions = 0;
    loop {
        match follow(service, id, &bar, &mut last_event_id).await {
            Ok(true) => break,
            Ok(false) => interruptions = 0,
            // A restarting service refuses connections for a while.
            Err(error) if interruptions == MAX_INTERRUPTIONS || !is_passing(&error) => return Err(error),
            Err(_) => interruptions += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
    bar.finish_and_clear();
    let job: Value = service.json(Method::GET, &job(id)).await?;
    print(&job, as_json)?;
    Ok(match text(&job["state"]) {
        "succeeded" => ExitCode::SUCCESS,
        "cancelled" => ExitCode::from(CANCELLED),
        _ => ExitCode::FAILURE,
    })
}

/// Reads the events of a job until the stream ends. Returns whether the job has ended.
async fn follow(
    service: &ServiceClient,
    id: &str,
    bar: &ProgressBar,
    last_event_id: &mut Option<String>,
) -> anyhow::Result<bool> {
    let mut request = service.request(Method::GET, &format!("{}/events", job(id)));
    if let Some(last) = &*last_event_id {
        request = request.header("last-event-id", last);
    }
    let mut stream = service.send(request).await?;
    if stream.status() == StatusCode::NO_CONTENT {
        return Ok(true);
    }
    let mut unread = String::new();
    while let Ok(Some(piece)) = stream.chunk().await {
        unread.push_str(&String::from_utf8_lossy(&piece));
        while let Some((event, rest)) = unread.split_once("\n\n") {
            show(bar, event, last_event_id);
            unread = rest.to_owned();
        }
    }
    let job: Value = service.json(Method::GET, &job(id)).await?;
    Ok(!job["finished_at"].is_null())
}

/// Whether a retry may succeed: no answer, or a server error.
pub(crate) fn is_passing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<reqwest::Error>().is_some()
        || error.downcast_ref::<Refused>().is_some_and(|refused| refused.status.is_server_error())
}

fn show(bar: &ProgressBar, event: &str, last_event_id: &mut Option<String>) {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if let Some(id) = field("id:") {
        *last_event_id = Some(id.to_owned());
    }
    let data: Value = field("data:").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
    if let Some(progress) = data["progress"].as_f64() {
        bar.set_position((progress * STEPS) as u64);
    }
    if let Some(message) = data["stage"].as_str().or(data["state"].as_str()) {
        bar.set_message(message.to_owned());
    }
}
