//! The client of a remote video timeline, compared with the published document: each of its requests is one of the
//! document, and it reads every answer that the document describes
//! ([decision 19](../../../docs/adr/0019-the-timeline-client-is-written-by-hand.md)).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use e2e::document::{check_request, resolved};
use media_time::{AssetTime, TimelineTime};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use video_timeline::{
    ClipFilter, HttpTimeline, HttpTimelineConfig, Meta, NewClip, NewFurtherTrack, NewProject, NewSequence,
    NewTimeline, NewTrack, Paging, ProjectTarget, TrackKind, VideoTimeline,
};

/// Which values the answers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// `null` where it is allowed, and only required fields.
    Least,
    /// Every field, and one of a later version in each object.
    Most,
}

/// A remote timeline that answers as the document describes.
#[derive(Debug)]
struct Remote {
    fill: Fill,
    /// Names of the operations that were called.
    called: Mutex<BTreeSet<String>>,
}

/// The first success of the operation, or a problem if the document lacks the request.
async fn answer(State(remote): State<Arc<Remote>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let operation = match check_request(&head.method, &head.uri.to_string(), &head.headers, &body) {
        Ok(operation) => operation,
        Err(wrong) => {
            let problem = json!({"code": "undocumented", "detail": wrong});
            return (StatusCode::BAD_REQUEST, Json(problem)).into_response();
        }
    };
    remote.called.lock().unwrap().insert(operation["operationId"].as_str().unwrap().to_owned());
    let responses = operation["responses"].as_object().unwrap();
    let (status, response) = responses.iter().find(|(status, _)| status.starts_with('2')).unwrap();
    let schema = &response["content"]["application/json"]["schema"];
    let status = StatusCode::from_bytes(status.as_bytes()).unwrap();
    (status, Json(instance(schema, remote.fill))).into_response()
}

/// A value of a schema.
fn instance(schema: &'static Value, fill: Fill) -> Value {
    let schema = resolved(schema);
    if let Some(values) = schema["enum"].as_array() {
        return values[0].clone();
    }
    if let Some(parts) = schema["oneOf"].as_array() {
        let is_null = |part: &&'static Value| part["type"] == "null";
        return match parts.iter().find(is_null) {
            Some(_) if fill == Fill::Least => Value::Null,
            _ => instance(parts.iter().find(|part| !is_null(part)).unwrap(), fill),
        };
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) if fill == Fill::Least && kinds.contains(&"null".into()) => return Value::Null,
        Value::Array(kinds) => &kinds[0],
        kind => kind,
    };
    match kind.as_str().unwrap() {
        "object" => Value::Object(object(schema, fill)),
        "array" => json!([instance(&schema["items"], fill)]),
        "string" if schema["format"] == "date-time" => "2030-01-02T03:04:05.678Z".into(),
        "string" => "x1".into(),
        "integer" => 1.into(),
        "number" => 1.5.into(),
        kind => unreachable!("no answer has a value of type {kind}"),
    }
}

fn object(schema: &'static Value, fill: Fill) -> Map<String, Value> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let mut object: Map<String, Value> = fields
        .filter(|(name, _)| fill == Fill::Most || required.contains(&name.as_str().into()))
        .map(|(name, schema)| (name.clone(), instance(schema, fill)))
        .collect();
    if fill == Fill::Most {
        object.insert("of_a_later_version".to_owned(), json!({"any": [1, null]}));
    }
    object
}

fn new_timeline(project: ProjectTarget) -> NewTimeline {
    let asset_id = "asset_1".parse().unwrap();
    let (start, end) = (AssetTime::from_micros(1), AssetTime::from_millis(500));
    let meta: Meta = json!({"nested": [1, null]}).as_object().unwrap().clone();
    let clip = NewClip::window(asset_id, start, end, TimelineTime::from_micros(2_500));
    let clip = NewClip { artifact_id: Some("artifact_1".parse().unwrap()), meta: meta.clone(), ..clip };
    let track = NewTrack { kind: TrackKind::Video, label: "v".to_owned(), position: Some(1), meta };
    NewTimeline {
        project,
        sequence: NewSequence { name: "s".to_owned(), ..NewSequence::default() },
        track: track.clone(),
        clips: vec![clip.clone()],
        further_tracks: vec![NewFurtherTrack { track, clips: vec![clip] }],
    }
}

/// Makes each call, in each of its forms.
async fn call_all(timeline: &HttpTimeline) {
    let id = || "x1".parse().unwrap();
    let mut context = test_kit::context("t1");
    context.user_id = Some(id());
    let first = Paging::default();
    let next = Paging { cursor: Some("cursor".to_owned()), ..Paging::default() };

    timeline.get_project(&context, &id()).await.unwrap();
    timeline.get_sequence(&context, &id()).await.unwrap();
    timeline.get_clip(&context, &id()).await.unwrap();
    let new = ProjectTarget::New(NewProject { title: "p".to_owned(), ..NewProject::default() });
    for project in [new, ProjectTarget::Existing(id())] {
        let made = timeline.create_timeline(&context, new_timeline(project)).await.unwrap();
        assert_eq!((made.clips.len(), made.further_tracks.len()), (1, 1));
    }
    for paging in [&first, &next] {
        timeline.list_sequences(&context, &id(), paging).await.unwrap();
        timeline.list_tracks(&context, &id(), paging).await.unwrap();
    }
    let (start, end) = (AssetTime::from_micros(1_500), AssetTime::from_millis(2));
    for filter in [
        ClipFilter::Track(id()),
        ClipFilter::Sequence(id()),
        ClipFilter::Asset(id()),
        ClipFilter::Artifact(id()),
        ClipFilter::Artifacts(vec![id(), id()]),
        ClipFilter::Showing { asset_id: id(), start, end: None },
        ClipFilter::Showing { asset_id: id(), start, end: Some(end) },
    ] {
        assert_eq!(timeline.list_clips(&context, &filter, &next).await.unwrap().items.len(), 1, "{filter:?}");
    }
}

#[tokio::test]
async fn timeline_client_conforms_to_the_published_document() {
    for fill in [Fill::Least, Fill::Most] {
        let remote = Arc::new(Remote { fill, called: Mutex::default() });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&remote));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base_url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let config = HttpTimelineConfig::new(base_url.parse().unwrap());
        // The first request waits for the binary to print the document, or even to be built.
        let patience = Duration::from_secs(600);
        let config = HttpTimelineConfig { attempt_timeout: patience, total_timeout: patience, ..config };
        call_all(&HttpTimeline::new(config).unwrap()).await;
        let called: Vec<String> = remote.called.lock().unwrap().iter().cloned().collect();
        let expected = [
            "create_timeline",
            "get_clip",
            "get_project",
            "get_sequence",
            "list_clips_of_sequence",
            "list_clips_of_track",
            "list_clips_using",
            "list_sequences",
            "list_tracks",
        ];
        assert_eq!(called, expected);
    }
}
