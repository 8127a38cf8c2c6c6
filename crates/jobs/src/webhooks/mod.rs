//! Webhooks: an owner is told of jobs, as the Standard Webhooks specification has it
//! (<https://www.standardwebhooks.com>).

mod model;
mod routes;
mod sender;

pub(crate) use model::Delivery;
pub use routes::router;
pub(crate) use sender::WebhookSender;
