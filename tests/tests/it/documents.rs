//! The examples of `docs/engines`, sent to the real service one after the other.
//!
//! A fenced block ```` ```json POST /path ```` is a request. ```` ```json 200 ```` after it is its answer;
//! ```` ```json 200 GET /path ```` is the answer to a `GET`. In an answer, `"…"` matches any value, a member `"…"`
//! further members, and a last item `"…"` further items; everything else must be present, and equal. `"{{name}}"`
//! binds a name to a value at its first occurrence, and is that value from there on.

#![expect(clippy::panic, reason = "a wrong example fails the test")]

use std::collections::BTreeMap;

use e2e::{Api, Deployment, binary, media};
use serde_json::{Value, json};

const ANY: &str = "…";

/// The names bound in a document, with their values.
pub(crate) type Names = BTreeMap<String, Value>;

/// A fenced block: its line, the text after its fence, and its content.
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) info: String,
    pub(crate) text: String,
}

pub(crate) fn blocks(document: &str) -> Vec<Block> {
    let mut lines = (1..).zip(document.lines());
    let mut blocks = Vec::new();
    while let Some((line, text)) = lines.next() {
        let Some(info) = text.strip_prefix("```") else { continue };
        let body = lines.by_ref().map(|(_, text)| text).take_while(|text| *text != "```");
        let text = body.collect::<Vec<_>>().join("\n");
        blocks.push(Block { line, info: info.trim().to_owned(), text });
    }
    blocks
}

/// Replaces the names in `text` by their values.
fn filled(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| match value {
        Value::String(value) => text.replace(&format!("{{{{{name}}}}}"), value),
        other => text.replace(&format!("\"{{{{{name}}}}}\""), &other.to_string()),
    })
}

/// Compares `found` with `expected`; the error names the position of the difference.
pub(crate) fn compare(expected: &Value, found: &Value, names: &mut Names, at: &str) -> Result<(), String> {
    let differs = || Err(format!("{at}: {found} is not {expected}"));
    match (expected, found) {
        (Value::String(text), _) if text == ANY => Ok(()),
        (Value::String(text), _) if text.starts_with("{{") => {
            let name = text.trim_matches(['{', '}']).to_owned();
            let known = names.entry(name).or_insert_with(|| found.clone());
            if known == found {
                Ok(())
            } else {
                Err(format!("{at}: {found} is not {text}, which is {known}"))
            }
        }
        (Value::Object(expected), Value::Object(members)) => {
            if let Some(more) = members.keys().find(|name| !expected.contains_key(*name))
                && !expected.contains_key(ANY)
            {
                return Err(format!("{at}: {more} is not in the document"));
            }
            for (name, expected) in expected.iter().filter(|(name, _)| *name != ANY) {
                let Some(found) = members.get(name) else {
                    return Err(format!("{at}: no {name} in {found}"));
                };
                compare(expected, found, names, &format!("{at}/{name}"))?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(items)) => {
            let open = expected.last().is_some_and(|last| last == ANY);
            let listed = &expected[..expected.len() - usize::from(open)];
            if items.len() < listed.len() || !open && items.len() > listed.len() {
                return differs();
            }
            let pairs = listed.iter().zip(items).enumerate();
            pairs.into_iter().try_for_each(|(index, (expected, found))| {
                compare(expected, found, names, &format!("{at}/{index}"))
            })
        }
        (Value::Number(expected), Value::Number(number)) => {
            if expected.as_f64() == number.as_f64() {
                Ok(())
            } else {
                differs()
            }
        }
        _ if expected == found => Ok(()),
        _ => differs(),
    }
}

/// Runs the examples of one document; returns the number of compared answers.
async fn run(api: &Api, name: &str, names: &mut Names) -> usize {
    let path = binary::workspace_root().join("docs/engines").join(name);
    let document = std::fs::read_to_string(path).unwrap();
    let (mut reply, mut compared) = (None, 0);
    for Block { line, info, text } in blocks(&document) {
        let place = format!("{name}:{line}");
        let Some(info) = info.strip_prefix("json ") else { continue };
        match *info.split(' ').collect::<Vec<_>>() {
            [method @ ("POST" | "PUT"), path] => {
                let body: Value = serde_json::from_str(&filled(&text, names)).unwrap();
                let path = filled(path, names);
                reply = Some(if method == "POST" {
                    api.post(&path, &body).await
                } else {
                    api.put(&path, &body).await
                });
            }
            [status, ref get @ ..] => {
                if let ["GET", path] = *get {
                    reply = Some(api.get(&filled(path, names)).await);
                }
                let reply = reply.take().unwrap_or_else(|| panic!("{place}: an answer to nothing"));
                assert_eq!(reply.status.to_string(), status, "{place}: {}", reply.text());
                let expected = serde_json::from_str(&filled(&text, names));
                let expected: Value = expected.unwrap_or_else(|error| panic!("{place}: {error}"));
                let same = compare(&expected, &reply.json(), names, "");
                same.unwrap_or_else(|wrong| panic!("{place}: {wrong}"));
                compared += 1;
            }
            [] => unreachable!("splitting gives one part at least"),
        }
    }
    compared
}

/// With the stub backend, whose numbers can be checked by hand.
#[tokio::test(flavor = "multi_thread")]
async fn documented_examples_match_the_answers_of_the_service() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    for (name, least) in [
        ("audio_program/PHASE_P10_audio_to_video_origin.md", 10),
        ("media_program/PHASE_A02_audio_semantic_upgrade.md", 4),
        ("video_audio_atomic_design.md", 4),
        ("origin_snippets.md", 8),
        ("lineage.md", 7),
        ("media_v2.md", 9),
        ("video_timeline.md", 11),
    ] {
        // Each document starts with an upload and uses a tenant of its own.
        let tenant = format!("t{least}_{}", name.len());
        let api = server.api(&tenant, "dev");
        let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
        let mut names = Names::from([
            ("tenant".to_owned(), tenant.into()),
            ("film".to_owned(), film["id"].clone()),
            ("film_uri".to_owned(), film["source_uri"].clone()),
        ]);
        let compared = run(&api, name, &mut names).await;
        assert!(compared >= least, "{name}: only {compared} answers");
    }
    server.stop().await;
}

#[test]
fn compare_finds_wrong_examples() {
    let check = |expected: Value, found: Value| compare(&expected, &found, &mut Names::new(), "");
    assert!(check(json!({"a": 1, "…": "…"}), json!({"a": 1.0, "b": 2})).is_ok());
    assert!(check(json!({"a": 1}), json!({"a": 1, "b": 2})).is_err());
    assert!(check(json!({"a": 1, "…": "…"}), json!({"b": 2})).is_err());
    assert!(check(json!([1, "…"]), json!([1, 2])).is_ok());
    assert!(check(json!([1]), json!([1, 2])).is_err());
    assert!(check(json!(["{{x}}", "{{x}}"]), json!([1, 2])).is_err());
    assert!(check(json!(null), json!(0)).is_err());
}
