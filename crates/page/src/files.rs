//! The table of the page's files.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file of the page.
#[derive(Debug)]
pub(crate) struct File {
    /// Path below `web/`, and in the URL below `/app/`.
    path: &'static str,
    pub(crate) bytes: &'static [u8],
    /// A weak entity tag: the bytes may be sent compressed, and a strong one would name one encoding of them only.
    pub(crate) etag: String,
}

impl File {
    fn new(path: &'static str, bytes: &'static [u8]) -> Self {
        Self { path, bytes, etag: format!("W/\"{}\"", hex::encode(&Sha256::digest(bytes)[..16])) }
    }

    pub(crate) fn media_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}

/// The file at `path`.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

macro_rules! files {
    ($($path:literal,)*) => {
        /// Every file below `web/`, in order of paths; a test compares the two.
        static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
            vec![$(File::new($path, include_bytes!(concat!("../web/", $path))),)*]
        });
    };
}

files! {
    "i18n/de.js",
    "i18n/en.js",
    "icon.svg",
    "index.html",
    "lib/api.js",
    "lib/dom.js",
    "lib/drop.js",
    "lib/i18n.js",
    "lib/icon.js",
    "lib/jobs.js",
    "lib/place.js",
    "lib/preferences.js",
    "lib/preview.js",
    "lib/recording.js",
    "lib/session.js",
    "lib/stream.js",
    "lib/tasks.js",
    "lib/time.js",
    "lib/tus.js",
    "main.js",
    "make/grid.js",
    "make/kit.js",
    "make/pads.js",
    "make/panel.js",
    "make/pattern.js",
    "make/sequencer.js",
    "make/wave.js",
    "panels/corrections.js",
    "panels/edits.js",
    "panels/exports.js",
    "panels/inspector.js",
    "panels/lineage.js",
    "panels/lineage_graph.js",
    "panels/lineage_picture.js",
    "panels/panels.js",
    "panels/shots.js",
    "panels/tables.js",
    "panels/words.js",
    "player/keys.js",
    "player/player.js",
    "player/shots.js",
    "player/transport.js",
    "style/base.css",
    "style/parts.css",
    "style/recording.css",
    "timeline/axis.js",
    "timeline/dense.js",
    "timeline/draw.js",
    "timeline/gestures.js",
    "timeline/lanes.js",
    "timeline/theme.js",
    "timeline/tiles.js",
    "timeline/timeline.js",
    "views/dialog.js",
    "views/failure.js",
    "views/header.js",
    "views/help.js",
    "views/identify.js",
    "views/jobs.js",
    "views/recording.js",
    "views/recordings.js",
    "views/samples.js",
    "views/search.js",
    "views/tasks.js",
    "views/who.js",
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn files_below(directory: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn the_table_has_every_file_below_web() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web"));
        let mut found = Vec::new();
        files_below(root, root, &mut found);
        found.sort();
        let listed: Vec<&str> = FILES.iter().map(|file| file.path).collect();
        assert_eq!(listed, found);
    }

    #[test]
    fn every_file_has_a_media_type_and_a_tag_of_its_own() {
        let mut tags: Vec<&str> = FILES.iter().map(|file| file.etag.as_str()).collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), FILES.len());
        assert!(FILES.iter().all(|file| file.media_type() != "application/octet-stream"));
    }
}
