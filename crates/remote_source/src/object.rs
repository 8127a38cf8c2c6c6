//! Files in object stores.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore};

use crate::RemoteError;
use crate::attempt::{Opened, Resume};
use crate::error::Failure;

/// Opens an object, or the rest of it. Errors of the store go to the log: they may name the operator's settings.
pub(crate) async fn open(
    store: &Arc<dyn ObjectStore>,
    key: &Path,
    resume: Option<&Resume>,
) -> Result<Opened, Failure> {
    // Where the size is unknown, the object is read from its beginning.
    let rest = resume.and_then(|resume| Some((resume.offset..resume.total?, &resume.etag)));
    let options = match rest {
        Some((range, etag)) => GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: Some(etag.clone()),
            ..GetOptions::default()
        },
        None => GetOptions::default(),
    };
    let found = store.get_opts(key, options).await.map_err(failure)?;
    Ok(Opened {
        starts_at: found.range.start,
        total: Some(found.meta.size),
        etag: found.meta.e_tag.clone(),
        // The size is that of the store's own record of the object.
        has_ranges: false,
        bytes: found.into_stream().map_err(interrupted).boxed(),
    })
}

fn failure(error: Error) -> Failure {
    match error {
        Error::NotFound { .. } => RemoteError::Unreadable("no such object".to_owned()).into(),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            tracing::warn!(%error, "an object store refuses a source");
            let detail = "the object store refuses access; operator: see the log, and check the credentials";
            RemoteError::Unreadable(detail.to_owned()).into()
        }
        Error::Precondition { .. } | Error::NotModified { .. } => RemoteError::Changed.into(),
        error => {
            tracing::warn!(%error, "an object store fails");
            Failure::transient(RemoteError::Unavailable("the object store fails".to_owned()))
        }
    }
}

fn interrupted(error: Error) -> String {
    tracing::warn!(%error, "an object store fails during a read");
    "the object store fails".to_owned()
}
