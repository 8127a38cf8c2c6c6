//! Projects, sequences and tracks: the behaviour they share, and their specific fields.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestState, column};

#[tokio::test]
async fn project_is_created_read_updated_and_deleted() {
    let state = TestState::new().await;
    let body = json!({"title": "Origin snippets", "render_profile": "1080p_30_web", "meta": {"a": [1]}});
    let (status, made) = state.post("/video/projects", body).await;
    assert_eq!(status, StatusCode::CREATED);
    let id = made["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "tenant_id": "t1", "env": "dev", "user_id": "u1", "title": "Origin snippets",
        "render_profile": "1080p_30_web", "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z", "meta": {"a": [1]},
    });
    assert_eq!(made, expected);

    let path = format!("/video/projects/{id}");
    assert_eq!(state.get(&path).await, (StatusCode::OK, expected));

    state.clock.advance(TimeDelta::seconds(5));
    let (status, changed) = state.patch(&path, json!({"title": "New", "render_profile": null})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(changed["title"], "New");
    assert_eq!(changed["render_profile"], Value::Null);
    assert_eq!(changed["meta"], json!({"a": [1]}), "what the patch does not name stays");
    assert_eq!(changed["updated_at"], "2023-11-14T22:13:25Z");
    assert_eq!(state.get(&path).await.1, changed);

    assert_eq!(state.delete(&path).await.0, StatusCode::NO_CONTENT);
    let (status, problem) = state.get(&path).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("project_not_found")));
    assert_eq!(state.delete(&path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sequences_and_tracks_are_created_read_updated_and_deleted() {
    let state = TestState::new().await;
    let project = state.project().await;
    let sequences = format!("/video/projects/{project}/sequences");
    let (_, sequence) = state.post(&sequences, json!({"name": "S", "fps": 29.97})).await;
    let id = sequence["id"].as_str().unwrap();
    let expected =
        json!({"id": id, "project_id": project, "name": "S", "fps": 29.97, "position": 0, "meta": {}});
    assert_eq!(sequence, expected);
    let path = format!("/video/sequences/{id}");
    assert_eq!(state.get(&path).await.1, expected);
    let (status, changed) = state.patch(&path, json!({"fps": null, "position": 7})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&changed["fps"], &changed["position"], &changed["name"]),
        (&Value::Null, &json!(7), &json!("S"))
    );

    let body = json!({"kind": "audio", "label": "origin", "meta": {"role": "drums"}});
    let (_, track) = state.post(&format!("/video/sequences/{id}/tracks"), body).await;
    let track_id = track["id"].as_str().unwrap();
    let track_path = format!("/video/tracks/{track_id}");
    assert_eq!(
        state.get(&track_path).await.1,
        json!({"id": track_id, "sequence_id": id, "kind": "audio", "label": "origin", "position": 0,
            "meta": {"role": "drums"}})
    );
    let (_, changed) = state.patch(&track_path, json!({"label": "b", "meta": {}})).await;
    assert_eq!((&changed["label"], &changed["meta"]), (&json!("b"), &json!({})));

    assert_eq!(state.delete(&track_path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(state.get(&track_path).await.1["code"], "track_not_found");
    assert_eq!(state.delete(&path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(state.get(&path).await.1["code"], "sequence_not_found");
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
        let (status, page) = state.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
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
        let (_, first) = state.get(&format!("{path}?limit=3")).await;
        assert_eq!(column(&first, field), ["c", "a", "d"], "positions 0, 0 and 1");
        let cursor = first["next_cursor"].as_str().unwrap();
        let (_, second) = state.get(&format!("{path}?limit=3&cursor={cursor}")).await;
        assert_eq!(column(&second, field), ["e", "f"], "positions 9 and 10");
        assert_eq!(second["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn deleting_a_parent_deletes_its_children() {
    let state = TestState::new().await;
    for (level, kind) in ["projects", "sequences", "tracks"].into_iter().enumerate() {
        let clip = state.clip().await;
        let (_, found) = state.get(&format!("/video/clips/{clip}")).await;
        let track = found["track_id"].as_str().unwrap().to_owned();
        let (_, found) = state.get(&format!("/video/tracks/{track}")).await;
        let sequence = found["sequence_id"].as_str().unwrap().to_owned();
        let (_, found) = state.get(&format!("/video/sequences/{sequence}")).await;
        let project = found["project_id"].as_str().unwrap().to_owned();

        let paths = [("projects", project), ("sequences", sequence), ("tracks", track), ("clips", clip)];
        let paths = paths.map(|(kind, id)| format!("/video/{kind}/{id}"));
        assert_eq!(state.delete(&paths[level]).await.0, StatusCode::NO_CONTENT, "{kind}");
        for (depth, path) in paths.iter().enumerate() {
            let expected = if depth < level { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(state.get(path).await.0, expected, "{path} after deleting {kind}");
        }
    }
}

#[tokio::test]
async fn objects_of_other_tenants_are_unknown() {
    let state = TestState::new().await;
    let clip = state.clip().await;
    let (_, found) = state.get(&format!("/video/clips/{clip}")).await;
    let track = found["track_id"].as_str().unwrap().to_owned();
    let (_, found) = state.get(&format!("/video/tracks/{track}")).await;
    let sequence = found["sequence_id"].as_str().unwrap().to_owned();
    let (_, found) = state.get(&format!("/video/sequences/{sequence}")).await;
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
    for (method, kind, id, rest, body) in calls {
        let mut answers = Vec::new();
        for id in [id, "unknown", "not%20an%20id"] {
            let path = format!("/video/{kind}/{id}{rest}");
            let (status, mut problem) = state.call_as("t2", method.clone(), &path, body.clone()).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {problem}");
            for member in ["request_id", "detail", "id"] {
                problem.as_object_mut().unwrap().remove(member);
            }
            answers.push(problem);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {kind}{rest}: {answers:?}");
    }
    for (edit, body) in [("trim", json!({})), ("split", json!({"at_ms": 11_000})), ("move", json!({}))] {
        let path = format!("/video/clips/{clip}/{edit}");
        let (status, problem) = state.call_as("t2", Method::POST, &path, Some(body)).await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("clip_not_found")));
    }
    assert_eq!(state.get(&format!("/video/clips/{clip}")).await.0, StatusCode::OK, "nothing was changed");
    let (_, page) = state.call_as("t2", Method::GET, "/video/projects", None).await;
    assert_eq!(page["items"], json!([]));
    let (_, page) = state.call_as("t2", Method::GET, "/video/clips?asset_id=asset_1", None).await;
    assert_eq!(page["items"], json!([]));
}
