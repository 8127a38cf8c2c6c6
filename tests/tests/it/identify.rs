//! `POST /audio/identify`: indexed by analyses and by the command, found by assets, artifacts and uploads.

use e2e::{Api, Deployment, binary};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use test_kit::Reply;

use crate::analysis::ANALYZE;
use crate::made_music::{RATE, piece, wav};

const IDENTIFY: &str = "/audio/identify";

async fn upload(api: &Api, samples: &[f32]) -> Value {
    api.upload_bytes("piece.wav", wav(samples), &[]).await.created()
}

/// Identifies a file that is not stored.
async fn identify_file(api: &Api, samples: &[f32], fields: &[(&str, &str)]) -> Reply {
    let form = fields
        .iter()
        .fold(Form::new(), |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
    let form = form.part("file", Part::bytes(wav(samples)).file_name("query.wav"));
    api.send(api.request(Method::POST, IDENTIFY).multipart(form)).await
}

/// Runs `harkback index fingerprints` with further arguments; returns what it prints.
async fn index(deployment: &Deployment, arguments: &[&str]) -> String {
    let output = binary::command([&["index", "fingerprints"][..], arguments].concat())
        .arg("--data-dir")
        .arg(deployment.data_directory())
        .env("DATABASE_URL", deployment.database().url())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn analysed_recording_is_found_until_it_is_deleted() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let samples = piece(21, 30);
    let asset = upload(&api, &samples).await;
    let query = &samples[10 * RATE..14 * RATE];
    let before = identify_file(&api, query, &[]).await.ok();
    assert_eq!((&before["matches"], &before["searched"]["indexed_assets"]), (&json!([]), &json!(0)));

    api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let found = identify_file(&api, query, &[("variation", "none")]).await.ok();
    let matches = found["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 1, "{found}");
    assert_eq!(matches[0]["asset_id"], asset["id"]);
    let [source, start] =
        ["source_start_ms", "query_start_ms"].map(|name| matches[0][name].as_f64().unwrap());
    assert!((source - start - 10_000.0).abs() < 0.1, "{found}");
    let searched = &found["searched"];
    assert_eq!((&searched["assets"], &searched["indexed_assets"]), (&json!(1), &json!(1)), "{found}");
    assert_eq!(searched["indexed_ms"], 30_000, "{found}");
    let other = identify_file(&server.api("t2", "dev"), query, &[]).await.ok();
    assert_eq!(other["matches"], json!([]), "another owner's");
    // The whole file: a recording of the same bytes.
    let twin = identify_file(&api, &samples, &[]).await.ok();
    assert_eq!(
        (&twin["matches"][0]["twin"], &twin["matches"][0]["source_end_ms"]),
        (&json!(true), &json!(30_000))
    );
    assert_eq!(
        api.get("/media-v2/assets").await.ok()["items"].as_array().unwrap().len(),
        1,
        "none is stored"
    );

    assert_eq!(api.delete(&format!("/media-v2/assets/{}", asset["id"].as_str().unwrap())).await.status, 204);
    let after = identify_file(&api, query, &[]).await.ok();
    assert_eq!((&after["matches"], &after["searched"]["assets"]), (&json!([]), &json!(0)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_of_another_edit_find_their_film() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let samples = piece(22, 30);
    let film = upload(&api, &samples).await;
    // Of before the index: indexed by the command.
    let printed = index(&deployment, &["--tenant", "t1", "--env", "dev"]).await;
    assert!(printed.contains("fingerprints: 1 recordings of 0.0 h indexed, 0 skipped"), "{printed}");
    assert!(index(&deployment, &[]).await.contains("fingerprints: 0 recordings"), "nothing is left");
    assert!(index(&deployment, &["--rebuild"]).await.contains("fingerprints: 1 recordings"));

    let cut = upload(&api, &samples[5 * RATE..8 * RATE]).await;
    let hit = json!({"kind": "audio_hit", "uri": cut["source_uri"]});
    let path = format!("/media-v2/assets/{}/artifacts", cut["id"].as_str().unwrap());
    let hit = api.post(&path, &hit).await.created()["id"].clone();
    let found = api.post(IDENTIFY, &json!({"artifact_id": hit, "register": true})).await.ok();
    let map = &found["origin_map"];
    assert_eq!(
        (&map["parent_asset_id"], &map["meta"]["found_by"]),
        (&film["id"], &json!("audio_identify@1"))
    );
    assert!((map["source_start_ms"].as_f64().unwrap() - 5_000.0).abs() < 0.1, "{found}");
    let clip = json!({"artifact_id": hit, "start_ms": 0, "duration_ms": 500});
    let list = json!({"alignment": "none", "sequence": {"tracks": [{"name": "a", "clips": [clip]}]}});
    let shots = api.post("/audio/to-video-origin", &list).await.ok();
    assert_eq!(shots["shots"][0]["source_asset_id"], film["id"], "{shots}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_queries_are_checked() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let second = piece(23, 1);
    let pointer = async |fields: &[(&str, &str)]| {
        let problem = identify_file(&api, &second, fields).await.problem(422, "invalid_body");
        problem["errors"][0]["pointer"].as_str().unwrap().to_owned()
    };
    assert_eq!(pointer(&[("variation", "all")]).await, "/variation");
    assert_eq!(pointer(&[("start_ms", "soon")]).await, "/start_ms");
    assert_eq!(pointer(&[("start_ms", "5"), ("end_ms", "5")]).await, "/end_ms");
    assert_eq!(pointer(&[("min_confidence", "2")]).await, "/min_confidence");
    assert_eq!(pointer(&[("register", "true")]).await, "/register");
    assert_eq!(pointer(&[("colour", "red")]).await, "/colour");
    identify_file(&api, &second[..4_000], &[]).await.problem(422, "query_too_short");
    identify_file(&api, &[0.0; 16_000], &[]).await.problem(422, "query_silent");
    let empty = api.request(Method::POST, IDENTIFY).multipart(Form::new().text("variation", "none"));
    api.send(empty).await.problem(422, "invalid_body");
    let text = Part::bytes(b"no recording".to_vec()).file_name("query.wav");
    let text = api.request(Method::POST, IDENTIFY).multipart(Form::new().part("file", text));
    api.send(text).await.problem(422, "undecodable_media");
    server.stop().await;
}
