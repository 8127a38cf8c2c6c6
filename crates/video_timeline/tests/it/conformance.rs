//! One suite for every implementation of the client, of the behaviour that other engines rely on.

use media_time::{AssetTime, TimelineTime};
use primitives::{Id, InvalidPage, Page, PageLimit};
use serde_json::json;
use video_timeline::{
    ClipFilter, CreatedTimeline, Entity, Error, HttpTimeline, HttpTimelineConfig, Meta, NewClip,
    NewFurtherTrack, NewProject, NewSequence, NewTimeline, NewTrack, Paging, ProjectTarget, TrackKind,
    VideoTimeline,
};

use crate::http_client::serve;
use crate::support::{TestState, context};

#[tokio::test]
async fn local_timeline_conforms() {
    let state = TestState::new().await;
    conforms(&state.service).await;
}

#[tokio::test]
async fn remote_timeline_conforms() {
    let state = TestState::new().await;
    let base_url = serve(state.api.router()).await;
    conforms(&HttpTimeline::new(HttpTimelineConfig::new(base_url)).unwrap()).await;
}

async fn conforms(timeline: &dyn VideoTimeline) {
    created_objects_can_be_read(timeline).await;
    further_tracks_are_created_in_their_order(timeline).await;
    batches_keep_their_order_and_are_atomic(timeline).await;
    timelines_are_created_atomically(timeline).await;
    listings_page_in_order(timeline).await;
    windows_are_half_open_and_page_by_start_in_the_asset(timeline).await;
    errors_are_typed(timeline).await;
    owners_are_isolated(timeline).await;
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn meta() -> Meta {
    json!({"op_type": "origin_snippets.build_v1", "nested": {"é": [1, 2.5, null]}})
        .as_object()
        .unwrap()
        .clone()
}

fn new_clip(start_ms: i64) -> NewClip {
    let start = TimelineTime::from_millis(start_ms);
    NewClip {
        artifact_id: Some(id("artifact_1")),
        meta: meta(),
        ..NewClip::window(id("asset_1"), AssetTime::from_micros(1), AssetTime::from_millis(500), start)
    }
}

fn new_track() -> NewTrack {
    NewTrack { kind: TrackKind::Video, label: "origin".to_owned(), position: None, meta: meta() }
}

fn new_timeline(project: ProjectTarget, clips: Vec<NewClip>) -> NewTimeline {
    let sequence = NewSequence { name: "S".to_owned(), fps: Some(29.97), ..NewSequence::default() };
    NewTimeline { project, sequence, track: new_track(), clips, further_tracks: Vec::new() }
}

fn new_project() -> NewProject {
    NewProject { title: "Origin snippets".to_owned(), render_profile: Some(id("1080p_30_web")), meta: meta() }
}

async fn created_objects_can_be_read(timeline: &dyn VideoTimeline) {
    let context = context("t1");
    let new = new_timeline(ProjectTarget::New(new_project()), vec![new_clip(7)]);
    let CreatedTimeline { project, sequence, track, clips, .. } =
        timeline.create_timeline(&context, new).await.unwrap();
    assert_eq!(project.tenant_id, context.scope.tenant_id);
    assert_eq!(project.env, context.scope.env);
    assert_eq!(project.user_id, context.user_id);
    assert_eq!(project.meta, meta());
    assert_eq!(timeline.get_project(&context, &project.id).await.unwrap(), project);

    assert_eq!((&sequence.project_id, &track.sequence_id), (&project.id, &sequence.id));
    assert_eq!(clips[0].in_point, AssetTime::from_micros(1));
    assert_eq!(timeline.get_clip(&context, &clips[0].id).await.unwrap(), clips[0]);
    let sequences = timeline.list_sequences(&context, &project.id, &Paging::default()).await.unwrap();
    assert_eq!(sequences.items, std::slice::from_ref(&sequence));
    let tracks = timeline.list_tracks(&context, &sequence.id, &Paging::default()).await.unwrap();
    assert_eq!(tracks.items, [track]);
}

async fn further_tracks_are_created_in_their_order(timeline: &dyn VideoTimeline) {
    let context = context("t1");
    let further = |label: &str, clips: Vec<NewClip>| NewFurtherTrack {
        track: NewTrack { label: label.to_owned(), kind: TrackKind::Audio, ..new_track() },
        clips,
    };
    let mut new = new_timeline(ProjectTarget::New(new_project()), vec![new_clip(0), new_clip(1)]);
    new.further_tracks = vec![further("a", Vec::new()), further("b", vec![new_clip(2)])];
    let made = timeline.create_timeline(&context, new.clone()).await.unwrap();
    let tracks = timeline.list_tracks(&context, &made.sequence.id, &Paging::default()).await.unwrap();
    let expected: Vec<_> = std::iter::once(&made.track)
        .chain(made.further_tracks.iter().map(|further| &further.track))
        .collect();
    assert_eq!(tracks.items.iter().collect::<Vec<_>>(), expected);
    let [empty, last] = made.further_tracks.as_slice() else { panic!("two further tracks") };
    assert!(empty.clips.is_empty());
    assert_eq!(all_clips(timeline, &ClipFilter::Track(last.track.id.clone()), 500).await, last.clips);

    new.further_tracks[1].clips.push(NewClip { opacity: 1.5, ..new_clip(3) });
    let refusal = timeline.create_timeline(&context, new).await.unwrap_err();
    assert!(
        matches!(&refusal, Error::Invalid { pointer, .. } if pointer == "/further_tracks/1/clips/1/opacity"),
        "{refusal:?}"
    );
}

async fn batches_keep_their_order_and_are_atomic(timeline: &dyn VideoTimeline) {
    let context = context("t1");
    let batch: Vec<NewClip> = (0..1_000).rev().map(new_clip).collect();
    let new = new_timeline(ProjectTarget::New(new_project()), batch);
    let made = timeline.create_timeline(&context, new).await.unwrap();
    let starts: Vec<i64> =
        made.clips.iter().map(|clip| clip.timeline_start.since_zero().as_millis_round()).collect();
    assert_eq!(starts, (0..1_000).rev().collect::<Vec<_>>());

    let spoilt = vec![new_clip(0), NewClip { opacity: 1.5, ..new_clip(1) }];
    let spoilt = new_timeline(ProjectTarget::Existing(made.project.id), spoilt);
    let refusal = timeline.create_timeline(&context, spoilt).await.unwrap_err();
    assert!(matches!(refusal, Error::Invalid { pointer, .. } if pointer == "/clips/1/opacity"));
    assert_eq!(all_clips(timeline, &ClipFilter::Track(made.track.id), 500).await.len(), 1_000);
}

async fn timelines_are_created_atomically(timeline: &dyn VideoTimeline) {
    let context = context("t1");
    let new = new_timeline(ProjectTarget::New(new_project()), vec![new_clip(2), new_clip(1)]);
    let first = timeline.create_timeline(&context, new).await.unwrap();
    assert_eq!(first.project.title, "Origin snippets");
    assert_eq!(first.sequence.fps, Some(29.97));
    assert_eq!(first.clips.len(), 2);
    assert!(first.clips.iter().all(|clip| clip.track_id == first.track.id));

    let attached = new_timeline(ProjectTarget::Existing(first.project.id.clone()), vec![new_clip(0)]);
    let second = timeline.create_timeline(&context, attached).await.unwrap();
    assert_eq!(second.project, first.project);
    let sequences = timeline.list_sequences(&context, &first.project.id, &Paging::default()).await.unwrap();
    assert_eq!(sequences.items, [first.sequence.clone(), second.sequence.clone()]);

    let spoilt = new_timeline(
        ProjectTarget::Existing(first.project.id.clone()),
        vec![NewClip { speed: -1.0, ..new_clip(0) }],
    );
    let refusal = timeline.create_timeline(&context, spoilt).await.unwrap_err();
    assert!(matches!(refusal, Error::Invalid { pointer, .. } if pointer == "/clips/0/speed"));
    let after = timeline.list_sequences(&context, &first.project.id, &Paging::default()).await.unwrap();
    assert_eq!(after.items.len(), 2, "a refused timeline leaves nothing");
}

async fn listings_page_in_order(timeline: &dyn VideoTimeline) {
    let context = context("t1");
    let clips = [3, 1, 2, 1].map(|start| NewClip { asset_id: id("asset_paged"), ..new_clip(start) });
    let new = new_timeline(ProjectTarget::New(new_project()), clips.to_vec());
    let made = timeline.create_timeline(&context, new).await.unwrap();
    let expected = [1, 3, 2, 0].map(|index| made.clips[index].clone());
    for filter in [
        ClipFilter::Track(made.track.id.clone()),
        ClipFilter::Sequence(made.sequence.id.clone()),
        ClipFilter::Asset(id("asset_paged")),
    ] {
        for limit in [1, 3, 4] {
            assert_eq!(all_clips(timeline, &filter, limit).await, expected, "{filter:?} by {limit}");
        }
    }
    assert!(!all_clips(timeline, &ClipFilter::Artifact(id("artifact_1")), 500).await.is_empty());
    assert!(all_clips(timeline, &ClipFilter::Asset(id("..")), 1).await.is_empty());
}

async fn windows_are_half_open_and_page_by_start_in_the_asset(timeline: &dyn VideoTimeline) {
    let context = context("t1");
    let time = AssetTime::from_millis;
    let start = TimelineTime::from_millis;
    let clip = |begin: i64, end: i64, artifact: &str| NewClip {
        artifact_id: Some(id(artifact)),
        ..NewClip::window(id("asset_windowed"), time(begin), time(end), start(1_000 - begin))
    };
    let clips = vec![clip(20, 30, "a_1"), clip(0, 10, "a_2"), clip(5, 25, "a_3"), clip(20, 21, "a_1")];
    let made =
        timeline.create_timeline(&context, new_timeline(ProjectTarget::New(new_project()), clips)).await;
    let made = made.unwrap().clips;
    let window = |start: AssetTime, end| ClipFilter::Showing { asset_id: id("asset_windowed"), start, end };
    let just_before = |end: i64| AssetTime::from_micros(1_000 * end - 1);
    for (filter, expected) in [
        (window(AssetTime::ZERO, None), vec![1, 2, 0, 3]),
        (window(time(10), Some(time(20))), vec![2]),
        (window(just_before(10), Some(time(11))), vec![1, 2]),
        (window(time(25), None), vec![0]),
        (window(time(30), None), vec![]),
        // Ordered by start on the timeline.
        (ClipFilter::Artifacts(vec![id("a_3"), id("a_1")]), vec![0, 3, 2]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|index: usize| made[index].clone()).collect();
        for limit in [1, 2, 4] {
            assert_eq!(all_clips(timeline, &filter, limit).await, expected, "{filter:?} by {limit}");
        }
    }
    let whole = window(AssetTime::ZERO, None);
    let four = PageLimit::new(4).unwrap();
    let from = async |paging| timeline.list_clips(&context, &whole, &paging).await.unwrap().items;
    assert_eq!(from(Paging::from_time(four, time(20))).await, [made[0].clone(), made[3].clone()]);
    assert_eq!(from(Paging::after_row(four, time(20), &made[0].id)).await, [made[3].clone()]);
    for artifacts in [vec![], vec![id("a"); 101]] {
        let refused =
            timeline.list_clips(&context, &ClipFilter::Artifacts(artifacts), &Paging::default()).await;
        assert!(matches!(refused, Err(Error::InvalidQuery { .. })), "{refused:?}");
    }
}

async fn all_clips(
    timeline: &dyn VideoTimeline,
    filter: &ClipFilter,
    limit: u32,
) -> Vec<video_timeline::Clip> {
    let context = context("t1");
    let mut paging = Paging { limit: PageLimit::new(limit).unwrap(), cursor: None };
    let mut all = Vec::new();
    loop {
        let page: Page<_> = timeline.list_clips(&context, filter, &paging).await.unwrap();
        let next = paging.after(&page);
        all.extend(page.items);
        match next {
            Some(next) => paging = next,
            None => return all,
        }
    }
}

async fn errors_are_typed(timeline: &dyn VideoTimeline) {
    let context = context("t1");
    for unknown in ["unknown", "..", "."].map(id) {
        let refusals = [
            (Entity::Project, timeline.get_project(&context, &unknown).await.err()),
            (Entity::Clip, timeline.get_clip(&context, &unknown).await.err()),
            (Entity::Project, timeline.list_sequences(&context, &unknown, &Paging::default()).await.err()),
            (Entity::Sequence, timeline.list_tracks(&context, &unknown, &Paging::default()).await.err()),
            (
                Entity::Track,
                timeline
                    .list_clips(&context, &ClipFilter::Track(unknown.clone()), &Paging::default())
                    .await
                    .err(),
            ),
            (
                Entity::Project,
                timeline
                    .create_timeline(&context, new_timeline(ProjectTarget::Existing(unknown.clone()), vec![]))
                    .await
                    .err(),
            ),
        ];
        for (expected, refusal) in refusals {
            let Some(Error::NotFound { kind, id }) = refusal else { panic!("{unknown}: {refusal:?}") };
            assert_eq!((kind, id.as_str()), (expected, unknown.as_str()));
        }
    }
    let untitled = new_timeline(ProjectTarget::New(NewProject::default()), vec![]);
    let refusal = timeline.create_timeline(&context, untitled).await;
    assert!(matches!(refusal, Err(Error::Invalid { pointer, .. }) if pointer == "/project/new/title"));
    let filter = ClipFilter::Asset(id("asset_1"));
    let cursor = Paging { cursor: Some("made up".to_owned()), ..Paging::default() };
    let refusal = timeline.list_clips(&context, &filter, &cursor).await;
    assert!(matches!(refusal, Err(Error::Page(InvalidPage::Cursor))));
}

async fn owners_are_isolated(timeline: &dyn VideoTimeline) {
    let (mine, other) = (context("t1"), context("t2"));
    let new = new_timeline(ProjectTarget::New(new_project()), vec![new_clip(0)]);
    let made = timeline.create_timeline(&mine, new).await.unwrap();
    let (project, clip) = (&made.project.id, &made.clips[0].id);
    assert!(matches!(timeline.get_project(&other, project).await, Err(Error::NotFound { .. })));
    assert!(matches!(timeline.get_clip(&other, clip).await, Err(Error::NotFound { .. })));
    let attached = new_timeline(ProjectTarget::Existing(project.clone()), vec![]);
    let refusal = timeline.create_timeline(&other, attached).await.unwrap_err();
    assert!(matches!(refusal, Error::NotFound { kind: Entity::Project, id } if id == project.as_str()));
    let uses =
        timeline.list_clips(&other, &ClipFilter::Asset(id("asset_1")), &Paging::default()).await.unwrap();
    assert!(uses.items.is_empty());
}
