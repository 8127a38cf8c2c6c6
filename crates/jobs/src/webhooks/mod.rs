//! Webhooks: notifications of job states by the Standard Webhooks specification
//! (<https://www.standardwebhooks.com>).

mod model;
mod routes;
mod sender;

pub(crate) use model::Delivery;
pub use routes::router;
pub(crate) use sender::WebhookSender;
