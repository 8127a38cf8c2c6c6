//! The trace that a call belongs to, by the W3C's Trace Context (<https://www.w3.org/TR/trace-context/>).

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use tracing::Span;

/// Header `traceparent`: a trace, and the parent span of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent(String);

/// Error for a text that is not a valid [`TraceParent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent: expected `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`")]
pub struct InvalidTraceParent;

impl TraceParent {
    /// Name of the header.
    pub const HEADER: &'static str = "traceparent";

    /// The trace parent of a call; `None` where the header is missing, invalid, or repeated.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let value = values.next()?.to_str().ok()?.parse().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The trace id: 32 hex digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.0[3..35]
    }

    /// Makes `span`, which must not be entered yet, a child of `parent`. Returns the parent for work that the span
    /// starts in another process: with the feature `otlp` the span itself, else `parent`.
    #[must_use]
    pub fn continue_in(parent: Option<Self>, span: &Span) -> Option<Self> {
        let own = continued(parent, span);
        if let Some(own) = &own {
            span.record("trace_id", own.trace_id());
        }
        own
    }
}

#[cfg(not(feature = "otlp"))]
fn continued(parent: Option<TraceParent>, _span: &Span) -> Option<TraceParent> {
    parent
}

#[cfg(feature = "otlp")]
fn continued(parent: Option<TraceParent>, span: &Span) -> Option<TraceParent> {
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    if let Some(TraceParent(text)) = &parent
        && let (Ok(trace), Ok(span_id)) = (TraceId::from_hex(&text[3..35]), SpanId::from_hex(&text[36..52]))
    {
        let flags = u8::from_str_radix(&text[53..55], 16).map_or(TraceFlags::SAMPLED, TraceFlags::new);
        let remote = SpanContext::new(trace, span_id, flags, true, TraceState::NONE);
        // Fails where no traces are exported.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote));
    }
    let context = span.context();
    let own = context.span().span_context().clone();
    if !own.is_valid() {
        return parent;
    }
    let (trace, span_id, flags) = (own.trace_id(), own.span_id(), own.trace_flags().to_u8());
    Some(TraceParent(format!("00-{trace}-{span_id}-{flags:02x}")))
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    /// Reads only the fields that all versions share, also of a later version.
    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let is_hex = |part: &str, length| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
        let mut parts = text.split('-');
        let mut next = || parts.next().unwrap_or("");
        let (version, trace, span, flags) = (next(), next(), next(), next());
        let is_valid = is_hex(version, 2)
            && version != "ff"
            && is_id(trace, 32)
            && is_id(span, 16)
            && is_hex(flags, 2)
            && (version != "00" || parts.next().is_none());
        is_valid.then(|| Self(format!("00-{trace}-{span}-{flags}"))).ok_or(InvalidTraceParent)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn traceparent_accepts_valid_and_later_versions_only() {
        let valid = format!("00-{TRACE}-b7ad6b7169203331-01");
        let read: TraceParent = valid.parse().unwrap();
        assert_eq!((read.trace_id(), read.to_string()), (TRACE, valid.clone()));
        let later: TraceParent = format!("01-{TRACE}-b7ad6b7169203331-01-more").parse().unwrap();
        assert_eq!(later, read);
        let zeros = "0".repeat(32);
        for invalid in [
            String::new(),
            format!("{valid}-more"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{zeros}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            valid.to_uppercase(),
            valid.replace("b7", "ü"),
        ] {
            assert_eq!(invalid.parse::<TraceParent>(), Err(InvalidTraceParent), "{invalid}");
        }
    }

    #[test]
    fn repeated_traceparent_is_ignored() {
        let mut headers = HeaderMap::new();
        let value = || format!("00-{TRACE}-b7ad6b7169203331-01").parse().unwrap();
        headers.append(TraceParent::HEADER, value());
        assert!(TraceParent::of(&headers).is_some());
        headers.append(TraceParent::HEADER, value());
        assert_eq!(TraceParent::of(&headers), None);
    }
}
