//! Log lines on standard error; with the feature `otlp`, traces for an OpenTelemetry collector.

use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tracing_subscriber::layer::Layered;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::{Config, LogFormat};

/// Whether fatal errors are log lines, as in a JSON log.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Prints the error that ends the program.
pub(crate) fn print_fatal(error: &anyhow::Error) {
    if IS_JSON.load(Ordering::Relaxed) && tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(error = format!("{error:#}"), "fatal");
        return;
    }
    #[expect(clippy::print_stderr, reason = "the command line's own error message")]
    {
        eprintln!("error: {error:#}");
    }
}

/// Keeps traces going; dropping it sends those that wait. Drop it outside of the async runtime.
#[must_use]
pub(crate) struct Traces {
    #[cfg(feature = "otlp")]
    _exporter: Option<otlp::Exporter>,
}

/// Passes what the log filter passes.
type Filtered = Layered<EnvFilter, Registry>;

/// Starts the log of this process.
///
/// # Errors
/// An invalid filter; with traces, an exporter that cannot be built.
pub(crate) fn start(config: &Config) -> anyhow::Result<Traces> {
    let filter = EnvFilter::try_new(&config.log).context("the log filter is not valid")?;
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let lines: Box<dyn Layer<Filtered> + Send + Sync> = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            IS_JSON.store(true, Ordering::Relaxed);
            // The list of spans has the current one.
            lines.json().with_current_span(false).boxed()
        }
    };
    // One filter of all: filters of single layers lose events after a check of the `log` crate that no record follows.
    let filtered: Filtered = tracing_subscriber::registry().with(filter);
    #[cfg(feature = "otlp")]
    let traces = {
        let exporter = otlp::Exporter::of_environment()?;
        let spans = exporter.as_ref().map(otlp::Exporter::layer);
        filtered.with(lines).with(spans).init();
        Traces { _exporter: exporter }
    };
    #[cfg(not(feature = "otlp"))]
    let traces = {
        filtered.with(lines).init();
        Traces {}
    };
    // A caught panic (a decoder on a hostile file) is one line, without a backtrace.
    std::panic::set_hook(Box::new(|panic| tracing::warn!(%panic, "panicked")));
    Ok(traces)
}

#[cfg(feature = "otlp")]
mod otlp {
    use anyhow::Context as _;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::Subscriber;
    use tracing_subscriber::Layer;
    use tracing_subscriber::registry::LookupSpan;

    /// Sends spans in the background.
    pub(super) struct Exporter(SdkTracerProvider);

    impl Exporter {
        /// An exporter to the collector that OpenTelemetry's own variables configure; `None` without them.
        pub(super) fn of_environment() -> anyhow::Result<Option<Self>> {
            let endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
            if endpoints.iter().all(|name| std::env::var_os(name).is_none()) {
                return Ok(None);
            }
            let json = std::env::var("OTEL_EXPORTER_OTLP_PROTOCOL").is_ok_and(|name| name == "http/json");
            let protocol = if json {
                opentelemetry_otlp::Protocol::HttpJson
            } else {
                opentelemetry_otlp::Protocol::HttpBinary
            };
            let exporter = SpanExporter::builder().with_http().with_protocol(protocol).build();
            let exporter =
                exporter.context("traces cannot be exported: look at OTEL_EXPORTER_OTLP_ENDPOINT")?;
            let mut resource = Resource::builder();
            if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
                resource = resource.with_service_name("harkback");
            }
            let provider = SdkTracerProvider::builder().with_resource(resource.build());
            Ok(Some(Self(provider.with_batch_exporter(exporter).build())))
        }

        /// A layer that converts tracing's spans to OpenTelemetry's.
        pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
            let tracer = self.0.tracer("harkback");
            tracing_opentelemetry::layer().with_tracer(tracer)
        }
    }

    impl Drop for Exporter {
        fn drop(&mut self) {
            if let Err(error) = self.0.shutdown() {
                tracing::warn!(%error, "the last traces were not sent");
            }
        }
    }
}
