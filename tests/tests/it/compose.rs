//! `packaging/compose.yaml`: the program accepts its settings, they agree with each other, and an api process and workers
//! with these settings run a job.

use std::collections::{BTreeMap, BTreeSet};

use e2e::{Deployment, Server, binary, media};
use fake_s3::FakeS3;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::analysis::ANALYZE;
use crate::jobs::{accepted, id};

/// Services that run the program.
const SERVICES: [&str; 2] = ["api", "worker"];

/// Values of nested mappings by their path, such as `services/api/environment/HARKBACK_ROLE`; items of lists are left
/// out.
struct ComposeFile(BTreeMap<String, String>);

impl ComposeFile {
    fn read() -> Self {
        let file = binary::workspace_root().join("packaging/compose.yaml");
        Self(values(&std::fs::read_to_string(file).unwrap()))
    }

    fn value(&self, path: &str) -> &str {
        self.0.get(path).map(String::as_str).ok_or_else(|| format!("no {path}")).unwrap()
    }

    /// Environment of a service of the program: the shared one, and its own.
    fn environment(&self, service: &str) -> BTreeMap<String, String> {
        assert_eq!(self.value(&format!("services/{service}/<<")), "*harkback");
        assert_eq!(self.value(&format!("services/{service}/environment/<<")), "*environment");
        let own = format!("services/{service}/environment/");
        let mut environment = BTreeMap::new();
        for prefix in ["x-harkback/environment/", own.as_str()] {
            for (path, value) in &self.0 {
                if let Some(name) = path.strip_prefix(prefix).filter(|name| *name != "<<") {
                    environment.insert(name.to_owned(), value.clone());
                }
            }
        }
        environment
    }
}

/// Reads the subset of YAML that the file uses: mappings by indentation, and values on the line of their key.
fn values(text: &str) -> BTreeMap<String, String> {
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut values = BTreeMap::new();
    for line in text.lines() {
        let content = line.trim_start();
        if content.starts_with(['#', '-']) {
            continue;
        }
        let Some((key, value)) = content.split_once(':') else { continue };
        let indentation = line.len() - content.len();
        path.retain(|(outer, _)| *outer < indentation);
        path.push((indentation, key));
        let keys: Vec<&str> = path.iter().map(|(_, key)| *key).collect();
        values.insert(keys.join("/"), value.trim().trim_matches('"').to_owned());
    }
    values
}

/// Environment variables of the flags of a command.
async fn accepted_variables(command: &str) -> BTreeSet<String> {
    let output = binary::command([command, "--help"]).output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    help.split("[env: ").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn compose_file_has_accepted_variables_and_values_that_agree() {
    let file = ComposeFile::read();
    let accepted = accepted_variables("serve").await;
    assert!(accepted.len() > 30, "{accepted:?}");
    assert_eq!(
        (file.value("x-harkback"), file.value("x-harkback/environment")),
        ("&harkback", "&environment")
    );
    for service in SERVICES {
        let environment = file.environment(service);
        assert_eq!(environment["HARKBACK_ROLE"], service);
        // Variables of the object store are read under the names of its vendor.
        let own = environment.keys().filter(|name| !name.starts_with("AWS_"));
        let unknown: Vec<_> = own.filter(|name| !accepted.contains(*name)).collect();
        assert!(unknown.is_empty(), "`harkback serve` has no {unknown:?}");
        let command = format!("services/{service}/command");
        assert!(!file.0.contains_key(&command), "the image's command is `serve`");

        let postgres = |name: &str| file.value(&format!("services/postgres/environment/POSTGRES_{name}"));
        let [user, password, database] = ["USER", "PASSWORD", "DB"].map(postgres);
        assert_eq!(environment["DATABASE_URL"], format!("postgres://{user}:{password}@postgres/{database}"));
        assert_eq!(environment["AWS_ACCESS_KEY_ID"], file.value("services/s3/environment/MINIO_ROOT_USER"));
        assert_eq!(
            environment["AWS_SECRET_ACCESS_KEY"],
            file.value("services/s3/environment/MINIO_ROOT_PASSWORD")
        );
    }
    let image = std::fs::read_to_string(binary::workspace_root().join("packaging/Dockerfile")).unwrap();
    assert!(image.contains("ENTRYPOINT [\"harkback\"]\nCMD [\"serve\"]\n"), "{image}");
}

/// Starts a process of a service, on the deployment's database and `s3`.
async fn start(file: &ComposeFile, service: &str, deployment: &Deployment, s3: &FakeS3) -> Server {
    let mut environment = file.environment(service);
    environment.insert("DATABASE_URL".to_owned(), deployment.database().url());
    environment.insert("AWS_ENDPOINT".to_owned(), s3.endpoint().to_owned());
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    deployment.start_with(&environment).await
}

/// The key that `keys create` prints, run with the environment of the api process.
async fn create_key(file: &ComposeFile, deployment: &Deployment) -> String {
    let output = binary::command(["keys", "create", "--tenant", "me", "--env", "dev"])
        .envs(file.environment("api"))
        .env("DATABASE_URL", deployment.database().url())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.split_whitespace().find(|word| word.starts_with("hb_")).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn compose_file_runs_a_job_on_an_api_process_and_two_workers() {
    let (file, deployment) = (ComposeFile::read(), Deployment::new().await);
    let s3 = FakeS3::start().unwrap();
    let front = start(&file, "api", &deployment, &s3).await;
    let replicas = file.value("services/worker/deploy/replicas");
    assert_eq!(replicas, "2");
    let first = start(&file, "worker", &deployment, &s3).await;
    let second = start(&file, "worker", &deployment, &s3).await;

    let key = create_key(&file, &deployment).await;
    let api = front.api("me", "dev");
    let request = |method, path: &str| -> RequestBuilder { api.request(method, path).bearer_auth(&key) };
    api.get("/media-v2/assets").await.problem(401, "unauthorized");
    let bytes = std::fs::read(media::fixture("digits.wav")).unwrap();
    let form = Form::new().part("file", Part::bytes(bytes.clone()).file_name("digits.wav"));
    let asset = api.send(request(Method::POST, "/media-v2/assets").multipart(form)).await.id();
    let analysis = request(Method::POST, ANALYZE).header("prefer", "respond-async, wait=0");
    let job = accepted(&api.send(analysis.json(&json!({"asset_id": asset}))).await);
    let done = api.send(request(Method::GET, &format!("/jobs/{}?wait=60", id(&job)))).await.ok();
    assert_eq!(done["state"], "succeeded", "{done}");
    let content = api.send(request(Method::GET, &format!("/media-v2/assets/{asset}/content"))).await;
    assert_eq!((content.status, content.body == bytes), (200, true));
    assert!(s3.objects() >= 2, "the upload and its timeline are in the object store");
    for process in [first, second, front] {
        process.stop().await;
    }
}
