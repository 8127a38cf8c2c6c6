//! Mutated bodies of the document's operations: refused with a reason, never a 5xx. `make mutants-http` sends many
//! more.

use e2e::{Api, Deployment, document};
use reqwest::Method;
use serde_json::{Value, json};

const BODIES: usize = 600;

/// Replacements for a value.
const TEXTS: [&str; 24] = [
    "null",
    "true",
    "-1",
    "0.0001",
    "1e308",
    "1e400",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "NaN",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\u{1f600}\u{202e}\u{301}\"",
    "\"../../etc/passwd\"",
    "\"a|b\"",
    "\"t_unknown\"",
    "\"file:///etc/passwd\"",
    "\"blob://sha256/0000\"",
    "[]",
    "{}",
    "[null]",
    "{\"\":0}",
    "{\"a\":1,\"a\":2}",
];

/// xorshift64*: the same choices in every run.
pub(crate) struct Choice(pub(crate) u64);

impl Choice {
    /// A number below `count`, which is not 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % count
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A value of the schema, with existing ids.
fn value(schema: &Value, name: &str, ids: &Value, choice: &mut Choice, depth: usize) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        let schema = document::document().pointer(&path[1..]).unwrap();
        return value(schema, name, ids, choice, depth + 1);
    }
    if let Some(id) = ids.get(name) {
        return id.clone();
    }
    for way in ["oneOf", "anyOf"] {
        if let Some(ways) = schema[way].as_array() {
            return value(choice.one(ways), name, ids, choice, depth + 1);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(|part| value(part, name, ids, choice, depth + 1));
        return parts
            .filter_map(|part| part.as_object().cloned())
            .flatten()
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    if let Some(values) = schema["enum"].as_array() {
        return choice.one(values).clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
    match kind {
        "boolean" => true.into(),
        "integer" | "number" => choice.below(1_000).into(),
        "string" => schema.get("example").cloned().unwrap_or_else(|| "a".into()),
        "array" if depth < 8 => json!([value(&schema["items"], name, ids, choice, depth + 1)]),
        "array" => json!([]),
        _ => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let fields = schema["properties"].as_object().into_iter().flatten().filter(|(field, _)| {
                let is_context = ["tenant_id", "env", "user_id"].contains(&field.as_str());
                required.contains(&Value::from(field.as_str())) || (!is_context && depth < 8)
            });
            let fields: Vec<_> = fields.collect();
            let made = fields
                .into_iter()
                .map(|(field, schema)| (field.clone(), value(schema, field, ids, choice, depth + 1)));
            Value::Object(made.collect())
        }
    }
}

/// The body with one of its values replaced, and occasionally with broken syntax.
fn mutate(body: &Value, choice: &mut Choice) -> Vec<u8> {
    let text = body.to_string();
    let starts: Vec<usize> = text.match_indices([':', '[']).map(|(at, _)| at + 1).collect();
    let Some(start) = (!starts.is_empty()).then(|| *choice.one(&starts)) else { return text.into() };
    let mut rest = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
    let length = rest.next().and_then(Result::ok).map_or(0, |_| rest.byte_offset());
    let deep = "[".repeat(70) + &"]".repeat(70);
    let other = if choice.below(12) == 0 { deep.as_str() } else { *choice.one(&TEXTS) };
    let mut mutated = [&text[..start], other, &text[start + length..]].concat().into_bytes();
    let at = choice.below(mutated.len());
    match choice.below(16) {
        0 => mutated.truncate(at),
        1 => mutated[at] = 0xff,
        2 => mutated.push(b'}'),
        _ => {}
    }
    mutated
}

async fn things(api: &Api) -> Value {
    let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
    let asset = api.upload_bytes("a.bin", vec![1; 100], &[]).await.ok();
    let hit = json!({"kind": "audio_hit", "uri": "mem:a", "start_ms": 0, "end_ms": 500});
    let hit = api.post(&format!("/media-v2/assets/{}/artifacts", id(&asset)), &hit).await.ok();
    let made = json!({
        "project": {"new": {"title": "e2e"}}, "sequence": {"name": "s"}, "track": {"kind": "video", "label": "t"},
        "clips": [{"asset_id": asset["id"], "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0}]
    });
    let made = api.post("/video/timelines", &made).await.ok();
    let (asset, hit, project) = (id(&asset), id(&hit), id(&made["project"]));
    json!({
        "asset_id": asset, "source_asset_id": asset, "parent_asset_id": asset, "artifact_id": hit,
        "audio_artifact_id": hit, "kick": hit, "project_id": project, "attach_to_project_id": project,
        "sequence_id": id(&made["sequence"]), "track_id": id(&made["track"]), "clip_id": id(&made["clips"][0]),
        "id": asset, "dry_run": true, "template_id": "four_on_the_floor", "render_profile": "draft_480p_fast",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn mutated_bodies_never_cause_a_server_error() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let ids = things(&api).await;
    let schema =
        |operation: &'static Value| operation.pointer("/requestBody/content/application~1json/schema");
    let operations: Vec<_> = document::operations(document::document())
        .filter_map(|(path, method, operation)| Some((path, method, schema(operation)?)))
        .filter(|(path, ..)| !path.starts_with("/webhooks"))
        .collect();
    assert!(operations.len() > 20, "{}", operations.len());
    let mut choice = Choice(0x5eed);
    let mut refused = 0;
    for number in 0..BODIES {
        let (path, method, schema) = operations[number % operations.len()];
        let body = mutate(&value(schema, "", &ids, &mut choice, 0), &mut choice);
        let filled = ids.as_object().unwrap().iter().fold(path.to_owned(), |path, (name, id)| {
            path.replace(&format!("{{{name}}}"), id.as_str().unwrap_or_default())
        });
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let request = api.request(method, &filled).header("content-type", "application/json");
        // [`Api::send`] also checks the answer's status, code and shape against the document.
        let reply = api.send(request.body(body.clone())).await;
        assert!(reply.status < 500, "{path} {}: {}", String::from_utf8_lossy(&body), reply.text());
        refused += usize::from(reply.status >= 400);
    }
    assert!(refused > BODIES / 2 && refused < BODIES, "{refused} of {BODIES} were refused");
    server.stop().await;
}
