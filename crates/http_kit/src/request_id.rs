use http::Extensions;

/// The id of a call, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(String);

impl RequestId {
    /// The id of a call that does not pass [`boundary`](crate::boundary::layer): a job's.
    #[must_use]
    pub const fn new(id: String) -> Self {
        Self(id)
    }

    /// The id in `extensions`, or an empty string outside [`boundary`](crate::boundary::layer).
    #[must_use]
    pub fn of(extensions: &Extensions) -> &str {
        extensions.get::<Self>().map_or("", |id| id.0.as_str())
    }
}
