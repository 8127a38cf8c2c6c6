use serde_json::{Value, json};

use super::*;

fn pointers(result: Result<(), Error>) -> Vec<String> {
    match result {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
        _ => Vec::new(),
    }
}

fn supercut(body: Value) -> Vec<String> {
    pointers(serde_json::from_value::<Supercut>(body).unwrap().check())
}

#[test]
fn supercut_has_windows_or_a_phrase() {
    let window = json!({"asset_id": "a", "start_ms": 0, "end_ms": 1});
    let none: [&str; 0] = [];
    assert_eq!(supercut(json!({"windows": [window]})), none);
    assert_eq!(supercut(json!({"q": "hark back", "asset_ids": ["a"]})), none);
    assert_eq!(supercut(json!({})), ["/windows"]);
    assert_eq!(supercut(json!({"q": "hark"})), none);
    assert_eq!(supercut(json!({"windows": [window], "asset_ids": ["a"]})), ["/asset_ids"]);
    assert_eq!(supercut(json!({"q": "…!", "asset_ids": ["a"]})), ["/q"]);
    assert_eq!(supercut(json!({"windows": []})), ["/windows"]);
    let reversed = json!({"asset_id": "a", "start_ms": 5, "end_ms": 5});
    assert_eq!(
        supercut(json!({"windows": [window, reversed], "padding_ms": -1})),
        ["/padding_ms", "/windows/1/end_ms"]
    );
}

#[test]
fn cut_to_music_requires_a_seed_to_shuffle() {
    let check = |body: Value| pointers(serde_json::from_value::<CutToMusic>(body).unwrap().check());
    let body =
        |order: &str, sources: Value| json!({"music_asset_id": "m", "order": order, "sources": sources});
    let source = json!({"asset_id": "a"});
    assert_eq!(check(body("shuffled", json!([source]))), ["/seed"]);
    assert_eq!(check(body("given", json!([]))), ["/sources"]);
    let negative = json!([{"asset_id": "a", "start_ms": -1, "end_ms": 2}]);
    assert_eq!(check(body("energy", negative)), ["/sources/0/start_ms"]);
}

#[test]
fn remove_silence_has_defaults_and_limits() {
    let read = |body: Value| serde_json::from_value::<RemoveSilence>(body).unwrap();
    let request = read(json!({"asset_id": "a", "margin_ms": null}));
    assert_eq!(request.margin, MediaTime::from_millis(100));
    assert_eq!(request.min_silence, MediaTime::from_millis(500));
    let request = read(json!({"asset_id": "a", "margin_ms": 10_001, "min_silence_ms": 49}));
    assert_eq!(pointers(request.check()), ["/margin_ms", "/min_silence_ms"]);
}
