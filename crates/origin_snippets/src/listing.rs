//! The answer to "what was made of this sound?".

use http_kit::Page;

use crate::store::Listed;
use crate::{BatchResult, Mode, ResultMeta};

/// A page of snippets, each with where it is; what they share is told of the whole.
pub(crate) fn listed(page: Page<Listed>) -> BatchResult {
    let items = page.items;
    let meta = ResultMeta {
        mode: shared(&items, |listed| listed.mode),
        track_id: shared(&items, |listed| listed.track_id.clone()),
        next_cursor: page.next_cursor,
    };
    BatchResult {
        project_id: shared(&items, |listed| listed.project_id.clone()),
        sequence_id: shared(&items, |listed| listed.sequence_id.clone()),
        snippets: items.into_iter().map(Listed::into_snippet).collect(),
        meta,
    }
}

/// The answer to a batch, from its snippets as they were kept.
pub(crate) fn batch(snippets: Vec<Listed>, mode: Mode) -> BatchResult {
    BatchResult {
        project_id: shared(&snippets, |listed| listed.project_id.clone()),
        sequence_id: shared(&snippets, |listed| listed.sequence_id.clone()),
        meta: ResultMeta {
            mode: Some(mode),
            track_id: shared(&snippets, |listed| listed.track_id.clone()),
            next_cursor: None,
        },
        snippets: snippets.into_iter().map(Listed::into_answered).collect(),
    }
}

/// The value that all items have, if they have one.
fn shared<T: PartialEq>(items: &[Listed], field: impl Fn(&Listed) -> T) -> Option<T> {
    let first = field(items.first()?);
    items.iter().all(|item| field(item) == first).then_some(first)
}
