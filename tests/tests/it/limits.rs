//! The limits that the OpenAPI document declares for requests are those that the service enforces.

use std::collections::BTreeMap;

use e2e::document::{document, operations};
use e2e::{Api, Deployment, Reply, media};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// Fields whose limits depend on other fields, too: a value on the declared limit may be refused because of those.
const WITHIN_OTHERS: [&str; 5] = ["in_ms", "out_ms", "at_ms", "source_end_ms", "max_duration_ms"];

/// Valid values, by the name of the field or parameter that takes them: existing ids, and a window.
type Known = BTreeMap<&'static str, Value>;

async fn things(api: &Api) -> Known {
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let asset_id = asset["id"].as_str().unwrap();
    let hit = json!({"kind": "audio_hit", "uri": asset["source_uri"], "start_ms": 0, "end_ms": 500});
    let hit = api.post(&format!("/media-v2/assets/{asset_id}/artifacts"), &hit).await.ok();
    let map = json!({"parent_asset_id": asset_id, "source_start_ms": 0, "source_end_ms": 500});
    let path = format!("/audio/to-video-origin/origin-maps/{}", hit["id"].as_str().unwrap());
    let _ = api.put(&path, &map).await.ok();
    let clip = json!({"asset_id": asset_id, "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0});
    let made = json!({
        "project": {"new": {"title": "e2e"}}, "sequence": {"name": "s"}, "track": {"kind": "video", "label": "t"},
        "clips": [clip]
    });
    let made = api.post("/video/timelines", &made).await.ok();
    BTreeMap::from([
        ("asset_id", asset["id"].clone()),
        ("parent_asset_id", asset["id"].clone()),
        ("audio_artifact_id", hit["id"].clone()),
        ("project_id", made["project"]["id"].clone()),
        ("sequence_id", made["sequence"]["id"].clone()),
        ("track_id", made["track"]["id"].clone()),
        ("clip_id", made["clips"][0]["id"].clone()),
        ("template_id", json!("four_on_the_floor")),
        ("in_ms", json!(0)),
        ("out_ms", json!(500)),
    ])
}

/// Replaces the parameters of a path by ids.
fn filled(path: &str, known: &Known) -> String {
    let id = if path.contains("/artifacts/{id}") { "audio_artifact_id" } else { "asset_id" };
    let path = path.replace("{id}", known[id].as_str().unwrap());
    let known = known.iter().filter_map(|(name, id)| Some((name, id.as_str()?)));
    let path = known.fold(path, |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
    // Of timelines: limits are checked before the lookup.
    path.replace("{artifact_id}", "artifact_absent")
}

/// Resolves references; of a choice, the first alternative.
fn resolved(schema: &'static Value) -> &'static Value {
    if let Some(reference) = schema["$ref"].as_str() {
        resolved(document().pointer(&reference[1..]).unwrap())
    } else {
        schema["oneOf"].get(0).map_or(schema, resolved)
    }
}

fn is(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&kind.into()))
}

/// A minimal value of a schema: required fields, and a recording where it has such a field, because one of several
/// sources is required.
fn example(name: &str, schema: &'static Value, known: &Known) -> Value {
    let schema = resolved(schema);
    if let Some(id) = known.get(name) {
        id.clone()
    } else if let Some(first) = schema["enum"].get(0) {
        first.clone()
    } else if is(schema, "object") {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let recording = schema["properties"].get("asset_id").map(|_| "asset_id");
        let field = |name: &str| (name.to_owned(), example(name, &schema["properties"][name], known));
        required.chain(recording).map(field).collect::<Map<_, _>>().into()
    } else if is(schema, "array") {
        json!([example("", &schema["items"], known)])
    } else if is(schema, "string") {
        schema["example"].as_str().unwrap_or("x").into()
    } else {
        schema.get("minimum").cloned().unwrap_or_else(|| json!(1))
    }
}

/// A field with limits: its pointer, its schema, and the body around it.
struct Limited {
    pointer: String,
    schema: &'static Value,
    body: Value,
}

/// Collects every field with limits in a body of this schema. Fields of the context are skipped: they are refused as
/// headers are.
fn limited(schema: &'static Value, pointer: &str, body: &Value, known: &Known, found: &mut Vec<Limited>) {
    let schema = resolved(schema);
    let limits = ["minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems"];
    if limits.iter().any(|limit| schema.get(limit).is_some()) {
        found.push(Limited { pointer: pointer.to_owned(), schema, body: body.clone() });
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        if ["tenant_id", "env", "user_id"].contains(&name.as_str()) {
            continue;
        }
        let mut body = body.clone();
        let fields = body.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        fields.entry(name).or_insert_with(|| example(name, field, known));
        limited(field, &format!("{pointer}/{name}"), &body, known, found);
    }
    if let Some(items) = schema.get("items") {
        limited(items, &format!("{pointer}/0"), body, known, found);
    }
}

/// Values on the limits of a schema, and values beyond them.
fn on_and_beyond(schema: &Value, valid: &Value) -> (Vec<Value>, Vec<Value>) {
    let (mut on, mut beyond) = (Vec::new(), Vec::new());
    let mut number = |limit: &str, step: f64| {
        if let Some(limit) = schema[limit].as_f64() {
            // Fields of integers take no floats.
            let typed = |value: f64| if is(schema, "integer") { json!(value as i64) } else { json!(value) };
            on.push(typed(limit));
            beyond.push(typed(limit + step));
        }
    };
    number("minimum", -1.0);
    number("maximum", 1.0);
    beyond.extend(schema.get("exclusiveMinimum").cloned());
    let length = |limit: &str| schema[limit].as_u64().map(|length| usize::try_from(length).unwrap());
    beyond.extend(length("minLength").map(|length| json!("x".repeat(length - 1))));
    on.extend(length("maxLength").map(|length| json!("x".repeat(length))));
    beyond.extend(length("maxLength").map(|length| json!("x".repeat(length + 1))));
    let items = |length: usize| json!(vec![valid[0].clone(); length]);
    beyond.extend(length("minItems").map(|length| items(length - 1)));
    beyond.extend(length("maxItems").map(|length| items(length + 1)));
    (on, beyond)
}

fn refuses(reply: &Reply, pointer: &str) -> bool {
    // A phrase of any length may be missing.
    let is_invalid = reply.status == 422 && reply.json()["code"] != "phrase_not_found";
    is_invalid && reply.json()["errors"].as_array().unwrap().iter().any(|e| e["pointer"] == pointer)
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_bodies() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let known = things(&api).await;
    let (mut tried, mut wrong) = (0, Vec::new());
    for (template, method, operation) in operations(document()) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let mut found = Vec::new();
        if !schema.is_null() {
            limited(schema, "", &example("", schema, &known), &known, &mut found);
        }
        // Words of corrections are checked with the timeline.
        for Limited { pointer, schema, body } in
            found.into_iter().filter(|limited| limited.pointer != "/edits/0/word")
        {
            let (on, beyond) = on_and_beyond(schema, body.pointer(&pointer).unwrap());
            let last = pointer.rsplit('/').next().unwrap();
            let on = on.into_iter().filter(|_| !WITHIN_OTHERS.contains(&last)).map(|value| (value, false));
            for (value, is_refused) in on.chain(beyond.into_iter().map(|value| (value, true))) {
                let mut body = body.clone();
                *body.pointer_mut(&pointer).unwrap() = value.clone();
                let method: Method = method.to_uppercase().parse().unwrap();
                let request = api.request(method, &filled(template, &known)).json(&body);
                let reply = api.send(request).await;
                if refuses(&reply, &pointer) != is_refused {
                    let value: String = value.to_string().chars().take(40).collect();
                    wrong.push(format!("{template} {pointer} {value}: {}", reply.text()));
                }
                tried += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 150, "only {tried}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_queries() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let known = things(&api).await;
    let mut tried = 0;
    for (template, _, operation) in operations(document()) {
        let parameters =
            || operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query");
        let names = ["asset_id", "parent_asset_id"];
        let asset = parameters().filter_map(|p| p["name"].as_str()).find(|name| names.contains(name));
        let mut others =
            asset.map_or(String::new(), |name| format!("&{name}={}", known[name].as_str().unwrap()));
        let required = parameters().filter(|p| p["required"] == true && is(&p["schema"], "string"));
        for name in required.filter_map(|p| p["name"].as_str()).filter(|name| !names.contains(name)) {
            others += &format!("&{name}={}", if name == "format" { "srt" } else { "word" });
        }
        for parameter in parameters().filter(|parameter| is(&parameter["schema"], "integer")) {
            let name = parameter["name"].as_str().unwrap();
            let (on, beyond) = on_and_beyond(resolved(&parameter["schema"]), &json!(null));
            for value in on {
                let reply = api.get(&format!("{}?{name}={value}{others}", filled(template, &known))).await;
                // There are no words, jobs and webhooks here; the parameter is checked before they are looked up.
                let is_missing = template.ends_with("/transcript")
                    || template.ends_with("/export")
                    || ["/jobs/{id}", "/webhooks/{id}/deliveries"].contains(&template);
                if is_missing {
                    assert_ne!(reply.json()["code"], "invalid_query", "{template} {name}={value}");
                } else {
                    let _ = reply.ok();
                }
                tried += 1;
            }
            for value in beyond {
                let reply = api.get(&format!("{}?{name}={value}{others}", filled(template, &known))).await;
                let problem = reply.problem(422, "invalid_query");
                assert!(problem["detail"].as_str().unwrap().contains(name), "{template}: {problem}");
            }
        }
    }
    assert!(tried > 20, "only {tried}");
    server.stop().await;
}
