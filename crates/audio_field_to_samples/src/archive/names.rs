//! Names of the files in an archive: `asset-position-role-bpm.wav`.

use std::collections::HashMap;

use media_v2::{Artifact, ArtifactKind, MediaAsset};
use serde_json::Value;

/// Maximum length of the name of an asset, in bytes. File systems allow 255 bytes for a whole name.
const MAX_STEM: usize = 120;
/// Maximum length of a role, in bytes.
const MAX_ROLE: usize = 32;
/// Tempi that are part of names, in beats per minute.
const TEMPI: std::ops::RangeInclusive<f64> = 1.0..=1_000.0;

/// The sanitised name of an asset: its file name without the extension, else its id.
pub(super) fn stem(asset: &MediaAsset) -> String {
    let name = asset.meta.get("file_name").and_then(Value::as_str).unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let plain = sanitized(stem, MAX_STEM);
    if plain.is_empty() { sanitized(asset.id.as_str(), MAX_STEM) } else { plain }
}

/// Letters and digits of all scripts, `.`, `-` and `_` of `text`, with `_` in place of others, of at most `limit`
/// bytes, and without punctuation at both ends.
fn sanitized(text: &str, limit: usize) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        let is_plain = letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
        let letter = if is_plain { letter } else { '_' };
        if plain.len() + letter.len_utf8() > limit {
            break;
        }
        plain.push(letter);
    }
    plain.trim_matches(['.', '-', '_']).to_owned()
}

/// Role of samples of this kind; `None` if they are not samples.
pub(super) const fn role_of_kind(kind: ArtifactKind) -> Option<&'static str> {
    match kind {
        ArtifactKind::AudioHit => Some("hit"),
        ArtifactKind::AudioLoop => Some("loop"),
        ArtifactKind::AudioPhrase => Some("phrase"),
        ArtifactKind::AudioSampleNorm => Some("norm"),
        ArtifactKind::AudioSampleFx => Some("fx"),
        ArtifactKind::AudioResampled => Some("resampled"),
        _ => None,
    }
}

/// Makes names that are unique also where upper and lower case are the same.
#[derive(Debug, Default)]
pub(super) struct FileNames {
    /// Names without extension in lower case, with the number of the last name that was made of each.
    used: HashMap<String, u32>,
}

impl FileNames {
    /// A name for `artifact`, a sample of an asset with the sanitised name `asset`: the start in the recording has at
    /// least nine digits of ms, so that names sort by position. Parts that are not known are left out; a number
    /// distinguishes names that would be equal.
    pub(super) fn name(&mut self, asset: &str, artifact: &Artifact) -> String {
        let mut name = asset.to_owned();
        if let Some(start) = artifact.start {
            name.push_str(&format!("-{:09}", start.since_zero().as_millis_round().max(0)));
        }
        name.push_str(&format!("-{}", role(artifact)));
        if let Some(bpm) = bpm(artifact) {
            name.push_str(&format!("-{bpm}bpm"));
        }
        format!("{}.wav", self.unique(name))
    }

    fn unique(&mut self, name: String) -> String {
        let base = name.to_lowercase();
        let mut number = self.used.get(&base).copied().unwrap_or(0);
        let mut unique = name.clone();
        if number > 0 {
            while self.used.contains_key(&unique.to_lowercase()) {
                number += 1;
                unique = format!("{name}-{number}");
            }
            self.used.insert(unique.to_lowercase(), 1);
        }
        self.used.insert(base, number.max(1));
        unique
    }
}

/// The role in the artifact's metadata or that of its event, else that of its kind: `other` says less than `hit`.
fn role(artifact: &Artifact) -> String {
    let declared = artifact.meta.get("role").or_else(|| artifact.meta.get("event")?.get("role"));
    let role = sanitized(declared.and_then(Value::as_str).unwrap_or_default(), MAX_ROLE);
    if role.is_empty() || role == "other" {
        role_of_kind(artifact.kind).unwrap_or("sample").to_owned()
    } else {
        role
    }
}

/// The tempo of the artifact's event in beats per minute, with at most two decimals.
fn bpm(artifact: &Artifact) -> Option<f64> {
    let bpm = artifact.meta.get("event")?.get("bpm")?.as_f64()?;
    TEMPI.contains(&bpm).then(|| (bpm * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use media_time::AssetTime;
    use serde_json::json;

    use super::*;

    fn artifact(kind: ArtifactKind, start_ms: Option<i64>, meta: Value) -> Artifact {
        let id = |text: &str| text.parse().unwrap();
        Artifact {
            id: id("artifact_1"),
            parent_asset_id: id("asset_1"),
            tenant_id: id("t1"),
            env: id("dev"),
            kind,
            uri: String::new(),
            start: start_ms.map(AssetTime::from_millis),
            end: None,
            track_label: None,
            upstream_artifact_ids: Vec::new(),
            content_sha256: None,
            created_at: DateTime::UNIX_EPOCH,
            meta: meta.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn names_have_position_role_and_tempo() {
        let mut names = FileNames::default();
        let found = artifact(ArtifactKind::AudioLoop, Some(12_345), json!({"event": {"bpm": 119.999}}));
        assert_eq!(names.name("song", &found), "song-000012345-loop-120bpm.wav");
        let found = artifact(ArtifactKind::AudioLoop, Some(0), json!({"event": {"bpm": 99.5}}));
        assert_eq!(names.name("song", &found), "song-000000000-loop-99.5bpm.wav");
        let found = artifact(ArtifactKind::AudioHit, Some(1), json!({"event": {"role": "ki/ck"}}));
        assert_eq!(names.name("song", &found), "song-000000001-ki_ck.wav");
        let found = artifact(ArtifactKind::AudioHit, None, json!({"role": 1, "event": {"bpm": 1e300}}));
        assert_eq!(names.name("song", &found), "song-hit.wav");
    }

    #[test]
    fn equal_names_get_numbers() {
        let mut names = FileNames::default();
        let hit = artifact(ArtifactKind::AudioHit, Some(5), json!({}));
        let made = ["a", "A", "b", "a"].map(|asset| names.name(asset, &hit));
        let expected =
            ["a-000000005-hit.wav", "A-000000005-hit-2.wav", "b-000000005-hit.wav", "a-000000005-hit-3.wav"];
        assert_eq!(made, expected);
        let second = artifact(ArtifactKind::AudioHit, Some(5), json!({"role": "hit-2"}));
        assert_eq!(names.name("a", &second), "a-000000005-hit-2-2.wav");
    }

    #[test]
    fn asset_names_are_sanitised() {
        for (given, plain) in [
            ("talk", "talk"),
            ("Größe 1/2: a\\b", "Größe_1_2__a_b"),
            ("..-", ""),
            ("-rf *", "rf"),
            ("日本", "日本"),
        ] {
            assert_eq!(sanitized(given, MAX_STEM), plain, "{given}");
        }
        assert_eq!(sanitized(&"é".repeat(200), MAX_STEM).len(), MAX_STEM);
    }
}
