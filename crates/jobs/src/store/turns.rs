//! Turns of tenants: the ticket of the last job of each in a lane and priority.

use primitives::{Id, Scope};
use sqlx::PgConnection;

/// The ticket after the tenant's last one, or the one now served if that is later: start-time fair queueing (Goyal, Vin
/// and Cheng 1996). Equal tickets belong to different tenants; the queue leaves their order open.
pub(crate) async fn next_ticket(
    conn: &mut PgConnection,
    lane: &str,
    priority: &str,
    tenant_id: &Id,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "-- jobs::next_ticket
         WITH served AS (
             SELECT coalesce(max(ticket), 0) AS ticket FROM job_served_in_lane WHERE lane = $1 AND priority = $2
         )
         INSERT INTO job_turns AS t (lane, priority, tenant_id, last_ticket)
         SELECT $1, $2, $3, ticket FROM served
         ON CONFLICT (lane, priority, tenant_id) DO UPDATE
             SET last_ticket = greatest(t.last_ticket + 1, (SELECT ticket FROM served))
         RETURNING last_ticket",
        lane,
        priority,
        tenant_id.as_str()
    )
    .fetch_one(conn)
    .await
}

/// Locks the turn of a job's tenant, so that no other job of it is queued, cancelled or retried until the transaction
/// ends. To be called before the job's row is locked, in the order in which jobs are queued.
pub(crate) async fn lock_turn(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::lock_turn
         SELECT t.last_ticket FROM jobs j JOIN job_turns t USING (lane, priority, tenant_id)
         WHERE j.tenant_id = $1 AND j.env = $2 AND j.id = $3
         FOR UPDATE OF t",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await
    .map(drop)
}

/// Moves the turn of a cancelled job's tenant back: to the last ticket of its jobs that still wait, or the one now
/// served if that is later. Otherwise its next job would wait as if the cancelled ones had run.
pub(crate) async fn return_turn(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::return_turn
         UPDATE job_turns t SET last_ticket = least(t.last_ticket, greatest(
             coalesce((SELECT s.ticket FROM job_served_in_lane s WHERE s.lane = t.lane AND s.priority = t.priority), 0),
             (SELECT max(w.ticket) FROM jobs w
              WHERE w.state = 'queued' AND w.tenant_id = t.tenant_id AND w.lane = t.lane AND w.priority = t.priority)
         ))
         FROM jobs j
         WHERE j.tenant_id = $1 AND j.env = $2 AND j.id = $3
           AND t.lane = j.lane AND t.priority = j.priority AND t.tenant_id = j.tenant_id",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .execute(conn)
    .await
    .map(drop)
}
