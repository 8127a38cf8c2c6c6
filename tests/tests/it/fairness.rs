//! Load of one tenant does not delay others, or take their connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::{Api, Deployment, media};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use test_kit::wait_for;

use crate::analysis::ANALYZE;
use crate::jobs::{accepted, id, later};

/// A recording whose waveform takes a while to compute and is not cached: it ends with an atom that is skipped and
/// contains `number`.
fn recording(template: &[u8], number: usize) -> Vec<u8> {
    [template, b"\0\0\0\x10free", &number.to_be_bytes()].concat()
}

/// Uploads a recording and requests its waveform, through both queues; returns the status and the duration.
async fn piece(api: &Api, bytes: Vec<u8>) -> (u16, Duration) {
    let began = Instant::now();
    let form = Form::new().part("file", Part::bytes(bytes).file_name("a.mp4"));
    let upload = api.send(api.request(Method::POST, "/media-v2/assets").multipart(form)).await;
    if upload.status != 201 {
        return (upload.status, began.elapsed());
    }
    let path = format!("/media-v2/assets/{}/waveform", upload.json()["id"].as_str().unwrap());
    (api.get(&path).await.status, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_callers_of_one_tenant_do_not_delay_another() {
    let server = Deployment::new().await.start().await;
    let template: Arc<[u8]> = std::fs::read(media::fixture("talk_and_music.mp4")).unwrap().into();
    let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..30_usize)
        .map(|caller| {
            let api = server.api("greedy", "dev");
            let (template, over, done) = (template.clone(), over.clone(), done.clone());
            tokio::spawn(async move {
                let mut number = caller << 32;
                while !over.load(Ordering::Relaxed) {
                    number += 1;
                    let (status, _) = piece(&api, recording(&template, number)).await;
                    assert!([200, 503].contains(&status), "{status}");
                    // A refusal takes no turn.
                    done.fetch_add(usize::from(status == 200), Ordering::Relaxed);
                }
            })
        })
        .collect();
    while done.load(Ordering::Relaxed) < 30 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let modest = server.api("modest", "dev");
    let before = done.load(Ordering::Relaxed);
    let mut ahead = Vec::new();
    for number in 1..=5 {
        let began = done.load(Ordering::Relaxed);
        let (status, _) = piece(&modest, recording(&template, number)).await;
        assert_eq!(status, 200);
        ahead.push(done.load(Ordering::Relaxed) - began);
    }
    assert!(done.load(Ordering::Relaxed) > before, "the greedy one goes on meanwhile");
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    // In order of arrival, a piece of each of the thirty callers would come first.
    ahead.sort_unstable();
    assert!(ahead[2] <= 6, "so many of the greedy one came before each of the modest one: {ahead:?}");
    println!("pieces of the greedy tenant that ended during one of the modest: {ahead:?}");
    server.stop().await;
}

/// Waits until a call of the tenant is answered with this status.
async fn until(api: &Api, status: u16) {
    wait_for(Duration::from_secs(30), async || {
        let reply = api.get("/media-v2/assets").await;
        if reply.status == status { Ok(()) } else { Err(reply.text()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_streams_and_long_polls_of_one_tenant_leave_connections_to_others() {
    // Without a worker, the job of the long poll does not end.
    let environment = [("HARKBACK_MAX_CONNECTIONS", "8"), ("HARKBACK_ROLE", "api")];
    let server = Deployment::new().await.start_with(&environment).await;
    let (greedy, modest) = (server.api("greedy", "dev"), server.api("modest", "dev"));
    let mut streams = Vec::new();
    for _ in 0..4 {
        let stream = greedy.request(Method::GET, "/jobs/events").send().await.unwrap();
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    let refused = greedy.get("/media-v2/assets").await;
    refused.problem(503, "busy");
    assert!(refused.header("retry-after").is_some(), "{:?}", refused.headers);
    assert_eq!(modest.get("/media-v2/assets").await.status, 200);
    assert_eq!(greedy.get("/healthz").await.status, 200);

    // The end of a stream admits the next request, which may be a long poll.
    drop(streams.pop());
    until(&greedy, 200).await;
    let asset = greedy.upload(&media::fixture("click_120bpm.wav")).await;
    let job = accepted(&later(&greedy, ANALYZE, &json!({"asset_id": asset["id"]}), 0).await);
    let (caller, path) = (greedy.clone(), format!("/jobs/{}?wait=60", id(&job)));
    // The poll may be refused beside a request of `until`, and is then sent again.
    let poll = tokio::spawn(async move { while caller.get(&path).await.status == 503 {} });
    until(&greedy, 503).await;
    assert_eq!(modest.get("/media-v2/assets").await.status, 200);
    poll.abort();
    until(&greedy, 200).await;
    drop(streams);
    server.stop().await;
}
