//! Webhooks and their deliveries.

use chrono::{DateTime, Utc};
use primitives::{Id, PageParams, Scope};
use sqlx::PgConnection;

/// A webhook, with the secret of its signatures.
#[derive(Clone, Debug)]
pub(crate) struct WebhookRow {
    pub(crate) id: Id,
    pub(crate) url: String,
    pub(crate) kinds: Vec<String>,
    pub(crate) states: Vec<String>,
    pub(crate) secret: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// Inserts a webhook, unless its owner has `limit` of them. Returns whether it was inserted.
pub(crate) async fn insert_webhook(
    conn: &mut PgConnection,
    scope: &Scope,
    new: &WebhookRow,
    limit: i64,
) -> sqlx::Result<bool> {
    // Serialises concurrent inserts of an owner, so that each counts the others.
    sqlx::query!(
        "-- jobs::lock_webhooks
         SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || $1 || ' ' || $2, 0))",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let inserted = sqlx::query!(
        "-- jobs::insert_webhook
         INSERT INTO webhooks (tenant_id, env, id, url, kinds, states, secret, created_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE (SELECT count(*) FROM webhooks WHERE tenant_id = $1 AND env = $2) < $9",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        new.id.as_str(),
        new.url,
        &new.kinds,
        &new.states,
        new.secret,
        new.created_at,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// All webhooks of an owner, oldest first.
pub(crate) async fn list_webhooks(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Vec<WebhookRow>> {
    sqlx::query_as!(
        WebhookRow,
        r#"-- jobs::list_webhooks
        SELECT id AS "id: Id", url, kinds, states, secret, created_at FROM webhooks
        WHERE tenant_id = $1 AND env = $2 ORDER BY created_at, id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn has_webhook(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- jobs::has_webhook
        SELECT EXISTS (SELECT FROM webhooks WHERE tenant_id = $1 AND env = $2 AND id = $3) AS "has!""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Deletes a webhook with its deliveries. Returns whether it existed.
pub(crate) async fn delete_webhook(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "-- jobs::delete_webhook
         DELETE FROM webhooks WHERE tenant_id = $1 AND env = $2 AND id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Deliveries of a webhook, newest first; one more than the page has.
pub(crate) async fn list_deliveries(
    conn: &mut PgConnection,
    scope: &Scope,
    webhook_id: &Id,
    page: &PageParams,
) -> sqlx::Result<Vec<crate::webhooks::Delivery>> {
    sqlx::query_as!(
        crate::webhooks::Delivery,
        r#"-- jobs::list_deliveries
        SELECT id AS "id: Id", job_id AS "job_id: Id", job_state, state, attempts, created_at, next_attempt_at,
            last_attempt_at, last_status, last_error
        FROM webhook_deliveries
        WHERE tenant_id = $1 AND env = $2 AND webhook_id = $3
          AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5))
        ORDER BY created_at DESC, id DESC LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        webhook_id.as_str(),
        page.after.as_ref().map(|cursor| cursor.key),
        page.after.as_ref().map(|cursor| cursor.id.as_str()),
        page.limit.with_next_row(),
    )
    .fetch_all(conn)
    .await
}

/// A delivery to be sent now.
#[derive(Clone, Debug)]
pub(crate) struct DueDelivery {
    pub(crate) tenant_id: Id,
    pub(crate) env: Id,
    pub(crate) webhook_id: Id,
    pub(crate) id: Id,
    pub(crate) job_id: Id,
    pub(crate) job_state: String,
    /// Number of this attempt.
    pub(crate) attempts: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) url: String,
    pub(crate) secret: String,
}

/// Takes deliveries that are due, at most `limit`: the oldest of each tenant first, but none of the tenants in `full`.
/// They are due again after a minute, in case this process dies.
pub(crate) async fn due_deliveries(
    conn: &mut PgConnection,
    full: &[String],
    limit: i64,
) -> sqlx::Result<Vec<DueDelivery>> {
    sqlx::query_as!(
        DueDelivery,
        r#"-- jobs::due_deliveries
        WITH tenants AS (
            SELECT tenant_id FROM webhook_deliveries
            WHERE state = 'pending' AND next_attempt_at <= clock_timestamp() AND tenant_id <> ALL ($1)
            GROUP BY tenant_id ORDER BY min(next_attempt_at)
        ), due AS (
            SELECT oldest.* FROM tenants CROSS JOIN LATERAL (
                SELECT d.tenant_id, d.env, d.webhook_id, d.id FROM webhook_deliveries d
                WHERE d.tenant_id = tenants.tenant_id AND d.state = 'pending'
                  AND d.next_attempt_at <= clock_timestamp()
                ORDER BY d.next_attempt_at, d.id LIMIT 1
                FOR UPDATE SKIP LOCKED
            ) oldest
            LIMIT $2
        )
        UPDATE webhook_deliveries d
        SET attempts = d.attempts + 1, last_attempt_at = clock_timestamp(),
            next_attempt_at = clock_timestamp() + interval '1 minute'
        FROM due JOIN webhooks w ON (w.tenant_id, w.env, w.id) = (due.tenant_id, due.env, due.webhook_id)
        WHERE (d.tenant_id, d.env, d.webhook_id, d.id) = (due.tenant_id, due.env, due.webhook_id, due.id)
        RETURNING d.tenant_id AS "tenant_id: Id", d.env AS "env: Id", d.webhook_id AS "webhook_id: Id", d.id AS "id: Id",
            d.job_id AS "job_id: Id", d.job_state, d.attempts, d.created_at, w.url, w.secret"#,
        full,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Result of an attempt to send a delivery.
#[derive(Debug)]
pub(crate) struct Sent {
    /// HTTP status, if there was an answer.
    pub(crate) status: Option<i32>,
    pub(crate) error: Option<String>,
    /// When the next attempt is due; `None` after the last one.
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
}

/// Writes the result of an attempt, unless a later one has begun.
pub(crate) async fn finish_delivery(
    conn: &mut PgConnection,
    delivery: &DueDelivery,
    sent: &Sent,
) -> sqlx::Result<()> {
    let state = match (&sent.error, sent.next_attempt_at) {
        (None, _) => "delivered",
        (Some(_), Some(_)) => "pending",
        (Some(_), None) => "failed",
    };
    sqlx::query!(
        "-- jobs::finish_delivery
         UPDATE webhook_deliveries SET state = $6, next_attempt_at = $7, last_status = $8, last_error = $9
         WHERE tenant_id = $1 AND env = $2 AND webhook_id = $3 AND id = $4 AND attempts = $5",
        delivery.tenant_id.as_str(),
        delivery.env.as_str(),
        delivery.webhook_id.as_str(),
        delivery.id.as_str(),
        delivery.attempts,
        state,
        sent.next_attempt_at.filter(|_| state == "pending"),
        sent.status,
        sent.error,
    )
    .execute(conn)
    .await?;
    Ok(())
}
