//! Crates depend only on lower layers, never on a sibling (`ARCHITECTURE.md`).

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Every crate, also planned ones, and its layer.
const LAYERS: &[(&str, u8)] = &[
    ("media_time", 0),
    ("spectra", 0),
    ("primitives", 0),
    ("db", 0),
    ("blob_store", 0),
    // Used by tests only.
    ("fake_s3", 0),
    ("confined_process", 0),
    ("outbound", 0),
    ("scheduling", 1),
    ("media_decode", 1),
    ("audio_asr", 1),
    ("audio_speakers", 1),
    ("audio_fingerprint", 1),
    ("interchange", 1),
    ("remote_source", 1),
    ("http_kit", 2),
    ("audio_signal", 2),
    ("access", 3),
    ("jobs", 3),
    ("media_v2", 4),
    // Below the engines that use it: they need its client trait and wire types.
    ("video_timeline", 4),
    ("audio_semantic_timeline", 5),
    ("audio_pattern_engine", 5),
    // Used by tests only.
    ("test_kit", 5),
    ("audio_mix", 6),
    ("audio_to_video_origin", 6),
    // Below `edits`, which makes edits of what a search finds.
    ("library", 6),
    ("audio_field_to_samples", 7),
    ("audio_identify", 7),
    ("video_render", 7),
    ("origin_snippets", 8),
    ("lineage", 8),
    ("housekeeping", 8),
    ("exports", 8),
    ("edits", 8),
    ("page", 8),
    ("harkback", 9),
    ("e2e", 10),
];

/// Crates of which the program uses nothing.
const OF_TESTS: [&str; 2] = ["fake_s3", "test_kit"];

#[test]
fn every_crate_depends_on_lower_layers_only() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let layer = |name: &str| {
        *layers.get(name).unwrap_or_else(|| {
            panic!("crate `{name}` has no layer: give it one in {} and in ARCHITECTURE.md", file!())
        })
    };
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let upper = package.name.as_str();
        let own = layer(upper);
        // Dependencies of a crate's tests only are not part of the program.
        let ours = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some() && dependency.kind != DependencyKind::Development);
        for dependency in ours {
            let lower = dependency.name.as_str();
            if layer(lower) >= own {
                wrong.push(format!("{upper} (layer {own}) uses {lower} (layer {})", layer(lower)));
            }
            if OF_TESTS.contains(&lower) && upper != "e2e" {
                wrong.push(format!("{upper} uses {lower} outside its tests"));
            }
        }
    }
    assert!(wrong.is_empty(), "dependencies against the layers:\n{}", wrong.join("\n"));
}
