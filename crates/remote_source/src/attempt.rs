//! What one request for a file asks for, and what its answer has.

use bytes::Bytes;
use futures::stream::BoxStream;

/// The bytes of an answer; an error is the reason for which they end.
pub(crate) type ByteStream = BoxStream<'static, Result<Bytes, String>>;

/// The rest of a file that is requested.
#[derive(Debug)]
pub(crate) struct Resume {
    pub(crate) offset: u64,
    /// Size of the whole file, if it was declared.
    pub(crate) total: Option<u64>,
    /// Strong ETag of the bytes before.
    pub(crate) etag: String,
}

/// An answer with the file, or with its rest.
pub(crate) struct Opened {
    /// Position of the first byte.
    pub(crate) starts_at: u64,
    /// Size of the whole file, if it is declared.
    pub(crate) total: Option<u64>,
    /// Strong ETag, if there is one.
    pub(crate) etag: Option<String>,
    /// Whether the server is to be asked for bytes beyond the declared size: it answers ranges, and only `Content-Length`
    /// has the size.
    pub(crate) has_ranges: bool,
    pub(crate) bytes: ByteStream,
}
