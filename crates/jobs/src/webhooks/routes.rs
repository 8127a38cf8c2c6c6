use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_kit::codes::{INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{ContextJson, Json, NoQuery, Path, Problem, Query, RequestContext, path_id};
use primitives::{Id, KeysetCursor, Page, PageParams, random_bytes};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Delivery, DeliveryPage, NewWebhook, Webhook, WebhookList};
use crate::codes::{TOO_MANY_WEBHOOKS, WEBHOOK_NOT_FOUND};
use crate::heavy_calls::check_kind;
use crate::model::JobState;
use crate::service::Jobs;
use crate::store::{self, WebhookRow};

/// Maximum number of webhooks of an owner.
const MAX_WEBHOOKS: i64 = 20;
const SECRET_BYTES: usize = 32;
const SECRET_PREFIX: &str = "whsec_";

/// The routes under `/webhooks`.
pub fn router(jobs: Jobs) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(delete))
        .routes(routes!(deliveries))
        .with_state(jobs)
}

http_kit::context_fields!(NewWebhook);

http_kit::error_responses!(CreateErrors: TOO_MANY_WEBHOOKS, INVALID_BODY);

/// Create a webhook
///
/// Each matching change of a job's state is sent to its URL, signed by the Standard Webhooks specification, at most 10
/// times within a day until it is answered 2xx. Only this answer contains the secret.
#[utoipa::path(
    post, path = "/webhooks", operation_id = "create_webhook", tag = "jobs", request_body = NewWebhook,
    responses((status = 201, body = Webhook), CreateErrors)
)]
async fn create(
    State(jobs): State<Jobs>,
    ContextJson(context, new): ContextJson<NewWebhook>,
) -> Result<Response, Problem> {
    let url = jobs.outbound().parse(&new.url);
    let url = url.map_err(|error| Problem::invalid_field("/url", error.to_string()))?;
    for (index, kind) in new.kinds.iter().enumerate() {
        check_kind(kind).map_err(|detail| Problem::invalid_field(format!("/kinds/{index}"), detail))?;
    }
    let secret = random_bytes::<SECRET_BYTES>().map_err(Problem::internal)?;
    let row = WebhookRow {
        id: Id::for_write("webhook", 0),
        url: url.into(),
        kinds: without_duplicates(new.kinds),
        states: states(new.states),
        secret: STANDARD.encode(secret),
        created_at: jobs.now(),
    };
    let mut transaction = jobs.pool().begin().await?;
    // After a crash, a retry under the same Idempotency-Key finds the webhook of the first attempt.
    let known = store::list_webhooks(&mut transaction, &context.scope).await?;
    let made = match known.into_iter().find(|known| known.id == row.id) {
        Some(known) => known,
        None if store::insert_webhook(&mut transaction, &context.scope, &row, MAX_WEBHOOKS).await? => row,
        None => {
            let detail = format!("there are {MAX_WEBHOOKS} webhooks, the maximum; delete one first");
            return Err(Problem::new(TOO_MANY_WEBHOOKS, detail));
        }
    };
    transaction.commit().await?;
    let secret = format!("{SECRET_PREFIX}{}", made.secret);
    Ok((StatusCode::CREATED, Json(Webhook { secret: Some(secret), ..webhook(made) })).into_response())
}

/// Names of `states` without duplicates; the final states when none is given.
fn states(mut states: Vec<JobState>) -> Vec<String> {
    if states.is_empty() {
        states = vec![JobState::Succeeded, JobState::Failed, JobState::Cancelled];
    }
    without_duplicates(states.into_iter().map(|state| state.as_str().to_owned()))
}

fn without_duplicates(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

fn webhook(row: WebhookRow) -> Webhook {
    let WebhookRow { id, url, kinds, states, created_at, .. } = row;
    Webhook { id, url, kinds, states, secret: None, created_at }
}

/// List webhooks, oldest first
#[utoipa::path(
    get, path = "/webhooks", operation_id = "list_webhooks", tag = "jobs",
    responses((status = 200, body = WebhookList))
)]
async fn list(
    State(jobs): State<Jobs>,
    context: RequestContext,
    _: NoQuery,
) -> Result<Json<WebhookList>, Problem> {
    let mut conn = jobs.pool().acquire().await?;
    let rows = store::list_webhooks(&mut conn, &context.scope).await?;
    Ok(Json(WebhookList { items: rows.into_iter().map(webhook).collect() }))
}

fn webhook_id(text: &str) -> Result<Id, Problem> {
    path_id(text, WEBHOOK_NOT_FOUND)
}

fn not_found(id: &Id) -> Problem {
    Problem::new(WEBHOOK_NOT_FOUND, format!("there is no webhook {id}"))
}

http_kit::error_responses!(DeleteErrors: WEBHOOK_NOT_FOUND);

/// Delete a webhook
///
/// Its deliveries are deleted too, also those not sent yet.
#[utoipa::path(
    delete, path = "/webhooks/{id}", operation_id = "delete_webhook", tag = "jobs", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted"), DeleteErrors)
)]
async fn delete(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    let id = webhook_id(&id)?;
    let mut conn = jobs.pool().acquire().await?;
    let deleted = store::delete_webhook(&mut conn, &context.scope, &id).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(not_found(&id)) }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListDeliveries {
    /// Maximum number of deliveries on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

http_kit::error_responses!(DeliveriesErrors: WEBHOOK_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the deliveries of a webhook, newest first
///
/// Deliveries are retained as long as finished jobs.
#[utoipa::path(
    get, path = "/webhooks/{id}/deliveries", operation_id = "list_webhook_deliveries", tag = "jobs",
    params(("id" = String, Path), ListDeliveries),
    responses((status = 200, body = DeliveryPage), DeliveriesErrors)
)]
async fn deliveries(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<ListDeliveries>,
) -> Result<Json<DeliveryPage>, Problem> {
    let (id, page) = (webhook_id(&id)?, PageParams::new(query.limit, query.cursor.as_deref())?);
    let mut conn = jobs.pool().acquire().await?;
    if !store::has_webhook(&mut conn, &context.scope, &id).await? {
        return Err(not_found(&id));
    }
    let rows = store::list_deliveries(&mut conn, &context.scope, &id, &page).await?;
    let cursor = |row: &Delivery| KeysetCursor { key: row.created_at, id: row.id.clone() };
    let Page { items, next_cursor } = Page::from_rows(rows, page.limit, cursor);
    Ok(Json(DeliveryPage { items, next_cursor }))
}
