//! Names of speakers, by enrolled voices in the database.

use audio_speakers::{Embedding, SpeakerModels};
use chrono::DateTime;
use db::testing::TestDatabase;
use primitives::WriteSeed;

use super::tests::{asset, context, service, with_ffmpeg};
use super::*;
use crate::backend::Measured;
use crate::speakers::{DetectedSpeaker, Speaker};
use crate::voice_store;
use crate::voices::{EnrolledVoice, MAX_VOICES, VoiceRequest};

fn embedding(dimension: usize) -> Embedding {
    let mut values = [0.01; 192];
    values[dimension] = 1.0;
    Embedding::new(&values).unwrap()
}

fn speaker(number: usize) -> DetectedSpeaker {
    let speaker = Speaker { id: format!("S{number}"), name: None, speech_ms: 5_000, confidence: 0.9 };
    DetectedSpeaker { speaker, embedding: Some(embedding(number)) }
}

fn voice(id: &str, name: &str) -> EnrolledVoice {
    let created_at = DateTime::UNIX_EPOCH;
    EnrolledVoice { id: id.parse().unwrap(), name: name.to_owned(), speech_ms: 4_000, created_at }
}

#[tokio::test]
async fn speakers_have_the_names_of_enrolled_voices() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, with_ffmpeg());
    let (context, asset) = (context(), asset(&database, None).await);
    let params = EffectiveParams { speakers: Some(Default::default()), ..EffectiveParams::default() };
    let selection = timelines.selection_for(&params).await.unwrap();
    let key = AnalysisKey::new(&context, asset.id.clone(), None, params, &selection).unwrap();
    let measured =
        Measured { duration_ms: 10_000, speakers: Some(vec![speaker(1), speaker(2)]), ..Measured::default() };
    let input = AnalysisInput::Asset(asset);
    let (made, _) = timelines.register(&context.scope, &key, &selection, &input, measured).await.unwrap();
    let names = async || {
        let timeline = timelines.get(&context.scope, &made.id).await.unwrap();
        let in_meta = timeline.artifact_meta["speakers"].clone();
        let speakers = timeline.summary.meta.run.speakers.unwrap();
        assert_eq!(in_meta, serde_json::to_value(&speakers).unwrap());
        speakers.into_iter().map(|speaker| speaker.name.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["", ""]);

    let mut conn = database.pool.acquire().await.unwrap();
    let other = RequestContext {
        scope: Scope { tenant_id: "t2".parse().unwrap(), ..context.scope.clone() },
        ..context.clone()
    };
    for (owner, id, name, dimension) in
        [(&context, "v1", "Ada", 2), (&other, "v2", "Eve", 1), (&context, "v3", "Bob", 7)]
    {
        assert!(
            voice_store::insert_voice(&mut conn, owner, &voice(id, name), &embedding(dimension))
                .await
                .unwrap()
        );
    }
    assert_eq!(names().await, ["", "Ada"]);
    let listed = timelines.voices(&context.scope).await.unwrap().items;
    assert_eq!(listed, [voice("v3", "Bob"), voice("v1", "Ada")]);

    let id = "v1".parse().unwrap();
    assert!(matches!(timelines.forget_voice(&other.scope, &id).await, Err(Error::VoiceNotFound(_))));
    timelines.forget_voice(&context.scope, &id).await.unwrap();
    assert_eq!(names().await, ["", ""]);
    assert!(matches!(timelines.forget_voice(&context.scope, &id).await, Err(Error::VoiceNotFound(_))));
}

#[tokio::test]
async fn number_of_voices_is_limited() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, with_ffmpeg());
    let mut conn = database.pool.acquire().await.unwrap();
    for number in 0..MAX_VOICES {
        let voice = voice(&format!("v{number}"), "Ada");
        assert!(voice_store::insert_voice(&mut conn, &context(), &voice, &embedding(1)).await.unwrap());
    }
    let more = voice_store::insert_voice(&mut conn, &context(), &voice("more", "Ada"), &embedding(1)).await;
    assert!(!more.unwrap());
    let listed = timelines.voices(&context().scope).await.unwrap().items.len();
    assert_eq!(listed, usize::try_from(MAX_VOICES).unwrap());
}

