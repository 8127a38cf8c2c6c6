//! The SQL of voices, and of the speakers they are compared with.

use audio_speakers::{Embedding, SpeakerModels};
use chrono::{DateTime, Utc};
use http_kit::RequestContext;
use media_time::MediaTime;
use primitives::{Id, Scope};
use sqlx::{Acquire, PgConnection};

use crate::speakers::DetectedSpeaker;
use crate::voices::{EnrolledVoice, KnownVoice, MAX_VOICES};

/// Inserts a voice; `false` if the owner already has [`MAX_VOICES`]. Enrolments of one owner are serialized by a lock.
///
/// # Errors
/// Database errors.
pub async fn insert_voice(
    conn: &mut PgConnection,
    context: &RequestContext,
    voice: &EnrolledVoice,
    embedding: &Embedding,
) -> sqlx::Result<bool> {
    let Scope { tenant_id, env } = &context.scope;
    let mut transaction = conn.begin().await?;
    sqlx::query!(
        "-- audio_semantic_timeline::insert_voice: count under a lock, which ends with the transaction
        SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("voices|{tenant_id}|{env}"),
    )
    .execute(&mut *transaction)
    .await?;
    let inserted = sqlx::query!(
        r#"-- audio_semantic_timeline::insert_voice
        INSERT INTO voices (tenant_id, env, id, user_id, name, embedding, model_version, speech_us, created_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
        WHERE (SELECT count(*) FROM voices WHERE tenant_id = $1 AND env = $2) < $10"#,
        tenant_id.as_str(),
        env.as_str(),
        voice.id.as_str(),
        context.user_id.as_ref().map(Id::as_str),
        voice.name,
        embedding.values(),
        SpeakerModels::embedding_version(),
        MediaTime::from_millis(voice.speech_ms).as_micros(),
        voice.created_at,
        MAX_VOICES,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(inserted.rows_affected() == 1)
}

struct VoiceRow {
    id: Id,
    name: String,
    speech_us: i64,
    created_at: DateTime<Utc>,
}

impl From<VoiceRow> for EnrolledVoice {
    fn from(row: VoiceRow) -> Self {
        let speech_ms = MediaTime::from_micros(row.speech_us).as_millis_round();
        Self { id: row.id, name: row.name, speech_ms, created_at: row.created_at }
    }
}

/// The voice with this id, if any.
///
/// # Errors
/// Database errors.
pub async fn find_voice(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> sqlx::Result<Option<EnrolledVoice>> {
    let row = sqlx::query_as!(
        VoiceRow,
        r#"-- audio_semantic_timeline::find_voice
        SELECT id AS "id: Id", name, speech_us, created_at FROM voices
        WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(EnrolledVoice::from))
}

/// The owner's voices, newest first.
///
/// # Errors
/// Database errors.
pub async fn list_voices(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Vec<EnrolledVoice>> {
    let rows = sqlx::query_as!(
        VoiceRow,
        r#"-- audio_semantic_timeline::list_voices
        SELECT id AS "id: Id", name, speech_us, created_at FROM voices
        WHERE tenant_id = $1 AND env = $2 ORDER BY created_at DESC, id DESC LIMIT $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        MAX_VOICES,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(EnrolledVoice::from).collect())
}

/// Deletes a voice with its embedding; false if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete_voice(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        r#"-- audio_semantic_timeline::delete_voice
        DELETE FROM voices WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Inserts the embeddings of a timeline's speakers.
///
/// # Errors
/// Database errors.
pub async fn insert_speakers(
    conn: &mut PgConnection,
    scope: &Scope,
    timeline_id: &Id,
    speakers: &[DetectedSpeaker],
) -> sqlx::Result<()> {
    for found in speakers {
        let Some(embedding) = &found.embedding else { continue };
        sqlx::query!(
            r#"-- audio_semantic_timeline::insert_speakers
            INSERT INTO timeline_speakers (tenant_id, env, timeline_id, speaker_id, embedding, model_version)
            VALUES ($1, $2, $3, $4, $5, $6)"#,
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            timeline_id.as_str(),
            found.speaker.id,
            embedding.values(),
            SpeakerModels::embedding_version(),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The speakers of a timeline with embeddings comparable to the current model's: id and embedding.
///
/// # Errors
/// Database errors.
pub(crate) async fn find_speakers(
    conn: &mut PgConnection,
    scope: &Scope,
    timeline_id: &Id,
) -> sqlx::Result<Vec<(String, Embedding)>> {
    let rows = sqlx::query!(
        r#"-- audio_semantic_timeline::find_speakers
        SELECT speaker_id, embedding FROM timeline_speakers
        WHERE tenant_id = $1 AND env = $2 AND timeline_id = $3 AND model_version = ANY ($4)
        ORDER BY char_length(speaker_id), speaker_id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        timeline_id.as_str(),
        &SpeakerModels::comparable_versions(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.speaker_id, Embedding::new(&row.embedding)?))).collect())
}

/// The owner's voices with embeddings comparable to the current model's.
///
/// # Errors
/// Database errors.
pub(crate) async fn known_voices(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Vec<KnownVoice>> {
    let rows = sqlx::query!(
        r#"-- audio_semantic_timeline::known_voices
        SELECT name, embedding FROM voices
        WHERE tenant_id = $1 AND env = $2 AND model_version = ANY ($3) ORDER BY created_at DESC, id DESC LIMIT $4"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &SpeakerModels::comparable_versions(),
        MAX_VOICES,
    )
    .fetch_all(conn)
    .await?;
    let voice = |name, embedding: Vec<f32>| Some(KnownVoice { name, embedding: Embedding::new(&embedding)? });
    Ok(rows.into_iter().filter_map(|row| voice(row.name, row.embedding)).collect())
}
