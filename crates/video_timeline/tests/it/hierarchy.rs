//! Projects, sequences and tracks: the behaviour they share, and their specific fields.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};

use crate::support::{TestState, column};

#[tokio::test]
async fn project_is_created_read_updated_and_deleted() {
    let state = TestState::new().await;
    let body = json!({"title": "Origin snippets", "render_profile": "1080p_30_web", "meta": {"a": [1]}});
    let made = state.api.post("/video/projects", &body).await.created();
    let id = made["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "tenant_id": "t1", "env": "dev", "user_id": "u1", "title": "Origin snippets",
        "render_profile": "1080p_30_web", "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z", "meta": {"a": [1]},
    });
    assert_eq!(made, expected);

    let path = format!("/video/projects/{id}");
    assert_eq!(state.api.get(&path).await.ok(), expected);

    state.clock.advance(TimeDelta::seconds(5));
    let changed = state.api.patch(&path, &json!({"title": "New", "render_profile": null})).await.ok();
    assert_eq!(changed["title"], "New");
    assert_eq!(changed["render_profile"], Value::Null);
    assert_eq!(changed["meta"], json!({"a": [1]}), "what the patch does not name stays");
    assert_eq!(changed["updated_at"], "2023-11-14T22:13:25Z");
    assert_eq!(state.api.get(&path).await.json(), changed);

    assert_eq!(state.api.delete(&path).await.status, 204);
    state.api.get(&path).await.problem(404, "project_not_found");
    assert_eq!(state.api.delete(&path).await.status, 404);
}

#[tokio::test]
async fn sequences_and_tracks_are_created_read_updated_and_deleted() {
    let state = TestState::new().await;
    let project = state.project().await;
    let sequences = format!("/video/projects/{project}/sequences");
    let sequence = state.api.post(&sequences, &json!({"name": "S", "fps": 29.97})).await.json();
    let id = sequence["id"].as_str().unwrap();
    let expected =
        json!({"id": id, "project_id": project, "name": "S", "fps": 29.97, "position": 0, "meta": {}});
    assert_eq!(sequence, expected);
    let path = format!("/video/sequences/{id}");
    assert_eq!(state.api.get(&path).await.json(), expected);
    let changed = state.api.patch(&path, &json!({"fps": null, "position": 7})).await.ok();
    assert_eq!(
        (&changed["fps"], &changed["position"], &changed["name"]),
        (&Value::Null, &json!(7), &json!("S"))
    );

    let body = json!({"kind": "audio", "label": "origin", "meta": {"role": "drums"}});
    let track = state.api.post(&format!("/video/sequences/{id}/tracks"), &body).await.json();
    let track_id = track["id"].as_str().unwrap();
    let track_path = format!("/video/tracks/{track_id}");
    assert_eq!(
        state.api.get(&track_path).await.json(),
        json!({"id": track_id, "sequence_id": id, "kind": "audio", "label": "origin", "position": 0,
            "meta": {"role": "drums"}})
    );
    let changed = state.api.patch(&track_path, &json!({"label": "b", "meta": {}})).await.json();
    assert_eq!((&changed["label"], &changed["meta"]), (&json!("b"), &json!({})));

    assert_eq!(state.api.delete(&track_path).await.status, 204);
    assert_eq!(state.api.get(&track_path).await.json()["code"], "track_not_found");
    assert_eq!(state.api.delete(&path).await.status, 204);
    assert_eq!(state.api.get(&path).await.json()["code"], "sequence_not_found");
}

