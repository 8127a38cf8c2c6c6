//! Multipart forms: bounded memory while they are parsed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use axum::body::Body;
use axum::extract::Request;
use futures::{StreamExt, stream};

/// Maximum number of bytes that the parser may buffer between two results: far more than the headers of a part.
const MAX_UNPARSED: u64 = 4 << 20;

/// Limits what the parser of a multipart form buffers: counts the bytes that it took since its last result.
///
/// The parser (multer 3.1) copies all that is ready into its buffer before it looks at it, and looks for the end
/// of a part's headers without limit. So the body is passed on one piece per poll, and ends in an error when
/// nothing comes of it.
#[derive(Clone, Debug, Default)]
pub struct ParserBudget(Arc<AtomicU64>);

impl ParserBudget {
    /// Wraps the body of `request`.
    #[must_use]
    pub fn wrap(&self, request: Request) -> Request {
        let unparsed = self.0.clone();
        request.map(|body| {
            let mut pieces = body.into_data_stream().map(|piece| piece.map_err(io::Error::other));
            let mut pause = false;
            Body::from_stream(stream::poll_fn(move |context| {
                if std::mem::take(&mut pause) {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let polled = pieces.poll_next_unpin(context);
                if let Poll::Ready(Some(Ok(piece))) = &polled {
                    pause = true;
                    // Checked before this piece is added: a single large piece is not an endless header.
                    if unparsed.fetch_add(piece.len() as u64, Ordering::Relaxed) > MAX_UNPARSED {
                        return Poll::Ready(Some(Err(io::Error::other("the headers of a part do not end"))));
                    }
                }
                polled
            }))
        })
    }

    /// Resets the count: the parser returned a part, or a chunk of one.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
