//! Command `harkback open`: a service on this machine, and its page in the browser.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context;
use reqwest::Method;
use tokio::runtime::Runtime;
use url::Url;

use crate::cli::{OpenArguments, ServiceArguments, UploadArguments};
use crate::config::{self, AuthMode, Config, Role};
use crate::service_client::ServiceClient;
use crate::{log, serve, upload};

const POLL: Duration = Duration::from_millis(200);
/// Maximum time until the service is ready; a new private Postgres takes seconds.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Program that shows an address in the user's browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

pub(crate) fn run(arguments: &OpenArguments, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config = config::load(file, &arguments.flags)?;
    check(arguments, &config)?;
    let opening = Opening::new(arguments, &config)?;
    let runtime = runtime()?;
    if runtime.block_on(opening.is_ready()) {
        runtime.block_on(opening.open())?;
        return Ok(ExitCode::SUCCESS);
    }
    // The service has the main thread, which ends the process; a failure here is printed, and the service goes on.
    std::thread::Builder::new().name("open".to_owned()).spawn(move || {
        if let Err(error) = runtime.block_on(opening.open_when_ready()) {
            log::print_fatal(&error);
        }
    })?;
    serve::serve(&config)
}

fn check(arguments: &OpenArguments, config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.auth == AuthMode::None && config.role != Role::Worker,
        "harkback open needs --auth none and a role that answers calls; otherwise open /app of the service in a browser"
    );
    anyhow::ensure!(config.listen.port() != 0, "harkback open needs a port in --listen");
    for file in &arguments.files {
        anyhow::ensure!(file.is_file(), "there is no file {}", file.display());
    }
    Ok(())
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// What is opened, and where.
struct Opening {
    service: ServiceClient,
    page: Url,
    files: Vec<PathBuf>,
    context: String,
    has_browser: bool,
}

impl Opening {
    fn new(arguments: &OpenArguments, config: &Config) -> anyhow::Result<Self> {
        let listen = config.listen;
        let ip = if listen.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { listen.ip() };
        let base = Url::parse(&format!("http://{}", SocketAddr::new(ip, listen.port())))?;
        let OpenArguments { tenant, env, .. } = arguments;
        Ok(Self {
            service: ServiceClient::local(base.clone(), tenant.as_str(), env.as_str())?,
            page: base.join("/app")?,
            files: arguments.files.clone(),
            context: format!("tenant={tenant}&env={env}"),
            has_browser: !arguments.no_browser,
        })
    }

    async fn is_ready(&self) -> bool {
        self.service.send(self.service.request(Method::GET, "/readyz")).await.is_ok()
    }

    async fn open_when_ready(&self) -> anyhow::Result<()> {
        let ready = async {
            while !self.is_ready().await {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(START_LIMIT, ready).await.context("the service is not ready")?;
        self.open().await
    }

    /// Uploads the files, prints the address of the page, and shows it in the browser: that of the recording, if it is
    /// one.
    async fn open(&self) -> anyhow::Result<()> {
        let described = UploadArguments {
            files: Vec::new(),
            kind: None,
            tags: Vec::new(),
            source_ref: None,
            json: false,
            service: ServiceArguments { url: self.page.clone(), key: None, tenant: None, env: None },
        };
        let mut assets = Vec::new();
        for file in &self.files {
            let asset = upload::upload(&self.service, &described, file).await;
            assets.push(asset.with_context(|| file.display().to_string())?);
        }
        let mut page = self.page.clone();
        page.set_fragment(Some(&fragment(&assets, &self.context)));
        writeln!(std::io::stdout(), "{page}")?;
        if self.has_browser {
            show(&page);
        }
        Ok(())
    }
}

/// The state of the page: one recording, which it analyses, or the list of all.
fn fragment(assets: &[String], context: &str) -> String {
    match assets {
        [asset] => format!("view=recording&asset={asset}&new=1&{context}"),
        _ => context.to_owned(),
    }
}

/// Shows the page in the browser; where there is none, the printed address remains. The program may run as long as the
/// browser, so this does not wait for it.
fn show(page: &Url) {
    let mut command = Command::new(OPENER);
    command.arg(page.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(mut browser) => drop(std::thread::spawn(move || browser.wait())),
        Err(_) => tracing::info!(%page, "no browser was found; open the page"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_opens_as_a_recording_and_several_as_the_list() {
        let context = "tenant=demo&env=dev";
        assert_eq!(fragment(&[], context), context);
        assert_eq!(
            fragment(&["asset_1".to_owned()], context),
            "view=recording&asset=asset_1&new=1&tenant=demo&env=dev"
        );
        assert_eq!(fragment(&["asset_1".to_owned(), "asset_2".to_owned()], context), context);
    }
}
