use anyhow::Context;
use primitives::Id;
use reqwest::{Method, RequestBuilder};
use rmcp::model::JsonObject;

use crate::service_client::ServiceClient;

/// An operation of the service.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// Path with parameters in braces.
    pub(super) path: String,
    /// Names of the parameters of the path.
    pub(super) path_parameters: Vec<String>,
    /// Whether it can answer with a job.
    pub(super) is_heavy: bool,
}

impl Operation {
    /// The request with these arguments: parameters of the path, and the query or the fields of the body. The service
    /// validates all others.
    ///
    /// # Errors
    /// A parameter of the path that is missing, or is no id.
    pub(super) fn request(
        &self,
        service: &ServiceClient,
        mut arguments: JsonObject,
    ) -> anyhow::Result<RequestBuilder> {
        let mut path = self.path.clone();
        for name in &self.path_parameters {
            let value = arguments.remove(name).with_context(|| format!("argument `{name}` is missing"))?;
            let id: Id =
                serde_json::from_value(value).with_context(|| format!("argument `{name}` is no id"))?;
            // Valid ids, but not segments of a URL; no object has them.
            anyhow::ensure!(!matches!(id.as_str(), "." | ".."), "argument `{name}` is no id");
            path = path.replace(&format!("{{{name}}}"), id.as_str());
        }
        let mut request = service.request(self.method.clone(), &path);
        if self.is_heavy {
            request = request.header("prefer", "respond-async");
        }
        Ok(match self.method {
            Method::GET => request.query(&query(&arguments)),
            _ => request.json(&arguments),
        })
    }
}

/// Arguments as parameters of a query; `null` is an absent one.
fn query(arguments: &JsonObject) -> Vec<(&str, String)> {
    let given = arguments.iter().filter(|(_, value)| !value.is_null());
    given
        .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(operation: &Operation, arguments: &Value) -> anyhow::Result<reqwest::Request> {
        let service = ServiceClient::local("http://service/".parse().unwrap(), "t1", "dev").unwrap();
        Ok(operation.request(&service, arguments.as_object().unwrap().clone())?.build()?)
    }

    fn operation(method: Method, path_parameters: &[&str]) -> Operation {
        let path_parameters: Vec<String> = path_parameters.iter().map(|name| (*name).to_owned()).collect();
        let path = path_parameters.iter().map(|name| format!("/{{{name}}}")).collect::<String>();
        Operation {
            is_heavy: method == Method::POST,
            method,
            path: format!("/things{path}"),
            path_parameters,
        }
    }

    #[test]
    fn arguments_become_path_query_and_body() {
        let read = operation(Method::GET, &["id"]);
        let arguments = json!({"id": "a:1", "text": "ä &", "limit": 5, "deep": true, "none": null});
        let url = sent(&read, &arguments).unwrap().url().clone();
        assert_eq!(url.path(), "/things/a:1");
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let has = |name: &str, value: &str| query.contains(&(name.to_owned(), value.to_owned()));
        assert!(has("text", "ä &") && has("limit", "5") && has("deep", "true"), "{query:?}");
        assert_eq!(query.len(), 3);

        let write = operation(Method::POST, &[]);
        let request = sent(&write, &json!({"asset_id": "a", "none": null})).unwrap();
        assert_eq!(request.headers()["prefer"], "respond-async");
        let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
        assert_eq!(body, json!({"asset_id": "a", "none": null}));
    }

    #[test]
    fn ids_cannot_leave_their_segment_of_the_path() {
        let read = operation(Method::GET, &["id"]);
        for wrong in
            [json!({}), json!({"id": 1}), json!({"id": ".."}), json!({"id": "a/../b"}), json!({"id": ""})]
        {
            assert!(sent(&read, &wrong).is_err(), "{wrong}");
        }
    }
}
