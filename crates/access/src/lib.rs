//! Access control: API keys, JSON web tokens, signed links, and protection against pages of other sites.
//!
//! - [`Access`] is the policy of a service; [`enforce`] the middleware that applies it to every call;
//! - [`ApiKeys`] creates, lists and revokes keys;
//! - [`Links`] signs and verifies links; [`router`] is `POST /media-v2/links`.
//!
//! An authenticated caller gets the context of its key or token: the middleware writes tenant, environment and user
//! into the headers that [`http_kit::RequestContext`] is read from. Handlers do not know how a caller was
//! authenticated.

mod api_keys;
mod base_url;
mod browsers;
mod caller;
pub mod codes;
mod error;
mod jwt;
mod layer;
mod links;
mod routes;
mod store;

pub use api_keys::{ApiKey, ApiKeys, NewApiKey};
pub use base_url::BaseUrl;
pub use browsers::BrowserPolicy;
pub use caller::Caller;
pub use error::{ERRORS, Error};
pub use jwt::{JwtSettings, JwtVerifier};
pub use layer::{Access, Authentication, READING_POSTS, enforce};
pub use links::Links;
pub use routes::router;
