//! The OpenAPI document, and the check that answers conform to it.
//!
//! [`Api`](crate::Api) checks every answer that a test gets.

mod closed;
mod request;

use std::process::Command;
use std::sync::OnceLock;

use reqwest::Method;
use serde_json::Value;

use self::closed::ClosedSchemas;
pub use self::request::check_request;
use crate::{Reply, binary};

/// The output of `harkback openapi`, parsed.
///
/// # Panics
/// When the output is not JSON.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let output = Command::new(binary::path()).arg("openapi").output().expect("running harkback");
        serde_json::from_slice(&output.stdout).expect("the document is JSON")
    })
}

/// All operations of the document: path, method in lower case, and the operation itself.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("a document has paths");
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("a path has operations");
        methods.iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Resolves a `$ref` of the document, or returns the value itself.
///
/// # Panics
/// When the reference leads nowhere.
#[must_use]
pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => resolved(document().pointer(&reference[1..]).expect("a part of the document")),
        None => value,
    }
}

/// Checks that an answer conforms to the document; answers of routes that the document lacks pass.
///
/// # Errors
/// What differs: the status, code or media type, or the part of the body that violates its schema.
pub fn check(method: &Method, path: &str, reply: &Reply) -> Result<(), String> {
    static ANSWERS: OnceLock<Answers> = OnceLock::new();
    let Some((template, method, operation)) = find(document(), method, path) else { return Ok(()) };
    let answers = ANSWERS.get_or_init(|| Answers::of(document()));
    answers.check(operation, reply).map_err(|wrong| format!("{method} {template}: {wrong}"))
}

/// The operation whose path has the most literal segments: `/by-clip/{id}` before `/{id}/{form}`.
fn find<'a>(document: &'a Value, method: &Method, path: &str) -> Option<(&'a str, &'a str, &'a Value)> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let words: Vec<&str> = template.split('/').collect();
        let same = |(word, part): (&&str, &&str)| word.starts_with('{') || word == part;
        words.len() == parts.len() && words.iter().zip(&parts).all(same)
    };
    operations(document)
        .filter(|(template, name, _)| fits(template) && name.eq_ignore_ascii_case(method.as_str()))
        .min_by_key(|(template, ..)| template.matches('{').count())
}

/// Schemas of all answers.
struct Answers(ClosedSchemas);

impl Answers {
    fn of(document: &Value) -> Self {
        let contents = operations(document)
            .flat_map(|(_, _, operation)| operation["responses"].as_object().expect("responses").values())
            .filter_map(|response| response["content"].as_object())
            .flatten();
        let all = contents
            .filter(|(media_type, _)| media_type.ends_with("json"))
            .map(|(_, content)| content["schema"].clone());
        Self(ClosedSchemas::compile(document, all.collect()))
    }

    fn check(&self, operation: &Value, reply: &Reply) -> Result<(), String> {
        let status = reply.status.to_string();
        let responses = &operation["responses"];
        let is_error = reply.status >= 400;
        let response = match responses.get(&status) {
            Some(response) => response,
            None if is_error => &responses["default"],
            None => return Err(format!("{status} is not in the document")),
        };
        let Some(content) = response["content"].as_object() else {
            return if reply.body.is_empty() { Ok(()) } else { Err(format!("{status} has no body")) };
        };
        let content_type = reply.header("content-type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default();
        let Some(content) = content.get(media_type).or_else(|| content.get("*/*")) else {
            return Err(format!("{status} is not documented as {content_type:?}"));
        };
        if !media_type.ends_with("json") {
            return Ok(());
        }
        let body = reply.json();
        self.0.check(&content["schema"], &body).map_err(|error| format!("{status}: {error}"))?;
        let code = format!("`{}`", code_of(&body));
        if is_error && !response["description"].as_str().is_some_and(|text| text.contains(&code)) {
            return Err(format!("{status} {code} is not in the document"));
        }
        Ok(())
    }
}

/// The code of a problem document, or of an error in OpenAI's format.
fn code_of(body: &Value) -> &str {
    body["code"].as_str().or_else(|| body["error"]["code"].as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, media_type: &'static str, body: &Value) -> Reply {
        let headers = [(reqwest::header::CONTENT_TYPE, media_type.parse().expect("a header"))];
        Reply { status, headers: headers.into_iter().collect(), body: body.to_string().into() }
    }

    fn answers_to(reply: &Reply) -> Result<(), String> {
        let answer = json!({"$ref": "#/components/schemas/Part"});
        let problem =
            json!({"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}});
        let operation = json!({"responses": {
            "200": {"description": "", "content": {"application/json": {"schema": answer}}},
            "404": {"description": "`part_not_found`", "content": {"application/problem+json": {"schema": problem}}},
            "204": {"description": ""},
        }});
        let part = json!({"allOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
            {"type": "object", "properties": {"meta": {"type": "object"}}},
        ]});
        let document = json!({
            "paths": {"/parts/{id}": {"get": operation}}, "components": {"schemas": {"Part": part}}
        });
        let (.., operation) = find(&document, &Method::GET, "/parts/1").expect("there is one");
        Answers::of(&document).check(operation, reply)
    }

    #[test]
    fn check_finds_wrong_answers() {
        let json = "application/json";
        assert_eq!(answers_to(&reply(200, json, &json!({"a": 1, "meta": {"any": 1}}))), Ok(()));
        for wrong in [
            reply(200, json, &json!({"a": "1"})),
            reply(200, json, &json!({})),
            reply(200, json, &json!({"a": 1, "b": 2})),
            reply(200, "text/html", &json!({"a": 1})),
            reply(201, json, &json!({"a": 1})),
            reply(204, json, &json!({"a": 1})),
            reply(404, "application/problem+json", &json!({"code": "lost"})),
        ] {
            assert!(answers_to(&wrong).is_err(), "{wrong:?}");
        }
        let lost = reply(404, "application/problem+json", &json!({"code": "part_not_found"}));
        assert_eq!(answers_to(&lost), Ok(()));
    }
}