#[tokio::test]
async fn listing_pages_projects_newest_first() {
    let state = TestState::new().await;
    for title in ["a", "b", "c", "d", "e"] {
        state.make("/video/projects", json!({"title": title})).await;
        // Two projects per instant: the id breaks the tie.
        if matches!(title, "b" | "d") {
            state.clock.advance(TimeDelta::microseconds(1));
        }
    }
    let mut titles = Vec::new();
    let mut path = "/video/projects?limit=2".to_owned();
    loop {
        let page = state.api.get(&path).await.ok();
        titles.extend(column(&page, "title").into_iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/video/projects?limit=2&cursor={cursor}");
    }
    assert_eq!(titles, ["e", "d", "c", "b", "a"]);
}

#[tokio::test]
async fn listing_pages_children_by_position() {
    let state = TestState::new().await;
    let project = state.project().await;
    let sequence = state.sequence().await;
    let lists = [
        (format!("/video/projects/{project}/sequences"), "name", json!({})),
        (format!("/video/sequences/{sequence}/tracks"), "label", json!({"kind": "video"})),
    ];
    for (path, field, base) in lists {
        for (text, position) in [("c", None), ("d", None), ("a", Some(0)), ("e", Some(9)), ("f", None)] {
            let mut body = base.clone();
            body[field] = json!(text);
            body["position"] = json!(position);
            state.make(&path, body).await;
        }
        let first = state.api.get(&format!("{path}?limit=3")).await.json();
        assert_eq!(column(&first, field), ["c", "a", "d"], "positions 0, 0 and 1");
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = state.api.get(&format!("{path}?limit=3&cursor={cursor}")).await.json();
        assert_eq!(column(&second, field), ["e", "f"], "positions 9 and 10");
        assert_eq!(second["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn deleting_a_parent_deletes_its_children() {
    let state = TestState::new().await;
    for (level, kind) in ["projects", "sequences", "tracks"].into_iter().enumerate() {
        let clip = state.clip().await;
        let found = state.api.get(&format!("/video/clips/{clip}")).await.json();
        let track = found["track_id"].as_str().unwrap().to_owned();
        let found = state.api.get(&format!("/video/tracks/{track}")).await.json();
        let sequence = found["sequence_id"].as_str().unwrap().to_owned();
        let found = state.api.get(&format!("/video/sequences/{sequence}")).await.json();
        let project = found["project_id"].as_str().unwrap().to_owned();

        let paths = [("projects", project), ("sequences", sequence), ("tracks", track), ("clips", clip)];
        let paths = paths.map(|(kind, id)| format!("/video/{kind}/{id}"));
        assert_eq!(state.api.delete(&paths[level]).await.status, 204, "{kind}");
        for (depth, path) in paths.iter().enumerate() {
            let expected = if depth < level { 200 } else { 404 };
            assert_eq!(state.api.get(path).await.status, expected, "{path} after deleting {kind}");
        }
    }
}

#[tokio::test]
async fn objects_of_other_tenants_are_unknown() {
    let state = TestState::new().await;
    let clip = state.clip().await;
    let found = state.api.get(&format!("/video/clips/{clip}")).await.json();
    let track = found["track_id"].as_str().unwrap().to_owned();
    let found = state.api.get(&format!("/video/tracks/{track}")).await.json();
    let sequence = found["sequence_id"].as_str().unwrap().to_owned();
    let found = state.api.get(&format!("/video/sequences/{sequence}")).await.json();
    let project = found["project_id"].as_str().unwrap().to_owned();

    let new_clip = crate::support::clip(0.0, 1.0, 0.0);
    let calls: [(Method, &str, &str, &str, Option<Value>); 20] = [
        (Method::GET, "projects", &project, "", None),
        (Method::PATCH, "projects", &project, "", Some(json!({"title": "x"}))),
        (Method::DELETE, "projects", &project, "", None),
        (Method::POST, "projects", &project, "/sequences", Some(json!({"name": "x"}))),
        (Method::GET, "projects", &project, "/sequences", None),
        (Method::GET, "sequences", &sequence, "", None),
        (Method::PATCH, "sequences", &sequence, "", Some(json!({"name": "x"}))),
        (Method::DELETE, "sequences", &sequence, "", None),
        (Method::POST, "sequences", &sequence, "/tracks", Some(json!({"kind": "video", "label": "x"}))),
        (Method::GET, "sequences", &sequence, "/tracks", None),
        (Method::GET, "sequences", &sequence, "/clips", None),
        (Method::GET, "tracks", &track, "", None),
        (Method::PATCH, "tracks", &track, "", Some(json!({"label": "x"}))),
        (Method::DELETE, "tracks", &track, "", None),
        (Method::POST, "tracks", &track, "/clips", Some(new_clip.clone())),
        (Method::POST, "tracks", &track, "/clips/batch", Some(json!({"clips": [new_clip]}))),
        (Method::GET, "tracks", &track, "/clips", None),
        (Method::GET, "clips", &clip, "", None),
        (Method::PATCH, "clips", &clip, "", Some(json!({"opacity": 0.5}))),
        (Method::DELETE, "clips", &clip, "", None),
    ];
    let theirs = state.api.tenant("t2");
    for (method, kind, id, rest, body) in calls {
        let mut answers = Vec::new();
        for id in [id, "unknown", "not%20an%20id"] {
            let path = format!("/video/{kind}/{id}{rest}");
            let text = body.as_ref().map(Value::to_string).unwrap_or_default();
            let reply = theirs.send_json(method.clone(), &path, text).await;
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
            let mut problem = reply.json();
            for member in ["request_id", "detail", "id"] {
                problem.as_object_mut().unwrap().remove(member);
            }
            answers.push(problem);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {kind}{rest}: {answers:?}");
    }
    for (edit, body) in [("trim", json!({})), ("split", json!({"at_ms": 11_000})), ("move", json!({}))] {
        let path = format!("/video/clips/{clip}/{edit}");
        theirs.post(&path, &body).await.problem(404, "clip_not_found");
    }
    assert_eq!(state.api.get(&format!("/video/clips/{clip}")).await.status, 200, "nothing was changed");
    let page = theirs.get("/video/projects").await.json();
    assert_eq!(page["items"], json!([]));
    let page = theirs.get("/video/clips?asset_id=asset_1").await.json();
    assert_eq!(page["items"], json!([]));
}
