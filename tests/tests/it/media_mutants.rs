//! Damaged recordings over HTTP: uploaded, analysed and drawn, or refused with a reason, never a 5xx. `make mutants-http`
//! sends many more.

use e2e::{Api, Deployment, Reply, media};
use serde_json::json;

use crate::analysis::ANALYZE;
use crate::mutants::Choice;

const RECORDINGS: usize = 50;
/// Fixtures of different containers and codecs, all below 250 KB.
const FIXTURES: [&str; 9] = [
    "click_120bpm.flac",
    "click_120bpm.m4a",
    "click_120bpm.mkv",
    "click_120bpm.mp3",
    "click_120bpm.ogg",
    "click_120bpm.opus",
    "click_120bpm.webm",
    "click_120bpm_edit_list.mp4",
    "no_audio_video.mp4",
];

/// Damages a recording in one place: bytes are replaced, cut off, removed or repeated, or its beginning is that of
/// another recording.
fn damage(bytes: &mut Vec<u8>, other: &[u8], choice: &mut Choice) {
    if bytes.is_empty() {
        return;
    }
    let length = (*choice.one(&[1_usize, 4, 64, 1_024])).min(bytes.len()).min(other.len());
    let at = choice.below(bytes.len() - length + 1);
    match choice.below(7) {
        0 | 1 => {
            // Headers are damaged more often than content.
            let part = (*choice.one(&[64_usize, 1_024, usize::MAX])).min(bytes.len());
            let at = choice.below(part);
            let flipped = bytes[at] ^ (1_u8 << choice.below(8));
            bytes[at] = *choice.one(&[0, 0xff, flipped]);
        }
        2 => bytes[at..at + length].fill_with(|| choice.below(256) as u8),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..at + length)),
        5 => {
            let part = bytes[at..at + length].to_vec();
            drop(bytes.splice(at..at, part));
        }
        _ => bytes[..length].copy_from_slice(&other[..length]),
    }
}

/// The code of a refusal, `None` for a success; any 5xx but those of a full queue fails the test.
fn refusal(reply: &Reply, mutant: &str) -> Option<String> {
    if reply.status < 300 {
        return None;
    }
    let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
    let is_busy = reply.status == 503 && ["busy", "queue_full"].contains(&code.as_str());
    assert!(reply.status < 500 || is_busy, "{mutant}: {} {}", reply.status, reply.text());
    Some(code)
}

/// Sends a mutant to every call that decodes it; returns the codes of the refusals.
async fn try_mutant(api: &Api, name: &str, bytes: Vec<u8>, mutant: &str) -> Vec<String> {
    let upload = api.upload_bytes(name, bytes, &[]).await;
    if let Some(code) = refusal(&upload, mutant) {
        return vec![code];
    }
    let asset = upload.id();
    let analysis = api.post(ANALYZE, &json!({"asset_id": asset})).await;
    let waveform = api.get(&format!("/media-v2/assets/{asset}/waveform")).await;
    [analysis, waveform].iter().filter_map(|reply| refusal(reply, mutant)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mutated_recordings_never_cause_a_server_error() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let recordings = FIXTURES.map(|name| (name, std::fs::read(media::fixture(name)).unwrap()));
    let mut choice = Choice(0x5eed);
    let mut refusals = Vec::new();
    for number in 0..RECORDINGS {
        let (name, bytes) = &recordings[number % recordings.len()];
        let mut bytes = bytes.clone();
        for _ in 0..*choice.one(&[1, 2, 8]) {
            let (_, other) = choice.one(&recordings);
            damage(&mut bytes, other, &mut choice);
        }
        let mutant = format!("mutant {number} of {name}");
        refusals.extend(try_mutant(&api, name, bytes, &mutant).await);
    }
    assert!(!refusals.is_empty(), "the damage affects nothing");
    assert_eq!(api.get("/healthz").await.status, 200);
    server.stop().await;
}
