use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let usage = Usage::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    T::deserialize(Strict::new(&mut reader, &usage)).map_err(|error| error.to_string())
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clip {
    start: u32,
    offset: Option<i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    New(Clip),
    Old { id: String },
}

#[test]
fn integers_may_be_written_as_integral_floats() {
    assert_eq!(read(r#"{"start": 2.0, "offset": -3e0}"#), Ok(Clip { start: 2, offset: Some(-3) }));
    assert_eq!(read(r#"{"start": 2, "offset": null}"#), Ok(Clip { start: 2, offset: None }));
    for wrong in ["2.5", "-1.0", "1e300", "4294967296.0", "\"2\"", "null"] {
        assert!(read::<Clip>(&format!(r#"{{"start": {wrong}}}"#)).is_err(), "{wrong}");
    }
    assert_eq!(read::<Value>("[2.0, 2]").unwrap().to_string(), "[2.0,2]", "free values stay as they are");
}

#[test]
fn arrays_are_not_objects() {
    assert!(read::<Clip>("[2, 3]").unwrap_err().starts_with("invalid type: sequence"));
    assert!(read::<Vec<Clip>>("[[2, 3]]").is_err());
    assert!(read::<Target>(r#"{"new": [2, 3]}"#).is_err());
    assert!(read::<Target>(r#"{"old": ["a"]}"#).is_err());
    assert_eq!(read(r#"{"old": {"id": "a"}}"#), Ok(Target::Old { id: "a".to_owned() }));
    assert_eq!(read::<(u32, f64)>("[2, 3]"), Ok((2, 3.0)));
}

#[test]
fn duplicate_keys_are_refused_at_any_depth() {
    for text in [r#"{"a": 1, "a": 2}"#, r#"{"a": 1, "\u0061": 2}"#, r#"{"b": [{"a": 1, "c": {}, "a": 1}]}"#] {
        assert!(read::<Value>(text).unwrap_err().contains("duplicate"), "{text}");
    }
    assert!(read::<Clip>(r#"{"start": 1, "start": 2}"#).is_err());
    assert!(read::<Value>(r#"{"a": {"a": 1}, "b": {"a": 1}}"#).is_ok());
}

#[test]
fn depth_and_values_have_limits() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read::<Value>(&nested(MAX_DEPTH)).is_ok());
    assert!(read::<Value>(&nested(MAX_DEPTH + 1)).unwrap_err().contains("nested deeper"));
    let list = |length: usize| format!("[{}0]", "0,".repeat(length - 1));
    assert!(read::<Value>(&list(MAX_FREE_VALUES - 1)).is_ok());
    assert!(read::<Value>(&list(MAX_FREE_VALUES)).unwrap_err().contains("free form"));
    assert!(read::<Vec<u8>>(&list(MAX_FREE_VALUES)).is_ok(), "typed values have the higher limit");
    assert!(read::<Vec<u8>>(&list(MAX_VALUES)).unwrap_err().contains("more than 1000000 values"));
}
