//! Builds the listing of an artifact's snippets, and the repeated response to a batch.

use primitives::Page;

use crate::store::StoredSnippet;
use crate::{BatchResult, Mode, ResultMeta};

/// A page of snippets, each with its project, sequence and track; values that all share are also set for the page.
pub(crate) fn listed(page: Page<StoredSnippet>) -> BatchResult {
    let items = page.items;
    let meta = ResultMeta {
        mode: shared(&items, |listed| listed.mode),
        track_id: shared(&items, |listed| listed.track_id.clone()),
        next_cursor: page.next_cursor,
    };
    BatchResult {
        project_id: shared(&items, |listed| listed.project_id.clone()),
        sequence_id: shared(&items, |listed| listed.sequence_id.clone()),
        snippets: items.into_iter().map(StoredSnippet::into_snippet).collect(),
        meta,
    }
}

/// The response to a batch, from its stored snippets.
pub(crate) fn batch(snippets: Vec<StoredSnippet>, mode: Mode) -> BatchResult {
    BatchResult {
        project_id: shared(&snippets, |listed| listed.project_id.clone()),
        sequence_id: shared(&snippets, |listed| listed.sequence_id.clone()),
        meta: ResultMeta {
            mode: Some(mode),
            track_id: shared(&snippets, |listed| listed.track_id.clone()),
            next_cursor: None,
        },
        snippets: snippets.into_iter().map(StoredSnippet::into_answered).collect(),
    }
}

/// The value of `field` if it is the same for all items.
fn shared<T: PartialEq>(items: &[StoredSnippet], field: impl Fn(&StoredSnippet) -> T) -> Option<T> {
    let first = field(items.first()?);
    items.iter().all(|item| field(item) == first).then_some(first)
}