#[tokio::test]
async fn concurrent_enrolments_respect_the_voice_limit() {
    let database = TestDatabase::create().await;
    let mut conn = database.pool.acquire().await.unwrap();
    for number in 1..MAX_VOICES {
        let voice = voice(&format!("v{number}"), "Ada");
        assert!(voice_store::insert_voice(&mut conn, &context(), &voice, &embedding(1)).await.unwrap());
    }
    // The other inserts see the count of the first only after its commit.
    let inserts = (0..4).map(|number| {
        let pool = database.pool.clone();
        tokio::spawn(async move {
            let mut conn = pool.acquire().await.unwrap();
            let voice = voice(&format!("more{number}"), "Ada");
            voice_store::insert_voice(&mut conn, &context(), &voice, &embedding(1)).await.unwrap()
        })
    });
    let inserts: Vec<_> = inserts.collect();
    let mut kept = 0;
    for insert in inserts {
        kept += usize::from(insert.await.unwrap());
    }
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn enrolment_retry_returns_the_existing_voice() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, with_ffmpeg());
    let asset = asset(&database, None).await;
    let body =
        serde_json::json!({"name": "Ada", "window": {"asset_id": asset.id, "start_ms": 0, "end_ms": 9_000}});
    let request: VoiceRequest = serde_json::from_value(body).unwrap();
    let seed = Some(WriteSeed::new("seed"));
    let made = WriteSeed::scope(seed.clone(), async {
        let made = voice(Id::for_write("voice", 0).as_str(), "Ada");
        let mut conn = database.pool.acquire().await.unwrap();
        assert!(voice_store::insert_voice(&mut conn, &context(), &made, &embedding(1)).await.unwrap());
        made
    })
    .await;
    // Without speaker models no new voice can be enrolled, so this one is the earlier one.
    let again = WriteSeed::scope(seed, timelines.enrol(&context(), &request)).await;
    assert_eq!(again.unwrap(), made);
    let other = WriteSeed::scope(Some(WriteSeed::new("other")), timelines.enrol(&context(), &request)).await;
    assert!(other.is_err());
}

#[tokio::test]
async fn enrolment_rejects_names_with_control_characters() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, with_ffmpeg());
    for name in ["A\0da", "A\nda"] {
        let body = serde_json::json!({"name": name, "artifact_id": "a"});
        let request: VoiceRequest = serde_json::from_value(body).unwrap();
        let refused = timelines.enrol(&context(), &request).await;
        assert!(
            matches!(refused, Err(Error::InvalidVoice { pointer: "/name", .. })),
            "{name:?}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn voices_of_other_models_are_not_compared() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, with_ffmpeg());
    let mut conn = database.pool.acquire().await.unwrap();
    voice_store::insert_voice(&mut conn, &context(), &voice("v1", "Ada"), &embedding(1)).await.unwrap();
    let known = async || {
        let mut conn = database.pool.acquire().await.unwrap();
        voice_store::known_voices(&mut conn, &context().scope).await.unwrap().len()
    };
    let keep_as = async |version: String| {
        sqlx::query("UPDATE voices SET model_version = $1")
            .bind(version)
            .execute(&database.pool)
            .await
            .unwrap();
    };
    let [ours, earlier] = SpeakerModels::comparable_versions();
    assert_eq!((known().await, ours.clone()), (1, SpeakerModels::embedding_version()));
    // The same network under its earlier version name.
    keep_as(earlier).await;
    assert_eq!(known().await, 1);
    keep_as(format!("{ours}0")).await;
    assert_eq!(known().await, 0);
    // The voice is still listed and can be deleted.
    assert_eq!(timelines.voices(&context().scope).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn missing_speaker_models_are_a_fallback_reason_and_part_of_the_version() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, with_ffmpeg());
    let plain = EffectiveParams::default();
    let asked = EffectiveParams { speakers: Some(Default::default()), ..plain.clone() };
    let (without, with) =
        (timelines.selection_for(&plain).await.unwrap(), timelines.selection_for(&asked).await.unwrap());
    assert_eq!(without.fallback_reason, None);
    assert!(with.fallback_reason.unwrap().contains("harkback models pull speakers"));
    assert_eq!(with.backend.version(&asked), without.backend.version(&plain) + "+speakers=none");
    assert_eq!(timelines.selection().await.unwrap().backend.version(&plain), without.backend.version(&plain));
}
