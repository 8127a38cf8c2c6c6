//! Writer for chapters of Podcasting 2.0 (`.json`): <https://podcasting2.org/docs/podcast-namespace/tags/chapters>.

use serde_json::json;

use crate::loss::Export;
use crate::notes::{Annotations, chapters::chapters};

/// Formats chapters made of the events of at least 10 s, or one of the whole recording, as JSON of version 1.2.0; times in
/// seconds.
#[must_use]
pub fn podcast_chapters(annotations: &Annotations) -> Export {
    let (chapters, losses) = chapters(annotations);
    let chapters: Vec<_> = chapters
        .into_iter()
        .map(|chapter| {
            json!({
                "startTime": chapter.window.start().as_secs_f64(),
                "endTime": chapter.window.end().as_secs_f64(),
                "title": chapter.title,
            })
        })
        .collect();
    let document = json!({"version": "1.2.0", "chapters": chapters});
    Export { content: format!("{document:#}\n").into_bytes(), losses: losses.finish() }
}
