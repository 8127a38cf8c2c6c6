//! Clips of a remote timeline.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use video_timeline::{HttpTimeline, HttpTimelineConfig, VideoTimeline};

use crate::support::{TestState, text};

#[tokio::test]
async fn usages_include_clips_of_a_remote_timeline() {
    let state = TestState::with_timeline(async |timeline| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let (router, _) = video_timeline::router(timeline).split_for_parts();
        let app = http_kit::boundary::layer(router);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Arc::new(HttpTimeline::new(HttpTimelineConfig::new(url)).unwrap()) as Arc<dyn VideoTimeline>
    })
    .await;
    let (film, track) = (state.asset().await, state.track("t1").await);
    let hit = state.hit(&film, 20.0, 30.0).await;
    let mut clips = Vec::new();
    for start in [40, 20, 20, 10] {
        clips.push(state.clip(&track, &film, (start, start + 15), json!({"artifact_id": hit})).await);
    }
    for limit in [1, 2, 3, 50] {
        let used = state.usages(&film, "start_ms=20&end_ms=40", limit).await;
        let ids: Vec<_> = used.iter().map(|usage| text(&usage["id"])).collect();
        assert_eq!(ids, [&clips[3], &hit, &clips[1], &clips[2]].map(Clone::clone), "by {limit}");
    }
    let lineage = state.api.get(&format!("/media-v2/artifacts/{hit}/lineage")).await.ok();
    assert_eq!(lineage["clips"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn unreachable_timeline_is_reported() {
    let state = TestState::with_timeline(async |_| {
        // Nothing listens on port 1.
        let mut config = HttpTimelineConfig::new("http://127.0.0.1:1/".parse().unwrap());
        config.backoff = Duration::from_millis(1);
        Arc::new(HttpTimeline::new(config).unwrap()) as Arc<dyn VideoTimeline>
    })
    .await;
    let film = state.asset().await;
    let hit = state.hit(&film, 20.0, 30.0).await;
    for path in [format!("/media-v2/assets/{film}/usages"), format!("/media-v2/artifacts/{hit}/lineage")] {
        state.api.get(&path).await.problem(502, "timeline_unavailable");
    }
}
